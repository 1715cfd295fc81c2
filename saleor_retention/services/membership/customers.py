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
from dataclasses import dataclass, replace
from typing import Any

from django.db import connection, transaction

from saleor_retention import host, sql
from saleor_retention.models import Account, Program
from saleor_retention.selectors.programs import rules_of

logger = logging.getLogger(__name__)

NAMED_MAX = 100

NIGHT = {
    "work_mem": "64MB",  # what is known of some hundred thousand customers fits
    "enable_hashagg": "off",  # orders are summed up in the order of their index, without a table
    "random_page_cost": "1.1",  # which is read from end to end
}
"""Settings of the server for the nightly statements."""


@dataclass(frozen=True, slots=True)
class Sums:
    """The part of a rollup that people can read."""

    orders: int
    order_days: int
    first_on: dt.date
    last_on: dt.date
    spend_minor: int

    def __str__(self) -> str:
        """Say it in a few words."""
        return (
            f"{self.orders} orders on {self.order_days} days from {self.first_on} to "
            f"{self.last_on}, {self.spend_minor} minor units"
        )


@dataclass(frozen=True, slots=True)
class Difference:
    """One rollup that differed from its orders; None stands for a row that was not there."""

    account_id: int
    kept: Sums | None
    made: Sums | None

    def __str__(self) -> str:
        """Say what was kept and what the orders make."""
        kept, made = self.kept or "nothing", self.made or "nothing"
        return f"account {self.account_id}: kept was {kept}; its orders make {made}"


@dataclass(frozen=True, slots=True)
class Refreshed:
    """What a refresh changed, some of it by name, and whether segments look at it."""

    written: int = 0
    deleted: int = 0
    differences: tuple[Difference, ...] = ()
    has_segments: bool = False
    scored: int = 0  # whose score is another one; at night

    @property
    def is_change(self) -> bool:
        """Tell whether any rollup is other than before."""
        return bool(self.written or self.scored or self.deleted)


def after_settling(account: Account, *others: int) -> None:
    """Sum up the customer of an order that was just settled, under the account's lock.

    ``others`` are accounts that the order was taken from. Segments follow after commit, on a
    worker where there is one.
    """
    ids = [account.pk, *others]
    done = sum_up(account, *others)
    if done.is_change and done.has_segments:
        host.current().dispatch("refresh_customers", account.program_id, ids)


def sum_up(account: Account, *others: int) -> Refreshed:
    """Sum up customers under the account's lock; segments are left to the night."""
    ids = [account.pk, *others]
    time_zone = rules_of(account.program.current_version_id).time_zone
    return _refresh(account.program_id, time_zone, ids, is_locked=True)


def mend(program: Program) -> Refreshed:
    """Hold all rollups of a program against its orders, mend and score them.

    Takes no locks: a customer who orders at this moment is left to his own settlement.
    """
    parameters = {
        "program_id": program.pk,
        "time_zone": rules_of(program.current_version_id).time_zone,
    }
    done = Refreshed()
    with transaction.atomic(), connection.cursor() as cursor:
        for name, value in NIGHT.items():
            cursor.execute("SELECT set_config(%s, %s, true)", [name, value])
        cursor.execute(sql.load("customers/suspects"), parameters)
        suspects = [account_id for (account_id,) in cursor.fetchall()]
        if suspects:
            done = _refresh(**parameters, account_ids=suspects, is_locked=False)
        cursor.execute(sql.load("customers/scores"), parameters)
        done = replace(done, scored=cursor.fetchone()[0])
    for difference in done.differences:
        if difference.kept is not None:
            logger.warning("A rollup of program %s was mended: %s.", program.slug, difference)
    return done


def _refresh(
    program_id: int, time_zone: str, account_ids: Sequence[int], *, is_locked: bool
) -> Refreshed:
    parameters = {
        "program_id": program_id,
        "time_zone": time_zone,
        "account_ids": list(account_ids),
        "is_locked": is_locked,
        "named_max": NAMED_MAX,
    }
    wrong, refresh = sql.load("customers/wrong"), sql.load("customers/refresh")
    with connection.cursor() as cursor:
        cursor.execute(refresh.replace("{wrong}", wrong), parameters)
        written, deleted, named, has_segments = cursor.fetchone()
    rows: list[list[Any]] = json.loads(named) if isinstance(named, str) else named
    differences = tuple(_difference(row) for row in rows)
    return Refreshed(written, deleted, differences, has_segments)


def _difference(row: list[Any]) -> Difference:
    account_id, kept, made = row
    return Difference(account_id, _sums(kept), _sums(made))


def _sums(values: list[Any] | None) -> Sums | None:
    if values is None:
        return None
    orders, order_days, first_on, last_on, spend_minor = values
    first, last = dt.date.fromisoformat(first_on), dt.date.fromisoformat(last_on)
    return Sums(orders, order_days, first, last, spend_minor)
