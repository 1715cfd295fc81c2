"""An offer that beats another one does so in every basket: beside it the other changes nothing."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from saleor_retention.engine.facts import BasketFacts
from saleor_retention.engine.offers.best import best_offers
from saleor_retention.engine.offers.dominance import beats
from saleor_retention.engine.offers.kinds import Part
from saleor_retention.engine.offers.situation import Situation
from saleor_retention.engine.offers.terms import (
    AddOnTerms,
    BenefitTerms,
    BundleTerms,
    CutTerms,
    FreeShippingTerms,
    GiftTerms,
    Kind,
    MemberPriceTerms,
    OfferTerms,
    OpeningTerms,
    PunchCardTerms,
    QuantityStepTerms,
    QuantityTerms,
    SpendStepTerms,
    ThresholdTerms,
    in_currency,
)
from saleor_retention.engine.rules import Selection
from tests.property.offer_strategies import line_of
from tests.unit.builders import NOON, basket

few = st.integers(1, 3)
goods = st.sampled_from(
    [Selection(), *(Selection(products=frozenset(some)) for some in (["p1"], ["p2"], ["p1", "p2"]))]
)
money = st.sampled_from([1, 5, 20, 60, 100]).map(lambda minor: (("USD", minor),))
percents = st.sampled_from(["5", "10", "50"]).map(lambda text: CutTerms(percent=Decimal(text)))
lowering = st.one_of(percents, money.map(lambda minor: CutTerms(amount_minor=minor)))
cuts = st.one_of(lowering, money.map(lambda minor: CutTerms(price_minor=minor)))
sums = st.one_of(st.just(()), money)
openings = st.builds(OpeningTerms, st.one_of(st.none(), goods), few, sums, sums)
parts = st.lists(st.builds(Part, goods, few), min_size=1, max_size=2).map(tuple)
quantity_steps = st.lists(st.builds(QuantityStepTerms, few, cuts), min_size=1, max_size=2)
spend_steps = st.lists(st.builds(SpendStepTerms, money, lowering), min_size=1, max_size=2)
benefits: dict[Kind, st.SearchStrategy[BenefitTerms]] = {
    Kind.BUNDLE: st.one_of(
        st.builds(BundleTerms, parts, cuts), st.builds(BundleTerms, parts, free_units=few)
    ),
    Kind.QUANTITY: st.builds(
        QuantityTerms, goods, quantity_steps.map(tuple), st.one_of(st.none(), few)
    ),
    Kind.ADD_ON: st.builds(AddOnTerms, goods, cuts, openings, few),
    Kind.GIFT: st.builds(
        GiftTerms, st.frozensets(st.sampled_from(["v1", "v2"]), min_size=1), openings, few
    ),
    Kind.PUNCH_CARD: st.builds(PunchCardTerms, goods, few, cuts),
    Kind.MEMBER_PRICE: st.builds(MemberPriceTerms, goods, cuts),
    Kind.THRESHOLD: st.builds(ThresholdTerms, spend_steps.map(tuple), goods),
    Kind.FREE_SHIPPING: st.builds(FreeShippingTerms, sums, goods),
}


@st.composite
def pairs_of_offers(draw: st.DrawFn) -> tuple[OfferTerms, OfferTerms]:
    """Two offers of one kind, often equal but for a little."""
    kind = draw(st.sampled_from(Kind))
    own = draw(benefits[kind])
    theirs = draw(st.one_of(st.just(own), benefits[kind]))
    for name in ("cut", "opening", "selection", "quantity", "units_each"):
        if hasattr(own, name) and type(own) is type(theirs) and draw(st.booleans()):
            theirs = replace(theirs, **{name: getattr(own, name)})
    floors = st.sampled_from([(), (), (), (("USD", 5),)])
    return (
        OfferTerms(kind, own, floor_minor=draw(floors)),
        OfferTerms(kind, theirs, floor_minor=draw(floors)),
    )


@st.composite
def baskets(draw: st.DrawFn) -> BasketFacts:
    """Up to three lines of two products."""
    lines = []
    for number in range(1, draw(few) + 1):
        quantity = draw(st.integers(1, 3))
        unit = draw(st.sampled_from([1, 7, 20, 50, 99, 100]))
        lines.append(line_of(draw(st.integers(1, 3)), unit * quantity, quantity, f"l{number}"))
    return basket(*lines)


@settings(max_examples=400)
@given(pairs_of_offers(), st.lists(baskets(), min_size=1, max_size=4))
def test_beside_an_offer_that_beats_it_another_changes_no_price(
    pair: tuple[OfferTerms, OfferTerms], some: list[BasketFacts]
) -> None:
    """With both the lowest price is the one with the better offer alone."""
    assume(beats(*pair))
    better, worse = (
        in_currency(terms, offer_id=str(number), name="", currency="USD")
        for number, terms in enumerate(pair)
    )
    assert better is not None
    at = Situation(NOON, stamps={"0": 6, "1": 6}, shipping_minor=30)
    for each in some:
        alone = best_offers(each, [better], at)
        both = best_offers(each, [better, *([worse] if worse else [])], at)

        assert both.saving_minor == alone.saving_minor
