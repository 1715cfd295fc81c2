"""Offers put straight into our tables, as the services would have put them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db.models import F

from saleor_retention.engine.offers.parsing import parse_offer
from saleor_retention.models import Offer, OfferKind, OfferVersion, Program
from saleor_retention.selectors.offers import offer_exponents


def put_offer(program: Program, name: str, *, is_active: bool = True, **document: Any) -> Offer:
    """Return a new offer whose document is coherent: ``put_offer(p, "Tea", bundle={...})``."""
    (kind,) = document.keys() & {kind.value for kind in OfferKind}
    filled = {"kind": kind, **document}
    terms, problems = parse_offer(filled, offer_exponents(filled), "UTC")
    assert terms is not None, problems
    offer = Offer.objects.create(
        program=program,
        slug=name.lower().replace(" ", "-"),
        name=name,
        kind=kind,
        is_active=is_active,
    )
    offer.current_version = OfferVersion.objects.create(offer=offer, number=1, document=filled)
    offer.save()
    _move_stamp(program)
    return offer


def change_offer(offer: Offer, **columns: Any) -> None:
    """Change columns of an offer: ``change_offer(offer, is_active=False)``."""
    Offer.objects.filter(pk=offer.pk).update(**columns)
    _move_stamp(offer.program)


def select(*variants: Any) -> Mapping[str, list[str]]:
    """Return the selection of these variants."""
    return {"variants": [str(variant.pk) for variant in variants]}


def any_of(quantity: int, *variants: Any) -> dict[str, Any]:
    """Return a part of a bundle: so many units, any of these variants."""
    return {"select": dict(select(*variants)), "quantity": quantity}


def _move_stamp(program: Program) -> None:
    Program.objects.filter(pk=program.pk).update(offers_stamp=F("offers_stamp") + 1)
