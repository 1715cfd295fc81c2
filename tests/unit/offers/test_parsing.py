"""The document of an offer: what it means, and every problem with its path and sentence."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from saleor_retention.engine.offers import kinds
from saleor_retention.engine.offers.dumping import dump_offer
from saleor_retention.engine.offers.kinds import Audience, Novelty, Part
from saleor_retention.engine.offers.parsing import parse_offer
from saleor_retention.engine.offers.templates import (
    offer_template,
    offer_templates,
)
from saleor_retention.engine.offers.terms import (
    BundleTerms,
    CutTerms,
    Kind,
    LimitPeriod,
    Limits,
    OfferTerms,
    in_currency,
)
from saleor_retention.engine.rules import Selection
from tests.unit.builders import EXPONENTS, instant

FULL: dict[str, Any] = {
    "kind": "bundle",
    "bundle": {
        "parts": [
            {"select": {"products": ["1", 2], "categories": ["c"]}, "quantity": 2},
            {"select": {"variants": ["v"]}, "quantity": "1"},
        ],
        "price": {"USD": "20.00", "JPY": 3000},
    },
    "channels": ["1", 2],
    "starts_at": "2026-12-01T00:00",
    "ends_at": "2026-12-24T18:30+00:00",
    "weekdays": ["tue", "Sunday"],
    "audience": {
        "members_only": True,
        "tiers": ["vip"],
        "segments": ["tea-lovers"],
        "tags": ["Tea lover"],
        "novelty": "returning",
        "granted_only": True,
    },
    "limits": {"per_order": 1, "per_customer": 2, "in_total": 100, "period": "week"},
    "group": "december",
    "floor": {"USD": "1.00", "JPY": 100},
    "priority": -3,
}


def problems_of(document: Any) -> list[tuple[str, str]]:
    """Return the fields and codes of what is wrong; what is only odd has a "?" behind."""
    terms, problems = parse_offer(document, EXPONENTS, "Europe/Paris")
    assert (terms is None) == any(not problem.is_warning for problem in problems)
    assert all(problem.message.endswith((".", "?")) for problem in problems)
    return [(each.field, each.code + "?" * each.is_warning) for each in problems]


def quantity(*steps: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Return quantity steps for product 1."""
    section = {"select": {"products": ["1"]}, "steps": list(steps)}
    return {"kind": "quantity", "quantity": section, **more}


def threshold(*steps: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Return a threshold on everything."""
    return {"kind": "threshold", "threshold": {"steps": list(steps)}, **more}


def bundle(units: int = 3, **given: Any) -> dict[str, Any]:
    """Return so many units of product 1 together."""
    parts = [{"select": {"products": ["1"]}, "quantity": units}]
    common = {key: given.pop(key) for key in ("floor", "limits", "weekdays") if key in given}
    return {"kind": "bundle", "bundle": {"parts": parts, **given}, **common}


def add_on(opens: dict[str, Any], **given: Any) -> dict[str, Any]:
    """Return product 1 at 10 % off."""
    section = {"select": {"products": ["1"]}, "percent": 10, "opens": opens, **given}
    return {"kind": "add_on", "add_on": section}


def member_price(**common: Any) -> dict[str, Any]:
    """Return 10 % off everything."""
    return {"kind": "member_price", "member_price": {"percent": 10}, **common}


# --- what a document means ------------------------------------------------------------------------


def test_a_document_is_read_whole() -> None:
    """Every key; instants without an offset are the program's, and all are kept in UTC."""
    terms, problems = parse_offer(FULL, EXPONENTS, "Europe/Paris")

    assert problems == []
    assert terms == OfferTerms(
        kind=Kind.BUNDLE,
        benefit=BundleTerms(
            parts=(
                Part(Selection(products=frozenset("12"), categories=frozenset("c")), 2),
                Part(Selection(variants=frozenset("v")), 1),
            ),
            cut=CutTerms(price_minor=(("JPY", 3000), ("USD", 2000))),
        ),
        channels=frozenset("12"),
        starts_at=instant("2026-11-30 23:00"),
        ends_at=instant("2026-12-24 18:30"),
        weekdays=frozenset({1, 6}),
        audience=Audience(
            is_members_only=True,
            tiers=frozenset({"vip"}),
            segments=frozenset({"tea-lovers"}),
            tags=frozenset({"Tea lover"}),
            novelty=Novelty.RETURNING,
            is_granted_only=True,
        ),
        limits=Limits(1, 2, 100, LimitPeriod.WEEK),
        group="december",
        floor_minor=(("JPY", 100), ("USD", 100)),
        priority=-3,
    )


@pytest.mark.parametrize(
    ("given", "period", "in_total"),
    [
        ({}, LimitPeriod.ALL_TIME, LimitPeriod.ALL_TIME),
        ({"period": "week"}, LimitPeriod.WEEK, LimitPeriod.WEEK),
        ({"period": "week", "total_period": None}, LimitPeriod.WEEK, LimitPeriod.WEEK),
        ({"period": "week", "total_period": "all_time"}, LimitPeriod.WEEK, LimitPeriod.ALL_TIME),
        ({"total_period": "day"}, LimitPeriod.ALL_TIME, LimitPeriod.DAY),
    ],
)
def test_a_period_is_of_both_limits_unless_the_total_has_its_own(
    given: dict[str, Any], period: LimitPeriod, in_total: LimitPeriod
) -> None:
    """What was stored before totals had one goes on to mean the same."""
    document = member_price(limits={"per_customer": 1, "in_total": 100, **given})

    terms, problems = parse_offer(document, EXPONENTS, "Europe/Paris", is_stored=True)

    assert (terms is not None, problems) == (True, [])
    assert (terms.limits.period, terms.limits.period_in_total) == (period, in_total)
    written = dump_offer(terms, EXPONENTS, "Europe/Paris")["limits"]
    assert {key: value for key, value in written.items() if "period" in key} == {
        key: value for key, value in given.items() if value is not None
    }


def test_a_period_is_one_of_those_that_there_are() -> None:
    """The field is named."""
    limits = {"per_customer": 1, "in_total": 9, "period": "decade", "total_period": "ever"}

    assert problems_of(member_price(limits=limits)) == [
        ("limits.period", "UNKNOWN_CHOICE"),
        ("limits.total_period", "UNKNOWN_CHOICE"),
    ]


def test_the_engine_gets_one_currency() -> None:
    """Amounts of the basket's currency; an offer that lacks it is no offer there."""
    terms, _problems = parse_offer(FULL, EXPONENTS, "Europe/Paris")
    assert terms is not None

    offer = in_currency(terms, offer_id="7", name="Tea set", currency="JPY")

    assert offer is not None
    assert isinstance(offer.benefit, kinds.Bundle)
    assert offer.benefit.cut == kinds.Cut(price_minor=3000)
    assert (offer.rule_key, offer.uses_per_order, offer.floor_minor) == ("offer:7", 1, 100)
    assert in_currency(terms, offer_id="7", name="Tea set", currency="EUR") is None


def test_what_is_stored_does_not_depend_on_the_zone_it_is_read_in() -> None:
    """The canonical form has offsets."""
    terms, _problems = parse_offer(FULL, EXPONENTS, "Europe/Paris")
    assert terms is not None

    document = dump_offer(terms, EXPONENTS, "Europe/Paris")

    assert document["starts_at"] == "2026-12-01T00:00+01:00"
    assert document["ends_at"] == "2026-12-24T19:30+01:00"
    assert parse_offer(document, EXPONENTS, "Asia/Tokyo") == (terms, [])


def test_a_punch_card_gives_the_unit_away_unless_said() -> None:
    """Six bought, the seventh free."""
    terms, problems = parse_offer(
        {"kind": "punch_card", "punch_card": {"buy": 6}}, EXPONENTS, "UTC"
    )

    assert problems == []
    assert terms is not None
    offer = in_currency(terms, offer_id="1", name="", currency="USD")
    assert offer is not None
    assert offer.benefit == kinds.PunchCard(Selection(), 6, kinds.Cut(percent=Decimal(100)))


def test_an_instant_may_be_one_already() -> None:
    """YAML and GraphQL make them of their own text."""
    at = dt.datetime(2026, 12, 1, 10, 30, 15, tzinfo=dt.UTC)

    terms, problems = parse_offer(member_price(starts_at=at), EXPONENTS, "Asia/Tokyo")

    assert problems == []
    assert terms is not None
    assert terms.starts_at == at
    assert dump_offer(terms, EXPONENTS, "Asia/Tokyo")["starts_at"] == "2026-12-01T19:30:15+09:00"


# --- what is refused ------------------------------------------------------------------------------


def test_an_offer_says_what_it_is() -> None:
    """Kind and its one section."""
    assert problems_of(5) == [("", "NOT_A_MAPPING"), ("kind", "REQUIRED")]
    assert problems_of({"kind": "bundel"}) == [("kind", "UNKNOWN_CHOICE")]
    assert problems_of({"kind": "bundle"}) == [
        ("bundle", "REQUIRED"),
        ("bundle.parts", "REQUIRED"),
        ("bundle", "ONE_CUT"),
    ]
    both = {**member_price(), "gift": {}}
    assert problems_of(both) == [("gift", "OTHER_KIND")]
    assert problems_of(member_price(color="red")) == [("color", "UNKNOWN_KEY")]


def test_goods_that_are_named_must_be_some() -> None:
    """An empty set is neither all nor none."""
    empty = {"kind": "member_price", "member_price": {"select": {}, "percent": 10}}
    none = {"kind": "member_price", "member_price": {"select": {"products": []}, "percent": 10}}
    assert problems_of(empty) == [("member_price.select", "EMPTY")]
    assert problems_of(none) == [("member_price.select.products", "EMPTY")]
    assert problems_of({"kind": "gift", "gift": {"variants": []}}) == [("gift.variants", "EMPTY")]
    assert problems_of({"kind": "bundle", "bundle": {"parts": [], "percent": 5}}) == [
        ("bundle.parts", "EMPTY")
    ]
    assert problems_of(member_price(channels=[])) == [("channels", "EMPTY")]
    assert problems_of(member_price(audience={"tiers": []})) == [("audience.tiers", "EMPTY")]


@pytest.mark.parametrize("count", [0, 2])
def test_there_is_exactly_one_cut(count: int) -> None:
    """Neither none nor two."""
    given = {"percent": 10, "amount": {"USD": 1}}
    section = dict(list(given.items())[:count])
    assert problems_of({"kind": "member_price", "member_price": section}) == [
        ("member_price", "ONE_CUT")
    ]


@pytest.mark.parametrize(
    ("price", "code"),
    [
        ({"USD": "-1"}, "NEGATIVE"),
        ({"USD": "1.005"}, "TOO_MANY_DECIMALS"),
        ({"JPY": "1.5"}, "TOO_MANY_DECIMALS"),
        ({"USD": "1e30"}, "NOT_A_NUMBER"),
        ({"USD": 10**30}, "TOO_LARGE"),
        ({"CHF": 1}, "UNKNOWN_CURRENCY"),
        ({"USD": None}, "REQUIRED"),
    ],
)
def test_amounts_are_exact(price: dict[str, Any], code: str) -> None:
    """Negative, fractional, enormous, in a currency that nobody sells in."""
    (currency,) = price
    assert problems_of(bundle(price=price)) == [(f"bundle.price.{currency}", code)]


def test_numbers_of_units_and_uses_are_whole_and_positive() -> None:
    """Nothing can be bought 0 or 1.5 times."""
    assert problems_of(bundle(0, percent=5)) == [("bundle.parts.0.quantity", "TOO_SMALL")]
    assert problems_of(bundle(10**9, percent=5)) == [("bundle.parts.0.quantity", "TOO_LARGE")]
    assert problems_of(member_price(limits={"per_customer": 0})) == [
        ("limits.per_customer", "TOO_SMALL")
    ]
    assert problems_of(member_price(limits={"in_total": "1.5"})) == [
        ("limits.in_total", "NOT_WHOLE")
    ]
    assert problems_of(member_price(priority=10**6)) == [("priority", "TOO_LARGE")]
    assert problems_of(member_price(group="My Group")) == [("group", "NOT_A_SLUG")]


@pytest.mark.parametrize(
    "text",
    [
        "2026-12-01",
        "2026-13-01T00:00",
        "soon",
        "0001-01-01T00:00",
        "9999-12-31T23:59",
        5,
        "2026-12-01T00:00.5",
    ],
)
def test_an_instant_is_a_day_and_a_time(text: Any) -> None:
    """A day alone would leave open which end of it is meant."""
    assert problems_of(member_price(ends_at=text)) == [("ends_at", "NOT_AN_INSTANT")]


# --- what contradicts itself ----------------------------------------------------------------------

CONTRADICTIONS: tuple[tuple[dict[str, Any], str, str], ...] = (
    (
        member_price(starts_at="2026-05-02T00:00", ends_at="2026-05-01T00:00"),
        "ends_at",
        "ENDS_BEFORE_START",
    ),
    (
        member_price(
            starts_at="2026-05-01T00:00", ends_at="2026-05-03T00:00", weekdays=["sun"]
        ),  # a Friday and a Saturday
        "weekdays",
        "NEVER_APPLIES",
    ),
    (member_price(limits={"period": "day"}), "limits.period", "NO_EFFECT"),
    (bundle(percent=5, limits={"per_order": 1, "period": "day"}), "limits.period", "NO_EFFECT"),
    (
        member_price(limits={"in_total": 9, "period": "day", "total_period": "week"}),
        "limits.period",
        "NO_EFFECT",
    ),
    (
        member_price(limits={"per_customer": 1, "total_period": "day"}),
        "limits.total_period",
        "NO_EFFECT",
    ),
    (
        bundle(percent=5, limits={"per_order": 3, "per_customer": 2}),
        "limits.per_order",
        "LIMIT_NEVER_REACHED",
    ),
    (
        member_price(limits={"per_customer": 3, "in_total": 2}),
        "limits.per_customer",
        "LIMIT_NEVER_REACHED",
    ),
    *(
        (
            member_price(
                limits={"per_customer": 3, "in_total": 2, "period": inner, "total_period": outer}
            ),
            "limits.per_customer",
            "LIMIT_NEVER_REACHED",
        )
        for inner, outer in (
            ("day", "week"),
            ("week", "all_time"),
            ("month", "year"),
            ("year", "year"),
        )
    ),
    (
        bundle(
            percent=5,
            limits={
                "per_order": 3,
                "per_customer": 9,
                "in_total": 2,
                "period": "month",
                "total_period": "day",
            },
        ),
        "limits.per_order",
        "LIMIT_NEVER_REACHED",
    ),
    (bundle(3, cheapest_free=3), "bundle.cheapest_free", "TOO_LARGE"),
    (
        quantity({"from": 3, "percent": 5}, {"from": 3, "percent": 10}),
        "quantity.steps.1.from",
        "NOT_ASCENDING",
    ),
    (
        quantity({"from": 3, "percent": 5}, {"from": 6, "percent": 5}),
        "quantity.steps.1.percent",
        "STEP_GIVES_NO_MORE",
    ),
    (
        quantity({"from": 3, "price": {"USD": 4}}, {"from": 6, "price": {"USD": "4.50"}}),
        "quantity.steps.1.price",
        "STEP_GIVES_NO_MORE",
    ),
    (
        threshold(
            {"from": {"USD": 50}, "amount": {"USD": 5}}, {"from": {"USD": 40}, "amount": {"USD": 9}}
        ),
        "threshold.steps.1.from.USD",
        "NOT_ASCENDING",
    ),
    (
        threshold({"from": {"USD": 50}, "amount": {"USD": 60}}),
        "threshold.steps.0.amount.USD",
        "AMOUNT_ABOVE_SUM",
    ),
    (
        add_on({"from": {"USD": 50}, "below": {"USD": 50}}),
        "add_on.opens.below.USD",
        "NEVER_OPENS",
    ),
    (
        add_on({"below": {"USD": 50}, "below_offer": "ship"}),
        "add_on.opens.below_offer",
        "ONE_BELOW",
    ),
    (add_on({"select": {"products": ["1"]}}), "add_on.opens.select", "NEVER_OPENS"),
    (add_on({}), "add_on.opens", "EMPTY"),
    (add_on({"from": {"USD": 5}, "quantity": 2}), "add_on.opens.quantity", "NO_EFFECT"),
    (add_on({"from": {"USD": 5}}, units_each=2), "add_on.units_each", "NO_EFFECT"),
    (
        {"kind": "add_on", "add_on": {"percent": 5, "opens": {"from": {"USD": 5}}}},
        "add_on.select",
        "REQUIRED",
    ),
    (
        {"kind": "gift", "gift": {"variants": ["1"], "opens": {"select": {"variants": ["1"]}}}},
        "gift.opens.select",
        "NEVER_OPENS",
    ),
    (
        bundle(3, price={"USD": 20}, floor={"USD": 7}),
        "floor.USD",
        "FLOOR_ABOVE_PRICE",
    ),
    (
        quantity({"from": 2, "price": {"USD": 4}}, floor={"USD": "4.01"}),
        "floor.USD",
        "FLOOR_ABOVE_PRICE",
    ),
    (
        {"kind": "punch_card", "punch_card": {"buy": 6}, "floor": {"USD": 1}},
        "floor",
        "FLOOR_ABOVE_PRICE",
    ),
    ({"kind": "gift", "gift": {"variants": ["1"]}, "floor": {"USD": 1}}, "floor",
     "FLOOR_ABOVE_PRICE"),
    ({"kind": "free_shipping", "free_shipping": {}, "floor": {"USD": 1}}, "floor", "NO_EFFECT"),
)  # fmt: skip


@pytest.mark.parametrize(("document", "field", "code"), CONTRADICTIONS)
def test_what_contradicts_itself_is_refused(
    document: dict[str, Any], field: str, code: str
) -> None:
    """With the field and a reason, and nothing else beside it."""
    assert problems_of(document) == [(field, code)]


def test_what_was_stored_is_read_although_it_would_be_refused_now() -> None:
    """The zone of a program may change, and with it on which days a window lies."""
    of_fields = ("EMPTY", "REQUIRED", "NO_EFFECT", "ONE_BELOW")
    between_fields = [document for document, _, code in CONTRADICTIONS if code not in of_fields]

    for document in between_fields:
        terms, problems = parse_offer(document, EXPONENTS, "UTC", is_stored=True)
        assert (terms is not None, problems) == (True, [])

    assert len(between_fields) > len(CONTRADICTIONS) // 2


def test_what_just_fits_is_fine() -> None:
    """The other side of each border."""
    for document in near_misses():
        assert problems_of(document) == [], document


def near_misses() -> Iterator[dict[str, Any]]:
    """Yield documents that are nearly contradictions."""
    yield member_price(starts_at="2026-05-01T00:00", ends_at="2026-05-03T00:01", weekdays=["sun"])
    yield bundle(percent=5, limits={"per_order": 2, "per_customer": 2, "in_total": 2})
    for limits in (
        {"per_customer": 1, "in_total": 1000, "period": "month", "total_period": "all_time"},
        {"per_customer": 1, "in_total": 100, "total_period": "day"},
        {"per_customer": 1, "in_total": 9, "period": "month", "total_period": "month"},
        {"in_total": 9, "total_period": "week"},
        {"per_customer": 1, "period": "all_time"},
    ):
        yield member_price(limits=limits)
    for period, total_period in (("week", "month"), ("week", "year"), ("month", "day")):
        limits = {"per_customer": 3, "in_total": 2}
        yield member_price(limits=limits | {"period": period, "total_period": total_period})
    yield bundle(3, cheapest_free=2)
    yield bundle(3, price={"USD": 21}, floor={"USD": 7})
    yield threshold({"from": {"USD": 50}, "amount": {"USD": 50}})
    yield threshold({"from": {"USD": 0}, "amount": {"USD": 5}})
    yield add_on({"from": {"USD": "49.99"}, "below": {"USD": 50}})
    yield add_on({"below_offer": "ship"})
    yield add_on({"select": {"products": ["1", "2"]}}, units_each=2)
    yield quantity({"from": 2, "percent": 5}, {"from": 3, "amount": {"USD": 1}})


def test_a_limit_that_orders_never_reach_is_odd() -> None:
    """An order uses a member price once."""
    assert problems_of(member_price(limits={"per_order": 1})) == [
        ("limits.per_order", "NO_EFFECT?")
    ]


# --- templates ------------------------------------------------------------------------------------


def test_every_template_is_a_valid_offer() -> None:
    """In every currency that it is asked for, one kind at least of each."""
    found = offer_templates(EXPONENTS)

    for each in found:
        terms, problems = parse_offer(each.document, EXPONENTS, "UTC")
        assert problems == [], each.name
        assert terms is not None
        assert all(
            in_currency(terms, offer_id="1", name=each.title, currency=currency) is not None
            for currency in EXPONENTS
        )
    assert {each.document["kind"] for each in found} == set(Kind)
    assert len({each.name for each in found}) == len(found)


def test_a_template_is_in_the_currencies_that_are_given() -> None:
    """With as many digits as each has, and of about the same worth."""
    places = {"USD": 2, "JPY": 0, "TWD": 2, "KRW": 0, "UGX": 0, "CHF": 2}
    document = offer_template("spend_steps", places).document

    step = document["threshold"]["steps"][1]
    assert step["from"] == {
        "USD": "100.00",
        "JPY": "10000",
        "TWD": "3000.00",
        "KRW": "100000",
        "UGX": "10000",
        "CHF": "100.00",
    }
    assert step["amount"]["JPY"] == "1500"
