"""Worker processes on a real broker, and a shop whose periodic tasks have much to do.

Shared by the test that kills a worker and by the benchmark.
"""

from __future__ import annotations

import datetime as dt
import importlib.util
import itertools
import os
import re
import secrets
import signal
import subprocess
import sys
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from django.contrib.auth import get_user_model
from django.db import connection, transaction
from django.utils import timezone

from sandbox import broker, paths, processes, schemas

PERIODIC = ("mature", "expire", "evaluate_tiers", "lapse_holds", "reconcile")
TASKS = "saleor_retention.tasks."
POINTS = 10  # of each lot
START_SECONDS_MAX = 90
VISIBILITY_SECONDS = 3600  # as with Redis unless set
DID = re.compile(r"saleor_retention\.tasks\.(\w+) did (\d+)\.")

# --- processes ------------------------------------------------------------------------------------


@dataclass
class Workers:
    """Celery workers of the running Saleor on this process's database."""

    broker_url: str
    batch: int
    client: list[str]  # where Celery finds what the shop has not
    visibility_seconds: int  # until the broker gives out what nobody has acknowledged again
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    secret: str = field(default_factory=lambda: secrets.token_urlsafe(48), repr=False)

    def start(self, name: str) -> None:
        """Start a worker that runs one task at a time."""
        self.log(name).unlink(missing_ok=True)
        command = [sys.executable, "-m", "celery", "-A", "saleor.celeryconf", "worker"]
        command += ["--concurrency", "1", "--hostname", f"{name}@test", "--loglevel", "WARNING"]
        command += ["--without-gossip", "--without-mingle"]
        self.running[name] = processes.start(
            command, self.log(name), env=self._environment(), cwd=paths.ROOT
        )

    def wait_until_up(self) -> None:
        """Wait until every worker answers."""
        with self._app() as app:

            def are_up() -> bool:
                assert all(worker.poll() is None for worker in self.running.values()), self.said()
                return len(app.control.ping(timeout=0.5)) == len(self.running)

            wait_for(are_up, START_SECONDS_MAX, "the workers to come up", self.said)

    def are_idle(self) -> bool:
        """Tell whether nothing is dispatched, waiting in a worker or running.

        Asked for twice: a message between the broker and its worker is nowhere to be seen.
        """
        return self._are_idle() and self._are_idle()

    def _are_idle(self) -> bool:
        with self._app() as app, app.connection_for_read() as broker_connection:
            queued = broker_connection.default_channel.client.llen("celery")
            inspect = app.control.inspect(timeout=1, limit=len(self.running))
            answers = [inspect.active(), inspect.reserved()]
        if queued or any(len(answer or ()) < len(self.running) for answer in answers):
            return False
        return not any(tasks for answer in answers for tasks in answer.values())

    def doing(self, name: str) -> list[str]:
        """Return the tasks that a worker is at, without their module."""
        place = f"{name}@test"
        with self._app() as app:
            answer = app.control.inspect(destination=[place], timeout=1, limit=1).active() or {}
        return [task["name"].removeprefix(TASKS) for task in answer.get(place, ())]

    def kill(self, name: str) -> None:
        """Kill a worker with all that it started, as a machine that goes down does."""
        worker = self.running.pop(name)
        os.killpg(worker.pid, signal.SIGKILL)
        worker.wait()

    def send(self, *names: str, **arguments: Any) -> None:
        """Dispatch periodic tasks, as beat does, or one with arguments."""
        with self._app() as app:
            for name in names:
                app.send_task(TASKS + name, kwargs=arguments)

    def did(self, name: str) -> Counter[str]:
        """Return how much the finished runs of a worker did, by task."""
        counts: Counter[str] = Counter()
        for task, count in DID.findall(self.log(name).read_text(errors="replace")):
            counts[task] += int(count)
        return counts

    def said(self) -> str:
        """Return the ends of all logs, for a test that fails."""
        return "\n".join(
            f"--- {name}\n{self.log(name).read_text(errors='replace')[-3000:]}"
            for name in self.running
        )

    def log(self, name: str) -> Any:
        """Return the file that a worker logs to."""
        paths.LOGS.mkdir(parents=True, exist_ok=True)
        return paths.LOGS / f"worker-{os.environ['RETENTION_HOST']}-{name}.log"

    @contextmanager
    def _app(self) -> Iterator[Any]:
        from celery import Celery

        with Celery("sender", broker=self.broker_url, set_as_current=False) as app:
            yield app

    def _environment(self) -> dict[str, str]:
        name = connection.settings_dict["NAME"]
        kept = {key: text for key, text in os.environ.items() if not key.startswith("PYTEST_")}
        return {
            **kept,
            "PYTHONPATH": os.pathsep.join([kept["PYTHONPATH"], *self.client]),
            "DATABASE_URL": schemas.database_url(os.environ["DATABASE_URL"], name),
            "DJANGO_SETTINGS_MODULE": "tests.settings.workers",
            "WORKERS_SECRET_KEY": self.secret,
            "WORKERS_BROKER": self.broker_url,
            "WORKERS_BATCH": str(self.batch),
            "WORKERS_VISIBILITY": str(self.visibility_seconds),
        }


@contextmanager
def workers(
    *names: str, batch: int, visibility_seconds: int = VISIBILITY_SECONDS
) -> Iterator[Workers]:
    """Start a broker and workers; all of them end whatever happens within.

    Raises ``SandboxError`` where there can be no broker.
    """
    with broker.running() as url:
        client = _client()
        sys.path += client
        fleet = Workers(url, batch, client, visibility_seconds)
        try:
            for name in names:
                fleet.start(name)
            yield fleet
        finally:
            for worker in fleet.running.values():
                processes.stop(worker)
            sys.path[:] = [place for place in sys.path if place not in client]


@lru_cache(maxsize=1)
def _client() -> list[str]:
    """Return where Redis' client is, unless the shop has it; asked before anybody imports it."""
    return [] if importlib.util.find_spec("redis") else [str(broker.folder())]


def wait_for(
    is_so: Callable[[], bool], seconds: float, what: str, said: Callable[[], str] = str
) -> None:
    """Wait until something is so; fail with what was said meanwhile."""
    until = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < until, f"waited {seconds} s for {what}\n{said()}"
        time.sleep(0.02)


# --- work -----------------------------------------------------------------------------------------

ACCOUNTS = """
    INSERT INTO saleor_retention_account (
        program_id, state, pseudonym, member_number, email_hash, joined_at, last_activity_at,
        available, pending, held, deficit, tier, tier_since, tier_valid_until, is_tier_manual
    )
    SELECT %(program_id)s, 'member', gen_random_uuid(), 'W' || number, '', %(begun)s, %(begun)s,
           %(points)s, %(points)s, CASE WHEN number <= %(holds)s THEN %(points)s ELSE 0 END, 0,
           'vip', %(begun)s, %(over)s, false
    FROM generate_series(1, %(members)s) AS number
"""
SEEDED = """
    CREATE TEMPORARY TABLE seeded AS
    SELECT nextval(pg_get_serial_sequence('saleor_retention_transaction', 'id')) AS granted_id,
           nextval(pg_get_serial_sequence('saleor_retention_transaction', 'id')) AS held_id,
           nextval(pg_get_serial_sequence('saleor_retention_lot', 'id')) AS lot_id,
           nextval(pg_get_serial_sequence('saleor_retention_hold', 'id')) AS hold_id,
           account.id AS account_id, part.is_pending, part.is_held, part.expires_at
    FROM saleor_retention_account AS account
    CROSS JOIN (
        VALUES (true, false, NULL), (false, false, %(over)s::timestamptz), (false, true, NULL)
    ) AS part (is_pending, is_held, expires_at)
    WHERE account.program_id = %(program_id)s AND account.member_number LIKE 'W%%'
      AND (account.held > 0 OR NOT part.is_held)
"""
LOTS = """
    INSERT INTO saleor_retention_lot (
        id, account_id, order_ref, opened_at, valid_from, expires_at, is_pending,
        granted, held, used, restored, expired, clawed, adjusted, repaid, remaining
    )
    SELECT lot_id, account_id, '', %(begun)s,
           CASE WHEN is_pending THEN %(over)s ELSE %(begun)s END, expires_at, is_pending,
           %(points)s, CASE WHEN is_held THEN %(points)s ELSE 0 END, 0, 0, 0, 0, 0, 0,
           CASE WHEN is_held THEN 0 ELSE %(points)s END
    FROM seeded ORDER BY lot_id
"""
TRANSACTIONS = """
    INSERT INTO saleor_retention_transaction (
        id, program_id, account_id, kind, key, content_hash, recorded_at, effective_at,
        order_ref, rule_key, cause, actor_ref
    )
    SELECT posting.id, %(program_id)s, account_id, posting.kind, 'seeded:' || posting.id, '',
           %(begun)s, %(begun)s, '', '', 'staff', ''
    FROM seeded
    CROSS JOIN LATERAL (
        VALUES (granted_id, 'grant', true), (held_id, 'hold', is_held)
    ) AS posting (id, kind, is_wanted)
    WHERE is_wanted ORDER BY posting.id
"""
ENTRIES = """
    INSERT INTO saleor_retention_entry (transaction_id, book, account_id, lot_id, points)
    SELECT leg.transaction_id, leg.book, leg.account_id, leg.lot_id, leg.points
    FROM seeded
    CROSS JOIN LATERAL (
        VALUES (granted_id, 'issuance', NULL, NULL, -%(points)s, true),
               (granted_id, CASE WHEN is_pending THEN 'pending' ELSE 'available' END, account_id,
                lot_id, %(points)s, true),
               (held_id, 'available', account_id, lot_id, -%(points)s, is_held),
               (held_id, 'held', account_id, lot_id, %(points)s, is_held)
    ) AS leg (transaction_id, book, account_id, lot_id, points, is_wanted)
    WHERE is_wanted ORDER BY leg.transaction_id
"""
HOLDS = """
    INSERT INTO saleor_retention_hold (
        id, account_id, checkout_ref, state, requested, points, currency, value_minor, version_id,
        captured, restored, order_ref, placed_at, lapses_at
    )
    SELECT hold_id, account_id, gen_random_uuid()::text, 'placed', %(points)s, %(points)s, 'USD',
           %(points)s, %(version_id)s, 0, 0, '', %(begun)s, %(over)s
    FROM seeded WHERE is_held
"""
CONSUMPTIONS = """
    INSERT INTO saleor_retention_consumption (hold_id, lot_id, points, used, restored)
    SELECT hold_id, lot_id, %(points)s, 0, 0 FROM seeded WHERE is_held
"""

USERS = """
    UPDATE saleor_retention_account AS account SET user_id = person.user_id
    FROM unnest(%(user_ids)s::integer[]) WITH ORDINALITY AS person (user_id, place)
    WHERE account.program_id = %(program_id)s
      AND account.member_number = 'W' || person.place * %(step)s
"""


def seed(program: Any, members: int, holds: int) -> None:
    """Make members with a lapsed tier, a lot to mature and a lot that died; some with a hold.

    The checkouts of the holds are gone. Set-based, because it may be hundreds of thousands.
    """
    now = timezone.now()
    parameters = {
        "program_id": program.pk,
        "version_id": program.current_version_id,
        "members": members,
        "holds": holds,
        "points": POINTS,
        "begun": now - dt.timedelta(days=400),
        "over": now - dt.timedelta(days=60),
    }
    statements = (ACCOUNTS, SEEDED, LOTS, TRANSACTIONS, ENTRIES, HOLDS, CONSUMPTIONS)
    with transaction.atomic(), connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement, parameters)
        cursor.execute("DROP TABLE seeded")
    with connection.cursor() as cursor:
        for table in ("account", "lot", "transaction", "entry", "hold", "consumption"):
            cursor.execute(f"ANALYZE saleor_retention_{table}")


def give_users(program: Any, members: int, count: int) -> list[int]:
    """Make so many customers, each one of the seeded members, evenly spread; return their ids."""
    user = get_user_model()
    confirmed = {"is_confirmed": True} if hasattr(user, "is_confirmed") else {}
    people = [user(email=f"w{n}@shop.example", is_active=True, **confirmed) for n in range(count)]
    user_ids = [person.pk for person in user.objects.bulk_create(people)]
    parameters = {"program_id": program.pk, "user_ids": user_ids, "step": members // count}
    with connection.cursor() as cursor:
        cursor.execute(USERS, parameters)
        assert cursor.rowcount == count
    return user_ids


def copies(order: Any, count: int, user_ids: Sequence[int] = ()) -> None:
    """Put copies of an order with its lines and payments into the shop; no hook hears of it.

    They are these users', in turn; the order's own customer's where there are none.
    """
    parts = [(name, list(getattr(order, name).all())) for name in ("lines", "payments")]
    whose = itertools.cycle(user_ids or [order.user_id])
    for number in range(count):
        _insert(
            order,
            checkout_token=str(uuid.uuid4()),
            number=f"9{number:06}",
            token="",
            user_id=next(whose),
        )
        for name, rows in parts:
            for row in rows:
                row.order = order
                # A payment's transactions are what was charged.
                charges = list(row.transactions.all()) if name == "payments" else []
                _insert(row)
                for charge in charges:
                    charge.payment = row
                    _insert(charge)


def _insert(row: Any, **values: Any) -> None:
    """Save a row once more as a new one."""
    fields = {part.attname for part in row._meta.concrete_fields}
    row.pk = uuid.uuid4() if row._meta.pk.get_internal_type() == "UUIDField" else None
    for name, value in values.items():
        if name in fields:
            setattr(row, name, value)
    row._state.adding = True
    row.save(force_insert=True)


def remaining(kinds: Sequence[str] = ()) -> int:
    """Return how much is due now, of some kinds of work or of all."""
    from saleor_retention import host
    from saleor_retention.selectors.backlog import backlogs

    with host.current().writer():
        return sum(
            item.remaining for item in backlogs(timezone.now()) if not kinds or item.kind in kinds
        )
