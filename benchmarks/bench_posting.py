"""Postings a second: one at a time and a thousand at once, against raw SQL and django-hordak.

The raw limit is what no service can pass in the same process: one statement through Django's cursor
that inserts a transaction and two entries and updates the account, and does nothing else; on bare
tables with a key and foreign keys, and on the ledger's own with all their constraints. For a
thousand it is the same with arrays. django-hordak runs in a process of its own on the same server.
All take turns, in another order each round.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import cycle, islice
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import world
from benchmarks.world import NOW, rows, timed

ROUNDS = world.size("ROUNDS", 15)
POSTINGS = world.size("POSTINGS", 100)  # in each turn
BATCH = world.size("BATCH", 1000)
BATCH_ROUNDS = world.size("BATCH_ROUNDS", 8)
MEMBERS = world.size("MEMBERS", 1000)
LOT_POINTS = 1_000_000
PEER = Path(__file__).parent / "peers" / "hordak_peer.py"

BARE_TABLES = """
    CREATE TABLE bare_account (id bigserial PRIMARY KEY, balance bigint NOT NULL DEFAULT 0);
    CREATE TABLE bare_transaction (
        id bigserial PRIMARY KEY,
        account_id bigint NOT NULL REFERENCES bare_account,
        kind text NOT NULL,
        key text NOT NULL UNIQUE,
        at timestamptz NOT NULL
    );
    CREATE TABLE bare_entry (
        id bigserial PRIMARY KEY,
        transaction_id bigint NOT NULL REFERENCES bare_transaction,
        book text NOT NULL,
        account_id bigint REFERENCES bare_account,
        points bigint NOT NULL
    );
    CREATE INDEX ON bare_entry (transaction_id);
    CREATE INDEX ON bare_entry (account_id, id);
"""
BARE_ONE = """
    WITH posted AS (
        INSERT INTO bare_transaction (account_id, kind, key, at)
        VALUES (%(account_id)s, 'grant', %(key)s, %(now)s)
        ON CONFLICT (key) DO NOTHING RETURNING id
    ),
    entries AS (
        INSERT INTO bare_entry (transaction_id, book, account_id, points)
        SELECT posted.id, leg.book, leg.account_id, leg.points
        FROM posted, (VALUES ('issuance', NULL, -1), ('available', %(account_id)s, 1))
                     AS leg (book, account_id, points)
    )
    UPDATE bare_account SET balance = balance + 1 FROM posted
    WHERE bare_account.id = %(account_id)s RETURNING posted.id, balance
"""
BARE_MANY = """
    WITH asked AS (
        SELECT * FROM unnest(%(account_ids)s::bigint[], %(keys)s::text[]) AS row (account_id, key)
    ),
    posted AS (
        INSERT INTO bare_transaction (account_id, kind, key, at)
        SELECT account_id, 'grant', key, %(now)s FROM asked
        ON CONFLICT (key) DO NOTHING RETURNING id, account_id
    ),
    entries AS (
        INSERT INTO bare_entry (transaction_id, book, account_id, points)
        SELECT posted.id, leg.book, leg.account_id, leg.points
        FROM posted CROSS JOIN LATERAL
             (VALUES ('issuance', NULL, -1), ('available', posted.account_id, 1))
             AS leg (book, account_id, points)
    )
    UPDATE bare_account SET balance = balance + change.points
    FROM (SELECT account_id, count(*) AS points FROM posted GROUP BY account_id) AS change
    WHERE bare_account.id = change.account_id
"""
OWN_ONE = """
    WITH posted AS (
        INSERT INTO saleor_retention_transaction (
            program_id, account_id, kind, key, content_hash, recorded_at, effective_at,
            order_ref, rule_key, cause, actor_ref
        )
        VALUES (%(program_id)s, %(account_id)s, 'grant', %(key)s, '', %(now)s, %(now)s,
                '', '', 'staff', '')
        ON CONFLICT (program_id, key) DO NOTHING RETURNING id
    ),
    entries AS (
        INSERT INTO saleor_retention_entry (transaction_id, book, account_id, points)
        SELECT posted.id, leg.book, leg.account_id, leg.points
        FROM posted, (VALUES ('issuance', NULL, -1), ('available', %(account_id)s, 1))
                     AS leg (book, account_id, points)
    )
    UPDATE saleor_retention_account AS account SET available = available + 1 FROM posted
    WHERE account.id = %(account_id)s RETURNING posted.id, available
"""
OWN_MANY = """
    WITH asked AS (
        SELECT * FROM unnest(%(account_ids)s::bigint[], %(keys)s::text[]) AS row (account_id, key)
    ),
    posted AS (
        INSERT INTO saleor_retention_transaction (
            program_id, account_id, kind, key, content_hash, recorded_at, effective_at,
            order_ref, rule_key, cause, actor_ref
        )
        SELECT %(program_id)s, account_id, 'grant', key, '', %(now)s, %(now)s, '', '', 'staff', ''
        FROM asked
        ON CONFLICT (program_id, key) DO NOTHING RETURNING id, account_id
    ),
    entries AS (
        INSERT INTO saleor_retention_entry (transaction_id, book, account_id, points)
        SELECT posted.id, leg.book, leg.account_id, leg.points
        FROM posted CROSS JOIN LATERAL
             (VALUES ('issuance', NULL, -1), ('available', posted.account_id, 1))
             AS leg (book, account_id, points)
    )
    UPDATE saleor_retention_account AS account SET available = available + change.points
    FROM (SELECT account_id, count(*) AS points FROM posted GROUP BY account_id) AS change
    WHERE account.id = change.account_id
"""

OWN_SUMS = """
    SELECT (SELECT sum(account.available) FROM saleor_retention_account AS account
            JOIN saleor_retention_program AS program ON program.id = account.program_id
            WHERE program.slug = 'raw'),
           (SELECT count(*) FROM saleor_retention_entry AS entry
            JOIN saleor_retention_transaction AS transaction
              ON transaction.id = entry.transaction_id
            JOIN saleor_retention_program AS program ON program.id = transaction.program_id
            WHERE program.slug = 'raw')
"""


class Raw:
    """Statements that do what a posting cannot do without, and nothing else."""

    def __init__(self, one: str, many: str, account_ids: list[int], program_id: int | None) -> None:
        self.statement, self.statement_many = one, many
        self.fixed = {"now": NOW} | ({"program_id": program_id} if program_id else {})
        self.turn = cycle(account_ids)
        self.posted = 0

    def one_by_one(self) -> float:
        """Post one point at a time, each statement a database transaction."""
        from django.db import connection

        account_ids = list(islice(self.turn, POSTINGS))
        start = time.perf_counter()
        for account_id in account_ids:
            parameters = {**self.fixed, "account_id": account_id, "key": f"bench:{uuid.uuid4()}"}
            with connection.cursor() as cursor:
                cursor.execute(self.statement, parameters)
                cursor.fetchone()
        self.posted += POSTINGS
        return time.perf_counter() - start

    def at_once(self) -> float:
        """Post a batch in one statement."""
        from django.db import connection

        account_ids = list(islice(self.turn, BATCH))
        start = time.perf_counter()
        keys = [f"bench:{uuid.uuid4()}" for _account_id in account_ids]
        with connection.cursor() as cursor:
            parameters = {**self.fixed, "account_ids": account_ids, "keys": keys}
            cursor.execute(self.statement_many, parameters)
        self.posted += BATCH
        return time.perf_counter() - start


class Ledger:
    """The services: one posting under its lock, and the batch; points come in or go out."""

    def __init__(self, slug: str, *, is_spending: bool) -> None:
        from saleor_retention.services.ledger.posting_batch import post_batch

        self.program = world.make_program(slug)
        self.account_ids = world.make_members(self.program, MEMBERS)
        self.turn = cycle(self.account_ids)
        self.lots: dict[int, int] = {}
        self.points = 0
        self.is_spending = is_spending
        if is_spending:
            posted = post_batch(world.grants(self.account_ids, LOT_POINTS), now=world.LAUNCH)
            self.points = MEMBERS * LOT_POINTS
            lots = [each.opened[0] for each in posted]
            self.lots = dict(zip(self.account_ids, lots, strict=True))

    def one_by_one(self) -> float:
        """Post what is ready: one statement locks the account, posts and tells the balance."""
        from saleor_retention.services.ledger.posting_batch import post_one

        account_ids = list(islice(self.turn, POSTINGS))
        start = time.perf_counter()
        for draft in self._drafts(account_ids):
            post_one(draft, now=NOW)
        self._count(POSTINGS)
        return time.perf_counter() - start

    def locked_one_by_one(self) -> float:
        """Post as a service does that decides: lock the account, post, commit."""
        account_ids = list(islice(self.turn, POSTINGS))
        start = time.perf_counter()
        for account_id in account_ids:
            self._post(account_id)
        self._count(POSTINGS)
        return time.perf_counter() - start

    def at_once(self) -> float:
        """Post a batch; drafting it is part of the work."""
        from saleor_retention.services.ledger.posting_batch import post_batch

        account_ids = list(islice(self.turn, BATCH))
        taken = timed(lambda: post_batch(self._drafts(account_ids), now=NOW))
        self._count(BATCH)
        return taken

    def _post(self, account_id: int) -> None:
        from saleor_retention.models import Book, TransactionKind
        from saleor_retention.services.ledger import posting
        from saleor_retention.services.ledger.locking import lock_account, run_serialized
        from saleor_retention.services.ledger.posting import Leg, NewLot

        def work() -> None:
            account = lock_account(account_id)
            if self.is_spending:
                lot = self.lots[account_id]
                kind = TransactionKind.ADJUST
                legs = [Leg(Book.AVAILABLE, -1, lot), Leg(Book.ADJUSTMENT, 1, lot)]
            else:
                kind = TransactionKind.GRANT
                legs = [Leg(Book.ISSUANCE, -1), Leg(Book.AVAILABLE, 1, NewLot(NOW, NOW))]
            posting.post(
                account,
                kind=kind,
                key=f"bench:{uuid.uuid4()}",
                legs=legs,
                effective_at=NOW,
                cause="staff",
                now=NOW,
            )

        run_serialized(work)

    def _drafts(self, account_ids: list[int]) -> list[Any]:
        from saleor_retention.models import Book, TransactionKind
        from saleor_retention.services.ledger.posting import Leg
        from saleor_retention.services.ledger.posting_batch import Draft

        if not self.is_spending:
            return world.grants(account_ids)
        drafts = []
        for account_id in account_ids:
            lot = self.lots[account_id]
            legs = [Leg(Book.AVAILABLE, -1, lot), Leg(Book.ADJUSTMENT, 1, lot)]
            key = f"bench:{uuid.uuid4()}"
            drafts.append(Draft(account_id, TransactionKind.ADJUST, key, legs, NOW, cause="staff"))
        return drafts

    def _count(self, postings: int) -> None:
        self.points += -postings if self.is_spending else postings


class Hordak:
    """django-hordak behind its line protocol."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.posted = 0
        assert self._answer() == "ready", "django-hordak did not start"
        self.ask("accounts", min(MEMBERS, 200))  # each is several statements; more add nothing

    def ask(self, name: str, number: int | None = None) -> str:
        """Send a line and return the answer."""
        assert self.process.stdin is not None
        self.process.stdin.write(name if number is None else f"{name} {number}")
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return self._answer()

    def one_by_one(self) -> float:
        """Transfer one point at a time."""
        self.posted += POSTINGS
        return float(self.ask("run", POSTINGS))

    def told_one_by_one(self) -> float:
        """Do the same, with the balance that a posting returns."""
        self.posted += POSTINGS
        return float(self.ask("told", POSTINGS))

    def at_once(self) -> float:
        """Transfer a batch in one database transaction."""
        self.posted += BATCH
        return float(self.ask("batch", BATCH))

    def told_at_once(self) -> float:
        """Do the same, with the balance after each transfer."""
        self.posted += BATCH
        return float(self.ask("toldbatch", BATCH))

    def _answer(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()


@contextmanager
def hordak() -> Iterator[Hordak]:
    """Start django-hordak in its own environment, on a database of its own on the same server."""
    from sandbox import databases, processes, schemas
    from tests import database

    name = databases.test_name("hordak")
    with database.administrator() as cursor:
        databases.create(cursor, name)
    env = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    process = subprocess.Popen(
        [os.environ["RETENTION_PEERS"], str(PEER), schemas.database_url(server_url(), name)],
        env=env,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=processes.die_with_parent(),  # noqa: PLW1509
    )
    try:
        yield Hordak(process)
    finally:
        process.stdin.close()
        process.wait()
        with database.administrator() as cursor:
            databases.drop(cursor, name)


def server_url() -> str:
    """Return the address of the server that this process's database is on."""
    return os.environ["DATABASE_URL"]


def make_bare(count: int) -> list[int]:
    """Make the bare tables and their accounts."""
    rows(BARE_TABLES)
    made = rows("INSERT INTO bare_account SELECT generate_series(1, %s) RETURNING id", count)
    return [account_id for (account_id,) in made]


def show(title: str, seconds: dict[str, list[float]], count: int, goals: dict[str, float]) -> None:
    """Print postings a second of all, and our ratio to each peer beside the goal.

    Where raw SQL on bare tables is not so much faster than the peer itself, its ratio follows.
    """
    import statistics

    limit = seconds["raw SQL, bare tables"]
    ours = [name for name in seconds if name.startswith("posting")]
    print(f"\n{title}")
    world.line("", "postings/s", *(f"x {name.removeprefix('posting, ')}" for name in ours), "goal")
    for name, taken in seconds.items():
        rate = f"{count / statistics.median(taken):.0f}"
        ratios = [f"{world.ratio(seconds[our], taken):.2f}" for our in ours]
        goal = next((value for prefix, value in goals.items() if name.startswith(prefix)), None)
        most = world.ratio(limit, taken)
        cell = f">= {goal}" if goal else ""
        world.line(name, rate, *ratios, f"{cell}, raw {most:.1f}" if goal and most < goal else cell)


def check(ledgers: dict[str, Ledger], raws: dict[str, tuple[Raw, str]], peer: Hordak) -> bool:
    """Print the correctness rows: every contender has booked every posting."""
    print("\ncorrectness")
    results = [
        world.verdict(name, world.ledger_problems(each.program, each.points))
        for name, each in ledgers.items()
    ]
    for name, (raw, statement) in raws.items():
        kept, entries = rows(statement)[0]
        wrong = (kept, entries) != (raw.posted, 2 * raw.posted)
        problem = f"{kept} points and {entries} entries after {raw.posted} postings"
        results.append(world.verdict(name, [problem] if wrong else []))
    total = int(peer.ask("total"))
    problem = f"{total} points after {peer.posted} transfers"
    results.append(world.verdict("django-hordak", [problem] if total != peer.posted else []))
    return all(results)


def main() -> int:
    """Measure and print; 1 when a contender booked something else than it was asked to."""
    with world.fresh_database(), hordak() as peer:
        earning = Ledger("earning", is_spending=False)
        spending = Ledger("spending", is_spending=True)
        own = world.make_program("raw")
        bare_raw = Raw(BARE_ONE, BARE_MANY, make_bare(MEMBERS), None)
        own_raw = Raw(OWN_ONE, OWN_MANY, world.make_members(own, MEMBERS), own.pk)
        for raw in (bare_raw, own_raw):
            raw.at_once()  # plans made for empty tables would stay bad as they grow
        world.settle_statistics()
        for table in ("bare_account", "bare_transaction", "bare_entry"):
            rows(f"VACUUM ANALYZE {table}")
        contenders: dict[str, Any] = {
            "posting, new lot": earning,
            "posting, from lot": spending,
            "raw SQL, bare tables": bare_raw,
            "raw SQL, the ledger's tables": own_raw,
            "django-hordak": peer,
        }

        def turns(name: str) -> dict[str, Callable[[], float]]:
            return {key: getattr(each, name) for key, each in contenders.items()}

        others = {
            "posting, locked new": earning.locked_one_by_one,
            "posting, locked from": spending.locked_one_by_one,
            "django-hordak, with the balance": peer.told_one_by_one,
        }
        singles = world.in_turn({**turns("one_by_one"), **others}, ROUNDS)
        show("One at a time", singles, POSTINGS, {"raw": 0.5, "django": 5})
        told = {"django-hordak, with the balance": peer.told_at_once}
        batches = world.in_turn({**turns("at_once"), **told}, BATCH_ROUNDS)
        show(f"{BATCH} at once", batches, BATCH, {"raw": 0.5, "django": 50})
        raws = {
            "raw SQL, bare tables": (
                bare_raw,
                "SELECT (SELECT sum(balance) FROM bare_account), count(*) FROM bare_entry",
            ),
            "raw SQL, the ledger's tables": (own_raw, OWN_SUMS),
        }
        ledgers = {"posting, new lot": earning, "posting, from lot": spending}
        return 0 if check(ledgers, raws, peer) else 1


if __name__ == "__main__":
    sys.exit(main())
