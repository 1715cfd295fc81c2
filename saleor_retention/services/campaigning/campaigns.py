"""Campaigns as they are set up: saved as versions, started, paused, ended.

Who is due is found by ``campaign_planning``, what goes out by ``sending``.
"""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Exists, Max, OuterRef
from django.utils import timezone

from saleor_retention import conf, host
from saleor_retention.engine.campaigns.calendar import days_of
from saleor_retention.engine.campaigns.dumping import stored
from saleor_retention.engine.campaigns.parsing import Surroundings, parse_campaign
from saleor_retention.engine.campaigns.terms import (
    CampaignTerms,
    TriggerKind,
    Via,
)
from saleor_retention.engine.campaigns.verdicts import Reason
from saleor_retention.engine.coupons.terms import InvalidTerms, parse
from saleor_retention.engine.periods import local_date
from saleor_retention.errors import Code, Refusal, Refusals
from saleor_retention.models import (
    AuditAction,
    Campaign,
    CampaignState,
    CampaignVersion,
    CouponBatch,
    CouponKind,
    Dispatch,
    DispatchState,
    Program,
    Segment,
    SkippedSend,
)
from saleor_retention.selectors.offers import terms_of as offer_terms_of
from saleor_retention.selectors.programs import rules_of
from saleor_retention.services.campaigning import (
    campaign_holdouts,
    campaign_purposes,
    campaign_trail,
    messages,
)
from saleor_retention.services.campaigning.holiday_dates import Packaged
from saleor_retention.services.campaigning.providers import require_way_out
from saleor_retention.services.couponing import coupons
from saleor_retention.services.ledger.locking import run_serialized
from saleor_retention.services.offering.offer_grants import offer_named
from saleor_retention.services.setting_up.validating import SLUG, SLUG_LENGTH_MAX

CAMPAIGNS_MAX = 200
NAME_LENGTH_MAX = 128
CYCLE_ROWS = 1000

Document = Mapping[str, Any]

BEGINS: Mapping[CampaignState, frozenset[CampaignState]] = {
    CampaignState.SCHEDULED: frozenset(
        {CampaignState.DRAFT, CampaignState.SCHEDULED, CampaignState.PAUSED}
    ),
    CampaignState.RUNNING: frozenset(
        {CampaignState.DRAFT, CampaignState.SCHEDULED, CampaignState.PAUSED}
    ),
    CampaignState.PAUSED: frozenset({CampaignState.RUNNING, CampaignState.SCHEDULED}),
    CampaignState.ENDED: frozenset(
        {
            CampaignState.DRAFT,
            CampaignState.SCHEDULED,
            CampaignState.RUNNING,
            CampaignState.PAUSED,
        }
    ),
}
"""From which states a campaign gets to each; drafts are only begun as such."""


def create_campaign(
    program: Program,
    *,
    slug: str,
    name: str,
    document: Document,
    actor_ref: str = "",
    now: dt.datetime | None = None,
) -> Campaign:
    """Create a draft.

    Raises ``Refusals`` with everything that is wrong: slug and name (REQUIRED, INVALID, UNIQUE,
    LIMIT_REACHED), and the document (INVALID; NOT_SUPPORTED for what this shop cannot do). A wrong
    template is named with its line.
    """
    at = now or timezone.now()
    refusals = _naming_refusals(program, slug, name)
    _terms, wrong = _checked(program, document, at)
    if refusals or wrong:
        raise Refusals([*refusals, *wrong])
    try:
        with transaction.atomic():
            campaign = Campaign.objects.create(
                program=program,
                slug=slug,
                name=name.strip(),
                secret=secrets.token_hex(32),
                created_at=at,
            )
            _add_version(campaign, document, actor_ref, at)
            campaign_trail.note(AuditAction.CAMPAIGN_CREATE, campaign, actor_ref=actor_ref, at=at)
    except IntegrityError:
        raise Refusals([_taken(slug)]) from None
    return campaign


def update_campaign(
    campaign: Campaign,
    *,
    document: Document,
    name: str | None = None,
    actor_ref: str = "",
    now: dt.datetime | None = None,
) -> Campaign:
    """Save a new version, unless the document is what it was; what is planned already stays so.

    Raises as ``create_campaign`` does; INVALID for one that has ended or whose trigger's kind
    would change, which is another campaign.
    """
    at = now or timezone.now()
    refusals = [] if name is None else _name_refusals(name)
    terms, wrong = _checked(campaign.program, document, at)
    ended = Refusal(Code.INVALID, "This campaign has ended.", "id")
    if campaign.state == CampaignState.ENDED:
        refusals.append(ended)
    if terms is not None and terms.trigger.kind is not terms_of(campaign).trigger.kind:
        message = "The trigger's kind stays; begin another campaign."
        refusals.append(Refusal(Code.INVALID, message, "trigger.kind"))
    if terms is not None and (refusal := campaign_holdouts.refusal_of(campaign, terms)):
        refusals.append(refusal)
    if refusals or wrong:
        raise Refusals([*refusals, *wrong])

    def work() -> Campaign:
        locked = Campaign.objects.select_for_update(of=("self",)).get(pk=campaign.pk)
        if locked.state == CampaignState.ENDED:  # meanwhile
            raise Refusals([ended])
        before = campaign_trail.settings_of(locked)
        if name is not None:
            locked.name = name.strip()
            locked.save(update_fields=["name"])
        if stored(document) != document_of(locked):
            _add_version(locked, document, actor_ref, at)
        campaign_trail.note_saved(locked, before, actor_ref=actor_ref, at=at)
        return locked

    return run_serialized(work)


def checked_terms(
    program: Program, document: Document, now: dt.datetime | None = None
) -> CampaignTerms:
    """Return what a document would mean, nothing saved; raises as ``create_campaign`` does."""
    terms, wrong = _checked(program, document, now or timezone.now())
    if wrong or terms is None:
        raise Refusals(wrong)
    return terms


def document_of(campaign: Campaign) -> dict[str, Any]:
    """Return what a campaign says now, as it was saved."""
    return {} if campaign.current_version is None else dict(campaign.current_version.document)


def schedule_campaign(
    campaign: Campaign,
    *,
    starts_at: dt.datetime,
    ends_at: dt.datetime | None = None,
    actor_ref: str = "",
    now: dt.datetime | None = None,
) -> Campaign:
    """Have a campaign start by itself, and end by itself if ``ends_at`` is given.

    Refuses as ``start_campaign`` does, by the instant at which it is to start.
    """
    at = now or timezone.now()
    if ends_at is not None and ends_at <= max(starts_at, at):
        raise Refusal(Code.INVALID, "A campaign ends after it starts.", "endsAt")
    _require_way_out(campaign)
    _require_day_to_come(campaign, starts_at)

    def change(locked: Campaign) -> None:
        before = campaign_trail.times_of(locked)
        is_so_already = locked.state == CampaignState.SCHEDULED
        locked.starts_at, locked.ends_at = starts_at, ends_at
        if locked.planned_until is not None and starts_at > locked.planned_until:
            locked.planned_until = None
        if not is_so_already or campaign_trail.times_of(locked) != before:
            campaign_trail.note_scheduled(locked, before, actor_ref=actor_ref, at=at)

    return _move(campaign, CampaignState.SCHEDULED, change)


def start_campaign(
    campaign: Campaign, now: dt.datetime | None = None, *, actor_ref: str = ""
) -> Campaign:
    """Start a campaign now, or go on with a paused one, which makes up for the days it missed.

    One that was scheduled for later starts now as well. Refuses INVALID where nothing could go out:
    no way to send, no link to unsubscribe, a day that is over.
    """
    at = now or timezone.now()
    _require_way_out(campaign)
    _require_day_to_come(campaign, min(campaign.starts_at or at, at))

    def change(locked: Campaign) -> None:
        locked.starts_at = min(locked.starts_at or at, at)
        campaign_trail.note(AuditAction.CAMPAIGN_START, locked, actor_ref=actor_ref, at=at)

    return _move(campaign, CampaignState.RUNNING, change)


def pause_campaign(
    campaign: Campaign, now: dt.datetime | None = None, *, actor_ref: str = ""
) -> Campaign:
    """Send nothing more until it is started again; what is being sent just now goes out."""
    at = now or timezone.now()

    def change(locked: Campaign) -> None:
        campaign_trail.note(AuditAction.CAMPAIGN_PAUSE, locked, actor_ref=actor_ref, at=at)

    return _move(campaign, CampaignState.PAUSED, change)


def end_campaign(
    campaign: Campaign, now: dt.datetime | None = None, *, actor_ref: str = ""
) -> Campaign:
    """End a campaign for good; what was planned and not sent is left out as ``ended``."""
    at = now or timezone.now()

    def note_down(locked: Campaign) -> None:
        campaign_trail.note(AuditAction.CAMPAIGN_END, locked, actor_ref=actor_ref, at=at)

    return _end(campaign, at, note_down)


def turn_campaigns(now: dt.datetime | None = None) -> int:
    """Start what is scheduled and due, and end what is over; return how many were turned.

    Messages that a worker put back after their campaign had ended are left out. The audit trail
    says who set those times, and nothing of their coming.
    """
    at = now or timezone.now()
    due = Campaign.objects.filter(state=CampaignState.SCHEDULED, starts_at__lte=at)
    over = Campaign.objects.filter(ends_at__lte=at).exclude(state=CampaignState.ENDED)
    started = due.exclude(pk__in=over.values("pk")).update(state=CampaignState.RUNNING)
    ended = [_end(campaign, at, lambda _locked: None) for campaign in over]
    planned = Dispatch.objects.filter(campaign=OuterRef("pk"), state=DispatchState.PLANNED)
    for campaign in Campaign.objects.filter(Exists(planned), state=CampaignState.ENDED):
        while _leave_out(campaign, at):
            pass
    return started + len(ended)


@lru_cache(maxsize=256)
def _parsed(version_id: int) -> CampaignTerms:
    version = CampaignVersion.objects.select_related("campaign__program").get(pk=version_id)
    program = version.campaign.program
    known = Surroundings(*[_Anything()] * 4)
    terms, problems = parse_campaign(version.document, known)
    if terms is None:
        raise ValueError(f"Campaign version {version_id} of {program}: {problems[0].message}")
    return terms


class _Anything(frozenset[str]):
    """Holds every name: what a stored document names was there when it was saved."""

    def __contains__(self, _name: object) -> bool:
        """Return true."""
        return True


def terms_of(campaign: Campaign) -> CampaignTerms:
    """Return what a campaign says now; ``ValueError`` where it cannot be read any more."""
    if campaign.current_version_id is None:
        raise ValueError(f"The campaign {campaign.slug} says nothing yet.")
    return _parsed(campaign.current_version_id)


def terms_of_version(version_id: int) -> CampaignTerms:
    """Return what a version says; versions never change."""
    return _parsed(version_id)


def forget() -> None:
    """Forget parsed versions (another database may number its own alike)."""
    _parsed.cache_clear()


def _end(campaign: Campaign, at: dt.datetime, also: Callable[[Campaign], None]) -> Campaign:
    def change(locked: Campaign) -> None:
        locked.ends_at = at if locked.ends_at is None else min(at, locked.ends_at)
        also(locked)

    ended = _move(campaign, CampaignState.ENDED, change)
    campaign_holdouts.end(ended, at)
    while _leave_out(ended, at):
        pass
    return ended


def _move(campaign: Campaign, state: CampaignState, change: Callable[[Campaign], None]) -> Campaign:
    def work() -> Campaign:
        locked = Campaign.objects.select_for_update(of=("self",)).get(pk=campaign.pk)
        if locked.state == state and state != CampaignState.SCHEDULED:
            return locked
        if CampaignState(locked.state) not in BEGINS[state]:
            message = f"A campaign that is {locked.state} cannot become {state}."
            raise Refusal(Code.INVALID, message, "id")
        change(locked)
        locked.state = state
        locked.save(update_fields=["state", "starts_at", "ends_at", "planned_until"])
        return locked

    return run_serialized(work)


def _leave_out(campaign: Campaign, at: dt.datetime) -> int:
    """Leave out up to so many planned messages of an ended campaign; return how many."""
    with transaction.atomic():
        rows = Dispatch.objects.select_for_update(skip_locked=True).filter(
            campaign=campaign, state=DispatchState.PLANNED
        )
        ids = list(rows.values_list("pk", flat=True)[:CYCLE_ROWS])
        Dispatch.objects.filter(pk__in=ids).update(
            state=DispatchState.SKIPPED, finished_at=at, claim=None, claimed_until=None
        )
        SkippedSend.objects.bulk_create(
            [SkippedSend(dispatch_id=pk, reason=Reason.ENDED, at=at) for pk in ids]
        )
    return len(ids)


def _add_version(campaign: Campaign, document: Document, actor_ref: str, at: dt.datetime) -> None:
    last = campaign.versions.aggregate(last=Max("number"))["last"] or 0
    version = CampaignVersion.objects.create(
        campaign=campaign,
        number=last + 1,
        document=stored(document),
        actor_ref=actor_ref,
        created_at=at,
    )
    campaign.current_version = version
    campaign.save(update_fields=["current_version"])


def _checked(
    program: Program, document: Document, at: dt.datetime
) -> tuple[CampaignTerms | None, list[Refusal]]:
    """Return what a document means and what is wrong with it, templates and this shop included."""
    rules = rules_of(program.current_version_id)
    segments = Segment.objects.filter(program=program, retired_at=None)
    around = Surroundings(
        segments=set(segments.values_list("slug", flat=True)),
        tiers={tier.slug for tier in rules.ladder.tiers},
        questionnaires={each.slug for each in rules.feedback},
        events={rule.kind for rule in rules.events},
    )
    terms, problems = parse_campaign(document, around)
    if terms is None:
        return None, [Refusal(Code.INVALID, each.message, each.field) for each in problems]
    refusals = _template_refusals(terms)
    refusals += _coupon_refusals(program, terms, at)
    refusals += _offer_refusals(program, terms)
    if (unasked := campaign_purposes.refusal_of(program, terms)) is not None:
        refusals.append(unasked)
    refusals += _announcement_refusals(program, terms)
    if terms.trigger.variants:
        there = host.current().goods_names("variants", terms.trigger.variants)
        refusals += [
            Refusal(Code.INVALID, f"There is no variant {ref}.", "trigger.variants")
            for ref in terms.trigger.variants
            if ref not in there
        ]
    if terms.message is not None and terms.message.via is Via.NOTIFY:
        problem = host.current().refusal_of("notify")
        if problem is not None:
            refusals.append(Refusal(Code.NOT_SUPPORTED, problem, "message.via"))
    if terms.trigger.kind is TriggerKind.HOLIDAY:
        today = local_date(at, rules.time_zone)
        try:
            if not any(days_of(terms.trigger, today.year + years, Packaged()) for years in (0, 1)):
                message = "This day comes neither this year nor the next one."
                refusals.append(Refusal(Code.INVALID, message, "trigger.holiday"))
        except ValueError as error:
            refusals.append(Refusal(Code.INVALID, str(error), "trigger.holiday"))
    return terms, refusals


def _template_refusals(terms: CampaignTerms) -> list[Refusal]:
    if terms.message is None:
        return []
    return [
        Refusal(
            Code.INVALID, f"{each.field}, line {each.line}: {_sentence(each.message)}", each.field
        )
        for each in messages.problems_of(terms.message)
    ]


def _sentence(text: str) -> str:
    """Return the template engine's words with an end."""
    return text if text.endswith((".", "?")) else f"{text}."


def _coupon_refusals(program: Program, terms: CampaignTerms, at: dt.datetime) -> list[Refusal]:
    """Return what is wrong with the coupon of a benefit, by field of the document."""
    benefit, field = terms.benefit, "benefit.coupon"
    if not benefit.coupon_kind:
        return []
    kinds = [str(kind) for kind in CouponKind]
    if benefit.coupon_kind not in kinds:
        message = f"The kind of a coupon is one of {', '.join(kinds)}."
        return [Refusal(Code.INVALID, message, f"{field}.kind")]
    try:
        gives = parse(dict(benefit.coupon_terms))
    except InvalidTerms as error:
        return [
            Refusal(Code.INVALID, message, f"{field}.terms.{each}")
            for each, message in error.problems
        ]
    try:
        coupons.spec_of(CouponBatch(program=program, valid_from=at, valid_until=at), gives)
    except Refusal as refusal:
        return [Refusal(refusal.code, refusal.message, f"{field}.{refusal.field}")]
    return []


def _offer_refusals(program: Program, terms: CampaignTerms) -> list[Refusal]:
    """Return what is wrong with the offer of a benefit: it has to be one that is given."""
    if not terms.benefit.offer:
        return []
    try:
        offer_named(program, terms.benefit.offer)
    except Refusal as refusal:
        return [Refusal(refusal.code, refusal.message, "benefit.offer.slug")]
    return []


def _announcement_refusals(program: Program, terms: CampaignTerms) -> list[Refusal]:
    """Return what is wrong with what is announced: it is there, and there is a day for it."""
    trigger, shop = terms.trigger, host.current()
    for kind, key, ref in (
        ("products", "product", trigger.product),
        ("variants", "variant", trigger.variant),
    ):
        if ref and ref not in shop.goods_names(kind, [ref]):
            return [Refusal(Code.INVALID, f"There is no {key} {ref}.", f"trigger.{key}")]
    if not trigger.offer:
        return []
    offer = program.offers.filter(slug=trigger.offer, retired_at=None).first()
    if offer is None or offer.current_version_id is None:
        message = f'This program has no offer "{trigger.offer}".'
        return [Refusal(Code.INVALID, message, "trigger.offer")]
    if trigger.on is None and offer_terms_of(offer.current_version_id).starts_at is None:
        message = f'The offer "{offer.slug}" has no day on which it starts: say on which day.'
        return [Refusal(Code.REQUIRED, message, "trigger.on")]
    return []


def _require_way_out(campaign: Campaign) -> None:
    """Refuse to start what could not be sent, not be ended by who gets it, or not be measured."""
    terms = terms_of(campaign)
    if (refusal := campaign_holdouts.refusal_of(campaign, terms)) is not None:
        raise refusal
    if terms.message is None:
        return
    if (unasked := campaign_purposes.refusal_of(campaign.program, terms)) is not None:
        raise unasked
    require_way_out(terms.message, campaign.program)
    if not conf.get("PUBLIC_URL"):
        message = "Set RETENTION_PUBLIC_URL first, so that messages carry a link to unsubscribe."
        raise Refusal(Code.INVALID, message, "message.channel")


def _require_day_to_come(campaign: Campaign, begins: dt.datetime) -> None:
    """Refuse a campaign of one day that begins when the day is over: it would reach nobody."""
    day = terms_of(campaign).trigger.on
    zone = rules_of(campaign.program.current_version_id).time_zone
    if day is not None and day < local_date(begins, zone):
        message = f"The day of this campaign, {day}, is over when it starts."
        raise Refusal(Code.INVALID, message, "trigger.on")


def _naming_refusals(program: Program, slug: str, name: str) -> list[Refusal]:
    refusals = _name_refusals(name)
    if len(slug) > SLUG_LENGTH_MAX or not SLUG.fullmatch(slug):
        message = (
            "A campaign needs a slug: lower-case letters and digits, joined by single hyphens or "
            f"underscores, {SLUG_LENGTH_MAX} characters at most."
        )
        return [*refusals, Refusal(Code.INVALID if slug else Code.REQUIRED, message, "slug")]
    rows = Campaign.objects.filter(program=program)
    if rows.filter(slug=slug).exists():
        refusals.append(_taken(slug))
    if rows.exclude(state=CampaignState.ENDED).count() >= CAMPAIGNS_MAX:
        message = f"A program has {CAMPAIGNS_MAX} campaigns at most; end one first."
        refusals.append(Refusal(Code.LIMIT_REACHED, message, "slug"))
    return refusals


def _name_refusals(name: str) -> list[Refusal]:
    text = name.strip()
    if text and len(text) <= NAME_LENGTH_MAX:
        return []
    message = f"A campaign needs a name of {NAME_LENGTH_MAX} characters at most."
    return [Refusal(Code.INVALID if text else Code.REQUIRED, message, "name")]


def _taken(slug: str) -> Refusal:
    return Refusal(Code.UNIQUE, f'There is a campaign "{slug}" in this program already.', "slug")
