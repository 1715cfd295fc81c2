"""Settling an order through the services: the worked examples, and events as they come."""

from __future__ import annotations

import pytest

from saleor_retention.models import OrderRecord, Transaction
from saleor_retention.services import settling
from tests import fakes, ledger
from tests.fakes import FakeHost, at, line, minor, order
from tests.ledger import Shop

pytestmark = pytest.mark.django_db

PAID = at("2026-03-01 10:00")


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch) -> FakeHost:
    """The in-memory host."""
    ledger.forget_terms()
    return fakes.use(monkeypatch)


@pytest.fixture
def shop(host: FakeHost) -> Shop:
    """A program of one point per dollar."""
    return ledger.open_program(host)


def test_v3_each_return_takes_what_is_no_longer_earned(host: FakeHost) -> None:
    """Two lines of 15.00 at one point per 10.00 earn 3; the first return takes 2, the second 1."""
    shop = ledger.open_program(host, earn={"rates": {"USD": {"points": 1, "per": "10.00"}}})
    member = shop.member("ann")
    bought = order(
        "o1", line("a", minor("15.00")), line("b", minor("15.00")), user_ref=str(member.user_id)
    )
    host.put_order(bought)

    settling.settle(order_ref="o1", now=PAID)
    earned = ledger.balances(member)
    host.return_units("o1", "a", 1)
    settling.settle(order_ref="o1", now=at("2026-03-02 10:00"))
    after_first = ledger.balances(member)
    host.return_units("o1", "b", 1)
    settling.settle(order_ref="o1", now=at("2026-03-03 10:00"))

    assert earned == (3, 0, 0, 0)
    assert after_first == (1, 0, 0, 0)
    assert ledger.balances(member) == (0, 0, 0, 0)
    record = OrderRecord.objects.get(order_ref="o1")
    assert (record.earned, record.clawed) == (3, 3)
    keys = list(Transaction.objects.order_by("pk").values_list("key", flat=True))
    assert keys == ["earn:o1:base:1", "clawback:o1:base:2", "clawback:o1:base:3"]
