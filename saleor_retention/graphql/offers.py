"""The offers of a program that staff search, filter and sort, and one of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import DateTimeField, Q, QuerySet
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast
from graphql.error import GraphQLError

from saleor_retention.graphql import paging
from saleor_retention.graphql.context import moment, require
from saleor_retention.graphql.enums_offers import OfferSortField, OfferState
from saleor_retention.graphql.errors import discreet
from saleor_retention.graphql.lookups import OFFER_WITH, offer_of, program_of
from saleor_retention.graphql.types_offer import RetentionOfferConnection
from saleor_retention.models import Offer


@dataclass(frozen=True, slots=True)
class _Sorting:
    column: str
    read: Callable[[Any], Any]


_SORTINGS = {
    OfferSortField.SLUG: _Sorting("slug", str),
    OfferSortField.NAME: _Sorting("name", str),
    OfferSortField.CREATED_AT: _Sorting("created_at", paging.instant),
}


@discreet
def resolve_offers(_root: Any, info: Any, program: str, **arguments: Any) -> Any:
    """Return a page of a program's offers, for those who may change them; by slug unless sorted."""
    require(info, "discounts")
    given = arguments.pop("filter", None) or {}
    sort_by = arguments.pop("sort_by", None) or {"field": OfferSortField.SLUG, "direction": ""}
    sorting = _SORTINGS[OfferSortField(sort_by["field"])]
    window = paging.Window.of("retentionOffers", arguments, sorting.read, paging.row_id)
    order = paging.Order(sorting.column, is_descending=str(sort_by["direction"]) == "-")
    offers = Offer.objects.filter(program=program_of(program, "program"))
    found = _filtered(offers, given, moment(info)).select_related(*OFFER_WITH)
    return paging.page(RetentionOfferConnection, found, order, window)


@discreet
def resolve_offer(
    _root: Any,
    info: Any,
    id: str | None = None,  # noqa: A002 - the argument's name in Saleor's API
    program: str | None = None,
    slug: str | None = None,
) -> Offer | None:
    """Return one offer, for those who may change it; null where there is none."""
    require(info, "discounts")
    if (id is None) == (slug is None) or (slug is None) != (program is None):
        raise GraphQLError("Give either `id`, or `program` and `slug`.")
    if id is not None:
        return offer_of(id)
    offers = Offer.objects.filter(program=program_of(program or "", "program"), slug=slug)
    found: Offer | None = offers.select_related(*OFFER_WITH).first()
    return found


def _filtered(offers: QuerySet[Offer], given: Mapping[str, Any], now: Any) -> QuerySet[Offer]:
    if given.get("kinds") is not None:
        offers = offers.filter(kind__in=given["kinds"])
    if given.get("is_active") is not None:
        offers = offers.filter(is_active=given["is_active"])
    if (given.get("search") or "").strip():
        text = given["search"].strip()
        offers = offers.filter(Q(name__icontains=text) | Q(slug__icontains=text))
    if given.get("states") is not None:
        conditions = _conditions(now)
        wanted = Q(pk__in=[])
        for state in given["states"]:
            wanted |= conditions[OfferState(state)]
        offers = _with_window(offers).filter(wanted)
    return offers


def _with_window(offers: QuerySet[Offer]) -> QuerySet[Offer]:
    """Return the offers with their window, which a stored document writes with its offset."""
    document = "current_version__document"
    return offers.annotate(
        **{key: Cast(KeyTextTransform(key, document), DateTimeField()) for key in WINDOW}
    )


WINDOW = ("starts_at", "ends_at")


def _conditions(now: Any) -> dict[OfferState, Q]:
    """Return what each state is, as ``types_offer.state_of`` says it of one offer."""
    is_here = Q(retired_at=None)
    is_over = Q(ends_at__isnull=False, ends_at__lte=now)
    is_to_come = Q(starts_at__isnull=False, starts_at__gt=now)
    return {
        OfferState.RETIRED: Q(retired_at__isnull=False),
        OfferState.ENDED: is_here & is_over,
        OfferState.SCHEDULED: is_here & ~is_over & is_to_come,
        OfferState.RUNNING: is_here & ~is_over & ~is_to_come,
    }
