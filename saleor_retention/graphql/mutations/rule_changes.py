"""Changing a program's rules, or seeing first what a change would do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import graphene
from django.db import transaction

from saleor_retention.errors import Code, Refusal, Refusals, renaming
from saleor_retention.graphql.documents import Conversion
from saleor_retention.graphql.mutations.base import RetentionMutation
from saleor_retention.graphql.mutations.previewing import RetentionProgramPreview, preview_type
from saleor_retention.graphql.types_program import RetentionProgram
from saleor_retention.models import Program
from saleor_retention.services.setting_up import programs
from saleor_retention.services.setting_up.differences import differences
from saleor_retention.services.setting_up.programs import Edit

DRY_RUN = "Only say what would happen, and change nothing."


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
        with renaming(self._in_input_terms):
            programs.update_program(
                program=self.program, edit=self.edit, actor_ref=self.actor_ref, **self.others
            )
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

    def _in_input_terms(self, refusal: Refusal) -> Refusal:
        is_own = refusal.field in (None, "name", "channels", "slug", "program")
        return refusal if is_own else self.conversion.refusal(refusal, self.root)


class RulesMutation(RetentionMutation):
    """The base of the mutations that change a program's rules, or say first what that would do."""

    class Meta:
        """Only its subclasses are mutations."""

        abstract = True

    permissions = ("discounts",)

    @classmethod
    def __init_subclass_with_meta__(cls, **options: Any) -> None:
        """Give the payload the program and the preview."""
        cls.program = graphene.Field(RetentionProgram, description="The program.")
        cls.preview = graphene.Field(
            RetentionProgramPreview, description="What the change would do, of a dry run."
        )
        super().__init_subclass_with_meta__(**options)

    @classmethod
    def done(cls, change: Change, *, dry_run: bool) -> Self:
        """Save a change, or only preview it; return what the mutation answers."""
        if dry_run:
            return cls(program=change.program, preview=change.preview())
        return cls(program=change.save())


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
