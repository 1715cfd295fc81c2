"""Turns the document of a campaign into its terms, or into everything that is wrong with it."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from saleor_retention.engine.campaigns.calendar import HOLIDAYS, OWN, PUBLIC
from saleor_retention.engine.campaigns.quiet import QuietHours
from saleor_retention.engine.campaigns.terms import (
    Audience,
    Benefit,
    CampaignTerms,
    Cap,
    Channel,
    Message,
    SendLimits,
    Texts,
    Trigger,
    TriggerKind,
    Via,
)
from saleor_retention.engine.fields import Fields, did_you_mean, shown
from saleor_retention.engine.question_documents import KEY_LENGTH_MAX
from saleor_retention.engine.rules import RuleProblem
from saleor_retention.engine.segments.bands import Band

LANGUAGES = ("en", "zh-hant", "zh-hans")
SUBJECT_LENGTH_MAX = 200
TEXT_LENGTH_MAX = 20_000
HTML_LENGTH_MAX = 100_000
NAME_LENGTH_MAX = 64
SEGMENTS_MAX = 20
OWN_DAYS_MAX = 100
VARIANTS_MAX = 20
REF_LENGTH_MAX = 40
DAYS_BEFORE_MAX = 60
DAYS_AFTER_MAX = 730
USEFUL_DAYS_MAX = 60
HOLDOUT_DAYS_MAX = 365
PURPOSE = "marketing"

_TIME = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]\Z", re.ASCII)
_ENTERED = frozenset({Band.SLEEPING, Band.AT_RISK, Band.LOST})
_BEFORE = frozenset({TriggerKind.BIRTHDAY, TriggerKind.ANNIVERSARY, TriggerKind.HOLIDAY})
_SEVERAL = {TriggerKind.POINTS_EXPIRING: [30, 7, 1], TriggerKind.COUPON_EXPIRING: [3]}
"""Kinds that remind on several days before, and on which where nothing is said."""
_AFTER = frozenset({TriggerKind.SECOND_PURCHASE, TriggerKind.SURVEY, TriggerKind.WELCOME})


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a program lends to a campaign: the slugs that it may name."""

    segments: Collection[str]
    tiers: Collection[str]
    questionnaires: Collection[str] = ()
    events: Collection[str] = ()


def parse_campaign(
    document: Any, around: Surroundings
) -> tuple[CampaignTerms | None, list[RuleProblem]]:
    """Return what a document means and every problem in it; the terms are None where there is one.

    Templates are held against their engine elsewhere (``services.campaigning.messages``).
    """
    problems: list[RuleProblem] = []
    top = Fields(document, "", problems, what="the campaign")
    top.require("trigger", "what makes a customer due")
    trigger = _trigger(top.section("trigger"), around)
    message = _message(top.section("message"), around) if top.has("message") else None
    benefit = _benefit(top.section("benefit"))
    if message is None and not benefit.is_some and not problems:
        top.note("message", "REQUIRED", "is required, or a benefit: a campaign does something.")
    terms = CampaignTerms(
        trigger=trigger,
        message=message,
        benefit=benefit,
        audience=_audience(top.section("audience"), around),
        limits=_limits(top.section("limits")),
        holdout_per_mille=top.whole("holdout_per_mille", 0, high=999),
        holdout_window_days=top.whole("holdout_window_days", 30, low=1, high=HOLDOUT_DAYS_MAX),
    )
    top.close()
    return (None if problems else terms), problems


def _trigger(fields: Fields, around: Surroundings) -> Trigger:
    fields.require("kind", "one of " + ", ".join(TriggerKind))
    kind = fields.choice("kind", TriggerKind.ONCE)
    trigger = Trigger(kind)
    if not fields.is_clean("kind"):
        return trigger  # which keys belong to it is not known
    if kind is TriggerKind.ONCE:
        fields.require("on", "the day")
        trigger = Trigger(kind, on=fields.date("on"))
    elif kind in _BEFORE:
        before = (fields.whole("days_before", 0, high=DAYS_BEFORE_MAX),)
        holiday, own = _holiday(fields) if kind is TriggerKind.HOLIDAY else ("", ())
        trigger = Trigger(kind, before, holiday=holiday, own_days=own)
    elif kind in _SEVERAL:
        trigger = Trigger(kind, _several_days(fields, _SEVERAL[kind]))
    elif kind is TriggerKind.POINTS_EXPIRING_NEXT_MONTH:
        trigger = Trigger(kind, day_of_month=fields.whole("day_of_month", 1, low=1, high=28))
    elif kind in _AFTER:
        low = 0 if kind is TriggerKind.WELCOME else 1
        days = fields.whole("days_after", low, low=low, high=DAYS_AFTER_MAX)
        trigger = Trigger(kind, days_after=days)
    elif kind is TriggerKind.WIN_BACK:
        trigger = Trigger(kind, band=_band(fields))
    elif kind is TriggerKind.RUN_OUT:
        days = fields.whole("days_before", 3, high=DAYS_BEFORE_MAX)
        trigger = Trigger(kind, (days,), variants=_variants(fields))
    elif kind in _NAMING:
        trigger = _NAMING[kind](fields, kind, around)
    fields.close()
    return trigger


def _of_segment(fields: Fields, kind: TriggerKind, around: Surroundings) -> Trigger:
    fields.require("segment", "the slug of a segment")
    (name, *_) = _known(fields, "segment", [fields.take("segment")], around.segments) or ("",)
    return Trigger(kind, segment=name)


def _of_event(fields: Fields, kind: TriggerKind, around: Surroundings) -> Trigger:
    fields.require("event", "the kind of an event")
    (name, *_) = _known(fields, "event", [fields.take("event")], around.events) or ("",)
    return Trigger(kind, days_after=fields.whole("days_after", 0, high=DAYS_AFTER_MAX), event=name)


def _announcement(fields: Fields, kind: TriggerKind, _around: Surroundings) -> Trigger:
    """Read what is announced: one thing alone; goods have no first day of their own."""
    trigger = Trigger(
        kind,
        on=fields.date("on"),
        product=fields.text("product", REF_LENGTH_MAX),
        variant=fields.text("variant", REF_LENGTH_MAX),
        offer=fields.slug("offer", NAME_LENGTH_MAX),
    )
    first, *more = [key for key in ("product", "variant", "offer") if fields.has(key)] or [""]
    if not first:
        fields.note("offer", "REQUIRED", "is required, or product or variant: what is announced.")
    for key in more:
        fields.note(key, "ONE_THING", f"and {first} are two things: announce one.")
    if first in ("product", "variant"):
        fields.require("on", "the day")
    return trigger


_NAMING: Mapping[TriggerKind, Callable[[Fields, TriggerKind, Surroundings], Trigger]] = {
    TriggerKind.SEGMENT_ENTERED: _of_segment,
    TriggerKind.SEGMENT_LEFT: _of_segment,
    TriggerKind.EVENT: _of_event,
    TriggerKind.ANNOUNCE: _announcement,
}
"""Kinds that name something that is there."""


def _holiday(fields: Fields) -> tuple[str, tuple[dt.date, ...]]:
    fields.require("holiday", "the name of a day")
    name = fields.text("holiday", 2 * NAME_LENGTH_MAX)
    is_public = name.startswith(PUBLIC) and name.removeprefix(PUBLIC).partition(":")[2]
    if name and name not in HOLIDAYS and not is_public:
        rule = (
            f"must be one of {', '.join(HOLIDAYS)}, or public:<country>:<name>; "
            f"it is {shown(name)}{did_you_mean(name, HOLIDAYS)}"
        )
        fields.note("holiday", "UNKNOWN_CHOICE", rule)
    if name != OWN:
        return name, ()
    fields.require("days", "the days of an own holiday")
    days: list[dt.date] = []
    for index, day in enumerate(fields.rows("days", OWN_DAYS_MAX)):
        one = Fields({str(index): day}, fields.at("days"), fields.problems)
        if (found := one.date(str(index))) is not None:
            days.append(found)
    return name, tuple(sorted(set(days)))


def _several_days(fields: Fields, otherwise: list[int]) -> tuple[int, ...]:
    rows = fields.rows("days_before", 10) if fields.has("days_before") else otherwise
    days = set()
    for index, row in enumerate(rows):
        one = Fields({str(index): row}, fields.at("days_before"), fields.problems)
        days.add(one.whole(str(index), 1, low=1, high=DAYS_BEFORE_MAX))
    if not rows and fields.is_clean("days_before"):
        fields.note("days_before", "EMPTY", "names no day.")
    return tuple(sorted(days, reverse=True))


def _variants(fields: Fields) -> tuple[str, ...]:
    fields.require("variants", "the variants that run out")
    found: list[str] = []
    for index, ref in enumerate(fields.rows("variants", VARIANTS_MAX)):
        one = Fields({str(index): ref}, fields.at("variants"), fields.problems)
        found.append(one.text(str(index), REF_LENGTH_MAX))
    if not found and fields.is_clean("variants"):
        fields.note("variants", "EMPTY", "names no variant.")
    return tuple(dict.fromkeys(found))


def _band(fields: Fields) -> Band:
    fields.require("band", "sleeping, at_risk or lost")
    band = fields.choice("band", Band.LOST)
    if band not in _ENTERED:
        fields.note("band", "UNKNOWN_CHOICE", "must be sleeping, at_risk or lost.")
    return band


def _audience(fields: Fields, around: Surroundings) -> Audience:
    audience = Audience(
        segments=_names(fields, "segments", around.segments),
        without=_names(fields, "without", around.segments),
        tiers=_names(fields, "tiers", around.tiers),
    )
    fields.close()
    return audience


def _names(fields: Fields, key: str, known: Collection[str]) -> frozenset[str]:
    return frozenset(_known(fields, key, fields.rows(key, SEGMENTS_MAX), known))


def _known(fields: Fields, key: str, names: list[Any], known: Collection[str]) -> list[str]:
    found = []
    for name in names:
        if isinstance(name, str) and name in known:
            found.append(name)
        elif name is not None:
            rule = f"names {shown(name)}, which is not there{did_you_mean(name, known)}"
            fields.note(key, "UNKNOWN_NAME", rule)
    return found


def _message(fields: Fields, around: Surroundings) -> Message:
    fields.require("channel", "email or sms")
    channel = fields.choice("channel", Channel.EMAIL)
    via = fields.choice("via", Via.MAIL)
    purpose = fields.slug("purpose", KEY_LENGTH_MAX) or PURPOSE
    fields.require("texts", "by language: " + ", ".join(LANGUAGES))
    texts = []
    for language, content in fields.keyed("texts"):
        path = f"texts.{language}"
        if language not in LANGUAGES:
            rule = f"is of no language with templates{did_you_mean(language, LANGUAGES)}"
            fields.note(path, "UNKNOWN_CHOICE", rule)
            continue
        texts.append((language, _texts(content, fields, path, channel)))
    if fields.take("texts") == {}:
        fields.note("texts", "EMPTY", "must have one language at least.")
    if channel is Channel.SMS and via is Via.NOTIFY:
        fields.note("via", "NOT_FOR_SMS", "is about e-mails; leave it out.")
    asked = fields.take("feedback")
    (feedback, *_) = _known(fields, "feedback", [asked], around.questionnaires) or ("",)
    fields.close()
    return Message(channel, purpose, tuple(texts), via, feedback)


def _texts(content: Any, fields: Fields, path: str, channel: Channel) -> Texts:
    one = Fields(content, fields.at(path), fields.problems)
    one.require("text", "the message as plain text")
    text = one.text("text", TEXT_LENGTH_MAX)
    if channel is Channel.SMS:
        one.close()
        return Texts("", text)
    one.require("subject", "a subject")
    texts = Texts(one.text("subject", SUBJECT_LENGTH_MAX), text, one.text("html", HTML_LENGTH_MAX))
    one.close()
    return texts


def _benefit(fields: Fields) -> Benefit:
    coupon = fields.section("coupon")
    has_coupon = fields.has("coupon")
    if has_coupon:
        coupon.require("kind", "the kind of coupon")
    terms = coupon.take("terms")
    if terms is not None and not isinstance(terms, Mapping):
        coupon.note("terms", "NOT_A_MAPPING", f"must be a mapping of keys; it is {shown(terms)}.")
        terms = None
    offer = fields.section("offer")
    has_offer = fields.has("offer")
    if has_offer:
        offer.require("slug", "the slug of an offer that is given to members (granted_only)")
    benefit = Benefit(
        points=fields.whole("points", 0, low=1),
        offer=offer.slug("slug", NAME_LENGTH_MAX),
        coupon_kind=coupon.slug("kind", NAME_LENGTH_MAX),
        coupon_terms=tuple(sorted((terms or {}).items())),
        valid_for_days=(offer if has_offer else coupon).whole(
            "valid_for_days", 30, low=1, high=DAYS_AFTER_MAX
        ),
        with_message_only=fields.flag("with_message_only", default=False),
    )
    given = {"points": bool(benefit.points), "coupon": has_coupon, "offer": has_offer}
    first, *more = [key for key, is_given in given.items() if is_given] or [""]
    for key in more:
        fields.note(key, "ONE_BENEFIT", f"and {first} are two benefits: choose one.")
    offer.close()
    coupon.close()
    fields.close()
    return benefit


def _limits(fields: Fields) -> SendLimits:
    defaults = SendLimits()
    quiet = fields.section("quiet")
    quiet_hours = None
    if fields.has("quiet"):
        quiet.require("from", "a time as HH:MM")
        quiet.require("to", "a time as HH:MM")
        start, end = _time(quiet, "from"), _time(quiet, "to")
        if start is not None and end is not None:
            quiet_hours = QuietHours(start, end)
            if start == end:
                quiet.note("to", "EMPTY", "must differ from where quiet hours begin.")
    quiet.close()
    cap = fields.section("cap")
    most = None
    if fields.has("cap"):
        cap.require("messages", "how many")
        cap.require("days", "within how many days")
        most = Cap(cap.whole("messages", 1, low=1, high=100), cap.whole("days", 1, low=1, high=365))
    cap.close()
    limits = SendLimits(
        send_at=_time(fields, "send_at") or defaults.send_at,
        quiet=quiet_hours,
        cap=most,
        sends_max=fields.limit("sends_max", low=1),
        points_max=fields.limit("points_max", low=1),
        useful_days=fields.whole("useful_days", defaults.useful_days, high=USEFUL_DAYS_MAX),
    )
    fields.close()
    return limits


def _time(fields: Fields, key: str) -> dt.time | None:
    value = fields.take(key)
    if isinstance(value, str) and _TIME.match(value):
        return dt.time.fromisoformat(value)
    if value is not None:
        rule = f"must be a time as HH:MM, in quotes; it is {shown(value)}."
        fields.note(key, "NOT_A_TIME", rule)
    return None
