"""The simulation itself: start the processes, let faults befall them, and hold the promises.

Workers are forked from this process, which has Django loaded and no connection open, as a server
with preloaded workers does. A killed one is replaced at once. In between, the ledger's invariants
are looked at in one snapshot while everything is under way: they hold at every instant.
"""

from __future__ import annotations

import datetime as dt
import logging
import multiprocessing
import os
import signal
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import InterfaceError, OperationalError, connection, connections, transaction

from saleor_retention.errors import Refusal
from saleor_retention.models import Account, Transaction
from saleor_retention.selectors.balances import balances_of
from saleor_retention.selectors.verification import breaches
from saleor_retention.services.checkout import redeeming
from saleor_retention.services.ledger import expiring, maturing
from saleor_retention.services.membership import members
from saleor_retention.services.ordering import reconciling, settling
from sandbox import processes
from tests import fakes
from tests.members import make_program
from tests.soak import arena, plan, promises, sabotage
from tests.soak.journal import Journal, read
from tests.soak.plan import CRASH, DROP, GUESTS, KILL, MEMBERS, STALL, Fault
from tests.soak.shop import STEADY, TABLES, SqlShop, execute, rows
from tests.soak.worker import World, ask, attach, order_cart, run

RIVALS = 20
RIVAL_POINTS = 100
STALL_SECONDS = 0.3
LOOK_SECONDS = 0.7  # between two looks at the invariants
END_SECONDS_MAX = 60
AFTER_ALL = dt.timedelta(days=40)
SETTINGS = {
    "RECONCILE_OVERLAP_MINUTES": 24 * 60,  # four of our seconds: any transaction commits in these
    "SETTLE_BATCH": 20,  # so that reconcile gets on between two faults
}
FORK = multiprocessing.get_context("fork")

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Wish:
    """What to run."""

    seed: int
    seconds: float
    workers: int
    may_crash: bool = True
    broken: str = ""  # one of ``sabotage.NAMES``


@dataclass(slots=True)
class Outcome:
    """What came of it. ``complaints`` is empty when every promise was kept."""

    complaints: list[str] = field(default_factory=list)
    faults: Counter[str] = field(default_factory=Counter)
    told: promises.Told = field(default_factory=promises.Told)
    processes: int = 0
    looks: int = 0
    in_doubt: int = 0
    orders: int = 0
    postings: int = 0
    can_crash: bool = False


def simulate(wish: Wish, say: Say) -> Outcome:
    """Run the simulation; ``say`` is told of the progress."""
    outcome = Outcome()
    is_durable = wish.broken != sabotage.DURABILITY
    with (
        tempfile.TemporaryDirectory(prefix="soak-") as folder,
        pytest.MonkeyPatch.context() as patch,
        arena.opened(may_crash=wish.may_crash, is_durable=is_durable) as place,
    ):
        outcome.can_crash = place.server is not None
        for name, value in SETTINGS.items():
            patch.setattr(settings, f"RETENTION_{name}", value, raising=False)
        world = _open_world(patch, wish.seed, Path(folder))
        place.keep()
        _let_it_run(wish, world, place, outcome, say)
        _hold_promises(wish, world, outcome, say)
        connections.close_all()
    return outcome


def _open_world(patch: pytest.MonkeyPatch, seed: int, folder: Path) -> World:
    """Open the shop with two programs and a few members."""
    shop = SqlShop()
    fakes.use(patch, shop)
    execute(TABLES)
    programs = {
        channel.ref: make_program(channel.slug, (channel.ref,), **promises.DOCUMENTS[channel.ref])
        for channel in shop.shop_channels
    }
    accounts, user_refs = {}, []
    for number in range(MEMBERS):
        user = get_user_model().objects.create(email=f"member{number}@example.com")
        shop.put_user(str(user.pk), user.email)
        user_refs.append(str(user.pk))
        for channel, program in programs.items():
            account = members.member_of(program, str(user.pk), now=shop.clock.now())
            assert account is not None
            accounts[str(user.pk), channel] = account.pk
    versions = {channel: program.current_version_id for channel, program in programs.items()}
    return World(seed, folder, shop, tuple(user_refs), accounts, versions)


# --- the run --------------------------------------------------------------------------------------


@dataclass(slots=True)
class Crew:
    """The workers at their places."""

    world: World
    broken: str
    processes: list[Any] = field(default_factory=list)
    generations: list[int] = field(default_factory=list)

    def start(self, place: int) -> None:
        """Start the next process at a place."""
        if place == len(self.processes):
            self.processes.append(None)
            self.generations.append(0)
        self.generations[place] += 1
        self.processes[place] = _fork(self._work, place, self.generations[place])

    def _work(self, place: int, generation: int) -> None:
        logging.disable(logging.CRITICAL)  # a job says at length that the database is gone
        if self.broken in sabotage.SABOTAGES:
            sabotage.SABOTAGES[self.broken]()
        run(self.world, place, generation)

    def kill(self, place: int) -> None:
        """Kill the process at a place, wherever it is at the moment."""
        process = self.processes[place]
        process.kill()
        process.join()

    def revive(self) -> list[str]:
        """Replace processes that ended by themselves, which none should; name them."""
        ended = []
        for place, process in enumerate(self.processes):
            if process.exitcode is not None:
                ended.append(f"worker {place:02}-{self.generations[place]:03} ended by itself")
                self.start(place)
        return ended


def _fork(work: Callable[..., None], *arguments: Any) -> Any:
    """Fork a process that dies with us; it must not share a connection."""
    connections.close_all()
    tie = processes.die_with_parent(signal.SIGKILL)

    def tied() -> None:
        if tie is not None:
            tie()
        work(*arguments)

    process = FORK.Process(target=tied, daemon=True)
    process.start()
    return process


def _let_it_run(wish: Wish, world: World, place: arena.Arena, outcome: Outcome, say: Say) -> None:
    crew = Crew(world, wish.broken)
    try:
        for number in range(wish.workers):
            crew.start(number)
        until = time.monotonic() + wish.seconds
        looked = said = time.monotonic()
        for fault in plan.faults(wish.seed, has_crashes=place.server is not None):
            time.sleep(fault.pause)
            if time.monotonic() >= until:
                break
            _befall(fault, crew, place)
            outcome.faults[fault.kind] += 1
            outcome.complaints += crew.revive()
            if time.monotonic() - looked > LOOK_SECONDS:
                outcome.complaints += [f"under way: {found}" for found in _look(world)]
                outcome.looks += 1
                looked = time.monotonic()
                if sabotage.is_found(wish.broken, outcome.complaints):
                    break
            if time.monotonic() - said > 10:
                said = time.monotonic()
                left = until - said
                say(f"  {left:.0f} s to go, {sum(outcome.faults.values())} faults so far")
    finally:
        for number in range(len(crew.processes)):
            crew.kill(number)
    outcome.processes = sum(crew.generations)
    _wait_until_alone()


def _befall(fault: Fault, crew: Crew, place: arena.Arena) -> None:
    victim = fault.pick % len(crew.processes)
    if fault.kind == KILL:
        crew.kill(victim)
        crew.start(victim)
    elif fault.kind == STALL:
        pid = crew.processes[victim].pid
        os.kill(pid, signal.SIGSTOP)
        time.sleep(STALL_SECONDS)
        os.kill(pid, signal.SIGCONT)
    elif fault.kind == DROP:
        sessions = _sessions()
        if sessions:
            execute("SELECT pg_terminate_backend(%s)", [sessions[fault.pick % len(sessions)]])
    elif fault.kind == CRASH:
        connections.close_all()
        place.crash()


def _sessions() -> list[int]:
    """Return the other sessions of this database."""
    found = execute(
        "SELECT pid FROM pg_stat_activity WHERE datname = current_database()"
        " AND pid <> pg_backend_pid() AND backend_type = 'client backend' ORDER BY pid"
    )
    return [pid for (pid,) in found]


def _look(world: World) -> list[str]:
    """Hold invariants, and what members see, in one snapshot while others go on."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        found = [str(breach) for breach in breaches(reads_orders=False)]
        seen = balances_of(world.accounts.values(), world.shop.clock.now())
    for account, balance in seen.items():
        points = (balance.available, balance.pending, balance.held, balance.deficit)
        if min(points) < 0 or (balance.available and balance.deficit):
            found.append(f"account {account} shows {balance}")
    return found


def _wait_until_alone() -> None:
    """Wait until the server has noticed that everybody is dead, and rolled them back."""
    until = time.monotonic() + END_SECONDS_MAX
    while _sessions():
        execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            " AND backend_type = 'client backend'"
        )
        if time.monotonic() > until:
            raise TimeoutError("sessions of killed processes do not end")
        time.sleep(0.05)


# --- the end --------------------------------------------------------------------------------------


def _hold_promises(wish: Wish, world: World, outcome: Outcome, say: Say) -> None:
    """Let everything come to rest, deliver it all once more, and compare."""
    outcome.told = told = promises.listen(read(world.folder))
    outcome.complaints += told.faults
    if sabotage.is_found(wish.broken, outcome.complaints):
        return
    say("all processes are dead; twenty rivals want the same points")
    with _complaining(outcome, "rivals"):
        outcome.complaints += _rivalry(world, told)
    say("what is in doubt is asked for again; then reconcile finds what is left")
    booked = {key for key, request in told.keys.items() if request.acknowledged}
    doubts = {key for key, request in told.keys.items() if request.is_in_doubt}
    outcome.in_doubt = len(doubts)
    with _complaining(outcome, "the end"):
        for key in sorted(booked):
            if _ask_again(world, told, key) is not False:
                outcome.complaints.append(f"{key} was acknowledged and had to be booked again")
        if sabotage.is_found(wish.broken, outcome.complaints):
            return
        booked |= {key for key in sorted(doubts) if _ask_again(world, told, key) is not None}
        _come_to_rest(world)
        outcome.complaints += _compare(world, told, booked)
        if not outcome.complaints:
            say("every event is delivered once more")
            outcome.complaints += _deliver_once_more(world, told, booked)
    outcome.orders = len(rows())
    outcome.postings = Transaction.objects.count()


@contextmanager
def _complaining(outcome: Outcome, when: str) -> Iterator[None]:
    """Make a complaint of what a broken ledger raises, so that all complaints are shown."""
    try:
        yield
    except (OperationalError, InterfaceError):
        raise
    except Exception as error:  # noqa: BLE001 - whatever it is, it is what was looked for
        outcome.complaints.append(f"{when}: {type(error).__name__}: {error}")


def _ask_again(world: World, told: promises.Told, key: str) -> bool | None:
    """Send a request once more; True: booked now, False: was booked, None: refused."""
    request = told.keys[key]
    try:
        return ask(key, request.account, request.points, world.shop)
    except Refusal:
        return None


def _come_to_rest(world: World) -> None:
    """Let guests turn out to be customers, leave all carts, and let all time go by."""
    for number in range(GUESTS):
        attach(world, number)
    execute("UPDATE soak_checkout SET is_committed = false")
    execute("DELETE FROM soak_checkout WHERE mod(number, 2) = 0")
    reconciling.reconcile(world.shop.clock.now())  # what it finds is found in its overlap
    world.shop.clock.moved += AFTER_ALL
    _run_jobs(world)


def _run_jobs(world: World) -> None:
    now = world.shop.clock.now()
    reconciling.reconcile(now)
    while redeeming.lapse_due(now):
        pass
    while maturing.mature_due(now) + expiring.expire_due(now):
        pass


def _deliver_once_more(world: World, told: promises.Told, booked: set[str]) -> list[str]:
    """Deliver every event and every request again: nothing may come of it."""
    before = Transaction.objects.count()
    for row in rows():
        settling.settle(order_ref=row.ref, now=world.shop.clock.now())
    for key in sorted(booked):
        _ask_again(world, told, key)
    _run_jobs(world)
    more = Transaction.objects.count() - before
    found = [f"{more} postings came from events delivered once more"] if more else []
    return found + _compare(world, told, booked)


def _compare(world: World, told: promises.Told, booked: set[str]) -> list[str]:
    found = [f"verify: {breach}" for breach in breaches()]
    return found + promises.broken(world.accounts, told, booked)


# --- twenty rivals --------------------------------------------------------------------------------


def _rivalry(world: World, told: promises.Told) -> list[str]:
    """Twenty processes redeem the same 100 points at once; one order is paid with them."""
    shop = world.shop
    user = get_user_model().objects.create(email="rival@example.com")
    shop.put_user(str(user.pk), user.email)
    program = Account.objects.get(pk=world.accounts[world.user_refs[0], STEADY]).program
    account = members.member_of(program, str(user.pk), now=shop.clock.now())
    assert account is not None
    world.accounts[str(user.pk), STEADY] = account.pk
    told.keys["rival"] = promises.Key(account.pk, RIVAL_POINTS - promises.WELCOME, acknowledged=1)
    ask("rival", account.pk, RIVAL_POINTS - promises.WELCOME, shop)
    folder = world.folder / "rivals"
    folder.mkdir()
    there = replace(world, folder=folder)
    barrier = FORK.Barrier(RIVALS)
    rivals = [_fork(_rival, there, str(user.pk), number, barrier) for number in range(RIVALS)]
    for process in rivals:
        process.join(END_SECONDS_MAX)
    said = Counter(entry["said"] for entry in read(folder))
    account.refresh_from_db()
    left = (account.available, account.pending, account.held, account.deficit)
    burned = execute("SELECT sum(points_paid) FROM soak_order WHERE user_ref = %s", [str(user.pk)])
    seen = (dict(said), left, burned[0][0])
    expected = ({"captured": 1, "NOT_ENOUGH_POINTS": RIVALS - 1}, (0, 0, 0, 0), RIVAL_POINTS)
    return [] if seen == expected else [f"twenty rivals: {seen}, should be {expected}"]


def _rival(world: World, user: str, number: int, barrier: Any) -> None:
    journal = Journal(world.folder, f"rival{number}")
    now = world.shop.clock.now
    cart, order = f"rival-cart-{number}", f"rival-order-{number}"
    execute(
        "INSERT INTO soak_checkout (ref, channel, user_ref, total) VALUES (%s, %s, %s, 5000)",
        [cart, STEADY, user],
    )
    barrier.wait(END_SECONDS_MAX)
    try:
        redeeming.set_redemption(checkout_ref=cart, user_ref=user, points=RIVAL_POINTS, now=now())
    except Refusal as refused:
        journal.write(refused.code.value)
        return
    order_cart(world, cart, order, 50, 40)  # too little to earn a point
    settling.settle(order_ref=order, now=now())
    journal.write("captured")
