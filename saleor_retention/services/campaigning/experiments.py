"""Beginning an experiment, and assigning customers to it once and for all.

Whoever does something for customers (a campaign, an offer, staff) assigns first all whom it could
be done for, and then does it for those of the TREATED arm alone. ``selectors.experiments`` tells
what came of it.
"""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Collection

from django.core.exceptions import ValidationError
from django.core.validators import validate_slug
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from saleor_retention.engine.experiments.assignment import PER_MILLE, Arm, arm_of
from saleor_retention.errors import Code, Refusal
from saleor_retention.models import Account, Experiment, ExperimentSubject, Program

ASSIGN_MAX = 10_000
WINDOW_DAYS_MAX = 365
SLUG_LENGTH_MAX = 64
NAME_LENGTH_MAX = 128

ASSIGN = """
INSERT INTO saleor_retention_experimentsubject (experiment_id, account_id, arm, assigned_at)
SELECT %s, dealt.account_id, dealt.arm, %s
FROM unnest(%s::bigint[], %s::text[]) AS dealt (account_id, arm)
ORDER BY dealt.account_id
ON CONFLICT (experiment_id, account_id) DO NOTHING
"""


def create_experiment(
    program: Program,
    *,
    slug: str,
    name: str,
    held_out_per_mille: int,
    window_days: int,
    secret: str = "",
    now: dt.datetime | None = None,
) -> Experiment:
    """Create an experiment of a program; share and window cannot be changed later.

    ``secret`` (32 bytes in hex) is given where the arms were foreseen with it; else a new one.

    Refusals: INVALID (slug, name, a share that leaves an arm empty, a window of no days or more
    than ``WINDOW_DAYS_MAX``), UNIQUE (the slug, within the program).
    """
    _require_name(slug, name)
    if not 0 < held_out_per_mille < PER_MILLE:
        message = f"From 1 to {PER_MILLE - 1} of {PER_MILLE} customers are held out."
        raise Refusal(Code.INVALID, message, "heldOutPerMille")
    if not 0 < window_days <= WINDOW_DAYS_MAX:
        message = f"Orders count from 1 to {WINDOW_DAYS_MAX} days after the assignment."
        raise Refusal(Code.INVALID, message, "windowDays")
    try:
        with transaction.atomic():
            return Experiment.objects.create(
                program=program,
                slug=slug,
                name=name.strip(),
                secret=secret or secrets.token_hex(32),
                held_out_per_mille=held_out_per_mille,
                window_days=window_days,
                created_at=now or timezone.now(),
            )
    except IntegrityError:
        message = f'The program has an experiment "{slug}" already.'
        raise Refusal(Code.UNIQUE, message, "slug") from None


def assign(
    experiment: Experiment, account_ids: Collection[int], *, now: dt.datetime | None = None
) -> dict[int, Arm]:
    """Assign accounts that are not assigned yet, and return the arms of all that were named.

    Idempotent: an arm and its time stay as they were written first, also where two workers assign
    the same customer at once. One statement writes, one reads. Refusals: NOT_FOUND (an account that
    is not of the program), INVALID (the experiment has ended and somebody is new), LIMIT_REACHED
    (more than ``ASSIGN_MAX`` at once).
    """
    wanted = sorted(set(account_ids))
    if len(wanted) > ASSIGN_MAX:
        message = f"Assign {ASSIGN_MAX} customers at once at most."
        raise Refusal(Code.LIMIT_REACHED, message, "accounts")
    found = _arms(experiment, wanted)
    new = [account_id for account_id in wanted if account_id not in found]
    if not new:
        return found
    if experiment.ended_at is not None:
        raise Refusal(Code.INVALID, "This experiment has ended.", "experiment")
    ours = Account.objects.filter(pk__in=new, program_id=experiment.program_id).count()
    if ours < len(new):
        message = "An account is not of the experiment's program."
        raise Refusal(Code.NOT_FOUND, message, "accounts")
    secret = bytes.fromhex(experiment.secret)
    share = experiment.held_out_per_mille
    dealt = [arm_of(secret, experiment.slug, pk, held_out_per_mille=share).value for pk in new]
    with connection.cursor() as cursor:
        cursor.execute(ASSIGN, [experiment.pk, now or timezone.now(), new, dealt])
    return _arms(experiment, wanted)


def end_experiment(experiment: Experiment, *, now: dt.datetime | None = None) -> Experiment:
    """Let nobody new into an experiment; who was assigned goes on counting. Idempotent."""
    if experiment.ended_at is None:
        at = now or timezone.now()
        Experiment.objects.filter(pk=experiment.pk, ended_at=None).update(ended_at=at)
        experiment.refresh_from_db()
    return experiment


def _arms(experiment: Experiment, account_ids: list[int]) -> dict[int, Arm]:
    rows = ExperimentSubject.objects.filter(experiment=experiment, account__in=account_ids)
    return {account_id: Arm(arm) for account_id, arm in rows.values_list("account_id", "arm")}


def _require_name(slug: str, name: str) -> None:
    try:
        validate_slug(slug)
    except ValidationError:
        message = "A slug has letters, digits, hyphens and underscores only."
        raise Refusal(Code.INVALID, message, "slug") from None
    if len(slug) > SLUG_LENGTH_MAX:
        message = f"A slug has at most {SLUG_LENGTH_MAX} characters."
        raise Refusal(Code.INVALID, message, "slug")
    if not 0 < len(name.strip()) <= NAME_LENGTH_MAX:
        message = f"A name has from 1 to {NAME_LENGTH_MAX} characters."
        raise Refusal(Code.INVALID, message, "name")
