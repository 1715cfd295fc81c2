"""``retentionRecencyBandsSet``: how long ago is active, sleeping, at risk and lost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

import graphene
from graphene.utils.str_converters import to_camel_case

from saleor_retention.engine.segments.bands import MONTHS_MAX, Limits
from saleor_retention.graphql.lookups import program_of
from saleor_retention.graphql.mutations.base import RetentionMutation
from saleor_retention.graphql.scalars import RetentionWholeNumber, whole
from saleor_retention.graphql.types_program import RetentionProgram
from saleor_retention.host.contract import Requestor
from saleor_retention.selectors.segments import limits_of
from saleor_retention.services.membership.segments import set_bands


class RetentionRecencyBandsInput(graphene.InputObjectType):
    """How many months each band reaches back, each further than the one before.

    What is left out stays.
    """

    best = graphene.InputField(
        RetentionWholeNumber,
        description=f"Months of the best, not more than of the active; {MONTHS_MAX} at most.",
    )
    active = graphene.InputField(RetentionWholeNumber, description="Months of the active.")
    sleeping = graphene.InputField(RetentionWholeNumber, description="Months of the sleeping.")
    at_risk = graphene.InputField(
        RetentionWholeNumber,
        description="Months of those at risk; whoever bought longer ago is lost.",
    )


class RetentionRecencyBandsSet(RetentionMutation):
    """Sets a program's recency bands; its segments follow at once. Requires MANAGE_DISCOUNTS."""

    class Arguments:
        """What is asked for."""

        program_id = graphene.ID(description="The program.", required=True)
        bands = RetentionRecencyBandsInput(description="What changes.", required=True)

    permissions = ("discounts",)

    program = graphene.Field(RetentionProgram, description="The program, as it is now.")

    @classmethod
    def perform(
        cls,
        _info: Any,
        asks: Requestor,
        *,
        program_id: str,
        bands: Mapping[str, Any],
    ) -> RetentionRecencyBandsSet:
        """Set them."""
        program = program_of(program_id, "programId")
        months = {
            field.name: whole(bands[field.name], f"bands.{to_camel_case(field.name)}")
            for field in fields(Limits)
            if bands.get(field.name) is not None
        }
        set_bands(program, replace(limits_of(program), **months), actor_ref=asks.actor_ref)
        return cls(program=program_of(program_id, "programId"))
