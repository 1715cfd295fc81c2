"""Offers beside a tier's own prices, as the price pass asks for them: the lowest price of both.

A tier's prices join the search as member prices. What they take off keeps the rule key
"member:<tier>", as in a program without offers, so that nobody who reads rows has to know.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from saleor_retention.engine.facts import BasketFacts, BasketLine
from saleor_retention.engine.money import minor_text, money_text, percent_of
from saleor_retention.engine.offers.best import best_offers
from saleor_retention.engine.offers.eligibility import is_open
from saleor_retention.engine.offers.kinds import (
    Cut,
    FreeShipping,
    Gift,
    MemberPrice,
    Offer,
    SpendThreshold,
)
from saleor_retention.engine.offers.result import Finding, OfferQuote
from saleor_retention.engine.offers.situation import Situation
from saleor_retention.engine.phrases import _, phrase
from saleor_retention.engine.quote import TIER_RULE, Allocation, AppliedOffer, Verdict
from saleor_retention.engine.rules import PriceBenefit, Tier
from saleor_retention.engine.selections import matches

Prices = Mapping[str, Offer]
"""A tier's own prices as offers, by id."""


@dataclass(frozen=True, slots=True)
class OfferCase:
    """The offers that a basket touches, and all that decides about them apart from the basket."""

    offers: tuple[Offer, ...]
    situation: Situation
    version_ids: Mapping[str, int]  # by offer id
    stamp: int  # of the program's offers
    nodes_max: int  # of the search

    def decisive(self, basket: BasketFacts) -> list[Any]:
        """Return what decides besides basket, member and rules, for a fingerprint.

        The offers whose window is open are named: the price changes when one opens or closes. Of a
        limit that the whole basket could not use up it does not matter how much is left.
        """
        at, shopper = self.situation.at, self.situation.shopper
        ids = {offer.id for offer in self.offers}
        gifts = [offer.benefit for offer in self.offers if isinstance(offer.benefit, Gift)]
        choices: frozenset[str] = frozenset().union(*(gift.choices for gift in gifts))
        is_shipped = FreeShipping in {type(offer.benefit) for offer in self.offers}
        units = 1 + sum([max(0, line.quantity) for line in basket.lines])
        return [
            self.stamp,
            self.nodes_max,
            sorted([offer.id for offer in self.offers if is_open(offer, at)]),
            [shopper.is_member, sorted(shopper.segments), sorted(shopper.tags)],
            shopper.orders_count > 0,
            sorted(ids & shopper.granted),
            sorted(
                [key, _up_to(left.by_customer, units), _up_to(left.in_total, units)]
                for key, left in self.situation.uses_left.items()
            ),
            sorted([key, units] for key, units in self.situation.stamps.items() if key in ids),
            sorted(choices & self.situation.gifts_had),
            sorted(
                [key, sorted(refs)]
                for key, refs in self.situation.gift_choices.items()
                if key in ids
            ),
            self.situation.shipping_minor if is_shipped else None,
        ]


@dataclass(frozen=True, slots=True)
class OfferPrice:
    """What offers and the tier's prices take off together."""

    allocations: tuple[Allocation, ...]  # one for a line and a rule
    verdicts: tuple[Verdict, ...]  # of the offers that apply
    applied: tuple[AppliedOffer, ...]
    has_free_shipping: bool
    gap_minor: int


def lowest(basket: BasketFacts, tier: Tier | None, case: OfferCase) -> OfferPrice:
    """Return the lowest price that the case's offers and the tier's prices allow together."""
    prices = tier_prices(case, tier, basket.currency)
    quote = compete(basket, tier, case, prices)
    applied = _applied(quote, basket, tier, case)
    names = {offer.id: offer.name for offer in case.offers}
    return OfferPrice(
        allocations=tuple(_allocations(quote, basket, tier, case, prices)),
        verdicts=tuple(_verdict(each, names[each.offer_id], basket) for each in applied),
        applied=tuple(each for each in applied if each.amount_minor),
        has_free_shipping=quote.has_free_shipping,
        gap_minor=quote.gap_minor,
    )


def compete(
    basket: BasketFacts,
    tier: Tier | None,
    case: OfferCase,
    prices: Prices,
    *,
    explain: bool = False,
) -> OfferQuote:
    """Return what the search makes of offers and tier prices together.

    Where the tier ships for nothing, no offer can save the shipping, and none is nearly reached.
    ``explain`` is that of ``best_offers``.
    """
    offers, nodes_max = (*case.offers, *prices.values()), case.nodes_max
    if tier is None or not tier.has_free_shipping:
        return best_offers(basket, offers, case.situation, nodes_max=nodes_max, explain=explain)
    situation = replace(case.situation, shipping_minor=0)
    quote = best_offers(basket, offers, situation, nodes_max=nodes_max, explain=explain)
    ships = {each.id for each in case.offers if isinstance(each.benefit, FreeShipping)}
    near = tuple([miss for miss in quote.near_misses if miss.offer_id not in ships])
    return replace(quote, near_misses=near)


def tier_prices(case: OfferCase, tier: Tier | None, currency: str) -> Prices:
    """Return the tier's own prices in a currency as offers, by their ids ("member:<tier>:<n>").

    They come before offers of the same worth, which may be limited.
    """
    if tier is None:
        return {}
    priority = 1 + max((offer.priority for offer in case.offers), default=0)
    found: dict[str, Offer] = {}
    for number, benefit in enumerate(tier.prices):
        cut = _cut(benefit, currency)
        if cut is not None:
            key = f"{member_rule(tier)}:{number}"
            price = MemberPrice(benefit.selection, cut)
            found[key] = Offer(key, tier.name, price, priority=priority)
    return found


def member_rule(tier: Tier) -> str:
    """Return the rule key of a tier's own prices."""
    return f"{TIER_RULE}{tier.slug}"


def percent_off(line_minor: int, quantity: int, percent: Decimal) -> int:
    """Return what a per cent takes off ``quantity`` units that cost ``line_minor`` together.

    Per unit, so that units of one line cost the same and unit x quantity is the total: rounded half
    up on one unit. Where the total does not divide by the quantity (the shop's own discount left
    odd cents), the unit is the total rounded down and the odd cents are treated as one more unit;
    so 100 % off is always free.

    >>> percent_off(999, 3, Decimal(5)), percent_off(1000, 3, Decimal(100))
    (51, 1000)
    """
    unit_minor, odd_minor = divmod(line_minor, quantity)
    return quantity * percent_of(unit_minor, percent) + percent_of(odd_minor, percent)


def _up_to(limit: int | None, most: int) -> int | None:
    return None if limit is None else min(limit, most)


def _cut(benefit: PriceBenefit, currency: str) -> Cut | None:
    if benefit.percent is not None:
        return Cut(percent=benefit.percent)
    amount_minor = dict(benefit.amount_minor).get(currency)
    return None if amount_minor is None else Cut(amount_minor=amount_minor)


def _allocations(
    quote: OfferQuote, basket: BasketFacts, tier: Tier | None, case: OfferCase, prices: Prices
) -> Iterator[Allocation]:
    """Yield one allocation for a line and a rule by lane, the tier's own under its name."""
    left = {line.ref: max(0, line.total_minor) for line in basket.lines}
    keys = {price.rule_key: price for price in prices.values()}
    rivals = {each.rule_key for each in case.offers if isinstance(each.benefit, MemberPrice)}
    spends = {each.rule_key for each in case.offers if isinstance(each.benefit, SpendThreshold)}
    own: dict[str, list[tuple[Cut, int]]] = {}
    taken: set[str] = set()
    last: list[Allocation] = []
    for item in quote.allocations:
        left[item.line_ref] -= item.amount_minor
        if item.rule_key in keys:
            cut = _price(keys[item.rule_key]).cut
            own.setdefault(item.line_ref, []).append((cut, item.amount_minor))
            continue
        if item.rule_key in spends:
            last.append(item)
            continue
        yield item
        if item.rule_key in rivals:
            taken.add(item.line_ref)
    if tier is not None:
        yield from _tier_allocations(quote, basket, tier, prices, own, taken, left)
    yield from last


def _tier_allocations(
    quote: OfferQuote,
    basket: BasketFacts,
    tier: Tier,
    prices: Prices,
    own: Mapping[str, list[tuple[Cut, int]]],
    taken: AbstractSet[str],
    left: Mapping[str, int],
) -> Iterator[Allocation]:
    """Yield what the tier takes off each line, from what its prices do to units (``own``).

    Of the odd cents of a line it takes its part too, unless another member price has the line.
    """
    declined = quote.certificate.declined
    open_prices = [_price(price) for key, price in prices.items() if key not in declined]
    for line in sorted(basket.lines, key=lambda each: each.ref):
        if line.quantity <= 0 or line.is_gift or line.is_gift_card:
            continue
        cuts = own.get(line.ref)
        if cuts is None:
            cuts = [_odd_cut(line, () if line.ref in taken else open_prices)]
        found = _tier_allocation(tier, line, cuts, left[line.ref], basket.exponent)
        if found.amount_minor:
            yield found


def _price(offer: Offer) -> MemberPrice:
    assert isinstance(offer.benefit, MemberPrice)  # noqa: S101 - tier_prices makes no others
    return offer.benefit


def _odd_cut(line: BasketLine, prices: Sequence[MemberPrice]) -> tuple[Cut, int]:
    """Return what lowers the odd cents of a line that has nothing else for a tier to lower."""
    cuts = [price.cut for price in prices if matches(price.selection, line.goods)]
    best = max(cuts, key=lambda cut: _odd_off(cut, line, 0), default=Cut(percent=Decimal(0)))
    return best, 0


def _odd_off(cut: Cut, line: BasketLine, amount_minor: int) -> int:
    """Return what a cut that took so much off the units takes off the odd cents of their line.

    An amount for each unit is the line's together: what the units left of it the odd cents have.
    """
    odd_minor = max(0, line.total_minor) % line.quantity
    if not odd_minor:
        return 0
    if cut.percent is not None:
        return percent_of(odd_minor, cut.percent)
    return min(odd_minor, max(0, line.quantity * (cut.amount_minor or 0) - amount_minor))


def _tier_allocation(
    tier: Tier, line: BasketLine, cuts: list[tuple[Cut, int]], left_minor: int, exponent: int
) -> Allocation:
    """Return what the tier takes off a line, with its part of the odd cents, which come last.

    Named as a per cent only where it is that of the whole line.
    """
    total_minor = max(0, line.total_minor)
    amount_minor = sum(amount for _cut, amount in cuts)
    percent = cuts[0][0].percent
    amount_minor += min(left_minor, _odd_off(cuts[0][0], line, amount_minor))
    is_whole = (
        percent is not None
        and len(cuts) == 1
        and amount_minor == percent_off(total_minor, line.quantity, percent)
    )
    return Allocation(
        line_ref=line.ref,
        rule_key=member_rule(tier),
        amount_minor=amount_minor,
        name=tier.name,
        value_type="percentage" if is_whole else "fixed",
        value=f"{percent:f}" if is_whole else minor_text(amount_minor, exponent),
    )


def _applied(
    quote: OfferQuote, basket: BasketFacts, tier: Tier | None, case: OfferCase
) -> tuple[AppliedOffer, ...]:
    """Return the offers that the price has; one that gives nothing is not among them.

    Free shipping is, also where nothing has to be paid for a delivery; it is not used by that.
    """
    offers = {offer.id: offer for offer in case.offers}
    is_shipped = tier is not None and tier.has_free_shipping
    return tuple(
        AppliedOffer(
            offer_id=verdict.offer_id,
            version_id=case.version_ids[verdict.offer_id],
            uses=verdict.uses,
            amount_minor=verdict.amount_minor,
            gift_refs=_gifts(quote, basket, offers[verdict.offer_id]),
        )
        for verdict in quote.verdicts
        if verdict.offer_id in offers
        and verdict.code is Finding.APPLIED
        and (
            verdict.amount_minor > 0
            or (isinstance(offers[verdict.offer_id].benefit, FreeShipping) and not is_shipped)
        )
    )


def _gifts(quote: OfferQuote, basket: BasketFacts, offer: Offer) -> tuple[str, ...]:
    """Return the variants that an offer gives away, one for each unit."""
    if not isinstance(offer.benefit, Gift):
        return ()
    variants = {line.ref: line.goods.variant_ref for line in basket.lines}
    return tuple(
        sorted(
            variants[ref]
            for each in quote.certificate.applications
            if each.offer_id == offer.id
            for ref, count in each.units
            for _unit in range(count)
        )
    )


def _verdict(applied: AppliedOffer, name: str, basket: BasketFacts) -> Verdict:
    if applied.amount_minor:
        off = money_text(applied.amount_minor, basket.currency, basket.exponent)
        words = phrase(_("%(name)s takes %(money)s off this basket."), name=name, money=off)
    else:
        words = phrase(_("%(name)s makes shipping free."), name=name)
    return Verdict(
        rule_key=applied.rule_key,
        code=Finding.APPLIED.value,
        phrase=words,
        amount_minor=applied.amount_minor,
    )
