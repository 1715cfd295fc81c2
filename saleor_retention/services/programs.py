"""Set up programs: create, change, switch on and off, retire.

GraphQL, the YAML command and tests all come through here, so that there is one validation. A
change of rules never edits: it makes the next version, and what was earned or priced under an
earlier one keeps it.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from saleor_retention import host
from saleor_retention.engine.dumping import dump_program
from saleor_retention.engine.exchange import uneven_rates
from saleor_retention.engine.parsing import parse_program
from saleor_retention.engine.rules import Metric, ProgramRules, RuleProblem
from saleor_retention.errors import Code, Refusal, Refusals
from saleor_retention.host.contract import ChannelFacts
from saleor_retention.models import Program, ProgramChannel, ProgramVersion
from saleor_retention.selectors.programs import exponents_in, rules_of, shop_exponents
from saleor_retention.services import tiering

SLUG = re.compile(r"[a-z0-9]+(?:[-_][a-z0-9]+)*")
SLUG_LENGTH_MAX = 64
NAME_LENGTH_MAX = 128
CHANNELS_MAX = 200

Document = Mapping[str, Any]
Edit = Callable[[dict[str, Any]], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Validated:
    """A rules document that may be stored, in its one canonical form."""

    rules: ProgramRules
    document: dict[str, Any]
    warnings: tuple[RuleProblem, ...] = ()


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
    places, refusals = _channels(channels)
    refusals = [*_naming_refusals(slug, name), *refusals]
    if is_active:
        refusals += _taken_channels(places, except_program=None)
    validated = _gather(refusals, lambda: validate(document, places))
    with _one_active_per_channel(), transaction.atomic():
        program = Program.objects.create(
            slug=slug, name=name.strip(), is_active=is_active, created_at=at
        )
        _add_version(program, validated.document, actor_ref, at)
        ProgramChannel.objects.bulk_create(
            ProgramChannel(program=program, channel_ref=place.ref, is_active=is_active)
            for place in places
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
    Locks the program's row. Refuses a retired program (INVALID) and whatever ``create_program``
    refuses. After commit members are moved to where the new ladder puts them and open checkouts of
    all channels concerned are priced afresh.
    """
    at = now or timezone.now()
    with _one_active_per_channel(), transaction.atomic():
        program = Program.objects.select_for_update().get(pk=program.pk)
        if program.retired_at is not None:
            raise Refusal(Code.INVALID, f'Program "{program.slug}" is retired.', "program")
        was = _State.of(program)
        wanted = was.channels if channels is None else channels
        places, refusals = _channels(wanted, are_new=channels is not None)
        if name is not None:
            refusals += _name_refusals(name)
        will_be_active = program.is_active if is_active is None else is_active
        if will_be_active:
            refusals += _taken_channels(places, except_program=program)
        new_document = _new_document(program, document, changes, edit)
        validated = _gather(refusals, lambda: validate(new_document, places))
        program.name = program.name if name is None else name.strip()
        program.is_active = will_be_active
        program.save(update_fields=["name", "is_active"])
        _place(program, places)
        is_new_version = validated.document != _document_of(program)
        if is_new_version:
            _add_version(program, validated.document, actor_ref, at)
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
    was = _State.of(program)
    wanted = was.channels if channels is None else channels
    places, refusals = _channels(wanted, are_new=channels is not None)
    new_document = _new_document(program, document, changes, edit)
    validated = _gather(refusals, lambda: validate(new_document, places))
    is_change = validated.document != _document_of(program)
    moves = tiering.preview(program, validated.rules, now=now) if is_change else []
    return Preview(is_change=is_change, warnings=validated.warnings, moves=tuple(moves))


def activate(*, program: Program, actor_ref: str = "", now: dt.datetime | None = None) -> Program:
    """Switch a program on; refused (UNIQUE) where another one is active in one of its channels."""
    return update_program(program=program, is_active=True, actor_ref=actor_ref, now=now)


def deactivate(*, program: Program, actor_ref: str = "", now: dt.datetime | None = None) -> Program:
    """Switch a program off: its prices and redemptions stop, points go on maturing and expiring."""
    return update_program(program=program, is_active=False, actor_ref=actor_ref, now=now)


def retire(*, program: Program, now: dt.datetime | None = None) -> Program:
    """End a program for good; its members keep their ledger, its orders their terms.

    Idempotent. Locks the program's row; after commit its open checkouts are priced afresh.
    """
    with transaction.atomic():
        program = Program.objects.select_for_update().get(pk=program.pk)
        if program.retired_at is not None:
            return program
        program.retired_at = now or timezone.now()
        program.is_active = False
        program.save(update_fields=["retired_at", "is_active"])
        program.channels.update(is_active=False)
        host.current().dispatch("reprice", sorted(_State.of(program).channels))
    return program


def add_tier(tier: Document) -> Edit:
    """Return the edit that adds a step to the ladder, in its place by threshold."""

    def edit(document: dict[str, Any]) -> dict[str, Any]:
        if any(step.get("slug") == tier.get("slug") for step in _ladder(document)):
            message = f'There is a tier "{tier.get("slug")}" already.'
            raise Refusal(Code.UNIQUE, message, "tier.slug")
        return _with_ladder(document, [*_ladder(document), dict(tier)])

    return edit


def change_tier(slug: str, changes: Document) -> Edit:
    """Return the edit that changes a step of the ladder; a value of None removes a benefit."""

    def edit(document: dict[str, Any]) -> dict[str, Any]:
        _require_tier(document, slug)
        steps = [
            _merged(step, changes) if step["slug"] == slug else step for step in _ladder(document)
        ]
        return _with_ladder(document, steps)

    return edit


def retire_tier(slug: str) -> Edit:
    """Return the edit that takes a step off the ladder; its members go to where they belong."""

    def edit(document: dict[str, Any]) -> dict[str, Any]:
        _require_tier(document, slug)
        return _with_ladder(document, [s for s in _ladder(document) if s["slug"] != slug])

    return edit


def validate(document: Document, channels: Iterable[ChannelFacts] = ()) -> Validated:
    """Return a document's rules and canonical form, or raise ``Refusals`` with every problem.

    Beyond the parser's checks: every channel's currency must have an earn rate, a point value
    where points have one at all, and a reference rate where spend is counted
    (CURRENCY_WITHOUT_RATE); and the host must be able to give every benefit (NOT_SUPPORTED).
    """
    exponents = shop_exponents()
    rules, problems = parse_program(document, exponents)
    refusals = [_refusal_of(problem) for problem in problems if not problem.is_warning]
    if rules is None:
        raise Refusals(refusals)
    refusals += _missing_rates(rules, channels)
    refusals += _unsupported(rules)
    if refusals:
        raise Refusals(refusals)
    warnings = [problem for problem in problems if problem.is_warning]
    warnings += uneven_rates(rules, exponents)
    return Validated(rules, dump_program(rules, exponents), tuple(warnings))


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
    if is_new_version:
        host.current().dispatch("apply_ladder", program.pk, 0, at.isoformat())
    if is_new_version or is_now != was:
        host.current().dispatch("reprice", sorted({*was.channels, *is_now.channels}))


def _new_document(
    program: Program, document: Document | None, changes: Document | None, edit: Edit | None
) -> Document:
    given = [source for source in (document, changes, edit) if source is not None]
    if len(given) > 1:
        raise ValueError("Give one of document, changes and edit.")
    if document is not None:
        return document
    present = _document_of(program)
    if changes is not None:
        return _merged(present, changes)
    return edit(present) if edit is not None else present


def _document_of(program: Program) -> dict[str, Any]:
    """Return the present rules in the canonical form of this release."""
    version = ProgramVersion.objects.get(pk=program.current_version_id)
    return dump_program(rules_of(version.pk), exponents_in(version.document))


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


def _place(program: Program, places: Iterable[ChannelFacts]) -> None:
    wanted = {place.ref for place in places}
    rows = {row.channel_ref: row for row in program.channels.all()}
    gone = [row.pk for ref, row in rows.items() if ref not in wanted]
    program.channels.filter(pk__in=gone).delete()
    program.channels.exclude(is_active=program.is_active).update(is_active=program.is_active)
    ProgramChannel.objects.bulk_create(
        ProgramChannel(program=program, channel_ref=ref, is_active=program.is_active)
        for ref in sorted(wanted - set(rows))
    )


def _merged(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``base`` with ``changes`` over it: mappings merge, None removes, others replace."""
    result = dict(base)
    for key, value in changes.items():
        if value is None:
            result.pop(key, None)
        elif isinstance(value, Mapping) and isinstance(result.get(key), Mapping):
            result[key] = _merged(result[key], value)
        else:
            result[key] = value
    return result


def _ladder(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    return list((document.get("tiers") or {}).get("ladder") or [])


def _with_ladder(document: dict[str, Any], steps: list[dict[str, Any]]) -> dict[str, Any]:
    return {**document, "tiers": {**(document.get("tiers") or {}), "ladder": steps}}


def _require_tier(document: Mapping[str, Any], slug: str) -> None:
    slugs = [step["slug"] for step in _ladder(document)]
    if slug not in slugs:
        there = ", ".join(slugs) or "none"
        raise Refusal(Code.NOT_FOUND, f'There is no tier "{slug}"; there are: {there}.', "slug")


# --- refusals -------------------------------------------------------------------------------------


def _gather(refusals: list[Refusal], check: Callable[[], Validated]) -> Validated:
    """Return what ``check`` gives, or raise its refusals after those found already."""
    try:
        validated = check()
    except Refusals as more:
        raise Refusals([*refusals, *more.refusals]) from None
    if refusals:
        raise Refusals(refusals)
    return validated


def _naming_refusals(slug: str, name: str) -> list[Refusal]:
    refusals = _name_refusals(name)
    if not slug:
        return [Refusal(Code.REQUIRED, "A program needs a slug.", "slug"), *refusals]
    if len(slug) > SLUG_LENGTH_MAX or not SLUG.fullmatch(slug):
        message = (
            f'"{slug[:SLUG_LENGTH_MAX]}" is no slug: lower-case letters and digits, joined by '
            f"single hyphens or underscores, {SLUG_LENGTH_MAX} characters at most."
        )
        return [Refusal(Code.INVALID, message, "slug"), *refusals]
    if Program.objects.filter(slug=slug).exists():
        message = f'There is a program "{slug}" already.'
        return [Refusal(Code.UNIQUE, message, "slug"), *refusals]
    return refusals


def _name_refusals(name: str) -> list[Refusal]:
    if not name.strip():
        return [Refusal(Code.REQUIRED, "A program needs a name.", "name")]
    if len(name.strip()) > NAME_LENGTH_MAX:
        message = f"A program's name has {NAME_LENGTH_MAX} characters at most."
        return [Refusal(Code.INVALID, message, "name")]
    return []


def _channels(
    refs: Sequence[str], *, are_new: bool = True
) -> tuple[list[ChannelFacts], list[Refusal]]:
    """Return the channels of these references in their order, and what is wrong with them.

    A channel that the shop deleted is only a problem where it is named anew.
    """
    there = {channel.ref: channel for channel in host.current().channels()}
    wanted = list(dict.fromkeys(refs))
    places = [there[ref] for ref in wanted if ref in there]
    if not are_new:
        return places, []
    if not wanted:
        return [], [Refusal(Code.REQUIRED, "A program needs at least one channel.", "channels")]
    if len(wanted) > CHANNELS_MAX:
        message = f"A program runs in {CHANNELS_MAX} channels at most."
        return [], [Refusal(Code.INVALID, message, "channels")]
    unknown = [ref for ref in wanted if ref not in there]
    refusals = [
        Refusal(Code.NOT_FOUND, f'There is no channel "{ref}".', "channels") for ref in unknown
    ]
    return places, refusals


def _taken_channels(
    places: Iterable[ChannelFacts], except_program: Program | None
) -> list[Refusal]:
    slugs = {place.ref: place.slug for place in places}
    taken = ProgramChannel.objects.select_related("program").filter(
        channel_ref__in=slugs, is_active=True
    )
    if except_program is not None:
        taken = taken.exclude(program=except_program)
    return [
        Refusal(
            Code.UNIQUE,
            f'Channel "{slugs[row.channel_ref]}" has the active program "{row.program.slug}" '
            "already; a channel has at most one.",
            "channels",
        )
        for row in taken.order_by("channel_ref")
    ]


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


def _refusal_of(problem: RuleProblem) -> Refusal:
    code = Code.__members__.get(problem.code, Code.INVALID)
    return Refusal(code, problem.message, problem.field)


def _missing_rates(rules: ProgramRules, channels: Iterable[ChannelFacts]) -> list[Refusal]:
    refusals = []
    counts_spend = bool(rules.ladder.tiers) and rules.ladder.metric is Metric.SPEND
    for channel in channels:
        code = channel.currency
        lacking = []
        if code not in rules.earn_rates:
            lacking.append(("earn.rates", "no earn rate"))
        if rules.point_values and rules.redemption.is_enabled and code not in rules.point_values:
            lacking.append(("point_value", "no point value"))
        if counts_spend and code != rules.reference_currency and code not in rules.reference_rates:
            lacking.append(("reference.rates", "no reference rate for the tiers' spend"))
        refusals += [
            Refusal(
                Code.CURRENCY_WITHOUT_RATE,
                f'Channel "{channel.slug}" sells in {code}, which has {what}.',
                f"{field}.{code}",
            )
            for field, what in lacking
        ]
    return refusals


def _unsupported(rules: ProgramRules) -> list[Refusal]:
    """Refuse each benefit that this Saleor cannot give, with the host's reason."""
    refusals = []
    for number, tier in enumerate(rules.ladder.tiers):
        for capability, field, is_used in (
            ("free_shipping", "free_shipping", tier.has_free_shipping),
            ("member_prices", "prices", bool(tier.prices)),
        ):
            reason = host.current().refusal_of(capability) if is_used else None
            if reason is not None:
                path = f"tiers.ladder.{number}.{field}"
                refusals.append(Refusal(Code.NOT_SUPPORTED, reason, path))
    if rules.redemption.is_enabled and rules.point_values:
        reason = host.current().refusal_of("redemption")
        if reason is not None:
            refusals.append(Refusal(Code.NOT_SUPPORTED, reason, "redemption.enabled"))
    return refusals
