"""Post what time has brought on many accounts at once.

The sweeps change nothing that a reader sees: maturing and expiry are true at their instant
(``selectors.due``), and are dated at it however late they are posted.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any

from django.db import connection, transaction

from saleor_retention import sql
from saleor_retention.services.ledger.locking import lock_account
from saleor_retention.services.ledger.posting import catch_up

MATURE = "SELECT saleor_retention_mature_lots(%s::bigint[], %s)"
EXPIRE = "SELECT saleor_retention_expire_lots(%s::bigint[], %s)"


def sweep(claim: str, now: dt.datetime, limit: int) -> int:
    """Post maturing and expiry of the lots that the statement ``claim`` gives, ``limit`` at most.

    Returns the number of postings; zero when nothing is left but what others hold. Lots and
    accounts that others hold are passed over and never waited for: several workers share the work,
    and whoever else holds an account catches up with time himself. All lots are posted in two
    statements but for those of members who owe points: there, maturing points repay first, and the
    whole account is done lot by lot. So no database transaction grows beyond ``limit`` lots and
    what is due on one such member.
    """
    with transaction.atomic():
        lots = _rows(claim, {"now": now, "limit": limit})
        solvent = [lot for lot in lots if not lot[2]]
        postings = 0
        if ripe := [lot_id for lot_id, _, _, is_ripe, _ in solvent if is_ripe]:
            postings += _post(MATURE, ripe, now)
        if dead := [lot_id for lot_id, _, _, _, is_dead in solvent if is_dead]:
            postings += _post(EXPIRE, dead, now)
        for account_id in _distinct(account_id for _, account_id, owes, _, _ in lots if owes):
            if postings >= limit:
                break  # the next batch comes to it
            postings += catch_up(lock_account(account_id), now)
    return postings


def _post(statement: str, lot_ids: list[int], now: dt.datetime) -> int:
    with connection.cursor() as cursor:
        cursor.execute(statement, [lot_ids, now])
        return int(cursor.fetchone()[0])


def _rows(statement: str, parameters: dict[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql.load(statement), parameters)
        return list(cursor.fetchall())


def _distinct(ids: Iterable[int]) -> list[int]:
    return list(dict.fromkeys(ids))
