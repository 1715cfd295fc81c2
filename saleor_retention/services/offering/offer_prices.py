"""What an offer promises against what its goods cost: prices, floors and amounts beyond that.

Only where goods are named one by one, as variants or products: what a category holds changes from
day to day, and there it is said that nothing was compared. List prices are compared, because the
shop's own promotions come and go.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from saleor_retention import host
from saleor_retention.engine.money import money_text
from saleor_retention.engine.offers.kinds import Part
from saleor_retention.engine.offers.terms import (
    AddOnTerms,
    Amounts,
    BundleTerms,
    CutTerms,
    FreeShippingTerms,
    GiftTerms,
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


class _Sort(Enum):
    """What is promised, with the codes of what is wrong with it."""

    PRICE = ("PRICE_ABOVE_SUM", "PRICE_ABOVE_CHEAPEST")
    AMOUNT = ("AMOUNT_ABOVE_SUM", "AMOUNT_ABOVE_CHEAPEST")
    FLOOR = ("FLOOR_ABOVE_PRICE", "FLOOR_ABOVE_CHEAPEST")


@dataclass(frozen=True, slots=True)
class _Promise:
    """Amounts to be held against some units together, and where the document has them.

    A floor is held against each unit of any part, the others against the sum of all parts.
    """

    sort: _Sort
    path: str
    amounts: Amounts
    parts: tuple[Part, ...]


def price_problems(
    terms: OfferTerms, places: Sequence[ChannelFacts], exponents: Mapping[str, int]
) -> list[RuleProblem]:
    """Return what can never lower anything or is more than there is, and warnings of what is odd.

    PRICE_ABOVE_SUM, FLOOR_ABOVE_PRICE: nothing comes off even the dearest goods. AMOUNT_ABOVE_SUM:
    more comes off than even they cost. ..._ABOVE_CHEAPEST warns that it is so for the cheapest
    ones, NOT_SOLD of goods that none of the channels sells, and NOT_COMPARED of a price or a floor
    of goods that are not named one by one, or are too many. Constant number of statements for each
    channel.
    """
    promises = [promise for promise in _promises(terms) if promise.amounts]
    if sum(len(named.variants) + len(named.products) for named in terms.selections) > GOODS_MAX:
        return [_not_compared(each) for each in promises if each.sort is not _Sort.AMOUNT]
    shelves = {place.ref: _shelf(terms, place) for place in places}
    problems = list(_not_sold(terms, shelves))
    for promise in promises:
        if any(_is_open(part.selection) for part in promise.parts):
            if promise.sort is not _Sort.AMOUNT:
                problems.append(_not_compared(promise))
            continue
        for currency, minor in promise.amounts:
            sums = [
                _sums(promise, shelves[place.ref]) for place in places if place.currency == currency
            ]
            known = [each for each in sums if each is not None]
            if known and len(known) == len(sums):
                text = f"{promise.path}.{currency}"
                problems += _judged(promise.sort, text, minor, known, currency, exponents[currency])
    return problems


def _judged(
    sort: _Sort,
    path: str,
    minor: int,
    sums: Sequence[tuple[int, int]],
    currency: str,
    exponent: int,
) -> Iterator[RuleProblem]:
    cheapest, dearest = min(low for low, _ in sums), max(high for _, high in sums)
    least = minor - 1 if sort is _Sort.AMOUNT else minor  # as much off as it costs makes it free
    never, not_always = sort.value
    if least >= dearest:
        cost = money_text(dearest, currency, exponent)
        rule = f"must be less than {cost}, which the goods cost at most: nothing would come off."
        if sort is _Sort.AMOUNT:
            rule = f"must not be more than {cost}, which the goods cost at most."
        yield RuleProblem(path, never, f"{path} {rule}")
    elif least >= cheapest:
        cost = money_text(cheapest, currency, exponent)
        rule = f"takes nothing off the cheapest of the goods, which cost {cost}."
        if sort is _Sort.AMOUNT:
            rule = f"is more than the cheapest of the goods cost, which is {cost}."
        if sort is _Sort.FLOOR:
            rule = f"lets nothing come off the cheapest of the goods, which cost {cost}."
        yield RuleProblem(path, not_always, f"{path} {rule}", is_warning=True)


def _not_compared(promise: _Promise) -> RuleProblem:
    rule = "is not compared with what the goods cost: nothing comes off those that cost less."
    return RuleProblem(promise.path, "NOT_COMPARED", f"{promise.path} {rule}", is_warning=True)


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
    floored = tuple(Part(selection, 1) for selection in terms.selections)
    if not isinstance(benefit, FreeShippingTerms | GiftTerms):
        yield _Promise(_Sort.FLOOR, "floor", terms.floor_minor, floored)
    if isinstance(benefit, BundleTerms) and benefit.cut is not None:
        yield from _of_cut(kind, benefit.cut, benefit.parts)
    elif isinstance(benefit, QuantityTerms):
        for index, step in enumerate(benefit.steps):
            yield from _of_cut(f"{kind}.steps.{index}", step.cut, floored)
    elif isinstance(benefit, AddOnTerms | PunchCardTerms | MemberPriceTerms):
        yield from _of_cut(kind, benefit.cut, floored)


def _of_cut(path: str, cut: CutTerms, parts: tuple[Part, ...]) -> Iterator[_Promise]:
    yield _Promise(_Sort.PRICE, f"{path}.price", cut.price_minor, parts)
    yield _Promise(_Sort.AMOUNT, f"{path}.amount", cut.amount_minor, parts)


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


def _sums(promise: _Promise, shelf: Mapping[str, ShelfPrice]) -> tuple[int, int] | None:
    """Return what a set, or a unit, costs at least and at most; None where that cannot be told."""
    every = [(part.quantity, _prices(part.selection, shelf)) for part in promise.parts]
    if not all(prices for _quantity, prices in every):
        return None
    low = [quantity * min(prices) for quantity, prices in every]
    high = [quantity * max(prices) for quantity, prices in every]
    return (min(low), max(high)) if promise.sort is _Sort.FLOOR else (sum(low), sum(high))


def _prices(selection: Selection, shelf: Mapping[str, ShelfPrice]) -> list[int]:
    return [price.list_minor for price in shelf.values() if matches(selection, price.goods)]
