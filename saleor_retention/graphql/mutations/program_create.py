"""``retentionProgramCreate``: set up a program."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import graphene

from saleor_retention import host
from saleor_retention.errors import Refusal, renaming
from saleor_retention.graphql.documents import overlaid, rules_document
from saleor_retention.graphql.inputs import RetentionProgramCreateInput
from saleor_retention.graphql.mutations.base import RetentionMutation
from saleor_retention.graphql.mutations.rule_changes import channel_refs, reread
from saleor_retention.graphql.types_program import RetentionProgram
from saleor_retention.host.contract import Requestor
from saleor_retention.services.setting_up import programs

NAMING = (None, "slug", "name", "channels")


class RetentionProgramCreate(RetentionMutation):
    """Creates a program with the first version of its rules. Requires MANAGE_DISCOUNTS."""

    class Arguments:
        """What is asked for."""

        input = RetentionProgramCreateInput(description="The program.", required=True)

    permissions = ("discounts",)

    program = graphene.Field(RetentionProgram, description="The program.")

    @classmethod
    def perform(
        cls,
        _info: Any,
        asks: Requestor,
        *,
        input: Mapping[str, Any],  # noqa: A002
    ) -> RetentionProgramCreate:
        """Create it, or refuse everything that is wrong with it at once."""
        conversion = rules_document(input["rules"])
        refs = channel_refs(host.current().channels(), input["channels"])
        is_active = input.get("is_active")

        def in_input_terms(refusal: Refusal) -> Refusal:
            is_ours = refusal.field in NAMING
            return refusal if is_ours else conversion.refusal(refusal, "rules")

        with renaming(in_input_terms):
            program = programs.create_program(
                slug=input["slug"],
                name=input["name"],
                channels=refs,
                document=overlaid({}, conversion.content),
                is_active=True if is_active is None else is_active,
                actor_ref=asks.actor_ref,
            )
        return cls(program=reread(program.pk))
