"""Keep what is summed up of each customer: after each order, and every night for all of them.

Nothing is ever added to a rollup: it is made afresh from the order records, so that an event told
twice, or never, or a clock of another zone cannot bend it. The nightly statement reads all counted
orders of a program, mends what differs, and names it.
"""

from __future__ import annotations

import datetime as dt
import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection

from saleor_retention import host, sql
from saleor_retention.models import Account, Program
from saleor_retention.selectors.programs import rules_of

logger = logging.getLogger(__name__)

NAMED_MAX = 100


@dataclass(frozen=True, slots=True)
class Difference:
    """One rollup that differed from its orders; None stands for a row that was not there."""

    account_id: int
    kept_orders: int | None
    made_orders: int | None
    kept_minor: int | None
    made_minor: int | None
    kept_last_at: dt.datetime | None
    made_last_at: dt.datetime | None

    def __str__(self) -> str:
        """Say what was kept and what the orders make."""
        kept = _said(self.kept_orders, self.kept_minor, self.kept_last_at)
        made = _said(self.made_orders, self.made_minor, self.made_last_at)
        return f"account {self.account_id}: {kept} kept, {made} in its orders"


@dataclass(frozen=True, slots=True)
class Refreshed:
    """What a refresh changed, some of it by name, and whether segments look at it."""

    written: int
    deleted: int
    differences: tuple[Difference, ...]
    has_segments: bool

    @property
    def is_change(self) -> bool:
        """Tell whether any rollup is other than before."""
        return bool(self.written or self.deleted)


def after_settling(account: Account, *others: int) -> None:
    """Sum up the customer of an order that was just settled, under the account's lock.

    ``others`` are accounts that the order was taken from. Segments follow after commit, on a
    worker where there is one.
    """
    ids = [account.pk, *others]
    time_zone = rules_of(account.program.current_version_id).time_zone
    done = _refresh(account.program_id, time_zone, ids, is_locked=True)
    if done.is_change and done.has_segments:
        host.current().dispatch("refresh_customers", account.program_id, ids)


def mend(program: Program) -> Refreshed:
    """Hold all rollups of a program against its orders, and mend them in one statement.

    Takes no locks: a customer who orders at this moment is left to his own settlement.
    """
    time_zone = rules_of(program.current_version_id).time_zone
    done = _refresh(program.pk, time_zone, None, is_locked=False)
    for difference in done.differences:
        if difference.kept_orders is not None:
            logger.warning("A rollup of program %s was mended: %s.", program.slug, difference)
    return done


def score(program: Program) -> int:
    """Score all customers of a program anew; return how many scores changed."""
    with connection.cursor() as cursor:
        cursor.execute(sql.load("customers/scores"), {"program_id": program.pk})
        return int(cursor.fetchone()[0])


def _refresh(
    program_id: int, time_zone: str, account_ids: Sequence[int] | None, *, is_locked: bool
) -> Refreshed:
    parameters = {
        "program_id": program_id,
        "time_zone": time_zone,
        "account_ids": None if account_ids is None else list(account_ids),
        "is_locked": is_locked,
        "named_max": NAMED_MAX,
    }
    with connection.cursor() as cursor:
        cursor.execute(sql.load("customers/refresh"), parameters)
        written, deleted, named, has_segments = cursor.fetchone()
    rows: list[list[Any]] = json.loads(named) if isinstance(named, str) else named
    differences = tuple(_difference(row) for row in rows)
    return Refreshed(written, deleted, differences, has_segments)


def _difference(row: list[Any]) -> Difference:
    account_id, kept_orders, made_orders, kept_minor, made_minor, kept_last, made_last = row
    return Difference(
        account_id=account_id,
        kept_orders=kept_orders,
        made_orders=made_orders,
        kept_minor=kept_minor,
        made_minor=made_minor,
        kept_last_at=_instant(kept_last),
        made_last_at=_instant(made_last),
    )


def _instant(text: str | None) -> dt.datetime | None:
    return None if text is None else dt.datetime.fromisoformat(text)


def _said(orders: int | None, minor: int | None, last_at: dt.datetime | None) -> str:
    if orders is None or last_at is None:
        return "nothing"
    last = last_at.astimezone(dt.UTC)
    return f"{orders} orders of {minor} minor units, the last at {last:%Y-%m-%d %H:%M:%S} UTC,"
