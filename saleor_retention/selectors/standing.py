"""Everything that decides a checkout's price besides its basket, read in one statement.

The price pass runs in every cart mutation, so it may ask the database once: is the plugin on, which
program is active in the channel, who is the member, what is held, what was quoted before. The host
says what a checkout is (``source``: one row); our own tables are joined to it here, for both hosts.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db import connections
from django.db.utils import DEFAULT_DB_ALIAS

from saleor_retention.engine.facts import CustomerFacts
from saleor_retention.models import AccountState, HoldState

# The host's `source` selects one row under these names:
#   ref, user_ref (null: guest), is_confirmed (may be enrolled), channel_ref, is_active (plugin),
#   is_money_committed, extra (jsonb, handed back as it is).
# Its `delivery` is a query for the price of the delivery that is chosen, in the currency's unit; it
# runs, as the shopper's facts do, only where the program has offers.
LOOKUP = """
WITH source AS MATERIALIZED ({source})
SELECT source.ref, source.user_ref, source.is_confirmed, source.channel_ref, source.is_active,
       source.is_money_committed, source.extra::text,
       program.id, program.current_version_id,
       account.id, account.state, account.tier, account.available, account.pending, account.held,
       account.deficit,
       hold.points,
       quote.version_id, quote.account_id, quote.user_ref, quote.tier, quote.basket_fingerprint,
       quote.fingerprint, quote.payload::text, quote.own_row_ids::text[],
       program.offers_stamp,
       CASE WHEN program.offers_stamp > 0
            THEN saleor_retention_offer_facts(program.id, account.id, source.ref)::text END,
       CASE WHEN program.offers_stamp > 0 THEN ({delivery}) END
FROM source
LEFT JOIN saleor_retention_programchannel channel
       ON channel.channel_ref = source.channel_ref AND channel.is_active AND source.is_active
LEFT JOIN saleor_retention_program program ON program.id = channel.program_id AND program.is_active
LEFT JOIN saleor_retention_account account
       ON account.program_id = program.id AND account.user_id = source.user_ref::integer
LEFT JOIN saleor_retention_hold hold
       ON hold.checkout_ref = source.ref AND hold.state = '{placed}'
      AND hold.account_id = account.id
LEFT JOIN saleor_retention_storedquote quote ON quote.checkout_ref = source.ref
"""


@dataclass(frozen=True, slots=True)
class StoredPrice:
    """The quote that was stored last, and the rows that were written for it."""

    version_id: int | None
    account_id: int | None
    user_ref: str | None
    tier: str | None
    basket_fingerprint: str
    fingerprint: str
    payload: str  # JSON, decoded only where it is needed
    own_row_ids: frozenset[uuid.UUID]


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a checkout and its customer stand now."""

    checkout_ref: str
    channel_ref: str
    user_ref: str | None
    is_confirmed: bool  # the user may be enrolled without asking
    is_active: bool  # the plugin is switched on
    is_money_committed: bool  # something is authorized or charged on the checkout
    program_id: int | None
    version_id: int | None  # of the active program in the channel
    customer: CustomerFacts | None
    points_held: int
    stored: StoredPrice | None
    extra: Mapping[str, Any]
    offers_stamp: int = 0  # of the program's offers; 0: it has had none
    offer_facts: str = ""  # JSON; what `saleor_retention_offer_facts` says of the shopper
    delivery: Decimal | None = None  # price of the delivery that is chosen, where it is known


def lookup(source: str, delivery: str) -> str:
    """Return the statement that joins our tables to the host's ``source``."""
    return LOOKUP.format(source=source, delivery=delivery, placed=HoldState.PLACED.value)


def standing_of(statement: str, params: Mapping[str, Any]) -> Standing | None:
    """Return the standing of the host's checkout; None when the checkout is gone.

    ``statement`` is a ``lookup``, or what answers with the same columns. One statement on the
    default database: a replica may not know yet what was just held.
    """
    with connections[DEFAULT_DB_ALIAS].cursor() as cursor:
        cursor.execute(statement, params)
        row = cursor.fetchone()
    return None if row is None else _standing(row)


def _standing(row: tuple[Any, ...]) -> Standing:
    (ref, user_ref, is_confirmed, channel_ref, is_active, is_money_committed, extra) = row[:7]
    program_id, version_id = row[7:9]
    return Standing(
        checkout_ref=ref,
        channel_ref=channel_ref,
        user_ref=user_ref,
        is_confirmed=is_confirmed,
        is_active=is_active,
        is_money_committed=is_money_committed,
        program_id=program_id,
        version_id=version_id,
        customer=_customer(row[9:16]),
        points_held=row[16] or 0,
        stored=_stored(row[17:25]),
        extra=json.loads(extra) if extra else {},
        offers_stamp=row[25] or 0,
        offer_facts=row[26] or "",
        delivery=row[27],
    )


def _customer(columns: tuple[Any, ...]) -> CustomerFacts | None:
    """Return the member; one who left keeps points to spend, but no tier."""
    account_id, state, tier, available, pending, held, deficit = columns
    if account_id is None:
        return None
    return CustomerFacts(
        account_id=account_id,
        tier=(tier or None) if state == AccountState.MEMBER else None,
        available=available,
        pending=pending,
        held=held,
        deficit=deficit,
    )


def _stored(columns: tuple[Any, ...]) -> StoredPrice | None:
    version_id, account_id, user_ref, tier, basket, fingerprint, payload, row_ids = columns
    if fingerprint is None:
        return None
    return StoredPrice(
        version_id=version_id,
        account_id=account_id,
        user_ref=user_ref or None,
        tier=tier or None,
        basket_fingerprint=basket,
        fingerprint=fingerprint,
        payload=payload,
        own_row_ids=frozenset(uuid.UUID(text) for text in row_ids),
    )
