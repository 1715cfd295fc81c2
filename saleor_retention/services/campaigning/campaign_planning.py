"""Plan campaigns: find who is due and write down, once for each cycle, what is meant for him.

Safe to run twice, at the same time, and late: what is written down already stays as it is, and a
run that comes after three missed days looks at all of them. What would come too late by then is
written down as left out.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from django.db import transaction
from django.utils import timezone

from saleor_retention.engine.campaigns.caps import room
from saleor_retention.engine.campaigns.quiet import furthest_day, instant_on
from saleor_retention.engine.campaigns.terms import EVENTS, CampaignTerms
from saleor_retention.engine.campaigns.triggers import days_between
from saleor_retention.engine.campaigns.verdicts import Reason, decide
from saleor_retention.engine.periods import end_of_local_day, local_date
from saleor_retention.models import (
    Account,
    Campaign,
    CampaignState,
    Dispatch,
    DispatchState,
    SkippedSend,
)
from saleor_retention.selectors.campaigns import Asked, Candidate, due_on, happened, in_audience
from saleor_retention.selectors.profiles import Locale, locales
from saleor_retention.selectors.programs import rules_of
from saleor_retention.services.campaigning import campaign_holdouts
from saleor_retention.services.campaigning.campaigns import terms_of
from saleor_retention.services.campaigning.holiday_dates import Packaged
from saleor_retention.services.campaigning.recipients import Recipients
from saleor_retention.services.ledger.locking import claim

logger = logging.getLogger(__name__)

DAYS_MISSED_MAX = 31
OVERLAP = dt.timedelta(minutes=15)
"""Events are looked at again so long: one that was written by a slow transaction is not missed."""

SAMPLE = 20
ZONE_MARGIN = dt.timedelta(hours=26)  # no day begins earlier or ends later anywhere


@dataclass(frozen=True, slots=True)
class Planned:
    """What a run of the planner wrote down."""

    planned: int = 0
    skipped: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Preview:
    """Who would get a campaign, who not and why; the first few of each with their member number."""

    would: int
    later: int  # of them: not before quiet hours or a later day
    would_not: Mapping[str, int]
    sample: tuple[tuple[str, str], ...]  # member number, and "" or the reason


@dataclass(frozen=True, slots=True)
class Foreseen:
    """What would become of one customer's message: it goes at ``at``, or not, for a reason."""

    account: Account
    cycle: str
    reason: Reason | None
    at: dt.datetime | None


def plan_due(now: dt.datetime | None = None) -> dict[int, Planned]:
    """Plan the running campaigns of active programs, by id; one that fails is logged only."""
    at = now or timezone.now()
    done = {}
    running = Campaign.objects.filter(state=CampaignState.RUNNING, program__is_active=True)
    for campaign in running.select_related("program").order_by("pk"):
        try:
            done[campaign.pk] = plan(campaign, at)
        except Exception:
            logger.exception("The campaign %s was not planned.", campaign.slug)
    return done


def plan(campaign: Campaign, now: dt.datetime | None = None) -> Planned:
    """Write down what is due of a campaign since it was planned last.

    One chunk of customers in one database transaction. While another worker is at a chunk of the
    same campaign this one leaves it to him. Raises ``ValueError`` for a holiday without dates.
    """
    at = now or timezone.now()
    terms = terms_of(campaign)
    planned, skipped = 0, Counter[str]()
    for chunk in _candidates(campaign, terms, at):
        with transaction.atomic():
            if not claim(f"campaign:{campaign.pk}"):
                return Planned(planned, skipped)
            rows = _write(campaign, terms, chunk, at)
        planned += sum(1 for _row, reason in rows if reason is None)
        skipped.update(reason.value for _row, reason in rows if reason is not None)
    later = Campaign.objects.filter(pk=campaign.pk).exclude(planned_until__gt=at)
    later.update(planned_until=at)
    return Planned(planned, skipped)


def preview(campaign: Campaign, now: dt.datetime | None = None) -> Preview:
    """Count who would get the campaign if it was planned and sent now; nothing is changed."""
    at = now or timezone.now()
    reasons, later = Counter[str](), 0
    sample: list[tuple[str, str]] = []
    for each in foresee(campaign, at):
        name = each.reason.value if each.reason else ""
        reasons[name] += 1
        later += each.at is not None and each.at > at
        if len(sample) < SAMPLE:
            sample.append((each.account.member_number, name))
    would = reasons.pop("", 0)
    return Preview(would, later, dict(reasons), tuple(sample))


def foresee(campaign: Campaign, now: dt.datetime | None = None) -> Iterator[Foreseen]:
    """Yield everybody who would be planned now, and what would become of each; changes nothing.

    Asks what sending asks, in the same words: consent, addresses, caps, quiet hours, holdout, and
    the budget. Who had it in this cycle already is not named again.
    """
    at = now or timezone.now()
    terms = terms_of(campaign)
    left, taken = terms.sends_max, _taken(campaign)
    for chunk in _candidates(campaign, terms, at):
        rows = _rows(
            campaign, terms, chunk, at, lambda ids: campaign_holdouts.foreseen(campaign, terms, ids)
        )
        people = Recipients(terms, [row for row, _reason in rows], at)
        for row, refused in rows:
            reason, goes_at = refused, None
            if reason is None and left is not None and taken >= left:
                reason = Reason.BUDGET
            if reason is None:
                verdict = decide(people.of(row), terms.limits, max(at, row.not_before))
                reason, goes_at = verdict.reason, verdict.at
            taken += reason is None
            yield Foreseen(row.account, row.cycle, reason, goes_at)


Rows = list[tuple[Dispatch, Reason | None]]
HeldOut = Callable[[list[int]], set[int]]


def _candidates(
    campaign: Campaign, terms: CampaignTerms, at: dt.datetime
) -> Iterator[list[Candidate]]:
    """Yield who is due in chunks, the audience only."""
    zone = rules_of(campaign.program.current_version_id).time_zone
    asked = Asked(campaign.program, zone, Packaged())
    begins = campaign.starts_at or at
    if terms.trigger.kind in EVENTS:
        since = begins if campaign.planned_until is None else campaign.planned_until - OVERLAP
        chunks: Iterable[list[Candidate]] = happened(terms.trigger, max(begins, since), asked)
    else:
        before = local_date(begins, zone) - dt.timedelta(days=1)
        after = before if campaign.planned_until is None else furthest_day(campaign.planned_until)
        days = days_between(max(before, after), furthest_day(at), DAYS_MISSED_MAX)
        chunks = (chunk for day in days for chunk in due_on(terms.trigger, day, asked))
    for chunk in chunks:
        wanted = in_audience(terms.audience, campaign.program, [each.account_id for each in chunk])
        if kept := [each for each in chunk if each.account_id in wanted]:
            yield kept


def _rows(
    campaign: Campaign,
    terms: CampaignTerms,
    chunk: Sequence[Candidate],
    at: dt.datetime,
    held_out: HeldOut,
) -> Rows:
    """Return what is meant for each candidate who is new, and why not where that is clear.

    ``held_out`` is asked for those alone for whom nothing else speaks against it.
    """
    program_zone = rules_of(campaign.program.current_version_id).time_zone
    new = _new(campaign, chunk)
    ids = [each.account_id for each in new]
    accounts = Account.objects.select_related("program").in_bulk(ids)
    told = locales(ids)
    rows: Rows = []
    for each in new:
        zone = told.get(each.account_id, Locale()).time_zone or program_zone
        row = _row(campaign, terms, each, zone, at)
        row.account = accounts[each.account_id]
        reason = each.refused
        if reason is None and row.useful_until <= at:
            reason = Reason.TOO_LATE
        rows.append((row, reason))
    out = held_out([row.account_id for row, reason in rows if reason is None])
    return [
        (row, Reason.HOLDOUT if reason is None and row.account_id in out else reason)
        for row, reason in rows
    ]


def _row(
    campaign: Campaign, terms: CampaignTerms, due: Candidate, zone: str, at: dt.datetime
) -> Dispatch:
    through = due.useful_through
    if through is None:
        through = due.day + dt.timedelta(days=terms.limits.useful_days)
    is_at_once = terms.trigger.kind in EVENTS and not terms.trigger.days_after
    goes_at = at if is_at_once else instant_on(due.day, terms.limits.send_at, zone)
    return Dispatch(
        campaign=campaign,
        version_id=campaign.current_version_id,
        account_id=due.account_id,
        cycle=due.cycle,
        state=DispatchState.PLANNED,
        channel="" if terms.message is None else terms.message.channel.value,
        not_before=max(goes_at, due.not_before or goes_at),
        useful_until=end_of_local_day(through, zone),
        facts=due.facts,
        planned_at=at,
    )


def _write(
    campaign: Campaign, terms: CampaignTerms, chunk: Sequence[Candidate], at: dt.datetime
) -> Rows:
    """Write down those that are new; what is over the budget is left out.

    The campaign is claimed, so that its budget is not given out twice.
    """
    rows = _rows(
        campaign, terms, chunk, at, lambda ids: campaign_holdouts.assigned(campaign, terms, ids, at)
    )
    wanted = sum(1 for _row, reason in rows if reason is None)
    fits = wanted
    if terms.sends_max is not None:
        fits = room(terms.sends_max, _taken(campaign), wanted)
    decided: Rows = []
    for row, reason in rows:
        if reason is None:
            decided.append((row, None if fits > 0 else Reason.BUDGET))
            fits -= 1
        else:
            decided.append((row, reason))
    for row, reason in decided:
        if reason is not None:
            row.state, row.finished_at = DispatchState.SKIPPED, at
    Dispatch.objects.bulk_create([row for row, _reason in decided])
    SkippedSend.objects.bulk_create(
        [SkippedSend(dispatch=row, reason=reason, at=at) for row, reason in decided if reason]
    )
    return decided


def _new(campaign: Campaign, chunk: Sequence[Candidate]) -> list[Candidate]:
    """Return those whose customer and cycle are not written down, each of them once."""
    ids = [each.account_id for each in chunk]
    written = Dispatch.objects.filter(campaign=campaign, account__in=ids)
    seen = set(written.values_list("account_id", "cycle"))
    new = []
    for each in chunk:
        if (each.account_id, each.cycle) not in seen:
            seen.add((each.account_id, each.cycle))
            new.append(each)
    return new


def _taken(campaign: Campaign) -> int:
    """Return how much of the budget is spoken for: all that was not left out or failed."""
    rows = Dispatch.objects.filter(campaign=campaign)
    return rows.exclude(state__in=(DispatchState.SKIPPED, DispatchState.FAILED)).count()
