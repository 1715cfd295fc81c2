"""Workers share a backlog: each takes the oldest that nobody is at, and waits for nobody."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

from saleor_retention.models import Account, Hold, Lot, OrderRecord, SettleFailure
from saleor_retention.selectors.due import lots_to_expire, lots_to_mature
from saleor_retention.selectors.verification import breaches
from saleor_retention.services.checkout import redeeming
from saleor_retention.services.ledger import expiring, maturing
from saleor_retention.services.ledger.locking import claim
from saleor_retention.services.ordering import reconciling
from tests import ledger, workers
from tests.fakes import line, order
from tests.ledger import Shop
from tests.threads import at_once

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Shop:
    """Six members with a lot to mature, a lot that died, and a hold whose time is over."""
    opened = ledger.open_shop(monkeypatch)
    workers.seed(opened.program, members=6, holds=6)
    return opened


def elsewhere(work: Callable[[], Any]) -> Any:
    """Do something on another database connection, as another worker."""
    return at_once(lambda _number: work(), 1)[0]


@pytest.mark.parametrize(
    ("sweep", "rows"),
    [(maturing.mature_due, lots_to_mature), (expiring.expire_due, lots_to_expire)],
)
def test_a_sweep_takes_what_another_one_left(shop: Shop, sweep: Any, rows: Any) -> None:
    """The oldest lots are claimed: a batch of two is the next two, until only those are left."""
    assert shop.host.reads == []
    now = timezone.now()
    due = list(rows(now).order_by("valid_from", "expires_at", "pk").values_list("pk", flat=True))
    with transaction.atomic():
        assert sweep(now, limit=2) == 2
        done = [elsewhere(lambda: sweep(now, limit=2)) for _ in range(3)]
        assert rows(now).count() == 0
        transaction.set_rollback(True)  # the worker is killed before it could commit

    assert done == [2, 2, 0]
    assert list(rows(now).values_list("pk", flat=True)) == due[:2]
    assert [sweep(now), rows(now).count()] == [2, 0]
    assert breaches() == []


def test_a_lot_that_was_just_done_is_not_claimed(shop: Shop) -> None:
    """A claim that finds a lot in the act of another worker passes over it, and posts it once."""
    assert shop.host.reads == []
    now = timezone.now()

    done = at_once(lambda _number: sum(iter(lambda: expiring.expire_due(now, limit=1), 0)), 4)

    assert sum(done) == 6
    assert Lot.objects.filter(expired__gt=0).count() == 6
    assert breaches() == []


def test_a_hold_that_another_worker_is_at_is_passed_over(shop: Shop) -> None:
    """Nobody waits for it; whoever comes later does it."""
    assert shop.host.reads == []
    first, *_ = Hold.objects.order_by("pk")
    with transaction.atomic():
        assert claim(f"hold:{first.pk}")
        assert not elsewhere(lambda: transaction.atomic()(claim)(f"hold:{first.pk}"))
        done = elsewhere(lambda: redeeming.lapse_due(limit=50))

    assert done == 5
    assert Hold.objects.get(state="placed").pk == first.pk
    assert [redeeming.lapse_due(), redeeming.lapse_due()] == [1, 0]
    assert breaches() == []


def test_four_workers_lapse_each_hold_once(shop: Shop) -> None:
    """Together they did all, none twice."""
    assert shop.host.reads == []

    done = at_once(lambda _number: redeeming.lapse_due(limit=50), 4)

    assert sum(done) == 6
    assert set(Account.objects.values_list("held", flat=True)) == {0}
    assert breaches() == []


def test_an_order_that_another_worker_settles_is_passed_over(shop: Shop) -> None:
    """It is struck off with its settlement, and comes back where that is rolled back."""
    for number in range(4):
        shop.host.put_order(
            order(f"o{number}", line("a", 1000)),
            changed_at=timezone.now() - dt.timedelta(hours=1),
        )
    assert reconciling.look() == 4
    with transaction.atomic():
        assert reconciling._settle_noted("o0", timezone.now())
        done = elsewhere(reconciling.settle_noted)
        transaction.set_rollback(True)  # the worker is killed before it could commit

    assert done == 3
    assert SettleFailure.objects.get().pk == "o0"
    assert set(OrderRecord.objects.values_list("order_ref", flat=True)) == {"o1", "o2", "o3"}
    assert [reconciling.settle_noted(), reconciling.settle_noted()] == [1, 0]
    assert OrderRecord.objects.count() == 4


def test_an_order_that_fails_is_struck_off_and_kept(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is not tried again by the same run, but by the next; nothing of its attempt stays."""
    shop.host.put_order(order("o1", line("a", 1000)))
    SettleFailure.objects.create(pk="o1", attempts=0, failed_at=timezone.now())

    def broken(**_given: Any) -> None:
        OrderRecord.objects.create(
            order_ref="half",
            program=shop.program,
            version=shop.program.current_version,
            created_at=timezone.now(),
        )
        raise KeyError("line")

    monkeypatch.setattr(reconciling, "settle", broken)

    assert [reconciling.settle_noted(), reconciling.settle_noted()] == [1, 0]
    failure = SettleFailure.objects.get()
    assert (failure.pk, failure.attempts, failure.reason) == ("o1", 1, "KeyError")
    assert OrderRecord.objects.count() == 0
