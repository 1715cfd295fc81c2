"""What came of an experiment: one statement; ``engine.experiments`` has every definition."""

from __future__ import annotations

import datetime as dt

from django.db import connection

from saleor_retention import sql
from saleor_retention.engine.experiments.outcomes import Outcome
from saleor_retention.engine.experiments.samples import Sample
from saleor_retention.models import Experiment, ExperimentArm

NOBODY = Sample(0, 0, 0, 0)


def outcome(experiment: Experiment, *, now: dt.datetime) -> Outcome:
    """Return what both arms did within their windows, by intent to treat.

    Windows are so many times 24 hours. Orders of guests count for the account that was assigned.
    """
    parameters = {
        "program_id": experiment.program_id,
        "experiment_id": experiment.pk,
        "window": dt.timedelta(days=experiment.window_days),
        "now": now,
    }
    with connection.cursor() as cursor:
        cursor.execute(sql.load("measures/experiment"), parameters)
        rows = {arm: tuple(int(value) for value in sums) for arm, *sums in cursor.fetchall()}

    def sample(arm: ExperimentArm) -> Sample:
        return Sample(*rows[arm.value]) if arm.value in rows else NOBODY

    return Outcome(
        treated=sample(ExperimentArm.TREATED),
        held_out=sample(ExperimentArm.HELD_OUT),
        waiting=rows[None][0],
    )
