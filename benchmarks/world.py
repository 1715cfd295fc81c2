"""What the benchmarks of the ledger share: a program with members, turns, and the printed table."""

from __future__ import annotations

import datetime as dt
import os
import statistics
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

NOW = dt.datetime(2026, 3, 10, 12, tzinfo=dt.UTC)
LAUNCH = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


def size(name: str, default: int) -> int:
    """Return a size from the environment."""
    return int(os.environ.get(name, default))


@contextmanager
def fresh_database() -> Iterator[None]:
    """Give a migrated database of its own, and drop it afterwards."""
    import django

    django.setup()
    from tests import database

    database.set_up()
    try:
        yield
    finally:
        database.tear_down()


def make_program(slug: str, **rules: Any) -> Any:
    """Make a program of one point per dollar, with these sections of the rules set."""
    from saleor_retention.models import Program
    from tests import ledger

    program = Program.objects.create(slug=slug, name=slug, created_at=LAUNCH)
    ledger.add_version(program, {**ledger.ONE_PER_DOLLAR, **rules}, LAUNCH)
    return program


def make_members(program: Any, count: int) -> list[int]:
    """Make members without points and return the ids of their accounts."""
    from saleor_retention.models import Account

    for first in range(0, count, 5000):
        Account.objects.bulk_create(
            Account(
                program=program,
                member_number=f"{program.slug}-{number}",
                joined_at=LAUNCH,
                last_activity_at=LAUNCH,
            )
            for number in range(first, min(first + 5000, count))
        )
    ids = Account.objects.filter(program=program).order_by("pk")
    return list(ids.values_list("pk", flat=True))


def grants(
    account_ids: Sequence[int], points: int = 1, expires_at: dt.datetime | None = None
) -> list[Any]:
    """Draft a grant for each of the accounts, in a lot of its own."""
    from saleor_retention.models import Book, TransactionKind
    from saleor_retention.services.ledger.posting import Leg, NewLot
    from saleor_retention.services.ledger.posting_batch import Draft

    return [
        Draft(
            account_id=account_id,
            kind=TransactionKind.GRANT,
            key=f"bench:{uuid.uuid4()}",
            legs=[
                Leg(Book.ISSUANCE, -points),
                Leg(Book.AVAILABLE, points, NewLot(LAUNCH, LAUNCH, expires_at)),
            ],
            effective_at=LAUNCH,
            cause="staff",
        )
        for account_id in account_ids
    ]


FILLED = """
    CREATE TEMPORARY TABLE filled AS
    SELECT nextval(pg_get_serial_sequence('saleor_retention_transaction', 'id')) AS granted_id,
           nextval(pg_get_serial_sequence('saleor_retention_transaction', 'id')) AS spent_id,
           nextval(pg_get_serial_sequence('saleor_retention_lot', 'id')) AS lot_id,
           account_id, number, number <= %(spent)s AS is_spent
    FROM generate_series(1, %(lots)s) AS number, unnest(%(account_ids)s::bigint[]) AS account_id;
    ANALYZE filled;
"""
FILLED_LOTS = """
    INSERT INTO saleor_retention_lot (
        id, account_id, order_ref, opened_at, valid_from, expires_at, is_pending,
        granted, held, used, restored, expired, clawed, adjusted, repaid, remaining
    )
    SELECT lot_id, account_id, '', %(at)s, %(at)s,
           %(expires_at)s::timestamptz - number * interval '1 minute', false, %(points)s,
           0, 0, 0, 0, 0, CASE WHEN is_spent THEN %(points)s ELSE 0 END, 0,
           CASE WHEN is_spent THEN 0 ELSE %(points)s END
    FROM filled ORDER BY lot_id
"""
FILLED_TRANSACTIONS = """
    INSERT INTO saleor_retention_transaction (
        id, program_id, account_id, kind, key, content_hash, recorded_at, effective_at,
        order_ref, rule_key, cause, actor_ref
    )
    SELECT posting.id, %(program_id)s, account_id, posting.kind, 'filled:' || posting.id, '',
           %(at)s, %(at)s, '', '', 'staff', ''
    FROM filled
    CROSS JOIN LATERAL (
        VALUES (granted_id, 'grant', true), (spent_id, 'adjust', is_spent)
    ) AS posting (id, kind, is_wanted)
    WHERE is_wanted
    ORDER BY posting.id
"""
FILLED_ENTRIES = """
    INSERT INTO saleor_retention_entry (transaction_id, book, account_id, lot_id, points)
    SELECT leg.transaction_id, leg.book, leg.account_id, leg.lot_id, leg.points
    FROM filled
    CROSS JOIN LATERAL (
        VALUES (granted_id, 'issuance', NULL, NULL, -%(points)s, true),
               (granted_id, 'available', account_id, lot_id, %(points)s, true),
               (spent_id, 'available', account_id, lot_id, -%(points)s, is_spent),
               (spent_id, 'adjustment', NULL, lot_id, %(points)s, is_spent)
    ) AS leg (transaction_id, book, account_id, lot_id, points, is_wanted)
    WHERE is_wanted
    ORDER BY leg.transaction_id
"""
FILLED_BALANCES = """
    UPDATE saleor_retention_account SET available = available + %(points)s * (%(lots)s - %(spent)s)
    WHERE id = ANY(%(account_ids)s)
"""


def fill(
    program: Any,
    account_ids: Sequence[int],
    *,
    lots: int,
    expires_at: dt.datetime,
    spent: int = 0,
    points: int = 10,
) -> None:
    """Give each member a history in bulk: lots that were granted, the first of them spent.

    ``expires_at`` is when the first dies, each further one a minute sooner.
    """
    from django.db import connection, transaction

    parameters = {
        "program_id": program.pk,
        "account_ids": list(account_ids),
        "lots": lots,
        "spent": spent,
        "points": points,
        "expires_at": expires_at,
        "at": LAUNCH,
    }
    statements = (FILLED_LOTS, FILLED_TRANSACTIONS, FILLED_ENTRIES, FILLED_BALANCES)
    with transaction.atomic(), connection.cursor() as cursor:
        for part in FILLED.split(";")[:-1]:
            cursor.execute(part, parameters)
        for statement in statements:
            cursor.execute(statement, parameters)
        cursor.execute("DROP TABLE filled")


def rows(statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
    """Run a statement and return its rows."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return cursor.fetchall() if cursor.description else []


def settle_statistics() -> None:
    """Let the planner see what was filled in, as a server's autovacuum would have."""
    for table in ("account", "lot", "transaction", "entry"):
        rows(f"VACUUM ANALYZE saleor_retention_{table}")


def in_turn(contenders: Mapping[str, Callable[[], float]], rounds: int) -> dict[str, list[float]]:
    """Let contenders run once in each round, each time in another order; return their seconds.

    The first round warms caches and plans up and is left out.
    """
    names = list(contenders)
    seconds: dict[str, list[float]] = {name: [] for name in names}
    for number in range(rounds + 1):
        first = number % len(names)
        for name in names[first:] + names[:first]:
            taken = contenders[name]()
            if number:
                seconds[name].append(taken)
    return seconds


def timed(act: Callable[[], Any]) -> float:
    """Return how many seconds something takes."""
    start = time.perf_counter()
    act()
    return time.perf_counter() - start


def ratio(ours: Sequence[float], peer: Sequence[float]) -> float:
    """Return how many times as fast as the peer we are: the median over rounds."""
    return statistics.median(b / a for a, b in zip(ours, peer, strict=True))


def line(name: str, *cells: str) -> None:
    """Print one row of a table."""
    print(f"  {name:44}" + "".join(f"{cell:>16}" for cell in cells))


def verdict(name: str, problems: Sequence[str]) -> bool:
    """Print the correctness row of a contender; True when it has no problem."""
    line(f"{name}: {'right' if not problems else 'WRONG: ' + '; '.join(problems[:5])}")
    return not problems


def ledger_problems(program: Any, expected: int, *, reads_orders: bool = False) -> list[str]:
    """Return what is wrong with a program's ledger: breaches, or members' points in all.

    With ``reads_orders`` what orders are booked as is held against the shop's as well.
    """
    from saleor_retention.selectors.verification import breaches

    found = breaches(program, reads_orders=reads_orders)
    problems = [f"{breach.subject}: {breach.message}" for breach in found]
    sums = """
        SELECT (SELECT coalesce(sum(available + pending + held - deficit), 0)
                FROM saleor_retention_account WHERE program_id = %s),
               (SELECT coalesce(sum(entry.points), 0)
                FROM saleor_retention_entry AS entry
                JOIN saleor_retention_account AS account ON account.id = entry.account_id
                WHERE account.program_id = %s)
    """
    kept, replayed = rows(sums, program.pk, program.pk)[0]
    if (kept, replayed) != (expected, expected):
        problems.append(f"{kept} points kept, {replayed} in the entries, {expected} expected")
    return problems
