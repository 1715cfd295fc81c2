"""Which offers a basket touches at all, found by what its lines are and not offer by offer.

A shop may run hundreds of offers, and a basket meets a few. The index is built once for a set of
offers; looking up costs as much as the basket has lines and the offers that it meets.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from saleor_retention.engine.facts import BasketFacts
from saleor_retention.engine.offers.kinds import Offer
from saleor_retention.engine.offers.live import selections_of
from saleor_retention.engine.offers.situation import Situation
from saleor_retention.engine.selections import is_everything

# Of a shopper about whom nothing is known a gift keeps all its choices.
ANYBODY = Situation(at=dt.datetime.min.replace(tzinfo=dt.UTC))

Positions = dict[str, list[int]]  # by reference: the offers that name it, in their order


class OfferIndex:
    """A set of offers, by the variants, products, categories and collections that they name."""

    def __init__(self, offers: Sequence[Offer]) -> None:
        self.offers = tuple(offers)
        self._always: set[int] = set()
        self._variants: Positions = {}
        self._products: Positions = {}
        self._categories: Positions = {}
        self._collections: Positions = {}
        for position, offer in enumerate(self.offers):
            for selection in selections_of(offer, ANYBODY):
                if is_everything(selection):
                    self._always.add(position)
                for named, references in (
                    (self._variants, selection.variants),
                    (self._products, selection.products),
                    (self._categories, selection.categories),
                    (self._collections, selection.collections),
                ):
                    for reference in references:
                        named.setdefault(reference, []).append(position)

    def candidates(self, basket: BasketFacts) -> tuple[Offer, ...]:
        """Return the offers that may change this basket's price, in the order they were given.

        These are the ones of which any selection, of the goods or of what opens them, is everything
        or holds a line's goods. The best price with them is the best price with all offers. What
        the others could still become, a gift to choose or a near miss, is for the explanation:
        that needs all offers.
        """
        found = set(self._always)
        for line in basket.lines:
            goods = line.goods
            found.update(self._variants.get(goods.variant_ref, ()))
            found.update(self._products.get(goods.product_ref, ()))
            for reference in goods.category_refs:
                found.update(self._categories.get(reference, ()))
            for reference in goods.collection_refs:
                found.update(self._collections.get(reference, ()))
        return tuple([self.offers[position] for position in sorted(found)])
