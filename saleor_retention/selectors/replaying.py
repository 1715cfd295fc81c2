"""What the append-only entries make of every value that is kept beside them.

Balances, the columns of lots, the sums of orders, holds and what they used of which lot are kept so
that reading them costs no sum; all of them follow from the entries. One derivation for each kind of
row (``sql/replay/``) finds the rows that differ, and ``services.ledger.replaying`` repairs them by
the same one.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection

from saleor_retention import sql
from saleor_retention.models import Program

ROWS_AT_ONCE = 10_000

ACCOUNTS = "saleor_retention_account"
HOLDS = "saleor_retention_hold"

OWNERS = f"""
SELECT id AS account_id FROM {ACCOUNTS} WHERE id BETWEEN %(first_id)s AND %(last_id)s
  AND (%(ids)s::bigint[] IS NULL OR id = ANY(%(ids)s::bigint[]))
  AND (%(program_id)s::bigint IS NULL OR program_id = %(program_id)s)
"""  # noqa: S608 (names of tables)

Value = int | str | dt.datetime | None


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of row with kept values, and the statement that derives them.

    Rows are looked at by their ids, holds by their members': a member's are looked at together.
    Holds may be missing, and are inserted with what ``also`` names besides. ``parts`` are rows of
    holds, told apart by their lot; they may be missing, or be too many.
    """

    subject: str  # "member", followed by the row's name
    table: str
    statement: str
    account_column: str
    columns: tuple[str, ...]
    is_of_holds: bool = False
    parts: bool = False
    also: tuple[str, ...] = ()  # columns that are derived for a missing row only

    @property
    def range_table(self) -> str:
        """Return the table whose ids the rows are looked at by."""
        return ACCOUNTS if self.is_of_holds else self.table

    @property
    def derivation(self) -> str:
        """Return the SELECT of id, account_id, name and every column, as the entries make them."""
        derivation = sql.load(f"replay/{self.statement}")
        return _of_holds(derivation) if self.is_of_holds else derivation

    @property
    def is_same(self) -> str:
        """Return the condition that a row (``kept``) is the one that was derived (``made``)."""
        if self.parts:
            return "kept.hold_id = made.id AND kept.lot_id = made.lot_id"
        of_owner = " AND kept.account_id = made.account_id" if self.is_of_holds else ""
        return f"kept.id = made.id{of_owner}"

    @property
    def differs(self) -> str:
        """Return the condition that a row (``kept``) is not what was derived (``made``)."""
        return f"({self.of('kept')}) IS DISTINCT FROM ({self.of('made')})"

    def of(self, alias: str) -> str:
        """Return the columns of one side."""
        return ", ".join(f"{alias}.{column}" for column in self.columns)


KINDS = (
    Kind("member", ACCOUNTS, "accounts", "id", ("available", "pending", "held", "deficit")),
    Kind(
        "lot",
        "saleor_retention_lot",
        "lots",
        "account_id",
        (
            "granted",
            "held",
            "used",
            "restored",
            "expired",
            "clawed",
            "adjusted",
            "repaid",
            "remaining",
            "is_pending",
        ),
    ),
    Kind(
        "order",
        "saleor_retention_orderrecord",
        "orders",
        "account_id",
        ("earned", "clawed", "bonus", "redeemed", "restored", "sequence"),
    ),
    Kind(
        "hold",
        HOLDS,
        "holds",
        "account_id",
        (
            "state",
            "points",
            "captured",
            "restored",
            "order_ref",
            "placed_at",
            "ended_at",
            "version_id",
            "requested",
            "lapses_at",
        ),
        is_of_holds=True,
        also=("currency", "checkout_ref"),
    ),
    Kind(
        "hold",
        "saleor_retention_consumption",
        "consumptions",
        "account_id",
        ("points", "used", "restored"),
        is_of_holds=True,
        parts=True,
    ),
)


@dataclass(frozen=True, slots=True)
class Difference:
    """One row whose kept values are not what the entries make of them."""

    kind: Kind
    id: int
    account_id: int | None
    name: str
    values: tuple[tuple[str, Value, Value], ...]  # column, kept, made

    def __str__(self) -> str:
        """Return "lot 3: remaining is 7, and the entries make 5; ..."."""
        said = [
            f"{column} is {_shown(kept)}, and the entries make {_shown(made)}"
            for column, kept, made in self
        ]
        return f"{self.kind.subject} {self.name}: {'; '.join(said)}."

    @property
    def range_id(self) -> int:
        """Return the id that the row is looked at by."""
        owner = self.account_id if self.kind.is_of_holds else None
        return self.id if owner is None else owner

    def __iter__(self) -> Iterator[tuple[str, Value, Value]]:
        """Yield column, kept and made."""
        return iter(self.values)


def batches(
    kind: Kind, program: Program | None = None, *, rows_at_once: int = ROWS_AT_ONCE
) -> Iterator[list[Difference]]:
    """Yield the rows of one kind that differ, batch by batch in the order of their ids.

    A batch looks at ``rows_at_once`` ids in one statement, so that neither this process nor the
    database holds more than that. A statement sees whole postings only: what is booked meanwhile is
    no difference.
    """
    statement = (
        f"WITH made AS ({kind.derivation}) "  # noqa: S608
        f"SELECT made.id, made.account_id, made.name, {kind.of('kept')}, {kind.of('made')} "
        f"FROM made LEFT JOIN {kind.table} AS kept ON {kind.is_same} "
        f"WHERE {kind.differs} ORDER BY made.id, made.name"
    )
    for rows in _in_ranges(statement, kind.range_table, program, rows_at_once):
        yield [_difference(kind, row) for row in rows]


def _of_holds(statement: str) -> str:
    """Let a statement read what the holds of some members did, as ``held`` and ``again``."""
    held, again = sql.load("replay/held"), sql.load("replay/again")
    return (
        f"WITH owners AS ({OWNERS}), held AS MATERIALIZED ({held}), "
        f"again AS MATERIALIZED ({again}) {statement}"
    )


def _in_ranges(
    statement: str, table: str, program: Program | None, rows_at_once: int
) -> Iterator[Sequence[Sequence[Any]]]:
    """Yield what a statement says of each span of a table's ids."""
    first_id, last_id = _bounds(table)
    while first_id <= last_id:
        end = first_id + rows_at_once - 1
        parameters = {
            "first_id": first_id,
            "last_id": end,
            "ids": None,
            "program_id": program.pk if program else None,
        }
        with connection.cursor() as cursor:
            cursor.execute(statement, parameters)
            rows = cursor.fetchall()
        yield rows
        first_id = end + 1


def _difference(kind: Kind, row: Sequence[Any]) -> Difference:
    row_id, account_id, name, *both = row
    half = len(kind.columns)
    compared = zip(kind.columns, both[:half], both[half:], strict=True)
    values = tuple((column, kept, made) for column, kept, made in compared if kept != made)
    return Difference(kind, row_id, account_id, name, values)


def _bounds(table: str) -> tuple[int, int]:
    """Return the first and the last id there is; an empty span where there is none."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT coalesce(min(id), 1), coalesce(max(id), 0) FROM {table}")  # noqa: S608
        first_id, last_id = cursor.fetchone()
        return int(first_id), int(last_id)


def _shown(value: Value) -> str:
    """Return a value as a line shows it."""
    if isinstance(value, dt.datetime):
        return f"{value:%Y-%m-%d %H:%M:%S}"
    return "nothing" if value in (None, "") else str(value)
