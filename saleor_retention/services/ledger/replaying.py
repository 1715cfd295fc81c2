"""Write kept values anew from the append-only entries, under their member's lock.

The entries are the truth and are never touched. Which values follow from them, and how, stands in
``selectors.replaying``; the same derivation finds and repairs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from itertools import islice
from typing import Any

from django.db import IntegrityError, connection
from django.utils import timezone

from saleor_retention.engine import redemption
from saleor_retention.errors import Refusal
from saleor_retention.models import AuditAction, Hold, Program
from saleor_retention.selectors.programs import rules_of
from saleor_retention.selectors.replaying import (
    KINDS,
    ROWS_AT_ONCE,
    Difference,
    Kind,
    batches,
)
from saleor_retention.services.ledger import summing
from saleor_retention.services.ledger.locking import lock_accounts, run_serialized
from saleor_retention.services.ledger.summing import SumDifference
from saleor_retention.services.setting_up.auditing import note_down

REPAIRS_AT_ONCE = 200

MOVED = "It was changed in the meantime; run the command again."

UPDATE = """
WITH made AS ({derivation})
UPDATE {table} AS kept SET {changes} FROM made
WHERE {is_same} AND {differs} AND made.name = ANY(%(names)s::text[])
  AND ({owner} = ANY(%(locked)s::bigint[]) OR {owner} IS NULL)
RETURNING made.id, made.name
"""
INSERT_HOLDS = """
WITH made AS ({derivation})
INSERT INTO {table} (id, account_id, value_minor, {columns})
SELECT made.id, made.account_id, 0, {derived} FROM made
WHERE made.name = ANY(%(names)s::text[]) AND made.account_id = ANY(%(locked)s::bigint[])
  AND NOT EXISTS (SELECT FROM {table} AS kept WHERE {is_same})
RETURNING id, id::text
"""
REPLACE_PARTS = """
WITH made AS ({derivation}),
wrong AS (
    SELECT made.* FROM made LEFT JOIN {table} AS kept ON {is_same}
    WHERE {differs} AND made.account_id = ANY(%(locked)s::bigint[])
      AND made.name = ANY(%(names)s::text[])
),
gone AS (
    DELETE FROM {table} AS kept USING wrong AS made WHERE {is_same} AND made.points IS NULL
),
put AS (
    INSERT INTO {table} (hold_id, lot_id, {columns})
    SELECT id, lot_id, {columns} FROM wrong WHERE points IS NOT NULL
    ON CONFLICT (hold_id, lot_id) DO UPDATE SET {excluded}
)
SELECT id, name FROM wrong
"""


@dataclass(frozen=True, slots=True)
class Replayed:
    """One row that differed, and what became of it."""

    difference: Difference | SumDifference
    is_repaired: bool = False
    problem: str = ""  # why a repair was not possible


def replay(
    program: Program | None = None, *, repairs: bool = False, rows_at_once: int = ROWS_AT_ONCE
) -> Iterator[Replayed]:
    """Yield each row whose kept values are not what its entries make; of one program or of all.

    With ``repairs`` the rows are written anew, each under its member's lock and from entries that
    are read after it; a program's sums by day, where one is wrong, all together. A row whose
    entries make what a constraint of the database forbids (somebody deleted some) stays as it is,
    and says so.
    """
    for kind in KINDS:
        for found in batches(kind, program, rows_at_once=rows_at_once):
            if not repairs:
                yield from (Replayed(difference) for difference in found)
                continue
            rest = iter(found)
            while chunk := list(islice(rest, REPAIRS_AT_ONCE)):
                yield from _repaired(kind, chunk)
    for each in [program] if program else Program.objects.order_by("pk"):
        wrong = summing.differences(each)
        if wrong and repairs:
            run_serialized(partial(_sum_anew, each, wrong))
        yield from (Replayed(difference, is_repaired=repairs) for difference in wrong)


def _sum_anew(program: Program, wrong: Sequence[SumDifference]) -> None:
    summing.begin_anew(program)
    _note([str(difference) for difference in wrong[:REPAIRS_AT_ONCE]], program)


def _note(lines: Sequence[str], program: Program | None = None) -> None:
    """Add to the audit trail what was repaired, in the database transaction that repairs it."""
    if lines:
        action = AuditAction.LEDGER_REPAIR
        note_down(action, actor_ref="", at=timezone.now(), program=program, changes=lines)


def _repaired(kind: Kind, chunk: Sequence[Difference]) -> Iterator[Replayed]:
    try:
        written = run_serialized(lambda: _write(kind, chunk))
    except (IntegrityError, Refusal) as error:
        if len(chunk) == 1:
            yield Replayed(chunk[0], problem=_sentence(error))
            return
        for difference in chunk:
            yield from _repaired(kind, [difference])
        return
    for difference in chunk:
        is_written = (difference.id, difference.name) in written
        yield Replayed(difference, is_written, "" if is_written else MOVED)


def _write(kind: Kind, chunk: Sequence[Difference]) -> set[tuple[int, str]]:
    """Lock the rows' members and write what the entries make now; return the rows written."""
    wanted = {item.account_id for item in chunk if item.account_id is not None}
    locked = list(lock_accounts(wanted))
    ids = [difference.range_id for difference in chunk]
    statement = (REPLACE_PARTS if kind.parts else UPDATE).format(
        derivation=kind.derivation,
        table=kind.table,
        is_same=kind.is_same,
        differs=kind.differs,
        owner=f"kept.{kind.account_column}",
        columns=", ".join(kind.columns),
        changes=", ".join(f"{column} = made.{column}" for column in kind.columns),
        excluded=", ".join(f"{column} = excluded.{column}" for column in kind.columns),
    )
    parameters = {
        "first_id": min(ids),
        "last_id": max(ids),
        "ids": ids,
        "names": [difference.name for difference in chunk],
        "program_id": None,
        "locked": locked,
    }
    written = _executed(statement, parameters)
    if kind.also:
        written |= _inserted(kind, parameters)
    lines = [str(item) for item in chunk if (item.id, item.name) in written]
    _note(lines)
    return written


def _inserted(kind: Kind, parameters: dict[str, Any]) -> set[tuple[int, str]]:
    """Insert the holds that are gone, and say what their points are worth."""
    columns = (*kind.columns, *kind.also)
    statement = INSERT_HOLDS.format(
        derivation=kind.derivation,
        table=kind.table,
        is_same=kind.is_same,
        columns=", ".join(columns),
        derived=", ".join(f"made.{column}" for column in columns),
    )
    inserted = _executed(statement, parameters)
    for hold in Hold.objects.filter(pk__in=[hold_id for hold_id, _name in inserted]):
        point_values = rules_of(hold.version_id).point_values
        hold.currency = hold.currency or next(iter(point_values), "")
        point_value = point_values.get(hold.currency, Fraction(0))
        hold.value_minor = redemption.value_of(hold.points, point_value)
        hold.save(update_fields=["currency", "value_minor"])
    return inserted


def _executed(statement: str, parameters: dict[str, Any]) -> set[tuple[int, str]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return set(cursor.fetchall())


def _sentence(error: IntegrityError | Refusal) -> str:
    if isinstance(error, Refusal):
        return error.message
    broken = str(error).splitlines()[0]
    return f"Its entries make what the database refuses ({broken})."
