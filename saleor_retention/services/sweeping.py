"""Post what time has brought on many accounts at once.

The sweeps change nothing that a reader sees: maturing and expiry are true at their instant
(``selectors.due``), and are dated at it however late they are posted.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

from django.db import connection, transaction

from saleor_retention import sql
from saleor_retention.services.locking import lock_accounts
from saleor_retention.services.posting import catch_up


def sweep(account_ids: Iterable[int], now: dt.datetime) -> int:
    """Post maturing and expiry that are due on these accounts; return the number of postings.

    Accounts that others hold are left for the next run: whoever holds one catches up with time
    himself. Members who owe points are done one by one, because maturing points repay them first;
    all others in two statements.
    """
    with transaction.atomic():
        accounts = lock_accounts(account_ids, skips_locked=True)
        postings = 0
        solvent = []
        for account in accounts.values():
            if account.deficit:
                postings += catch_up(account, now)
            else:
                solvent.append(account.pk)
        if solvent:
            postings += _execute("mature_lots", solvent, now)
            postings += _execute("expire_lots", solvent, now)
    return postings


def _execute(statement: str, account_ids: list[int], now: dt.datetime) -> int:
    with connection.cursor() as cursor:
        cursor.execute(sql.load(statement), {"account_ids": account_ids, "now": now})
        return int(cursor.fetchone()[0])
