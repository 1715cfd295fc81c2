"""Pages of what belongs to members or offers, newest first, for many of them in one statement.

Each owner's page is read by its index and stops at its limit, so that a list of members with their
last movements costs what is shown and not what there is.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from django.db import connection
from django.db.models import Model, QuerySet, Sum

from saleor_retention.graphql.dataloaders.base import Loader
from saleor_retention.graphql.paging import Window
from saleor_retention.models import (
    MEMBER_BOOKS,
    ConsentEntry,
    Coupon,
    Entry,
    OfferVersion,
    TierChange,
    Transaction,
)

PageKey = tuple[int, Window]
"""(id of an account or offer, which part of its list)"""

_PAGES = """
SELECT wanted.owner_id, page.id
FROM unnest(%(owner_ids)s::bigint[]) AS wanted (owner_id)
CROSS JOIN LATERAL (
    SELECT id FROM {table}
    WHERE {owner} = wanted.owner_id AND (%(cursor)s::bigint IS NULL OR id {beyond} %(cursor)s)
    ORDER BY id {direction}
    LIMIT %(limit)s
) AS page
"""


class MovementPages(Loader[PageKey, list[Transaction]]):
    """Transactions with what they changed, by account and window."""

    def find(self, keys: Sequence[PageKey]) -> Mapping[PageKey, list[Transaction]]:
        """Read them in two statements for each window, of which a query has as many as aliases."""
        pages = _pages(keys, Transaction.objects.select_related("note", "version"))
        ids = [row.pk for rows in pages.values() for row in rows]
        changes: dict[int, dict[str, int]] = defaultdict(dict)
        entries = Entry.objects.filter(transaction_id__in=ids)
        for pk, book, points in (
            entries.values_list("transaction_id", "book").annotate(Sum("points")).order_by()
        ):
            changes[pk][book] = points
        for rows in pages.values():
            for row in rows:
                row.change = changes[row.pk]
        return pages


class TierChangePages(Loader[PageKey, list[TierChange]]):
    """Changes of tier, by account and window."""

    def find(self, keys: Sequence[PageKey]) -> Mapping[PageKey, list[TierChange]]:
        """Read them in one statement for each window."""
        return _pages(keys, TierChange.objects.select_related("note"))


class CouponPages(Loader[PageKey, list[Coupon]]):
    """Coupons with their batches, by account and window."""

    def find(self, keys: Sequence[PageKey]) -> Mapping[PageKey, list[Coupon]]:
        """Read them in two statements for each window."""
        return _pages(keys, Coupon.objects.select_related("batch"))


class ConsentPages(Loader[PageKey, list[ConsentEntry]]):
    """Answers about consents, by account and window."""

    def find(self, keys: Sequence[PageKey]) -> Mapping[PageKey, list[ConsentEntry]]:
        """Read them in two statements for each window."""
        return _pages(keys, ConsentEntry.objects.all())


class OfferVersionPages(Loader[PageKey, list[OfferVersion]]):
    """Versions, by offer and window."""

    def find(self, keys: Sequence[PageKey]) -> Mapping[PageKey, list[OfferVersion]]:
        """Read them in one statement for each window."""
        return _pages(keys, OfferVersion.objects.all(), owner="offer_id")


def _pages(
    keys: Sequence[PageKey], queryset: QuerySet[Any], owner: str = "account_id"
) -> dict[PageKey, list[Any]]:
    """Return each key's rows in the window's direction, one more than asked for."""
    owners_by_window = defaultdict(list)
    for owner_id, window in keys:
        owners_by_window[window].append(owner_id)
    pages: dict[PageKey, list[Any]] = {key: [] for key in keys}
    for window, owner_ids in owners_by_window.items():
        found = _ids(queryset.model, owner, owner_ids, window)
        rows = queryset.in_bulk([pk for _, pk in found])
        for owner_id, pk in found:
            pages[owner_id, window].append(rows[pk])
    return pages


def _ids(
    model: type[Model], owner: str, owner_ids: Sequence[int], window: Window
) -> list[tuple[int, int]]:
    cursor_id = window.position[0] if window.position else None
    statement = _PAGES.format(
        table=connection.ops.quote_name(model._meta.db_table),  # noqa: SLF001 - public in Django
        owner=owner,
        beyond=">" if window.is_backward else "<",
        direction="ASC" if window.is_backward else "DESC",
    )
    with connection.cursor() as cursor:
        cursor.execute(
            statement,
            {"owner_ids": list(owner_ids), "cursor": cursor_id, "limit": window.limit + 1},
        )
        return list(cursor.fetchall())


def total_change(change: Mapping[str, int]) -> int:
    """Return what a member has more, or what became available where that is nothing."""
    total = sum(change.get(book.value, 0) for book in MEMBER_BOOKS)
    return total or change.get("available", 0)
