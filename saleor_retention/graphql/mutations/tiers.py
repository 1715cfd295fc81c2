"""What the mutations of single tiers share: where a step stands, and how to change it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from saleor_retention.graphql.documents import Conversion, overlaid
from saleor_retention.graphql.mutations.rule_changes import Change
from saleor_retention.graphql.types_program import RetentionTier, Terms, tier_type
from saleor_retention.host.contract import Requestor
from saleor_retention.models import Program
from saleor_retention.services.setting_up.programs import Edit, change_tier


def change_of_tier(
    program: Program, slug: str | None, edit: Edit, tier: Conversion, asks: Requestor
) -> Change:
    """Return the change of one step; its problems are named by the fields of the tier's input.

    Where the step stands on the ladder is known once the edit was made: a problem of the document
    names its position.
    """
    conversion = Conversion(tier.content, {"tier": ""})

    def edit_and_look(document: dict[str, Any]) -> dict[str, Any]:
        edited = edit(document)
        steps = _ladder(edited)
        position = next(
            (index for index, step in enumerate(steps) if step.get("slug") == slug), len(steps) - 1
        )
        place = f"tiers.ladder.{position}"
        conversion.sources.update({f"{place}.{path}": name for path, name in tier.sources.items()})
        return edited

    return Change(
        program=program,
        edit=edit_and_look,
        conversion=conversion,
        root="rules",
        actor_ref=asks.actor_ref,
        others={},
    )


def laid_over(slug: str, changes: Mapping[str, Any]) -> Edit:
    """Return the edit that lays changes over a step; lists replace, as everywhere in an update."""
    known = change_tier(slug, {})  # refuses a slug that no step has

    def edit(document: dict[str, Any]) -> dict[str, Any]:
        document = known(document)
        steps = [
            overlaid(step, changes) if step["slug"] == slug else step for step in _ladder(document)
        ]
        return {**document, "tiers": {**document["tiers"], "ladder": steps}}

    return edit


def tier_of(program: Program, slug: str | None) -> RetentionTier | None:
    """Return a step of the program's ladder as GraphQL gives it out; None where it is gone."""
    terms = Terms.of(program)
    tier = terms.rules.tier(slug)
    return tier_type(tier, terms) if tier is not None else None


def _ladder(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    return list((document.get("tiers") or {}).get("ladder") or [])
