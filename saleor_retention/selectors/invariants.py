"""The invariants of the ledger, and that of offers' counters, as statements that find breaches.

Each statement (``sql/verify/``) selects the subjects at fault, because the ledger has more rows
than fit a process; here stands what is said of them. Constraints and triggers of the database keep
most invariants already: these find what was done around those.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db import connection

from saleor_retention import sql


@dataclass(frozen=True, slots=True)
class Breach:
    """One invariant broken by one subject."""

    invariant: int
    subject: str  # "transaction 12", "lot 3", "member 100200300400", "order 17", ...
    message: str


@dataclass(frozen=True, slots=True)
class Check:
    """A statement whose columns fill ``subject`` and ``message``; each row is a breach."""

    invariant: int
    statement: str
    subject: str
    message: str

    def breaches(self, program_id: int | None) -> Iterator[Breach]:
        """Run the check on one program, or on all."""
        with connection.cursor() as cursor:
            cursor.execute(sql.load(f"verify/{self.statement}"), {"program_id": program_id})
            names = [column[0] for column in cursor.description]
            for row in cursor.fetchall():
                values: dict[str, Any] = dict(zip(names, row, strict=True))
                yield Breach(
                    self.invariant, self.subject.format(**values), self.message.format(**values)
                )


CHECKS = (
    Check(1, "1_balanced", "transaction {id}", "Its entries sum to {points}, not to zero."),
    Check(1, "1_empty", "transaction {id}", "It has no entries."),
    Check(
        2,
        "2_program",
        "program {slug}",
        "Members' balances ({members}) and the program's own books ({books}) sum to {points}, "
        "not to zero.",
    ),
    Check(
        3,
        "3_columns",
        "lot {id}",
        "It holds {remaining} of {granted} granted, and its columns make {made}.",
    ),
    Check(3, "3_entries", "lot {id}", "Its {name} is {kept}, and its entries make {made}."),
    Check(4, "4_books", "member {member_number}", "{book} is {kept}, and the lots hold {made}."),
    Check(4, "4_holds", "hold {id}", "It is worth {points} points and pins {pinned} of lots."),
    Check(
        5,
        "5_consumptions",
        "hold {hold_id}, lot {lot_id}",
        "{restored} points came back of {used} that were used.",
    ),
    Check(5, "5_lots", "lot {id}", "{restored} points came back of {used} that were used."),
    Check(
        5,
        "5_orders",
        "order {order_ref}",
        "Its record says {kept} points came back, and the ledger {made} (of {redeemed} redeemed).",
    ),
    Check(
        6,
        "6_orders",
        "order {order_ref}",
        "{clawed} points were clawed back of {earned} that it earned ({rule_key}).",
    ),
    Check(
        7,
        "7_accruals",
        "order {order_ref}",
        "Its record says {kept} points are kept of rule {rule_key}, and the ledger {made}.",
    ),
    Check(
        7,
        "7_records",
        "order {order_ref}",
        "Its record is gone; by the ledger it keeps {kept} points, and {paid} paid for it.",
    ),
    Check(
        8,
        "8_dead_lots",
        "transaction {id}, lot {lot_id}",
        "{points} points were used at {at:%Y-%m-%d %H:%M:%S} of a lot that died at "
        "{died_at:%Y-%m-%d %H:%M:%S}.",
    ),
    Check(
        9,
        "9_deficits",
        "member {member_number}",
        "{available} points are available beside a deficit of {deficit}.",
    ),
    Check(
        10,
        "10_replay",
        "member {member_number}",
        "{book} is {kept}, and replaying the entries gives {made}.",
    ),
    Check(
        11,
        "11_offer_counters",
        "offer {slug}, {whose}",
        "Its counter is {kept}, and the uses reserved and taken make {made}.",
    ),
)
