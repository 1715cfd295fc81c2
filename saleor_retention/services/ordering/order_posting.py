"""The posting of what an order earns, loses and is given back, keyed by (order, rule, sequence)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from saleor_retention.models import Account, OrderRecord
from saleor_retention.services.ledger import posting
from saleor_retention.services.ledger.posting import Leg


def post_next(
    account: Account,
    record: OrderRecord,
    kind: str,
    rule_key: str,
    legs: Sequence[Leg],
    *,
    cause: str,
    effective_at: dt.datetime | None = None,
    now: dt.datetime,
) -> None:
    """Post the order's next movement; the record's sequence moves on and is saved by the caller."""
    record.sequence += 1
    posting.post(
        account,
        kind=kind,
        key=f"{kind}:{record.order_ref}:{rule_key}:{record.sequence}",
        legs=legs,
        effective_at=effective_at or now,
        order_ref=record.order_ref,
        rule_key=rule_key,
        cause=cause,
        version=record.version_id,
        now=now,
    )
