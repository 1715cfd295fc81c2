"""Open checkouts notice offers that the clock opens or closes."""

from __future__ import annotations

from typing import Any

import pytest

from saleor_retention import tasks
from saleor_retention.models import Offer, Program, Watermark
from saleor_retention.services.offering import offers
from saleor_retention.services.offering.offer_grants import grant_offer
from saleor_retention.services.offering.offer_windows import NAME, reprice_turned
from tests.fakes import FakeHost, at, use
from tests.members import NOON, make_member, make_program

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def shop(monkeypatch: pytest.MonkeyPatch) -> FakeHost:
    """A shop with an open cart."""
    shop = use(monkeypatch)
    shop.put_checkout("cart", 1000, user_ref=None)
    return shop


@pytest.fixture
def program() -> Program:
    """A program in UTC."""
    return make_program()


def create(program: Program, **common: Any) -> Offer:
    """Create 5 % off everything."""
    document = {"kind": "member_price", "member_price": {"percent": 5}, **common}
    return offers.create_offer(
        program=program, slug="five", name="Five", document=document, now=NOON
    ).offer


def test_a_cart_is_priced_afresh_once_when_a_window_opens(shop: FakeHost, program: Program) -> None:
    """The first run notes where to begin; then every opening and closing is seen once."""
    create(program, starts_at="2026-03-10T13:00", ends_at="2026-03-10T14:00")
    shop.repriced.clear()

    runs = [
        reprice_turned(at(f"2026-03-10 {time}"))
        for time in ("12:55", "13:00", "13:05", "13:55", "14:02", "14:07")
    ]

    assert runs == [[], ["1"], [], [], ["1"], []]
    assert shop.repriced == ["cart", "cart"]
    assert Watermark.objects.get(pk=NAME).position_at == at("2026-03-10 14:07")


def test_a_run_that_was_late_sees_what_opened_and_closed_in_between(program: Program) -> None:
    """And a clock that is behind undoes nothing."""
    create(program, starts_at="2026-03-10T13:00", ends_at="2026-03-10T14:00")
    reprice_turned(NOON)

    assert reprice_turned(at("2026-03-11 12:00")) == ["1"]
    assert reprice_turned(at("2026-03-10 13:00")) == []
    assert Watermark.objects.get(pk=NAME).position_at == at("2026-03-11 12:00")


def test_a_member_is_told_of_what_was_given_and_when_it_ends(
    shop: FakeHost, program: Program
) -> None:
    """The member's own cart alone is priced afresh, once at either end."""
    offer = create(program, audience={"granted_only": True})
    member = make_member(shop, program)
    shop.dispatched.clear()

    grants = [grant_offer(offer, member, days=0, key="one", now=NOON) for _ in range(2)]
    runs = [
        reprice_turned(at(f"2026-03-{time}"))
        for time in ("10 12:55", "10 23:59", "11 00:00", "11 00:05")
    ]

    assert grants[0] == grants[1]
    assert runs == [[], [], [], []]
    assert shop.dispatched == [("reprice_members", ([member.pk],))] * 2


def test_only_offers_that_run_are_looked_at(program: Program) -> None:
    """Not those that are off, nor those of a program that is off."""
    offer = create(program, weekdays=["wed"])
    reprice_turned(NOON)  # a Tuesday
    offers.switch_offer(offer=offer, is_active=False, now=NOON)

    off = reprice_turned(at("2026-03-11 00:00"))
    offers.switch_offer(offer=offer, is_active=True, now=NOON)
    on = reprice_turned(at("2026-03-12 00:00"))
    Program.objects.update(is_active=False)

    assert (off, on, reprice_turned(at("2026-03-18 00:00"))) == ([], ["1"], [])


def test_the_task_runs_it() -> None:
    """On a worker."""
    tasks.turn_offers.run()

    assert Watermark.objects.filter(pk=NAME).exists()
