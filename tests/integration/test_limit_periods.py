"""Each limit of an offer has a period of its own; what is counted in it stays true to the uses."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from saleor_retention.engine.facts import CustomerFacts, OrderState
from saleor_retention.engine.offers.facts import situation_of
from saleor_retention.engine.offers.situation import UsesLeft
from saleor_retention.errors import Refusal
from saleor_retention.models import Account, Offer, OfferCounter, OfferUse
from saleor_retention.selectors.offers import terms_of
from saleor_retention.selectors.verification import breaches
from saleor_retention.services.offering import offer_uses
from saleor_retention.services.ordering import settling
from tests import ledger
from tests.fakes import at, line, order
from tests.ledger import Shop
from tests.offers import BUNDLE, CART, add_version, applied, counters, make_offer, store_quote

pytestmark = pytest.mark.django_db

MARCH, LATE_MARCH, APRIL = at("2026-03-10 12:00"), at("2026-03-28 12:00"), at("2026-04-02 12:00")
ONCE_A_MONTH = {"per_customer": 1, "in_total": 3, "period": "month", "total_period": "all_time"}
ONCE_IN_ALL = {"per_customer": 1, "in_total": 2, "total_period": "day"}
USED_UP = 'The offer "Set" has been used up by other customers.'
HAD_IT = 'You have used the offer "Set" as often as it may be used.'


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Shop:
    """A shop in memory with a program."""
    return ledger.open_shop(monkeypatch)


@pytest.fixture
def ann(shop: Shop) -> Account:
    """A member."""
    return shop.member("ann")


def reserve(shop: Shop, account: Account | None, *offers: Any, cart: str, now: Any = MARCH) -> None:
    """Price a cart with offers and reserve them."""
    store_quote(shop.program, account, *offers, cart=cart)
    offer_uses.reserve_for(cart, currency="USD", now=now)
    assert list(breaches()) == []


def buy(shop: Shop, account: Account) -> None:
    """Order the cart and settle that."""
    facts = order(
        "o1",
        line("a", 1000),
        user_ref=str(account.user_id),
        created_at=MARCH,
        checkout_ref=CART,
    )
    shop.host.put_order(facts)
    settling.settle(order_ref="o1", now=MARCH)


def refusal(shop: Shop, account: Account | None, *offers: Any, cart: str, now: Any = MARCH) -> str:
    """Reserve, expecting a refusal that counts nothing; return what the shopper reads.

    It may open counters.
    """
    before = counters()
    with pytest.raises(Refusal) as refused:
        reserve(shop, account, *offers, cart=cart, now=now)
    after = counters()
    assert {key: after[key] for key in before} == before
    assert list(breaches()) == []
    return refused.value.message


def test_once_a_month_for_each_and_so_many_in_all(shop: Shop, ann: Account) -> None:
    """A month that begins opens the member's limit again, and never that of all."""
    offer = make_offer(shop.program, "set", limits=ONCE_A_MONTH)
    bob = shop.member("bob")
    reserve(shop, ann, applied(offer), cart="cart-1")
    told = refusal(shop, ann, applied(offer), cart="cart-2", now=LATE_MARCH)
    reserve(shop, ann, applied(offer), cart="cart-2", now=APRIL)
    reserve(shop, bob, applied(offer), cart="cart-3", now=APRIL)
    used_up = refusal(shop, shop.member("cleo"), applied(offer), cart="cart-4", now=APRIL)

    assert (told, used_up) == (HAD_IT, USED_UP)
    assert {key: used for key, used in counters().items() if used} == {
        ("set", ann.pk, "2026-03-01"): 1,
        ("set", ann.pk, "2026-04-01"): 1,
        ("set", bob.pk, "2026-04-01"): 1,
        ("set", None, None): 3,
    }


def test_once_for_each_and_so_many_a_day(shop: Shop, ann: Account) -> None:
    """The other way about: the day that begins opens the total, and never the member's."""
    offer = make_offer(shop.program, "set", limits=ONCE_IN_ALL)
    bob, cleo = shop.member("bob"), shop.member("cleo")
    reserve(shop, ann, applied(offer), cart="cart-1")
    reserve(shop, bob, applied(offer), cart="cart-2")
    used_up = refusal(shop, cleo, applied(offer), cart="cart-3")
    reserve(shop, cleo, applied(offer), cart="cart-3", now=LATE_MARCH)
    told = refusal(shop, ann, applied(offer), cart="cart-4", now=LATE_MARCH)

    assert (told, used_up) == (HAD_IT, USED_UP)
    assert counters() == {
        **{("set", member.pk, None): 1 for member in (ann, bob, cleo)},
        ("set", None, "2026-03-10"): 2,
        ("set", None, "2026-03-28"): 1,
    }


def test_two_periods_of_their_own(shop: Shop, ann: Account) -> None:
    """A use says in which of either it counts; a retry takes both back, and so does its time."""
    limits = {"per_customer": 5, "in_total": 5, "period": "month", "total_period": "week"}
    offer = make_offer(shop.program, "set", limits=limits)
    reserve(shop, ann, applied(offer, uses=4), cart=CART)
    use = OfferUse.objects.get()
    found = counters()

    reserve(shop, ann, applied(offer, uses=1), cart=CART)
    again = counters()
    offer_uses.lapse_reservations(at("2026-03-10 13:00"))

    assert (str(use.period_start), str(use.total_period_start)) == ("2026-03-01", "2026-03-09")
    mine, all_of_it = ("set", ann.pk, "2026-03-01"), ("set", None, "2026-03-09")
    assert found == {mine: 4, all_of_it: 4}
    assert again == {mine: 1, all_of_it: 1}
    assert counters() == {mine: 0, all_of_it: 0}
    assert list(breaches()) == []


@pytest.mark.parametrize("limits", [ONCE_A_MONTH, ONCE_IN_ALL])
def test_a_canceled_order_gives_both_back(shop: Shop, ann: Account, limits: dict[str, Any]) -> None:
    """Where they were counted, however much later; the order that is open again takes them."""
    offer = make_offer(shop.program, "set", limits=limits)
    reserve(shop, ann, applied(offer), cart=CART)
    buy(shop, ann)
    taken = counters()

    shop.host.change_order("o1", state=OrderState.CANCELED)
    settling.settle(order_ref="o1", now=APRIL)
    given_back = counters()
    shop.host.change_order("o1", state=OrderState.OPEN)
    settling.settle(order_ref="o1", now=APRIL)

    assert set(taken.values()) == {1}
    assert given_back == dict.fromkeys(taken, 0)
    assert counters() == taken
    assert list(breaches()) == []


@pytest.mark.parametrize("limits", [ONCE_A_MONTH, ONCE_IN_ALL])
def test_an_order_whose_reservation_was_lost_counts_in_both(
    shop: Shop, ann: Account, limits: dict[str, Any]
) -> None:
    """On the day it was created; the counters of its limits are opened."""
    offer = make_offer(shop.program, "set", limits=limits)
    store_quote(shop.program, ann, applied(offer))
    buy(shop, ann)

    expected: dict[tuple[str, int | None, str | None], int] = (
        {("set", ann.pk, "2026-03-01"): 1, ("set", None, None): 1}
        if limits is ONCE_A_MONTH
        else {("set", ann.pk, None): 1, ("set", None, "2026-03-10"): 1}
    )
    assert counters() == expected
    assert list(breaches()) == []


def test_a_guests_use_moves_to_the_member_within_his_period(shop: Shop) -> None:
    """In total it counts once, in the period in which it was."""
    limits = {"in_total": 9, "total_period": "day"}
    offer = make_offer(shop.program, "set", limits=limits)
    reserve(shop, None, applied(offer, uses=2), cart=CART)
    shop.host.put_order(
        order("o1", line("a", 1000), email="ann@example.com", created_at=MARCH, checkout_ref=CART)
    )
    settling.settle(order_ref="o1", now=MARCH)
    add_version(offer, BUNDLE, limits=ONCE_IN_ALL | {"per_customer": 2})
    ann = shop.member("ann")
    refused = refusal(shop, ann, applied(offer, uses=3), cart="cart-2", now=LATE_MARCH)

    shop.host.change_order("o1", user_ref=str(ann.user_id), is_user_confirmed=True)
    settling.settle(order_ref="o1", now=LATE_MARCH)
    told = refusal(shop, ann, applied(offer), cart="cart-2", now=LATE_MARCH)

    assert refused == told == HAD_IT
    assert counters()["set", None, "2026-03-10"] == 2
    assert list(breaches()) == []


def test_limits_that_change_count_what_was_used(shop: Shop, ann: Account) -> None:
    """A total by month that is set later knows of the month's uses under one of all time."""
    offer = make_offer(shop.program, "set", limits=ONCE_A_MONTH)
    reserve(shop, ann, applied(offer), cart="cart-1")
    before = applied(offer)
    add_version(offer, BUNDLE, limits={"in_total": 2, "period": "month"})
    reserve(shop, None, applied(offer), cart="cart-2")
    refused = refusal(shop, None, applied(offer), cart="cart-3")
    reserve(shop, shop.member("bob"), before, cart="cart-4")  # priced before the change

    assert refused == USED_UP
    assert counters()["set", None, "2026-03-01"] == 3
    assert counters()["set", None, None] == 3


def test_what_was_stored_before_means_the_same(shop: Shop, ann: Account) -> None:
    """One period for both, in a document and in uses that know of no other."""
    offer = make_offer(
        shop.program, "set", limits={"per_customer": 2, "in_total": 3, "period": "month"}
    )
    OfferUse.objects.create(
        offer=offer,
        version_id=offer.current_version_id,
        account=ann,
        checkout_ref="cart-0",
        state="used",
        uses=2,
        amount_minor=100,
        currency="USD",
        period_start="2026-03-01",
        created_at=MARCH,
    )
    told = refusal(shop, ann, applied(offer), cart="cart-1")
    used_up = refusal(shop, shop.member("bob"), applied(offer, uses=2), cart="cart-2")
    reserve(shop, shop.member("cleo"), applied(offer), cart="cart-3")

    assert (told, used_up) == (HAD_IT, USED_UP)
    assert counters()["set", None, "2026-03-01"] == 3
    assert OfferUse.objects.get(checkout_ref="cart-3").total_period_start is None


def test_a_process_of_the_version_before_reserves_as_it_did(shop: Shop, ann: Account) -> None:
    """It names one period, which is that of both limits."""
    offer = make_offer(
        shop.program, "set", limits={"per_customer": 5, "in_total": 2, "period": "month"}
    )
    item = {
        "offer": offer.pk,
        "version": offer.current_version_id,
        "uses": 2,
        "amount": 100,
        "period": "2026-03-01",
        "by_customer": 5,
        "in_total": 2,
        "stamps": None,
        "gifts": [],
    }
    answers = []
    for cart in ("cart-1", "cart-2"):
        params = [cart, ann.pk, "USD", json.dumps([item]), MARCH, LATE_MARCH, "5000ms"]
        with connection.cursor() as cursor:
            cursor.execute(offer_uses.RESERVE, params)
            answers.append(cursor.fetchone())

    assert answers == [None, (offer.pk, "LIMIT_IN_TOTAL")]
    assert counters() == {("set", ann.pk, "2026-03-01"): 2, ("set", None, "2026-03-01"): 2}
    assert list(breaches()) == []


@pytest.mark.parametrize(
    ("limits", "left"),
    [
        (ONCE_A_MONTH, UsesLeft(by_customer=0, in_total=2)),
        (ONCE_IN_ALL, UsesLeft(by_customer=0, in_total=1)),
        (
            {"per_customer": 3, "in_total": 3, "period": "year", "total_period": "month"},
            UsesLeft(by_customer=2, in_total=2),
        ),
    ],
)
def test_a_price_sees_what_is_left_of_each(
    shop: Shop, ann: Account, limits: dict[str, Any], left: UsesLeft
) -> None:
    """What the cart has set aside itself is not counted against it, in neither."""
    offer, now = make_offer(shop.program, "set", limits=limits), timezone.now()
    reserve(shop, ann, applied(offer), cart=CART, now=now)

    assert left_of(offer, ann, "cart-2", now) == left
    assert left_of(offer, ann, CART, now) == UsesLeft(limits["per_customer"], limits["in_total"])


def test_a_wrong_counter_of_either_period_is_named(shop: Shop, ann: Account) -> None:
    """By whose it is and from when."""
    limits = {"per_customer": 5, "in_total": 5, "period": "month", "total_period": "week"}
    offer = make_offer(shop.program, "set", limits=limits)
    reserve(shop, ann, applied(offer), cart=CART)
    OfferCounter.objects.update(used=4)

    assert {each.subject for each in breaches()} == {
        f"offer set, member {ann.member_number} from 2026-03-01",
        "offer set, in total from 2026-03-09",
    }


def left_of(offer: Offer, account: Account, cart: str, now: Any) -> UsesLeft:
    """Return what a price finds left of an offer, for a member and a cart."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT saleor_retention_offer_facts(%s, %s, %s)::text",
            [offer.program_id, account.pk, cart],
        )
        facts = json.loads(cursor.fetchone()[0])
    shelf = {str(offer.pk): terms_of(offer.current_version_id)}
    customer = CustomerFacts(account_id=account.pk, tier=None)
    return situation_of(facts, shelf, at=now, customer=customer).uses_left[str(offer.pk)]
