"""``retentionProgramRetire``: end a program for good."""

from __future__ import annotations

from typing import Any

import graphene

from saleor_retention.graphql.lookups import program_of
from saleor_retention.graphql.mutations.base import RetentionMutation
from saleor_retention.graphql.mutations.rule_changes import reread
from saleor_retention.graphql.types_program import RetentionProgram
from saleor_retention.host.contract import Requestor
from saleor_retention.services.setting_up import programs


class RetentionProgramRetire(RetentionMutation):
    """Ends a program for good; its members keep their ledger. Requires MANAGE_DISCOUNTS.

    To stop a program for a while, set `isActive` to false instead.
    """

    class Arguments:
        """What is asked for."""

        id = graphene.ID(description="The program.", required=True)

    permissions = ("discounts",)

    program = graphene.Field(RetentionProgram, description="The program.")

    @classmethod
    def perform(
        cls,
        _info: Any,
        asks: Requestor,
        *,
        id: str,  # noqa: A002
    ) -> RetentionProgramRetire:
        """End it; once it is ended, again changes nothing."""
        program = programs.retire(program=program_of(id), actor_ref=asks.actor_ref)
        return cls(program=reread(program.pk))
