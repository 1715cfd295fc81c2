"""Post what time has brought on many accounts at once.

The sweeps change nothing that a reader sees: maturing and expiry are true at their instant
(``selectors.due``), and are dated at it however late they are posted.
"""

from __future__ import annotations

import datetime as dt

from django.db import connection, transaction

from saleor_retention.services.ledger.locking import lock_account
from saleor_retention.services.ledger.posting import catch_up

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
    """
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(statement, [now, limit])
            postings, indebted = cursor.fetchone()
        for account_id in indebted or ():
            if postings >= limit:
                break  # the next batch comes to it
            postings += catch_up(lock_account(account_id), now)
    return int(postings)
