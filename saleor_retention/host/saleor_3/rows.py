"""Writes a quote into Saleor's discount rows and our stored quote: one statement, or none.

Lock order is Saleor's own: the checkout's row, then its lines by id. The statement writes nothing
when another request changed the lines, or stored another quote, since we read them; the caller then
reads again. So 48 requests at once on a checkout end with one row per line and rule.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum

from django.db import connections
from django.db.utils import DEFAULT_DB_ALIAS


class Written(Enum):
    """What became of a write."""

    DONE = "done"
    GONE = "gone"  # the checkout was completed or deleted
    LINES_CHANGED = "lines changed"
    QUOTE_CHANGED = "quote changed"


@dataclass(frozen=True, slots=True)
class OwnRow:
    """One discount row on a checkout line, with Saleor's column names."""

    id: uuid.UUID
    line_id: uuid.UUID
    value_type: str
    value: Decimal
    amount_value: Decimal
    currency: str
    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class StoredColumns:
    """What the stored quote will hold."""

    account_id: int | None
    version_id: int | None
    user_ref: str
    tier: str
    basket_fingerprint: str
    fingerprint: str
    payload: str
    points_applied: int
    has_free_shipping: bool


WRITE = """
SELECT * FROM saleor_retention_write_quote(
    %(token)s::uuid, %(line_ids)s::uuid[], %(quantities)s::integer[],
    %(account_id)s, %(version_id)s, %(user_ref)s, %(tier)s,
    %(basket_fingerprint)s, %(fingerprint)s, %(payload)s::jsonb,
    %(points_applied)s, %(has_free_shipping)s, %(now)s,
    %(read_fingerprint)s, %(stale_ids)s::uuid[], %(currency)s,
    %(row_ids)s::uuid[], %(row_line_ids)s::uuid[], %(value_types)s::text[],
    %(values)s::numeric[], %(amounts)s::numeric[], %(names)s::text[], %(reasons)s::text[])
"""

STRIP = """
WITH locked AS MATERIALIZED (
    SELECT token FROM checkout_checkout WHERE token = %(token)s FOR UPDATE
), quote AS (
    DELETE FROM saleor_retention_storedquote
    WHERE checkout_ref = %(checkout_ref)s AND order_ref = '' AND fingerprint = %(read_fingerprint)s
      AND EXISTS (SELECT 1 FROM locked)
    RETURNING 1
), removed AS (
    DELETE FROM discount_checkoutlinediscount
    WHERE id = ANY(%(stale_ids)s::uuid[])
      AND (EXISTS (SELECT 1 FROM quote) OR %(read_fingerprint)s = '')
)
SELECT (SELECT count(*) FROM locked), 1,
       (SELECT count(*) FROM quote) + (%(read_fingerprint)s = '')::integer
"""


def write(
    *,
    checkout_ref: str,
    quantities: dict[uuid.UUID, int],
    columns: StoredColumns,
    rows: Sequence[OwnRow],
    stale_ids: Iterable[uuid.UUID],
    read_fingerprint: str,
    now: dt.datetime,
) -> Written:
    """Store the quote and make its rows the only ones of ours; see the module for what may refuse.

    ``quantities`` are the lines that were priced; ``read_fingerprint`` is that of the stored quote
    the decision was made against, "" where there was none.
    """
    return _execute(
        WRITE,
        {
            "token": checkout_ref,
            "line_ids": _array(quantities),
            "quantities": _array(quantities.values()),
            "account_id": columns.account_id,
            "version_id": columns.version_id,
            "user_ref": columns.user_ref,
            "tier": columns.tier,
            "basket_fingerprint": columns.basket_fingerprint,
            "fingerprint": columns.fingerprint,
            "payload": columns.payload,
            "points_applied": columns.points_applied,
            "has_free_shipping": columns.has_free_shipping,
            "now": now,
            "read_fingerprint": read_fingerprint,
            "stale_ids": _array(stale_ids),
            "currency": rows[0].currency if rows else "",
            "row_ids": _array(row.id for row in rows),
            "row_line_ids": _array(row.line_id for row in rows),
            "value_types": [row.value_type for row in rows],
            "values": _array(row.value for row in rows),
            "amounts": _array(row.amount_value for row in rows),
            "names": [row.name for row in rows],
            "reasons": [row.reason for row in rows],
        },
    )


def strip(*, checkout_ref: str, stale_ids: Iterable[uuid.UUID], read_fingerprint: str) -> Written:
    """Delete the stored quote and its rows, or rows that were left without one."""
    return _execute(
        STRIP,
        {
            "token": checkout_ref,
            "checkout_ref": checkout_ref,
            "read_fingerprint": read_fingerprint,
            "stale_ids": list(stale_ids),
        },
    )


def _execute(statement: str, params: dict[str, object]) -> Written:
    with connections[DEFAULT_DB_ALIAS].cursor() as cursor:
        cursor.execute(statement, params)
        locked, same_lines, quote = cursor.fetchone()
    if not locked:
        return Written.GONE
    if not same_lines:
        return Written.LINES_CHANGED
    return Written.DONE if quote else Written.QUOTE_CHANGED


def _array(items: Iterable[object]) -> str:
    """Return ids or numbers as PostgreSQL writes an array, which the driver is slow at."""
    return f"{{{','.join(map(str, items))}}}"
