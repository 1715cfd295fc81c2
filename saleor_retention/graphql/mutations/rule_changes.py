"""Changing a program's rules, or seeing first what a change would do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from saleor_retention.errors import Code, Refusal, Refusals
from saleor_retention.graphql.documents import Conversion
from saleor_retention.graphql.mutations.previewing import RetentionProgramPreview, preview_type
from saleor_retention.models import Program
from saleor_retention.services.setting_up import programs
from saleor_retention.services.setting_up.differences import differences
from saleor_retention.services.setting_up.programs import Edit


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
        """Return what saving it would do, and refuse what saving would refuse.

        The differences come from really saving it in a transaction that is rolled back.
        """
        before = programs.document_of(self.program)
        with transaction.atomic():
            after = programs.document_of(self.save())
            transaction.set_rollback(True)
        preview = programs.preview_update(
            program=self.program, edit=self.edit, channels=self.others.get("channels")
        )
        return preview_type(preview, differences(before, after), self.conversion, self.root)

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
