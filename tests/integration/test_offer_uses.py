"""Uses of offers are set aside before an order, within every limit, and replaced by a retry."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from saleor_retention.errors import Code, Refusal
from saleor_retention.models import Account, GiftGiven, OfferStamp, OfferUse
from saleor_retention.selectors.verification import breaches
from saleor_retention.services.offering import offer_uses
from tests import ledger
from tests.fakes import at
from tests.ledger import Shop
from tests.members import counts_of_rows
from tests.offers import CART, add_version, applied, counters, make_offer, store_quote, uses

pytestmark = pytest.mark.django_db

NOON = at("2026-03-10 12:00")
GIFT = {"variants": ["7", "8"]}
CARD = {"select": {"products": ["product-a"]}, "buy": 6}


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Shop:
    """A shop in memory with a program that counts its days in Taipei."""
    return ledger.open_shop(monkeypatch, time_zone="Asia/Taipei")


@pytest.fixture
def ann(shop: Shop) -> Account:
    """A member."""
    return shop.member("ann")


def reserve(shop: Shop, account: Account | None, *offers: Any, cart: str = CART) -> None:
    """Price a cart with offers and reserve them at noon (eight in the evening in Taipei)."""
    store_quote(shop.program, account, *offers, cart=cart)
    offer_uses.reserve_for(cart, currency="USD", now=NOON)


def refusal(shop: Shop, account: Account | None, *offers: Any, cart: str = CART) -> Refusal:
    """Reserve, expecting a refusal that leaves everything as it was; it may open counters."""
    store_quote(shop.program, account, *offers, cart=cart)
    counted = counters()
    before = counts_of_rows(), uses(), counted
    with pytest.raises(Refusal) as refused:
        offer_uses.reserve_for(cart, currency="USD", now=NOON)
    found = counters()
    after = counts_of_rows(), uses(), {key: found[key] for key in counted}
    before[0]["OfferCounter"] = after[0]["OfferCounter"]
    assert after == before
    return refused.value


def test_a_use_is_written_down_as_priced(shop: Shop, ann: Account) -> None:
    """With its version, its amount, the day of its period and the time until when it is kept."""
    offer = make_offer(shop.program, "set", limits={"per_customer": 5, "period": "day"})

    reserve(shop, ann, applied(offer, uses=2, amount_minor=350))

    use = OfferUse.objects.get()
    assert (use.offer_id, use.version_id) == (offer.pk, offer.current_version_id)
    assert (use.account_id, use.checkout_ref, use.order_ref) == (ann.pk, CART, "")
    assert (use.state, use.uses, use.amount_minor, use.currency) == ("reserved", 2, 350, "USD")
    assert str(use.period_start) == "2026-03-10"
    assert (use.created_at, use.lapses_at) == (NOON, at("2026-03-10 13:00"))
    assert counters() == {("set", ann.pk, "2026-03-10"): 2}


def test_without_a_limit_nothing_is_counted(shop: Shop, ann: Account) -> None:
    """An offer without limits has a row of its use and no counter that orders would queue for."""
    reserve(shop, ann, applied(make_offer(shop.program, "set")))

    assert uses() == [("set", CART, "reserved", 1)]
    assert counters() == {}


def test_the_last_use_of_all_goes_once(shop: Shop, ann: Account) -> None:
    """Who comes later is told which offer is used up."""
    offer = make_offer(shop.program, "set", limits={"in_total": 3})
    reserve(shop, ann, applied(offer, uses=2))

    refused = refusal(shop, shop.member("bob"), applied(offer, uses=2), cart="cart-2")

    message = 'The offer "Set" has been used up by other customers.'
    assert (refused.code, refused.message) == (Code.LIMIT_REACHED, message)
    reserve(shop, None, applied(offer, uses=1), cart="cart-3")
    assert counters() == {("set", None, None): 3}


def test_a_member_has_his_own_limit(shop: Shop, ann: Account) -> None:
    """Another member's uses do not count on it; a guest has no use of it at all."""
    offer = make_offer(shop.program, "set", limits={"per_customer": 1})
    reserve(shop, ann, applied(offer))
    reserve(shop, shop.member("bob"), applied(offer), cart="cart-2")

    refused = refusal(shop, ann, applied(offer), cart="cart-3")
    guest = refusal(shop, None, applied(offer), cart="cart-4")

    message = 'You have used the offer "Set" as often as it may be used.'
    assert (refused.code, refused.message) == (Code.LIMIT_REACHED, message)
    message = 'The offer "Set" is for members only.'
    assert (guest.code, guest.message) == (Code.NOT_A_MEMBER, message)


def test_a_retry_replaces_what_the_cart_had(shop: Shop, ann: Account) -> None:
    """The last use is the cart's own to take again, and what it takes no more is free."""
    first = make_offer(shop.program, "first", limits={"in_total": 1, "per_customer": 1})
    second = make_offer(shop.program, "second", limits={"in_total": 2})
    reserve(shop, ann, applied(first), applied(second, uses=2))

    reserve(shop, ann, applied(first))

    assert uses() == [("first", CART, "reserved", 1)]
    assert counters() == {
        ("first", ann.pk, None): 1,
        ("first", None, None): 1,
        ("second", None, None): 0,
    }


def test_a_refusal_leaves_the_earlier_reservation(shop: Shop, ann: Account) -> None:
    """One offer of two is used up: the cart keeps what it had, and takes nothing of the other."""
    first = make_offer(shop.program, "first", limits={"in_total": 5})
    second = make_offer(shop.program, "second", limits={"in_total": 1})
    reserve(shop, ann, applied(first))
    reserve(shop, None, applied(second), cart="cart-2")

    refused = refusal(shop, ann, applied(first, uses=3), applied(second))

    assert refused.message == 'The offer "Second" has been used up by other customers.'
    assert counters() == {("first", None, None): 1, ("second", None, None): 1}


def test_a_gift_is_reserved_once_for_a_member(shop: Shop, ann: Account) -> None:
    """Also where another offer would give it; another member may have it, and a guest none."""
    one = make_offer(shop.program, "one", "gift", GIFT)
    two = make_offer(shop.program, "two", "gift", GIFT)
    reserve(shop, ann, applied(one, gifts=["7"]))
    reserve(shop, ann, applied(one, gifts=["7"]))
    reserve(shop, shop.member("bob"), applied(one, gifts=["7"]), cart="cart-2")
    guest = refusal(shop, None, applied(one, gifts=["7"]), cart="cart-3")

    refused = refusal(shop, ann, applied(two, gifts=["7"]), cart="cart-4")

    message = 'The offer "One" is for members only.'
    assert (guest.code, guest.message) == (Code.NOT_A_MEMBER, message)
    message = 'You have had the gift of the offer "Two" before.'
    assert (refused.code, refused.message) == (Code.LIMIT_REACHED, message)
    reserve(shop, ann, applied(one, gifts=["8"]), applied(two, gifts=["8"]))
    given = GiftGiven.objects.filter(account=ann).values_list("variant_ref", "use__checkout_ref")
    assert list(given) == [("8", CART)]


def test_a_full_card_is_rewarded_once(shop: Shop, ann: Account) -> None:
    """Two carts want the reward of one card: the second is told that it is not full any more."""
    card = make_offer(shop.program, "card", "punch_card", CARD)
    OfferStamp.objects.create(
        offer=card, account=ann, order_ref="o1", units=11, stamped_at=at("2026-03-01")
    )
    reserve(shop, ann, applied(card))
    reserve(shop, ann, applied(card))

    refused = refusal(shop, ann, applied(card), cart="cart-2")

    message = 'The card of the offer "Card" is not full any more.'
    assert (refused.code, refused.message) == (Code.LIMIT_REACHED, message)


def test_a_reward_took_what_its_own_card_asked_for(shop: Shop, ann: Account) -> None:
    """Six stamps for the reward of a card of six: of a card of three they leave none more."""
    card = make_offer(shop.program, "card", "punch_card", CARD)
    OfferStamp.objects.create(
        offer=card, account=ann, order_ref="o1", units=8, stamped_at=at("2026-03-01")
    )
    reserve(shop, ann, applied(card))
    add_version(card, CARD | {"buy": 3})

    refused = refusal(shop, ann, applied(card), cart="cart-2")
    OfferStamp.objects.filter(order_ref="o1").update(units=9)
    reserve(shop, ann, applied(card), cart="cart-2")

    assert refused.message == 'The card of the offer "Card" is not full any more.'
    assert [use.uses for use in OfferUse.objects.filter(offer=card)] == [1, 1]


def test_a_new_period_counts_afresh(shop: Shop, ann: Account) -> None:
    """What was used before midnight in the program's zone does not count after it."""
    offer = make_offer(shop.program, "set", limits={"per_customer": 1, "period": "day"})
    reserve(shop, ann, applied(offer))
    store_quote(shop.program, ann, applied(offer), cart="cart-2")

    offer_uses.reserve_for("cart-2", currency="USD", now=at("2026-03-10 16:00"))

    assert counters() == {("set", ann.pk, "2026-03-10"): 1, ("set", ann.pk, "2026-03-11"): 1}


def test_a_limit_that_is_set_later_counts_what_was_used_before(shop: Shop, ann: Account) -> None:
    """In total and by member; uses that were given back do not count."""
    offer = make_offer(shop.program, "set")
    for number in range(3):
        reserve(shop, ann, applied(offer), cart=f"cart-{number}")
    reserve(shop, shop.member("bob"), applied(offer), cart="cart-8")
    OfferUse.objects.filter(checkout_ref="cart-0").update(state="returned", ended_at=NOON)
    add_version(
        offer,
        {"parts": [{"select": {"products": ["product-a"]}, "quantity": 2}], "percent": 10},
        limits={"in_total": 4, "per_customer": 2},
    )

    refused = refusal(shop, ann, applied(offer), cart="cart-9")

    message = 'You have used the offer "Set" as often as it may be used.'
    assert refused.message == message
    assert counters() == {("set", ann.pk, None): 2, ("set", None, None): 3}


def test_a_limit_of_all_time_counts_what_was_used_by_period(shop: Shop, ann: Account) -> None:
    """A monthly limit that becomes one for ever forgets no month; a use that comes back is free."""
    section = {"parts": [{"select": {"products": ["product-a"]}, "quantity": 2}], "percent": 10}
    offer = make_offer(
        shop.program, "set", limits={"per_customer": 2, "in_total": 9, "period": "month"}
    )
    store_quote(shop.program, ann, applied(offer, uses=2), cart="february")
    offer_uses.reserve_for("february", currency="USD", now=at("2026-02-10 12:00"))
    reserve(shop, ann, applied(offer), cart="march")
    monthly = applied(offer)
    add_version(offer, section, limits={"per_customer": 4, "in_total": 5})

    reserve(shop, ann, applied(offer), cart="cart-1")
    refused = refusal(shop, ann, applied(offer), cart="cart-2")
    reserve(shop, shop.member("bob"), monthly, cart="late")  # priced before the change
    told = refusal(shop, shop.member("cleo"), applied(offer), cart="cart-3")
    offer_uses.lapse_reservations(at("2026-02-10 13:00"))
    reserve(shop, ann, applied(offer), cart="cart-2")

    assert refused.message == 'You have used the offer "Set" as often as it may be used.'
    assert told.message == 'The offer "Set" has been used up by other customers.'
    assert counters()["set", ann.pk, None] == 3
    assert counters()["set", None, None] == 4
    assert list(breaches()) == []


def test_the_limits_are_those_that_priced_the_cart(shop: Shop, ann: Account) -> None:
    """A limit that was lowered meanwhile shows in the price first, not as a refusal of it."""
    offer = make_offer(shop.program, "set", limits={"in_total": 5})
    priced = applied(offer, uses=3)
    add_version(
        offer,
        {"parts": [{"select": {"products": ["product-a"]}, "quantity": 2}], "percent": 10},
        limits={"in_total": 1},
    )

    reserve(shop, ann, priced)

    assert counters() == {("set", None, None): 3}


def test_a_customer_without_an_account_gets_one(shop: Shop) -> None:
    """Where every customer is a member, a limit by customer counts from the first order on."""
    offer = make_offer(shop.program, "set", limits={"per_customer": 1})
    user_ref = shop.customer("cleo")
    quote = store_quote(shop.program, None, applied(offer))
    from saleor_retention.models import StoredQuote

    StoredQuote.objects.update(user_ref=user_ref)

    offer_uses.reserve_for(CART, currency="USD", quote=quote, now=NOON)

    account = Account.objects.get(user_id=int(user_ref))
    assert counters() == {("set", account.pk, None): 1}


def test_a_price_without_offers_asks_nothing(shop: Shop, ann: Account) -> None:
    """And one with offers takes two statements, the second one of which does all."""
    offer = make_offer(shop.program, "set", limits={"in_total": 5, "per_customer": 5})
    plain = store_quote(shop.program, ann)
    with CaptureQueriesContext(connection) as none:
        offer_uses.reserve_for(CART, currency="USD", quote=plain, now=NOON)
    quote = store_quote(shop.program, ann, applied(offer))
    offer_uses.reserve_for(CART, currency="USD", quote=quote, now=NOON)
    with CaptureQueriesContext(connection) as some:
        offer_uses.reserve_for(CART, currency="USD", quote=quote, now=NOON)

    own = [query["sql"] for query in some if "SAVEPOINT" not in query["sql"]]
    assert len(none) == 0
    assert len(own) == 2
    assert "saleor_retention_reserve" in own[1]


def test_a_fault_stops_only_what_is_limited(
    shop: Shop, ann: Account, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Nobody would know whether a limit was passed; without one there is nothing to pass."""
    free = make_offer(shop.program, "free")
    limited = make_offer(shop.program, "limited", limits={"in_total": 5})
    monkeypatch.setattr(offer_uses, "RESERVE", "SELECT 1 / 0, %s, %s, %s, %s, %s, %s, %s")
    caplog.set_level(logging.ERROR)

    reserve(shop, ann, applied(free))
    refused = refusal(shop, ann, applied(free), applied(limited))

    message = "An offer of this cart could not be set aside for you; try again."
    assert (refused.code, refused.message) == (Code.BUSY, message)
    assert len(caplog.records) == 2
    assert uses() == []


def test_a_reservation_lapses(shop: Shop, ann: Account) -> None:
    """With its time, not before: counters fall, the gift may be had again."""
    offer = make_offer(shop.program, "set", "gift", GIFT, limits={"in_total": 1})
    reserve(shop, ann, applied(offer, gifts=["7"]))

    assert offer_uses.lapse_reservations(at("2026-03-10 12:59")) == 0
    assert offer_uses.lapse_reservations(at("2026-03-10 13:00")) == 1
    assert offer_uses.lapse_reservations(at("2026-03-10 13:00")) == 0

    assert uses() == [("set", CART, "returned", 1)]
    assert counters() == {("set", None, None): 0}
    assert not GiftGiven.objects.exists()
    reserve(shop, ann, applied(offer, gifts=["7"]))
    assert uses() == [("set", CART, "reserved", 1)]


def test_one_that_cannot_lapse_does_not_hold_up_the_others(
    shop: Shop, ann: Account, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It is logged and tried again after an hour."""
    offer = make_offer(shop.program, "set", limits={"in_total": 5})
    reserve(shop, ann, applied(offer))
    reserve(shop, ann, applied(offer), cart="cart-2")
    real = offer_uses.give_back

    def fail(found: Any, now: Any) -> None:
        if found[0].checkout_ref == CART:
            raise ZeroDivisionError("on purpose")
        real(found, now)

    monkeypatch.setattr(offer_uses, "give_back", fail)
    due = at("2026-03-10 13:00")

    assert offer_uses.lapse_reservations(due, limit=1) == 0
    assert offer_uses.lapse_reservations(due, limit=1) == 1

    assert "on purpose" in caplog.text
    assert uses() == [("set", CART, "reserved", 1), ("set", "cart-2", "returned", 1)]
    assert counters() == {("set", None, None): 1}
    monkeypatch.setattr(offer_uses, "give_back", real)
    assert offer_uses.lapse_reservations(at("2026-03-10 14:00")) == 1
