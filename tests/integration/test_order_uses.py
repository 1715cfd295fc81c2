"""What an order uses of offers follows its state: used, given back, taken again, and its stamps."""

from __future__ import annotations

from typing import Any

import pytest

from saleor_retention.engine.facts import GoodsFacts, OrderState
from saleor_retention.models import Account, GiftGiven, Offer, OfferStamp, OfferUse, OrderRecord
from saleor_retention.services.offering import offer_uses
from saleor_retention.services.ordering import settling
from tests import ledger
from tests.fakes import at, line, order
from tests.ledger import Shop
from tests.offers import CART, add_version, applied, counters, make_offer, store_quote, uses

pytestmark = pytest.mark.django_db

BOUGHT = at("2026-03-10 12:00")
LATER = at("2026-03-20 12:00")
CARD = {"select": {"categories": ["tea"]}, "buy": 6}
LIMITS = {"per_customer": 5, "in_total": 9}


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Shop:
    """A shop in memory with a program."""
    return ledger.open_shop(monkeypatch)


@pytest.fixture
def ann(shop: Shop) -> Account:
    """A member."""
    return shop.member("ann")


def tea(ref: str = "a", quantity: int = 2, variant: str = "7", **facts: Any) -> Any:
    """Return an order line of tea."""
    goods = GoodsFacts(variant, "product-a", category_refs=frozenset(["tea"]))
    return line(ref, 1000 * quantity, quantity=quantity, goods=goods, **facts)


def buy(shop: Shop, account: Account | None, *lines: Any, ref: str = "o1", **facts: Any) -> None:
    """Order and pay these lines from the cart, and settle that."""
    values = {
        "user_ref": None if account is None else str(account.user_id),
        "created_at": BOUGHT,
        "checkout_ref": CART,
    }
    shop.host.put_order(order(ref, *(lines or (tea(),)), **values | facts))
    settling.settle(order_ref=ref, now=BOUGHT)


def change(shop: Shop, ref: str = "o1", **changes: Any) -> None:
    """Change the order and settle it."""
    shop.host.change_order(ref, **changes)
    settling.settle(order_ref=ref, now=LATER)


def give_back(shop: Shop, quantity: int, line_ref: str = "a", ref: str = "o1") -> None:
    """Return units of a line, in all, and settle that."""
    shop.host.return_units(ref, line_ref, quantity)
    settling.settle(order_ref=ref, now=LATER)


def reserve(shop: Shop, account: Account | None, *offers: Any, cart: str = CART) -> None:
    """Price the cart with offers and reserve them."""
    store_quote(shop.program, account, *offers, cart=cart)
    offer_uses.reserve_for(cart, currency="USD", now=BOUGHT)


def stamps(card: Offer) -> list[tuple[str, int]]:
    """Return what is on a card: order, units."""
    rows = OfferStamp.objects.filter(offer=card).order_by("order_ref")
    return list(rows.values_list("order_ref", "units"))


def test_a_reservation_becomes_the_orders(shop: Shop, ann: Account) -> None:
    """With its amount; counters stay, a second settle changes nothing."""
    offer = make_offer(shop.program, "set", limits=LIMITS)
    reserve(shop, ann, applied(offer, uses=2, amount_minor=350))

    buy(shop, ann)
    settling.settle(order_ref="o1", now=LATER)

    use = OfferUse.objects.get()
    assert (use.state, use.order_ref, use.uses, use.amount_minor) == ("used", "o1", 2, 350)
    assert counters() == {("set", ann.pk, None): 2, ("set", None, None): 2}
    assert offer_uses.lapse_reservations(LATER) == 0


def test_an_order_whose_hook_was_lost_uses_what_its_price_had(shop: Shop, ann: Account) -> None:
    """An order is a fact: it counts although nothing was reserved, and past the limit."""
    limited = make_offer(shop.program, "set", limits={"per_customer": 1, "in_total": 9})
    free = make_offer(shop.program, "free")
    store_quote(shop.program, ann, applied(limited, uses=3), applied(free, amount_minor=50))

    buy(shop, ann)

    assert uses() == [("set", CART, "used", 3), ("free", CART, "used", 1)]
    assert counters() == {("set", ann.pk, None): 3, ("set", None, None): 3}


def test_an_order_takes_a_lapsed_reservation_again(shop: Shop, ann: Account) -> None:
    """The payment took longer than the reservation was kept."""
    offer = make_offer(shop.program, "set", limits=LIMITS)
    reserve(shop, ann, applied(offer))
    assert offer_uses.lapse_reservations(LATER) == 1

    buy(shop, ann)

    assert uses() == [("set", CART, "used", 1)]
    assert counters()[("set", None, None)] == 1


def test_a_reservation_whose_order_is_there_does_not_lapse(shop: Shop, ann: Account) -> None:
    """The event was lost: the order is settled instead, and the use is its own."""
    offer = make_offer(shop.program, "set", limits=LIMITS)
    reserve(shop, ann, applied(offer))
    facts = order("o1", tea(), user_ref=str(ann.user_id), created_at=BOUGHT, checkout_ref=CART)
    shop.host.put_order(facts)

    assert offer_uses.lapse_reservations(LATER) == 0

    assert shop.host.dispatched == [("settle", ("o1",))]
    assert uses() == [("set", CART, "used", 1)]


def test_a_canceled_order_gives_its_uses_back(shop: Shop, ann: Account) -> None:
    """Counters fall; an order that is open again takes them again, past a limit if need be."""
    offer = make_offer(shop.program, "set", limits={"in_total": 1})
    reserve(shop, ann, applied(offer))
    buy(shop, ann)

    change(shop, state=OrderState.CANCELED)
    assert uses() == [("set", CART, "returned", 1)]
    assert counters() == {("set", None, None): 0}
    reserve(shop, ann, applied(offer), cart="cart-2")

    change(shop, state=OrderState.OPEN)
    assert uses() == [("set", CART, "used", 1), ("set", "cart-2", "reserved", 1)]
    assert counters() == {("set", None, None): 2}


def test_a_part_that_comes_back_leaves_the_use(shop: Shop, ann: Account) -> None:
    """All that comes back gives it back."""
    offer = make_offer(shop.program, "set", limits={"in_total": 1})
    reserve(shop, ann, applied(offer))
    buy(shop, ann)

    give_back(shop, 1)
    assert (uses(), counters()) == ([("set", CART, "used", 1)], {("set", None, None): 1})

    give_back(shop, 2)
    assert (uses(), counters()) == ([("set", CART, "returned", 1)], {("set", None, None): 0})


def returned_minor() -> int:
    """Return what came back of the one use's discount."""
    return OfferUse.objects.get().returned_minor


def test_the_discount_of_goods_that_came_back_is_told_apart(shop: Shop, ann: Account) -> None:
    """By the list value of the goods that the offer lowers: one of three teas, not the cup."""
    offer = make_offer(shop.program, "set")  # of product-a
    reserve(shop, ann, applied(offer, amount_minor=100))
    cup = line("b", 5000, quantity=2, goods=GoodsFacts("9", "product-b"))
    buy(shop, ann, tea(quantity=3), cup)
    assert returned_minor() == 0

    give_back(shop, 1, "b")
    assert returned_minor() == 0
    give_back(shop, 1)
    assert returned_minor() == 33
    settling.settle(order_ref="o1", now=LATER)
    assert returned_minor() == 33
    give_back(shop, 3)
    assert returned_minor() == 100


@pytest.mark.parametrize(
    ("kind", "section"),
    [
        ("gift", {"variants": ["7"], "quantity": 2}),
        ("punch_card", {"select": {"variants": ["7"]}, "buy": 6}),
    ],
)
def test_the_discount_of_free_units_stays_while_they_are_kept(
    shop: Shop, ann: Account, kind: str, section: dict[str, Any]
) -> None:
    """Two of three units are free: the third comes back first, for what was paid for it."""
    offer = make_offer(shop.program, "free", kind, section)
    store_quote(shop.program, ann, applied(offer, uses=2, amount_minor=2000))
    buy(shop, ann, tea(quantity=3))

    give_back(shop, 1)
    assert returned_minor() == 0
    give_back(shop, 2)
    assert returned_minor() == 1000
    settling.settle(order_ref="o1", now=LATER)
    assert (returned_minor(), uses()) == (1000, [("free", CART, "used", 1)])


def test_the_discount_of_shipping_stays_while_anything_is_kept(shop: Shop, ann: Account) -> None:
    """A parcel that was sent for nothing stays sent."""
    offer = make_offer(shop.program, "ship", "free_shipping", {})
    reserve(shop, ann, applied(offer, amount_minor=490))
    buy(shop, ann)

    give_back(shop, 1)

    assert returned_minor() == 0


def test_a_gift_that_comes_back_may_be_had_again(shop: Shop, ann: Account) -> None:
    """Bought units of the same goods come back first."""
    offer = make_offer(shop.program, "gift", "gift", {"variants": ["8", "9"]})
    reserve(shop, ann, applied(offer, gifts=["8"]))
    buy(shop, ann, tea(), tea("b", variant="8"))
    assert GiftGiven.objects.get().variant_ref == "8"

    give_back(shop, 1, "b")
    assert uses() == [("gift", CART, "used", 1)]
    assert GiftGiven.objects.get().variant_ref == "8"

    give_back(shop, 2, "b")
    assert uses() == [("gift", CART, "returned", 1)]
    assert not GiftGiven.objects.exists()


def test_a_canceled_order_gives_the_gift_back(shop: Shop, ann: Account) -> None:
    """And notes it down again when it is open again, as far as it was not given meanwhile."""
    offer = make_offer(shop.program, "gift", "gift", {"variants": ["8"]})
    reserve(shop, ann, applied(offer, gifts=["8"]))
    buy(shop, ann, tea(), tea("b", 1, variant="8"))

    change(shop, state=OrderState.CANCELED)
    assert not GiftGiven.objects.exists()

    change(shop, state=OrderState.OPEN)
    assert GiftGiven.objects.get().use.order_ref == "o1"

    change(shop, state=OrderState.CANCELED)
    reserve(shop, ann, applied(offer, gifts=["8"]), cart="cart-2")
    change(shop, state=OrderState.OPEN)
    assert GiftGiven.objects.get().use.checkout_ref == "cart-2"


def test_a_guests_use_becomes_the_members_who_claims_it(shop: Shop) -> None:
    """In total it counts once; of the member's limit from then on."""
    offer = make_offer(shop.program, "set", limits={"in_total": 9})
    reserve(shop, None, applied(offer, uses=2))
    buy(shop, None, email="ann@example.com")
    assert (OfferUse.objects.get().account, counters()) == (None, {("set", None, None): 2})
    add_version(offer, {"parts": [{"quantity": 2}], "percent": 10}, limits=LIMITS)
    ann = shop.member("ann")
    reserve(shop, ann, applied(offer), cart="cart-2")

    change(shop, user_ref=str(ann.user_id), is_user_confirmed=True)

    assert OfferUse.objects.get(checkout_ref=CART).account_id == ann.pk
    assert counters() == {("set", ann.pk, None): 3, ("set", None, None): 3}


def test_a_checkout_that_outlives_its_order_begins_anew(shop: Shop, ann: Account) -> None:
    """What the first order used stays used, and the second order's uses are others."""
    offer = make_offer(shop.program, "set", limits={"in_total": 9})
    reserve(shop, ann, applied(offer))
    buy(shop, ann)

    reserve(shop, ann, applied(offer, uses=3))
    buy(shop, ann, ref="o2")

    found = OfferUse.objects.order_by("order_ref").values_list("order_ref", "state", "uses")
    assert list(found) == [("o1", "used", 1), ("o2", "used", 3)]
    assert counters() == {("set", None, None): 4}


# --- punch cards ----------------------------------------------------------------------------------


def test_paid_units_are_stamped(shop: Shop, ann: Account) -> None:
    """Of the card's goods, once paid; what comes back takes its stamps along."""
    card = make_offer(shop.program, "card", "punch_card", CARD)
    buy(shop, ann, tea(quantity=4), line("b", 500), is_paid=False)
    assert stamps(card) == []

    change(shop, is_paid=True, paid_at=BOUGHT)
    assert stamps(card) == [("o1", 4)]

    give_back(shop, 1)
    assert stamps(card) == [("o1", 3)]

    change(shop, state=OrderState.CANCELED)
    assert stamps(card) == []


def test_a_rewarded_unit_is_no_stamp(shop: Shop, ann: Account) -> None:
    """Seven bought earlier, one of three is free: two more stamps. It all comes back: none."""
    card = make_offer(shop.program, "card", "punch_card", CARD)
    buy(shop, ann, tea(quantity=7), ref="o0", checkout_ref="cart-0")
    reserve(shop, ann, applied(card, amount_minor=1000))

    buy(shop, ann, tea(quantity=3))
    assert stamps(card) == [("o0", 7), ("o1", 2)]

    give_back(shop, 2)
    assert (stamps(card), uses()) == ([("o0", 7)], [("card", CART, "used", 1)])

    give_back(shop, 3)
    assert (stamps(card), uses()) == ([("o0", 7)], [("card", CART, "returned", 1)])


def test_goods_that_move_take_no_stamps_along(shop: Shop, ann: Account) -> None:
    """The order's goods are what they were when it was first seen."""
    card = make_offer(shop.program, "card", "punch_card", CARD)
    buy(shop, ann, tea(quantity=3))

    moved = GoodsFacts("7", "product-a", category_refs=frozenset(["coffee"]))
    change(shop, lines=(line("a", 3000, quantity=3, goods=moved, returned=1),))

    assert OrderRecord.objects.get().goods["a"]["categories"] == ["tea"]
    assert stamps(card) == [("o1", 2)]


@pytest.mark.parametrize(
    ("document", "units"),
    [
        ({}, 2),
        ({"channels": ["other"]}, 0),
        ({"starts_at": "2026-03-10T12:00+00:00"}, 2),
        ({"starts_at": "2026-03-10T12:01+00:00"}, 0),
        ({"ends_at": "2026-03-10T12:00+00:00"}, 0),
        ({"weekdays": ["tue"]}, 2),
        ({"weekdays": ["wed"]}, 0),
        ({"audience": {"tiers": ["vip"]}}, 0),
        ({"audience": {"novelty": "new"}}, 2),
    ],
)
def test_a_card_is_stamped_when_and_where_it_runs(
    shop: Shop, ann: Account, document: dict[str, Any], units: int
) -> None:
    """By the order's moment, place and tier."""
    card = make_offer(shop.program, "card", "punch_card", CARD, **document)

    buy(shop, ann)

    assert stamps(card) == ([("o1", units)] if units else [])


def test_a_card_that_is_switched_off_keeps_its_stamps(shop: Shop, ann: Account) -> None:
    """It takes no new ones, and what comes back is taken off all the same."""
    card = make_offer(shop.program, "card", "punch_card", CARD)
    buy(shop, ann, tea(quantity=4))
    card.is_active = False
    add_version(card, {"select": {"products": ["other"]}, "buy": 6}, created_at=LATER)

    give_back(shop, 1)
    buy(shop, ann, ref="o2", checkout_ref="cart-2")

    assert stamps(card) == [("o1", 3)]


def test_a_guest_collects_when_he_turns_up(shop: Shop) -> None:
    """A guest has no card; with the order the stamps come to the member."""
    card = make_offer(shop.program, "card", "punch_card", CARD)
    buy(shop, None, email="ann@example.com")
    assert stamps(card) == []

    ann = shop.member("ann")
    change(shop, user_ref=str(ann.user_id), is_user_confirmed=True)

    assert stamps(card) == [("o1", 2)]
    assert OfferStamp.objects.get().account_id == ann.pk
