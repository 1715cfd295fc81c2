"""What an offer promises against what its goods cost: prices that lower nothing.

Only where goods are named one by one, as variants or products: what a category holds changes from
day to day. List prices are compared, because the shop's own promotions come and go.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from saleor_retention import host
from saleor_retention.engine.money import money_text
from saleor_retention.engine.offers.kinds import Part
from saleor_retention.engine.offers.terms import (
    AddOnTerms,
    Amounts,
    BundleTerms,
    Kind,
    MemberPriceTerms,
    OfferTerms,
    PunchCardTerms,
    QuantityTerms,
)
from saleor_retention.engine.rules import RuleProblem, Selection
from saleor_retention.engine.selections import is_everything, matches
from saleor_retention.host.contract import ChannelFacts, ShelfPrice

GOODS_MAX = 2000  # variants and products that are looked up; an offer with more is not compared


@dataclass(frozen=True, slots=True)
class _Promise:
    """A fixed price for some units together, and where the document says so."""

    path: str
    price_minor: Amounts
    parts: tuple[Part, ...]


def price_problems(
    terms: OfferTerms, places: Sequence[ChannelFacts], exponents: Mapping[str, int]
) -> list[RuleProblem]:
    """Return prices that can never lower anything, and warnings of what is odd.

    PRICE_ABOVE_SUM: nothing comes off even the dearest goods. PRICE_ABOVE_CHEAPEST warns that
    nothing comes off the cheapest ones, and NOT_SOLD of goods that none of the channels sells.
    Constant number of statements for each channel.
    """
    if sum(len(named.variants) + len(named.products) for named in terms.selections) > GOODS_MAX:
        return []
    shelves = {place.ref: _shelf(terms, place) for place in places}
    problems = list(_not_sold(terms, shelves))
    for promise in _promises(terms):
        for currency, price in promise.price_minor:
            sums = [
                _sums(promise.parts, shelves[place.ref])
                for place in places
                if place.currency == currency
            ]
            known = [each for each in sums if each is not None]
            if known and len(known) == len(sums):
                text = f"{promise.path}.price.{currency}"
                exponent = exponents[currency]
                problems += _judged(text, price, known, currency, exponent)
    return problems


def _judged(
    path: str, price: int, sums: Sequence[tuple[int, int]], currency: str, exponent: int
) -> Iterator[RuleProblem]:
    cheapest, dearest = min(low for low, _ in sums), max(high for _, high in sums)
    if price >= dearest:
        cost = money_text(dearest, currency, exponent)
        rule = f"must be less than {cost}, which the goods cost at most: nothing would come off."
        yield RuleProblem(path, "PRICE_ABOVE_SUM", f"{path} {rule}")
    elif price >= cheapest:
        cost = money_text(cheapest, currency, exponent)
        rule = f"takes nothing off the cheapest of the goods, which cost {cost}."
        yield RuleProblem(path, "PRICE_ABOVE_CHEAPEST", f"{path} {rule}", is_warning=True)


def _not_sold(
    terms: OfferTerms, shelves: Mapping[str, Mapping[str, ShelfPrice]]
) -> Iterator[RuleProblem]:
    if not shelves:
        return
    kind = terms.kind.value
    for number, selection in enumerate(terms.selections):
        if _is_open(selection):
            continue
        if not any(_prices(selection, shelf) for shelf in shelves.values()):
            where = f"{kind}.parts.{number}" if terms.kind is Kind.BUNDLE else kind
            message = f"{where} names goods of which the channels of the offer sell none."
            yield RuleProblem(where, "NOT_SOLD", message, is_warning=True)


def _promises(terms: OfferTerms) -> Iterator[_Promise]:
    kind, benefit = terms.kind.value, terms.benefit
    if isinstance(benefit, BundleTerms) and benefit.cut is not None:
        yield _Promise(kind, benefit.cut.price_minor, benefit.parts)
    elif isinstance(benefit, QuantityTerms):
        for index, step in enumerate(benefit.steps):
            path = f"{kind}.steps.{index}"
            yield _Promise(path, step.cut.price_minor, (Part(benefit.selection, 1),))
    elif isinstance(benefit, AddOnTerms | PunchCardTerms | MemberPriceTerms):
        yield _Promise(kind, benefit.cut.price_minor, (Part(benefit.selection, 1),))


def _shelf(terms: OfferTerms, place: ChannelFacts) -> dict[str, ShelfPrice]:
    """Return what the channel sells of the goods that are named one by one."""
    shop = host.current()
    named = [selection for selection in terms.selections if not _is_open(selection)]
    variants = {ref for selection in named for ref in selection.variants}
    products = {ref for selection in named for ref in selection.products}
    if products:
        found = shop.variants_of_products(sorted(products), place.ref)
        variants.update(ref for refs in found.values() for ref in refs)
    return shop.shelf_prices(sorted(variants), place.ref) if variants else {}


def _is_open(selection: Selection) -> bool:
    """Return whether what is selected cannot be listed here."""
    return is_everything(selection) or bool(selection.categories or selection.collections)


def _sums(parts: Sequence[Part], shelf: Mapping[str, ShelfPrice]) -> tuple[int, int] | None:
    """Return what a set costs at least and at most; None where that cannot be told."""
    low = high = 0
    for part in parts:
        prices = [] if _is_open(part.selection) else _prices(part.selection, shelf)
        if not prices:
            return None
        low += min(prices) * part.quantity
        high += max(prices) * part.quantity
    return low, high


def _prices(selection: Selection, shelf: Mapping[str, ShelfPrice]) -> list[int]:
    return [price.list_minor for price in shelf.values() if matches(selection, price.goods)]
