"""What is kept of earlier carts changes no price of a later one."""

from __future__ import annotations

from random import Random

import pytest

from saleor_retention.engine.facts import BasketFacts
from saleor_retention.engine.offers import applications
from saleor_retention.engine.offers.best import best_offers, forget
from saleor_retention.engine.offers.kinds import Bundle, MemberPrice, Offer, Part
from tests.unit.builders import basket, basket_line
from tests.unit.offers.builders import (
    amount,
    any_of,
    fixed,
    offer,
    percent,
    products,
    situation,
    steps,
    threshold,
)

GOODS = 8


def offers_of(random: Random) -> list[Offer]:
    """Return offers of several kinds on few goods, some with a floor, a limit or a group."""
    found = []
    for number in range(random.randint(2, 7)):
        some = random.sample(range(GOODS), random.randint(1, 4))
        cut = random.choice([percent(15), percent(40), amount(150), fixed(900)])
        benefit = random.choice(
            [
                any_of(random.randint(2, 3), *some, cut=cut),
                any_of(3, *some, free=1),
                Bundle((Part(products(some[0]), 1), Part(products(*some[1:]), 2)), cut),
                steps((2, percent(8)), (4, percent(20)), of=products(*some)),
                MemberPrice(products(*some), percent(random.choice([5, 10]))),
                threshold((random.randint(1000, 5000), percent(5))),
            ]
        )
        changes = random.choice(
            [{}, {}, {"floor_minor": 300}, {"uses_per_order": 1}, {"group": "one"}]
        )
        found.append(offer(str(number), benefit, **changes))
    return found


def carts_of(random: Random) -> list[BasketFacts]:
    """Return a cart as it changes: each has other units, or another price, of one line."""
    lines = {n: (random.choice([400, 700, 999]), random.randint(1, 4)) for n in range(GOODS)}
    found = []
    for _change in range(6):
        number = random.randrange(GOODS)
        lines[number] = random.choice([400, 700, 1200]), random.randint(1, 5)
        each = [basket_line(n, unit * units, units) for n, (unit, units) in lines.items()]
        found.append(basket(*each))
    return found


@pytest.mark.parametrize("seed", range(40))
def test_a_cart_costs_what_it_costs_afresh(seed: int) -> None:
    """The whole answer is the same, with its proof and the nodes that it took."""
    random = Random(seed)  # noqa: S311
    offers, carts, budget = offers_of(random), carts_of(random), random.choice([400, 20_000])
    fresh = []
    for cart in carts:
        forget()
        fresh.append(best_offers(cart, offers, situation(), nodes_max=budget))
    forget()

    for _time in range(2):
        known = [best_offers(cart, offers, situation(), nodes_max=budget) for cart in carts]
        assert known == fresh


def test_ways_are_kept_by_all_that_decides() -> None:
    """Bundles that differ in one thing only, on the same goods, are not taken for each other."""
    lines = [basket_line(0, 2000, 2), basket_line(1, 700)]
    other = [basket_line(0, 2200, 2), basket_line(1, 700)]
    more = [basket_line(0, 3000, 3), basket_line(1, 700)]
    part, pair = any_of(2, 0, 1, cut=percent(10)), any_of(2, 0, 1, free=1)
    cases: list[tuple[BasketFacts, list[Offer]]] = [
        (basket(*lines), [offer("1", part)]),
        (basket(*lines), [offer("1", any_of(2, 0, 1, cut=percent(20)))]),
        (basket(*lines), [offer("1", any_of(3, 0, 1, cut=percent(10)))]),
        (basket(*lines), [offer("1", any_of(2, 0, cut=percent(10)))]),
        (basket(*lines), [offer("1", part, floor_minor=950)]),
        (basket(*lines), [offer("1", part), offer("2", MemberPrice(products(0), percent(10)))]),
        (basket(*lines), [offer("1", part), offer("2", MemberPrice(products(0), percent(30)))]),
        (basket(*lines), [offer("1", pair)]),
        (basket(*other), [offer("1", part)]),
        (basket(*more), [offer("1", part)]),
    ]
    known = [best_offers(cart, offers, situation()) for cart, offers in cases]
    assert len(applications._known) == len(cases)

    for (cart, offers), found in zip(cases, known, strict=True):
        forget()
        assert best_offers(cart, offers, situation()) == found


def test_so_many_bundles_are_kept_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """A shop of many carts does not fill the memory, nor does a bundle of many ways."""
    monkeypatch.setattr(applications, "KNOWN_MAX", 3)
    pair = [offer("1", any_of(2, cut=percent(10)))]
    for price in range(100, 120):
        best_offers(basket(basket_line(1, 2 * price, 2)), pair, situation())
        assert 0 < len(applications._known) <= 3
    forget()
    many = [basket_line(number, 100 + number) for number in range(20)]
    best_offers(basket(*many), pair, situation())

    assert not applications._known
