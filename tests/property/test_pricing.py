"""Every quote of every basket under every program."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from saleor_retention.engine.facts import BasketFacts
from saleor_retention.engine.pricing import POINTS_RULE, member_discount, price, redeemable_base
from saleor_retention.engine.redemption import points_for, value_of
from saleor_retention.engine.rules import ProgramRules
from tests.property.strategies import baskets, customers, points, pricing_programs
from tests.unit.invariants import check_quote

RULES = pricing_programs()


@given(basket=baskets(), rules=RULES, held=points, data=st.data())
def test_quotes_keep_their_invariants(
    basket: BasketFacts, rules: ProgramRules, held: int, data: st.DataObject
) -> None:
    """No line below zero, no gift touched, one row a line and rule, verdicts that add up."""
    quote = price(basket, data.draw(customers(rules)), rules, held)

    check_quote(basket, quote)


@given(basket=baskets(), rules=RULES, held=points, data=st.data())
def test_the_order_of_lines_changes_nothing(
    basket: BasketFacts, rules: ProgramRules, held: int, data: st.DataObject
) -> None:
    """The same quote, to the byte, for any permutation; and the same when asked again."""
    customer = data.draw(customers(rules))
    permuted = replace(basket, lines=tuple(data.draw(st.permutations(basket.lines))))

    quote = price(basket, customer, rules, held)

    assert price(permuted, customer, rules, held) == quote
    assert price(basket, customer, rules, held) == quote


@given(basket=baskets(), rules=RULES, held=points, data=st.data())
def test_points_are_worth_what_they_take_off(
    basket: BasketFacts, rules: ProgramRules, held: int, data: st.DataObject
) -> None:
    """The fewest points that give the discount, exactly its value, within the allowed share."""
    customer = data.draw(customers(rules))

    quote = price(basket, customer, rules, held)

    off = sum(item.amount_minor for item in quote.allocations if item.rule_key == POINTS_RULE)
    if not off:
        assert quote.points_applied == 0
        return
    value = rules.point_values[basket.currency]
    assert quote.points_applied == points_for(off, value)
    assert value_of(quote.points_applied, value) == off
    base = redeemable_base(basket, customer, rules)
    assert off <= base * rules.redemption.order_share_max


@given(basket=baskets(), rules=RULES, fewer=points, more=points, data=st.data())
def test_more_points_never_take_less_off(
    basket: BasketFacts, rules: ProgramRules, fewer: int, more: int, data: st.DataObject
) -> None:
    """And points change nothing about member prices, which come before them."""
    customer = data.draw(customers(rules))
    few, many = sorted((fewer, more))

    with_few, with_many = (price(basket, customer, rules, held) for held in (few, many))

    assert with_few.discount_minor <= with_many.discount_minor
    assert [item for item in with_few.allocations if item.rule_key != POINTS_RULE] == [
        item for item in with_many.allocations if item.rule_key != POINTS_RULE
    ]


@given(basket=baskets(), rules=RULES, data=st.data())
def test_units_of_a_line_cost_the_same(
    basket: BasketFacts, rules: ProgramRules, data: st.DataObject
) -> None:
    """A total that divides by the quantity still does after a per cent off."""
    customer = data.draw(customers(rules))
    lines = {line.ref: line for line in basket.lines}

    for item in price(basket, customer, rules, 0).allocations:
        line = lines[item.line_ref]
        if item.value_type == "percentage" and line.total_minor % line.quantity == 0:
            assert item.amount_minor % line.quantity == 0
            exact = line.total_minor * Fraction(item.value) / 100
            assert abs(item.amount_minor - exact) <= Fraction(line.quantity, 2)


@given(basket=baskets(), rules=RULES, data=st.data())
def test_a_line_is_priced_alone(
    basket: BasketFacts, rules: ProgramRules, data: st.DataObject
) -> None:
    """A member price depends on its own line only, which is what product pages rely on."""
    customer = data.draw(customers(rules))
    tier = rules.tier(customer.tier) if customer else None

    quote = price(basket, customer, rules, 0)

    off = {item.line_ref: item.amount_minor for item in quote.allocations}
    for line in basket.lines:
        if tier is not None and not line.is_gift and not line.is_gift_card:
            assert off.get(line.ref, 0) == member_discount(line, tier, basket.currency)
        else:
            assert line.ref not in off


@given(basket=baskets(), rules=RULES, data=st.data())
def test_every_rule_has_its_verdict(
    basket: BasketFacts, rules: ProgramRules, data: st.DataObject
) -> None:
    """Applied or not, and why, for each tier's prices and for points."""
    quote = price(basket, data.draw(customers(rules)), rules, 0, metric_value=100)

    keys = {verdict.rule_key for verdict in quote.verdicts}
    assert {f"member:{tier.slug}" for tier in rules.ladder.tiers if tier.prices} <= keys
    assert POINTS_RULE in keys
    assert all(verdict.message.endswith(".") for verdict in quote.verdicts)
    assert all(verdict.gap is None or verdict.gap >= 0 for verdict in quote.verdicts)
