"""What the append-only entries make of every value that is kept beside them.

Balances, the columns of lots and the sums of orders are kept so that reading them costs no sum; all
of them follow from the entries. One derivation for each kind of row (``sql/replay/``) finds the
rows that differ, and ``services.ledger.replaying`` repairs them by the same one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from django.db import connection

from saleor_retention import sql
from saleor_retention.models import Program

ROWS_AT_ONCE = 10_000


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of row with kept values, and the statement that derives them."""

    subject: str  # "member", followed by the row's name
    table: str
    statement: str
    account_column: str
    columns: tuple[str, ...]

    @property
    def derivation(self) -> str:
        """Return the SELECT of id, account_id, name and every column, as the entries make them."""
        return sql.load(f"replay/{self.statement}")

    @property
    def differs(self) -> str:
        """Return the condition that a row (``kept``) is not what was derived (``made``)."""
        return f"({self.of('kept')}) IS DISTINCT FROM ({self.of('made')})"

    def of(self, alias: str) -> str:
        """Return the columns of one side."""
        return ", ".join(f"{alias}.{column}" for column in self.columns)


KINDS = (
    Kind(
        "member",
        "saleor_retention_account",
        "accounts",
        "id",
        ("available", "pending", "held", "deficit"),
    ),
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
)


@dataclass(frozen=True, slots=True)
class Difference:
    """One row whose kept values are not what the entries make of them."""

    kind: Kind
    id: int
    account_id: int | None
    name: str
    values: tuple[tuple[str, int, int], ...]  # column, kept, made

    def __str__(self) -> str:
        """Return "lot 3: remaining is 7, and the entries make 5; ..."."""
        said = [f"{column} is {kept}, and the entries make {made}" for column, kept, made in self]
        return f"{self.kind.subject} {self.name}: {'; '.join(said)}."

    def __iter__(self) -> Iterator[tuple[str, int, int]]:
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
    first_id, last_id = _bounds(kind)
    while first_id <= last_id:
        end = first_id + rows_at_once - 1
        yield _differences(kind, program, first_id, end)
        first_id = end + 1


def _differences(
    kind: Kind, program: Program | None, first_id: int, last_id: int
) -> list[Difference]:
    statement = (
        f"WITH made AS ({kind.derivation}) "  # noqa: S608
        f"SELECT made.id, made.account_id, made.name, {kind.of('kept')}, {kind.of('made')} "
        f"FROM made JOIN {kind.table} AS kept ON kept.id = made.id "
        f"WHERE {kind.differs} ORDER BY made.id"
    )
    parameters = {
        "first_id": first_id,
        "last_id": last_id,
        "ids": None,
        "program_id": program.pk if program else None,
    }
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return [_difference(kind, row) for row in cursor.fetchall()]


def _difference(kind: Kind, row: Sequence[object]) -> Difference:
    row_id, account_id, name, *both = row
    half = len(kind.columns)
    compared = zip(kind.columns, both[:half], both[half:], strict=True)
    values = tuple((column, kept, made) for column, kept, made in compared if kept != made)
    return Difference(kind, row_id, account_id, name, values)  # type: ignore[arg-type]


def _bounds(kind: Kind) -> tuple[int, int]:
    """Return the first and the last id there is; an empty span where there is none."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT coalesce(min(id), 1), coalesce(max(id), 0) FROM {kind.table}")  # noqa: S608
        first_id, last_id = cursor.fetchone()
        return int(first_id), int(last_id)
