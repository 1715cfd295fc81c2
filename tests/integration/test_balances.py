"""What members have is true at its instant, and costs one statement for one or for many."""

from __future__ import annotations

from typing import Any

import pytest

from saleor_retention.engine.facts import OrderState
from saleor_retention.models import Account, Transaction
from saleor_retention.selectors.balances import (
    Balance,
    LotState,
    balance_of,
    balances_of,
    lots_of,
)
from saleor_retention.services.ledger import expiring, maturing
from tests import ledger
from tests.fakes import at
from tests.ledger import Shop

pytestmark = pytest.mark.django_db

APRIL = at("2026-04-01 10:00")


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Shop:
    """Points become available after 14 days and die 30 days later."""
    return ledger.open_shop(
        monkeypatch,
        maturing={"rule": "days_after_payment", "days": 14},
        expiry={"policy": "days", "count": 30},
    )


@pytest.fixture
def ann(shop: Shop) -> Account:
    """A member."""
    return shop.member("ann")


@pytest.mark.parametrize(
    ("now", "balance"),
    [
        ("2026-03-01 10:00", Balance(pending=50)),
        ("2026-03-15 09:59:59.999999", Balance(pending=50)),
        ("2026-03-15 10:00", Balance(available=50)),
        ("2026-04-14 23:59:59.999999", Balance(available=50)),
        ("2026-04-15 00:00", Balance()),
    ],
)
def test_a_balance_is_true_at_its_instant_with_no_job_running(
    shop: Shop, ann: Account, now: str, balance: Balance
) -> None:
    """Pending, available and dead to the microsecond, though nothing was posted since the order."""
    shop.buys(ann, "o1", "50.00", now=at("2026-03-01 10:00"))

    assert balance_of(ann, at(now)) == balance
    assert ledger.kinds(ann) == ["earn"]


@pytest.mark.parametrize("now", ["2026-03-10", "2026-03-15 10:00", "2026-04-10", "2026-06-01"])
def test_the_jobs_change_nothing_that_a_reader_sees(shop: Shop, ann: Account, now: str) -> None:
    """Before and after both jobs, balance and lots are the same."""
    shop.buys(ann, "o1", "50.00", now=at("2026-03-01 10:00"))
    shop.buys(ann, "o2", "20.00", now=at("2026-03-05 10:00"))
    seen = [(balance_of(ann, at(now)), lots_of([ann.pk], at(now)))]
    maturing.mature_due(at(now))
    expiring.expire_due(at(now))
    seen.append((balance_of(ann, at(now)), lots_of([ann.pk], at(now))))

    assert seen[0] == seen[1]
    kept = Account.objects.get(pk=ann.pk)
    assert (kept.available, kept.pending) == (seen[0][0].available, seen[0][0].pending)


def test_maturing_points_repay_a_deficit_for_readers_too(shop: Shop, ann: Account) -> None:
    """Of two lots that mature, the earlier one repays; what is over is available."""
    ledger.spend(ledger.give(ann, 60), 60, now=at("2026-02-01"))
    shop.buys(ann, "o0", "60.00", now=at("2026-02-01 10:00"))
    ledger.spend(_ripe(ann), 60, now=at("2026-02-20"))
    shop.buys(ann, "o1", "50.00", now=at("2026-03-01 10:00"))
    shop.buys(ann, "o2", "20.00", now=at("2026-03-05 10:00"))
    shop.host.change_order("o0", state=OrderState.CANCELED)
    shop.settle("o0", at("2026-03-06"))

    assert balance_of(ann, at("2026-03-06")) == Balance(pending=70, deficit=60)
    assert balance_of(ann, at("2026-03-16")) == Balance(pending=20, deficit=10)
    assert balance_of(ann, at("2026-03-20")) == Balance(available=10)
    assert [view.points for view in lots_of([ann.pk], at("2026-03-20"))[ann.pk]] == [10]


def test_lots_are_shown_in_the_order_they_are_spent(ann: Account) -> None:
    """Soonest expiry first, never last; pending ones say so; dead and empty ones are not shown."""
    ledger.give(ann, 1)
    ledger.give(ann, 2, expires_at=at("2026-06-01"))
    ledger.give(ann, 4, expires_at=at("2026-05-01"))
    ledger.give(ann, 8, expires_at=APRIL)
    ledger.give(ann, 16, valid_from=at("2026-04-02"), expires_at=at("2026-05-02"))
    ledger.spend(ledger.give(ann, 32), 32, now=at("2026-03-01"))
    _hold(ledger.give(ann, 64, expires_at=at("2026-07-01")), 64)

    views = lots_of([ann.pk], APRIL)[ann.pk]

    assert [(view.points, view.held, view.state) for view in views] == [
        (4, 0, LotState.AVAILABLE),
        (16, 0, LotState.PENDING),
        (2, 0, LotState.AVAILABLE),
        (0, 64, LotState.HELD),
        (1, 0, LotState.AVAILABLE),
    ]
    assert sum(view.points for view in views if view.state is LotState.AVAILABLE) == 7
    assert balance_of(ann, APRIL) == Balance(available=7, pending=16, held=64)


def test_one_statement_for_one_member_or_many(shop: Shop, django_assert_num_queries: Any) -> None:
    """Whatever is due on them; unknown members are left out."""
    members = [shop.member(name) for name in ("ann", "bob", "eve")]
    for number, member in enumerate(members):
        for _ in range(5):
            ledger.give(member, number + 1, valid_from=at("2026-03-01"))
    ids = [member.pk for member in members]

    with django_assert_num_queries(1):
        many = balances_of([*ids, -1], APRIL)
    with django_assert_num_queries(1):
        one = balance_of(members[2], APRIL)
    with django_assert_num_queries(1):
        lots = lots_of([*ids, -1], APRIL)

    assert many == dict(zip(ids, (Balance(5), Balance(10), Balance(15)), strict=True))
    assert one == Balance(15)
    assert {pk: len(views) for pk, views in lots.items()} == dict.fromkeys(ids, 5)


def _ripe(account: Account) -> Any:
    """Post what has matured and return the newest lot."""
    maturing.mature_due(at("2026-02-19"))
    return ledger.lots(account)[-1]


def _hold(lot: Any, points: int) -> None:
    """Set points of a lot aside, without a checkout."""
    ledger.move(lot, points, "available", "held", now=at("2026-03-01"))
    assert Transaction.objects.filter(kind="hold").count() == 1
