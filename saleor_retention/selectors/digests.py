"""The digest chain of the ledger: what a day's digest is, and whether the past still has it.

A day's digest is the SHA-256 of its canonical text: a first line that names the day and the head of
the day before, then ``sql/digest_day.sql``. Anybody with psql and sha256sum can compute it.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

from django.db import connection, transaction
from django.db.models import Min
from django.utils import timezone

from saleor_retention import conf, sql
from saleor_retention.models import LedgerDigest, Transaction

FORMAT = "saleor-retention digest 1"
BEGINNING = "0" * 64
"""What stands for the head of the day before the first."""

ROWS_AT_ONCE = 5000
SEALED_WITHIN_DAYS = 3
"""A day that could be sealed so many days ago, and is not, is missed by a check."""
ONE_DAY = dt.timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Digest:
    """One day's digest as the ledger makes it now."""

    day: dt.date
    head: str
    transactions: int
    entries: int


@dataclass(frozen=True, slots=True)
class Difference:
    """One day whose past is not what was sealed."""

    day: dt.date
    message: str


@dataclass(frozen=True, slots=True)
class Verified:
    """What a check of the chain found; ``heads`` are those the ledger makes, by day."""

    heads: dict[dt.date, str]
    differences: tuple[Difference, ...]


def first_day() -> dt.date | None:
    """Return the UTC day of the first posting; None while there is none."""
    earliest = Transaction.objects.aggregate(at=Min("recorded_at"))["at"]
    return None if earliest is None else earliest.astimezone(dt.UTC).date()


def digest_of(day: dt.date, previous: str) -> Digest:
    """Compute a day's digest from the ledger; rows are streamed, so memory does not grow."""
    begins = dt.datetime.combine(day, dt.time(), dt.UTC)
    parameters = {"begins": begins, "ends": begins + ONE_DAY}
    digest = hashlib.sha256(f"{FORMAT} {day.isoformat()} {previous}\n".encode())
    counts = {True: 0, False: 0}
    with transaction.atomic(), connection.chunked_cursor() as cursor:
        cursor.execute(sql.load("digest_day"), parameters)
        while rows := cursor.fetchmany(ROWS_AT_ONCE):
            for is_transaction, line in rows:
                counts[is_transaction] += 1
                digest.update(f"{line}\n".encode())
    return Digest(day, digest.hexdigest(), counts[True], counts[False])


def newest_closed(at: dt.datetime) -> dt.date:
    """Return the last day that has been over for the margin."""
    margin = dt.timedelta(hours=int(conf.get("DIGEST_MARGIN_HOURS")))
    return (at.astimezone(dt.UTC) - margin).date() - ONE_DAY


def verify(since: dt.date | None = None, now: dt.datetime | None = None) -> Verified:
    """Compute every sealed day again, or those from ``since`` on, and name what differs.

    From ``since`` on the chain is taken up from the sealed head of the day before. After a day that
    differs it goes on from the head that was sealed, so that each day at fault is named once.
    A chain that ends before it should is named too: its last digests may be gone.
    """
    sealed = LedgerDigest.objects.order_by("day")
    before = sealed.filter(day__lt=since).last() if since is not None else None
    if since is not None:
        sealed = sealed.filter(day__gte=since)
    heads: dict[dt.date, str] = {}
    differences = list(_older_than_the_chain()) if since is None else []
    for row in sealed.iterator():
        made = digest_of(row.day, row.previous)
        heads[row.day] = made.head
        message = _missing_days(before, row) or _difference(before, row, made)
        if message:
            differences.append(Difference(row.day, message))
        before = row
    differences += _ends_early(now or timezone.now())
    return Verified(heads, tuple(sorted(differences, key=lambda difference: difference.day)))


def since(*, all_days: bool) -> dt.date | None:
    """Return from which day on a check goes: all, or the last ``RETENTION_DIGEST_VERIFY_DAYS``."""
    return None if all_days else last_days(int(conf.get("DIGEST_VERIFY_DAYS")))


def last_days(days: int) -> dt.date | None:
    """Return the first of the last ``days`` sealed days; None where there are no more."""
    newest = LedgerDigest.objects.order_by("-day").values_list("day", flat=True)[days - 1 : days]
    return newest[0] if newest else None


def sealed_before(since: dt.date | None) -> int:
    """Return how many sealed days a check that goes from ``since`` on leaves out."""
    return 0 if since is None else LedgerDigest.objects.filter(day__lt=since).count()


def _older_than_the_chain() -> Iterator[Difference]:
    """Name postings that claim to be older than the first sealed day."""
    chain = LedgerDigest.objects.order_by("day").first()
    day = first_day()
    if chain is not None and day is not None and day < chain.day:
        begins = dt.datetime.combine(chain.day, dt.time(), dt.UTC)
        count = Transaction.objects.filter(recorded_at__lt=begins).count()
        yield Difference(day, f"{_number(count, 'transaction')} before the first sealed day.")


def _ends_early(at: dt.datetime) -> Iterator[Difference]:
    """Name the first day that could have been sealed days ago, and is not."""
    newest = LedgerDigest.objects.order_by("-day").first()
    day = newest.day + ONE_DAY if newest is not None else first_day()
    if day is not None and day + (SEALED_WITHIN_DAYS - 1) * ONE_DAY <= newest_closed(at):
        message = (
            "No day from here on is sealed: the task seal-days did not run, or digests are gone "
            "from the end."
        )
        yield Difference(day, message)


def _missing_days(before: LedgerDigest | None, row: LedgerDigest) -> str:
    if before is None or row.day == before.day + ONE_DAY:
        return ""
    return f"The days after {before.day} are not sealed: their digests are gone."


def _difference(before: LedgerDigest | None, row: LedgerDigest, made: Digest) -> str:
    previous = before.head if before is not None else None
    if previous is None and row.previous != BEGINNING:
        return "It is chained to a day before it, and there is none: digests are gone."
    if previous is not None and row.previous != previous:
        return "It is not chained to the day before: one of the two digests was changed."
    if made.head == row.head:
        return ""
    was = (row.transactions, row.entries)
    now = (made.transactions, made.entries)
    if was == now:
        return f"Its {_rows(*was)} are as many as were sealed, and something in them was changed."
    return f"{_rows(*was)} were sealed, and {_rows(*now)} are there."


def _rows(transactions: int, entries: int) -> str:
    of_entries = "1 entry" if entries == 1 else f"{entries} entries"
    return f"{_number(transactions, 'transaction')} and {of_entries}"


def _number(count: int, what: str) -> str:
    return f"1 {what}" if count == 1 else f"{count} {what}s"
