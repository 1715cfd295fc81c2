"""When one offer always beats another, and when that cannot be said."""

from __future__ import annotations

from typing import Any

import pytest

from saleor_retention.engine.offers.dominance import beats
from saleor_retention.engine.offers.parsing import parse_offer
from saleor_retention.engine.offers.terms import OfferTerms
from tests.unit.builders import EXPONENTS

TEA = {"select": {"products": ["tea"]}}
TEA_AND_CUPS = {"select": {"products": ["tea", "cup"]}}


def read(kind: str, section: dict[str, Any], **common: Any) -> OfferTerms:
    """Return the terms of a document."""
    terms, problems = parse_offer(
        {"kind": kind, kind: section, **common}, EXPONENTS, "Europe/Paris"
    )
    assert terms is not None, problems
    return terms


def price(percent: int, goods: dict[str, Any] = TEA, **common: Any) -> OfferTerms:
    """Return a member price."""
    return read("member_price", {**goods, "percent": percent}, **common)


BETTER: tuple[tuple[OfferTerms, OfferTerms], ...] = (
    (price(10), price(5)),
    (price(10), price(10)),
    (price(10, TEA_AND_CUPS), price(5)),
    (price(10, {}), price(5)),
    (price(10), price(5, limits={"per_customer": 1})),
    (price(10), price(5, audience={"members_only": True})),
    (price(10, audience={"members_only": True}), price(5, audience={"tiers": ["vip"]})),
    (price(10, audience={"tiers": ["vip", "top"]}), price(5, audience={"tiers": ["vip"]})),
    (price(10), price(5, weekdays=["tue"])),
    (price(10, weekdays=["tue", "wed"]), price(5, weekdays=["tue"])),
    (price(10), price(5, starts_at="2026-05-01T00:00")),
    (price(10, ends_at="2026-06-01T00:00"), price(5, ends_at="2026-05-01T00:00")),
    (price(10), price(5, channels=["1"])),
    (price(10), price(5, group="tea")),
    (price(10), price(5, floor={"USD": 1})),
    (
        read("member_price", {**TEA, "amount": {"USD": 2, "EUR": 2}}),
        read("member_price", {**TEA, "amount": {"USD": 1}}),
    ),
    (
        read("member_price", {**TEA, "price": {"USD": 2}}),
        read("member_price", {**TEA, "price": {"USD": 3}}),
    ),
    (
        read("bundle", {"parts": [{**TEA, "quantity": 3}], "cheapest_free": 2}),
        read("bundle", {"parts": [{**TEA, "quantity": 3}], "cheapest_free": 1}),
    ),
    (
        read("bundle", {"parts": [{**TEA_AND_CUPS, "quantity": 3}], "percent": 20}),
        read("bundle", {"parts": [{**TEA, "quantity": 3}], "percent": 20}),
    ),
    (
        read("quantity", {**TEA, "steps": [{"from": 2, "percent": 10}]}),
        read(
            "quantity",
            {**TEA, "steps": [{"from": 2, "percent": 5}, {"from": 4, "percent": 10}]},
        ),
    ),
    (
        read("threshold", {"steps": [{"from": {"USD": 40}, "amount": {"USD": 5}}]}),
        read("threshold", {"steps": [{"from": {"USD": 50}, "amount": {"USD": 5}}]}),
    ),
    (
        read("free_shipping", {}),
        read("free_shipping", {"from": {"USD": 50}}),
    ),
    (
        read("add_on", {**TEA, "percent": 20, "opens": {"from": {"USD": 20}}}),
        read(
            "add_on", {**TEA, "percent": 10, "opens": {"from": {"USD": 30}, "below": {"USD": 50}}}
        ),
    ),
)

NOT_BETTER: tuple[tuple[OfferTerms, OfferTerms], ...] = (
    (price(5), price(10)),
    (price(10), price(5, TEA_AND_CUPS)),
    (price(10), price(5, {})),
    (price(10, limits={"in_total": 5}), price(5)),
    (price(10, audience={"members_only": True}), price(5)),
    (price(10, audience={"tiers": ["vip"]}), price(5, audience={"tiers": ["vip", "top"]})),
    (price(10, audience={"novelty": "new"}), price(5, audience={"novelty": "returning"})),
    (price(10, audience={"granted_only": True}), price(5)),
    (price(10, audience={"granted_only": True}), price(5, audience={"granted_only": True})),
    (price(10, audience={"tags": ["a"]}), price(5, audience={"segments": ["a"]})),
    (price(10, weekdays=["tue"]), price(5)),
    (price(10, starts_at="2026-05-01T00:00"), price(5)),
    (price(10, ends_at="2026-05-01T00:00"), price(5, ends_at="2026-06-01T00:00")),
    (price(10, channels=["1"]), price(5)),
    (price(10, group="tea"), price(5)),
    (price(10, floor={"USD": 1}), price(5)),
    (price(50), read("member_price", {**TEA, "amount": {"USD": 1}})),
    (
        read("member_price", {**TEA, "amount": {"USD": 2}}),
        read("member_price", {**TEA, "amount": {"USD": 1, "EUR": 1}}),
    ),
    (
        read("bundle", {"parts": [{**TEA, "quantity": 2}], "percent": 20}),
        read("bundle", {"parts": [{**TEA, "quantity": 3}], "percent": 20}),
    ),
    (
        read("bundle", {"parts": [{**TEA, "quantity": 3}], "percent": 90}),
        read("bundle", {"parts": [{**TEA, "quantity": 3}], "cheapest_free": 1}),
    ),
    (
        read("quantity", {**TEA, "steps": [{"from": 2, "percent": 10}], "units_max": 4}),
        read("quantity", {**TEA, "steps": [{"from": 2, "percent": 5}]}),
    ),
    (
        read("threshold", {"steps": [{"from": {"USD": 50}, "amount": {"USD": 9}}]}),
        read("threshold", {"steps": [{"from": {"USD": 40}, "amount": {"USD": 5}}]}),
    ),
    (  # on other goods both apply
        read("threshold", {"steps": [{"from": {"USD": 20}, "amount": {"USD": 5}}]}),
        read("threshold", {**TEA, "steps": [{"from": {"USD": 20}, "amount": {"USD": 4}}]}),
    ),
    (  # a pot opens each of them once: both apply, to two cups
        read("add_on", {**TEA, "percent": 20, "opens": {"select": {"products": ["pot"]}}}),
        read("add_on", {**TEA, "percent": 10, "opens": {"select": {"products": ["pot"]}}}),
    ),
    (
        read("add_on", {**TEA, "percent": 20, "opens": {"from": {"USD": 1}, "below": {"USD": 50}}}),
        read("add_on", {**TEA, "percent": 10, "opens": {"from": {"USD": 1}}}),
    ),
    (
        read("gift", {"variants": ["1", "2"], "quantity": 2}),
        read("gift", {"variants": ["1"]}),
    ),
    (
        read("punch_card", {**TEA, "buy": 5}),
        read("punch_card", {**TEA, "buy": 6}),
    ),
    (price(10), read("free_shipping", {})),
)


@pytest.mark.parametrize(("offer", "other"), BETTER)
def test_an_offer_beats_what_gives_no_more_to_fewer(offer: OfferTerms, other: OfferTerms) -> None:
    """Same kind, same or wider goods, customers, channels and times, no limits."""
    assert beats(offer, other)


@pytest.mark.parametrize(("offer", "other"), NOT_BETTER)
def test_an_offer_beats_nothing_that_may_be_wanted(offer: OfferTerms, other: OfferTerms) -> None:
    """One thing in which the other one is wider, or which cannot be compared, is enough."""
    assert not beats(offer, other)
