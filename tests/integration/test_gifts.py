"""The shopper picks a gift: what may be picked, the line that is added, and when it goes."""

from __future__ import annotations

from typing import Any

import pytest

from saleor_retention.engine.facts import BasketLine, GoodsFacts
from saleor_retention.errors import Code, Refusal
from saleor_retention.models import Account, GiftGiven, GiftPick, Offer
from saleor_retention.services.membership import members
from saleor_retention.services.offering import gifts, offer_uses
from tests import ledger
from tests.fakes import at
from tests.ledger import Shop
from tests.offers import CART, add_version, applied, make_offer, store_quote

pytestmark = pytest.mark.django_db

NOON = at("2026-03-10 12:00")


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Shop:
    """A shop in memory with a program."""
    return ledger.open_shop(monkeypatch)


@pytest.fixture
def ann(shop: Shop) -> Account:
    """A member with a cart of 60.00."""
    member = shop.member("ann")
    fill(shop, member, 6000)
    return member


@pytest.fixture
def offer(shop: Shop) -> Offer:
    """A cup or a spoon from 50.00 on."""
    section = {"variants": ["cup", "spoon"], "opens": {"from": {"USD": "50.00"}}}
    return make_offer(shop.program, "gift", "gift", section)


def goods(ref: str, unit_minor: int, quantity: int = 1) -> BasketLine:
    """Return a line of the cart; its variant is named as the line."""
    return BasketLine(
        ref, GoodsFacts(ref, f"product-{ref}"), quantity, unit_minor, unit_minor * quantity
    )


def fill(shop: Shop, member: Account | None, amount: int, *more: BasketLine, **facts: Any) -> None:
    """Put tea of an amount into the member's cart."""
    user_ref = None if member is None else str(member.user_id)
    lines = (goods("tea", amount), *more)
    shop.host.put_checkout(CART, amount, user_ref=user_ref, lines=lines, **facts)


def pick(member: Account | None, offer: Offer, *variants: str) -> tuple[GiftPick, ...]:
    """Pick gifts, all that are wanted."""
    return gifts.pick_gifts(
        checkout_ref=CART,
        user_ref=None if member is None else str(member.user_id),
        offer_id=str(offer.pk),
        variant_refs=variants,
        now=NOON,
    )


def refusal(member: Account | None, offer: Offer, *variants: str) -> tuple[Code, str, str | None]:
    """Pick, expecting a refusal that leaves cart and picks as they were."""
    from saleor_retention import host

    shop: Any = host.current()
    before = dict(shop.checkouts), list(GiftPick.objects.values())
    with pytest.raises(Refusal) as refused:
        pick(member, offer, *variants)
    assert (dict(shop.checkouts), list(GiftPick.objects.values())) == before
    return refused.value.code, refused.value.message, refused.value.field


def cart(shop: Shop) -> list[str]:
    """Return the variants in the cart."""
    return [line.goods.variant_ref for line in shop.host.checkouts[CART].basket.lines]


def test_a_unit_is_added_for_a_pick(shop: Shop, ann: Account, offer: Offer) -> None:
    """And the price is computed afresh; the same pick again changes nothing."""
    (found,) = pick(ann, offer, "cup")
    (again,) = pick(ann, offer, "cup")

    assert (found.variant_ref, found.line_ref, found.picked_at) == ("cup", "gift-cup", NOON)
    assert cart(shop) == ["tea", "cup"]
    assert shop.host.repriced == [CART]
    assert again.pk == found.pk


def test_another_pick_replaces_the_first(shop: Shop, ann: Account, offer: Offer) -> None:
    """What was added for the first goes, and none takes off what was added."""
    pick(ann, offer, "cup")

    pick(ann, offer, "spoon")
    assert cart(shop) == ["tea", "spoon"]
    assert GiftPick.objects.get().variant_ref == "spoon"

    assert pick(ann, offer) == ()
    assert cart(shop) == ["tea"]
    assert not GiftPick.objects.exists()


@pytest.fixture
def two(shop: Shop) -> Offer:
    """Two of cup, spoon and fork from 50.00 on."""
    section = {
        "variants": ["cup", "spoon", "fork"],
        "quantity": 2,
        "opens": {"from": {"USD": "50.00"}},
    }
    return make_offer(shop.program, "two", "gift", section)


def test_an_offer_of_two_gifts_keeps_two_picks(shop: Shop, ann: Account, two: Offer) -> None:
    """One after the other or together; each is replaced or taken back without the other."""
    pick(ann, two, "cup")
    assert gifts.choices_of(checkout_ref=CART, offer_id=str(two.pk), now=NOON) == (
        "cup",
        "fork",
        "spoon",
    )

    cup, spoon = pick(ann, two, "cup", "spoon")
    assert (cup.line_ref, spoon.line_ref) == ("gift-cup", "gift-spoon")
    assert cart(shop) == ["tea", "cup", "spoon"]
    assert gifts.keep_gifts(CART, NOON) == 0

    pick(ann, two, "spoon", "fork")
    assert cart(shop) == ["tea", "spoon", "fork"]

    (left,) = pick(ann, two, "fork")
    assert (left.variant_ref, cart(shop)) == ("fork", ["tea", "fork"])
    assert pick(ann, two) == ()
    assert cart(shop) == ["tea"]


def test_no_gift_is_picked_twice_nor_more_than_there_are(
    shop: Shop, ann: Account, two: Offer
) -> None:
    """Two cups are one; of three gifts two may be had, of two had one is left to choose."""
    assert len(pick(ann, two, "cup", "cup")) == 1
    assert cart(shop) == ["tea", "cup"]

    message = 'The offer "Two" does not give that many gifts.'
    too_many = (Code.LIMIT_REACHED, message, "variantIds")
    assert refusal(ann, two, "cup", "spoon", "fork") == too_many

    fill(shop, ann, 6000, goods("cup", 1000))
    pick(ann, two, "spoon")
    assert refusal(ann, two, "spoon", "fork") == too_many  # the cup in the cart is free already


def test_a_pick_that_is_sold_out_leaves_the_other(shop: Shop, ann: Account, two: Offer) -> None:
    """What is in the cart already is not asked for again, and what is refused changes nothing."""
    pick(ann, two, "cup")
    shop.host.sold_out |= {"cup", "spoon"}

    message = 'That is none of the gifts of the offer "Two" that you can choose now.'
    assert refusal(ann, two, "cup", "spoon") == (Code.INVALID, message, "variantIds")
    assert len(pick(ann, two, "cup", "fork")) == 2


def test_of_two_picks_that_which_is_not_given_goes(shop: Shop, ann: Account, two: Offer) -> None:
    """One that the shopper took out, one that is no choice any more, and the last of too many."""
    opens = {"from": {"USD": "50.00"}}
    pick(ann, two, "cup", "spoon")
    shop.host.remove_line(CART, "gift-cup")
    assert gifts.keep_gifts(CART, NOON) == 1
    assert cart(shop) == ["tea", "spoon"]

    pick(ann, two, "spoon", "cup")
    add_version(two, {"variants": ["cup", "fork"], "quantity": 2, "opens": opens})
    assert gifts.keep_gifts(CART, NOON) == 1
    assert cart(shop) == ["tea", "cup"]

    pick(ann, two, "cup", "fork")
    add_version(two, {"variants": ["cup", "fork"], "opens": opens})
    assert gifts.keep_gifts(CART, NOON) == 1
    assert cart(shop) == ["tea", "cup"]


def test_goods_that_are_there_are_not_added(shop: Shop, ann: Account, offer: Offer) -> None:
    """The shopper has put the cup there himself: it is his, also when he picks something else."""
    fill(shop, ann, 6000, goods("cup", 1000))

    (found,) = pick(ann, offer, "cup")
    assert found.line_ref == ""
    assert cart(shop) == ["tea", "cup"]

    pick(ann, offer)
    assert cart(shop) == ["tea", "cup"]


def test_what_is_not_earned_cannot_be_picked(shop: Shop, ann: Account, offer: Offer) -> None:
    """A cart that is too small, a variant that is no gift, an offer that is none."""
    other = make_offer(shop.program, "set")

    assert refusal(ann, offer, "tea") == (
        Code.INVALID,
        'That is none of the gifts of the offer "Gift" that you can choose now.',
        "variantIds",
    )
    assert refusal(ann, other, "cup") == (
        Code.NOT_FOUND,
        "There is no such offer of a gift here.",
        "offerId",
    )
    fill(shop, ann, 4999)
    assert refusal(ann, offer, "cup") == (
        Code.INVALID,
        "This cart does not earn that gift.",
        "offerId",
    )


def test_what_was_had_or_is_sold_out_is_no_choice(shop: Shop, ann: Account, offer: Offer) -> None:
    """Of two gifts one was had and the other is out of stock: none is left."""
    store_quote(shop.program, ann, applied(offer, gifts=["cup"]), cart="cart-0")
    offer_uses.reserve_for("cart-0", currency="USD", now=NOON)
    assert GiftGiven.objects.count() == 1
    assert gifts.choices_of(checkout_ref=CART, offer_id=str(offer.pk), now=NOON) == ("spoon",)

    message = 'That is none of the gifts of the offer "Gift" that you can choose now.'
    assert refusal(ann, offer, "cup") == (Code.INVALID, message, "variantIds")

    shop.host.sold_out.add("spoon")
    message = 'No gift of the offer "Gift" is left for you.'
    assert refusal(ann, offer, "spoon") == (Code.LIMIT_REACHED, message, "offerId")


def test_a_gift_is_for_members(shop: Shop, ann: Account, offer: Offer) -> None:
    """Nobody knows whether a guest has had it; whoever left is told the same."""
    message = 'The offer "Gift" is for members only.'
    members.leave(shop.program, str(ann.user_id), now=NOON)
    assert refusal(ann, offer, "cup") == (Code.NOT_A_MEMBER, message, "offerId")

    fill(shop, None, 6000)
    assert refusal(None, offer, "cup") == (Code.NOT_A_MEMBER, message, "offerId")


def test_another_customers_cart_is_left_alone(shop: Shop, ann: Account, offer: Offer) -> None:
    """So is one whose payment has begun, and one that is gone."""
    bob = shop.member("bob")
    message = "This checkout is not attached to your account."
    assert refusal(bob, offer, "cup") == (Code.PERMISSION_DENIED, message, "checkoutId")

    fill(shop, ann, 6000, is_money_committed=True)
    message = "Payment of this checkout has begun; its gifts cannot be changed any more."
    assert refusal(ann, offer, "cup") == (Code.CHECKOUT_PAID, message, "checkoutId")


def test_a_host_without_gifts_says_so(shop: Shop, ann: Account, offer: Offer) -> None:
    """With its own reason."""
    shop.host.refusals["gifts"] = "No gifts here."

    assert refusal(ann, offer, "cup") == (Code.NOT_SUPPORTED, "No gifts here.", "checkoutId")


def test_a_gift_goes_when_the_cart_shrinks(shop: Shop, ann: Account, offer: Offer) -> None:
    """So that nobody pays for a gift; a cart that still earns it keeps it."""
    pick(ann, offer, "cup")
    fill(shop, ann, 5000)
    assert gifts.keep_gifts(CART, NOON) == 1  # he took it out himself

    fill(shop, ann, 6000)
    pick(ann, offer, "cup")
    assert gifts.keep_gifts(CART, NOON) == 0
    assert cart(shop) == ["tea", "cup"]

    added = shop.host.checkouts[CART].basket.lines[1]
    fill(shop, ann, 4000, added)
    assert gifts.keep_gifts(CART, NOON) == 1
    assert cart(shop) == ["tea"]
    assert not GiftPick.objects.exists()


def test_a_gift_stays_while_money_is_on_the_cart(shop: Shop, ann: Account, offer: Offer) -> None:
    """The price that was authorized is honored; the last look decides."""
    pick(ann, offer, "cup")
    fill(shop, ann, 4000, is_money_committed=True)

    assert gifts.keep_gifts(CART, NOON) == 0
    assert GiftPick.objects.exists()
