"""The one validation of offers: the document, and what only the shop and the program know.

The parser judges a document by itself; here it meets the program's channels, tiers and other
offers, and the goods and prices of the shop.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from saleor_retention import host
from saleor_retention.engine.offers.dominance import beats
from saleor_retention.engine.offers.dumping import dump_offer
from saleor_retention.engine.offers.parsing import parse_offer
from saleor_retention.engine.offers.terms import (
    AddOnTerms,
    GiftTerms,
    Kind,
    OfferTerms,
    amounts_of,
    followed,
)
from saleor_retention.engine.readers import GOODS_KINDS
from saleor_retention.engine.rules import ProgramRules, RuleProblem, Selection
from saleor_retention.errors import Code, Refusal, Refusals
from saleor_retention.host.contract import ChannelFacts
from saleor_retention.models import Offer, Program, Segment
from saleor_retention.selectors.offers import terms_of
from saleor_retention.selectors.programs import rules_of, shop_exponents
from saleor_retention.services.offering.offer_prices import price_problems
from saleor_retention.services.setting_up.goods_lists import existing
from saleor_retention.services.setting_up.validating import refusal_of

CAPABILITIES: dict[Kind, tuple[str, ...]] = {
    Kind.FREE_SHIPPING: ("free_shipping",),
    Kind.GIFT: ("line_discounts", "gifts"),
    Kind.PUNCH_CARD: ("line_discounts", "punch_cards"),
}
"""What a host must be able to do for a kind of offer; ``line_discounts`` for the others."""


@dataclass(frozen=True, slots=True)
class ValidatedOffer:
    """The document of an offer that may be stored, in its one canonical form."""

    terms: OfferTerms
    document: dict[str, Any]
    warnings: tuple[RuleProblem, ...] = ()


def validate_offer(
    program: Program,
    document: Mapping[str, Any],
    *,
    is_active: bool,
    now: dt.datetime,
    offer: Offer | None = None,
    present: Mapping[str, Any] | None = None,
) -> ValidatedOffer:
    """Return what a document means for a program, or raise ``Refusals`` with every problem.

    Beyond the parser's checks: channels must be the program's, tiers, segments and goods must
    exist (NOT_FOUND), every amount must name the currency of each channel (REQUIRED), a price must
    be below what the goods cost, the window of an active offer must not be over (INVALID), and the
    host must be able to give it (NOT_SUPPORTED). ``offer`` is the one that the document is for,
    where it exists: it is not compared with itself. A document that says what ``present`` says is
    only read: what was right when it was stored stays, although the shop has moved on.
    """
    rules = rules_of(program.current_version_id)
    exponents = shop_exponents()
    terms, problems = parse_offer(document, exponents, rules.time_zone)
    refusals = [refusal_of(problem) for problem in problems if not problem.is_warning]
    if terms is None:
        raise Refusals(refusals)
    canonical = dump_offer(terms, exponents, rules.time_zone)
    warnings = [problem for problem in problems if problem.is_warning]
    if canonical == present:
        return ValidatedOffer(terms, canonical, tuple(warnings))
    places, refusals = _places(program, terms)
    refusals += [
        *_missing_currencies(terms, places),
        *_unknown_tiers(terms, rules),
        *_unknown_segments(program, terms),
        *_unknown_offer(program, terms),
        *_unknown_goods(terms),
        *_unsupported(terms),
    ]
    if is_active:
        refusals += window_refusals(terms, now)
    found = price_problems(terms, places, exponents)
    refusals += [refusal_of(problem) for problem in found if not problem.is_warning]
    if refusals:
        raise Refusals(refusals)
    warnings += [problem for problem in found if problem.is_warning]
    if is_active:
        warnings += beaten_warnings(program, terms, offer)
    return ValidatedOffer(terms, canonical, tuple(warnings))


def window_refusals(terms: OfferTerms, now: dt.datetime) -> list[Refusal]:
    """Refuse an offer whose window is over."""
    if terms.ends_at is None or terms.ends_at > now:
        return []
    message = f"ends_at must lie in the future: the offer was over at {terms.ends_at.isoformat()}."
    return [Refusal(Code.INVALID, message, "ends_at")]


def _places(program: Program, terms: OfferTerms) -> tuple[list[ChannelFacts], list[Refusal]]:
    """Return the channels in which the offer would run, and what is wrong with those it names."""
    refs = set(program.channels.values_list("channel_ref", flat=True))
    there = {place.ref: place for place in host.current().channels()}
    wanted = sorted(terms.channels) if terms.channels else sorted(refs)
    refusals = [
        Refusal(
            Code.NOT_FOUND,
            f'channels names "{there[ref].slug if ref in there else ref}", which is no channel of '
            f'the program "{program.slug}".',
            "channels",
        )
        for ref in wanted
        if ref not in refs
    ]
    return [there[ref] for ref in wanted if ref in refs and ref in there], refusals


def _missing_currencies(terms: OfferTerms, places: list[ChannelFacts]) -> Iterator[Refusal]:
    """Refuse each amount that lacks the currency of a channel: the offer would be absent there."""
    needed = {place.currency: place.slug for place in reversed(places)}
    for path, amounts in amounts_of(terms):
        for currency in sorted(needed.keys() - dict(amounts).keys()):
            message = (
                f'{path}.{currency} is required: channel "{needed[currency]}" sells in {currency}.'
            )
            yield Refusal(Code.REQUIRED, message, f"{path}.{currency}")


def _unknown_tiers(terms: OfferTerms, rules: ProgramRules) -> Iterator[Refusal]:
    known = [tier.slug for tier in rules.ladder.tiers]
    for slug in sorted(terms.audience.tiers):
        if slug not in known:
            message = (
                f'audience.tiers names no tier of the program: "{slug}". '
                f"There are: {', '.join(known) or 'none'}."
            )
            yield Refusal(Code.NOT_FOUND, message, "audience.tiers")


def _unknown_segments(program: Program, terms: OfferTerms) -> Iterator[Refusal]:
    wanted = terms.audience.segments
    if not wanted:
        return
    there = Segment.objects.filter(program=program, retired_at=None, slug__in=wanted)
    for slug in sorted(wanted - set(there.values_list("slug", flat=True))):
        message = f'audience.segments names no segment of the program: "{slug}".'
        yield Refusal(Code.NOT_FOUND, message, "audience.segments")


def _unknown_offer(program: Program, terms: OfferTerms) -> Iterator[Refusal]:
    """Refuse a reference to what is no offer of free shipping from an amount on."""
    slug = terms.below_offer
    if not slug:
        return
    kind = Kind.FREE_SHIPPING.value
    there = Offer.objects.filter(program=program, retired_at=None, kind=kind, slug=slug).first()
    other = None if there is None else terms_of(there.current_version_id)
    if other is None or followed(terms, {slug: other}).below_offer:
        path = f"{terms.kind.value}.opens.below_offer"
        message = f'{path} names no offer of free shipping from an amount on: "{slug}".'
        yield Refusal(Code.NOT_FOUND, message, path)


def _unknown_goods(terms: OfferTerms) -> Iterator[Refusal]:
    """Refuse references that the shop does not have; asks once for each kind of goods."""
    named = list(selections_in(terms))
    for kind in GOODS_KINDS:
        refs = {ref for _path, selection in named for ref in getattr(selection, kind)}
        known = existing(kind, refs) if refs else frozenset()
        for path, selection in named:
            gone = sorted(getattr(selection, kind) - known)
            if gone:
                where = path if terms.kind is Kind.GIFT and path == "gift" else f"{path}.select"
                names = ", ".join(gone[:5]) + (", ..." if len(gone) > 5 else "")  # noqa: PLR2004
                message = f"{where}.{kind} names goods that the shop does not have: {names}."
                yield Refusal(Code.NOT_FOUND, message, f"{where}.{kind}")


def selections_in(terms: OfferTerms) -> Iterator[tuple[str, Selection]]:
    """Yield each selection of an offer with the path of what holds it."""
    kind = terms.kind.value
    if terms.kind is Kind.BUNDLE:
        for index, selection in enumerate(terms.selections):
            yield f"{kind}.parts.{index}", selection
    else:
        yield kind, terms.selections[0]
    if isinstance(terms.benefit, AddOnTerms | GiftTerms):
        main = terms.benefit.opening.main
        if main is not None:
            yield f"{kind}.opens", main


def _unsupported(terms: OfferTerms) -> Iterator[Refusal]:
    """Refuse what this Saleor cannot give, with the host's reason."""
    shop = host.current()
    for capability in CAPABILITIES.get(terms.kind, ("line_discounts",)):
        reason = shop.refusal_of(capability)
        if reason is not None:
            yield Refusal(Code.NOT_SUPPORTED, reason, "kind")
            return


def beaten_warnings(
    program: Program, terms: OfferTerms, offer: Offer | None
) -> Iterator[RuleProblem]:
    """Warn where the offer and another active one of the program make each other pointless."""
    others = Offer.objects.filter(program=program, is_active=True, kind=terms.kind.value)
    if offer is not None:
        others = others.exclude(pk=offer.pk)
    for slug, version_id in others.order_by("slug").values_list("slug", "current_version_id"):
        other = terms_of(version_id)
        if beats(other, terms):
            message = f'The offer is of no use: the offer "{slug}" always gives as much or more.'
            yield RuleProblem("kind", "ALWAYS_BEATEN", message, is_warning=True)
        elif beats(terms, other):
            message = f'The offer "{slug}" is of no use any more: this one always gives more.'
            yield RuleProblem("kind", "ALWAYS_BEATS", message, is_warning=True)
