"""What the customers of an experiment did after they were assigned.

The specification of ``sql/measures/experiment.sql``. Orders count from the instant of the
assignment until the window of each customer is over, whenever that one was assigned; customers
whose window is still open are left out, so that late ones do not look worse.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from saleor_retention.engine.experiments.assignment import Arm
from saleor_retention.engine.experiments.samples import Sample
from saleor_retention.engine.measures.figures import Sale


@dataclass(frozen=True, slots=True)
class Subject:
    """A customer who was assigned."""

    account: int
    arm: Arm
    assigned_at: dt.datetime


@dataclass(frozen=True, slots=True)
class Outcome:
    """Both arms so far, and how many customers' windows are still open."""

    treated: Sample
    held_out: Sample
    waiting: int


def outcome_of(
    subjects: Iterable[Subject], sales: Iterable[Sale], window: dt.timedelta, now: dt.datetime
) -> Outcome:
    """Count the orders of each subject on [assigned, assigned + window)."""
    made: dict[int, list[Sale]] = defaultdict(list)
    for sale in sales:
        made[sale.customer].append(sale)
    spent: dict[Arm, list[tuple[int, int]]] = {Arm.TREATED: [], Arm.HELD_OUT: []}
    waiting = 0
    for subject in subjects:
        until = subject.assigned_at + window
        if until > now:
            waiting += 1
            continue
        minors = [
            sale.spend_minor
            for sale in made[subject.account]
            if subject.assigned_at <= sale.at < until
        ]
        spent[subject.arm].append((len(minors), sum(minors)))
    return Outcome(_sample(spent[Arm.TREATED]), _sample(spent[Arm.HELD_OUT]), waiting)


def _sample(spent: list[tuple[int, int]]) -> Sample:
    return Sample(
        customers=len(spent),
        buyers=sum(orders > 0 for orders, _minor in spent),
        total=sum(minor for _orders, minor in spent),
        squares=sum(minor**2 for _orders, minor in spent),
    )
