"""Sum the ledger up by day, so that a report of years reads some thousand rows and not all entries.

A daily task. What is summed up is what was recorded on days that are over for as long as the
digests wait, so that nothing older can still be committed; entries recorded since are read
by the report itself, which is therefore never behind. Sums follow from the entries alone:
``retention_replay`` holds the two against each other and makes the sums anew.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.db import connection, transaction
from django.db.models import Min
from django.utils import timezone

from saleor_retention.models import LedgerSum, LedgerSummed, Program, Transaction
from saleor_retention.selectors.digests import ONE_DAY, newest_closed
from saleor_retention.selectors.liability import booked_statement
from saleor_retention.selectors.programs import rules_of
from saleor_retention.services.ledger.locking import lock_name

SPAN = dt.timedelta(days=31)
"""How much recorded time is summed up in one database transaction."""


@dataclass(frozen=True, slots=True)
class SumDifference:
    """The points of one heading on one day: what is kept and what the entries make."""

    program: str  # its slug
    booked_on: dt.date
    kind: str
    book: str
    kept: int
    made: int

    def __str__(self) -> str:
        """Return 'sums of club on 2026-03-01: earn in issuance is -7, and the entries make -5.'."""
        return (
            f"sums of {self.program} on {self.booked_on}: {self.kind} in {self.book} is "
            f"{self.kept}, and the entries make {self.made}."
        )


def sum_due(now: dt.datetime | None = None) -> bool:
    """Sum up to ``SPAN`` of each program's recorded time; return whether there is more to do.

    Idempotent, and safe to run twice at the same time: a program is locked meanwhile, and how far
    it is summed up moves with its sums. In a time zone that has changed they are begun anew.
    """
    closed_at = _midnight_after(newest_closed(now or timezone.now()))
    programs = Program.objects.filter(current_version__isnull=False).order_by("pk")
    is_more = [_sum_program(program, closed_at) for program in programs]
    return any(is_more)


def differences(program: Program) -> list[SumDifference]:
    """Return the sums of a program that are not what its entries make."""
    summed = LedgerSummed.objects.filter(program=program).first()
    if summed is None:
        return []
    parameters = {"time_zone": summed.time_zone, "program_id": program.pk}
    with connection.cursor() as cursor:
        cursor.execute(*booked_statement("sums_differ", parameters, before=summed.until))
        return [SumDifference(program.slug, *row) for row in cursor.fetchall()]


def begin_anew(program: Program) -> None:
    """Make a program's sums of its entries again, as far as they went."""
    with transaction.atomic():
        lock_name(_lock_of(program))
        summed = LedgerSummed.objects.filter(program=program).first()
        LedgerSum.objects.filter(program=program).delete()
        if summed is not None:
            _add(program, summed.time_zone, None, summed.until)


def _sum_program(program: Program, closed_at: dt.datetime) -> bool:
    time_zone = rules_of(program.current_version_id).time_zone
    with transaction.atomic():
        lock_name(_lock_of(program))
        summed = LedgerSummed.objects.filter(program=program).first()
        if summed is not None and summed.time_zone != time_zone:
            LedgerSum.objects.filter(program=program).delete()
            summed = None
        since = summed.until if summed is not None else _first_midnight(program)
        if since is None or since >= closed_at:
            return False
        until = min(since + SPAN, closed_at)
        _add(program, time_zone, since, until)
        LedgerSummed.objects.update_or_create(
            program=program, defaults={"time_zone": time_zone, "until": until}
        )
    return until < closed_at


def _add(program: Program, time_zone: str, since: dt.datetime | None, until: dt.datetime) -> None:
    parameters = {"time_zone": time_zone, "program_id": program.pk}
    with connection.cursor() as cursor:
        cursor.execute(*booked_statement("sum_up", parameters, since=since, before=until))


def _first_midnight(program: Program) -> dt.datetime | None:
    earliest = Transaction.objects.filter(program=program).aggregate(at=Min("recorded_at"))["at"]
    return None if earliest is None else _midnight_after(_utc_day(earliest) - ONE_DAY)


def _midnight_after(day: dt.date) -> dt.datetime:
    return dt.datetime.combine(day + ONE_DAY, dt.time(), dt.UTC)


def _utc_day(at: dt.datetime) -> dt.date:
    return at.astimezone(dt.UTC).date()


def _lock_of(program: Program) -> str:
    return f"ledger-sums:{program.pk}"
