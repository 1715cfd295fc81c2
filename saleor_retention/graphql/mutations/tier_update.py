"""``retentionTierUpdate``: change a step of a ladder."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import graphene

from saleor_retention.graphql.documents import tier_document
from saleor_retention.graphql.inputs import RetentionTierInput
from saleor_retention.graphql.lookups import program_of
from saleor_retention.graphql.mutations.rule_changes import DRY_RUN, RulesMutation
from saleor_retention.graphql.mutations.tiers import change_of_tier, laid_over, tier_of
from saleor_retention.graphql.types_program import RetentionTier
from saleor_retention.host.contract import Requestor


class RetentionTierUpdate(RulesMutation):
    """Changes a tier; what is left out stays, null removes a benefit. Requires MANAGE_DISCOUNTS."""

    class Arguments:
        """What is asked for."""

        program_id = graphene.ID(description="The program.", required=True)
        slug = graphene.String(description="The tier's slug now.", required=True)
        input = RetentionTierInput(description="What to change.", required=True)
        dry_run = graphene.Boolean(description=DRY_RUN, default_value=False)

    tier = graphene.Field(RetentionTier, description="The tier; null of a dry run.")

    @classmethod
    def perform(
        cls,
        _info: Any,
        asks: Requestor,
        *,
        program_id: str,
        slug: str,
        input: Mapping[str, Any],  # noqa: A002 - the argument's name in Saleor's API
        dry_run: bool = False,
    ) -> RetentionTierUpdate:
        """Save the change, or preview it."""
        program = program_of(program_id, "programId")
        conversion = tier_document(input)
        new_slug = conversion.content.get("slug") or slug
        edit = laid_over(slug, conversion.content)
        change = change_of_tier(program, new_slug, edit, conversion, asks)
        done = cls.done(change, dry_run=dry_run)
        if not dry_run:
            done.tier = tier_of(done.program, new_slug)
        return done
