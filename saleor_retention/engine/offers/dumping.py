"""Writes an offer's terms back as the document that ``parsing`` reads: stored form and export."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from saleor_retention.engine.dumping import WEEKDAYS, amounts_document, select_document
from saleor_retention.engine.offers.kinds import Audience
from saleor_retention.engine.offers.terms import (
    AddOnTerms,
    Amounts,
    BenefitTerms,
    BundleTerms,
    CutTerms,
    FreeShippingTerms,
    GiftTerms,
    LimitPeriod,
    Limits,
    OfferTerms,
    OpeningTerms,
    PunchCardTerms,
    QuantityTerms,
    ThresholdTerms,
)


def dump_offer(terms: OfferTerms, exponents: Mapping[str, int], time_zone: str) -> dict[str, Any]:
    """Return the document of an offer; parsing it gives equal terms.

    Only text, integers, booleans, lists and mappings, so that it can be stored as JSON. Instants
    are written in the time zone with their offset, so that they stay what they are in any other.
    """
    document: dict[str, Any] = {
        "kind": terms.kind.value,
        terms.kind.value: _benefit(terms.benefit, exponents),
    }
    if terms.channels:
        document["channels"] = sorted(terms.channels)
    if terms.starts_at is not None:
        document["starts_at"] = _instant(terms.starts_at, time_zone)
    if terms.ends_at is not None:
        document["ends_at"] = _instant(terms.ends_at, time_zone)
    if terms.weekdays:
        document["weekdays"] = [WEEKDAYS[day] for day in sorted(terms.weekdays)]
    if audience := _audience(terms.audience):
        document["audience"] = audience
    if limits := _limits(terms.limits):
        document["limits"] = limits
    if terms.group:
        document["group"] = terms.group
    document |= _amounts("floor", terms.floor_minor, exponents)
    if terms.priority:
        document["priority"] = terms.priority
    return document


def _benefit(terms: BenefitTerms, exponents: Mapping[str, int]) -> dict[str, Any]:
    if isinstance(terms, BundleTerms):
        parts = [{**select_document(part.selection), "quantity": part.quantity}
                 for part in terms.parts]  # fmt: skip
        gives = {"cheapest_free": terms.free_units}
        return {"parts": parts, **(gives if terms.cut is None else _cut(terms.cut, exponents))}
    if isinstance(terms, GiftTerms):
        return {
            "variants": sorted(terms.choices),
            "quantity": terms.quantity,
            **_opening(terms.opening, exponents),
        }
    select = select_document(terms.selection)
    if isinstance(terms, QuantityTerms):
        steps: list[dict[str, Any]] = [
            {"from": step.quantity, **_cut(step.cut, exponents)} for step in terms.steps
        ]
        return {**select, "steps": steps, **_given(units_max=terms.units_max)}
    if isinstance(terms, ThresholdTerms):
        steps = [
            {**_amounts("from", step.from_minor, exponents), **_cut(step.cut, exponents)}
            for step in terms.steps
        ]
        return {**select, "steps": steps}
    if isinstance(terms, FreeShippingTerms):
        return {**select, **_amounts("from", terms.from_minor, exponents)}
    document = {**select, **_cut(terms.cut, exponents)}
    if isinstance(terms, PunchCardTerms):
        document["buy"] = terms.stamps
    if isinstance(terms, AddOnTerms):
        document |= _opening(terms.opening, exponents)
        if terms.opening.main is not None:
            document["units_each"] = terms.units_each
    return document


def _cut(cut: CutTerms, exponents: Mapping[str, int]) -> dict[str, Any]:
    if cut.percent is not None:
        return {"percent": f"{cut.percent:f}"}
    return {
        **_amounts("amount", cut.amount_minor, exponents),
        **_amounts("price", cut.price_minor, exponents),
    }


def _opening(opening: OpeningTerms, exponents: Mapping[str, int]) -> dict[str, Any]:
    document: dict[str, Any] = {}
    if opening.main is not None:
        document |= select_document(opening.main)
        document["quantity"] = opening.main_quantity
    document |= _amounts("from", opening.from_minor, exponents)
    document |= _amounts("below", opening.below_minor, exponents)
    if opening.below_offer:
        document["below_offer"] = opening.below_offer
    return {"opens": document} if document else {}


def _audience(audience: Audience) -> dict[str, Any]:
    document: dict[str, Any] = {}
    if audience.is_members_only:
        document["members_only"] = True
    for key in ("tiers", "segments", "tags"):
        if names := getattr(audience, key):
            document[key] = sorted(names)
    if audience.novelty is not None:
        document["novelty"] = audience.novelty.value
    if audience.is_granted_only:
        document["granted_only"] = True
    return document


def _limits(limits: Limits) -> dict[str, Any]:
    document: dict[str, Any] = _given(
        per_order=limits.per_order, per_customer=limits.per_customer, in_total=limits.in_total
    )
    if limits.period is not LimitPeriod.ALL_TIME:
        document["period"] = limits.period.value
    if limits.total_period is not None:
        document["total_period"] = limits.total_period.value
    return document


def _amounts(key: str, amounts: Amounts, exponents: Mapping[str, int]) -> dict[str, Any]:
    return {key: amounts_document(amounts, exponents)} if amounts else {}


def _given(**numbers: int | None) -> dict[str, int]:
    return {key: number for key, number in numbers.items() if number is not None}


def _instant(at: dt.datetime, time_zone: str) -> str:
    local = at.astimezone(ZoneInfo(time_zone))
    return local.isoformat(timespec="minutes" if not local.second else "seconds")
