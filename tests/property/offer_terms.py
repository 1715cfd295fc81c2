"""Terms of offers of every kind, as a parser could have read them, coherent or not."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from hypothesis import strategies as st

from saleor_retention.engine.offers.kinds import Audience, Novelty, Part
from saleor_retention.engine.offers.terms import (
    AddOnTerms,
    Amounts,
    BundleTerms,
    CutTerms,
    FreeShippingTerms,
    GiftTerms,
    Kind,
    LimitPeriod,
    Limits,
    MemberPriceTerms,
    OfferTerms,
    OpeningTerms,
    PunchCardTerms,
    QuantityStepTerms,
    QuantityTerms,
    SpendStepTerms,
    ThresholdTerms,
)
from saleor_retention.engine.rules import Selection

CURRENCIES = ("USD", "JPY", "KWD")

refs = st.frozensets(st.sampled_from(["1", "2", "Zm9v"]), min_size=1, max_size=2)
some_goods = st.one_of(
    st.builds(Selection, variants=refs),
    st.builds(Selection, products=refs, categories=refs, collections=refs),
)
goods = st.one_of(st.just(Selection()), some_goods)
units = st.integers(1, 1000)
slugs = st.sampled_from(["vip", "gold-1", "a_b"])


def amounts(low: int = 0) -> st.SearchStrategy[Amounts]:
    """Return amounts in at least one currency."""
    by_currency = st.dictionaries(
        st.sampled_from(CURRENCIES), st.integers(low, 10**12), min_size=1, max_size=3
    )
    return by_currency.map(lambda found: tuple(sorted(found.items())))


percents = st.one_of(
    st.builds(
        CutTerms, percent=st.decimals(min_value="0.001", max_value=100, places=3, allow_nan=False)
    ),
    st.just(CutTerms(percent=Decimal(100))),
)
lowering = st.one_of(percents, st.builds(CutTerms, amount_minor=amounts(1)))
cuts = st.one_of(lowering, st.builds(CutTerms, price_minor=amounts()))
no_amounts: st.SearchStrategy[Amounts] = st.just(())
openings = st.one_of(
    st.builds(OpeningTerms, main=some_goods, main_quantity=units, from_minor=no_amounts),
    st.builds(OpeningTerms, from_minor=amounts(), below_minor=st.one_of(no_amounts, amounts(1))),
    st.builds(OpeningTerms, main=some_goods, below_minor=amounts(1)),
    st.builds(OpeningTerms, from_minor=st.one_of(no_amounts, amounts()), below_offer=slugs),
)
parts = st.lists(st.builds(Part, goods, units), min_size=1, max_size=10).map(tuple)
benefits = {
    Kind.BUNDLE: st.one_of(
        st.builds(BundleTerms, parts=parts, cut=cuts),
        st.builds(BundleTerms, parts=parts, free_units=units),
    ),
    Kind.QUANTITY: st.builds(
        QuantityTerms,
        selection=goods,
        steps=st.lists(st.builds(QuantityStepTerms, units, cuts), min_size=1, max_size=3).map(
            tuple
        ),
        units_max=st.one_of(st.none(), units),
    ),
    Kind.ADD_ON: st.builds(AddOnTerms, some_goods, cuts, openings).flatmap(
        lambda terms: st.builds(
            AddOnTerms,
            st.just(terms.selection),
            st.just(terms.cut),
            st.just(terms.opening),
            units if terms.opening.main is not None else st.just(1),
        )
    ),
    Kind.GIFT: st.builds(GiftTerms, refs, st.one_of(st.just(OpeningTerms()), openings), units),
    Kind.PUNCH_CARD: st.builds(PunchCardTerms, goods, units, cuts),
    Kind.MEMBER_PRICE: st.builds(MemberPriceTerms, goods, cuts),
    Kind.THRESHOLD: st.builds(
        ThresholdTerms,
        st.lists(st.builds(SpendStepTerms, amounts(), lowering), min_size=1, max_size=3).map(tuple),
        goods,
    ),
    Kind.FREE_SHIPPING: st.builds(FreeShippingTerms, st.one_of(no_amounts, amounts()), goods),
}
instants = st.one_of(
    st.none(),
    st.datetimes(
        min_value=dt.datetime(2000, 1, 1),  # noqa: DTZ001 - hypothesis wants naive bounds
        max_value=dt.datetime(2999, 12, 31),  # noqa: DTZ001
        timezones=st.just(dt.UTC),
    ).map(lambda at: at.replace(microsecond=0)),
)
audiences = st.builds(
    Audience,
    is_members_only=st.booleans(),
    tiers=st.frozensets(slugs, max_size=2),
    segments=st.frozensets(slugs, max_size=2),
    tags=st.frozensets(st.sampled_from(["Tea lover", "50 %", "茶"]), max_size=2),
    novelty=st.one_of(st.none(), st.sampled_from(Novelty)),
    is_granted_only=st.booleans(),
)
counts = st.one_of(st.none(), st.integers(1, 2**31 - 1))
limits = st.builds(
    Limits,
    counts,
    counts,
    counts,
    st.sampled_from(LimitPeriod),
    st.one_of(st.none(), st.sampled_from(LimitPeriod)),
)


@st.composite
def offer_terms(draw: st.DrawFn) -> OfferTerms:
    """One offer of any kind, with everything that offers have in common."""
    kind = draw(st.sampled_from(Kind))
    return OfferTerms(
        kind=kind,
        benefit=draw(benefits[kind]),
        channels=draw(st.one_of(st.just(frozenset[str]()), refs)),
        starts_at=draw(instants),
        ends_at=draw(instants),
        weekdays=draw(st.frozensets(st.integers(0, 6), max_size=3)),
        audience=draw(audiences),
        limits=draw(limits),
        group=draw(st.one_of(st.just(""), slugs)),
        floor_minor=draw(st.one_of(no_amounts, amounts())),
        priority=draw(st.integers(-1000, 1000)),
    )
