"""Changing a program's rules, or seeing first what a change would do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from graphene.utils.str_converters import to_camel_case

from saleor_retention.engine.dumping import dump_program
from saleor_retention.engine.parsing import parse_program
from saleor_retention.errors import Code, Refusal, Refusals
from saleor_retention.graphql.documents import Conversion
from saleor_retention.graphql.mutations.previewing import (
    RetentionDifference,
    RetentionProgramPreview,
    preview_type,
)
from saleor_retention.models import Program
from saleor_retention.selectors.programs import shop_exponents
from saleor_retention.services import programs
from saleor_retention.services.programs import Edit


@dataclass(frozen=True, slots=True)
class Change:
    """A change of a program as a mutation was given it."""

    program: Program
    edit: Edit
    conversion: Conversion
    root: str  # the input field that the rules are under, "" where they are the input itself
    actor_ref: str
    others: Mapping[str, Any]  # name, channels, is_active

    def save(self) -> Program:
        """Save it; raise its refusals in terms of the input."""
        try:
            programs.update_program(
                program=self.program, edit=self.edit, actor_ref=self.actor_ref, **self.others
            )
        except Refusal as refusal:
            raise self._in_input_terms([refusal]) from refusal
        except Refusals as refusals:
            raise self._in_input_terms(refusals.refusals) from refusals
        return reread(self.program.pk)

    def preview(self) -> RetentionProgramPreview:
        """Return what saving it would do, and refuse what saving would refuse."""
        with transaction.atomic():
            self.save()
            transaction.set_rollback(True)
        seen: list[dict[str, Any]] = []

        def edit(document: dict[str, Any]) -> dict[str, Any]:
            edited = self.edit(document)
            seen.extend([document, edited])
            return edited

        preview = programs.preview_update(
            program=self.program, edit=edit, channels=self.others.get("channels")
        )
        before, edited = seen
        return preview_type(
            preview, differences(before, _canonical(edited)), self.conversion, self.root
        )

    def _in_input_terms(self, refusals: Sequence[Refusal]) -> Refusals:
        own = {"name", "channels", "slug", "program"}
        return Refusals(
            [
                refusal
                if refusal.field is None or refusal.field in own
                else self.conversion.refusal(refusal, self.root)
                for refusal in refusals
            ]
        )


def reread(program_id: int) -> Program:
    """Return a program as it is now, with what its type shows."""
    return Program.objects.select_related("current_version").get(pk=program_id)


def channel_refs(places: Sequence[Any], slugs: Sequence[str]) -> list[str]:
    """Return the references of channels by slug; refuse NOT_FOUND for each unknown one."""
    by_slug = {place.slug: place.ref for place in places}
    unknown = [
        Refusal(Code.NOT_FOUND, f'There is no channel "{slug}".', f"channels.{index}")
        for index, slug in enumerate(slugs)
        if slug not in by_slug
    ]
    if unknown:
        raise Refusals(unknown)
    return [by_slug[slug] for slug in slugs]


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[RetentionDifference]:
    """Return every value of the rules that differs, tiers being matched by their slugs."""
    old, new = dict(_flat(before, "")), dict(_flat(after, ""))
    return [
        RetentionDifference(key=key, before=old.get(key), after=new.get(key))
        for key in sorted(old.keys() | new.keys())
        if old.get(key) != new.get(key)
    ]


def _canonical(document: Mapping[str, Any]) -> dict[str, Any]:
    exponents = shop_exponents()
    rules, _problems = parse_program(document, exponents)
    if rules is None:
        raise ValueError("A document that was accepted cannot be read.")
    return dump_program(rules, exponents)


def _flat(value: Any, path: str) -> Iterator[tuple[str, str]]:
    """Yield every single value with its path, in the input's spelling."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _flat(
                item, f"{path}.{to_camel_case(str(key))}" if path else to_camel_case(key)
            )
    elif isinstance(value, list | tuple) and any(isinstance(item, Mapping) for item in value):
        for index, item in enumerate(value):
            yield from _flat(item, f"{path}.{item.get('slug', index)}")
    elif isinstance(value, list | tuple):
        yield path, ", ".join(map(str, value))
    elif isinstance(value, bool):
        yield path, "true" if value else "false"
    else:
        yield path, str(value)
