"""A member is erased while the shop goes on, and days are sealed by several workers at once."""

from __future__ import annotations

import pytest

from saleor_retention.models import Account, AccountState, Erasure, LedgerDigest, OrderRecord
from saleor_retention.selectors import digests, persons
from saleor_retention.selectors.verification import breaches
from saleor_retention.services.ledger import digesting
from saleor_retention.services.membership import erasing
from saleor_retention.services.ordering import settling
from tests import ledger
from tests.fakes import at, line, order
from tests.ledger import Shop
from tests.threads import at_once

pytestmark = pytest.mark.django_db(transaction=True)

PAID = at("2026-03-01 10:00")
NOON = at("2026-03-10 12:00")


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Shop:
    """One point per dollar, 100 points welcome."""
    return ledger.open_shop(monkeypatch, welcome_points=100)


def test_erased_once_while_orders_come_in(shop: Shop) -> None:
    """Four erase, four settle orders of before and of now: one record, and nothing is left open.

    Who is settled after the erasure belongs to the pseudonym (an order known before) or to the new
    account that the customer has by then.
    """
    ann = shop.member("ann")
    user_ref = str(ann.user_id)
    for number in range(4):
        ref = f"o{number}"
        shop.host.put_order(order(ref, line("a", 3000), user_ref=user_ref, created_at=PAID))
        if number < 2:
            settling.settle(order_ref=ref, now=PAID)
            shop.host.return_units(ref, "a", 1)

    def work(number: int) -> None:
        if number % 2:
            settling.settle(order_ref=f"o{number // 2}", now=NOON)
        else:
            person = persons.Person(user_ref)
            erasing.erase(person, reason="Asked for", actor_ref="", now=NOON)

    at_once(work, 8)
    erasing.erase_deleted(now=NOON)

    accounts = Account.objects.order_by("pk")
    erased = [account for account in accounts if account.state == AccountState.ERASED]
    assert ann.pk in {account.pk for account in erased}
    assert [ledger.balances(account) for account in erased] == [(0, 0, 0, 0)] * len(erased)
    assert Erasure.objects.count() == len(erased)
    assert OrderRecord.objects.count() == 4
    assert {record.clawed for record in OrderRecord.objects.filter(order_ref__in=["o0", "o1"])} == {
        30
    }
    assert breaches() == []


def test_a_day_is_sealed_once_by_eight_workers(shop: Shop) -> None:
    """All compute the same chain, and the database keeps one."""
    shop.buys(shop.member("ann"), "o1", "30.00", now=PAID)

    at_once(lambda _number: digesting.seal_due(NOON, limit=100), 8)
    days = list(LedgerDigest.objects.order_by("day").values_list("day", flat=True))

    assert len(days) == len(set(days)) == (days[-1] - days[0]).days + 1
    assert digests.verify(now=NOON).differences == ()
    assert digesting.seal_due(NOON) == 0
