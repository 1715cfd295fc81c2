"""A cart for which taking the best set first costs money, its figures, and the proof of the best.

As in ``sandbox.story`` the figures are worked out here from the price list by hand. The proof is
checked by the engine's checker, which shares no code with the search it checks.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

from saleor_retention.engine.facts import BasketFacts, BasketLine, GoodsFacts
from saleor_retention.engine.offers.best import best_offers
from saleor_retention.engine.offers.checker import check
from saleor_retention.engine.offers.kinds import (
    Bundle,
    Cut,
    Gift,
    MemberPrice,
    Offer,
    Part,
    SpendStep,
    SpendThreshold,
)
from saleor_retention.engine.offers.situation import Shopper, Situation
from saleor_retention.engine.rules import Selection

PRICES = {
    "House Blend": Decimal(20),
    "Single Origin": Decimal(30),
    "Decaf": Decimal(10),
    "Kettle": Decimal(50),
    "Cup": Decimal(5),
}
CART = {"House Blend": 1, "Single Origin": 1, "Decaf": 1, "Cup": 1}
ADDED = "Kettle"
VIP_OFF = Decimal("0.10")

# Two goods together for a price. The first saves most by itself, and is in the way of both others.
BUNDLES = {
    "breakfast": ("Breakfast for two", ("House Blend", "Single Origin"), Decimal(40)),
    "weekend": ("Weekend set", ("Single Origin", "Decaf"), Decimal(32)),
    "morning": ("Morning set", ("House Blend", "Cup"), Decimal(18)),
}
SPENT_FROM = Decimal(90)
SPENT_OFF = Decimal(10)


def saves(slug: str) -> Decimal:
    """Work out what a bundle saves."""
    _name, goods, price = BUNDLES[slug]
    return sum((PRICES[name] for name in goods), Decimal(0)) - price


def cost(goods: dict[str, int]) -> Decimal:
    """Add up a shopping list at shelf prices."""
    return sum((PRICES[name] * many for name, many in goods.items()), Decimal(0))


def for_vip(amount: Decimal) -> Decimal:
    """Take off what a VIP pays less."""
    return amount * (1 - VIP_OFF)


GREEDY = for_vip(cost(CART) - saves("breakfast"))
BEST = for_vip(cost(CART) - saves("weekend") - saves("morning"))
MORE = {**CART, ADDED: 1}
BEST_WITH_MORE = for_vip(cost(MORE) - saves("weekend") - saves("morning")) - SPENT_OFF


def proved(goods: dict[str, int]) -> Decimal:
    """Return what a cart costs by the engine's own proof, which the checker has verified."""
    basket, situation = _basket(goods), _situation()
    offers = [_vip(), *_offers()]
    quote = best_offers(basket, offers, situation)
    check(quote, basket, offers, situation)
    if not quote.is_optimal:
        return Decimal("NaN")
    return cost(goods) - Decimal(quote.saving_minor) / 100


def gifts_left(had: frozenset[str]) -> list[str]:
    """Return the gifts that are offered to a customer who has had some, by the verified proof."""
    gift = Offer("gift", "A gift", Gift(frozenset({"Cup", "Decaf"})))
    basket, situation = _basket({ADDED: 1}), _situation(gifts_had=had)
    quote = best_offers(basket, [gift], situation)
    check(quote, basket, [gift], situation)
    return [name for choice in quote.gifts for name in choice.variant_refs]


def _offers() -> list[Offer]:
    """Return the offers as the engine takes them; goods are known by their names."""
    bundles = [
        Offer(
            slug,
            name,
            Bundle(
                tuple(Part(_goods(product), 1) for product in goods), Cut(price_minor=_minor(price))
            ),
        )
        for slug, (name, goods, price) in BUNDLES.items()
    ]
    step = SpendStep(_minor(SPENT_FROM), Cut(amount_minor=_minor(SPENT_OFF)))
    return [*bundles, Offer("treat", "Treat", SpendThreshold((step,)))]


def _vip() -> Offer:
    return Offer("vip", "VIP", MemberPrice(Selection(), Cut(percent=VIP_OFF * 100)))


def _goods(name: str) -> Selection:
    return Selection(products=frozenset({name}))


def _minor(amount: Decimal) -> int:
    return int(amount * 100)


def _basket(goods: dict[str, int]) -> BasketFacts:
    lines = tuple(
        BasketLine(
            ref=name,
            goods=GoodsFacts(variant_ref=name, product_ref=name),
            quantity=many,
            unit_minor=_minor(PRICES[name]),
            total_minor=_minor(PRICES[name] * many),
        )
        for name, many in goods.items()
    )
    return BasketFacts("cart", "default", "USD", 2, "ada", lines)


def _situation(**changes: Any) -> Situation:
    return Situation(dt.datetime(2026, 6, 1, 12, tzinfo=dt.UTC), Shopper(is_member=True), **changes)
