"""An offer in words: what it gives, its conditions, what became of it, what little is missing."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from saleor_retention.engine.offers.kinds import Audience, Novelty, Part
from saleor_retention.engine.offers.result import Finding, Miss, NearMiss, OfferVerdict
from saleor_retention.engine.offers.terms import (
    AddOnTerms,
    BenefitTerms,
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
from saleor_retention.engine.offers.verdict_words import near_miss_text, verdict_text
from saleor_retention.engine.offers.words import Vocabulary, sentence_of
from saleor_retention.engine.phrases import render
from saleor_retention.engine.rules import Selection

TEA = Selection(products=frozenset({"1"}))
CUPS = Selection(categories=frozenset({"5"}))
GOODS = {
    ("products", "1"): "Tea",
    ("categories", "5"): "Cups",
    ("variants", "7"): "Mug",
    ("variants", "8"): "Pin",
}
WORDS = Vocabulary(
    {"USD": 2, "JPY": 0},
    currency="USD",
    goods=GOODS,
    tiers={"vip": "VIP", "gold": "Gold"},
    offers={"1": "Tea set", "2": "Club price"},
    zone=ZoneInfo("Asia/Tokyo"),
)
TENTH = CutTerms(percent=Decimal(10))
FREE = CutTerms(percent=Decimal(100))
KINDS = {
    BundleTerms: Kind.BUNDLE,
    QuantityTerms: Kind.QUANTITY,
    AddOnTerms: Kind.ADD_ON,
    GiftTerms: Kind.GIFT,
    PunchCardTerms: Kind.PUNCH_CARD,
    MemberPriceTerms: Kind.MEMBER_PRICE,
    ThresholdTerms: Kind.THRESHOLD,
    FreeShippingTerms: Kind.FREE_SHIPPING,
}


def usd(minor: int) -> tuple[tuple[str, int], ...]:
    """Return an amount in one currency."""
    return (("USD", minor),)


def terms(benefit: BenefitTerms, **changes: object) -> OfferTerms:
    """Return the terms of an offer without conditions."""
    return OfferTerms(KINDS[type(benefit)], benefit, **changes)  # type: ignore[arg-type]


def said(benefit: BenefitTerms, **changes: object) -> str:
    """Return the sentence of an offer."""
    return render(sentence_of(terms(benefit, **changes), WORDS))


def any_of(number: int, cut: CutTerms | None = None, free: int = 0) -> BundleTerms:
    """Return a bundle of so many units of tea."""
    return BundleTerms((Part(TEA, number),), cut, free)


def steps(*pairs: tuple[int, CutTerms]) -> tuple[SpendStepTerms, ...]:
    """Return steps of a threshold."""
    return tuple(SpendStepTerms(usd(minor), cut) for minor, cut in pairs)


@pytest.mark.parametrize(
    ("benefit", "text"),
    [
        (any_of(3, CutTerms(price_minor=usd(2000))), "Any 3 of Tea for 20.00 USD."),
        (any_of(3, CutTerms(amount_minor=usd(500))), "Any 3 of Tea: 5.00 USD off."),
        (any_of(3, TENTH), "Any 3 of Tea: 10 % off."),
        (any_of(3, free=1), "Any 3 of Tea: the cheapest one is free."),
        (any_of(5, free=2), "Any 5 of Tea: the cheapest 2 are free."),
        (
            BundleTerms((Part(TEA, 2), Part(CUPS, 1)), CutTerms(price_minor=usd(1500))),
            "2 of Tea, 1 of Cups together for 15.00 USD.",
        ),
        (
            QuantityTerms(TEA, (QuantityStepTerms(3, TENTH),)),
            "Tea: 3 or more at 10 % off each.",
        ),
        (
            QuantityTerms(
                TEA,
                (
                    QuantityStepTerms(3, CutTerms(amount_minor=usd(50))),
                    QuantityStepTerms(6, CutTerms(price_minor=usd(400))),
                ),
                units_max=10,
            ),
            (
                "Tea: 3 or more at 0.50 USD off each, 6 or more at 4.00 USD each, "
                "for up to 10 units in an order."
            ),
        ),
        (
            AddOnTerms(CUPS, CutTerms(price_minor=usd(300)), OpeningTerms(TEA, 2)),
            "Cups at 3.00 USD each with every 2 of Tea.",
        ),
        (
            AddOnTerms(CUPS, TENTH, OpeningTerms(below_offer="ship")),
            "Cups at 10 % off each when the other goods come to less than ships for free.",
        ),
        (
            AddOnTerms(CUPS, TENTH, OpeningTerms(from_minor=usd(3000), below_offer="ship")),
            (
                "Cups at 10 % off each when the other goods come to 30.00 USD or more, "
                "but to less than ships for free."
            ),
        ),
        (
            AddOnTerms(CUPS, TENTH, OpeningTerms(from_minor=usd(3000), below_minor=usd(5000))),
            (
                "Cups at 10 % off each when the other goods come to 30.00 USD or more, "
                "but less than 50.00 USD."
            ),
        ),
        (
            GiftTerms(frozenset({"7"}), OpeningTerms(from_minor=usd(5000))),
            (
                "A free gift when the other goods come to 50.00 USD or more: Mug "
                "(for members, no gift twice to one customer)."
            ),
        ),
        (
            GiftTerms(frozenset({"7", "8"}), OpeningTerms(TEA), 2),
            (
                "2 free gifts of your choice with every 1 of Tea: Mug, Pin "
                "(for members, no gift twice to one customer)."
            ),
        ),
        (
            PunchCardTerms(TEA, 6),
            "Buy 6 of Tea, the next one is free (counted over earlier orders).",
        ),
        (
            PunchCardTerms(TEA, 6, CutTerms(percent=Decimal(50))),
            "Buy 6 of Tea, the next one at 50 % off (counted over earlier orders).",
        ),
        (
            PunchCardTerms(TEA, 6, CutTerms(price_minor=usd(100))),
            "Buy 6 of Tea, the next one for 1.00 USD (counted over earlier orders).",
        ),
        (MemberPriceTerms(TEA, CutTerms(percent=Decimal("12.5"))), "Tea at 12.5 % off each."),
        (MemberPriceTerms(Selection(), FREE), "All goods at no charge."),
        (ThresholdTerms(steps((5000, TENTH))), "From 50.00 USD spent, 10 % off."),
        (
            ThresholdTerms(steps((5000, CutTerms(amount_minor=usd(500)))), TEA),
            "From 50.00 USD spent on Tea, 5.00 USD off.",
        ),
        (
            ThresholdTerms(steps((5000, TENTH), (9000, CutTerms(percent=Decimal(15))))),
            "By what is spent on all goods: from 50.00 USD 10 % off, from 90.00 USD 15 % off.",
        ),
        (FreeShippingTerms(), "Free shipping."),
        (FreeShippingTerms(selection=TEA), "Free shipping with Tea."),
        (FreeShippingTerms(usd(5000)), "Free shipping from 50.00 USD spent."),
        (FreeShippingTerms(usd(5000), TEA), "Free shipping from 50.00 USD spent on Tea."),
    ],
)
def test_each_kind_says_what_it_gives(benefit: BenefitTerms, text: str) -> None:
    """One plain sentence for every kind and every way of lowering a price."""
    assert said(benefit) == text


@pytest.mark.parametrize(
    ("changes", "clauses"),
    [
        ({"audience": Audience(is_members_only=True)}, "for members"),
        ({"audience": Audience(tiers=frozenset({"vip", "gold"}))}, "for Gold, VIP"),
        (
            {"audience": Audience(segments=frozenset({"spies"}), tags=frozenset({"cold"}))},
            "for chosen customers",
        ),
        ({"audience": Audience(novelty=Novelty.NEW)}, "on the first order"),
        ({"audience": Audience(is_granted_only=True)}, "for those who were given it"),
        ({"audience": Audience(novelty=Novelty.RETURNING)}, "for those who have ordered before"),
        ({"weekdays": frozenset({4, 1})}, "on Tuesday, Friday"),
        ({"limits": Limits(per_order=1)}, "1 time at most in an order"),
        (
            {"limits": Limits(per_customer=2, period=LimitPeriod.MONTH, in_total=100)},
            "2 times a month at most for each customer, 100 times a month in all",
        ),
        (
            {"limits": Limits(per_customer=1, in_total=100)},
            "1 time at most for each customer, 100 times in all",
        ),
        (
            {"limits": Limits(None, 1, 1000, LimitPeriod.MONTH, LimitPeriod.ALL_TIME)},
            "1 time a month at most for each customer, 1000 times in all",
        ),
        (
            {"limits": Limits(per_customer=1, in_total=50, total_period=LimitPeriod.DAY)},
            "1 time at most for each customer, 50 times a day in all",
        ),
        ({"group": "spring"}, "not together with some other offers"),
        ({"floor_minor": usd(250)}, "no unit below 2.50 USD"),
    ],
)
def test_conditions_stand_in_brackets(changes: dict[str, object], clauses: str) -> None:
    """Audience, weekdays, limits, group and floor; never the names of segments, tags, groups."""
    assert said(FreeShippingTerms(), **changes) == f"Free shipping ({clauses})."


@pytest.mark.parametrize(
    ("starts", "ends", "clause"),
    [
        ("2026-11-30T15:00", "2026-12-31T15:00", "from 2026-12-01 to 2026-12-31"),
        ("2026-11-30T15:00", None, "from 2026-12-01 on"),
        (None, "2026-12-31T15:00", "until 2026-12-31"),
        (None, "2026-12-31T09:30", "until 2026-12-31 18:30"),
        ("2026-12-01T00:00", None, "from 2026-12-01 09:00 on"),
    ],
)
def test_a_window_is_said_in_local_days(starts: str | None, ends: str | None, clause: str) -> None:
    """A window that ends at midnight is said by its last day; the zone is the program's."""

    def instant(text: str | None) -> dt.datetime | None:
        return None if text is None else dt.datetime.fromisoformat(f"{text}+00:00")

    changes = {"starts_at": instant(starts), "ends_at": instant(ends)}

    assert said(FreeShippingTerms(), **changes) == f"Free shipping ({clause})."


def test_goods_without_a_name_or_too_many_are_chosen_goods() -> None:
    """A reference is never shown."""
    many = Selection(products=frozenset("12345"))

    assert said(FreeShippingTerms(selection=Selection(products=frozenset("9")))) == (
        "Free shipping with chosen goods."
    )
    assert said(FreeShippingTerms(selection=many)) == "Free shipping with chosen goods."


def test_a_merchant_reads_every_currency() -> None:
    """Without a currency all amounts are said."""
    both = FreeShippingTerms((("USD", 5000), ("JPY", 7000)))
    words = Vocabulary({"USD": 2, "JPY": 0})

    text = render(sentence_of(terms(both), words))

    assert text == "Free shipping from 50.00 USD / 7000 JPY spent."


@pytest.mark.parametrize(
    ("near", "benefit", "text"),
    [
        (
            (Finding.AMOUNT_MISSING, 1230),
            FreeShippingTerms(usd(5000)),
            "12.30 USD more for free shipping",
        ),
        ((Finding.UNITS_MISSING, 1), any_of(3, TENTH), "one more for the set"),
        ((Finding.UNITS_MISSING, 2), any_of(3, TENTH), "2 more for the set"),
        (
            (Finding.UNITS_MISSING, 1, 1),
            BundleTerms((Part(TEA, 2), Part(CUPS, 1)), TENTH),
            "one more of Cups for the set",
        ),
        (
            (Finding.UNITS_MISSING, 2),
            BundleTerms((Part(TEA, 2), Part(CUPS, 1)), TENTH),
            "2 more for the set",
        ),
        (
            (Finding.UNITS_MISSING, 2),
            QuantityTerms(TEA, (QuantityStepTerms(3, TENTH),)),
            "2 more for 10 % off each",
        ),
        (
            (Finding.UNITS_MISSING, 2, None, 1),
            QuantityTerms(
                TEA,
                (QuantityStepTerms(3, TENTH), QuantityStepTerms(6, CutTerms(percent=Decimal(25)))),
            ),
            "2 more for 25 % off each",
        ),
        (
            (Finding.AMOUNT_MISSING, 2000, None, 1),
            ThresholdTerms(
                (*steps((5000, TENTH)), SpendStepTerms(usd(9000), CutTerms(amount_minor=usd(1200))))
            ),
            "20.00 USD more for 12.00 USD off",
        ),
        (
            (Finding.AMOUNT_MISSING, 55),
            ThresholdTerms(steps((5000, TENTH))),
            "0.55 USD more for 10 % off",
        ),
        (
            (Finding.AMOUNT_MISSING, 500),
            GiftTerms(frozenset({"7"}), OpeningTerms(from_minor=usd(5000))),
            "5.00 USD more for a free gift",
        ),
        (
            (Finding.UNITS_MISSING, 1),
            AddOnTerms(CUPS, CutTerms(price_minor=usd(300)), OpeningTerms(TEA, 2)),
            "one more of Tea for Cups at 3.00 USD each",
        ),
        ((Finding.STAMPS_MISSING, 4), PunchCardTerms(TEA, 6), "4 more for the reward"),
    ],
)
def test_near_misses(near: tuple[object, ...], benefit: BenefitTerms, text: str) -> None:
    """How much of what is missing, and what it brings."""
    miss = NearMiss("1", *near)  # type: ignore[arg-type]

    assert render(near_miss_text(miss, terms(benefit), WORDS)) == text


@pytest.mark.parametrize(
    ("verdict", "text"),
    [
        (OfferVerdict("1", Finding.APPLIED, 500, 1), "5.00 USD off."),
        (
            OfferVerdict("1", Finding.BEATEN, by=("2",), by_minor=120, is_exact=True),
            "1.20 USD less is paid with Club price.",
        ),
        (
            OfferVerdict("1", Finding.BEATEN, by=("2",), by_minor=120),
            "At least 1.20 USD less is paid with Club price.",
        ),
        (OfferVerdict("1", Finding.BEATEN, by=("2",)), "Less is paid with Club price."),
        (OfferVerdict("1", Finding.BEATEN), "Less is paid with another combination of offers."),
        (
            OfferVerdict("2", Finding.CONFLICT, by=("1",)),
            "Not together with Tea set, which is better here.",
        ),
        (
            OfferVerdict("1", Finding.NO_EFFECT),
            "It would take nothing off these goods at their prices.",
        ),
        (
            OfferVerdict(
                "1",
                Finding.OTHER_TIER,
                misses=(
                    Miss(Finding.OTHER_TIER, wanted=("vip",)),
                    Miss(Finding.UNITS_MISSING, 1),
                ),
            ),
            "Not here: only for VIP, 1 more unit is missing.",
        ),
        (
            OfferVerdict(
                "1",
                Finding.LIMIT_PER_CUSTOMER,
                misses=(Miss(Finding.LIMIT_PER_CUSTOMER, 0), Miss(Finding.LIMIT_IN_TOTAL, 0)),
            ),
            "Not here: no use of it is left for this customer, all uses of it are taken.",
        ),
        (  # a guest, who has used nothing up
            OfferVerdict(
                "1",
                Finding.NOT_A_MEMBER,
                misses=(Miss(Finding.NOT_A_MEMBER), Miss(Finding.LIMIT_PER_CUSTOMER, 0)),
            ),
            "Not here: only for members, its uses are counted for each member.",
        ),
    ],
)
def test_verdicts(verdict: OfferVerdict, text: str) -> None:
    """Applied by how much, beaten by what and how much, or every condition that is missed."""
    assert render(verdict_text(verdict, terms(any_of(3, TENTH)), WORDS)) == text


def test_free_shipping_applied_is_no_amount_off() -> None:
    """What it takes off is the price of the delivery, which may not be chosen yet."""
    verdict = OfferVerdict("1", Finding.APPLIED, 0, 1)

    assert render(verdict_text(verdict, terms(FreeShippingTerms()), WORDS)) == "Shipping is free."


@pytest.mark.parametrize("code", [code for code in Finding if code is not Finding.APPLIED])
def test_every_finding_has_words(code: Finding) -> None:
    """Whatever becomes of an offer of whatever kind, a whole sentence says it."""
    offers = (
        any_of(3, TENTH),
        AddOnTerms(CUPS, TENTH, OpeningTerms(TEA, below_minor=usd(5000))),
        GiftTerms(frozenset({"7"}), OpeningTerms(TEA)),
        FreeShippingTerms(),
    )
    for benefit in offers:
        text = render(verdict_text(OfferVerdict("1", code), terms(benefit), WORDS))

        assert text.endswith(".")
        assert "%(" not in text


def test_the_channels_are_named_where_they_are_not_all() -> None:
    """To a reader of all of them, in the shop's order."""
    words = replace(WORDS, channels={"2": "Outlet", "1": "Main", "3": "Web"})
    some = terms(any_of(3, TENTH), channels=frozenset({"1", "2", "9"}))
    all_of_them = replace(some, channels=frozenset({"1", "2", "3"}))

    assert render(sentence_of(some, words)) == "Any 3 of Tea: 10 % off (only in Outlet, Main)."
    assert render(sentence_of(all_of_them, words)) == "Any 3 of Tea: 10 % off."
    assert render(sentence_of(some, WORDS)) == "Any 3 of Tea: 10 % off."
