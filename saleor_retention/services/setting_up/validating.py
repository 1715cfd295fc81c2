"""The one validation of programs: rules, names and channels, every problem gathered.

The parser judges a document by itself; here it meets the shop: its channels and their currencies,
what the host can do, and what the program has counted so far.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from saleor_retention import host
from saleor_retention.engine.dumping import dump_program
from saleor_retention.engine.parsing import parse_program
from saleor_retention.engine.rules import ProgramRules, RuleProblem
from saleor_retention.errors import Code, Refusal, Refusals
from saleor_retention.host.contract import ChannelFacts
from saleor_retention.models import OrderRecord, Program, ProgramChannel
from saleor_retention.selectors.programs import rules_of, shop_exponents
from saleor_retention.services.membership import attributes

SLUG = re.compile(r"[a-z0-9]+(?:[-_][a-z0-9]+)*")
SLUG_LENGTH_MAX = 64
NAME_LENGTH_MAX = 128
CHANNELS_MAX = 200

T = TypeVar("T")

CODES = {
    "CURRENCY_WITHOUT_VALUE": Code.CURRENCY_WITHOUT_RATE,
    "REFERENCE_RATE_MISSING": Code.CURRENCY_WITHOUT_RATE,
    "DUPLICATE_SLUG": Code.UNIQUE,
    "DUPLICATE_NAME": Code.UNIQUE,
}
"""Problems of the parser that callers know under a wider name; the others are INVALID."""


@dataclass(frozen=True, slots=True)
class Validated:
    """A rules document that may be stored, in its one canonical form."""

    rules: ProgramRules
    document: dict[str, Any]
    warnings: tuple[RuleProblem, ...] = ()


def validate(document: Mapping[str, Any], channels: Iterable[ChannelFacts] = ()) -> Validated:
    """Return a document's rules and canonical form, or raise ``Refusals`` with every problem.

    Beyond the parser's checks, the currency of every channel must have an earn rate
    (CURRENCY_WITHOUT_RATE), which asks for its other rates in turn, and the host must be able to
    give every benefit of the tiers (NOT_SUPPORTED).
    """
    exponents = shop_exponents()
    rules, problems = parse_program(document, exponents)
    refusals = [refusal_of(problem) for problem in problems if not problem.is_warning]
    if rules is None:
        raise Refusals(refusals)
    refusals += _missing_rates(rules, channels)
    refusals += _unsupported(rules)
    if refusals:
        raise Refusals(refusals)
    warnings = tuple(problem for problem in problems if problem.is_warning)
    return Validated(rules, dump_program(rules, exponents), warnings)


def validate_next(
    program: Program, document: Mapping[str, Any], channels: Iterable[ChannelFacts]
) -> Validated:
    """Do the same for a program that exists, whose reference currency stays once it counted."""
    validated = validate(document, channels)
    if refusals := _changed_reference(program, validated.rules):
        raise Refusals(refusals)
    return validated


def gather(refusals: list[Refusal], check: Callable[[], T]) -> T:
    """Return what ``check`` gives, or raise its refusals after those found already."""
    try:
        result = check()
    except Refusals as more:
        raise Refusals([*refusals, *more.refusals]) from None
    if refusals:
        raise Refusals(refusals)
    return result


def naming_refusals(slug: str, name: str) -> list[Refusal]:
    """Return what is wrong with the slug and the name of a new program."""
    refusals = slug_refusals("A program", slug)
    if not refusals and Program.objects.filter(slug=slug).exists():
        refusals.append(Refusal(Code.UNIQUE, f'There is a program "{slug}" already.', "slug"))
    return [*refusals, *name_refusals(name)]


def name_refusals(name: str) -> list[Refusal]:
    """Return what is wrong with a program's name."""
    return named_refusals("A program", name)


def slug_refusals(what: str, slug: str) -> list[Refusal]:
    """Return what is wrong with the form of a slug; ``what`` begins the sentence: "An offer"."""
    if not slug:
        return [Refusal(Code.REQUIRED, f"{what} needs a slug.", "slug")]
    if len(slug) > SLUG_LENGTH_MAX or not SLUG.fullmatch(slug):
        message = (
            f'"{slug[:SLUG_LENGTH_MAX]}" is no slug: lower-case letters and digits, joined by '
            f"single hyphens or underscores, {SLUG_LENGTH_MAX} characters at most."
        )
        return [Refusal(Code.INVALID, message, "slug")]
    return []


def named_refusals(what: str, name: str) -> list[Refusal]:
    """Return what is wrong with a name; ``what`` begins the sentence: "An offer"."""
    if not name.strip():
        return [Refusal(Code.REQUIRED, f"{what} needs a name.", "name")]
    if len(name.strip()) > NAME_LENGTH_MAX:
        message = f"{what}'s name has {NAME_LENGTH_MAX} characters at most."
        return [Refusal(Code.INVALID, message, "name")]
    return []


def channels_of(
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


def taken_channels(places: Iterable[ChannelFacts], except_program: Program | None) -> list[Refusal]:
    """Return a refusal for each channel that another active program has, which it names."""
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


def refusal_of(problem: RuleProblem) -> Refusal:
    """Return a parser's problem as the refusal that callers get."""
    code = CODES.get(problem.code) or Code.__members__.get(problem.code, Code.INVALID)
    return Refusal(code, problem.message, problem.field)


def _missing_rates(rules: ProgramRules, channels: Iterable[ChannelFacts]) -> list[Refusal]:
    return [
        Refusal(
            Code.CURRENCY_WITHOUT_RATE,
            f'Channel "{channel.slug}" sells in {channel.currency}, which has no earn rate.',
            f"earn.rates.{channel.currency}",
        )
        for channel in channels
        if channel.currency not in rules.earn_rates
    ]


def _unsupported(rules: ProgramRules) -> list[Refusal]:
    """Refuse each benefit and copy that this Saleor cannot give, with the host's reason."""
    shop = host.current()
    refusals = attributes.refusals_of(rules.questions)
    for number, tier in enumerate(rules.ladder.tiers):
        for capability, field, is_used in (
            ("line_discounts", "prices", bool(tier.prices)),
            ("free_shipping", "free_shipping", tier.has_free_shipping),
        ):
            reason = shop.refusal_of(capability) if is_used else None
            if reason is not None:
                path = f"tiers.ladder.{number}.{field}"
                refusals.append(Refusal(Code.NOT_SUPPORTED, reason, path))
    return refusals


def _changed_reference(program: Program, rules: ProgramRules) -> list[Refusal]:
    """Refuse another reference currency once orders were counted in the present one."""
    present = rules_of(program.current_version_id).reference_currency
    if present in ("", rules.reference_currency):
        return []
    if not OrderRecord.objects.filter(program=program, is_counted=True).exists():
        return []
    message = f"reference.currency cannot change: orders were counted in {present}."
    return [Refusal(Code.INVALID, message, "reference.currency")]
