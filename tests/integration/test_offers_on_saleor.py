"""Uses of offers and gifts on a real Saleor: checkout, order, cancellation, return.

The price is told which offers it has (``sell``): how it finds them is tested with the price pass.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from saleor_retention import host
from saleor_retention.engine.quote import AppliedOffer
from saleor_retention.errors import Code, Refusal
from saleor_retention.models import (
    Account,
    GiftGiven,
    GiftPick,
    OfferStamp,
    OfferUse,
    Program,
    StoredQuote,
)
from saleor_retention.services.checkout import pricing
from saleor_retention.services.offering import gifts
from tests.factories.loyalty import make_member, make_program
from tests.offers import applied, counters, make_offer

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def user(make: Any) -> Any:
    """A confirmed customer."""
    return make.make_user()


@pytest.fixture
def program(make: Any) -> Program:
    """A program in the channel."""
    return make_program(make.make_channel())


@pytest.fixture
def member(program: Program, user: Any) -> Account:
    """The customer as a member."""
    return make_member(program, user)


def sell(monkeypatch: pytest.MonkeyPatch, *offers: AppliedOffer) -> None:
    """Let every price have these offers, on top of what it has by itself."""
    real = pricing.decide

    def decide(*args: Any, **more: Any) -> pricing.Decision:
        decision = real(*args, **more)
        if decision.quote is None:
            return decision
        return replace(decision, quote=replace(decision.quote, applied=offers))

    monkeypatch.setattr(pricing, "decide", decide)


def states() -> list[tuple[str, str]]:
    """Return the uses' states and orders, oldest first."""
    return list(OfferUse.objects.order_by("pk").values_list("state", "order_ref"))


def test_an_order_uses_and_a_canceled_one_gives_back(
    make: Any, program: Program, member: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Reserved before the order is made, used by it, returned when it is canceled."""
    offer = make_offer(program, "set", limits={"per_customer": 2, "in_total": 9})
    sell(monkeypatch, applied(offer, uses=2, amount_minor=350))

    order = make.complete(make.make_checkout(member.user, {make.make_product("20.00"): 1}))
    assert states() == [("used", str(order.pk))]
    assert counters() == {("set", member.pk, None): 2, ("set", None, None): 2}

    make.cancel(order)
    assert states() == [("returned", str(order.pk))]
    assert counters() == {("set", member.pk, None): 0, ("set", None, None): 0}


def test_an_order_past_the_limit_is_refused(
    make: Any, program: Program, member: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The checkout stays, the shopper is told which offer has gone."""
    offer = make_offer(program, "set", limits={"in_total": 1})
    sell(monkeypatch, applied(offer))
    product = make.make_product("20.00")
    first = make.complete(make.make_checkout(member.user, {product: 1}))
    second = make.make_checkout(make.make_user(), {product: 1})

    with pytest.raises(AssertionError, match='The offer "Set" has been used up by other'):
        make.complete(second)

    assert states() == [("used", str(first.pk))]
    assert host.current().existing_checkouts([str(second.pk)]) == {str(second.pk)}
    sell(monkeypatch)
    StoredQuote.objects.filter(pk=str(second.pk)).delete()  # as if its fingerprint had changed
    assert make.complete(second)


def test_paid_units_are_stamped_and_returned_ones_are_not(
    make: Any, program: Program, member: Account
) -> None:
    """A card of the product: three bought; all are canceled."""
    product = make.make_product("20.00")
    section = {"select": {"variants": [str(product.pk)]}, "buy": 6}
    make_offer(program, "card", "punch_card", section)
    order = make.complete(
        make.make_checkout(member.user, {product: 3, make.make_product("5.00"): 2})
    )
    stamp = OfferStamp.objects.get()
    assert (stamp.account_id, stamp.order_ref, stamp.units) == (member.pk, str(order.pk), 3)

    make.cancel(order)
    assert not OfferStamp.objects.exists()


@pytest.mark.saleor3
def test_a_returned_unit_takes_its_stamp_along(
    make: Any, program: Program, member: Account
) -> None:
    """One of three comes back."""
    product = make.make_product("20.00")
    section = {"select": {"variants": [str(product.pk)]}, "buy": 6}
    make_offer(program, "card", "punch_card", section)
    order = make.complete(make.make_checkout(member.user, {product: 3}))
    make.fulfil(order)

    make.return_lines(order, {order.lines.get(): 1})

    assert OfferStamp.objects.get().units == 2


# --- gifts ----------------------------------------------------------------------------------------


def pick(checkout: Any, offer: Any, *variants: Any) -> tuple[GiftPick, ...]:
    """Pick gifts as the mutation does."""
    with host.current().writer():
        return gifts.pick_gifts(
            checkout_ref=str(checkout.pk),
            user_ref=None if checkout.user is None else str(checkout.user.pk),
            offer_id=str(offer.pk),
            variant_refs=[str(variant.pk) for variant in variants],
        )


def in_cart(checkout: Any) -> dict[Any, int]:
    """Return the variants of the checkout with their quantities."""
    return {line.variant: line.quantity for line in checkout.lines.all()}


@pytest.mark.saleor3
def test_a_pick_adds_a_unit_and_takes_it_off_again(
    make: Any, program: Program, member: Account
) -> None:
    """By Saleor's own functions; another choice replaces it."""
    tea, cup, spoon = (make.make_product(price) for price in ("60.00", "8.00", "3.00"))
    section = {"variants": [str(cup.pk), str(spoon.pk)], "opens": {"from": {"USD": "50.00"}}}
    offer = make_offer(program, "gift", "gift", section)
    checkout = make.make_checkout(member.user, {tea: 1})

    pick(checkout, offer, cup)
    assert in_cart(checkout) == {tea: 1, cup: 1}

    pick(checkout, offer, spoon)
    assert in_cart(checkout) == {tea: 1, spoon: 1}

    pick(checkout, offer)
    assert in_cart(checkout) == {tea: 1}
    assert not GiftPick.objects.exists()


@pytest.mark.saleor3
def test_two_gifts_are_picked_and_cost_nothing(
    make: Any, program: Program, member: Account
) -> None:
    """Both lines are added and free, and the order has both."""
    tea, cup, spoon, pot = (
        make.make_product(price) for price in ("60.00", "8.00", "3.00", "20.00")
    )
    section = {"variants": [str(each.pk) for each in (cup, spoon, pot)], "quantity": 2}
    offer = make_offer(program, "gift", "gift", section)
    checkout = make.make_checkout(member.user, {tea: 1})

    pick(checkout, offer, cup)
    pick(checkout, offer, cup, spoon)

    assert in_cart(checkout) == {tea: 1, cup: 1, spoon: 1}
    assert make.checkout_total(checkout, member.user) == Decimal("70.00")
    pick(checkout, offer, spoon)
    pick(checkout, offer, spoon, pot)
    assert in_cart(checkout) == {tea: 1, spoon: 1, pot: 1}
    assert make.complete(checkout).total_gross_amount == Decimal("70.00")
    assert set(GiftGiven.objects.values_list("variant_ref", flat=True)) == {
        str(spoon.pk),
        str(pot.pk),
    }


@pytest.mark.saleor3
def test_what_is_sold_out_cannot_be_picked(make: Any, program: Program, member: Account) -> None:
    """The stock is the shop's, as for any line."""
    tea, cup = make.make_product("60.00"), make.make_product("8.00", stock=0)
    offer = make_offer(program, "gift", "gift", {"variants": [str(cup.pk)]})
    checkout = make.make_checkout(member.user, {tea: 1})

    with pytest.raises(Refusal) as refused:
        pick(checkout, offer, cup)

    assert refused.value.code is Code.LIMIT_REACHED
    assert in_cart(checkout) == {tea: 1}


@pytest.mark.saleor3
def test_a_gift_goes_with_the_change_that_ends_it(
    make: Any, program: Program, member: Account
) -> None:
    """The cart falls below what earns the gift: the line that was added is gone at once."""
    tea, cup = make.make_product("30.00"), make.make_product("8.00")
    section = {"variants": [str(cup.pk)], "opens": {"from": {"USD": "50.00"}}}
    offer = make_offer(program, "gift", "gift", section)
    checkout = make.make_checkout(member.user, {tea: 2})
    pick(checkout, offer, cup)

    make.set_quantity(checkout, tea, 1, member.user)

    assert in_cart(checkout) == {tea: 1}
    assert not GiftPick.objects.exists()
    assert make.checkout_total(checkout, member.user) == Decimal("40.00")


@pytest.mark.saleor3
def test_a_gift_that_would_be_charged_stops_the_order_once(
    make: Any, program: Program, member: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The price does not give it: it is taken off, and the next attempt has no gift."""
    tea, cup = make.make_product("60.00"), make.make_product("8.00")
    offer = make_offer(program, "gift", "gift", {"variants": [str(cup.pk)]})
    checkout = make.make_checkout(member.user, {tea: 1})
    pick(checkout, offer, cup)
    sell(monkeypatch)

    with pytest.raises(AssertionError, match="A gift of this cart is not free any more"):
        make.complete(checkout)

    assert in_cart(checkout) == {tea: 1}
    assert not GiftPick.objects.exists()
    assert make.complete(checkout).total_gross_amount == Decimal("70.00")


@pytest.mark.saleor2
def test_gifts_are_refused_with_a_reason(make: Any, program: Program, member: Account) -> None:
    """Saleor 2.10 has no price for them."""
    cup = make.make_product("8.00")
    offer = make_offer(program, "gift", "gift", {"variants": [str(cup.pk)]})
    checkout = make.make_checkout(member.user, {make.make_product("60.00"): 1})

    with pytest.raises(Refusal) as refused:
        pick(checkout, offer, cup)

    message = "Goods cannot cost nothing on Saleor 2.10; gifts of offers are not given."
    assert (refused.value.code, refused.value.message) == (Code.NOT_SUPPORTED, message)
