"""Every quote of every basket under every program and every set of offers."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from saleor_retention.engine.offers.checker import check
from saleor_retention.engine.offers.quoting import OfferCase, compete, tier_prices
from saleor_retention.engine.pricing import POINTS_RULE, price, redeemable_base
from saleor_retention.engine.quote import Quote
from saleor_retention.engine.rules import ProgramRules
from tests.property.offer_strategies import Case, cases
from tests.property.strategies import customers, points, pricing_programs
from tests.unit.invariants import check_quote

RULES = pricing_programs()


def put(case: Case) -> OfferCase:
    """Return the case's offers as the price pass gets them."""
    return OfferCase(
        offers=case.offers,
        situation=case.situation,
        version_ids={offer.id: int(offer.id) + 10 for offer in case.offers},
        stamp=1,
        nodes_max=200_000,
    )


def before_points(quote: Quote) -> int:
    """Return what comes off before points do."""
    return sum(item.amount_minor for item in quote.allocations if item.rule_key != POINTS_RULE)


@given(case=cases(), rules=RULES, held=points, data=st.data())
def test_quotes_with_offers_keep_their_invariants(
    case: Case, rules: ProgramRules, held: int, data: st.DataObject
) -> None:
    """No line below zero, one row a line and rule, verdicts that add up; the checker agrees."""
    customer, offers = data.draw(customers(rules)), put(case)

    quote = price(case.basket, customer, rules, held, offers=offers)

    check_quote(case.basket, quote)
    tier = rules.tier(customer.tier) if customer else None
    prices = tier_prices(offers, tier, case.basket.currency)
    at = case.situation
    if tier is not None and tier.has_free_shipping:
        at = replace(at, shipping_minor=0)
    found = compete(case.basket, tier, offers, prices)
    check(found, case.basket, (*case.offers, *prices.values()), at)
    applied = {item.rule_key: item.amount_minor for item in quote.applied}
    for item in quote.allocations:
        if item.rule_key.startswith("offer:"):
            applied[item.rule_key] -= item.amount_minor
    assert set(applied.values()) <= {0, at.shipping_minor}
    base = redeemable_base(case.basket, customer, rules, offers)
    goods = sum(line.total_minor for line in case.basket.lines)
    assert base == goods - before_points(quote) >= 0


@given(case=cases(), rules=RULES, held=points, data=st.data())
def test_the_order_of_lines_and_offers_changes_nothing(
    case: Case, rules: ProgramRules, held: int, data: st.DataObject
) -> None:
    """The same quote, to the byte, for any permutation of either."""
    customer = data.draw(customers(rules))
    basket = replace(case.basket, lines=tuple(data.draw(st.permutations(case.basket.lines))))
    offers = replace(case, offers=tuple(data.draw(st.permutations(case.offers))))

    quote = price(case.basket, customer, rules, held, offers=put(case))

    assert price(basket, customer, rules, held, offers=put(offers)) == quote


@given(case=cases(), rules=RULES, data=st.data())
def test_offers_never_make_a_member_pay_more(
    case: Case, rules: ProgramRules, data: st.DataObject
) -> None:
    """What a tier takes off without offers is the least that comes off with them."""
    customer = data.draw(customers(rules))

    alone = price(case.basket, customer, rules, 0)
    beside = price(case.basket, customer, rules, 0, offers=put(case))

    shipping = sum(
        item.amount_minor
        for item in beside.applied
        if item.amount_minor and item.rule_key not in {each.rule_key for each in beside.allocations}
    )
    assert before_points(beside) + shipping >= before_points(alone)
