"""The punch cards of a program, with what each said at any time.

Kept by the process for as long as somebody comes with the same ``Program.offers_stamp``, as the
shelf of offers is: every order that is settled asks.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby

from saleor_retention.engine.offers.terms import OfferTerms, PunchCardTerms
from saleor_retention.engine.selections import is_everything
from saleor_retention.models import OfferKind, OfferVersion
from saleor_retention.selectors.offers import terms_of


@dataclass(frozen=True, slots=True)
class PunchCard:
    """One punch card and its versions, oldest first."""

    offer_id: int
    is_active: bool
    versions: tuple[tuple[dt.datetime, int], ...]  # (since when, version id)

    def terms_at(self, at: dt.datetime) -> OfferTerms | None:
        """Return what the card said at an instant; None before there was one."""
        ids = [version_id for since, version_id in self.versions if since <= at]
        return terms_of(ids[-1]) if ids else None


@lru_cache(maxsize=256)
def cards_of(program_id: int, stamp: int) -> tuple[PunchCard, ...]:  # noqa: ARG001 (the key)
    """Return the program's punch cards, also those that are switched off; one statement.

    ``stamp`` must have been read in a transaction that stays.
    """
    versions = OfferVersion.objects.filter(
        offer__program_id=program_id, offer__kind=OfferKind.PUNCH_CARD
    )
    rows = versions.order_by("offer_id", "number").values_list(
        "offer_id", "offer__is_active", "created_at", "pk"
    )
    return tuple(
        PunchCard(offer_id, is_active, tuple((since, pk) for _, _, since, pk in group))
        for (offer_id, is_active), group in groupby(rows, key=lambda row: row[:2])
    )


def look_at_goods(program_id: int, stamp: int) -> bool:
    """Tell whether a card of the program is for some goods only."""
    return any(
        isinstance(benefit := terms_of(version_id).benefit, PunchCardTerms)
        and not is_everything(benefit.selection)
        for card in cards_of(program_id, stamp)
        for _since, version_id in card.versions
    )
