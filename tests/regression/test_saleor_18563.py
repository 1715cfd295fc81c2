"""saleor/saleor issue 18563: once per customer, and again with a new e-mail address.

"Multiple use of vouchers after email address change": the use was remembered by address. Here
that concerns what a program gives once: welcome points and the points for the first order.
"""

from __future__ import annotations

import pytest
from django.contrib.auth import get_user_model

from saleor_retention.models import Account
from saleor_retention.selectors.verification import breaches
from saleor_retention.services.membership import members
from tests import ledger
from tests.fakes import at
from tests.ledger import Shop

pytestmark = pytest.mark.django_db

NOON = at("2026-03-02 12:00")


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Shop:
    """100 points for joining, 50 for the first order."""
    return ledger.open_shop(monkeypatch, welcome_points=100, first_order_points=50)


@pytest.fixture
def ann(shop: Shop) -> Account:
    """A member who had both: 100 for joining, 50 and 30 with an order of 30.00."""
    member = shop.member("ann")
    shop.buys(member, "o1", "30.00", now=at("2026-03-01 10:00"))
    assert ledger.balances(member) == (180, 0, 0, 0)
    return member


def rename(shop: Shop, member: Account, email: str) -> None:
    """Let the customer change the address in the shop."""
    get_user_model().objects.filter(pk=member.user_id).update(email=email)
    shop.host.put_user(str(member.user_id), email)


def test_a_new_address_brings_nothing_a_second_time(shop: Shop, ann: Account) -> None:
    """Given she changes her address, she is the same member, and her next order is no first one."""
    rename(shop, ann, "ann@elsewhere.example")
    again = members.member_of(shop.program, str(ann.user_id), now=NOON)
    shop.buys(ann, "o2", "20.00", now=NOON, email="ann@elsewhere.example")

    assert again == ann
    assert ledger.balances(ann) == (200, 0, 0, 0)
    assert ledger.kinds(ann) == ["bonus", "earn", "bonus", "earn"]
    assert breaches() == []


def test_a_guest_order_of_the_new_address_is_no_first_order(shop: Shop, ann: Account) -> None:
    """Given an order as a guest that the shop attaches to her later, it earns its points only."""
    rename(shop, ann, "ann@elsewhere.example")
    shop.buys(ann, "o2", "20.00", now=NOON, user_ref=None, email="ann@elsewhere.example")
    assert ledger.balances(ann) == (180, 0, 0, 0)

    shop.host.change_order("o2", user_ref=str(ann.user_id), is_user_confirmed=True)
    shop.settle("o2", at("2026-03-03 12:00"))

    assert ledger.balances(ann) == (200, 0, 0, 0)
    assert breaches() == []
