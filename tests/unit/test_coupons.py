"""Terms and codes of coupons, without a shop."""

from __future__ import annotations

import secrets
from decimal import Decimal
from typing import Any

import pytest

from saleor_retention.engine.coupons.codes import ALPHABET, LENGTH, as_issued, new_code
from saleor_retention.engine.coupons.terms import CouponTerms, InvalidTerms, parse

LOOKALIKES = ("0OQ", "1IL", "2Z", "5S", "8B", "UV")


def test_no_two_characters_of_a_code_look_alike() -> None:
    """Of each group that is mistaken for one another there is one at most, and none twice."""
    assert len(set(ALPHABET)) == len(ALPHABET) == 26
    assert [len(set(group) & set(ALPHABET)) for group in LOOKALIKES] == [0, 0, 1, 1, 1, 1]


def test_ten_thousand_codes_are_other_codes() -> None:
    """From the operating system's generator; a code that is typed in lower case is the same."""
    drawn = {new_code("", secrets.choice) for _ in range(10_000)}

    assert len(drawn) == 10_000
    assert {len(code) for code in drawn} == {LENGTH}
    assert all(as_issued(code.lower()) == code for code in drawn)


@pytest.mark.parametrize(
    "terms",
    [
        CouponTerms("Ten off", percent=Decimal(10)),
        CouponTerms("Odd", percent=Decimal("12.5"), uses=3),
        CouponTerms("All of it", percent=Decimal(100), is_for_shipping=True),
        CouponTerms("Five off", amounts=(("EUR", 450), ("USD", 500)), minimums=(("USD", 1),)),
    ],
)
def test_what_is_stored_is_read_back(terms: CouponTerms) -> None:
    """Whatever the terms are."""
    assert parse(terms.document()) == terms


@pytest.mark.parametrize(
    ("document", "fields"),
    [
        ({}, ["name", "percent"]),
        ({"name": "x", "percent": "10", "amounts": {"USD": 1}}, ["percent"]),
        ({"name": "x" * 101, "percent": "10"}, ["name"]),
        ({"name": "x", "percent": "0"}, ["percent"]),
        ({"name": "x", "percent": "100.01"}, ["percent"]),
        ({"name": "x", "percent": "1.001"}, ["percent"]),
        ({"name": "x", "percent": "NaN"}, ["percent"]),
        ({"name": "x", "percent": "1E-999999999"}, ["percent"]),
        ({"name": "x", "percent": "ten"}, ["percent"]),
        ({"name": "x", "percent": True}, ["percent"]),
        ({"name": "x", "amounts": {"usd": 1}}, ["amounts"]),
        ({"name": "x", "amounts": {"USD": 0}}, ["amounts.USD"]),
        ({"name": "x", "amounts": {"USD": 10**9}}, ["amounts.USD"]),
        ({"name": "x", "amounts": {"USD": True}}, ["amounts.USD"]),
        ({"name": "x", "amounts": [5]}, ["amounts"]),
        ({"name": "x", "percent": "1", "shipping": "yes"}, ["shipping"]),
        ({"name": "x", "percent": "1", "uses": True}, ["uses"]),
        ({"name": "x", "percent": "1", "gift": 1}, ["gift"]),
    ],
)
def test_what_is_wrong_is_named(document: dict[str, Any], fields: list[str]) -> None:
    """Each problem once, by its field."""
    with pytest.raises(InvalidTerms) as found:
        parse(document)

    assert [field for field, _sentence in found.value.problems] == fields


def test_a_currency_fits_where_amount_and_minimum_are_stated() -> None:
    """A minimum in one currency keeps the coupon out of the others."""
    anywhere = parse({"name": "x", "percent": "1"})
    dollars = parse({"name": "x", "percent": "1", "minimums": {"USD": 1}})
    both = parse({"name": "x", "amounts": {"USD": 1, "EUR": 1}, "minimums": {"EUR": 5}})

    fitting = [
        [currency for currency in ("USD", "EUR", "JPY") if terms.fits(currency)]
        for terms in (anywhere, dollars, both)
    ]
    assert fitting == [["USD", "EUR", "JPY"], ["USD"], ["EUR"]]
