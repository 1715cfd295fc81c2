"""Prices a basket: offers, member prices, free shipping and points, lane after lane, in one quote.

Where a program has offers, ``engine.offers`` finds the lowest price of all lanes before points;
without any, each lane here decides by itself: the same price, and it costs less. Lanes apply in
sequence and add up; inside a lane a unit of goods serves one benefit. Each lane sees what the lanes
before it left of every line, so that no line falls below zero. The answer does not depend on the
order of the basket's lines: ties are decided by line reference.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from saleor_retention.engine.facts import BasketFacts, BasketLine, CustomerFacts
from saleor_retention.engine.money import allocate_capped, minor_text, money_text
from saleor_retention.engine.offers.quoting import OfferCase, lowest, member_rule, percent_off
from saleor_retention.engine.phrases import Phrase, _, counted, ngettext, phrase
from saleor_retention.engine.quote import (
    ENGINE_VERSION,
    Allocation,
    AppliedOffer,
    Quote,
    Verdict,
)
from saleor_retention.engine.redemption import points_for, value_of
from saleor_retention.engine.rules import PriceBenefit, ProgramRules, Tier
from saleor_retention.engine.selections import matches

POINTS_RULE = "points"


class Finding(StrEnum):
    """The stable codes of verdicts."""

    APPLIED = "APPLIED"
    PARTLY_APPLIED = "PARTLY_APPLIED"  # the basket bears fewer points than are held
    NOT_A_MEMBER = "NOT_A_MEMBER"
    TIER_TOO_LOW = "TIER_TOO_LOW"  # the gap says what is missing to the tier
    OTHER_TIER = "OTHER_TIER"  # the member's own, higher tier decides
    NO_MATCHING_GOODS = "NO_MATCHING_GOODS"
    NO_EFFECT = "NO_EFFECT"  # the goods match, and rounding or a price of zero leaves nothing off
    NO_REDEMPTION = "NO_REDEMPTION"
    REDEMPTION_DISABLED = "REDEMPTION_DISABLED"
    NO_POINT_VALUE = "NO_POINT_VALUE"
    NOTHING_TO_REDEEM_ON = "NOTHING_TO_REDEEM_ON"


@dataclass(frozen=True, slots=True)
class _Case:
    """What every lane looks at."""

    basket: BasketFacts
    lines: tuple[BasketLine, ...]  # those that offers may touch, by reference
    currency: str
    exponent: int
    rules: ProgramRules
    is_member: bool
    tier: Tier | None
    points_held: int
    metric_value: int | None
    offers: OfferCase | None

    def money(self, minor: int) -> str:
        """Return an amount of the basket's currency in words."""
        return money_text(minor, self.currency, self.exponent)


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What one lane decided."""

    allocations: tuple[Allocation, ...] = ()
    verdicts: tuple[Verdict, ...] = ()
    points_applied: int = 0
    has_free_shipping: bool = False
    applied: tuple[AppliedOffer, ...] = ()
    gap_minor: int = 0


def price(
    basket: BasketFacts,
    customer: CustomerFacts | None,
    rules: ProgramRules,
    points_held: int,
    *,
    metric_value: int | None = None,
    version: str = "",
    offers: OfferCase | None = None,
) -> Quote:
    """Return the quote of a basket for a customer under the rules.

    Gifts and gift cards are left alone. ``points_held`` are the points of this checkout's hold;
    minimum and block size were judged when it was placed, here it is only cut to what the basket
    bears: its goods, the share of them that points may pay, and whole points. ``metric_value`` is
    the member's standing on the ladder, for saying what is missing to the next tier, and
    ``version`` names the rules in the fingerprint. ``offers`` are those of the program that the
    basket touches; None where it has none at all. Two lines of one reference raise ``ValueError``.

    Three lines for a VIP with 5 % off who holds 500 points. The first costs 9.99 for three: people
    expect 5 % of 9.99, 0.50; they get 17 cents on each of three, 0.51, because all units cost
    the same.

    >>> vip = rules(ladder=ladder(tier("vip", percent="5")))
    >>> three = basket(basket_line(1, 999, quantity=3), 2000, 101)
    >>> quote = price(three, member("vip"), vip, points_held=500)
    >>> [(item.line_ref, item.rule_key, item.amount_minor) for item in quote.allocations[:3]]
    [('line-1', 'member:vip', 51), ('line-2', 'member:vip', 100), ('line-3', 'member:vip', 5)]
    >>> [(item.line_ref, item.amount_minor) for item in quote.allocations[3:]]
    [('line-1', 161), ('line-2', 323), ('line-3', 16)]
    >>> quote.points_applied
    500
    """
    case = _case(basket, customer, rules, points_held, metric_value, offers)
    left = {line.ref: max(0, line.total_minor) for line in case.lines}
    outcomes = []
    for lane in _lanes(case):
        outcome = lane(case, left)
        for allocation in outcome.allocations:
            left[allocation.line_ref] -= allocation.amount_minor
        outcomes.append(outcome)
    return Quote(
        basket_fingerprint=basket_fingerprint(basket),
        fingerprint=fingerprint(basket, customer, points_held, version, offers),
        allocations=tuple(item for outcome in outcomes for item in outcome.allocations),
        verdicts=tuple(item for outcome in outcomes for item in outcome.verdicts),
        points_held=points_held,
        points_applied=sum(outcome.points_applied for outcome in outcomes),
        has_free_shipping=any(outcome.has_free_shipping for outcome in outcomes),
        applied=tuple(item for outcome in outcomes for item in outcome.applied),
        gap_minor=sum(outcome.gap_minor for outcome in outcomes),
    )


def redeemable_base(
    basket: BasketFacts,
    customer: CustomerFacts | None,
    rules: ProgramRules,
    offers: OfferCase | None = None,
) -> int:
    """Return what points could pay for at most: goods after all other lanes, in minor units.

    The base of ``redemption.clamp``; gifts and gift cards are not in it, nor is shipping.
    """
    quote = price(basket, customer, rules, 0, offers=offers)
    goods = sum(max(0, line.total_minor) for line in basket.lines if _is_open_to_offers(line))
    return goods - quote.discount_minor


def member_discount(line: BasketLine, tier: Tier, currency: str) -> int:
    """Return what the tier's best price takes off the whole line, in minor units.

    For product pages, which show one unit's member price to the asking customer.
    """
    best = _best(line, max(0, line.total_minor), tier.prices, currency)
    return best[1] if best else 0


def basket_fingerprint(basket: BasketFacts) -> str:
    """Return a digest of what the shopper put together: lines, quantities, prices, currency, user.

    The order of the lines does not matter.
    """
    lines = sorted(
        [
            [
                line.ref,
                line.goods.variant_ref,
                line.quantity,
                line.unit_minor,
                line.total_minor,
                line.is_gift,
                line.is_gift_card,
            ]
            for line in basket.lines
        ]
    )
    return _digest([basket.channel_ref, basket.currency, basket.user_ref, lines])


def fingerprint(
    basket: BasketFacts,
    customer: CustomerFacts | None,
    points_held: int,
    version: str = "",
    offers: OfferCase | None = None,
) -> str:
    """Return a digest of the basket and everything else that decides its price.

    That is the rules' version, the engine's, the tier, the points held, and what the goods are
    selected by: a product that changes its collection changes the price. With offers also what
    decides about those: who the shopper is to them, and which of them are open now.
    """
    goods = sorted(
        [
            [
                line.ref,
                line.goods.product_ref,
                sorted(line.goods.category_refs),
                sorted(line.goods.collection_refs),
            ]
            for line in basket.lines
        ]
    )
    tier = None if customer is None else [customer.tier]
    deciding = [basket_fingerprint(basket), goods, tier, points_held, version, ENGINE_VERSION]
    if offers is not None:
        deciding.append(offers.decisive(basket))
    return _digest(deciding)


def _case(
    basket: BasketFacts,
    customer: CustomerFacts | None,
    rules: ProgramRules,
    points_held: int,
    metric_value: int | None,
    offers: OfferCase | None,
) -> _Case:
    if points_held < 0:
        raise ValueError("Points held cannot be negative.")
    if len({line.ref for line in basket.lines}) != len(basket.lines):
        raise ValueError("Two basket lines have the same reference.")
    lines = sorted(filter(_is_open_to_offers, basket.lines), key=lambda line: line.ref)
    return _Case(
        basket=basket,
        lines=tuple(lines),
        currency=basket.currency,
        exponent=basket.exponent,
        rules=rules,
        is_member=customer is not None,
        tier=rules.tier(customer.tier) if customer else None,
        points_held=points_held,
        metric_value=metric_value,
        offers=offers,
    )


def _lanes(case: _Case) -> tuple[Callable[[_Case, Mapping[str, int]], _Outcome], ...]:
    """Return the lanes in their order; offers that no goods meet change nothing."""
    if case.offers is not None and case.offers.offers:
        return (_offer_lanes, _points_lane)
    return (_member_lane, _order_lane, _points_lane)


def _is_open_to_offers(line: BasketLine) -> bool:
    return line.quantity > 0 and not line.is_gift and not line.is_gift_card


# --- member lane ----------------------------------------------------------------------------------


def _member_lane(case: _Case, left: Mapping[str, int]) -> _Outcome:
    """Give each line the best price of the member's tier; say why the other tiers' do not apply."""
    own = _tier_prices(case, left, case.tier) if case.tier else ()
    return _Outcome(allocations=own, verdicts=_tier_verdicts(case, left, own))


def _tier_verdicts(
    case: _Case, left: Mapping[str, int], own: tuple[Allocation, ...]
) -> tuple[Verdict, ...]:
    return tuple(
        _own_tier_verdict(case, tier, own)
        if tier == case.tier
        else _other_tier_verdict(case, left, tier, sum(item.amount_minor for item in own))
        for tier in case.rules.ladder.tiers
        if tier.prices
    )


def _tier_prices(case: _Case, left: Mapping[str, int], tier: Tier) -> tuple[Allocation, ...]:
    allocations = []
    for line in case.lines:
        best = _best(line, left[line.ref], tier.prices, case.currency)
        if best is None or not best[1]:
            continue
        benefit, amount_minor = best
        percent = benefit.percent
        allocations.append(
            Allocation(
                line_ref=line.ref,
                rule_key=member_rule(tier),
                amount_minor=amount_minor,
                name=tier.name,
                value_type="fixed" if percent is None else "percentage",
                value=_amount_text(case, amount_minor) if percent is None else f"{percent:f}",
            )
        )
    return tuple(allocations)


def _best(
    line: BasketLine, left_minor: int, benefits: Iterable[PriceBenefit], currency: str
) -> tuple[PriceBenefit, int] | None:
    """Return the benefit that takes most off the line and how much; the first of equals."""
    candidates = [
        (benefit, _benefit_off(benefit, line.quantity, left_minor, currency))
        for benefit in benefits
        if matches(benefit.selection, line.goods)
    ]
    return max(candidates, key=lambda candidate: candidate[1], default=None)


def _benefit_off(benefit: PriceBenefit, quantity: int, left_minor: int, currency: str) -> int:
    """Return what a benefit takes off the units of a line; never more than the line costs."""
    if benefit.percent is None:
        each_minor = dict(benefit.amount_minor).get(currency, 0)
        return min(left_minor, quantity * each_minor)
    return min(left_minor, percent_off(left_minor, quantity, benefit.percent))


_NO_PRICE = _("%(name)s has no price for any goods in this basket.")


def _own_tier_verdict(case: _Case, tier: Tier, own: Iterable[Allocation]) -> Verdict:
    off = sum(item.amount_minor for item in own)
    if off:
        return Verdict(
            rule_key=member_rule(tier),
            code=Finding.APPLIED.value,
            phrase=phrase(
                _("%(name)s takes %(money)s off this basket."),
                name=tier.name,
                money=case.money(off),
            ),
            amount_minor=off,
        )
    code, message = Finding.NO_EFFECT, _("%(name)s takes nothing off these goods at their prices.")
    if not _any_goods_match(case, tier):
        code, message = Finding.NO_MATCHING_GOODS, _NO_PRICE
    elif case.offers is not None and case.offers.offers:
        message = _("%(name)s takes nothing more off these goods than offers do.")
    return Verdict(member_rule(tier), code.value, phrase(message, name=tier.name))


def _other_tier_verdict(case: _Case, left: Mapping[str, int], tier: Tier, own_off: int) -> Verdict:
    rule_key = member_rule(tier)
    if not case.is_member:
        message = _("%(name)s prices are for members; this basket has no member.")
        return Verdict(rule_key, Finding.NOT_A_MEMBER.value, phrase(message, name=tier.name))
    if case.tier is not None and tier.threshold < case.tier.threshold:
        message = _("%(higher)s is the higher tier and decides instead of %(name)s.")
        words = phrase(message, name=tier.name, higher=case.tier.name)
        return Verdict(rule_key, Finding.OTHER_TIER.value, words)
    if not _any_goods_match(case, tier):
        words = phrase(_NO_PRICE, name=tier.name)
        return Verdict(rule_key, Finding.NO_MATCHING_GOODS.value, words)
    more = sum(item.amount_minor for item in _tier_prices(case, left, tier)) - own_off
    words = phrase(_("%(name)s is not reached yet."), name=tier.name)
    if more > 0:
        message = _("%(name)s is not reached yet; it would take %(money)s more off this basket.")
        words = phrase(message, name=tier.name, money=case.money(more))
    gap = None
    if case.metric_value is not None:
        gap = max(0, tier.threshold - case.metric_value)
    return Verdict(rule_key, Finding.TIER_TOO_LOW.value, words, gap=gap)


def _any_goods_match(case: _Case, tier: Tier) -> bool:
    return any(
        matches(benefit.selection, line.goods)
        and (benefit.percent is not None or case.currency in dict(benefit.amount_minor))
        for benefit in tier.prices
        for line in case.lines
    )


# --- order lane -----------------------------------------------------------------------------------


def _order_lane(case: _Case, _left: Mapping[str, int]) -> _Outcome:
    """Say whether shipping is free; the host adapter makes it so."""
    verdicts = []
    for tier in case.rules.ladder.tiers:
        if not tier.has_free_shipping:
            continue
        rule_key = f"shipping:{tier.slug}"
        if tier == case.tier:
            words = phrase(_("%(name)s has free shipping."), name=tier.name)
            verdicts.append(Verdict(rule_key, Finding.APPLIED.value, words))
        elif not case.is_member:
            message = _("Free shipping with %(name)s is for members; this basket has no member.")
            words = phrase(message, name=tier.name)
            verdicts.append(Verdict(rule_key, Finding.NOT_A_MEMBER.value, words))
        elif case.tier is None or case.tier.threshold < tier.threshold:
            gap = None
            if case.metric_value is not None:
                gap = max(0, tier.threshold - case.metric_value)
            message = _("%(name)s, which has free shipping, is not reached yet.")
            words = phrase(message, name=tier.name)
            verdicts.append(Verdict(rule_key, Finding.TIER_TOO_LOW.value, words, gap=gap))
    is_free = case.tier is not None and case.tier.has_free_shipping
    return _Outcome(verdicts=tuple(verdicts), has_free_shipping=is_free)


# --- offers, with the two lanes above -------------------------------------------------------------


def _offer_lanes(case: _Case, left: Mapping[str, int]) -> _Outcome:
    """Let offers and the tier's prices compete for the lowest price.

    What another tier would take off beside the offers would be a search of its own; the verdicts
    say only what is missing to it.
    """
    assert case.offers is not None  # noqa: S101 - see _lanes
    found = lowest(case.basket, case.tier, case.offers)
    rule_key = member_rule(case.tier) if case.tier else None
    own = tuple(item for item in found.allocations if item.rule_key == rule_key)
    nothing = dict.fromkeys(left, 0)
    shipping = _order_lane(case, left)
    return _Outcome(
        allocations=found.allocations,
        verdicts=(*_tier_verdicts(case, nothing, own), *shipping.verdicts, *found.verdicts),
        has_free_shipping=shipping.has_free_shipping or found.has_free_shipping,
        applied=found.applied,
        gap_minor=found.gap_minor,
    )


# --- points ---------------------------------------------------------------------------------------


def _points_lane(case: _Case, left: Mapping[str, int]) -> _Outcome:
    """Spread what the held points are worth over the lines, in proportion to what is left of them.

    Cut to whole points first: where one point is worth 1.00 and 1.50 is left, one point pays 1.00,
    so that no point is burned for less than it is worth.
    """
    point_value = case.rules.point_values.get(case.currency)
    if not case.points_held:
        words = phrase(_("No points are set for this basket."))
        return _no_points(Finding.NO_REDEMPTION, words)
    if not case.rules.redemption.is_enabled:
        words = phrase(_("This program does not take points."))
        return _no_points(Finding.REDEMPTION_DISABLED, words)
    if not point_value or point_value < 0:
        words = phrase(_("Points have no value in %(currency)s."), currency=case.currency)
        return _no_points(Finding.NO_POINT_VALUE, words)
    payable_minor = math.floor(sum(left.values()) * case.rules.redemption.order_share_max)
    points = min(case.points_held, math.floor(payable_minor / point_value))
    value_minor = value_of(points, point_value)
    if not value_minor:
        words = phrase(_("Nothing in this basket can be paid with points."))
        return _no_points(Finding.NOTHING_TO_REDEEM_ON, words)
    points = points_for(value_minor, point_value)
    spread = allocate_capped(value_minor, [left[line.ref] for line in case.lines])
    allocations = tuple(
        Allocation(
            line_ref=line.ref,
            rule_key=POINTS_RULE,
            amount_minor=amount_minor,
            name="Points",
            value=_amount_text(case, amount_minor),
        )
        for line, amount_minor in zip(case.lines, spread, strict=True)
        if amount_minor
    )
    is_whole = value_minor == value_of(case.points_held, point_value)
    verdict = Verdict(
        rule_key=POINTS_RULE,
        code=(Finding.APPLIED if is_whole else Finding.PARTLY_APPLIED).value,
        phrase=counted(points, _points_take(points), money=case.money(value_minor)),
        amount_minor=value_minor,
    )
    return _Outcome(allocations, (verdict,), points_applied=points)


def _points_take(points: int) -> tuple[str, str, int]:
    return ngettext(
        "%(number)s point takes %(money)s off this basket.",
        "%(number)s points take %(money)s off this basket.",
        points,
    )


def _no_points(code: Finding, words: Phrase) -> _Outcome:
    return _Outcome(verdicts=(Verdict(POINTS_RULE, code.value, words),))


def _amount_text(case: _Case, minor: int) -> str:
    return minor_text(minor, case.exponent)


def _digest(content: Any) -> str:
    text = json.dumps(content, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()
