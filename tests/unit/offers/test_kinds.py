"""Every kind of offer: what it takes off, what opens it, and what it says is missing."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from saleor_retention.engine.offers.kinds import (
    AddOn,
    Audience,
    Bundle,
    Cut,
    FreeShipping,
    Gift,
    MemberPrice,
    Novelty,
    Opening,
    Part,
    PunchCard,
)
from saleor_retention.engine.offers.result import Finding, GiftChoice, NearMiss
from saleor_retention.engine.offers.situation import Shopper, UsesLeft
from saleor_retention.engine.rules import Selection
from tests.unit.builders import basket, basket_line, instant
from tests.unit.offers.builders import (
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

STEPS = """
    units | off
        1 | 0
        2 | 0
        3 | 300
        5 | 500
        6 | 1200
"""


@pytest.mark.parametrize("row", STEPS.strip().splitlines()[1:])
def test_quantity_steps_go_by_the_number_bought(row: str) -> None:
    """From three on 10 % off each, from six on 20 %."""
    units, off = map(int, row.split("|"))
    found = quote(
        basket(basket_line(1, 1000 * units, units)),
        offer("1", steps((3, percent(10)), (6, percent(20)))),
    )

    assert found.saving_minor == off


@pytest.mark.parametrize(("units", "off"), [(2, 0), (3, 1500), (5, 2500), (6, 3000)])
def test_of_the_steps_reached_the_best_counts(units: int, off: int) -> None:
    """A later step that is worth less takes nothing away from the earlier one."""
    found = quote(
        basket(basket_line(1, 1000 * units, units)),
        offer("1", steps((3, percent(50)), (6, amount(1)))),
    )

    assert found.saving_minor == off


def test_which_step_is_the_best_depends_on_the_price() -> None:
    """Half of 10.00 is more than 2.00, and 2.00 more than half of 3.00."""
    found = quote(basket(1000, 300), offer("1", steps((1, percent(50)), (2, amount(200)))))

    assert taken(found) == {("line-1", "1"): 500, ("line-2", "1"): 200}


def test_an_earlier_step_stays_where_a_later_one_would_cost_a_threshold() -> None:
    """Five at 1.00 with 0.14 off each leave 4.30; a sixth unit of 0.01 must not take that away."""
    offers = (
        offer("steps", steps((5, amount(14)), (6, amount(50)))),
        offer("spend", threshold((430, amount(200)))),
    )

    assert quote(basket(basket_line(1, 500, 5)), *offers).saving_minor == 270
    assert quote(basket(basket_line(1, 500, 5), 1), *offers).saving_minor == 271


def test_the_next_step_is_a_near_miss() -> None:
    """Two bought, three wanted: one more."""
    found = quote(basket(1000, 1000), offer("1", steps((3, percent(10)))))
    further = quote(basket(1000, 1000), offer("1", steps((5, percent(20)), (2, percent(10)))))

    assert found.near_misses == (NearMiss("1", Finding.UNITS_MISSING, 1, step=0),)
    assert verdict(found, "1").misses[0].missing == 1
    assert further.near_misses == (NearMiss("1", Finding.UNITS_MISSING, 3, step=0),)


def test_units_of_another_offer_count_for_the_step_and_are_not_lowered_twice() -> None:
    """Three bought, one of them in a bundle: two get 10 % off."""
    found = quote(
        basket(basket_line(1, 3000, 3), 500),
        offer("steps", steps((3, percent(10)), of=products(1))),
        offer("pair", set_of(1, 2, cut=amount(400))),
    )

    assert found.saving_minor == 400 + 200


def test_at_most_so_many_units_are_lowered() -> None:
    """Five bought, at most two at the lower price."""
    five = basket(basket_line(1, 5000, 5))

    assert quote(five, offer("1", steps((2, amount(100)), units_max=2))).saving_minor == 200


def test_a_bundle_may_mix_sets() -> None:
    """One of a and two of b for 20.00; the dearest of each go in."""
    mixed = Bundle((Part(products(1, 2), 1), Part(products(3, 4), 2)), fixed(2000))
    found = quote(basket(1200, 900, basket_line(3, 1600, 2), 700), offer("1", mixed))

    assert found.saving_minor == 1200 + 800 + 800 - 2000


def test_parts_that_want_the_same_goods_need_one_unit_each() -> None:
    """Two parts of one product and one unit there: one is missing."""
    twice = Bundle((Part(products(1), 1), Part(products(1), 1)), amount(100))
    found = quote(basket(1000), offer("1", twice))

    assert found.near_misses == (NearMiss("1", Finding.UNITS_MISSING, 1),)


def test_the_part_that_lacks_units_is_named() -> None:
    """Bread is there, butter is not: the second part lacks one."""
    found = quote(basket(1000), offer("1", set_of(1, 2, cut=amount(100))))

    assert found.near_misses == (NearMiss("1", Finding.UNITS_MISSING, 1, part=1),)


def test_a_limit_ends_a_bundle() -> None:
    """Six units, sets of two, one use left in total: one set."""
    six = basket(basket_line(1, 6000, 6))
    two = offer("1", any_of(2, cut=amount(500)), uses_per_order=2)

    assert quote(six, two).saving_minor == 1000
    one = situation(uses_left={"1": UsesLeft(in_total=1)})
    assert quote(six, two, at=one).saving_minor == 500
    none = quote(six, two, at=situation(uses_left={"1": UsesLeft(by_customer=0)}))
    assert (none.saving_minor, verdict(none, "1").code) == (0, Finding.LIMIT_PER_CUSTOMER)


def test_an_add_on_is_opened_by_its_main_item() -> None:
    """A case at half price for each phone: two phones, three cases, two are lowered."""
    case = AddOn(products(2), percent(50), Opening(main=products(1)))
    found = quote(basket(basket_line(1, 9000, 2), basket_line(2, 3000, 3)), offer("1", case))
    shut = quote(basket(basket_line(2, 3000, 3)), offer("1", case))

    assert taken(found) == {("line-2", "1"): 1000}
    assert verdict(shut, "1").misses[0].code == Finding.NOT_OPENED
    assert shut.near_misses == (NearMiss("1", Finding.UNITS_MISSING, 1),)


def test_an_add_on_below_free_shipping_does_not_shut_itself() -> None:
    """Open between 30.00 and 50.00 of other goods: the add-on itself does not count."""
    extra = AddOn(products(2), fixed(500), Opening(from_minor=3000, below_minor=5000))
    one = offer("1", extra)

    assert quote(basket(4500, 900), one).saving_minor == 400
    assert quote(basket(2900, 900), one).near_misses == (
        NearMiss("1", Finding.AMOUNT_MISSING, 100),
    )
    assert verdict(quote(basket(5000, 900), one), "1").code == Finding.SUBTOTAL_TOO_HIGH


def test_a_gift_in_the_basket_is_free_and_otherwise_a_choice() -> None:
    """One of three gifts above 20.00; the choice leaves out what is had or sold out."""
    gift = offer("1", Gift(frozenset({"v2", "v3", "v4"}), Opening(from_minor=2000)))
    there = quote(basket(2500, 700), gift)
    absent = quote(
        basket(2500), gift, at=situation(gifts_had={"v2"}, out_of_stock=frozenset({"v3"}))
    )
    had = quote(basket(2500, 700), gift, at=situation(gifts_had=frozenset({"v2", "v3", "v4"})))

    assert (taken(there), there.gifts) == ({("line-2", "1"): 700}, ())
    assert absent.gifts == (GiftChoice("1", ("v4",), 1),)
    assert verdict(absent, "1").code == Finding.GIFT_TO_CHOOSE
    assert (had.saving_minor, verdict(had, "1").code) == (0, Finding.NO_GIFT_LEFT)


def test_the_gift_that_the_shopper_chose_is_the_free_one() -> None:
    """Both are in the basket: without a choice the dearer one is free, else the chosen one."""
    gift = offer("1", Gift(frozenset({"v1", "v2"})))
    both = basket(700, 900)

    assert taken(quote(both, gift)) == {("line-2", "1"): 900}
    chosen = situation(gift_choices={"1": frozenset({"v1"})})
    assert taken(quote(both, gift, at=chosen)) == {("line-1", "1"): 700}


def test_a_choice_of_one_gift_leaves_the_others_open_while_more_may_be_had() -> None:
    """Two gifts of three: with one chosen there is one more, and what is in the basket is free."""
    gift = offer("1", Gift(frozenset({"v1", "v2", "v3"}), quantity=2))
    chosen = situation(gift_choices={"1": frozenset({"v1"})})

    one = quote(basket(700), gift, at=chosen)
    both = quote(basket(700, 900), gift, at=chosen)

    assert (taken(one), one.gifts) == (
        {("line-1", "1"): 700},
        (GiftChoice("1", ("v1", "v2", "v3"), 1),),
    )
    assert (taken(both), both.gifts) == ({("line-1", "1"): 700, ("line-2", "1"): 900}, ())


def test_as_many_choices_as_gifts_shut_the_others() -> None:
    """Two gifts of three were chosen: these are free, and not the dearer third one."""
    gift = offer("1", Gift(frozenset({"v1", "v2", "v3"}), quantity=2))
    chosen = situation(gift_choices={"1": frozenset({"v1", "v2"})})

    all_three = quote(basket(100, 200, 900), gift, at=chosen)

    assert taken(all_three) == {("line-1", "1"): 100, ("line-2", "1"): 200}


def test_a_punch_card_gives_one_for_each_full_card() -> None:
    """Six bought, the seventh free: with thirteen stamps two are free, the dearest."""
    card = offer("1", PunchCard(products(1, 2), 6))
    cups = basket(basket_line(1, 600, 2), basket_line(2, 400, 1))

    assert quote(cups, card, at=situation(stamps={"1": 13})).saving_minor == 700
    none = quote(cups, card, at=situation(stamps={"1": 4}))
    assert none.near_misses == (NearMiss("1", Finding.STAMPS_MISSING, 2),)
    owed = quote(cups, card, at=situation(stamps={"1": -4}))
    assert (owed.saving_minor, owed.near_misses) == (
        0,
        (NearMiss("1", Finding.STAMPS_MISSING, 10),),
    )


def test_the_best_member_price_of_each_unit_applies() -> None:
    """Per cent or amount, whichever takes more off; one of them for each unit."""
    found = quote(
        basket(1000, 5000),
        offer("percent", MemberPrice(Selection(), percent(10))),
        offer("amount", MemberPrice(Selection(), amount(300))),
        offer("little", MemberPrice(Selection(), percent(1))),
    )

    assert taken(found) == {("line-1", "amount"): 300, ("line-2", "percent"): 500}
    assert verdict(found, "little").by == ("amount", "percent")


def test_a_threshold_has_steps_and_names_the_next() -> None:
    """From 50.00 5.00 off, from 100.00 12.00 off: at 80.00 it is 5.00, and 20.00 more for 12.00."""
    spend = offer("1", threshold((5000, amount(500)), (10000, amount(1200))))
    found = quote(basket(8000), spend)

    assert found.saving_minor == 500
    assert found.near_misses == (NearMiss("1", Finding.AMOUNT_MISSING, 2000, step=1),)
    assert quote(basket(10000), spend).saving_minor == 1200
    assert verdict(quote(basket(4000), spend), "1").misses[0].missing == 1000


def test_free_shipping_says_what_is_missing() -> None:
    """12.30 more for free shipping; of a tier without a threshold it is simply there."""
    found = quote(basket(3770), offer("1", FreeShipping(5000)))

    assert found.near_misses == (NearMiss("1", Finding.AMOUNT_MISSING, 1230),)
    assert quote(basket(3770), offer("1", FreeShipping())).has_free_shipping


WINDOWS = """
    starts           | ends             | weekdays | code
                     |                  |          | APPLIED
    2026-03-10 12:00 |                  |          | APPLIED
    2026-03-10 12:01 |                  |          | NOT_STARTED
                     | 2026-03-10 12:01 |          | APPLIED
                     | 2026-03-10 12:00 |          | EXPIRED
                     |                  | 1        | APPLIED
                     |                  | 0 2      | OTHER_WEEKDAY
"""


@pytest.mark.parametrize("row", WINDOWS.strip("\n").splitlines()[1:])
def test_the_clock_decides(row: str) -> None:
    """It is Tuesday, 10 March 2026, 12:00; the end is the first instant at which it is over."""
    starts, ends, weekdays, code = (cell.strip() for cell in row.split("|"))
    one = offer(
        "1",
        any_of(1, cut=amount(100)),
        starts_at=instant(starts) if starts else None,
        ends_at=instant(ends) if ends else None,
        weekdays=frozenset(map(int, weekdays.split())),
    )

    assert verdict(quote(basket(1000), one), "1").code == code


AUDIENCES = [
    (Audience(), Shopper(), []),
    (Audience(is_members_only=True), Shopper(), [Finding.NOT_A_MEMBER]),
    (Audience(is_members_only=True), Shopper(is_member=True), []),
    (Audience(segments=frozenset("ab")), Shopper(segments=frozenset("b")), []),
    (Audience(segments=frozenset("ab")), Shopper(), [Finding.OTHER_SEGMENT]),
    (Audience(tags=frozenset("x")), Shopper(tags=frozenset("y")), [Finding.OTHER_TAG]),
    (Audience(novelty=Novelty.NEW), Shopper(orders_count=1), [Finding.NOT_NEW]),
    (Audience(novelty=Novelty.RETURNING), Shopper(), [Finding.NOT_RETURNING]),
    (Audience(is_granted_only=True), Shopper(granted=frozenset("12")), []),
    (Audience(is_granted_only=True), Shopper(granted=frozenset("2")), [Finding.NOT_GRANTED]),
    (
        Audience(tiers=frozenset({"vip"}), tags=frozenset("x")),
        Shopper(),
        [Finding.NOT_A_MEMBER, Finding.OTHER_TIER, Finding.OTHER_TAG],
    ),
]


@pytest.mark.parametrize(("audience", "shopper", "codes"), AUDIENCES)
def test_every_condition_is_told(
    audience: Audience, shopper: Shopper, codes: list[Finding]
) -> None:
    """All that is missing is said at once, not the first thing only."""
    one = offer("1", any_of(1, cut=amount(100)), audience=audience)
    found = verdict(quote(basket(1000), one, at=situation(shopper)), "1")

    assert [miss.code for miss in found.misses] == codes
    assert (found.code == Finding.APPLIED) == (not codes)


def test_gifts_and_gift_cards_are_left_alone() -> None:
    """What the shop gives away, and money in another form, serve no offer."""
    lines = [
        basket_line(1, 1000, is_gift_card=True),
        basket_line(2, 1000, is_gift=True),
        basket_line(3, 1000),
    ]

    assert taken(quote(basket(*lines), offer("1", any_of(1, cut=amount(100))))) == {
        ("line-3", "1"): 100
    }


def test_an_offer_without_effect_says_so() -> None:
    """Three for 40.00 where three cost 30.00: nothing would come off."""
    found = quote(basket(1000, 1000, 1000), offer("1", any_of(3, cut=fixed(4000))))

    assert verdict(found, "1").code == Finding.NO_EFFECT


def test_cents_that_no_unit_price_holds_stay_with_their_line() -> None:
    """Three for 10.00 are 3.33 each and a cent: half off is 1.67 for each, the cent stays."""
    half = offer("1", MemberPrice(Selection(), percent(50)))

    assert quote(basket(basket_line(1, 1000, 3)), half).saving_minor == 501


@pytest.mark.parametrize("given", [{}, {"percent": Decimal(5), "amount_minor": 1}])
def test_a_cut_is_one_thing(given: dict[str, object]) -> None:
    """None or two of the three ways to lower a price are refused."""
    with pytest.raises(ValueError, match="exactly one of percent, amount_minor and price_minor"):
        Cut(**given)  # type: ignore[arg-type]


def test_a_cut_is_between_nothing_and_everything() -> None:
    """Negative amounts and more than 100 per cent are refused."""
    with pytest.raises(ValueError, match="not negative"):
        amount(-1)
    with pytest.raises(ValueError, match="at most 100 per cent"):
        percent(101)


def test_an_order_from_the_end_is_the_same() -> None:
    """Reversing lines and offers changes nothing."""
    given = basket(1200, 900, basket_line(3, 1600, 2), 700)
    offers = [offer("1", any_of(2, 1, 3, free=1)), offer("2", set_of(2, 4, cut=percent(20)))]
    turned = replace(given, lines=given.lines[::-1])

    assert quote(given, *offers) == quote(turned, *offers[::-1])
