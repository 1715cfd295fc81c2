"""Who is held out of a campaign: an experiment with the campaign's slug, begun by its first plan.

``services.campaigning.experiments`` writes down who is in which arm and when, so that what came of
the campaign is measured as of any other experiment. The share stays once it has begun: whoever was
held out would otherwise be counted in one arm and treated as of the other.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection

from saleor_retention.engine.campaigns.terms import CampaignTerms
from saleor_retention.engine.experiments.assignment import Arm, arm_of
from saleor_retention.errors import Code, Refusal
from saleor_retention.models import Campaign, Experiment, ExperimentSubject
from saleor_retention.services.campaigning import experiments


def foreseen(campaign: Campaign, terms: CampaignTerms, account_ids: Collection[int]) -> set[int]:
    """Return those who would be held out; nothing is written down."""
    experiment = _experiment_of(campaign)
    if experiment is not None and experiment.ended_at is not None:
        return _still_held_out(experiment, account_ids)
    share = terms.holdout_per_mille
    secret = bytes.fromhex(campaign.secret)
    return {
        account_id
        for account_id in account_ids
        if arm_of(secret, campaign.slug, account_id, held_out_per_mille=share) is Arm.HELD_OUT
    }


def assigned(
    campaign: Campaign, terms: CampaignTerms, account_ids: Collection[int], at: dt.datetime
) -> set[int]:
    """Assign those who are new to the campaign's experiment; return who of all is held out.

    Once it has ended nobody new is held out. The campaign is claimed. Raises ``ValueError`` where
    another experiment has taken the slug.
    """
    if not terms.holdout_per_mille or not account_ids:
        return set()
    experiment = _experiment_of(campaign)
    if experiment is None:
        if (taken := refusal_of(campaign, terms)) is not None:
            raise ValueError(taken.message)
        experiment = experiments.create_experiment(
            campaign.program,
            slug=campaign.slug,
            name=campaign.name,
            held_out_per_mille=terms.holdout_per_mille,
            window_days=terms.holdout_window_days,
            secret=campaign.secret,
            now=at,
        )
    if experiment.ended_at is not None:
        return _still_held_out(experiment, account_ids)
    arms = experiments.assign(experiment, account_ids, now=at)
    return {account_id for account_id, arm in arms.items() if arm is Arm.HELD_OUT}


def refusal_of(campaign: Campaign, terms: CampaignTerms) -> Refusal | None:
    """Return why these terms cannot go with the campaign's experiment, or None.

    UNIQUE where the slug is that of another experiment; INVALID where share or window of the one
    that has begun would change.
    """
    experiment = _experiment_of(campaign)
    if experiment is None:
        others = Experiment.objects.filter(program=campaign.program_id, slug=campaign.slug)
        if not terms.holdout_per_mille or not others.exists():
            return None
        message = f'An experiment of this program has the slug "{campaign.slug}" already.'
        return Refusal(Code.UNIQUE, message, "slug")
    if terms.holdout_per_mille != experiment.held_out_per_mille:
        message = "Who is held out stays so while a campaign runs; begin another campaign."
        return Refusal(Code.INVALID, message, "holdout_per_mille")
    if terms.holdout_window_days != experiment.window_days:
        message = "The window was stated when the holdout began; begin another campaign."
        return Refusal(Code.INVALID, message, "holdout_window_days")
    return None


def end(campaign: Campaign, at: dt.datetime) -> None:
    """Let nobody new into the campaign's experiment."""
    experiment = _experiment_of(campaign)
    if experiment is not None:
        experiments.end_experiment(experiment, now=at)


def _still_held_out(experiment: Experiment, account_ids: Collection[int]) -> set[int]:
    held_out = ExperimentSubject.objects.filter(
        experiment=experiment, account__in=account_ids, arm=Arm.HELD_OUT
    )
    return set(held_out.values_list("account_id", flat=True))


def _experiment_of(campaign: Campaign) -> Experiment | None:
    """Return the experiment that was begun for the campaign: it shares its secret."""
    rows = Experiment.objects.filter(program=campaign.program_id, slug=campaign.slug)
    return rows.filter(secret=campaign.secret).first()
