"""A program whose offers all apply to one cart, for stories of what the shop adds to them.

The cart is 2 A at 80, 1 B at 30 with 5 off by a promotion of the shop, and C as the gift. Both
currencies have the same figures:

- the set of A and B at 95 saves 10: 10 x 80/105 = 7.619 and 10 x 25/105 = 2.381, 7.62 and 2.38;
- members have 10 per cent off B: of 22.62 that is 2.26;
- 10 off from 150, of 152.38 + 20.36 = 172.74: 8.821 and 1.179, 8.82 and 1.18;
- the gift takes all of C.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from tests.acceptance.figures import ZERO, Taxed, from_gross, from_net
from tests.acceptance.offers import amounts, bundle, offer, pick_gifts
from tests.acceptance.retention import IN_ZLOTY_TOO, Program, member, open_program
from tests.acceptance.shop import Channel, Shop
from tests.acceptance.storefront import Cart, Shopper, fill_cart, sign_up

GOODS = {"A": 2, "B": 1}
PRICES = {"A": Decimal("143.56"), "B": Decimal("19.18"), "C": Decimal(0)}
OWN_DISCOUNTS = {
    "A": {"A with B": Decimal("7.62"), "10 off": Decimal("8.82")},
    "B": {"A with B": Decimal("2.38"), "Socks": Decimal("2.26"), "10 off": Decimal("1.18")},
    "C": {"A gift": Decimal(50)},
}
NAMES = ("A", "B", "C")


@dataclass(frozen=True, slots=True)
class EveryOffer:
    """The program, its gift, and how to fill a cart that has all of it."""

    shop: Shop
    program: Program
    gift: str

    def shopper(self, channel: Channel) -> Shopper:
        """Sign a customer up who is a member."""
        shopper = sign_up(self.shop, channel)
        member(shopper.client, channel)
        return shopper

    def cart(self, channel: Channel, shopper: Shopper | None = None) -> Cart:
        """Fill the cart and choose the gift."""
        shopper = shopper or self.shopper(channel)
        cart = fill_cart(self.shop, channel, shopper, **GOODS)
        pick_gifts(shopper.client, cart, self.gift, self.shop.variants["C"])
        return cart


def set_up(shop: Shop, channels: Iterable[Channel]) -> EveryOffer:
    """Open the program with its offers, and take 5 off B in its channels."""
    places = list(channels)
    for channel in places:
        shop.catalogue_promotion(channel, "B", "5")
    has_zloty = any(channel.currency == "PLN" for channel in places)
    program = open_program(shop, places, IN_ZLOTY_TOO if has_zloty else None)

    def each(amount: str) -> list[dict[str, Any]]:
        return [*amounts(amount), *(amounts(amount, "PLN") if has_zloty else ())]

    a, b, c = (shop.variants[name] for name in NAMES)
    bundle(program, "A with B", {a: 1, b: 1}, prices=each("95.00"))
    socks = {"percent": "10", "select": {"variants": [b]}}
    offer(
        program,
        "Socks",
        kind="MEMBER_PRICE",
        memberPrice=socks,
        audience={"membersOnly": True},
    )
    steps = [{"fromAmounts": each("150.00"), "amounts": each("10.00")}]
    offer(program, "10 off", kind="THRESHOLD", threshold={"steps": steps})
    gift = offer(
        program,
        "A gift",
        kind="GIFT",
        gift={"variants": [c], "opens": {"fromAmounts": each("100.00")}},
    )
    return EveryOffer(shop, program, gift)


def taxed(amount: Decimal | str | int, channel: Channel) -> Taxed:
    """Return an amount as the channel's prices are entered, with the tax of its country."""
    if channel.country == "PL":
        return from_gross(amount, 23)
    return from_net(amount, 10)


def goods_less(channel: Channel, *off: str) -> list[Taxed]:
    """Return what A, B and the gift cost with these amounts taken off A and B."""
    less = [Decimal(amount) for amount in off] or [Decimal(0), Decimal(0)]
    paid = [
        taxed(PRICES[name] - amount, channel) for name, amount in zip(("A", "B"), less, strict=True)
    ]
    return [*paid, ZERO]
