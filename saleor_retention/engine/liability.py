"""The points ledger as an accountant reads it: what is owed at the end of each day, and why.

Points are counted from the ledger's entries, which never change; what they are worth follows from
the program's point value and from the share of points that the merchant expects to be redeemed. The
functions here are the specification of ``sql/liability``; docs/reference/liability.md has every
definition in words.
"""

from __future__ import annotations

import datetime as dt
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

from saleor_retention.engine.money import round_half_up
from saleor_retention.engine.periods import add_months, start_of_local_day

LATE_AFTER = dt.timedelta(hours=48)
"""A posting that is written down later than this belongs to the day on which it was written."""

MOMENT = dt.timedelta(microseconds=1)
MEMBER_BOOKS = frozenset({"available", "pending", "held", "deficit"})
BY_TIME = "time:expire"
"""The cause of a breakage that follows from the clock alone and is true without being posted."""


class Movement(StrEnum):
    """Why the points that members have became more or fewer."""

    EARNED = "earned"
    BONUS = "bonus"
    GRANTED = "granted"
    IMPORTED = "imported"
    REVERSED = "reversed"
    REINSTATED = "reinstated"
    REDEEMED = "redeemed"
    RESTORED = "restored"
    EXPIRED = "expired"
    ERASED = "erased"
    ADJUSTED = "adjusted"
    WRITTEN_OFF = "written_off"
    TRANSFERRED = "transferred"
    OTHER = "other"


USES = (Movement.REDEEMED, Movement.RESTORED)
BREAKAGE = (Movement.EXPIRED, Movement.ERASED)
ISSUES = {
    "earn": Movement.EARNED,
    "bonus": Movement.BONUS,
    "grant": Movement.GRANTED,
    "merge": Movement.TRANSFERRED,
}


class Step(StrEnum):
    """How long a period of the report is."""

    DAY = "day"
    MONTH = "month"


@dataclass(frozen=True, slots=True)
class Span:
    """A period of whole local days, as the instants [start_at, end_at)."""

    first_day: dt.date
    last_day: dt.date
    start_at: dt.datetime
    end_at: dt.datetime

    def is_final(self, now: dt.datetime) -> bool:
        """Return whether no posting that is still to come can belong to the period."""
        return now >= self.end_at + LATE_AFTER


@dataclass(frozen=True, slots=True)
class EntryFacts:
    """One entry of the ledger with what its transaction says of it."""

    kind: str
    book: str
    points: int
    effective_at: dt.datetime
    recorded_at: dt.datetime
    rule_key: str = ""
    cause: str = ""
    lot_recorded_at: dt.datetime | None = None  # when the lot's first posting was written


@dataclass(frozen=True, slots=True)
class Heading:
    """Which entries are summed up together; ``place`` 0 is before the first period."""

    place: int
    kind: str
    book: str
    is_import: bool
    is_gain: bool  # of the book: the entry's points are positive
    is_late: bool


@dataclass(frozen=True, slots=True)
class Orders:
    """The orders paid within a period, as they stand now, in minor units of one currency."""

    count: int = 0
    price_minor: int = 0
    points: int = 0
    deferred_minor: int = 0


@dataclass(frozen=True, slots=True)
class Revenue:
    """What happened in a period to the part of the price that was put aside for points."""

    orders: Orders
    recognized_minor: int
    liability_minor: int  # at the end of the period


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the program has come at one instant, counted from its start."""

    issued: int = 0  # net of what was taken back; still held, redeemed or broken since
    redeemed: int = 0  # net of what was given back

    def expected(self, closing: int, rate: Fraction) -> Fraction:
        """Return how many of the closing points will be redeemed if ``rate`` of all issued are.

        What was expected of everything issued less what was redeemed; at least none, at most all
        that members have.

        >>> Progress(issued=10_000, redeemed=4500).expected(5500, Fraction(95, 100))
        Fraction(5000, 1)
        """
        to_come = rate * self.issued - self.redeemed
        return max(Fraction(0), min(Fraction(max(0, closing)), to_come))


@dataclass(frozen=True, slots=True)
class Period:
    """The points of one period: opening + movements = closing."""

    span: Span
    opening: int
    closing: int
    movements: Mapping[Movement, int]  # signed as members see it; those of zero are left out
    late: int  # of the movements: what took effect more than ``LATE_AFTER`` before it was written
    progress: Progress  # at its end

    @property
    def made(self) -> int:
        """Return the closing balance as the program's books explain it."""
        return self.opening + sum(self.movements.values())


@dataclass(frozen=True, slots=True)
class Ledger:
    """The periods of a report, and what lies before and after them."""

    before: Progress
    periods: tuple[Period, ...]
    after: int  # points that members gained in all since the last period's end

    @property
    def total(self) -> int:
        """Return what members have by all entries."""
        return self.after + (self.periods[-1].closing if self.periods else 0)


def spans(first_day: dt.date, last_day: dt.date, step: Step, tz: str) -> list[Span]:
    """Return the local days, or the calendar months, from the first day to the last inclusive.

    Months at the ends are cut to the days asked for. None where the last day is before the first.
    """
    found = []
    day = first_day
    while day <= last_day:
        following = day + dt.timedelta(days=1)
        if step is Step.MONTH:
            following = min(add_months(day.replace(day=1), 1), last_day + dt.timedelta(days=1))
        found.append(
            Span(
                day,
                following - dt.timedelta(days=1),
                start_of_local_day(day, tz),
                start_of_local_day(following, tz),
            )
        )
        day = following
    return found


def boundaries(periods: Sequence[Span]) -> list[dt.datetime]:
    """Return the instants between which the periods lie."""
    return [*(span.start_at for span in periods), periods[-1].end_at]


def movement_of(heading: Heading) -> Movement | None:
    """Return the movement that entries of a program's book are; None for a member's book."""
    if heading.book in MEMBER_BOOKS:
        return None
    if heading.book == "issuance":
        if heading.kind == "grant" and heading.is_import:
            return Movement.IMPORTED
        return ISSUES.get(heading.kind, Movement.OTHER)
    gains = heading.is_gain
    return {
        "redeemed": Movement.REDEEMED if gains else Movement.RESTORED,
        "clawback": Movement.REVERSED if gains else Movement.REINSTATED,
        "breakage": Movement.ERASED if heading.kind == "erase" else Movement.EXPIRED,
        "adjustment": Movement.ADJUSTED,
        "write_off": Movement.WRITTEN_OFF,
    }.get(heading.book, Movement.OTHER)


def instant_of(kind: str, effective_at: dt.datetime) -> dt.datetime:
    """Return when a posting counts: breakage in the last moment that the points could be spent in.

    So points that die at midnight at the end of a year are breakage of that year.
    """
    return effective_at - MOMENT if kind == "expire" else effective_at


def booked_at(entry: EntryFacts) -> dt.datetime:
    """Return the instant by which an entry falls into a period.

    When it took effect, unless it was written down ``LATE_AFTER`` or more afterwards: then when it
    was written, so that no posting comes into a period that is final. A breakage by time is known
    without being written; it is late only where its lot was.
    """
    instant = instant_of(entry.kind, entry.effective_at)
    known_at = entry.recorded_at
    if entry.cause == BY_TIME and entry.lot_recorded_at is not None:
        known_at = min(known_at, entry.lot_recorded_at)
    return instant if known_at < instant + LATE_AFTER else known_at


def sums_of(entries: Iterable[EntryFacts], bounds: Sequence[dt.datetime]) -> Counter[Heading]:
    """Return the points of each heading: what ``movements.sql`` gives, entry by entry."""
    sums: Counter[Heading] = Counter()
    for entry in entries:
        at = booked_at(entry)
        heading = Heading(
            bisect_right(bounds, at),
            entry.kind,
            entry.book,
            is_import=entry.rule_key == "import",
            is_gain=entry.points > 0,
            is_late=at != instant_of(entry.kind, entry.effective_at),
        )
        sums[heading] += entry.points
    return sums


def ledger_of(sums: Mapping[Heading, int], periods: Sequence[Span]) -> Ledger:
    """Return the periods in order; opening and closing are sums of the members' books.

    The movements are sums of the program's books, so that the two can be held against each other.
    """
    moves: list[Counter[Movement]] = [Counter() for _ in range(len(periods) + 2)]
    changes, late = [0] * len(moves), [0] * len(moves)
    for heading, points in sums.items():
        movement = movement_of(heading)
        if movement is None:
            changes[heading.place] += points
            continue
        moves[heading.place][movement] -= points
        if heading.is_late:
            late[heading.place] -= points
    made = []
    so_far: Counter[Movement] = Counter()
    _add(so_far, moves[0])
    before = _progress(so_far)
    closing = changes[0]
    for place, span in enumerate(periods, 1):
        opening, closing = closing, closing + changes[place]
        _add(so_far, moves[place])
        movements = {name: moves[place][name] for name in Movement if moves[place][name]}
        made.append(Period(span, opening, closing, movements, late[place], _progress(so_far)))
    return Ledger(before, tuple(made), changes[-1])


def _progress(so_far: Mapping[Movement, int]) -> Progress:
    gone = sum(so_far[movement] for movement in (*USES, *BREAKAGE))
    return Progress(
        issued=sum(so_far.values()) - gone, redeemed=-sum(so_far[movement] for movement in USES)
    )


def _add(sums: Counter[Movement], more: Mapping[Movement, int]) -> None:
    for movement, points in more.items():
        sums[movement] += points


# --- in money -------------------------------------------------------------------------------------


def worth(points: int | Fraction, point_value: Fraction) -> int:
    """Return what points are worth in minor units, to the nearest one; a half goes up.

    >>> worth(105, Fraction(1, 10)), worth(0, Fraction(1))
    (11, 0)
    """
    return round_half_up(points * point_value)


def deferred(
    price_minor: int, goods_minor: int, points: int, point_value: Fraction, rate: Fraction
) -> int:
    """Return the part of an order's price that is put aside for its points, in minor units.

    The price is allocated in proportion to stand-alone selling prices (IFRS 15.74, B42; ASC
    606-10-32-31): that of the goods, and that of the points, which is points x value x the rate
    at which they are expected to be redeemed. To the nearest minor unit, a half up; the goods get
    the rest, so that the two add up to the price. Nothing where nothing was paid.

    Goods of 100,000 with 10,000 points of 1, 95 % of which are expected to be redeemed:

    >>> deferred(100_000, 100_000, 10_000, Fraction(1), Fraction(95, 100))
    8676
    """
    points_minor = points * point_value * rate
    whole = goods_minor + points_minor
    if whole <= 0 or points_minor <= 0:
        return 0
    return round_half_up(price_minor * points_minor / whole)


def recognized(deferred_minor: int, redeemed: int, expected: Fraction) -> int:
    """Return how much of what was put aside has become revenue, since the beginning.

    In proportion to the points redeemed among those expected to be (IFRS 15.B44 to B46; ASC
    606-10-55-46 to 55-49), so breakage becomes revenue with redemptions and not at expiry. Never
    more than all, never less than nothing; to the nearest minor unit, a half up. A change of the
    expectation works on the sum since the beginning.

    Of 8,676 put aside, 4,500 points of 9,500 expected; a year later 8,500 of 9,700:

    >>> recognized(8676, 4500, Fraction(9500)), recognized(8676, 8500, Fraction(9700))
    (4110, 7603)
    """
    if expected <= 0 or redeemed <= 0:
        return 0
    return round_half_up(deferred_minor * min(Fraction(1), redeemed / expected))


def revenue_of(ledger: Ledger, orders: Mapping[int, Orders], rate: Fraction) -> tuple[Revenue, ...]:
    """Return what became of the price put aside, period by period.

    ``orders`` are by place, 0 being those before the first period.
    """
    total = orders.get(0, Orders()).deferred_minor
    done = _recognized_at(total, ledger.before, rate)
    made = []
    for place, period in enumerate(ledger.periods, 1):
        paid = orders.get(place, Orders())
        total += paid.deferred_minor
        now_done = _recognized_at(total, period.progress, rate)
        made.append(Revenue(paid, now_done - done, total - now_done))
        done = now_done
    return tuple(made)


def _recognized_at(deferred_minor: int, progress: Progress, rate: Fraction) -> int:
    return recognized(deferred_minor, progress.redeemed, rate * progress.issued)


# --- what expires when ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class OpenLot:
    """Points of a lot that members still have."""

    remaining: int
    held: int
    is_pending: bool
    expires_at: dt.datetime | None


@dataclass(frozen=True, slots=True)
class Expiring:
    """The points that die in one month if nobody spends them before."""

    month: dt.date | None  # its first day; None: they do not die within the months looked at
    is_later: bool = False  # they die after the last month looked at
    available: int = 0
    pending: int = 0
    held: int = 0  # for open checkouts

    @property
    def points(self) -> int:
        """Return all of them."""
        return self.available + self.pending + self.held


Parts = tuple[int, int, int]  # available, pending, held


def months_from(day: dt.date, count: int) -> list[dt.date]:
    """Return the first days of ``count`` months, beginning with the one that holds ``day``."""
    return [add_months(day.replace(day=1), months) for months in range(count)]


def month_bounds(months: Sequence[dt.date], tz: str) -> list[dt.datetime]:
    """Return the instants between which the months lie."""
    days = [*months, add_months(months[-1], 1)]
    return [start_of_local_day(day, tz) for day in days]


def parts_of(lots: Iterable[OpenLot], bounds: Sequence[dt.datetime]) -> dict[int | None, Parts]:
    """Return the points of each place among ``bounds``: what ``schedule.sql`` gives, lot by lot.

    None is for points that never die; 0 for those set aside whose lot has died since.
    """
    sums: dict[int | None, Parts] = {}
    for lot in lots:
        place = None
        if lot.expires_at is not None:
            place = bisect_right(bounds, instant_of("expire", lot.expires_at))
        ripe, unripe = (0, lot.remaining) if lot.is_pending else (lot.remaining, 0)
        available, pending, held = sums.get(place, (0, 0, 0))
        sums[place] = (available + ripe, pending + unripe, held + lot.held)
    return sums


def schedule_of(
    parts: Iterable[tuple[int | None, Parts]], months: Sequence[dt.date]
) -> tuple[Expiring, ...]:
    """Return months that points die in, then those after the last month, then those for ever.

    Points set aside whose lot died before stand in the first month: if their checkout is given up,
    they are gone at once.
    """
    later = len(months) + 1
    sums: dict[int | None, list[int]] = {}
    for place, more in parts:
        row = sums.setdefault(1 if place == 0 else place, [0, 0, 0])
        row[:] = [one + other for one, other in zip(row, more, strict=True)]
    order = [*range(1, later + 1), None]
    return tuple(
        Expiring(
            months[place - 1] if place is not None and place < later else None,
            place == later,
            *sums[place],
        )
        for place in order
        if place in sums and any(sums[place])
    )
