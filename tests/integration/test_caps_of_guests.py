"""Caps of a customer hold for what he ordered as a guest, as soon as it is known to be his."""

from __future__ import annotations

import pytest

from saleor_retention.models import Account, OrderRecord
from saleor_retention.selectors.verification import breaches
from saleor_retention.services.ordering import settling
from tests import ledger
from tests.fakes import at, line, order
from tests.ledger import Shop

pytestmark = pytest.mark.django_db

DAY = at("2026-03-01 10:00")


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Shop:
    """A point for a dollar, a hundred a day."""
    rates = {"USD": {"points": 1, "per": "1.00"}}
    return ledger.open_shop(monkeypatch, earn={"rates": rates, "points_per_day_max": 100})


def as_guest(shop: Shop, ref: str, amount_minor: int) -> None:
    """Let Ann buy without logging in."""
    goods = line("a", amount_minor)
    shop.host.put_order(order(ref, goods, user_ref=None, email="ann@example.com", created_at=DAY))
    shop.settle(ref, DAY)


def attach(shop: Shop, ann: Account, ref: str) -> None:
    """Let Saleor attach the order to Ann."""
    shop.host.change_order(ref, user_ref=str(ann.user_id), is_user_confirmed=True)
    settling.settle(order_ref=ref, now=DAY)


def points(ref: str) -> tuple[int, int]:
    """Return what an order earned and what was taken back."""
    record = OrderRecord.objects.get(order_ref=ref)
    return record.earned, record.clawed


def test_the_guest_first(shop: Shop) -> None:
    """Eighty as a guest, sixty as a member, then the guest's are hers: a hundred in all."""
    ann = shop.member("ann")
    as_guest(shop, "g1", 8000)
    shop.buys(ann, "m1", "60.00", now=DAY)
    attach(shop, ann, "g1")

    assert (points("g1"), points("m1")) == ((80, 40), (60, 0))
    assert ledger.balances(ann) == ledger.replayed(ann) == (100, 0, 0, 0)
    assert breaches() == []


def test_the_member_first_and_twice(shop: Shop) -> None:
    """Each guest's order has a fresh account, and no room of its own in the end; once is enough."""
    ann = shop.member("ann")
    shop.buys(ann, "m1", "60.00", now=DAY)
    for ref in ("g1", "g2"):
        as_guest(shop, ref, 7000)
        attach(shop, ann, ref)
        attach(shop, ann, ref)
    shop.buys(ann, "m2", "10.00", now=DAY)

    assert [points(ref) for ref in ("m1", "g1", "g2", "m2")] == [
        (60, 0),
        (70, 30),
        (70, 70),
        (0, 0),
    ]
    assert ledger.balances(ann) == ledger.replayed(ann) == (100, 0, 0, 0)
    assert breaches() == []
