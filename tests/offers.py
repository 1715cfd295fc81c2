"""Offers to begin a test with, on the in-memory host, written past ``services.offering.offers``."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from typing import Any

from django.db.models import F

from saleor_retention.engine.quote import AppliedOffer, Quote
from saleor_retention.engine.quote_payload import dump_quote
from saleor_retention.models import (
    Account,
    Offer,
    OfferCounter,
    OfferUse,
    OfferVersion,
    Program,
    StoredQuote,
)
from tests.ledger import LAUNCH

CART = "cart-1"
TEA = {"products": ["product-a"]}
BUNDLE = {"parts": [{"select": TEA, "quantity": 2}], "percent": 10}


def make_offer(
    program: Program,
    slug: str,
    kind: str = "bundle",
    section: dict[str, Any] | None = None,
    *,
    created_at: dt.datetime = LAUNCH,
    **document: Any,
) -> Offer:
    """Create an active offer of a program; a bundle of two teas unless said."""
    offer = Offer.objects.create(
        program=program, slug=slug, name=slug.capitalize(), kind=kind, created_at=created_at
    )
    add_version(offer, section or BUNDLE, created_at=created_at, **document)
    return offer


def add_version(
    offer: Offer, section: dict[str, Any], *, created_at: dt.datetime = LAUNCH, **document: Any
) -> OfferVersion:
    """Make this the offer's current version."""
    offer.current_version = OfferVersion.objects.create(
        offer=offer,
        number=offer.versions.count() + 1,
        document={"kind": offer.kind, offer.kind: section, **document},
        created_at=created_at,
    )
    offer.save()
    Program.objects.filter(pk=offer.program_id).update(offers_stamp=F("offers_stamp") + 1)
    return offer.current_version


def applied(
    offer: Offer, uses: int = 1, amount_minor: int = 100, gifts: Sequence[str] = ()
) -> AppliedOffer:
    """Return the offer as a price has it."""
    assert offer.current_version_id is not None
    return AppliedOffer(str(offer.pk), offer.current_version_id, uses, amount_minor, tuple(gifts))


def store_quote(
    program: Program, account: Account | None, *offers: AppliedOffer, cart: str = CART
) -> Quote:
    """Store the price of a cart that has these offers."""
    quote = Quote("basket", "price", (), (), applied=offers)
    StoredQuote.objects.update_or_create(
        pk=cart,
        defaults={
            "account": account,
            "version_id": Program.objects.get(pk=program.pk).current_version_id,
            "user_ref": "" if account is None else str(account.user_id),
            "basket_fingerprint": quote.basket_fingerprint,
            "fingerprint": quote.fingerprint,
            "payload": json.loads(dump_quote(quote)),
            "priced_at": LAUNCH,
        },
    )
    return quote


def uses() -> list[tuple[str, str, str, int]]:
    """Return all uses: offer, checkout, state, uses."""
    rows = OfferUse.objects.order_by("offer_id", "checkout_ref")
    return list(rows.values_list("offer__slug", "checkout_ref", "state", "uses"))


def counters() -> dict[tuple[str, int | None, str | None], int]:
    """Return all counters by offer, account and period."""
    return {
        (row.offer.slug, row.account_id, row.period_start and row.period_start.isoformat()): (
            row.used
        )
        for row in OfferCounter.objects.select_related("offer")
    }
