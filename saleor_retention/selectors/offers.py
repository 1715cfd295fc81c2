"""Which offers run in a channel, and what their versions say.

The price pass asks each time, so both answers are kept by the process: a version is written once,
and ``Program.offers_stamp`` moves with every change of one of the program's offers. What was loaded
for a stamp is true for as long as somebody comes with that stamp.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.db.models import QuerySet

from saleor_retention import host
from saleor_retention.engine.offers.index import OfferIndex
from saleor_retention.engine.offers.kinds import Offer
from saleor_retention.engine.offers.parsing import parse_offer
from saleor_retention.engine.offers.terms import OfferTerms, followed, in_currency
from saleor_retention.models import Offer as OfferRow
from saleor_retention.models import OfferVersion

logger = logging.getLogger(__name__)

TERMS_KEPT_MAX = 10_000
AMOUNT_KEYS = ("amount", "price", "from", "below", "floor")

_terms: dict[int, OfferTerms] = {}  # by version id


@dataclass(frozen=True, slots=True, eq=False)
class OfferShelf:
    """The offers of one channel as the engine takes them; mappings are by the engine's offer id."""

    offers: tuple[Offer, ...]
    terms: Mapping[str, OfferTerms]
    version_ids: Mapping[str, int]
    names: Mapping[str, str]
    index: OfferIndex


@lru_cache(maxsize=256)
def offers_in(
    program_id: int,
    stamp: int,  # noqa: ARG001 - a key of what is kept
    *,
    channel_ref: str,
    currency: str,
) -> OfferShelf:
    """Return the active offers of a program that its channel has, in the order of their ids.

    Also those whose window is not open: the clock belongs to the engine. An offer without an amount
    in the currency is left out, its own or that of the offer it refers to, as is one that cannot be
    read any more (a fault, which is logged: the others go on). One statement for each stamp,
    channel and currency that is new to the process. ``stamp`` must have been read in a transaction
    that stays: what is rolled back must not be remembered.
    """
    rows = [
        (row, terms)
        for row in _running(program_id)
        if (terms := _readable(row)) is not None
        and (not terms.channels or channel_ref in terms.channels)
    ]
    by_slug = {row.slug: terms for row, terms in rows}
    offers, terms_by_id, version_ids = [], {}, {}
    for row, own_terms in rows:
        terms = followed(own_terms, by_slug)
        offer = in_currency(terms, offer_id=str(row.pk), name=row.name, currency=currency)
        if offer is None or row.current_version_id is None:
            continue
        offers.append(offer)
        terms_by_id[offer.id] = terms
        version_ids[offer.id] = row.current_version_id
    return OfferShelf(
        offers=tuple(offers),
        terms=terms_by_id,
        version_ids=version_ids,
        names={offer.id: offer.name for offer in offers},
        index=OfferIndex(offers),
    )


def followed_terms(program_id: int, terms: OfferTerms) -> OfferTerms:
    """Return terms with the amount of the active offer that they refer to, if they do."""
    slug = terms.below_offer
    rows = _running(program_id).filter(slug=slug) if slug else ()
    return followed(terms, {row.slug: own for row in rows if (own := _readable(row)) is not None})


def _running(program_id: int) -> QuerySet[OfferRow]:
    rows = OfferRow.objects.filter(program_id=program_id, is_active=True, retired_at=None)
    return rows.select_related("current_version").order_by("id")


def _readable(row: OfferRow) -> OfferTerms | None:
    version = row.current_version
    try:
        return None if version is None else kept_terms(version.pk, version.document)
    except ValueError:
        logger.exception("Offer %s is left out of prices.", row.pk)
        return None


def terms_of(version_id: int) -> OfferTerms:
    """Return what a version of an offer says, parsed once per process.

    Raises ``OfferVersion.DoesNotExist``, and ``ValueError`` naming the first problem when the
    stored document cannot be read any more.
    """
    if version_id in _terms:
        return _terms[version_id]
    document = OfferVersion.objects.only("document").get(pk=version_id).document
    return kept_terms(version_id, document)


def offer_exponents(document: Mapping[str, Any]) -> dict[str, int]:
    """Return the digits of every currency that a stored document of an offer names."""
    shop = host.current()
    return {code: shop.currency_exponent(code) for code in sorted(set(_currencies(document)))}


def kept_terms(version_id: int, document: Mapping[str, Any]) -> OfferTerms:
    """Return what a version says whose document is at hand; raises as ``terms_of``."""
    if version_id in _terms:
        return _terms[version_id]
    terms, problems = parse_offer(document, offer_exponents(document), "UTC", is_stored=True)
    if terms is None:
        first = next(problem for problem in problems if not problem.is_warning)
        raise ValueError(f"Offer version {version_id}: {first.field}: {first.message}")
    if len(_terms) >= TERMS_KEPT_MAX:
        _terms.clear()
    _terms[version_id] = terms
    return terms


def _currencies(node: Any) -> Iterator[str]:
    if isinstance(node, Mapping):
        for key, value in node.items():
            if key in AMOUNT_KEYS and isinstance(value, Mapping):
                yield from value
            else:
                yield from _currencies(value)
    elif isinstance(node, list):
        for item in node:
            yield from _currencies(item)


def forget() -> None:
    """Forget all that was kept, for a process whose database is another one now (tests)."""
    offers_in.cache_clear()
    _terms.clear()
