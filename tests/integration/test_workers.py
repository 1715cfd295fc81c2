"""Worker processes on a real broker share what is due; a killed one loses and doubles nothing."""

from __future__ import annotations

from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command

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


@pytest.fixture
def fleet(transactional_db: None) -> Iterator[Workers]:  # noqa: ARG001 - they are to use it
    """Two workers, which come up while the shop is being filled."""
    try:
        broker.ensure()
    except SandboxError as error:
        pytest.skip(f"left out: no broker for worker processes here ({error})")
    with workers.workers("one", "two", batch=BATCH) as running:
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
