"""The ready programs are valid in every currency and do what the shop owners described."""

from __future__ import annotations

import pytest

from saleor_retention.engine import pricing
from saleor_retention.engine.parsing import dump_program, parse_program
from saleor_retention.engine.rules import Metric, ProgramRules
from saleor_retention.engine.templates import template, template_names
from saleor_retention.engine.tiers import reached
from tests.unit.builders import EXPONENTS, basket, member


def program(name: str, currency: str = "USD") -> ProgramRules:
    """Return a template's rules; it has no problem, not even a warning."""
    rules, problems = parse_program(template(name, currency, EXPONENTS[currency]), EXPONENTS)
    assert problems == []
    assert rules is not None
    return rules


@pytest.mark.parametrize("currency", EXPONENTS)
@pytest.mark.parametrize("name", template_names())
def test_templates_are_valid(name: str, currency: str) -> None:
    """In currencies of no, two and three decimals, and they come back from storage."""
    rules = program(name, currency)

    assert parse_program(dump_program(rules, EXPONENTS), EXPONENTS) == (rules, [])


def test_there_is_no_other_template() -> None:
    """An unknown name is a mistake."""
    assert template_names() == ("points", "free_shipping_club", "four_tiers")
    with pytest.raises(KeyError):
        template("five_tiers", "USD", 2)


def test_c29_four_tiers_by_spend() -> None:
    """Regular, advanced, VIP, supreme; each gives more on every axis than the one below."""
    ladder = program("four_tiers").ladder

    assert ladder.metric is Metric.SPEND
    assert [(tier.name, tier.threshold) for tier in ladder.tiers] == [
        ("Regular", 0),
        ("Advanced", 20_000),
        ("VIP", 50_000),
        ("Supreme", 150_000),
    ]
    assert [tier.earn_multiplier for tier in ladder.tiers] == sorted(
        tier.earn_multiplier for tier in ladder.tiers
    )
    supreme = ladder.tiers[-1]
    assert supreme.return_window_days is not None  # C31: service
    assert supreme.has_free_shipping  # logistics
    assert supreme.prices  # discounts
    assert dict(supreme.perks)["care"]  # care


def test_c30_one_purchase_ships_free_and_spend_takes_5_per_cent_off() -> None:
    """The smallest purchase that is kept reaches the first step, spend above X the second."""
    rules = program("free_shipping_club")
    goods = basket(10_000)

    assert reached(rules.ladder, 0) is None
    after_one = reached(rules.ladder, 1)
    above_x = reached(rules.ladder, 50_000)
    assert after_one is not None
    assert above_x is not None
    first = pricing.price(goods, member(after_one.slug), rules, 0)
    second = pricing.price(goods, member(above_x.slug), rules, 0)
    assert (first.has_free_shipping, first.discount_minor) == (True, 0)
    assert (second.has_free_shipping, second.discount_minor) == (True, 500)
