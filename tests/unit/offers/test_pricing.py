"""Offers in the price of a basket: beside a tier's own prices, before points."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from saleor_retention.engine import pricing
from saleor_retention.engine.facts import BasketFacts
from saleor_retention.engine.offers.checker import check
from saleor_retention.engine.offers.kinds import FreeShipping, Gift, MemberPrice, Offer, Opening
from saleor_retention.engine.offers.quoting import OfferCase, compete, tier_prices
from saleor_retention.engine.offers.situation import Shopper, Situation, UsesLeft
from saleor_retention.engine.quote import AppliedOffer, Quote
from saleor_retention.engine.rules import PriceBenefit, ProgramRules, RedemptionLimits
from tests.unit.builders import (
    NOON,
    amount_off,
    basket,
    basket_line,
    ladder,
    member,
    rules,
    tier,
)
from tests.unit.invariants import check_quote
from tests.unit.offers.builders import (
    amount,
    any_of,
    fixed,
    offer,
    percent,
    products,
    set_of,
    situation,
    threshold,
)

VIP = rules(ladder=ladder(tier("vip", percent="10")))


def case(*offers: Offer, at: Situation | None = None, **changes: Any) -> OfferCase:
    """Return these offers, version 10 of each, before anybody."""
    minimal = OfferCase(
        offers=offers,
        situation=at or situation(),
        version_ids={each.id: int(each.id) + 100 for each in offers},
        stamp=1,
        nodes_max=5000,
    )
    return replace(minimal, **changes)


def priced(
    facts: BasketFacts,
    *offers: Offer,
    of: ProgramRules = VIP,
    who: str | None = "vip",
    points: int = 0,
    **changes: Any,
) -> Quote:
    """Return the quote of a basket, checked; its search is verified by the checker."""
    given = case(*offers, **changes)
    customer = member(who) if who else None
    quote = pricing.price(facts, customer, of, points, offers=given)
    check_quote(facts, quote)
    own = of.tier(who) if who else None
    prices = tier_prices(given, own, facts.currency)
    at = given.situation
    if own is not None and own.has_free_shipping:
        at = replace(at, shipping_minor=0)
    check(compete(facts, own, given, prices), facts, (*given.offers, *prices.values()), at)
    return quote


def off(quote: Quote) -> dict[tuple[str, str], int]:
    """Return what each rule takes off each line."""
    return {(item.line_ref, item.rule_key): item.amount_minor for item in quote.allocations}


def test_lanes_add_up_before_points() -> None:
    """A bundle, then the tier's price on what it leaves, then the threshold, then points."""
    facts = basket(basket_line(1, 3000, quantity=3), 2000)
    bundle = offer("1", any_of(3, 1, cut=fixed(2000)))
    from_35 = offer("2", threshold((3500, amount(500))))

    quote = priced(facts, bundle, from_35, points=100)

    # 30.00 - 10.00 = 20.00, 10 % off each unit of 6.67, 6.67, 6.66: 2.01; 20.00 - 2.00 = 18.00
    assert off(quote)["line-1", "offer:1"] == 1000
    assert off(quote)["line-1", "member:vip"] == 201
    assert off(quote)["line-2", "member:vip"] == 200
    by_rule = {key: 0 for _ref, key in off(quote)}
    for (_ref, key), minor in off(quote).items():
        by_rule[key] += minor
    assert by_rule == {"offer:1": 1000, "member:vip": 401, "offer:2": 500, "points": 100}
    assert quote.applied == (
        AppliedOffer("1", 101, uses=1, amount_minor=1000),
        AppliedOffer("2", 102, uses=1, amount_minor=500),
    )
    assert quote.is_optimal


def test_a_quote_names_what_applied() -> None:
    """The tier and each offer that applies have a verdict; an offer that does not has none."""
    facts = basket(1000, 2000)
    quote = priced(
        facts, offer("1", set_of(1, 2, cut=amount(300))), offer("2", any_of(3, 1, free=1))
    )

    said = {verdict.rule_key: (verdict.code, verdict.message) for verdict in quote.verdicts}
    assert said == {
        "member:vip": ("APPLIED", "Vip takes 2.70 USD off this basket."),
        "offer:1": ("APPLIED", "Offer 1 takes 3.00 USD off this basket."),
        "points": ("NO_REDEMPTION", "No points are set for this basket."),
    }


def test_a_better_member_price_takes_the_place_of_the_tier() -> None:
    """A unit serves one member price; the tier's verdict says that it gave way."""
    facts = basket(1000)
    quote = priced(facts, offer("1", MemberPrice(products(1), percent(15))))

    assert off(quote) == {("line-1", "offer:1"): 150}
    assert [(item.rule_key, item.code) for item in quote.verdicts][:2] == [
        ("member:vip", "NO_EFFECT"),
        ("offer:1", "APPLIED"),
    ]


def test_between_equal_prices_the_tier_is_taken() -> None:
    """An offer that may be limited is not used up for what the tier gives anyway."""
    quote = priced(basket(1000), offer("1", MemberPrice(products(1), percent(10)), priority=7))

    assert off(quote) == {("line-1", "member:vip"): 100}
    assert quote.applied == ()


@pytest.mark.parametrize("total", [1000, 1001, 1, 0])
def test_an_offer_elsewhere_does_not_move_the_price_of_the_tier(total: int) -> None:
    """Odd cents of a line, which no unit price holds, are lowered as without offers."""
    prices = (
        PriceBenefit(percent=Decimal(10)),
        PriceBenefit(percent=Decimal(100)),
        amount_off(USD=7),
    )
    for price in prices:
        program = rules(ladder=ladder(tier("vip", prices=(price,))))
        line = basket_line(1, total, quantity=3)
        alone = pricing.price(basket(line), member("vip"), program, 0)
        beside = priced(basket(line, 500), offer("1", set_of(2, cut=amount(100))), of=program)

        mine = [item for item in beside.allocations if item.line_ref == "line-1"]
        assert mine == list(alone.allocations)


def test_a_tier_may_lower_two_units_of_a_line_differently() -> None:
    """One row for the tier on a line, also where a bundle left one unit at another price."""
    steps = ladder(
        tier("vip", prices=(*tier("vip", percent="10").prices, amount_off(products(1), USD=60)))
    )
    facts = basket(basket_line(1, 2000, quantity=2), 100)
    quote = priced(facts, offer("1", set_of(1, 2, cut=fixed(300))), of=rules(ladder=steps))

    (mine,) = [i for i in quote.allocations if (i.line_ref, i.rule_key) == ("line-1", "member:vip")]
    assert (mine.value_type, mine.amount_minor) == ("fixed", 160)  # 100 of 10.00, 60 of 2.73


def test_offers_that_no_goods_meet_leave_the_price_alone() -> None:
    """Without candidates the quote is the one of a program without offers, its name apart."""
    facts = basket(1000, basket_line(2, 1001, quantity=3))
    alone = pricing.price(facts, member("vip"), VIP, 100)
    beside = priced(facts, points=100)

    assert beside.fingerprint != alone.fingerprint
    assert replace(beside, fingerprint="") == replace(alone, fingerprint="")


def test_points_pay_what_offers_leave() -> None:
    """The base of points is what the lanes before them leave, and never less than nothing."""
    facts = basket(1000, 1000)
    given = case(offer("1", set_of(1, cut=percent(100))), offer("2", threshold((500, amount(100)))))
    half = rules(redemption=RedemptionLimits(order_share_max=Fraction(1, 2)))

    assert pricing.redeemable_base(facts, None, half, given) == 900
    quote = pricing.price(facts, member(), half, 5000, offers=given)
    assert quote.points_applied == 450


def test_gifts_are_named_unit_by_unit() -> None:
    """What is given away is recorded by variant, so that it is never given again."""
    gift = offer("1", Gift(frozenset(["v2", "v3"]), Opening(from_minor=1000), quantity=2))
    quote = priced(basket(1000, basket_line(2, 600, quantity=3)), gift, who=None)

    assert quote.applied == (AppliedOffer("1", 101, 2, 400, ("v2", "v2")),)
    assert off(quote) == {("line-2", "offer:1"): 400}


def test_free_shipping_of_an_offer_is_not_used_where_the_tier_has_it() -> None:
    """A limited offer of free shipping is kept for an order that needs it."""
    free = offer("1", FreeShipping(from_minor=500))
    at = situation(shipping_minor=700)
    gold = rules(ladder=ladder(tier("gold", percent=None, has_free_shipping=True)))

    with_tier = priced(basket(1000), free, of=gold, who="gold", at=at)
    without = priced(basket(1000), free, who=None, at=at)

    assert (with_tier.has_free_shipping, with_tier.applied) == (True, ())
    assert (without.has_free_shipping, without.applied) == (
        True,
        (AppliedOffer("1", 101, 1, 700),),
    )


def test_free_shipping_is_not_used_where_delivery_costs_nothing() -> None:
    """Shipping is free, and says so; the limited offer is kept for an order that pays for it."""
    free = offer("1", FreeShipping(from_minor=500), uses_per_order=1)

    quote = priced(basket(1000), free, who=None, at=situation(shipping_minor=0))

    assert (quote.has_free_shipping, quote.applied) == (True, ())
    said = {each.rule_key: each.message for each in quote.verdicts}
    assert said["offer:1"] == "Offer 1 makes shipping free."


def test_nothing_is_missing_for_free_shipping_where_shipping_is_free() -> None:
    """By another offer, or by the tier: no shopper is sent after what he has."""
    here = offer("1", FreeShipping(from_minor=500))
    far = offer("2", FreeShipping(from_minor=5000))
    gold = tier("gold", percent=None, has_free_shipping=True)

    def near(of: Any, *offers: Offer) -> list[str]:
        found = compete(basket(1000), of, case(*offers), {})
        return [each.offer_id for each in found.near_misses]

    assert near(None, far) == ["2"]
    assert near(None, here, far) == []
    assert near(gold, far) == []


def test_the_order_of_lines_and_offers_changes_nothing() -> None:
    """The same quote, to the byte."""
    lines = [basket_line(n, 300 + 77 * n, quantity=1 + n % 3) for n in range(1, 6)]
    offers = [
        offer("1", any_of(3, 1, 2, 3, free=1)),
        offer("2", set_of(2, 4, cut=percent(20))),
        offer("3", threshold((1000, percent(5)), (3000, percent(8)))),
        offer("4", MemberPrice(products(5), percent(25))),
    ]
    forth = priced(basket(*lines), *offers, points=200)
    back = priced(basket(*reversed(lines)), *reversed(offers), points=200)

    assert forth == back


def test_fingerprints_without_offers_are_those_of_before() -> None:
    """A program without offers prices stored checkouts as it did: nothing is written again."""
    found = pricing.fingerprint(basket(1000), member("vip"), 100, "7")

    assert found == "dfa6ed00a65292f44e61d1677037ce92fbd8a3bf29cdc8998e39cae34e251407"


@pytest.mark.parametrize(
    ("change", "is_other"),
    [
        ({"stamp": 2}, True),
        ({"situation": situation(Shopper(orders_count=1))}, True),
        ({"situation": situation(Shopper(is_member=True))}, True),
        ({"situation": situation(Shopper(granted=frozenset(["1"])))}, True),
        ({"situation": situation(Shopper(granted=frozenset(["3"])))}, False),  # none of these
        ({"situation": situation(uses_left={"1": UsesLeft(in_total=1)})}, True),
        ({"situation": situation(gifts_had=frozenset(["v9"]))}, False),  # no gift to be had here
        ({"nodes_max": 6000}, True),
        ({"version_ids": {"1": 5, "2": 6}}, False),  # the stamp says it
    ],
)
def test_what_decides_about_offers_is_in_the_fingerprint(
    *, change: dict[str, Any], is_other: bool
) -> None:
    """Another stamp, other facts of the shopper, another budget: another price may be due."""
    given = case(
        offer("1", set_of(1, free=0, cut=amount(5))), offer("2", threshold((9, amount(1))))
    )

    names = [
        pricing.fingerprint(basket(1000), None, 0, "7", each)
        for each in (given, replace(given, **change))
    ]

    assert (names[0] != names[1]) == is_other


def test_a_window_that_opens_or_closes_changes_the_fingerprint() -> None:
    """So does the day of the week; a moment within the window does not."""
    minute = dt.timedelta(minutes=1)
    happy = offer("1", set_of(1, cut=amount(5)), starts_at=NOON, ends_at=NOON + minute)
    tuesday = offer("2", set_of(1, cut=amount(6)), weekdays=frozenset([1]))

    def at(moment: dt.datetime) -> str:
        given = case(happy, tuesday, at=replace(situation(), at=moment))
        return pricing.fingerprint(basket(1000), None, 0, "7", given)

    before, first, last, after = (
        at(NOON - minute),
        at(NOON),
        at(NOON + minute - dt.timedelta(microseconds=1)),
        at(NOON + minute),
    )
    assert first == last != before
    assert before == after != at(NOON + dt.timedelta(days=1))


def test_shipping_decides_only_beside_free_shipping() -> None:
    """The price of the delivery is in the fingerprint where an offer may pay it."""
    free = offer("1", FreeShipping())
    bundle = offer("2", set_of(1, cut=amount(5)))

    def at(each: Offer, shipping_minor: int) -> str:
        given = case(each, at=situation(shipping_minor=shipping_minor))
        return pricing.fingerprint(basket(1000), None, 0, "7", given)

    assert at(free, 500) != at(free, 700)
    assert at(bundle, 500) == at(bundle, 700)


def test_a_limit_that_is_used_up_brings_the_price_back() -> None:
    """Of an offer that nobody may use any more nothing is left."""
    bundle = offer("1", set_of(1, cut=amount(300)))
    used_up = situation(uses_left={"1": UsesLeft(in_total=0)})

    assert off(priced(basket(1000), bundle, who=None)) == {("line-1", "offer:1"): 300}
    assert priced(basket(1000), bundle, who=None, at=used_up).allocations == ()
