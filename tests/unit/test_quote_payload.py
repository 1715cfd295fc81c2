"""A stored price is the price again, whichever version of ours stored it."""

from __future__ import annotations

import json
from dataclasses import asdict

import pytest

from saleor_retention.engine.phrases import counted, ngettext, phrase
from saleor_retention.engine.quote import Allocation, AppliedOffer, Quote, Verdict
from saleor_retention.engine.quote_payload import allocations_of, dump_quote, load_quote

ONE_MORE = counted(1, ngettext("%(number)s more.", "%(number)s more.", 1))
QUOTE = Quote(
    basket_fingerprint="b",
    fingerprint="f",
    allocations=(
        Allocation("1", "offer:7", 250, "Tea", "percentage", "10"),
        Allocation("1", "points", 50, "Points"),
    ),
    verdicts=(
        Verdict("offer:7", "APPLIED", phrase("%(name)s applies.", name="Tea"), 250),
        Verdict("offer:8", "TOO_FEW", ONE_MORE, gap=1),
    ),
    points_held=70,
    points_applied=50,
    has_free_shipping=True,
    applied=(AppliedOffer("7", 3, 1, 250, ("12", "13")),),
    gap_minor=4,
)


def test_a_price_comes_back_as_it_was() -> None:
    """From its text as from what the database makes of it."""
    text = dump_quote(QUOTE)

    assert load_quote(text) == load_quote(json.loads(text)) == QUOTE
    assert allocations_of(json.loads(text)) == QUOTE.allocations


def test_a_price_of_an_earlier_version_is_read() -> None:
    """Its parts are objects, with the names of their fields."""
    assert load_quote(json.dumps(asdict(QUOTE))) == QUOTE


@pytest.mark.parametrize("payload", [{}, {"allocations": []}])
def test_a_price_that_was_forgotten_takes_nothing_off(payload: dict[str, list[str]]) -> None:
    """What is asked of it is only what came off."""
    assert allocations_of(payload) == ()


def test_a_large_price_is_short() -> None:
    """A line and rule take what they say, not the names of the fields."""
    many = tuple(Allocation(str(n), "offer:7", 250, "Tea", "fixed", "2.50") for n in range(100))
    quote = Quote("b", "f", many, ())

    assert len(dump_quote(quote)) < 0.5 * len(json.dumps(asdict(quote), separators=(",", ":")))
