"""Edits of a rules document: the steps of its ladder, and changes laid over it.

An edit is a function from the present document to the next, so that it is made under the program's
lock from what is there then. What it yields is validated like any document.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from saleor_retention.errors import Code, Refusal

Document = Mapping[str, Any]
Edit = Callable[[dict[str, Any]], dict[str, Any]]


def add_tier(tier: Document) -> Edit:
    """Return the edit that adds a step to the ladder, in its place by threshold."""

    def edit(document: dict[str, Any]) -> dict[str, Any]:
        if any(step.get("slug") == tier.get("slug") for step in _ladder(document)):
            message = f'There is a tier "{tier.get("slug")}" already.'
            raise Refusal(Code.UNIQUE, message, "tier.slug")
        steps = _ladder(document)
        below = [step for step in steps if _is_below(step, tier)]
        return _with_ladder(document, [*below, dict(tier), *steps[len(below) :]])

    return edit


def change_tier(slug: str, changes: Document) -> Edit:
    """Return the edit that changes a step of the ladder; a value of None removes a benefit."""

    def edit(document: dict[str, Any]) -> dict[str, Any]:
        _require_tier(document, slug)
        steps = [
            merged(step, changes) if step["slug"] == slug else step for step in _ladder(document)
        ]
        return _with_ladder(document, steps)

    return edit


def retire_tier(slug: str) -> Edit:
    """Return the edit that takes a step off the ladder; its members go to where they belong."""

    def edit(document: dict[str, Any]) -> dict[str, Any]:
        _require_tier(document, slug)
        return _with_ladder(document, [s for s in _ladder(document) if s["slug"] != slug])

    return edit


def merged(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``base`` with ``changes`` over it: mappings merge, None removes, others replace."""
    result = dict(base)
    for key, value in changes.items():
        if value is None:
            result.pop(key, None)
        elif isinstance(value, Mapping) and isinstance(result.get(key), Mapping):
            result[key] = merged(result[key], value)
        else:
            result[key] = value
    return result


def _ladder(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    return list((document.get("tiers") or {}).get("ladder") or [])


def _with_ladder(document: dict[str, Any], steps: list[dict[str, Any]]) -> dict[str, Any]:
    return {**document, "tiers": {**(document.get("tiers") or {}), "ladder": steps}}


def _is_below(step: Document, tier: Document) -> bool:
    """Tell which comes first; what is no number comes last and is refused by the validation."""
    try:
        return Decimal(str(step["threshold"])) <= Decimal(str(tier.get("threshold", 0)))
    except ArithmeticError:
        return True


def _require_tier(document: Mapping[str, Any], slug: str) -> None:
    slugs = [step["slug"] for step in _ladder(document)]
    if slug not in slugs:
        there = ", ".join(slugs) or "none"
        raise Refusal(Code.NOT_FOUND, f'There is no tier "{slug}"; there are: {there}.', "slug")
