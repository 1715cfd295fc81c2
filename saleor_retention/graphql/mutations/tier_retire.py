"""``retentionTierRetire``: take a step off a ladder."""

from __future__ import annotations

from typing import Any

import graphene

from saleor_retention.graphql.documents import Conversion
from saleor_retention.graphql.lookups import program_of
from saleor_retention.graphql.mutations.base import RetentionMutation
from saleor_retention.graphql.mutations.previewing import RetentionProgramPreview
from saleor_retention.graphql.mutations.tiers import change_of_tier
from saleor_retention.graphql.types_program import RetentionProgram
from saleor_retention.host.contract import Requestor
from saleor_retention.services.setting_up.programs import retire_tier


class RetentionTierRetire(RetentionMutation):
    """Takes a tier off the ladder; its members go where they belong. Requires MANAGE_DISCOUNTS."""

    class Arguments:
        """What is asked for."""

        program_id = graphene.ID(description="The program.", required=True)
        slug = graphene.String(description="The tier's slug.", required=True)
        dry_run = graphene.Boolean(
            description="Only say what would happen, and change nothing.", default_value=False
        )

    permissions = ("discounts",)

    program = graphene.Field(RetentionProgram, description="The program.")
    preview = graphene.Field(
        RetentionProgramPreview, description="What the change would do, of a dry run."
    )

    @classmethod
    def perform(
        cls, _info: Any, asks: Requestor, *, program_id: str, slug: str, dry_run: bool = False
    ) -> RetentionTierRetire:
        """Save the change, or preview it."""
        program = program_of(program_id, "programId")
        change = change_of_tier(program, slug, retire_tier(slug), Conversion({}, {}), asks)
        if dry_run:
            return cls(program=program, preview=change.preview())
        return cls(program=change.save())
