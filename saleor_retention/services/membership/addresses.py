"""Which addresses an account's user has had, so that nobody begins anew by changing the address.

What the present address is says the shop; here is written down, as a keyed hash, what it was and
is. An address is written under every key that is configured: those who shared it are found for as
long as they were written under one common key, and by the address itself while its key is there.
Only confirmed addresses are: anybody can type another one's.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

from django.db import connection
from django.utils import timezone

from saleor_retention import host
from saleor_retention.models import Account, AccountAddress
from saleor_retention.services.membership.identity import email_hashes

# An account that is erased meanwhile gets none: whoever erases holds its row, and it has no user.
ADD = """
INSERT INTO saleor_retention_accountaddress (account_id, address_hash, first_seen_at)
SELECT account.id, wanted.address_hash, %s
FROM (SELECT id FROM saleor_retention_account
      WHERE id = ANY(%s::bigint[]) AND user_id IS NOT NULL ORDER BY id FOR SHARE) account
JOIN unnest(%s::bigint[], %s::text[]) AS wanted (account_id, address_hash)
  ON wanted.account_id = account.id
ON CONFLICT DO NOTHING
"""


def note(user_ref: str, now: dt.datetime | None = None) -> int:
    """Note the present address of a user on his accounts; return how many rows are new.

    Idempotent; waits for whoever holds the accounts. Nothing for an unconfirmed address.
    """
    return _note(Account.objects.filter(user_id=int(user_ref)), now or timezone.now())


def note_account(account: Account, now: dt.datetime) -> None:
    """Do so on one account, which the caller has locked."""
    _note([account], now)


def note_batch(after_id: int, limit: int, now: dt.datetime | None = None) -> int | None:
    """Do so for up to ``limit`` accounts after one; return the last one's id, None at the end.

    Finds what no event told of, and writes present addresses under a key that is new. Three
    statements, one of them only where something is missing. Safe to run twice and at once.
    """
    rows = Account.objects.filter(user__isnull=False, pk__gt=after_id).order_by("pk")
    ids = list(rows.values_list("pk", flat=True)[:limit])
    if ids:
        _note(Account.objects.filter(pk__in=ids, user__isnull=False), now or timezone.now())
    return ids[-1] if len(ids) == limit else None


def _note(accounts: Iterable[Account], at: dt.datetime) -> int:
    refs = {account.pk: str(account.user_id) for account in accounts}
    users = host.current().users(set(refs.values()))
    wanted = {
        (account_id, hashed)
        for account_id, ref in refs.items()
        if ref in users and users[ref].is_confirmed
        for hashed in email_hashes(users[ref].email)
    }
    known = AccountAddress.objects.filter(account__in=refs)
    missing = sorted(wanted - set(known.values_list("account_id", "address_hash")))
    if not missing:
        return 0
    ids, hashes = [pk for pk, _ in missing], [hashed for _, hashed in missing]
    with connection.cursor() as cursor:
        cursor.execute(ADD, [at, ids, ids, hashes])
        return int(cursor.rowcount)
