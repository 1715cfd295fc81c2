"""``retentionTierCreate``: add a step to a ladder."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import graphene

from saleor_retention.graphql.documents import overlaid, tier_document
from saleor_retention.graphql.inputs import RetentionTierInput
from saleor_retention.graphql.lookups import program_of
from saleor_retention.graphql.mutations.rule_changes import DRY_RUN, RulesMutation
from saleor_retention.graphql.mutations.tiers import change_of_tier, tier_of
from saleor_retention.graphql.types_program import RetentionTier
from saleor_retention.host.contract import Requestor
from saleor_retention.services.setting_up.programs import add_tier


class RetentionTierCreate(RulesMutation):
    """Adds a tier to a program's ladder. Requires MANAGE_DISCOUNTS."""

    class Arguments:
        """What is asked for."""

        program_id = graphene.ID(description="The program.", required=True)
        input = RetentionTierInput(description="The tier.", required=True)
        dry_run = graphene.Boolean(description=DRY_RUN, default_value=False)

    tier = graphene.Field(RetentionTier, description="The tier; null of a dry run.")

    @classmethod
    def perform(
        cls,
        _info: Any,
        asks: Requestor,
        *,
        program_id: str,
        input: Mapping[str, Any],  # noqa: A002 - the argument's name in Saleor's API
        dry_run: bool = False,
    ) -> RetentionTierCreate:
        """Save the tier, or preview it."""
        program = program_of(program_id, "programId")
        given = {name: value for name, value in input.items() if value is not None}
        conversion = tier_document(given)
        tier = overlaid({}, conversion.content)
        change = change_of_tier(program, tier.get("slug"), add_tier(tier), conversion, asks)
        done = cls.done(change, dry_run=dry_run)
        if not dry_run:
            done.tier = tier_of(done.program, tier.get("slug"))
        return done
