"""Offers beside a tier's own prices, as the price pass asks for them: the lowest price of both.

A tier's prices join the search as member prices. What they take off keeps the rule key
"member:<tier>", as in a program without offers, so that nobody who reads rows has to know.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from saleor_retention.engine.facts import BasketFacts, BasketLine
from saleor_retention.engine.money import from_minor, money_text, percent_of
from saleor_retention.engine.offers.best import best_offers
from saleor_retention.engine.offers.eligibility import is_open
from saleor_retention.engine.offers.kinds import Cut, FreeShipping, Gift, MemberPrice, Offer
from saleor_retention.engine.offers.result import Finding, OfferQuote, OfferVerdict
from saleor_retention.engine.offers.situation import Situation
from saleor_retention.engine.quote import Allocation, AppliedOffer, Verdict
from saleor_retention.engine.rules import PriceBenefit, Tier


@dataclass(frozen=True, slots=True)
class OfferCase:
    """The offers that a basket touches, and all that decides about them apart from the basket."""

    offers: tuple[Offer, ...]
    situation: Situation
    version_ids: Mapping[str, int]  # by offer id
    stamp: int  # of the program's offers
    facts: str  # of the shopper, as they were read
    nodes_max: int  # of the search

    def decisive(self) -> list[Any]:
        """Return what decides besides basket, member and rules, for a fingerprint.

        The offers whose window is open are named: the price changes when one opens or closes.
        """
        at = self.situation.at
        is_shipped = any(isinstance(offer.benefit, FreeShipping) for offer in self.offers)
        return [
            self.stamp,
            self.facts,
            sorted(offer.id for offer in self.offers if is_open(offer, at)),
            self.situation.shopper.is_member,
            self.situation.shipping_minor if is_shipped else None,
            self.nodes_max,
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
    offers = joined(case, tier, prices)
    quote = best_offers(basket, offers, case.situation, nodes_max=case.nodes_max)
    applied = _applied(quote, basket, case)
    names = {offer.id: offer.name for offer in case.offers}
    return OfferPrice(
        allocations=tuple(_allocations(quote, basket, tier, prices)),
        verdicts=tuple(_verdict(each, names[each.offer_id], basket) for each in applied),
        applied=applied,
        has_free_shipping=quote.has_free_shipping,
        gap_minor=quote.gap_minor,
    )


def joined(
    case: OfferCase, tier: Tier | None, prices: Mapping[str, Offer]
) -> tuple[Offer, ...]:
    """Return all that competes: offers and tier prices.

    Where the tier ships for nothing no offer is used up for it.
    """
    has_free_shipping = tier is not None and tier.has_free_shipping
    offers = (
        offer
        for offer in case.offers
        if not (has_free_shipping and isinstance(offer.benefit, FreeShipping))
    )
    return (*offers, *prices.values())


def tier_prices(case: OfferCase, tier: Tier | None, currency: str) -> dict[str, Offer]:
    """Return the tier's own prices in a currency as offers, by their ids ("member:<tier>:<n>").

    They come before offers of the same worth, which may be limited.
    """
    if tier is None:
        return {}
    priority = 1 + max((offer.priority for offer in case.offers), default=0)
    found = {}
    for number, benefit in enumerate(tier.prices):
        cut = _cut(benefit, currency)
        if cut is not None:
            key = f"{member_rule(tier)}:{number}"
            price = MemberPrice(benefit.selection, cut)
            found[key] = Offer(key, tier.name, price, priority=priority)
    return found


def member_rule(tier: Tier) -> str:
    """Return the rule key of a tier's own prices."""
    return f"member:{tier.slug}"


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


def _cut(benefit: PriceBenefit, currency: str) -> Cut | None:
    if benefit.percent is not None:
        return Cut(percent=benefit.percent)
    amount_minor = dict(benefit.amount_minor).get(currency)
    return None if amount_minor is None else Cut(amount_minor=amount_minor)


def _allocations(
    quote: OfferQuote, basket: BasketFacts, tier: Tier | None, prices: Mapping[str, Offer]
) -> Iterator[Allocation]:
    """Yield one allocation for a line and a rule, the tier's own under its name."""
    lines = {line.ref: line for line in basket.lines}
    keys = {price.rule_key: price for price in prices.values()}
    left = {ref: max(0, line.total_minor) for ref, line in lines.items()}
    own: dict[str, list[tuple[Cut, int]]] = {}
    for item in quote.allocations:
        left[item.line_ref] -= item.amount_minor
        if item.rule_key not in keys:
            yield item
            continue
        benefit = keys[item.rule_key].benefit
        assert isinstance(benefit, MemberPrice)  # noqa: S101 - tier_prices makes no others
        own.setdefault(item.line_ref, []).append((benefit.cut, item.amount_minor))
    if tier is not None:
        for ref, cuts in sorted(own.items()):
            yield _tier_allocation(tier, lines[ref], cuts, left[ref], basket.exponent)


def _tier_allocation(
    tier: Tier, line: BasketLine, cuts: list[tuple[Cut, int]], left_minor: int, exponent: int
) -> Allocation:
    """Return what the tier takes off a line, with its part of the odd cents, which come last.

    Named as a per cent only where it is that of the whole line.
    """
    total_minor = max(0, line.total_minor)
    amount_minor = sum(amount for _cut, amount in cuts)
    percents = [cut.percent for cut, _amount in cuts]
    percent = percents[0]
    if percent is not None:
        amount_minor += min(left_minor, percent_of(total_minor % line.quantity, percent))
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
        value=f"{percent:f}" if is_whole else f"{from_minor(amount_minor, exponent):f}",
    )


def _applied(quote: OfferQuote, basket: BasketFacts, case: OfferCase) -> tuple[AppliedOffer, ...]:
    """Return the offers that the price has; one that gives nothing is not used."""
    offers = {offer.id: offer for offer in case.offers}
    return tuple(
        AppliedOffer(
            offer_id=verdict.offer_id,
            version_id=case.version_ids[verdict.offer_id],
            uses=verdict.uses,
            amount_minor=verdict.amount_minor,
            gift_refs=_gifts(quote, basket, offers[verdict.offer_id]),
        )
        for verdict in quote.verdicts
        if verdict.offer_id in offers and _is_used(verdict, offers[verdict.offer_id])
    )


def _is_used(verdict: OfferVerdict, offer: Offer) -> bool:
    is_shipping = isinstance(offer.benefit, FreeShipping)
    return verdict.code is Finding.APPLIED and (verdict.amount_minor > 0 or is_shipping)


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
        message = f"{name} takes {off} off this basket."
    else:
        message = f"{name} makes shipping free."
    return Verdict(
        rule_key=f"offer:{applied.offer_id}",
        code=Finding.APPLIED.value,
        message=message,
        amount_minor=applied.amount_minor,
    )
