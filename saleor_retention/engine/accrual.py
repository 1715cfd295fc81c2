"""What an order earns, and what it still earns after returns and refunds.

All terms are frozen when the order is created (rule version, tier, the multipliers of that day),
so the same function gives the points of the whole order (E) and of what is kept of it (K), at any
later time and however often it is asked.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from saleor_retention.engine.facts import BasketLine, GoodsFacts, OrderFacts, OrderState, Origin
from saleor_retention.engine.money import allocate, round_half_up
from saleor_retention.engine.periods import local_date
from saleor_retention.engine.rules import Multiplier, ProgramRules
from saleor_retention.engine.selections import is_everything, matches

SHIPPING_REF = ""
"""Stands for the order's shipping among the lines of an accrual."""


@dataclass(frozen=True, slots=True)
class EarnTerms:
    """What decides an order's points, frozen when the order is created."""

    rules: ProgramRules
    tier: str | None = None  # slug of the member's tier at that time


@dataclass(frozen=True, slots=True)
class Accrual:
    """Points of an order and how they fall on its lines; the parts add up to the whole."""

    points: int
    by_line: tuple[tuple[str, int], ...] = ()  # (line ref or SHIPPING_REF, points)


@dataclass(frozen=True, slots=True)
class _Part:
    """One line's (or the shipping's) contribution, before the one rounding."""

    ref: str
    basis_minor: Fraction
    factor: Fraction


def may_earn(order: OrderFacts, rules: ProgramRules) -> bool:
    """Return whether the program lets orders of this origin earn.

    Checkouts and point-of-sale receipts always earn; drafts, reissues and bulk imports follow
    their settings.
    """
    match order.origin:
        case Origin.DRAFT:
            return rules.earns_on_drafts
        case Origin.REISSUE:
            return rules.earns_on_reissues
        case Origin.BULK:
            return rules.earns_on_bulk_orders
        case Origin.CHECKOUT | Origin.POS:
            return True


def earn(order: OrderFacts, terms: EarnTerms) -> Accrual:
    """Return E: the points of everything bought, whatever was returned since.

    Floor over the whole order of the sum of line basis x rate x multipliers, then spread over the
    lines by largest remainder (ties to the earlier line). The basis is what the customer pays for
    the line after every discount, the part paid by points included; gift cards bought have none.
    Zero where the currency has no rate or the origin does not earn. Source: semantics, Numbers.

    Worked example V3, one point per 10.00. People who round each line expect 1 + 1; the order
    earns 3, because two lines of 15.00 are 30.00:

    >>> earn(order(1500, 1500), EarnTerms(rules(points_per="10.00")))
    Accrual(points=3, by_line=(('line-1', 2), ('line-2', 1)))
    """
    return _accrue(order, terms, [Fraction(1)] * len(order.lines))


def kept(order: OrderFacts, terms: EarnTerms) -> Accrual:
    """Return the points of what the customer keeps, after goods and money-only refunds.

    A function of the order's state alone, which makes refunds add up: two of 20 % leave what one
    of 40 % leaves. Shipping that earns is kept as long as any goods are. Nothing kept is zero, so
    that a full refund takes exactly E. Source: semantics, Refund, return, cancel.

    >>> terms = EarnTerms(rules(points_per="10.00"))
    >>> kept(returned(order(1500, 1500), "line-1"), terms).points
    1
    """
    return _accrue(order, terms, kept_shares(order))


def kept_shares(order: OrderFacts) -> list[Fraction]:
    """Return for each line which share of it the customer keeps and has not been paid back.

    Returned units leave by quantity. Of the money refunded (less shipping) only what exceeds the
    value of the returned goods is a money-only refund; it is spread over the kept lines in
    proportion to what is left of them. Exact fractions, each from 0 to 1.
    """
    if order.state is OrderState.CANCELED:
        return [Fraction(0)] * len(order.lines)
    by_quantity = [_kept_by_quantity(line.quantity, line.quantity_returned) for line in order.lines]
    kept_money = sum(
        (share * line.gross_minor for share, line in zip(by_quantity, order.lines, strict=True)),
        Fraction(0),
    )
    money_only = max(0, _goods_money_refunded(order) - _value_of_returned(order))
    if not money_only or not kept_money:
        return by_quantity
    left = max(Fraction(0), 1 - Fraction(money_only) / kept_money)
    return [share * left for share in by_quantity]


def keeps_goods(order: OrderFacts) -> bool:
    """Return whether the customer keeps anything that was paid for.

    In an order that cost nothing, whether any goods are kept. A free gift alone keeps no order.
    """
    return _keeps_goods(order, kept_shares(order))


def kept_spend(order: OrderFacts, terms: EarnTerms) -> int:
    """Return the kept basis in minor units of the order's currency, for ladders that count spend.

    The same basis that earns, without rate and multipliers, rounded down; zero for an order whose
    origin does not earn, so that a replacement is no second purchase.
    """
    if not may_earn(order, terms.rules):
        return 0
    parts = _parts(order, terms, kept_shares(order))
    return math.floor(sum((max(Fraction(0), part.basis_minor) for part in parts), Fraction(0)))


def quoted(
    lines: Sequence[tuple[BasketLine, int]], currency: str, at: dt.datetime, terms: EarnTerms
) -> int:
    """Return the points that a cart would earn at ``at``.

    ``lines`` pairs each line with its basis in minor units: what the shopper would pay for it,
    with or without tax as the program says. Shipping is not quoted, as it is chosen later.
    """
    tier_factor, of_the_day = _factors(terms, at)
    parts = [
        _Part(line.ref, Fraction(basis_minor), tier_factor * _factor_of(line.goods, of_the_day))
        for line, basis_minor in lines
        if not line.is_gift_card
    ]
    return _points(parts, currency, terms).points


def _accrue(order: OrderFacts, terms: EarnTerms, shares: Sequence[Fraction]) -> Accrual:
    if not may_earn(order, terms.rules):
        return Accrual(0)
    return _points(_parts(order, terms, shares), order.currency, terms)


def _parts(order: OrderFacts, terms: EarnTerms, shares: Sequence[Fraction]) -> list[_Part]:
    rules = terms.rules
    tier_factor, of_the_day = _factors(terms, order.created_at)
    parts = []
    for line, share in zip(order.lines, shares, strict=True):
        if line.is_gift_card:
            continue
        basis_minor = line.gross_minor if rules.earns_on_tax else line.net_minor
        factor = tier_factor * _factor_of(line.goods, of_the_day)
        parts.append(_Part(line.ref, basis_minor * share, factor))
    if rules.earns_on_shipping and _keeps_goods(order, shares):
        basis_minor = order.shipping_gross_minor if rules.earns_on_tax else order.shipping_net_minor
        factor = tier_factor * _factor_of(None, of_the_day)
        parts.append(_Part(SHIPPING_REF, Fraction(basis_minor), factor))
    return parts


def _points(parts: Sequence[_Part], currency: str, terms: EarnTerms) -> Accrual:
    rate = terms.rules.earn_rates.get(currency)
    if rate is None or not rate.per_minor:
        return Accrual(0)
    per_minor_unit = rate.points / rate.per_minor
    exact = [max(Fraction(0), part.basis_minor) * part.factor * per_minor_unit for part in parts]
    points = math.floor(sum(exact, Fraction(0)))
    if terms.rules.earn_caps.per_order is not None:
        points = min(points, terms.rules.earn_caps.per_order)
    if not points:
        return Accrual(0)
    common = math.lcm(*(value.denominator for value in exact))
    spread = allocate(points, [int(value * common) for value in exact])
    by_line = tuple((part.ref, share) for part, share in zip(parts, spread, strict=True) if share)
    return Accrual(points, by_line)


def _factors(terms: EarnTerms, at: dt.datetime) -> tuple[Fraction, list[Multiplier]]:
    """Return the tier's factor and the multipliers of the local day."""
    day = local_date(at, terms.rules.time_zone)
    tier = terms.rules.tier(terms.tier)
    of_the_day = [multiplier for multiplier in terms.rules.multipliers if _is_on(multiplier, day)]
    return (tier.earn_multiplier if tier else Fraction(1)), of_the_day


def _is_on(multiplier: Multiplier, day: dt.date) -> bool:
    if multiplier.starts_on is not None and day < multiplier.starts_on:
        return False
    if multiplier.ends_on is not None and day > multiplier.ends_on:
        return False
    return not multiplier.weekdays or day.weekday() in multiplier.weekdays


def _factor_of(goods: GoodsFacts | None, multipliers: Iterable[Multiplier]) -> Fraction:
    """Return the product of all matching factors; None stands for shipping, which is no goods."""
    factor = Fraction(1)
    for multiplier in multipliers:
        if is_everything(multiplier.selection) or (
            goods is not None and matches(multiplier.selection, goods)
        ):
            factor *= multiplier.factor
    return factor


def _keeps_goods(order: OrderFacts, shares: Sequence[Fraction]) -> bool:
    cost_something = any(line.gross_minor > 0 for line in order.lines)
    return any(
        share and (line.gross_minor > 0 or not cost_something)
        for line, share in zip(order.lines, shares, strict=True)
    )


def _kept_by_quantity(quantity: int, quantity_returned: int) -> Fraction:
    if quantity <= 0:
        return Fraction(0)
    return Fraction(quantity - min(max(0, quantity_returned), quantity), quantity)


def _goods_money_refunded(order: OrderFacts) -> int:
    """Return M: money refunded, less shipping."""
    return max(0, order.refunded_minor - order.refunded_shipping_minor)


def _value_of_returned(order: OrderFacts) -> int:
    """Return G in whole minor units.

    A shop refunds returned units at the rounded unit price, which may be a little more than their
    exact part of the line. That difference is no money-only refund, so G is the greater of the two.
    """
    value = 0
    for line in order.lines:
        returned = min(max(0, line.quantity_returned), line.quantity)
        if not returned:
            continue
        exact = math.ceil(Fraction(line.gross_minor * returned, line.quantity))
        at_unit_price = returned * round_half_up(Fraction(line.gross_minor, line.quantity))
        value += min(line.gross_minor, max(exact, at_unit_price))
    return value
