"""What holds for every basket and every set of offers."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from saleor_retention.engine.offers.best import best_offers
from saleor_retention.engine.offers.checker import check
from saleor_retention.engine.offers.index import OfferIndex
from saleor_retention.engine.offers.result import OfferQuote
from tests.property.offer_strategies import (
    Case,
    cases,
    contested_cases,
    priced_cases,
    stepped_cases,
)
from tests.unit.offers.oracles import by_brute_force


def best(case: Case) -> OfferQuote:
    """Return the best price, verified by the checker."""
    found = best_offers(case.basket, case.offers, case.situation)
    check(found, case.basket, case.offers, case.situation)
    return found


@settings(max_examples=300)
@given(cases())
def test_no_choice_saves_more(case: Case) -> None:
    """The price is the lowest that any choice gives, and the quote says that it is proved."""
    found = best(case)

    assert found.saving_minor == by_brute_force(case.basket, case.offers, case.situation)
    assert found.is_optimal


@settings(max_examples=300)
@given(contested_cases())
def test_no_choice_saves_more_where_lanes_and_groups_pull_apart(case: Case) -> None:
    """Thresholds that bundles would lose, and groups across lanes: still the lowest price."""
    found = best(case)

    assert found.saving_minor == by_brute_force(case.basket, case.offers, case.situation)
    assert found.is_optimal


@settings(max_examples=300)
@given(priced_cases())
def test_no_choice_of_member_prices_saves_more_than_the_bound(case: Case) -> None:
    """Those left out for a threshold, and those that are never worth leaving out."""
    found = best(case)

    lowest = by_brute_force(case.basket, case.offers, case.situation)
    assert found.saving_minor <= lowest <= found.bound_minor
    assert not found.is_optimal or found.saving_minor == lowest


@given(cases(lines_max=6, units_max=6, offers_max=6))
def test_parts_add_up_and_no_line_falls_below_zero(case: Case) -> None:
    """The allocations and the free shipping are the saving, and no line pays for another."""
    found = best(case)

    off = dict.fromkeys((line.ref for line in case.basket.lines), 0)
    for each in found.allocations:
        assert each.amount_minor > 0
        off[each.line_ref] += each.amount_minor
    assert all(off[line.ref] <= line.total_minor for line in case.basket.lines)
    rest = found.saving_minor - sum(off.values())
    assert rest in {0, case.situation.shipping_minor if found.has_free_shipping else 0}


@given(cases(lines_max=6, units_max=4, offers_max=6))
def test_a_unit_serves_one_goods_offer(case: Case) -> None:
    """No line gives more units to goods-lane offers than it has, and no offer passes its limit."""
    found = best(case)

    units = {line.ref: line.quantity for line in case.basket.lines}
    for each in found.certificate.applications:
        for ref, count in each.units:
            units[ref] -= count
    assert min(units.values()) >= 0


@given(cases(lines_max=5, offers_max=5), st.randoms(use_true_random=False))
def test_the_order_of_lines_and_offers_does_not_matter(case: Case, random: object) -> None:
    """Shuffled lines and offers give the same quote, to the last verdict."""
    lines, offers = list(case.basket.lines), list(case.offers)
    random.shuffle(lines)  # type: ignore[attr-defined]
    random.shuffle(offers)  # type: ignore[attr-defined]

    found = best_offers(replace(case.basket, lines=tuple(lines)), offers, case.situation)

    assert found == best_offers(case.basket, case.offers, case.situation)


@given(cases(lines_max=5, offers_max=5))
def test_another_offer_makes_nothing_dearer(case: Case) -> None:
    """Without its last offer the basket saves no more."""
    fewer = best_offers(case.basket, case.offers[:-1], case.situation)

    assert fewer.saving_minor <= best(case).saving_minor


@given(st.one_of(cases(lines_max=2, offers_max=6), contested_cases()))
def test_the_offers_that_a_basket_touches_are_enough(case: Case) -> None:
    """With the index's candidates alone everything but the explanation is the same."""
    some = OfferIndex(case.offers).candidates(case.basket)

    found = best_offers(case.basket, some, case.situation)

    every = best(case)
    assert found.allocations == every.allocations
    assert found.certificate == every.certificate
    assert found.has_free_shipping == every.has_free_shipping


def rules_say_so(case: Case) -> bool:
    """Return whether an offer ends where the subtotal grows."""
    return any(
        getattr(getattr(each.benefit, "opening", None), "below_minor", None) is not None
        for each in case.offers
    )


@given(cases(lines_max=5, offers_max=5), st.integers(0, 4))
def test_another_line_makes_nothing_dearer(case: Case, place: int) -> None:
    """What was in the basket costs no more when a line is added, unless a rule says so."""
    place %= len(case.basket.lines)
    lines = case.basket.lines[:place] + case.basket.lines[place + 1 :]
    fewer = best_offers(replace(case.basket, lines=lines), case.offers, case.situation)

    if not rules_say_so(case):
        assert fewer.saving_minor <= best(case).saving_minor


@given(
    st.one_of(cases(offers_max=3), contested_cases(offers_max=3), stepped_cases()),
    st.integers(0, 4),
)
def test_another_unit_makes_nothing_dearer(case: Case, place: int) -> None:
    """What was in the basket costs no more when a unit is added, unless a rule says so."""
    lines = list(case.basket.lines)
    line = lines[place % len(lines)]
    unit = max(0, line.total_minor) // line.quantity
    lines[place % len(lines)] = replace(
        line, quantity=line.quantity + 1, total_minor=line.total_minor + unit
    )
    more = replace(case, basket=replace(case.basket, lines=tuple(lines)))

    if not rules_say_so(case):
        assert best(case).saving_minor <= best(more).saving_minor


@settings(max_examples=200)
@given(stepped_cases())
def test_no_choice_of_steps_saves_more(case: Case) -> None:
    """Steps of which a later one may be worth less, beside thresholds that they may spoil."""
    found = best(case)

    assert found.saving_minor == by_brute_force(case.basket, case.offers, case.situation)
    assert found.is_optimal


@given(cases(lines_max=6, units_max=6, offers_max=6))
def test_without_a_budget_the_bound_still_holds(case: Case) -> None:
    """A search that may not look at anything gives a price and a gap that the checker accepts."""
    hasty = best_offers(case.basket, case.offers, case.situation, nodes_max=0)

    check(hasty, case.basket, case.offers, case.situation)
    assert hasty.saving_minor <= best(case).saving_minor <= hasty.bound_minor
