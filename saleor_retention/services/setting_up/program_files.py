"""Programs as a YAML file: what it would change, changing it, and writing it.

Applying is one transaction over the whole file; a plan is the same transaction, rolled back, so
that what it shows is what would be.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from django.db import transaction
from django.utils import timezone

from saleor_retention import host
from saleor_retention.engine.offers.templates import offer_templates
from saleor_retention.engine.phrases import render
from saleor_retention.engine.sentences import sentences
from saleor_retention.errors import Code, Refusal, Refusals
from saleor_retention.models import Program, ProgramChannel
from saleor_retention.selectors.programs import exponents_in, rules_of, shop_exponents
from saleor_retention.services.campaigning.campaign_files import apply_campaigns, campaign_entries
from saleor_retention.services.couponing.coupon_plan_files import apply_plans, plan_entries
from saleor_retention.services.ledger.locking import run_serialized
from saleor_retention.services.membership.segment_files import (
    apply_bands,
    apply_segments,
    band_entry,
    segment_entries,
)
from saleor_retention.services.membership.tiering import Move
from saleor_retention.services.offering.offer_files import (
    apply_offers,
    offer_entries,
)
from saleor_retention.services.setting_up import programs
from saleor_retention.services.setting_up.differences import differences
from saleor_retention.services.setting_up.goods_lists import BY_ID
from saleor_retention.services.setting_up.program_reading import FORMAT, Wanted, read, selections


@dataclass(frozen=True, slots=True)
class Planned:
    """What a file asks of one program, in words."""

    slug: str
    action: str  # "create", "change" or "nothing"
    changes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    moves: tuple[Move, ...] = ()


def plan(text: str, now: dt.datetime | None = None) -> list[Planned]:
    """Return what applying the file would change, program by program; change nothing.

    Raises ``Refusals`` with every problem of the file; fields are dotted paths into it.
    """
    at = now or timezone.now()

    def work() -> list[Planned]:
        planned = _apply(text, "", at)
        transaction.set_rollback(True)
        return planned

    return run_serialized(work)


def apply(text: str, actor_ref: str = "", now: dt.datetime | None = None) -> list[Planned]:
    """Make the programs what the file says, all or none; return what that changed.

    Idempotent: what is so already is left alone. Programs that the file does not name stay, and so
    do offers, segments and coupon plans, unless the file says that its list of them is complete.
    Raises ``Refusals`` as ``plan``, and ``Refusal`` (BUSY) where others change the same all along.
    """
    at = now or timezone.now()
    return run_serialized(lambda: _apply(text, actor_ref, at))


def export(slugs: Iterable[str] = ()) -> str:
    """Return these programs (all but retired ones, where none is named) as a file.

    Applying it to this shop changes nothing. Raises ``Refusals`` (NOT_FOUND) for an unknown slug.
    """
    wanted = list(slugs)
    there = {program.slug: program for program in Program.objects.filter(retired_at=None)}
    unknown = [slug for slug in wanted if slug not in there]
    if unknown:
        found = [Refusal(Code.NOT_FOUND, f'There is no program "{slug}".') for slug in unknown]
        raise Refusals(found)
    channel_slugs = {channel.ref: channel.slug for channel in host.current().channels()}
    entries = [_entry(there[slug], channel_slugs) for slug in (wanted or sorted(there))]
    return _dump({"version": FORMAT, "programs": entries})


def templates() -> str:
    """Return ready offers in the shop's currencies, switched off, as a program's entry has them."""
    entries = [
        {"slug": each.name.replace("_", "-"), "name": each.title, "active": False,
         "offer": each.document}
        for each in offer_templates(shop_exponents())
    ]  # fmt: skip
    return _dump({"offers": entries})


# --- applying -------------------------------------------------------------------------------------


def _apply(text: str, actor_ref: str, at: dt.datetime) -> list[Planned]:
    wanted = read(text)
    there = {program.slug: program for program in Program.objects.select_for_update()}
    _free_channels(wanted, there)
    planned, refusals = [], []
    for item in wanted:
        try:
            planned.append(_apply_all(item, there.get(item.slug), actor_ref, at))
        except (Refusal, Refusals) as found:
            refusals += [_at(item, refusal) for refusal in found.refusals]
    if refusals:
        raise Refusals(refusals)
    return planned


def _apply_all(item: Wanted, program: Program | None, actor_ref: str, at: dt.datetime) -> Planned:
    """Apply a program, and then all that stands beside its rules, which is judged by the new ones.

    Campaigns come last and only where all else is right: they name segments and offers.
    """
    planned = _apply_one(item, program, actor_ref, at)
    current = Program.objects.select_related("current_version").get(slug=item.slug)
    changes: list[str] = []
    warnings: list[str] = []
    refusals: list[Refusal] = []

    def offers() -> list[str]:
        done = apply_offers(
            current, item.offers, is_complete=item.are_offers_complete, actor_ref=actor_ref, at=at
        )
        warnings.extend(done.warnings)
        return list(done.changes)

    def segments() -> list[str]:
        lines = apply_bands(current, item.bands, actor_ref=actor_ref, at=at)
        return lines + apply_segments(
            current, item.segments, is_complete=item.are_segments_complete, at=at
        )

    def plans() -> list[str]:
        is_complete = item.are_coupon_plans_complete
        return apply_plans(
            current, item.coupon_plans, is_complete=is_complete, actor_ref=actor_ref, at=at
        )

    for part in (offers, segments, plans):
        try:
            changes += part()
        except Refusals as found:
            refusals += found.refusals
    if refusals:
        raise Refusals(refusals)
    changes += apply_campaigns(current, item.campaigns, actor_ref=actor_ref, at=at)
    if not changes:
        return planned
    return replace(
        planned,
        action="create" if planned.action == "create" else "change",
        changes=(*planned.changes, *changes),
        warnings=(*planned.warnings, *warnings),
    )


def _apply_one(item: Wanted, program: Program | None, actor_ref: str, at: dt.datetime) -> Planned:
    if program is None:
        program = programs.create_program(
            slug=item.slug,
            name=item.name,
            channels=item.channels,
            document=item.document,
            is_active=item.is_active,
            actor_ref=actor_ref,
            now=at,
        )
        return Planned(item.slug, "create", tuple(_words(program)))
    before, words = _settings(program), _words(program)
    preview = programs.preview_update(
        program=program, document=item.document, channels=item.channels, now=at
    )
    program = programs.update_program(
        program=program,
        document=item.document,
        name=item.name,
        channels=item.channels,
        is_active=item.is_active,
        actor_ref=actor_ref,
        now=at,
    )
    changes = differences(before, _settings(program))
    if not changes:
        return Planned(item.slug, "nothing")
    now_words = _words(program)
    said = [f"- {sentence}" for sentence in words if sentence not in now_words]
    said += [f"+ {sentence}" for sentence in now_words if sentence not in words]
    warnings = tuple(problem.message for problem in preview.warnings)
    return Planned(item.slug, "change", (*said, *changes), warnings, preview.moves)


def _free_channels(wanted: Iterable[Wanted], there: Mapping[str, Program]) -> None:
    """Take programs out of the channels that they leave, so that another may come in.

    Before anything else, whatever the order of the file; the channels are switched off and not
    removed, for the update that follows to see that they were there.
    """
    for item in wanted:
        program = there.get(item.slug)
        if program is not None:
            staying = item.channels if item.is_active else ()
            leaving = ProgramChannel.objects.filter(program=program)
            leaving.exclude(channel_ref__in=staying).update(is_active=False)


def _settings(program: Program) -> dict[str, Any]:
    """Return all that a file says of a program."""
    return {
        "name": program.name,
        "active": program.is_active,
        "channels": _channel_slugs(program),
        **_document_in_slugs(program),
    }


def _channel_slugs(program: Program) -> list[str]:
    slugs = {channel.ref: channel.slug for channel in host.current().channels()}
    return sorted(slugs.get(row.channel_ref, row.channel_ref) for row in program.channels.all())


def _words(program: Program) -> list[str]:
    """Return what the program does, a sentence a rule, in English."""
    rules = rules_of(program.current_version_id)
    exponents = exponents_in(programs.document_of(program))
    return [render(sentence) for sentence in sentences(rules, exponents)]


def _at(item: Wanted, refusal: Refusal) -> Refusal:
    """Say where in the file a refusal of its program belongs; one of an offer knows it."""
    own = refusal.field or ""
    if own.startswith(f"{item.path}."):
        return refusal
    part = "program" if own in ("slug", "name", "channels", "program") else "rules"
    inner = "" if own == "program" else own
    path = ".".join(filter(None, (item.path, part, inner)))
    return Refusal(refusal.code, f"{item.slug}: {refusal.message}", path)


# --- writing --------------------------------------------------------------------------------------


def _entry(program: Program, channel_slugs: Mapping[str, str]) -> dict[str, Any]:
    places = program.channels.values_list("channel_ref", flat=True)
    entry: dict[str, Any] = {
        "program": {
            "slug": program.slug,
            "name": program.name,
            "channels": sorted(channel_slugs[ref] for ref in places if ref in channel_slugs),
            "active": program.is_active,
        },
        "rules": _document_in_slugs(program),
    }
    entry["recency_bands"] = band_entry(program)
    parts = {
        "offers": offer_entries(program),
        "segments": segment_entries(program),
        "coupon_plans": plan_entries(program),
        "campaigns": campaign_entries(program),
    }
    return entry | {key: found for key, found in parts.items() if found}


def _document_in_slugs(program: Program) -> dict[str, Any]:
    """Return the present rules with slugs for references, where the goods are still there."""
    document = programs.document_of(program)
    for _, kind, refs in selections(document):
        slugs = host.current().slugs_of(kind, refs)
        refs[:] = sorted(slugs.get(ref, f"{BY_ID}{ref}") for ref in refs)
    return document


def _dump(content: dict[str, Any]) -> str:
    try:
        import yaml
    except ImportError:
        message = 'Writing YAML needs PyYAML: pip install "saleor-retention[yaml]".'
        raise Refusals([Refusal(Code.NOT_SUPPORTED, message)]) from None

    class Dumper(yaml.SafeDumper):
        """Writes text of several lines as lines, such as that of a message."""

        def represent_lines(self, text: str) -> Any:
            style = "|" if "\n" in text else None
            return self.represent_scalar("tag:yaml.org,2002:str", text, style=style)

    Dumper.add_representer(str, Dumper.represent_lines)
    text: str = yaml.dump(content, Dumper=Dumper, sort_keys=False, allow_unicode=True, width=100)
    return text
