"""Baskets that people know the answer to."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import pytest

from saleor_retention.engine.offers.best import best_offers
from saleor_retention.engine.offers.checker import Refused, check
from saleor_retention.engine.offers.kinds import Audience
from saleor_retention.engine.offers.result import Finding
from saleor_retention.engine.rules import Selection
from tests.unit.builders import basket, basket_line
from tests.unit.offers.builders import (
    AddOn,
    FreeShipping,
    Gift,
    MemberPrice,
    Opening,
    PunchCard,
    Shopper,
    amount,
    any_of,
    fixed,
    offer,
    percent,
    products,
    quote,
    set_of,
    situation,
    steps,
    taken,
    threshold,
    verdict,
)
from tests.unit.offers.oracles import by_brute_force

COKE, SANDWICH, CHOCOLATE = 1, 2, 3
LUNCH = basket(basket_line(1, 400, 2), basket_line(2, 600, 2), basket_line(3, 200, 2))
SECOND_COKE = offer("coke", any_of(2, COKE, free=1))
MEAL = offer("meal", set_of(COKE, SANDWICH, CHOCOLATE, cut=fixed(450)))


def test_two_meals_beat_the_second_coke_free() -> None:
    """V1: the two offers want the same coke; two meals save 3.00, one free coke 2.00."""
    found = quote(LUNCH, SECOND_COKE, MEAL, explain=True)

    assert found.saving_minor == 300
    assert found.is_optimal
    assert verdict(found, "meal").uses == 2
    beaten = verdict(found, "coke")
    assert (beaten.code, beaten.by) == (Finding.BEATEN, ("meal",))
    assert (beaten.by_minor, beaten.is_exact) == (100, True)


def test_three_for_two_on_six_equal_items_gives_two_free() -> None:
    """Six at 10.00: two sets, 20.00 off, in equal parts."""
    found = quote(basket(*[1000] * 6), offer("1", any_of(3, free=1)))

    assert found.saving_minor == 2000
    assert found.is_optimal
    assert sorted(taken(found).values()) == [333, 333, 333, 333, 334, 334]


@pytest.mark.parametrize("prices", [(50, 110), (110, 50)])
def test_a_tied_cent_falls_on_the_dearer_unit(prices: tuple[int, int]) -> None:
    """5 % of 160 is 8, which is 2.5 and 5.5: wherever the lines stand, 2 and 6."""
    found = quote(basket(*prices), offer("1", any_of(2, cut=percent(5))))

    assert taken(found) == {
        ("line-1", "1"): {50: 2, 110: 6}[prices[0]],
        ("line-2", "1"): {50: 2, 110: 6}[prices[1]],
    }


def test_lanes_that_follow_see_where_the_tied_cent_fell() -> None:
    """Where the dearer unit has it, the best of these is 39; with the other it would be 40."""
    pair = offer("1", any_of(2, cut=percent(5)))
    spent = offer("2", threshold((182, amount(1))))
    members = offer("3", MemberPrice(Selection(), percent(10)))

    found = quote(basket(50, 50, 50, 110), pair, spent, members)

    assert found.saving_minor == by_brute_force(
        basket(50, 50, 50, 110), [pair, spent, members], situation()
    )
    assert (found.saving_minor, found.is_optimal) == (39, True)


def test_any_three_for_twenty_takes_the_dear_ones() -> None:
    """10, 10, 10, 5, 5, 5: the three at 10 save 10.00; the three at 5 cost 15.00 as they are."""
    found = quote(basket(1000, 1000, 1000, 500, 500, 500), offer("1", any_of(3, cut=fixed(2000))))

    assert found.saving_minor == 1000
    assert {ref for ref, _offer in taken(found)} == {"line-1", "line-2", "line-3"}


def test_mixing_dear_and_cheap_can_be_better() -> None:
    """10, 10, 10, 10, 5, 5 with any three for 20.00: twice 10+10+5 saves as much as once 30."""
    found = quote(basket(1000, 1000, 1000, 1000, 500, 500), offer("1", any_of(3, cut=fixed(2000))))

    assert found.saving_minor == 1000


def test_of_two_exclusive_offers_one_gets_the_unit() -> None:
    """Both lower the same unit and exclude each other: the better one applies, once."""
    one = offer("1", any_of(1, cut=percent(20)), group="sale")
    other = offer("2", any_of(1, cut=percent(30)), group="sale")
    found = quote(basket(1000), one, other)

    assert taken(found) == {("line-1", "2"): 300}
    conflict = verdict(found, "1")
    assert (conflict.code, conflict.by) == (Finding.CONFLICT, ("2",))


def test_an_exclusion_group_reaches_across_lanes() -> None:
    """A member price and a bundle of one group never meet in one basket, though lanes add up."""
    bundle = offer("1", any_of(2, 1, cut=amount(300)), group="g")
    price = offer("2", MemberPrice(Selection(), percent(10)), group="g")

    assert quote(basket(1000, basket_line(2, 1000, goods=basket_line(1, 1).goods)), bundle, price) \
        .saving_minor == 300  # fmt: skip
    apart = [replace(each, group="") for each in (bundle, price)]
    both = basket(basket_line(1, 2000, 2))
    assert quote(both, bundle, price).saving_minor == 300
    assert quote(both, *apart).saving_minor == 300 + 170


def test_a_smaller_bundle_saving_can_leave_the_lower_price() -> None:
    """Spend 50.00 for 10.00 off: what leaves 51.00 wins over what leaves 48.00."""
    offers = (
        offer("large", set_of(1, 2, cut=amount(800))),
        offer("small", set_of(1, 3, cut=amount(500))),
        offer("spend", threshold((5000, amount(1000)))),
    )
    found = quote(basket(2000, 2000, 1600), *offers, explain=True)

    assert found.saving_minor == 1500
    assert found.is_optimal
    assert verdict(found, "spend").amount_minor == 1000
    assert verdict(found, "large").by_minor == 1500 - 800


def test_every_bundle_is_left_where_the_threshold_is_worth_more() -> None:
    """Exactly 50.00 in the basket: any bundle would lose 10.00 for 3.00."""
    found = quote(
        basket(3000, 2000),
        offer("pair", set_of(1, 2, cut=amount(300))),
        offer("spend", threshold((5000, amount(1000)))),
    )

    assert {each.rule_key for each in found.allocations} == {"offer:spend"}
    assert taken(found) == {("line-1", "spend"): 600, ("line-2", "spend"): 400}


def test_free_shipping_weighs_as_much_as_it_costs() -> None:
    """Above 50.00 shipping of 4.90 is free: a bundle worth 3.00 that falls below is left alone."""
    pair = offer("pair", set_of(1, 2, cut=amount(300)))
    ship = offer("ship", FreeShipping(5000))

    dear = quote(basket(3000, 2000), pair, ship, at=situation(shipping_minor=490))
    cheap = quote(basket(3000, 2000), pair, ship, at=situation(shipping_minor=200))

    assert (dear.saving_minor, dear.has_free_shipping, dear.allocations) == (490, True, ())
    assert (cheap.saving_minor, cheap.has_free_shipping) == (300, False)
    assert verdict(cheap, "ship").misses[0].missing == 300


def test_a_member_price_steps_aside_for_a_threshold_worth_more() -> None:
    """Half off from 2.24: a member price of 1.00 off that spoils it would cost the shopper."""
    spend = offer("spend", threshold((224, percent(50))))
    member = offer("member", MemberPrice(Selection(), amount(100)))
    found = quote(basket(270, 50), spend, member)

    assert found.saving_minor == 160
    assert verdict(found, "member").code == Finding.BEATEN
    assert verdict(found, "member").by == ("spend",)


def test_free_shipping_out_of_reach_is_no_reason_to_decline_a_price() -> None:
    """The member price takes everything; shipping that the goods never reach changes nothing."""
    found = quote(
        basket(basket_line(1, 102, 6)),
        offer("1", FreeShipping(from_minor=900)),
        offer("2", MemberPrice(products(1), amount(1000))),
        offer("3", any_of(3, free=1)),
        at=situation(shipping_minor=7),
    )

    assert (found.saving_minor, found.bound_minor) == (102, 102)


def test_prices_that_cost_no_step_are_not_tried_without() -> None:
    """Six member prices, and a per cent that the goods reach however little is left of them."""
    spend = offer("spend", threshold((1000, percent(10)), (9000, percent(50))))
    members = [offer(f"m{n}", MemberPrice(products(n), percent(5 + n))) for n in range(1, 7)]
    found = quote(basket(*[1000] * 6), spend, *members)

    off = sum(50 + 10 * n for n in range(1, 7))
    assert (found.saving_minor, found.bound_minor) == (off + (6000 - off) // 10,) * 2


def test_a_step_out_of_reach_leaves_other_steps_their_goods() -> None:
    """The checker too has to see that the second threshold takes nothing away from the first."""
    found = quote(
        basket(basket_line(3, 210, 1), basket_line(1, 150, 3)),
        offer("all", threshold((18, percent(5)))),
        offer("far", threshold((212, percent(5)), of=products(3))),
        offer("each", any_of(1, cut=percent(5))),
        offer("member", MemberPrice(Selection(), percent(33))),
    )

    assert (found.saving_minor, found.bound_minor) == (145, 145)


def test_a_member_price_whose_floor_keeps_a_threshold_out_steps_aside() -> None:
    """Its floor would leave nothing to take half of, although the step is reached anyway."""
    spend = offer("spend", threshold((1, percent(50))))
    member = offer("member", MemberPrice(Selection(), amount(10)), floor_minor=90)

    assert quote(basket(100), spend, member).saving_minor == 50


def test_one_threshold_claims_its_goods() -> None:
    """Two thresholds on the same goods do not add up; on different goods they do."""
    toys = offer("toys", threshold((1000, amount(200)), of=products(1)))
    everything = offer("all", threshold((1000, amount(300))))
    food = offer("food", threshold((1000, amount(100)), of=products(2)))

    assert quote(basket(1000), toys, everything).saving_minor == 300
    assert quote(basket(1000, 1000), toys, food).saving_minor == 300
    assert quote(basket(1000, 1000), toys, everything).saving_minor == 500


def test_lanes_add_up() -> None:
    """Bundle first, the member's 10 % on what it leaves, then 5.00 off what that leaves."""
    found = quote(
        basket(3000, 2000),
        offer("pair", set_of(1, 2, cut=amount(1000))),
        offer("vip", MemberPrice(Selection(), percent(10))),
        offer("spend", threshold((3000, amount(500)))),
    )

    assert taken(found) == {
        ("line-1", "pair"): 600,
        ("line-2", "pair"): 400,
        ("line-1", "vip"): 240,
        ("line-2", "vip"): 160,
        ("line-1", "spend"): 300,
        ("line-2", "spend"): 200,
    }


def test_no_unit_falls_below_the_floor() -> None:
    """80 % off 10.00 with a floor of 4.00 takes 6.00; the member price may not go on from there."""
    floored = offer("1", any_of(1, cut=percent(80)), floor_minor=400)
    found = quote(basket(1000), floored, offer("2", MemberPrice(Selection(), percent(50))))

    assert taken(found) == {("line-1", "1"): 600}


EVERY_KIND = {
    "bundle": any_of(1, cut=amount(100)),
    "quantity": steps((1, amount(100))),
    "add-on": AddOn(Selection(), amount(100), Opening()),
    "gift": Gift(frozenset({"v1"})),
    "punch card": PunchCard(Selection(), 3),
    "member price": MemberPrice(Selection(), amount(100)),
    "threshold": threshold((1000, amount(100))),
    "free shipping": FreeShipping(1000),
}


def which_of_two_alike(kind: str, first: dict[str, Any], second: dict[str, Any]) -> list[str]:
    """Return which of two offers of one benefit apply, of the ids 9 and 10."""
    nine, ten = offer("9", EVERY_KIND[kind], **first), offer("10", EVERY_KIND[kind], **second)
    at = situation(shipping_minor=490, stamps={"9": 3, "10": 3})
    found = quote(basket(1000), ten, nine, at=at)
    return [each.offer_id for each in found.verdicts if each.code == Finding.APPLIED]


@pytest.mark.parametrize("kind", EVERY_KIND)
def test_fewer_limited_uses_are_preferred(kind: str) -> None:
    """Two offers give the same: the one that is not used up by it applies."""
    limited = {"uses_per_order": 1, "priority": 5}

    assert which_of_two_alike(kind, limited, {}) == ["10"]
    assert which_of_two_alike(kind, {}, limited) == ["9"]


@pytest.mark.parametrize("kind", EVERY_KIND)
@pytest.mark.parametrize(("first", "second", "wins"), [(0, 0, "9"), (0, 1, "10"), (1, 0, "9")])
def test_between_equals_priority_and_then_the_id_decide(
    kind: str, first: int, second: int, wins: str
) -> None:
    """Higher priority, then the lower id; numbers count as numbers."""
    assert which_of_two_alike(kind, {"priority": first}, {"priority": second}) == [wins]


def test_an_unlimited_threshold_is_preferred_that_might_have_taken_more() -> None:
    """Equal on what the bundle leaves, though the limited one has more in sight before it."""
    found = quote(
        basket(2000),
        offer("1", any_of(1, cut=percent(50))),
        offer("2", threshold((500, percent(10))), uses_per_order=1),
        offer("3", threshold((500, amount(100)))),
    )

    assert taken(found) == {("line-1", "1"): 1000, ("line-1", "3"): 100}


@pytest.mark.parametrize(("first", "second", "wins"), [(0, 0, "9"), (0, 1, "10")])
def test_free_shipping_of_a_delivery_that_costs_nothing_is_of_the_first_too(
    first: int, second: int, wins: str
) -> None:
    """Also where no delivery is chosen yet: unlimited, higher priority, lower id."""
    nine = offer("9", FreeShipping(1000), priority=first)
    ten = offer("10", FreeShipping(1000), priority=second)
    limited = offer("8", FreeShipping(1000), uses_per_order=1, priority=9)

    found = quote(basket(1000), ten, nine, limited)

    applied = [each.offer_id for each in found.verdicts if each.code == Finding.APPLIED]
    assert applied == [wins]


def test_an_offer_with_five_thousand_products() -> None:
    """The size of a selection is of no matter: what counts is what of it is in the basket."""
    wide = Selection(products=frozenset(f"p{number}" for number in range(5000)))
    lines = [basket_line(number, 1000) for number in range(4998, 5003)]
    found = quote(basket(*lines), offer("1", steps((2, percent(10)), of=wide)))

    assert taken(found) == {("line-4998", "1"): 100, ("line-4999", "1"): 100}


def test_a_basket_of_two_hundred_lines() -> None:
    """Two hundred lines at few prices: solved to the optimum, and proved."""
    draw = random.Random(7)  # noqa: S311
    lines = [
        basket_line(number, draw.choice([500, 800, 1000, 1250]) * 2, 2) for number in range(200)
    ]
    offers = [offer("1", any_of(3, free=1)), offer("2", any_of(5, cut=percent(20)))]
    found = quote(basket(*lines), *offers)

    assert found.is_optimal
    assert found.saving_minor > 0


def test_without_a_budget_the_gap_is_said() -> None:
    """A search that may look at nothing says how far off it may be; the checker agrees."""
    draw = random.Random(3)  # noqa: S311
    lines = [basket_line(number, draw.randint(300, 2000)) for number in range(8)]
    offers = [
        offer(str(n), any_of(3, *draw.sample(range(8), 5), cut=fixed(draw.randint(900, 2500))))
        for n in range(6)
    ]
    hasty = quote(basket(*lines), *offers, nodes_max=0)
    full = quote(basket(*lines), *offers)

    assert full.is_optimal
    assert hasty.saving_minor <= full.saving_minor <= hasty.bound_minor
    assert hasty.gap_minor == hasty.bound_minor - hasty.saving_minor


def test_two_of_a_kind_are_refused() -> None:
    """Two lines of one reference or two offers of one id would be counted twice."""
    with pytest.raises(ValueError, match=r"^Two basket lines have the same reference\.$"):
        quote(basket(basket_line(1, 100), basket_line(1, 100)), MEAL)
    with pytest.raises(ValueError, match=r"^Two offers have the same id\.$"):
        quote(LUNCH, MEAL, MEAL)


def tampered() -> list[tuple[dict[str, object], dict[str, object], str]]:
    """Return changes to the lunch's quote and certificate, and why they are refused."""
    proof = best_offers(LUNCH, [SECOND_COKE, MEAL], situation()).certificate
    meal, rest = proof.applications[0], proof.applications[1:]
    cheaper = tuple((ref, price / 2) for ref, price in proof.proofs[0].line_prices)
    lowered = (replace(proof.proofs[0], line_prices=cheaper),)
    worse = best_offers(LUNCH, [SECOND_COKE], situation())
    more = replace(meal, amounts=tuple((ref, minor + 1) for ref, minor in meal.amounts))
    (first, one), (second, two), *others = meal.amounts
    divided = replace(meal, amounts=((first, one + 1), (second, two - 1), *others))
    stranger = replace(meal, units=(("line-1", 2), ("line-2", 1)), amounts=meal.amounts[:2])
    unknown = replace(meal, offer_id="other")
    claims = {"saving_minor": 200, "bound_minor": 200}
    return [
        ({"bound_minor": 301}, {}, "the bound is not the certified one"),
        ({"saving_minor": 299}, {"saving_minor": 299}, "the saving is not the sum"),
        ({"allocations": ()}, {}, "the allocations are not what the rules give"),
        ({}, {"applications": (more, *rest)}, "takes off something else than 150"),
        ({}, {"applications": (divided, *rest)}, "divides 150 otherwise than the rule"),
        ({}, {"applications": (stranger, *rest)}, "meal does not apply to"),
        ({}, {"applications": (unknown, *rest)}, "other may not apply"),
        ({}, {"applications": (meal, meal, meal)}, "serves more offers than it has units"),
        ({}, {"proofs": lowered}, "the prices do not cover a way of"),
        ({}, {"proofs": ()}, "the prices do not cover a way of"),
        (
            {"allocations": worse.allocations, **claims},
            {"applications": worse.certificate.applications, **claims},
            "a better choice is left open",
        ),
    ]


@pytest.mark.parametrize(("changes", "certified", "reason"), tampered())
def test_a_certificate_that_was_tampered_with_is_refused(
    changes: dict[str, object], certified: dict[str, object], reason: str
) -> None:
    """The checker believes nothing: bound, saving, amounts, units, prices, and the best choice."""
    found = best_offers(LUNCH, [SECOND_COKE, MEAL], situation())
    check(found, LUNCH, [SECOND_COKE, MEAL], situation())
    bent = replace(found, certificate=replace(found.certificate, **certified), **changes)

    with pytest.raises(Refused, match=reason):
        check(bent, LUNCH, [SECOND_COKE, MEAL], situation())


def test_a_member_is_named() -> None:
    """A price for members is not for guests, and says so."""
    vip = offer(
        "1", MemberPrice(Selection(), percent(10)), audience=Audience(tiers=frozenset({"vip"}))
    )
    guest = verdict(quote(basket(1000), vip), "1")
    regular = verdict(
        quote(basket(1000), vip, at=situation(Shopper(is_member=True, tier="regular"))), "1"
    )
    member = quote(basket(1000), vip, at=situation(Shopper(is_member=True, tier="vip")))

    assert [miss.code for miss in guest.misses] == [Finding.NOT_A_MEMBER, Finding.OTHER_TIER]
    assert (regular.code, regular.misses[0].wanted) == (Finding.OTHER_TIER, ("vip",))
    assert member.saving_minor == 100
