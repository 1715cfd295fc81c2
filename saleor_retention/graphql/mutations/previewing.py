"""What a change of rules would do, as staff see it before they save it."""

from __future__ import annotations

import graphene

from saleor_retention.graphql.documents import Conversion
from saleor_retention.services.setting_up.programs import Preview


class RetentionTierMove(graphene.ObjectType):
    """Members who would move from one tier to another."""

    from_tier = graphene.String(description="Slug of the tier before; null for none.")
    to_tier = graphene.String(description="Slug of the tier after; null for none.")
    members = graphene.Int(description="How many members.", required=True)
    examples = graphene.List(
        graphene.NonNull(graphene.String),
        description="Some of their member numbers.",
        required=True,
    )


class RetentionWarning(graphene.ObjectType):
    """Something to think about before the rules are saved; it does not stop them."""

    field = graphene.String(description="The input field it is about, as a path.")
    code = graphene.String(description="Its stable name.", required=True)
    message = graphene.String(description="What to think about.", required=True)


class RetentionProgramPreview(graphene.ObjectType):
    """What a change of rules would do."""

    is_change = graphene.Boolean(
        description="Whether the rules would say anything else than now.", required=True
    )
    differences = graphene.List(
        graphene.NonNull(graphene.String),
        description="Each value of the rules that would change, in words.",
        required=True,
    )
    moves = graphene.List(
        graphene.NonNull(RetentionTierMove),
        description="Who would move between tiers at once.",
        required=True,
    )
    warnings = graphene.List(
        graphene.NonNull(RetentionWarning), description="What to think about.", required=True
    )


def preview_type(
    preview: Preview, differences: list[str], conversion: Conversion, root: str
) -> RetentionProgramPreview:
    """Return a preview as GraphQL gives it out."""
    return RetentionProgramPreview(
        is_change=preview.is_change,
        differences=differences,
        moves=[
            RetentionTierMove(
                from_tier=move.from_tier or None,
                to_tier=move.to_tier or None,
                members=move.members,
                examples=list(move.examples),
            )
            for move in preview.moves
        ],
        warnings=[
            RetentionWarning(
                field=conversion.field_of(warning.field, root),
                code=warning.code,
                message=warning.message,
            )
            for warning in preview.warnings
        ],
    )
