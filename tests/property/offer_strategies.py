"""Baskets and offers that meet each other often: few products, small prices, every kind."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from hypothesis import strategies as st

from saleor_retention.engine.facts import BasketFacts, BasketLine
from saleor_retention.engine.offers.kinds import (
    AddOn,
    Audience,
    Benefit,
    Bundle,
    Cut,
    FreeShipping,
    Gift,
    MemberPrice,
    Offer,
    Opening,
    Part,
    PunchCard,
    QuantityStep,
    QuantitySteps,
    SpendStep,
    SpendThreshold,
)
from saleor_retention.engine.offers.situation import Shopper, Situation, UsesLeft
from saleor_retention.engine.rules import Selection
from tests.unit.builders import NOON, basket, basket_line, goods

PRODUCTS = 4
prices = st.one_of(st.integers(0, 30), st.sampled_from([100, 250, 333, 500, 999, 1000]))


@dataclass(frozen=True)
class Case:
    """A basket, offers and what else decides."""

    basket: BasketFacts
    offers: tuple[Offer, ...]
    situation: Situation


def line_of(product: int, total_minor: int, quantity: int, ref: str) -> BasketLine:
    """Return a line of goods that are odd or even; of the first two products, also new."""
    made = goods(product, "odd" if product % 2 else "even", "new" if product <= 2 else "")
    return basket_line(product, total_minor, quantity, ref=ref, goods=made)


selections = st.one_of(
    st.just(Selection()),
    st.builds(
        Selection,
        products=st.frozensets(
            st.sampled_from([f"p{n}" for n in range(1, PRODUCTS + 1)]), min_size=1, max_size=3
        ),
    ),
    st.builds(
        Selection,
        variants=st.frozensets(st.sampled_from(["v1", "v9"])),
        categories=st.frozensets(st.sampled_from(["odd", "even", "other"]), min_size=1, max_size=1),
        collections=st.frozensets(st.sampled_from(["new", "other"])),
    ),
)
percents = st.sampled_from(["5", "10", "12.5", "33", "50", "100"]).map(
    lambda text: Cut(percent=Decimal(text))
)
amounts = prices.map(lambda minor: Cut(amount_minor=minor))
cuts = st.one_of(percents, amounts, prices.map(lambda minor: Cut(price_minor=minor)))
openings = st.builds(
    Opening,
    main=st.one_of(st.none(), selections),
    main_quantity=st.integers(1, 2),
    from_minor=st.sampled_from([0, 0, 20, 500]),
    below_minor=st.one_of(st.none(), st.sampled_from([600, 2000])),
)


@st.composite
def bundles(draw: st.DrawFn) -> Bundle:
    """One part of up to three units, or up to three parts."""
    parts = draw(
        st.one_of(
            st.lists(st.builds(Part, selections, st.integers(1, 3)), min_size=1, max_size=1),
            st.lists(st.builds(Part, selections, st.integers(1, 2)), min_size=2, max_size=3),
        )
    )
    if draw(st.booleans()):
        return Bundle(tuple(parts), free_units=1)
    return Bundle(tuple(parts), draw(cuts))


@st.composite
def spend_thresholds(draw: st.DrawFn) -> SpendThreshold:
    """Up to two steps; an amount is never above what it takes to reach it."""
    found = []
    for least in draw(st.lists(st.sampled_from([20, 60, 700, 1500]), min_size=1, max_size=2)):
        off = draw(st.integers(1, least))
        found.append(SpendStep(least, draw(st.one_of(percents, st.just(Cut(amount_minor=off))))))
    return SpendThreshold(tuple(found), draw(selections))


goods_benefits = st.one_of(
    bundles(),
    bundles(),
    st.builds(
        QuantitySteps,
        selections,
        st.lists(st.builds(QuantityStep, st.integers(1, 4), cuts), min_size=1, max_size=2).map(
            tuple
        ),
        st.sampled_from([None, None, 2]),
    ),
    st.builds(AddOn, selections, cuts, openings, st.integers(1, 2)),
    st.builds(
        Gift,
        st.frozensets(st.sampled_from(["v1", "v2", "v3"]), min_size=1),
        openings,
        st.integers(1, 2),
    ),
    st.builds(PunchCard, selections, st.integers(1, 3)),
)
benefits: st.SearchStrategy[Benefit] = st.one_of(
    goods_benefits,
    goods_benefits,
    st.builds(MemberPrice, selections, cuts),
    spend_thresholds(),
    st.builds(FreeShipping, st.sampled_from([0, 50, 900]), selections),
)


@st.composite
def cases(draw: st.DrawFn, *, lines_max: int = 4, units_max: int = 3, offers_max: int = 4) -> Case:
    """A few lines, a few offers, with limits, groups, and floors where no threshold is near."""
    lines = []
    for number in range(1, draw(st.integers(1, lines_max)) + 1):
        quantity = draw(st.integers(1, units_max))
        total = draw(prices) * quantity + draw(st.sampled_from([0, 0, 1]))
        lines.append(line_of(draw(st.integers(1, PRODUCTS)), total, quantity, f"line-{number}"))
    kinds = draw(st.lists(benefits, min_size=1, max_size=offers_max))
    has_threshold = any(isinstance(each, SpendThreshold) for each in kinds)
    offers, uses, stamps = [], {}, {}
    for number, benefit in enumerate(kinds, start=1):
        offers.append(
            Offer(
                id=str(number),
                name=f"Offer {number}",
                benefit=benefit,
                audience=draw(
                    st.sampled_from(
                        [
                            *(Audience(), Audience(), Audience(is_members_only=True)),
                            Audience(is_granted_only=True),
                        ]
                    )
                ),
                uses_per_order=draw(st.sampled_from([None, None, 1, 2])),
                group=draw(st.sampled_from(["", "", "", "a", "b"])),
                floor_minor=0 if has_threshold else draw(st.sampled_from([0, 0, 5, 300])),
                priority=draw(st.integers(0, 1)),
            )
        )
        uses[str(number)] = UsesLeft(draw(st.sampled_from([None, None, 0, 1])))
        stamps[str(number)] = draw(st.integers(0, 4))
    situation = Situation(
        at=NOON,
        shopper=Shopper(
            is_member=draw(st.booleans()),
            granted=draw(st.frozensets(st.sampled_from(["1", "2"]))),
        ),
        uses_left=uses,
        stamps=stamps,
        gifts_had=draw(st.frozensets(st.sampled_from(["v1", "v2"]), max_size=1)),
        gift_choices=draw(
            st.dictionaries(
                st.sampled_from("12"),
                st.frozensets(st.sampled_from(["v1", "v2", "v3"]), max_size=2),
                max_size=1,
            )
        ),
        shipping_minor=draw(st.sampled_from([0, 0, 7, 490])),
    )
    return Case(basket(*lines), tuple(offers), situation)


@st.composite
def contested_cases(draw: st.DrawFn, *, lines_max: int = 4, offers_max: int = 4) -> Case:
    """Bundles that pull a basket below its spend threshold, and groups across the lanes."""
    lines = []
    for number in range(1, draw(st.integers(2, lines_max)) + 1):
        quantity = draw(st.integers(1, 3))
        total = draw(st.integers(5, 40)) * 10 * quantity
        lines.append(line_of(draw(st.integers(1, PRODUCTS)), total, quantity, f"l{number}"))
    total = sum(line.total_minor for line in lines)
    kinds: list[Benefit] = draw(st.lists(bundles(), min_size=1, max_size=offers_max - 2))
    share = draw(st.integers(70, 100))
    off = st.integers(1, total // 4).map(lambda minor: Cut(amount_minor=minor))
    step = SpendStep(total * share // 100, draw(st.one_of(off, percents)))
    kinds.append(SpendThreshold((step,), draw(selections)))
    other = st.one_of(
        st.builds(MemberPrice, selections, cuts),
        st.builds(FreeShipping, st.just(total * 9 // 10), selections),
        st.builds(SpendThreshold, st.tuples(st.builds(SpendStep, st.just(total // 2), off))),
    )
    kinds.append(draw(other))
    offers = tuple(
        Offer(str(number), f"Offer {number}", each, group=draw(st.sampled_from(["", "", "g", "h"])))
        for number, each in enumerate(kinds, start=1)
    )
    return Case(basket(*lines), offers, Situation(at=NOON, shipping_minor=total // 10))


@st.composite
def priced_cases(draw: st.DrawFn, *, prices_max: int = 6) -> Case:
    """Many member prices beside thresholds that they may spoil, or never can."""
    lines = []
    for number in range(1, draw(st.integers(1, 3)) + 1):
        quantity = draw(st.integers(1, 2))
        total = draw(st.integers(5, 40)) * 10 * quantity + draw(st.sampled_from([0, 0, 1]))
        lines.append(line_of(draw(st.integers(1, PRODUCTS)), total, quantity, f"l{number}"))
    total = sum(line.total_minor for line in lines)
    shares = st.integers(5, 110).map(lambda share: total * share // 100)
    some = st.one_of(st.just(Selection()), selections)
    off = st.one_of(percents, st.integers(1, total // 3 + 1).map(lambda off: Cut(amount_minor=off)))
    steps = st.tuples(st.builds(SpendStep, shares, off))
    kinds: list[Benefit] = draw(
        st.lists(st.builds(SpendThreshold, steps, some), min_size=1, max_size=2)
    )
    kinds += draw(st.lists(st.builds(FreeShipping, shares, some), max_size=1))
    kinds += draw(st.lists(bundles(), max_size=1))
    wanted = st.builds(MemberPrice, some, cuts)
    kinds += draw(st.lists(wanted, min_size=1, max_size=prices_max))
    offers = []
    for number, each in enumerate(kinds, start=1):
        offers.append(Offer(str(number), f"Offer {number}", each))
    return Case(basket(*lines), tuple(offers), Situation(at=NOON, shipping_minor=total // 10))


@st.composite
def stepped_cases(draw: st.DrawFn) -> Case:
    """Quantity steps beside a spend threshold, on few units; no step has to be worth more."""
    lines = []
    for number in range(1, draw(st.integers(1, 2)) + 1):
        quantity = draw(st.integers(1, 3))
        total = draw(st.integers(1, 40)) * quantity
        lines.append(line_of(draw(st.integers(1, PRODUCTS)), total, quantity, f"l{number}"))
    whole = sum(line.total_minor for line in lines)
    froms = draw(st.lists(st.integers(1, 5), min_size=1, max_size=3, unique=True))
    kinds: list[Benefit] = [
        QuantitySteps(
            draw(selections),
            tuple(QuantityStep(each, draw(cuts)) for each in froms),
            draw(st.sampled_from([None, None, 2])),
        )
    ]
    if draw(st.booleans()):
        least = max(1, whole * draw(st.integers(50, 100)) // 100)
        off = st.integers(1, least).map(lambda minor: Cut(amount_minor=minor))
        kinds.append(SpendThreshold((SpendStep(least, draw(st.one_of(off, percents))),)))
    if draw(st.booleans()):
        kinds.append(MemberPrice(draw(selections), draw(percents)))
    offers = [Offer(str(number), f"Offer {number}", each) for number, each in enumerate(kinds)]
    return Case(basket(*lines), tuple(offers), Situation(at=NOON))
