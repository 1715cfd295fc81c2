"""Who is due by a campaign's trigger on a day, or by what happened since an instant.

Each function yields chunks of candidates in order of account, so that a campaign to everybody takes
no more memory than one to a few. Whether they are in the audience is asked for a whole chunk.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Exists, F, Max, OuterRef, Q, QuerySet, Sum

from saleor_retention import host
from saleor_retention.engine import birthdays
from saleor_retention.engine.campaigns.calendar import Almanac, is_on
from saleor_retention.engine.campaigns.rhythm import Bought, RunOut, reminded_on, run_out
from saleor_retention.engine.campaigns.terms import Audience, Trigger, TriggerKind
from saleor_retention.engine.campaigns.triggers import (
    birthdays_on,
    cycle_of_holiday,
    cycle_of_year,
    entering_band,
    is_anniversary,
    next_month,
)
from saleor_retention.engine.campaigns.verdicts import Reason
from saleor_retention.engine.engagement import Outcome
from saleor_retention.engine.periods import local_date, start_of_local_day
from saleor_retention.models import (
    Account,
    AccountState,
    Coupon,
    CouponState,
    CustomerRollup,
    Lot,
    MemberEvent,
    OrderRecord,
    Profile,
    Program,
    SegmentEvent,
    SegmentEventKind,
    SegmentMember,
    SurveyAnswer,
    TierChange,
    TierChangeKind,
)
from saleor_retention.selectors.announcements import announced
from saleor_retention.selectors.programs import rules_of
from saleor_retention.selectors.receipts import PREFIX as RECEIPT
from saleor_retention.selectors.segments import limits_of

CHUNK = 1000
DAY = dt.timedelta(days=1)
INSTANT = dt.timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Candidate:
    """Somebody who is due: from ``day`` on, through ``useful_through`` (None: by the limits).

    Days are those of the customer's own clock. ``refused`` is why he gets nothing all the same.
    """

    account_id: int
    cycle: str
    day: dt.date
    useful_through: dt.date | None = None
    facts: dict[str, str] = field(default_factory=dict)
    refused: Reason | None = None
    not_before: dt.datetime | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """Of which program, in which zone it counts, when, and where to ask for its days."""

    program: Program
    zone: str
    almanac: Almanac
    at: dt.datetime

    def is_over(self, day: dt.date) -> bool:
        """Tell whether a day has ended on the program's clock, so that all its orders are made."""
        return day < local_date(self.at, self.zone)


Chunks = Iterator[list[Candidate]]


def due_on(trigger: Trigger, days: Sequence[dt.date], asked: Asked) -> Chunks:
    """Yield who is due on some days by a trigger that follows the calendar."""
    if trigger.kind is TriggerKind.RUN_OUT:
        yield from _run_out(trigger, days, asked)
        return
    for day in days:
        yield from CALENDAR[trigger.kind](trigger, day, asked)


def happened(trigger: Trigger, since: dt.datetime, asked: Asked) -> Chunks:
    """Yield who is due by what happened since an instant, by a trigger that follows events."""
    if trigger.kind is TriggerKind.WELCOME:
        rows = _members(asked).filter(joined_at__gte=since)
        return _events(rows, trigger, asked, "joined_at", lambda _row: "welcome")
    if trigger.kind is TriggerKind.TIER_AT_RISK:
        rows = _members(asked).filter(tier_warned_at__gte=since)

        def warned(row: Any) -> str:
            return f"tier-at-risk:{row.event_at:%Y%m%dT%H%M%S}"

        return _events(rows, trigger, asked, "tier_warned_at", warned)
    if trigger.kind is TriggerKind.TIER_REACHED:
        changes = TierChange.objects.filter(
            account__program=asked.program, kind=TierChangeKind.UPGRADE, at__gte=since
        ).exclude(to_tier__in=_entry_tiers(asked.program))
        return _events(changes, trigger, asked, "at", lambda row: f"tier:{row.event_id}")
    if trigger.kind is TriggerKind.EVENT:
        return _events(_done(trigger, since, asked), trigger, asked, "at", _cycle_of_event)
    kind = SegmentEventKind.ENTERED
    if trigger.kind is TriggerKind.SEGMENT_LEFT:
        kind = SegmentEventKind.LEFT
    events = SegmentEvent.objects.filter(
        segment__program=asked.program, segment__slug=trigger.segment, kind=kind, at__gte=since
    )
    return _events(events, trigger, asked, "at", lambda row: f"segment:{row.event_id}")


def _done(trigger: Trigger, since: dt.datetime, asked: Asked) -> QuerySet[Any]:
    """Return events of a kind that were told since: within the limits of their rule, and kept."""
    return MemberEvent.objects.filter(
        account__program=asked.program,
        kind=trigger.event,
        recorded_at__gte=since,
        outcome__in=(Outcome.REWARDED, Outcome.NO_POINTS),
        reversed_at=None,
    )


def _cycle_of_event(row: _Event) -> str:
    return f"event:{row.event_id}"


def in_audience(audience: Audience, program: Program, account_ids: list[int]) -> set[int]:
    """Return those of the accounts that are present members and in the audience."""
    rows = Account.objects.filter(
        pk__in=account_ids, program=program, state=AccountState.MEMBER, user__isnull=False
    )
    members = SegmentMember.objects.filter(account=OuterRef("pk"), segment__program=program)
    if audience.segments:
        rows = rows.filter(Exists(members.filter(segment__slug__in=audience.segments)))
    if audience.without:
        rows = rows.exclude(Exists(members.filter(segment__slug__in=audience.without)))
    if audience.tiers:
        rows = rows.filter(tier__in=audience.tiers)
    return set(rows.values_list("pk", flat=True))


def _entry_tiers(program: Program) -> list[str]:
    """Return the tiers that everybody has from the start: to have one is no achievement."""
    ladder = rules_of(program.current_version_id).ladder
    return [tier.slug for tier in ladder.tiers if not tier.threshold]


def _members(asked: Asked) -> QuerySet[Any]:
    return Account.objects.filter(
        program=asked.program, state=AccountState.MEMBER, user__isnull=False
    )


def _keyset(rows: QuerySet[Any], key: str, *values: str) -> Iterator[list[tuple[Any, ...]]]:
    """Yield rows of values in order of a unique key, chunk by chunk; the key comes first."""
    last = 0
    while True:
        beyond = rows.filter(**{f"{key}__gt": last}).order_by(key)
        found = list(beyond.values_list(key, *values)[:CHUNK])
        if found:
            yield found
        if len(found) < CHUNK:
            return
        last = found[-1][0]


def _everybody(
    asked: Asked, cycle: str, day: dt.date, useful_through: dt.date | None = None
) -> Chunks:
    facts = {} if useful_through is None else {"occasion_on": useful_through.isoformat()}
    for rows in _keyset(_members(asked), "pk"):
        yield [Candidate(pk, cycle, day, useful_through, facts) for (pk,) in rows]


def _once(trigger: Trigger, day: dt.date, asked: Asked) -> Chunks:
    if trigger.on == day:
        yield from _everybody(asked, "once", day)


def _holiday(trigger: Trigger, day: dt.date, asked: Asked) -> Chunks:
    occasion = day + trigger.days_before[0] * DAY
    if is_on(trigger, occasion, asked.almanac):
        cycle = cycle_of_holiday(trigger.holiday, occasion)
        yield from _everybody(asked, cycle, day, occasion)


def _birthdays(trigger: Trigger, day: dt.date, asked: Asked) -> Chunks:
    occasion = day + trigger.days_before[0] * DAY
    cycle, facts = cycle_of_year("birthday", occasion), {"occasion_on": occasion.isoformat()}
    wanted = Q(pk__in=[])
    for month, day_of_month in birthdays_on(occasion):
        wanted |= Q(birth_month=month, birth_day=day_of_month)
    rows = Profile.objects.filter(wanted, account__program=asked.program)
    for chunk in _keyset(rows, "pk", "birth_month", "birth_day", "birthday_since"):
        yield [
            Candidate(pk, cycle, day, occasion, facts, _birthday_refused(occasion, *born))
            for pk, *born in chunk
        ]


def _birthday_refused(
    occasion: dt.date, month: int, day: int, known_since: dt.date
) -> Reason | None:
    counts = birthdays.counts_in(occasion.year, month=month, day=day, known_since=known_since)
    return None if counts else Reason.RECENT_BIRTHDAY


def _anniversaries(trigger: Trigger, day: dt.date, asked: Asked) -> Chunks:
    occasion = day + trigger.days_before[0] * DAY
    wanted = Q(pk__in=[])
    for month, day_of_month in birthdays_on(occasion):
        wanted |= Q(first_on__month=month, first_on__day=day_of_month)
    rows = CustomerRollup.objects.filter(wanted, program=asked.program)
    facts = {"occasion_on": occasion.isoformat()}
    for chunk in _keyset(rows, "pk", "first_on"):
        yield [
            Candidate(pk, cycle_of_year("anniversary", occasion), day, occasion, facts)
            for pk, first_on in chunk
            if is_anniversary(first_on, occasion)
        ]


def _expiring(trigger: Trigger, day: dt.date, asked: Asked) -> Chunks:
    for days in trigger.days_before:
        last_day = day + days * DAY
        cycle = f"expiring:{last_day}:{days}"
        yield from _with_lots(asked, last_day, last_day, cycle, day, last_day)


def _expiring_next_month(trigger: Trigger, day: dt.date, asked: Asked) -> Chunks:
    if day.day == trigger.day_of_month:
        first, last = next_month(day)
        yield from _with_lots(asked, first, last, f"expiring-in:{first:%Y-%m}", day, None)


def _with_lots(
    asked: Asked,
    first: dt.date,
    last: dt.date,
    cycle: str,
    day: dt.date,
    useful_through: dt.date | None,
) -> Chunks:
    """Yield who has points whose last day, on the program's clock, is one of these.

    What ends with a day ends at the first instant of the next one, which does not belong to it.
    """
    start, end = (start_of_local_day(each, asked.zone) for each in (first, last + DAY))
    dying = Q(expires_at__gt=start, expires_at__lte=end, is_pending=False, remaining__gt=0)
    lots = Lot.objects.filter(dying, account__program=asked.program)
    sums = lots.values("account_id").annotate(points=Sum("remaining"))
    for chunk in _keyset(sums, "account_id", "points"):
        yield [
            Candidate(
                account_id,
                cycle,
                day,
                useful_through,
                {"expiring_points": str(points), "expiring_on": last.isoformat()},
            )
            for account_id, points in chunk
        ]


def _with_coupons(trigger: Trigger, day: dt.date, asked: Asked) -> Chunks:
    """Yield who holds a coupon that ends soon: as its plan says, else by the days of the campaign.

    One candidate for each coupon, so that each is told once. Those that somebody else has reminded
    of are left out.
    """
    usable = Coupon.objects.filter(
        program=asked.program,
        state=CouponState.ACTIVE,
        account__isnull=False,
        reminded_at=None,
    )
    for days in trigger.days_before:
        start, end = (start_of_local_day(day + (days + more) * DAY, asked.zone) for more in (0, 1))
        ending = usable.filter(remind_at=None, valid_until__gt=start, valid_until__lte=end)
        yield from _reminded(ending, days, day, asked)
    start, end = (start_of_local_day(day + more * DAY, asked.zone) for more in (0, 2))
    planned = usable.filter(remind_at__gt=start, remind_at__lt=end)
    yield from _reminded(planned, None, day, asked)


def _reminded(rows: QuerySet[Any], days: int | None, day: dt.date, asked: Asked) -> Chunks:
    """Yield the owners of those coupons of which a day is so many days before the last one.

    Without ``days`` each coupon has its own. They are whole days of 24 hours before the end, so a
    change of the clock in between moves the instant, and not the day that is counted from.
    """
    values = ("account_id", "code", "valid_until", "remind_at")
    for chunk in _keyset(rows, "pk", *values):
        found = []
        for pk, account_id, code, end_at, remind_at in chunk:
            before = (end_at - remind_at).days if days is None else days
            last_day = local_date(end_at - INSTANT, asked.zone)
            if last_day - before * DAY != day:
                continue
            facts = {"expiring_coupon": code, "expiring_on": last_day.isoformat()}
            found.append(Candidate(account_id, f"coupon:{pk}:{before}", day, last_day, facts))
        if found:
            yield found


def _buyers(trigger: Trigger, day: dt.date, asked: Asked) -> Chunks:
    """Yield who ordered once, so many days ago, or who falls into a band on the day.

    Nobody for a day that goes on: who orders again on it has ordered twice.
    """
    rows = CustomerRollup.objects.filter(program=asked.program)
    if trigger.kind is TriggerKind.SECOND_PURCHASE:
        bought_on = day - trigger.days_after * DAY
        if not asked.is_over(bought_on):
            return
        rows = rows.filter(orders=1, first_on=bought_on)
        name = "second"
    else:
        first, end = entering_band(trigger.band, day, limits_of(asked.program))
        rows = rows.filter(last_on__gte=first, last_on__lt=end)
        name = f"win-back:{trigger.band}"
    for chunk in _keyset(rows, "pk", "last_on"):
        yield [Candidate(pk, f"{name}:{last_on}", day) for pk, last_on in chunk]


def _unanswered(trigger: Trigger, day: dt.date, asked: Asked) -> Chunks:
    """Yield whose last order was so many days ago, stays, and was not answered for yet.

    Of several orders of that day it is the last one, which is known when the day is over. Those of
    tills are left out: nobody can answer for them in the shop.
    """
    bought_on = day - trigger.days_after * DAY
    has_survey = rules_of(asked.program.current_version_id).survey.is_on
    if not has_survey or not asked.is_over(bought_on):
        return
    start, end = (start_of_local_day(bought_on + more * DAY, asked.zone) for more in (0, 1))
    buyers = CustomerRollup.objects.filter(program=asked.program, last_on=bought_on)
    orders = OrderRecord.objects.filter(
        account__in=buyers.values("account_id"),
        is_counted=True,
        created_at__gte=start,
        created_at__lt=end,
    ).exclude(order_ref__startswith=RECEIPT)
    answered = SurveyAnswer.objects.filter(order_ref=OuterRef("order_ref"))
    last = orders.filter(~Exists(answered)).values("account_id").annotate(last=Max("pk"))
    for chunk in _keyset(last, "account_id", "last"):
        found = OrderRecord.objects.in_bulk([pk for _account_id, pk in chunk])
        yield [
            Candidate(account_id, f"survey:{bought_on}", day, facts=_order_facts(found[pk]))
            for account_id, pk in chunk
        ]


def _order_facts(record: OrderRecord) -> dict[str, str]:
    return {"order_number": record.number, "order_ref": record.order_ref}


def _run_out(trigger: Trigger, days: Sequence[dt.date], asked: Asked) -> Chunks:
    """Yield whose goods run out, for all days in one pass: what everybody bought is read once."""
    names = host.current().goods_names("variants", trigger.variants)
    for rows in _keyset(_members(asked), "pk", "user_id"):
        accounts = {str(user_id): pk for pk, user_id in rows}
        found = rhythms(asked.program, asked.zone, trigger.variants, accounts)
        yield [
            Candidate(
                accounts[user_ref],
                f"run-out:{variant}:{bought[-1].on}",
                day,
                result.latest,
                _run_out_facts(result, variant, names.get(variant, "")),
            )
            for (user_ref, variant), bought in sorted(found.items())
            if (day := reminded_on(bought, trigger.days_before[0])) in days
            and day is not None
            and isinstance(result := run_out(bought), RunOut)
        ]


def rhythms(
    program: Program, zone: str, variants: Collection[str], user_refs: Collection[str]
) -> dict[tuple[str, str], list[Bought]]:
    """Return what customers bought of variants, oldest first, by (customer, variant)."""
    channels = set(program.channels.values_list("channel_ref", flat=True))
    found: dict[tuple[str, str], list[Bought]] = {}
    for each in host.current().purchases(variants, channels, user_refs):
        bought = found.setdefault((each.user_ref, each.variant_ref), [])
        bought.append(Bought(local_date(each.at, zone), each.quantity))
    return found


def _run_out_facts(result: RunOut, variant_ref: str, name: str) -> dict[str, str]:
    return {
        "product": name,
        "variant_id": host.current().to_global_id("ProductVariant", variant_ref),
        "occasion_on": result.on.isoformat(),
        "run_out_from": result.earliest.isoformat(),
        "run_out_until": result.latest.isoformat(),
        "run_out_is_firm": "yes" if result.is_firm else "",
    }


def _announced(trigger: Trigger, day: dt.date, asked: Asked) -> Chunks:
    found = announced(trigger, asked.program, asked.zone)
    if found is not None and found.on == day:
        for rows in _keyset(_members(asked), "pk"):
            yield [
                Candidate(pk, "announce", day, facts=found.facts, not_before=found.since)
                for (pk,) in rows
            ]


CALENDAR: Mapping[TriggerKind, Callable[[Trigger, dt.date, Asked], Chunks]] = {
    TriggerKind.ONCE: _once,
    TriggerKind.HOLIDAY: _holiday,
    TriggerKind.BIRTHDAY: _birthdays,
    TriggerKind.ANNIVERSARY: _anniversaries,
    TriggerKind.POINTS_EXPIRING: _expiring,
    TriggerKind.POINTS_EXPIRING_NEXT_MONTH: _expiring_next_month,
    TriggerKind.COUPON_EXPIRING: _with_coupons,
    TriggerKind.SECOND_PURCHASE: _buyers,
    TriggerKind.WIN_BACK: _buyers,
    TriggerKind.SURVEY: _unanswered,
    TriggerKind.ANNOUNCE: _announced,
}


@dataclass(frozen=True, slots=True)
class _Event:
    """Something that happened to an account."""

    event_id: int
    account_id: int
    event_at: dt.datetime


def _events(rows: QuerySet[Any], trigger: Trigger, asked: Asked, at: str, cycle_of: Any) -> Chunks:
    owned = rows.annotate(owner=F("pk" if rows.model is Account else "account_id"))
    for chunk in _keyset(owned, "pk", "owner", at):
        events = [_Event(*row) for row in chunk]
        yield [
            Candidate(
                event.account_id,
                cycle_of(event),
                local_date(event.event_at, asked.zone) + trigger.days_after * DAY,
            )
            for event in events
        ]
