"""Post what time has brought on many accounts at once.

The sweeps change nothing that a reader sees: maturing and expiry are true at their instant
(``selectors.due``), and are dated at it however late they are posted.
"""

from __future__ import annotations

import datetime as dt
import logging

from django.db import DatabaseError, OperationalError, connection, transaction
from django.db.models import QuerySet

from saleor_retention.models import Lot
from saleor_retention.selectors import due
from saleor_retention.services.ledger.locking import lock_account, lock_accounts
from saleor_retention.services.ledger.posting import catch_up

logger = logging.getLogger(__name__)

MATURE = "SELECT * FROM saleor_retention_mature_due(%s, %s)"
EXPIRE = "SELECT * FROM saleor_retention_expire_due(%s, %s)"


def sweep(statement: str, now: dt.datetime, limit: int) -> int:
    """Post what the statement claims of the lots that are due, ``limit`` at most.

    Returns the number of postings; zero when nothing is left but what others hold. Lots and
    accounts that others hold are passed over and never waited for: several workers share the work,
    and whoever else holds an account catches up with time himself. All lots are posted in one
    statement but for those of members who owe points: there, maturing points repay first, and the
    whole account is done lot by lot. So no database transaction grows beyond ``limit`` lots and
    what is due on one such member.

    Where the database refuses a batch, for what somebody changed behind its back, its members are
    done one by one: the log names whom it cannot be done for, and nobody else waits for them.
    """
    try:
        return _at_once(statement, now, limit)
    except OperationalError:
        raise  # the connection or the server: nobody's in particular
    except DatabaseError:
        logger.warning("A batch of lots was refused; its members are done one by one.")
        return _one_by_one(statement, now, limit)


def _at_once(statement: str, now: dt.datetime, limit: int) -> int:
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(statement, [now, limit])
            postings, indebted = cursor.fetchone()
        for account_id in indebted or ():
            if postings >= limit:
                break  # the next batch comes to it
            postings += catch_up(lock_account(account_id), now)
    return int(postings)


def _one_by_one(statement: str, now: dt.datetime, limit: int) -> int:
    """Catch members up with time, each in a database transaction, those first who wait longest."""
    rows, column = _due(statement, now)
    postings, left_out = 0, set[int]()
    while postings < limit:
        others = rows.exclude(account_id__in=left_out).order_by(column, "pk")
        account_ids = dict.fromkeys(others.values_list("account_id", flat=True)[:limit])
        if not account_ids:
            break
        for account_id in account_ids:
            done = _member(account_id, now)
            postings += done
            if not done:
                left_out.add(account_id)
            if postings >= limit:
                break
    return postings


def _due(statement: str, now: dt.datetime) -> tuple[QuerySet[Lot], str]:
    if statement == MATURE:
        return due.lots_to_mature(now), "valid_from"
    return due.lots_to_expire(now), "expires_at"


def _member(account_id: int, now: dt.datetime) -> int:
    """Return how many postings one member takes; none where others hold him, or it is refused."""
    try:
        with transaction.atomic():
            accounts = lock_accounts([account_id], skips_locked=True)
            return sum(catch_up(account, now) for account in accounts.values())
    except OperationalError:
        raise
    except DatabaseError:
        logger.exception("The lots of account %s cannot be posted; he is left out.", account_id)
        return 0
