"""What a program owes its members, by day or month, in points and in money; and what dies when.

Four statements go once over the program's ledger, accounts, open lots and order records, whatever
the number of periods; a fifth reads what time has brought and no job has posted yet. They see one
snapshot of the database, so that the report agrees with itself while the shop sells. Of the ledger
they read the sums by day (``services.ledger.summing``), as far as these go, and the entries
recorded since.
Days and months are the program's, by ``engine.liability.booked_at``.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from itertools import groupby
from typing import Any

from django.db import connection, transaction
from django.db.models import F, OuterRef, Subquery
from django.utils import timezone

from saleor_retention import sql
from saleor_retention.engine import liability as engine
from saleor_retention.engine.liability import EntryFacts, Heading, OpenLot, Orders, Span, Step
from saleor_retention.engine.liability_report import Report, Standing
from saleor_retention.engine.periods import local_date
from saleor_retention.engine.rules import ProgramRules
from saleor_retention.errors import Code, Refusal
from saleor_retention.models import Entry, LedgerSummed, Lot, Program
from saleor_retention.selectors.due import Due, DueKind, due_of, is_due
from saleor_retention.selectors.programs import exponents_in, rules_of

PERIODS_MAX = 366
MONTHS = 120
"""How far ahead the schedule of expiry goes month by month; what dies later stands in one row."""

ALL = Fraction(1)
RATE = "expectedRedemptionRate"
RATE_DECIMALS_MAX = 6
FIRST_DAY_MIN = dt.date(1970, 1, 1)
LOTS_AT_ONCE = 2000
SMALL = 2**31
"""Factors below it may be multiplied in 64 bits, where the statement sees that the product fits."""


@dataclass
class _Unposted:
    """What time has brought and no job has posted yet."""

    sums: Counter[Heading] = field(default_factory=Counter)
    matured: int = 0  # out of PENDING
    ripened: int = 0  # into AVAILABLE, of those
    repaid: int = 0  # into DEFICIT, of those
    expired_available: int = 0
    expired_pending: int = 0
    left: list[OpenLot] = field(default_factory=list)  # of the lots that something is due on

    def add(self, due: Due, bounds: Sequence[dt.datetime]) -> None:
        """Count what is due on one lot."""
        if due.kind is DueKind.MATURE:
            self.matured += due.points
            self.ripened += due.points - due.repaid
            self.repaid += due.repaid
            return
        if due.is_from_pending:
            self.expired_pending += due.points
        else:
            self.expired_available += due.points
        for book, points in (("available", -due.points), ("breakage", due.points)):
            fact = EntryFacts(
                "expire",
                book,
                points,
                due.at,
                due.at,
                cause=engine.BY_TIME,
                lot_recorded_at=due.lot.recorded_at,
            )
            self.sums.update(engine.sums_of([fact], bounds))


def liability(
    program: Program,
    *,
    first_day: dt.date,
    last_day: dt.date,
    step: Step = Step.DAY,
    rate: Fraction = ALL,
    now: dt.datetime | None = None,
) -> Report:
    """Return the report of the days from ``first_day`` to ``last_day``, both included.

    ``rate`` is the share of all points issued that the merchant expects to be redeemed at last.
    Refusals (INVALID, naming the argument): days in the wrong order, before 1970 or still to come,
    more than ``PERIODS_MAX`` periods, a rate that is not above 0 and at most 1; NOT_FOUND for a
    program without rules.
    """
    at = now or timezone.now()
    if program.current_version_id is None:
        raise Refusal(Code.NOT_FOUND, f'The program "{program.slug}" has no rules yet.', "program")
    if not 0 < rate <= 1:
        raise _bad_rate()
    rules = rules_of(program.current_version_id)
    periods = _periods(first_day, last_day, step, local_date(at, rules.time_zone), rules.time_zone)
    bounds = engine.boundaries(periods)
    months = engine.months_from(local_date(at, rules.time_zone), MONTHS)
    month_bounds = engine.month_bounds(months, rules.time_zone)
    currency = _currency_of_revenue(rules)
    with one_snapshot():
        unposted = _unposted(program, bounds, at)
        sums = _sums(program, periods, rules.time_zone)
        kept = _kept(program)
        parts = _schedule(program, month_bounds, at)
        orders = _orders(program, bounds, rules, currency, rate) if currency else {}
    sums.update(unposted.sums)
    ledger = engine.ledger_of(sums, periods)
    parts += engine.parts_of(unposted.left, month_bounds).items()
    return Report(
        program=program.name,
        time_zone=rules.time_zone,
        made_at=at,
        rate=rate,
        point_values=rules.point_values,
        exponents=exponents_in(program.current_version.document),
        ledger=ledger,
        standing=_standing(kept, unposted),
        schedule=engine.schedule_of(parts, months),
        revenue_currency=currency,
        revenue=engine.revenue_of(ledger, orders, rate) if currency else (),
    )


def rate_of(share: Decimal) -> Fraction:
    """Return the share of points that is expected to be redeemed, as typed, exactly.

    Refuses (INVALID) what is not above 0 and at most 1, and more than ``RATE_DECIMALS_MAX``
    decimals, which no merchant expects and exact arithmetic would have to carry.
    """
    if not share.is_finite() or not 0 < share <= 1:
        raise _bad_rate()
    if -int(share.as_tuple().exponent) > RATE_DECIMALS_MAX:
        message = f"The expected redemption rate has more than {RATE_DECIMALS_MAX} decimals."
        raise Refusal(Code.INVALID, message, RATE)
    return Fraction(share)


def _bad_rate() -> Refusal:
    message = "The expected redemption rate must be above 0 and at most 1."
    return Refusal(Code.INVALID, message, RATE)


def _periods(
    first_day: dt.date, last_day: dt.date, step: Step, today: dt.date, tz: str
) -> list[Span]:
    if last_day < first_day:
        raise Refusal(Code.INVALID, "The last day comes before the first.", "to")
    if last_day > today:
        message = f"The last day is still to come: it is {today} in the program's time zone."
        raise Refusal(Code.INVALID, message, "to")
    if first_day < FIRST_DAY_MIN:
        raise Refusal(Code.INVALID, f"There is nothing before {FIRST_DAY_MIN}.", "from")
    days = (last_day - first_day).days + 1
    months = (last_day.year - first_day.year) * 12 + last_day.month - first_day.month + 1
    count = days if step is Step.DAY else months
    if count > PERIODS_MAX:
        message = f"These are {count} periods; a report has at most {PERIODS_MAX}."
        raise Refusal(Code.INVALID, message, "from")
    return engine.spans(first_day, last_day, step, tz)


def _currency_of_revenue(rules: ProgramRules) -> str:
    """Return the currency that the prices of all orders are known in, "" if there is none."""
    if rules.reference_currency:
        stated = rules.point_values.get(rules.reference_currency)
        return rules.reference_currency if stated else ""
    valued = [currency for currency, value in rules.point_values.items() if value]
    return valued[0] if len(rules.point_values) == len(valued) == 1 else ""


@contextmanager
def one_snapshot() -> Iterator[None]:
    """Let all statements see the same rows, where the caller has no transaction open already."""
    if connection.in_atomic_block:
        yield
        return
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield


def booked_statement(
    name: str,
    parameters: Mapping[str, Any],
    *,
    since: dt.datetime | None = None,
    before: dt.datetime | None = None,
) -> tuple[str, dict[str, Any]]:
    """Return a statement about entries recorded in [since, before), and its parameters."""
    statement = sql.load(f"liability/{name}")
    for part in ("daily", "booked"):
        statement = statement.replace(f"{{{part}}}", sql.load(f"liability/{part}"))
    return statement, {
        **parameters,
        "late_after": engine.LATE_AFTER,
        "by_time": engine.BY_TIME,
        "recorded_from": since,
        "recorded_before": before,
    }


def _sums(program: Program, periods: Sequence[Span], time_zone: str) -> Counter[Heading]:
    summed = LedgerSummed.objects.filter(program=program, time_zone=time_zone).first()
    after_last = periods[-1].last_day + dt.timedelta(days=1)
    parameters = {
        "program_id": program.pk,
        "bounds": engine.boundaries(periods),
        "days": [*(period.first_day for period in periods), after_last],
    }
    since = None if summed is None else summed.until
    with connection.cursor() as cursor:
        cursor.execute(*booked_statement("movements", parameters, since=since))
        rows = cursor.fetchall()
    return Counter({Heading(*row[:-1]): row[-1] for row in rows})


def _kept(program: Program) -> Standing:
    return Standing(*_rows("kept", {"program_id": program.pk})[0])


def _schedule(
    program: Program, bounds: Sequence[dt.datetime], now: dt.datetime
) -> list[tuple[int | None, engine.Parts]]:
    parameters = {"program_id": program.pk, "bounds": list(bounds), "now": now}
    rows = _rows("schedule", parameters)
    return [(place, (available, pending, held)) for place, available, pending, held in rows]


def _orders(
    program: Program,
    bounds: Sequence[dt.datetime],
    rules: ProgramRules,
    currency: str,
    rate: Fraction,
) -> dict[int, Orders]:
    value = rules.point_values[currency]
    over, under = value.numerator * rate.numerator, value.denominator * rate.denominator
    parameters = {
        "program_id": program.pk,
        "bounds": list(bounds),
        "end_at": bounds[-1],
        "over": over,
        "under": under,
        "is_small": max(over, under) < SMALL,
        "small_over": min(over, SMALL),
        "small_under": min(under, SMALL),
        "currency": None if rules.reference_currency else currency,
    }
    return {place: Orders(*sums) for place, *sums in _rows("orders", parameters)}


def _rows(name: str, parameters: dict[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql.load(f"liability/{name}"), parameters)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows


def _unposted(program: Program, bounds: Sequence[dt.datetime], now: dt.datetime) -> _Unposted:
    """Return what is due on the program's lots at ``now``; reads only those that it is due on."""
    first_posting = Entry.objects.filter(lot=OuterRef("pk")).order_by("pk")
    lots = (
        Lot.objects.filter(is_due(now), account__program=program)
        .annotate(
            owed=F("account__deficit"),
            recorded_at=Subquery(first_posting.values("transaction__recorded_at")[:1]),
        )
        .order_by("account_id", "pk")
        .iterator(chunk_size=LOTS_AT_ONCE)
    )
    found = _Unposted()
    for _, group in groupby(lots, key=lambda lot: lot.account_id):
        of_member = list(group)
        gone: Counter[int] = Counter()
        for due in due_of(of_member, of_member[0].owed, now):
            found.add(due, bounds)
            gone[due.lot.pk] += due.points if due.kind is DueKind.EXPIRE else due.repaid
        found.left += [
            OpenLot(lot.remaining - gone[lot.pk], 0, is_pending=False, expires_at=lot.expires_at)
            for lot in of_member
        ]
    return found


def _standing(kept: Standing, unposted: _Unposted) -> Standing:
    return Standing(
        available=kept.available + unposted.ripened - unposted.expired_available,
        pending=kept.pending - unposted.matured - unposted.expired_pending,
        held=kept.held,
        deficit=kept.deficit - unposted.repaid,
    )
