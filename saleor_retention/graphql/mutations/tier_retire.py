"""``retentionTierRetire``: take a step off a ladder."""

from __future__ import annotations

from typing import Any

import graphene

from saleor_retention.graphql.documents import Conversion
from saleor_retention.graphql.lookups import program_of
from saleor_retention.graphql.mutations.rule_changes import DRY_RUN, RulesMutation
from saleor_retention.graphql.mutations.tiers import change_of_tier
from saleor_retention.host.contract import Requestor
from saleor_retention.services.setting_up.programs import retire_tier


class RetentionTierRetire(RulesMutation):
    """Takes a tier off the ladder; its members go where they belong. Requires MANAGE_DISCOUNTS."""

    class Arguments:
        """What is asked for."""

        program_id = graphene.ID(description="The program.", required=True)
        slug = graphene.String(description="The tier's slug.", required=True)
        dry_run = graphene.Boolean(description=DRY_RUN, default_value=False)

    @classmethod
    def perform(
        cls, _info: Any, asks: Requestor, *, program_id: str, slug: str, dry_run: bool = False
    ) -> RetentionTierRetire:
        """Save the change, or preview it."""
        program = program_of(program_id, "programId")
        change = change_of_tier(program, slug, retire_tier(slug), Conversion({}, {}), asks)
        return cls.done(change, dry_run=dry_run)
