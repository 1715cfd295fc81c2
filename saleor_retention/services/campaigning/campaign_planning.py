"""Plan campaigns: find who is due and write down, once for each cycle, what is meant for him.

Safe to run twice, at the same time, and late: what is written down already stays as it is, and a
run that comes after three missed days looks at all of them. What would come too late by then is
written down as left out. A day is looked at for the first time as soon as it begins anywhere, and
again for some days: orders of the day before go on then, are paid, and are summed up later still.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from django.db import transaction
from django.utils import timezone

from saleor_retention.engine.campaigns.caps import Budget
from saleor_retention.engine.campaigns.quiet import furthest_day, instant_on
from saleor_retention.engine.campaigns.terms import EVENTS, CampaignTerms, TriggerKind
from saleor_retention.engine.campaigns.triggers import cycle_of_holiday, days_between
from saleor_retention.engine.campaigns.verdicts import Reason, decide, gives_benefit
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
from saleor_retention.services.campaigning.budgets import budget_of
from saleor_retention.services.campaigning.campaigns import terms_of, terms_of_version
from saleor_retention.services.campaigning.holiday_dates import Packaged
from saleor_retention.services.campaigning.recipients import Recipients
from saleor_retention.services.ledger.locking import claim

logger = logging.getLogger(__name__)

DAYS_MISSED_MAX = 31
OVERLAP = dt.timedelta(minutes=15)
"""Events are looked at again so long: one that was written by a slow transaction is not missed."""

AGAIN_DAYS = dt.timedelta(days=3)
"""Days of the calendar are looked at again so long: orders come to be known late."""

AGAIN_EVERY = dt.timedelta(hours=1)
LOOKED_AT_AGAIN = frozenset(
    {
        TriggerKind.BIRTHDAY,
        TriggerKind.ANNIVERSARY,
        TriggerKind.SECOND_PURCHASE,
        TriggerKind.WIN_BACK,
        TriggerKind.RUN_OUT,
        TriggerKind.SURVEY,
    }
)
"""Who is due on a day may turn out later. Everybody is due on a holiday, and whoever was given
something that ends within days was told so when he was given it."""

SAMPLE = 20


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
    benefit_alone: int  # of those who would not: the benefit comes all the same, and is spent
    sample: tuple[tuple[str, str], ...]  # member number, and "" or the reason


@dataclass(frozen=True, slots=True)
class Foreseen:
    """What would become of one customer's message: it goes at ``at``, or not, for a reason.

    What keeps only the message back does not keep the benefit back, and the budget is spent on it.
    """

    account: Account
    cycle: str
    reason: Reason | None
    at: dt.datetime | None
    has_benefit: bool

    @property
    def is_benefit_alone(self) -> bool:
        """Tell whether the benefit comes without the message."""
        return self.has_benefit and self.reason is not None


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
    for chunk in _candidates(campaign, terms, at, again=_is_hour_over(campaign, at)):
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
    reasons, later, benefit_alone = Counter[str](), 0, 0
    sample: list[tuple[str, str]] = []
    for each in foresee(campaign, at):
        name = each.reason.value if each.reason else ""
        reasons[name] += 1
        later += each.at is not None and each.at > at
        benefit_alone += each.is_benefit_alone
        if len(sample) < SAMPLE:
            sample.append((each.account.member_number, name))
    would = reasons.pop("", 0)
    return Preview(would, later, dict(reasons), benefit_alone, tuple(sample))


def foresee(campaign: Campaign, now: dt.datetime | None = None) -> Iterator[Foreseen]:
    """Yield everybody who would be planned now, and what would become of each; changes nothing.

    Asks what sending asks, in the same words: consent, addresses, caps, quiet hours, holdout, and
    the budget. Who had it in this cycle already is not named again.
    """
    at = now or timezone.now()
    terms = terms_of(campaign)
    budget = budget_of(campaign, terms)
    for chunk in _candidates(campaign, terms, at, again=True):
        rows = _rows(
            campaign, terms, chunk, at, lambda ids: campaign_holdouts.foreseen(campaign, terms, ids)
        )
        people = Recipients(terms, [row for row, _reason in rows], at)
        for row, refused in _within(budget, terms, rows):
            reason, goes_at = refused, None
            if reason is None:
                verdict = decide(people.of(row), terms.limits, max(at, row.not_before))
                reason, goes_at = verdict.reason, None if verdict.reason else verdict.at
            has_benefit = gives_benefit(reason, terms.benefit)
            yield Foreseen(row.account, row.cycle, reason, goes_at, has_benefit)


Rows = list[tuple[Dispatch, Reason | None]]
HeldOut = Callable[[list[int]], set[int]]


def _candidates(
    campaign: Campaign, terms: CampaignTerms, at: dt.datetime, *, again: bool
) -> Iterator[list[Candidate]]:
    """Yield who is due in chunks, the audience only; of the last days ``again`` if asked for."""
    zone = rules_of(campaign.program.current_version_id).time_zone
    asked = Asked(campaign.program, zone, Packaged(), at)
    begins = campaign.starts_at or at
    if terms.trigger.kind in EVENTS:
        since = begins if campaign.planned_until is None else campaign.planned_until - OVERLAP
        chunks: Iterable[list[Candidate]] = happened(terms.trigger, max(begins, since), asked)
    else:
        before = local_date(begins, zone) - dt.timedelta(days=1)
        after = before if campaign.planned_until is None else furthest_day(campaign.planned_until)
        if again and terms.trigger.kind in LOOKED_AT_AGAIN:
            after -= AGAIN_DAYS
        days = days_between(max(before, after), furthest_day(at), DAYS_MISSED_MAX)
        chunks = due_on(terms.trigger, days, asked)
    for chunk in chunks:
        wanted = in_audience(terms.audience, campaign.program, [each.account_id for each in chunk])
        if kept := [each for each in chunk if each.account_id in wanted]:
            yield kept


def _is_hour_over(campaign: Campaign, at: dt.datetime) -> bool:
    """Tell whether another hour has begun since the campaign was planned last."""
    last, hour = campaign.planned_until, AGAIN_EVERY.total_seconds()
    return last is None or last.timestamp() // hour < at.timestamp() // hour


def _was_never_in_time(
    campaign: Campaign, terms: CampaignTerms, due: Candidate, row: Dispatch
) -> bool:
    """Tell whether somebody turned out to be due on a day only when all was over.

    That is no message that was left out. His day was looked at before without him, and was over by
    then, or what speaks against him came with what made him due.
    """
    last = campaign.planned_until
    if last is None or terms.trigger.kind not in LOOKED_AT_AGAIN or due.day > furthest_day(last):
        return False
    return row.useful_until <= last or due.refused is not None


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
        if _was_never_in_time(campaign, terms, each, row):
            continue
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
    decided = _within(budget_of(campaign, terms), terms, rows)
    for row, reason in decided:
        if reason is not None:
            row.state, row.finished_at = DispatchState.SKIPPED, at
    Dispatch.objects.bulk_create([row for row, _reason in decided])
    SkippedSend.objects.bulk_create(
        [SkippedSend(dispatch=row, reason=reason, at=at) for row, reason in decided if reason]
    )
    return decided


def _within(budget: Budget, terms: CampaignTerms, rows: Rows) -> Rows:
    """Take the rows that nothing speaks against from a budget, as long as it lasts."""
    points = terms.benefit.points
    return [
        (row, Reason.BUDGET if reason is None and not budget.take(points) else reason)
        for row, reason in rows
    ]


def _new(campaign: Campaign, chunk: Sequence[Candidate]) -> list[Candidate]:
    """Return those whose customer and cycle are not written down, each of them once."""
    ids = [each.account_id for each in chunk]
    written = Dispatch.objects.filter(campaign=campaign, account__in=ids)
    seen = {
        (account_id, _named(cycle, version_id))
        for account_id, cycle, version_id in written.values_list(
            "account_id", "cycle", "version_id"
        )
    }
    new = []
    for each in chunk:
        if (each.account_id, each.cycle) not in seen:
            seen.add((each.account_id, each.cycle))
            new.append(each)
    return new


def _named(cycle: str, version_id: int) -> str:
    """Return a cycle with its holiday, which is known by the version where the year stands alone.

    Cycles of holidays were written so at first.
    """
    name, _, year = cycle.partition(":")
    if name != "holiday" or not year.isdecimal():
        return cycle
    holiday = terms_of_version(version_id).trigger.holiday
    return cycle_of_holiday(holiday, dt.date(int(year), 1, 1))
