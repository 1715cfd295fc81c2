"""``retentionProgramUpdate``: change a program, or see first what that would do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import graphene

from saleor_retention import host
from saleor_retention.graphql.documents import overlaid, rules_document
from saleor_retention.graphql.inputs import RetentionProgramInput
from saleor_retention.graphql.lookups import program_of
from saleor_retention.graphql.mutations.rule_changes import (
    DRY_RUN,
    Change,
    RulesMutation,
    channel_refs,
)
from saleor_retention.host.contract import Requestor


class RetentionProgramUpdate(RulesMutation):
    """Changes a program; other rules than before make its next version. Requires MANAGE_DISCOUNTS.

    Orders keep the version that they were placed under.
    """

    class Arguments:
        """What is asked for."""

        id = graphene.ID(description="The program.", required=True)
        input = RetentionProgramInput(description="What to change.", required=True)
        dry_run = graphene.Boolean(description=DRY_RUN, default_value=False)

    @classmethod
    def perform(
        cls,
        _info: Any,
        asks: Requestor,
        *,
        id: str,  # noqa: A002
        input: Mapping[str, Any],  # noqa: A002
        dry_run: bool = False,
    ) -> RetentionProgramUpdate:
        """Save the change, or preview it."""
        program = program_of(id)
        conversion = rules_document(input.get("rules") or {})
        others: dict[str, Any] = {
            name: input[name] for name in ("name", "is_active") if input.get(name) is not None
        }
        if input.get("channels") is not None:
            others["channels"] = channel_refs(host.current().channels(), input["channels"])
        change = Change(
            program=program,
            edit=lambda document: overlaid(document, conversion.content),
            conversion=conversion,
            root="rules",
            actor_ref=asks.actor_ref,
            others=others,
        )
        return cls.done(change, dry_run=dry_run)
