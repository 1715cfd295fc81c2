"""Offers survive being written and read; bad documents never raise."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from saleor_retention.engine.offers.dumping import dump_offer
from saleor_retention.engine.offers.parsing import parse_offer
from saleor_retention.engine.offers.terms import Kind, OfferTerms, amounts_of, in_currency
from tests.property.offer_terms import CURRENCIES, offer_terms
from tests.property.strategies import ZONES
from tests.property.test_rules import scalars
from tests.unit.builders import EXPONENTS

KEYS = [*Kind, "kind", "parts", "steps", "select", "products", "quantity", "percent", "amount"]
KEYS += ["price", "from", "below", "opens", "variants", "buy", "units_max", "units_each", "USD"]
KEYS += [
    "channels",
    "starts_at",
    "ends_at",
    "weekdays",
    "audience",
    "tiers",
    "novelty",
    "granted_only",
    "limits",
]
KEYS += ["per_order", "per_customer", "in_total", "period", "total_period"]
KEYS += ["group", "floor", "priority"]
keys = st.one_of(st.sampled_from(KEYS), st.text(max_size=4), st.integers())
documents = st.recursive(
    st.one_of(scalars, st.sampled_from([*Kind, "2026-12-01T00:00", "week", "new"])),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(keys, inner, max_size=5)),
    max_leaves=25,
)


@given(terms=offer_terms(), zone=st.sampled_from(ZONES), read_in=st.sampled_from(ZONES))
def test_what_is_written_is_read(terms: OfferTerms, zone: str, read_in: str) -> None:
    """parse(dump(terms)) == terms, through JSON, in whatever zone it is read."""
    stored = json.loads(json.dumps(dump_offer(terms, EXPONENTS, zone)))

    read, problems = parse_offer(stored, EXPONENTS, read_in, is_stored=True)

    assert problems == []
    assert read == terms


@given(terms=offer_terms(), currency=st.sampled_from(CURRENCIES))
def test_an_offer_is_in_a_currency_whole_or_not_at_all(terms: OfferTerms, currency: str) -> None:
    """One amount that lacks the currency is enough to leave the offer out."""
    is_whole = not terms.below_offer and all(
        currency in dict(amounts) for _path, amounts in amounts_of(terms)
    )

    offer = in_currency(terms, offer_id="7", name="Offer", currency=currency)

    assert (offer is not None) == is_whole
    if offer is not None:
        assert offer.floor_minor == dict(terms.floor_minor).get(currency, 0)


@given(document=documents, kind=st.sampled_from(Kind), section=documents)
def test_bad_documents_are_described_and_never_raise(
    document: Any, kind: Kind, section: Any
) -> None:
    """Whatever is sent, there are terms or at least one problem that says why not."""
    for sent in (document, {"kind": kind.value, kind.value: section}):
        terms, problems = parse_offer(sent, EXPONENTS, "Europe/Paris")

        assert (terms is None) == any(not problem.is_warning for problem in problems)
        assert all(problem.message and problem.code for problem in problems)
