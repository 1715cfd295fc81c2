"""Set up programs: create, change, switch on and off, retire.

GraphQL, the YAML command and tests all come through here, so that there is one validation. A
change of rules never edits: it makes the next version, and what was earned or priced under an
earlier one keeps it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from saleor_retention import host
from saleor_retention.engine.dumping import dump_program
from saleor_retention.engine.rules import RuleProblem
from saleor_retention.errors import Code, Refusal, Refusals
from saleor_retention.host.contract import ChannelFacts
from saleor_retention.models import AuditAction, Program, ProgramChannel, ProgramVersion
from saleor_retention.selectors.programs import exponents_in, rules_of
from saleor_retention.services.couponing import coupons
from saleor_retention.services.membership import tiering
from saleor_retention.services.setting_up.auditing import note_down, note_down_program, settings_of
from saleor_retention.services.setting_up.differences import differences
from saleor_retention.services.setting_up.ladders import (
    Document,
    Edit,
    add_tier,
    change_tier,
    merged,
    retire_tier,
)
from saleor_retention.services.setting_up.validating import (
    Validated,
    channels_of,
    gather,
    name_refusals,
    naming_refusals,
    taken_channels,
    validate,
    validate_next,
)

__all__ = [
    "Document",
    "Edit",
    "Preview",
    "activate",
    "add_tier",
    "change_tier",
    "create_program",
    "deactivate",
    "document_of",
    "preview_update",
    "retire",
    "retire_tier",
    "update_program",
]


@dataclass(frozen=True, slots=True)
class Preview:
    """What a change of rules would do, without doing it."""

    is_change: bool
    warnings: tuple[RuleProblem, ...]
    moves: tuple[tiering.Move, ...]


def create_program(
    *,
    slug: str,
    name: str,
    channels: Sequence[str],
    document: Document,
    is_active: bool = True,
    actor_ref: str = "",
    now: dt.datetime | None = None,
) -> Program:
    """Create a program with its first version in the channels of these references.

    Locks nothing; a channel that already has an active program is refused by name (UNIQUE), also
    when it got it at this very moment. Raises ``Refusals`` with everything that is wrong: slug and
    name (REQUIRED, INVALID, UNIQUE), channels (REQUIRED, NOT_FOUND, UNIQUE), and the rules.
    After commit open checkouts of the channels are priced afresh.
    """
    at = now or timezone.now()
    places, refusals = channels_of(channels)
    refusals = [*naming_refusals(slug, name), *refusals]
    if is_active:
        refusals += taken_channels(places, except_program=None)
    validated = gather(refusals, lambda: validate(document, places))
    with _one_active_per_channel(), transaction.atomic():
        program = Program.objects.create(
            slug=slug, name=name.strip(), is_active=is_active, created_at=at
        )
        _add_version(program, validated.document, actor_ref, at)
        ProgramChannel.objects.bulk_create(
            ProgramChannel(program=program, channel_ref=place.ref, is_active=is_active)
            for place in places
        )
        words = settings_of(program, [place.ref for place in places], validated.document)
        note_down(
            AuditAction.PROGRAM_CREATE,
            actor_ref=actor_ref,
            at=at,
            program=program,
            changes=differences({}, words),
        )
        host.current().dispatch("reprice", [place.ref for place in places])
    return program


def update_program(
    *,
    program: Program,
    document: Document | None = None,
    changes: Document | None = None,
    edit: Edit | None = None,
    name: str | None = None,
    channels: Sequence[str] | None = None,
    is_active: bool | None = None,
    actor_ref: str = "",
    now: dt.datetime | None = None,
) -> Program:
    """Change what is given and leave the rest; new rules become the next version.

    The rules come as a whole ``document``, as ``changes`` merged into the present one (a value of
    None removes), or as an ``edit`` of it. Rules that say the same as before make no version.
    Coupons that can still be used hold in channels that join. Locks the program's row. Refuses a
    retired program (INVALID) and whatever ``create_program`` refuses. After commit members are
    moved to where the new ladder puts them and open checkouts of all channels concerned are priced
    afresh.
    """
    at = now or timezone.now()
    with _one_active_per_channel(), transaction.atomic():
        program = Program.objects.select_for_update().get(pk=program.pk)
        if program.retired_at is not None:
            raise Refusal(Code.INVALID, f'Program "{program.slug}" is retired.', "program")
        was = _State.of(program)
        will_be_active = program.is_active if is_active is None else is_active
        places, refusals = _places(channels, was)
        refusals += name_refusals(name) if name is not None else []
        if will_be_active:
            refusals += taken_channels(places, except_program=program)
        present = document_of(program)
        before = settings_of(program, was.channels, present)
        source = _source(present, document, changes, edit)
        validated = gather(refusals, lambda: _validated(program, source, places, channels))
        program.name = program.name if name is None else name.strip()
        program.is_active = will_be_active
        program.save(update_fields=["name", "is_active"])
        _place(program, places, at)
        is_new_version = validated is not None and validated.document != present
        if validated is not None and is_new_version:
            _add_version(program, validated.document, actor_ref, at)
        rules = validated.document if validated is not None else present
        after = settings_of(program, _State.of(program).channels, rules)
        note_down_program(program, before, after, actor_ref=actor_ref, at=at)
        _follow_up(program, was, at, is_new_version=is_new_version)
    return program


def preview_update(
    *,
    program: Program,
    document: Document | None = None,
    changes: Document | None = None,
    edit: Edit | None = None,
    channels: Sequence[str] | None = None,
    now: dt.datetime | None = None,
) -> Preview:
    """Return what ``update_program`` would do with the same rules: warnings, and who would move.

    Raises ``Refusals`` where the update would be refused for its rules or channels.
    """
    places, refusals = _places(channels, _State.of(program))
    present = document_of(program)
    source = _source(present, document, changes, edit)
    wanted = present if source is None else source
    validated = gather(refusals, lambda: validate_next(program, wanted, places))
    is_change = validated.document != present
    moves = tiering.preview(program, validated.rules, now=now) if is_change else []
    return Preview(is_change=is_change, warnings=validated.warnings, moves=tuple(moves))


def activate(*, program: Program, actor_ref: str = "", now: dt.datetime | None = None) -> Program:
    """Switch a program on; refused (UNIQUE) where another one is active in one of its channels."""
    return update_program(program=program, is_active=True, actor_ref=actor_ref, now=now)


def deactivate(*, program: Program, actor_ref: str = "", now: dt.datetime | None = None) -> Program:
    """Switch a program off: its prices and redemptions stop, points go on maturing and expiring."""
    return update_program(program=program, is_active=False, actor_ref=actor_ref, now=now)


def retire(*, program: Program, actor_ref: str = "", now: dt.datetime | None = None) -> Program:
    """End a program for good; its members keep their ledger, its orders their terms.

    Idempotent. Locks the program's row; after commit its open checkouts are priced afresh.
    """
    with transaction.atomic():
        program = Program.objects.select_for_update().get(pk=program.pk)
        if program.retired_at is not None:
            return program
        at = program.retired_at = now or timezone.now()
        program.is_active = False
        program.save(update_fields=["retired_at", "is_active"])
        program.channels.update(is_active=False)
        note_down(AuditAction.PROGRAM_RETIRE, actor_ref=actor_ref, at=at, program=program)
        host.current().dispatch("reprice", sorted(_State.of(program).channels))
    return program


@dataclass(frozen=True, slots=True)
class _State:
    """What a program was before a change, to tell what follows from it."""

    is_active: bool
    channels: tuple[str, ...]

    @classmethod
    def of(cls, program: Program) -> _State:
        refs = program.channels.order_by("channel_ref").values_list("channel_ref", flat=True)
        return cls(program.is_active, tuple(refs))


def _follow_up(program: Program, was: _State, at: dt.datetime, *, is_new_version: bool) -> None:
    is_now = _State.of(program)
    coupons.open_in(program, set(is_now.channels) - set(was.channels), at)
    if is_new_version:
        host.current().dispatch("apply_ladder", program.pk, 0, at.isoformat())
        _copy_profiles(program)
    if is_new_version or is_now != was:
        host.current().dispatch("reprice", sorted({*was.channels, *is_now.channels}))


def _copy_profiles(program: Program) -> None:
    """Have what customers told copied where the new version names other attributes."""
    earlier = program.versions.exclude(pk=program.current_version_id).order_by("number").last()
    named = rules_of(program.current_version_id).questions.attributes
    if named and (earlier is None or rules_of(earlier.pk).questions.attributes != named):
        host.current().dispatch("copy_profiles", program.pk)


def document_of(program: Program) -> dict[str, Any]:
    """Return the present rules as a document, in the canonical form of this release."""
    version = ProgramVersion.objects.get(pk=program.current_version_id)
    return dump_program(rules_of(version.pk), exponents_in(version.document))


def _source(
    present: dict[str, Any], document: Document | None, changes: Document | None, edit: Edit | None
) -> Document | None:
    """Return the document that is asked for; None where the rules stay as they are."""
    if [document, changes, edit].count(None) < 2:  # noqa: PLR2004
        raise ValueError("Give one of document, changes and edit.")
    if changes is not None:
        return merged(present, changes)
    return edit(present) if edit is not None else document


def _validated(
    program: Program,
    source: Document | None,
    places: Sequence[ChannelFacts],
    channels: Sequence[str] | None,
) -> Validated | None:
    """Validate new rules, or the present ones where they meet new channels."""
    if source is None and channels is None:
        return None
    wanted = document_of(program) if source is None else source
    return validate_next(program, wanted, places)


def _places(
    channels: Sequence[str] | None, was: _State
) -> tuple[list[ChannelFacts], list[Refusal]]:
    """Return the channels that are asked for, or the present ones that the shop still has."""
    if channels is not None:
        return channels_of(channels)
    return channels_of(was.channels, are_new=False)


def _add_version(
    program: Program, document: dict[str, Any], actor_ref: str, at: dt.datetime
) -> None:
    """Append the next version; the caller holds the program's row, so the number is free."""
    newest = program.versions.order_by("-number").values_list("number", flat=True).first()
    program.current_version = ProgramVersion.objects.create(
        program=program,
        number=(newest or 0) + 1,
        document=document,
        actor_ref=actor_ref,
        created_at=at,
    )
    program.save(update_fields=["current_version"])


def _place(program: Program, places: Iterable[ChannelFacts], at: dt.datetime) -> None:
    wanted = {place.ref for place in places}
    rows = {row.channel_ref: row for row in program.channels.all()}
    gone = [row.pk for ref, row in rows.items() if ref not in wanted]
    program.channels.filter(pk__in=gone).delete()
    program.channels.exclude(is_active=program.is_active).update(is_active=program.is_active)
    ProgramChannel.objects.bulk_create(
        ProgramChannel(program=program, channel_ref=ref, is_active=program.is_active, joined_at=at)
        for ref in sorted(wanted - set(rows))
    )


@contextmanager
def _one_active_per_channel() -> Iterator[None]:
    """Turn the database's refusal of a race into the sentence that the check gives."""
    try:
        yield
    except IntegrityError as error:
        if "retention_one_active_program" in str(error):
            message = "One of the channels has just got another active program."
            raise Refusals([Refusal(Code.UNIQUE, message, "channels")]) from error
        if "slug" in str(error):
            message = "There is a program of this slug already."
            raise Refusals([Refusal(Code.UNIQUE, message, "slug")]) from error
        raise
