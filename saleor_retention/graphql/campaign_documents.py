"""Typed input of a campaign to its document, by the same writer as the rules of a program."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from saleor_retention.errors import Code, Refusal, Refusals
from saleor_retention.graphql.documents import Conversion, Id, Ids, Keyed, Section, Whole, converted
from saleor_retention.graphql.inputs_coupons import terms_of
from saleor_retention.graphql.scalars import whole
from saleor_retention.models import Program
from saleor_retention.selectors.programs import rules_of

ROOT = "campaign"
"""The input field that the document is under."""

CAMPAIGN: Mapping[str, Any] = {
    "trigger": Section(
        "trigger",
        {
            "kind": "kind",
            "on": "on",
            "days_before": "days_before",
            "each_days_before": "days_before",
            "days_after": "days_after",
            "holiday": "holiday",
            "days": "days",
            "day_of_month": "day_of_month",
            "band": "band",
            "segment": "segment",
            "variants": Ids("variants", "variants"),
            "event": "event",
            "product": Id("product", "products"),
            "variant": Id("variant", "variants"),
            "offer": "offer",
        },
    ),
    "audience": Section("audience", {name: name for name in ("segments", "without", "tiers")}),
    "message": Section(
        "message",
        {
            "channel": "channel",
            "via": "via",
            "purpose": "purpose",
            "feedback": "feedback",
            "texts": Keyed(
                "texts", "language", {name: name for name in ("subject", "text", "html")}
            ),
        },
    ),
    "benefit": Section(
        "benefit",
        {
            "points": "points",
            "coupon": Section("coupon", {"kind": "kind", "valid_for_days": "valid_for_days"}),
            "offer": Section("offer", {"slug": "slug", "valid_for_days": "valid_for_days"}),
            "with_message_only": "with_message_only",
        },
    ),
    "limits": Section(
        "limits",
        {
            "send_at": "send_at",
            "quiet": Section("quiet", {"start": "from", "end": "to"}),
            "cap": Section("cap", {"messages": "messages", "days": "days"}),
            "sends_max": "sends_max",
            "points_max": "points_max",
            "useful_days": "useful_days",
        },
    ),
    "holdout_per_mille": "holdout_per_mille",
    "holdout_window_days": "holdout_window_days",
}
"""Where each field of ``RetentionCampaignInput`` goes in the document."""


def campaign_document(given: Mapping[str, Any], root: str = ROOT) -> Conversion:
    """Return the (partial) document that a ``RetentionCampaignInput`` means.

    Raises ``Refusals`` as the rules do, and for a coupon's terms; everything else is left to the
    one parser.
    """
    plain, terms = _without_terms(given, root)
    _require_one_way(plain.get("trigger") or {}, f"{root}.trigger")
    conversion = converted(CAMPAIGN, plain, root)
    if terms is not None:
        conversion.content["benefit"]["coupon"]["terms"] = Whole(terms)
        conversion.sources["benefit.coupon.terms"] = f"{root}.benefit.coupon.terms"
    return conversion


def in_zone_of(program: Program, at: dt.datetime) -> dt.datetime:
    """Return an instant; one without an offset is in the program's time zone."""
    if at.tzinfo is not None:
        return at
    return at.replace(tzinfo=ZoneInfo(rules_of(program.current_version_id).time_zone))


def _without_terms(
    given: Mapping[str, Any], root: str
) -> tuple[dict[str, Any], dict[str, Any] | None]:
    """Return the input without the coupon's terms, and those as the document has them."""
    benefit = dict(given.get("benefit") or {})
    coupon = dict(benefit.get("coupon") or {})
    if "terms" not in coupon:
        return dict(given), None
    try:
        terms = terms_of(coupon.pop("terms"))
    except Refusals as refusals:
        raise Refusals([_under(refusal, root) for refusal in refusals.refusals]) from refusals
    except Refusal as refusal:
        raise _under(refusal, root) from refusal
    return {**given, "benefit": {**benefit, "coupon": coupon}}, terms.document()


def _under(refusal: Refusal, root: str) -> Refusal:
    return Refusal(refusal.code, refusal.message, f"{root}.benefit.coupon.{refusal.field}")


def _require_one_way(trigger: Mapping[str, Any], field: str) -> None:
    """Refuse days before that are given twice, or that are no whole numbers."""
    for index, days in enumerate(trigger.get("each_days_before") or ()):
        whole(days, f"{field}.eachDaysBefore.{index}")
    if trigger.get("days_before") is not None and trigger.get("each_days_before") is not None:
        message = "Give either daysBefore or eachDaysBefore, as the kind has it."
        raise Refusal(Code.INVALID, message, f"{field}.eachDaysBefore")
