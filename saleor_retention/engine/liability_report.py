"""One liability report: its check against itself, and the tables that leave the shop."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction

from saleor_retention.engine.liability import (
    Expiring,
    Ledger,
    Movement,
    Period,
    Revenue,
    worth,
)
from saleor_retention.engine.money import from_minor
from saleor_retention.engine.spreadsheets import Cell, table

PERIOD_COLUMNS = (
    "program", "first_day", "last_day", "final", "opening", *(name.value for name in Movement),
    "closing", "late", "expected_to_be_redeemed",
)  # fmt: skip
SCHEDULE_COLUMNS = ("program", "expires", "available", "pending", "held", "points")


@dataclass(frozen=True, slots=True)
class Standing:
    """What members have in all; ``deficit`` is what they owe, as a positive number."""

    available: int = 0
    pending: int = 0
    held: int = 0
    deficit: int = 0

    @property
    def net(self) -> int:
        """Return what is owed to members less what they owe."""
        return self.available + self.pending + self.held - self.deficit


@dataclass(frozen=True, slots=True)
class Report:
    """What a program owes its members over some periods and at the instant it was made."""

    program: str  # its name
    time_zone: str
    made_at: dt.datetime
    rate: Fraction  # share of all issued points that is expected to be redeemed
    point_values: Mapping[str, Fraction]  # minor units for a point, by currency
    exponents: Mapping[str, int]
    ledger: Ledger
    standing: Standing  # at ``made_at``
    schedule: tuple[Expiring, ...]  # at ``made_at``
    revenue_currency: str  # "" where none is stated for all orders
    revenue: tuple[Revenue, ...]  # one for each period, or none at all

    @property
    def currencies(self) -> list[str]:
        """Return the currencies that points have a value in."""
        return sorted(self.point_values)

    def breaches(self) -> list[str]:
        """Return a sentence for each sum of the report that does not agree with another one."""
        found = [
            f"{period.span.first_day}: opening {period.opening} and the movements make "
            f"{period.made}, and members hold {period.closing} at the end."
            for period in self.ledger.periods
            if period.made != period.closing
        ]
        if self.ledger.total != self.standing.net:
            found.append(
                f"All entries make {self.ledger.total} points, and members' balances are "
                f"{self.standing.net}."
            )
        outstanding = sum(row.points for row in self.schedule)
        if outstanding - self.standing.deficit != self.standing.net:
            found.append(
                f"Lots hold {outstanding} points, and members' balances before deficits are "
                f"{self.standing.net + self.standing.deficit}."
            )
        return found

    def expected(self, period: Period) -> Fraction:
        """Return how many points of a period's closing are expected to be redeemed."""
        return period.progress.expected(period.closing, self.rate)

    def periods_csv(self) -> str:
        """Return one row for each period: points, then money with the currency in its column."""
        columns = list(PERIOD_COLUMNS)
        for currency in self.currencies:
            columns += [f"closing_value_{currency}", f"expected_value_{currency}"]
        if self.revenue:
            columns += [
                f"{name}_{self.revenue_currency}" if is_money else name
                for name, is_money in (
                    ("orders", False),
                    ("orders_price", True),
                    ("orders_points", False),
                    ("deferred", True),
                    ("recognized", True),
                    ("contract_liability", True),
                )
            ]
        return table(columns, self._period_rows())

    def schedule_csv(self) -> str:
        """Return one row for each month in which points die, then later, then never."""
        columns = [*SCHEDULE_COLUMNS, *(f"value_{currency}" for currency in self.currencies)]
        return table(columns, self._schedule_rows())

    def _period_rows(self) -> Iterator[list[Cell]]:
        for place, period in enumerate(self.ledger.periods):
            span, expected = period.span, self.expected(period)
            row: list[Cell] = [
                self.program,
                span.first_day.isoformat(),
                span.last_day.isoformat(),
                "yes" if span.is_final(self.made_at) else "no",
                period.opening,
                *(period.movements.get(name, 0) for name in Movement),
                period.closing,
                period.late,
                worth(expected, Fraction(1)),
            ]
            for currency in self.currencies:
                row.append(self._money(period.closing, currency))
                row.append(self._money(expected, currency))
            if self.revenue:
                row += self._revenue_cells(self.revenue[place])
            yield row

    def _revenue_cells(self, revenue: Revenue) -> list[Cell]:
        orders, exponent = revenue.orders, self.exponents[self.revenue_currency]
        return [
            orders.count,
            from_minor(orders.price_minor, exponent),
            orders.points,
            from_minor(orders.deferred_minor, exponent),
            from_minor(revenue.recognized_minor, exponent),
            from_minor(revenue.liability_minor, exponent),
        ]

    def _schedule_rows(self) -> Iterator[list[Cell]]:
        for item in self.schedule:
            month = "later" if item.is_later else "never"
            row: list[Cell] = [
                self.program,
                f"{item.month:%Y-%m}" if item.month else month,
                item.available,
                item.pending,
                item.held,
                item.points,
            ]
            yield row + [self._money(item.points, currency) for currency in self.currencies]

    def _money(self, points: int | Fraction, currency: str) -> Cell:
        minor = worth(points, self.point_values[currency])
        return from_minor(minor, self.exponents[currency])
