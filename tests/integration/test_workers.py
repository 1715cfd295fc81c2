"""Worker processes on a real broker share what is due; a killed one loses and doubles nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.utils import timezone

from saleor_retention.models import Account, Hold, OrderRecord, TierChange, Transaction
from saleor_retention.selectors.verification import breaches
from sandbox import broker
from sandbox.console import SandboxError
from tests import workers
from tests.factories.current import factories
from tests.factories.loyalty import make_program
from tests.workers import PERIODIC, Workers, wait_for

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

MEMBERS = 1500
HOLDS = 100
ORDERS = 20
BEATS = 2  # the broker may hand one more message to a worker that is just gone
BATCH = 10  # so that a run is long enough to be killed in
LADDER_MEMBERS = 15_000  # the same for one that does not ask how large its batches are
VISIBILITY_SECONDS = 5


@pytest.fixture
def fleet(transactional_db: None) -> Iterator[Workers]:  # noqa: ARG001 - they are to use it
    """Two workers, which come up while the shop is being filled."""
    with _started() as running:
        yield running


@pytest.fixture
def hasty_fleet(transactional_db: None) -> Iterator[Workers]:  # noqa: ARG001 - as above
    """The same on a broker that does not wait long for a message to be acknowledged."""
    with _started(visibility_seconds=VISIBILITY_SECONDS) as running:
        yield running


@contextmanager
def _started(**options: Any) -> Iterator[Workers]:
    try:
        broker.ensure()
    except SandboxError as error:
        pytest.skip(f"left out: no broker for worker processes here ({error})")
    with workers.workers("one", "two", batch=BATCH, **options) as running:
        yield running


def postings(kind: str) -> int:
    """Return how many postings of a kind there are."""
    return Transaction.objects.filter(kind=kind).count()


def progress() -> str:
    """Return what the command says."""
    said = StringIO()
    call_command("retention_progress", stdout=said)
    return said.getvalue()


def busy_shop() -> Any:
    """Make a shop with work for all periodic tasks; return one of its orders."""
    make = factories()
    program = make_program(make.make_channel())
    order = make.complete(make.make_checkout(make.make_user(), {make.make_product("20.00"): 1}))
    workers.copies(order, ORDERS)
    workers.seed(program, MEMBERS, HOLDS)
    return order


def test_two_workers_share_the_work_and_one_is_killed(fleet: Workers) -> None:
    """Every task's work is done once, by both; what the killed one was at is done by the other."""
    # given
    busy_shop()
    before = progress()
    fleet.wait_until_up()

    # when: one is killed amid the work, and beat goes on
    fleet.send(*PERIODIC)
    wait_for(
        lambda: all(sum(fleet.did(name).values()) for name in ("one", "two")),
        30,
        "both to have done something",
        fleet.said,
    )
    fleet.kill("one")
    left = workers.remaining()
    for _ in range(BEATS):
        fleet.send(*PERIODIC)
        wait_for(fleet.are_idle, 60, "the other worker to come to an end", fleet.said)

    # then
    assert f"lots to mature                 {MEMBERS:,}" in before
    assert left > 0
    kinds = ("mature", "expire", "earn")
    assert [postings(kind) for kind in kinds] == [MEMBERS, MEMBERS, 1 + ORDERS]
    # Their time is over and their carts are gone: whichever task comes first ends them, once.
    assert postings("lapse") + postings("release") == HOLDS
    assert OrderRecord.objects.count() == 1 + ORDERS
    assert TierChange.objects.filter(kind="downgrade").count() == MEMBERS
    assert Hold.objects.filter(state__in=("lapsed", "released")).count() == HOLDS
    seeded = Account.objects.filter(member_number__startswith="W")
    assert seeded.filter(available=10, pending=0, held=0, tier="").count() == MEMBERS - HOLDS
    assert seeded.filter(available=20, pending=0, held=0, tier="").count() == HOLDS
    assert breaches() == []
    assert fleet.did("one")["expire"] + fleet.did("two")["expire"] <= MEMBERS
    assert [line.split()[-2:] for line in progress().splitlines()[1:]] == [["0", "-"]] * 6


def test_a_message_that_nobody_makes_up_for_comes_back(hasty_fleet: Workers) -> None:
    """The only one to move members to a new ladder is killed, and its message given out again.

    Workers look for such messages soon after they start, and then every hundred seconds; so that
    nobody has to wait for that, another one is started.
    """
    # given
    fleet = hasty_fleet
    program = make_program(factories().make_channel())
    workers.seed(program, LADDER_MEMBERS, 0)
    fleet.wait_until_up()
    moved = TierChange.objects.filter(account__program=program)

    # when
    at = timezone.now().isoformat()
    fleet.send("apply_ladder", program_id=program.pk, after_id=0, at=at)
    wait_for(moved.exists, 30, "the first batch", fleet.said)
    busy: list[str] = []  # or both, where the message was given out again meanwhile

    def are_seen() -> list[str]:
        busy[:] = [name for name in ("one", "two") if fleet.doing(name)]
        return busy

    wait_for(lambda: bool(are_seen()), 30, "a worker to be seen at it", fleet.said)
    fleet.kill(busy[0])
    stood = moved.count()
    fleet.start("three")
    wait_for(lambda: moved.count() >= LADDER_MEMBERS, 180, "the message to come back", fleet.said)
    wait_for(fleet.are_idle, 30, "the end of it", fleet.said)

    # then
    assert 0 < stood < LADDER_MEMBERS
    assert moved.count() == moved.values("account_id").distinct().count() == LADDER_MEMBERS
    assert Account.objects.filter(program=program, tier="").count() == LADDER_MEMBERS
    assert breaches() == []
