"""Set up offers: create, change, duplicate, schedule, switch on and off, retire.

GraphQL, the YAML command and tests all come through here, so that there is one validation. A change
never edits: it makes the next version, and what was priced under an earlier one keeps it. Every
change moves ``Program.offers_stamp`` under the lock of the program's row, which is how the prices
of all processes learn of it, and lets open checkouts be priced afresh after commit.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from saleor_retention import host
from saleor_retention.engine.offers.dumping import dump_offer
from saleor_retention.engine.rules import RuleProblem
from saleor_retention.errors import Code, Refusal, Refusals
from saleor_retention.models import AuditAction, Offer, OfferVersion, Program
from saleor_retention.selectors.offers import kept_terms, offer_exponents, terms_of
from saleor_retention.selectors.programs import rules_of
from saleor_retention.services.offering.offer_previewing import preview
from saleor_retention.services.offering.offer_validating import (
    ValidatedOffer,
    beaten_warnings,
    validate_offer,
    window_refusals,
)
from saleor_retention.services.setting_up.auditing import note_down
from saleor_retention.services.setting_up.differences import differences
from saleor_retention.services.setting_up.validating import gather, named_refusals, slug_refusals

__all__ = [
    "OfferChange",
    "create_offer",
    "document_of",
    "duplicate_offer",
    "preview",
    "preview_update",
    "retire_offer",
    "schedule_offer",
    "settings_of",
    "switch_offer",
    "update_offer",
]

OFFERS_MAX = 1000  # of a program, without retired ones

Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class OfferChange:
    """An offer after a change, whether anything changed, and what is odd about it."""

    offer: Offer
    is_change: bool
    warnings: tuple[RuleProblem, ...] = ()


@dataclass(frozen=True, slots=True)
class OfferPreview:
    """What a change would do, a line for each value, without doing it."""

    changes: tuple[str, ...]
    warnings: tuple[RuleProblem, ...]


def create_offer(
    *,
    program: Program,
    slug: str,
    name: str,
    document: Document,
    is_active: bool = True,
    actor_ref: str = "",
    now: dt.datetime | None = None,
) -> OfferChange:
    """Create an offer of a program with its first version.

    Locks the program's row. Raises ``Refusals`` with everything that is wrong: slug and name
    (REQUIRED, INVALID, UNIQUE within the program), and the document (``validate_offer``). Refuses a
    retired program (INVALID) and more than ``OFFERS_MAX`` offers (LIMIT_REACHED).
    """
    at = now or timezone.now()
    with transaction.atomic():
        program = _locked(program.pk)
        refusals = [*_slug_refusals(program, slug), *named_refusals("An offer", name)]
        validated = gather(
            refusals, lambda: validate_offer(program, document, is_active=is_active, now=at)
        )
        if program.offers.filter(retired_at=None).count() >= OFFERS_MAX:
            message = f"A program has {OFFERS_MAX} offers at most; retire some."
            raise Refusal(Code.LIMIT_REACHED, message, "program")
        offer = Offer.objects.create(
            program=program,
            slug=slug,
            name=name.strip(),
            kind=validated.terms.kind.value,
            is_active=is_active,
            created_at=at,
        )
        _add_version(offer, validated.document, actor_ref, at)
        _follow_up(offer, AuditAction.OFFER_CREATE, {}, actor_ref, at)
    return OfferChange(offer, is_change=True, warnings=validated.warnings)


def update_offer(
    *,
    offer: Offer,
    name: str | None = None,
    document: Document | None = None,
    is_active: bool | None = None,
    actor_ref: str = "",
    now: dt.datetime | None = None,
) -> OfferChange:
    """Change what is given and leave the rest; another document becomes the next version.

    A document that says the same as before makes no version, and a change of nothing leaves no
    trace. Locks the program's row. Refuses a retired offer (INVALID) and whatever ``create_offer``
    refuses; the kind of an offer cannot change (INVALID), because what customers have used of it
    or gathered on it is counted by kind.
    """
    return _update(
        offer,
        lambda _present: document,
        name=name,
        is_active=is_active,
        actor_ref=actor_ref,
        now=now,
    )


def schedule_offer(
    *,
    offer: Offer,
    starts_at: dt.datetime | None,
    ends_at: dt.datetime | None,
    actor_ref: str = "",
    now: dt.datetime | None = None,
) -> OfferChange:
    """Set the window of an offer, in whole seconds; None leaves a side open."""

    def scheduled(present: dict[str, Any]) -> dict[str, Any]:
        document = {k: v for k, v in present.items() if k not in ("starts_at", "ends_at")}
        for key, instant in (("starts_at", starts_at), ("ends_at", ends_at)):
            if instant is not None:
                document[key] = instant.replace(microsecond=0)
        return document

    return _update(offer, scheduled, actor_ref=actor_ref, now=now)


def switch_offer(
    *, offer: Offer, is_active: bool, actor_ref: str = "", now: dt.datetime | None = None
) -> OfferChange:
    """Switch an offer on or off; one whose window is over cannot be switched on (INVALID).

    Warns where the offer and another active one make each other pointless, as whatever activates
    an offer does.
    """
    return update_offer(offer=offer, is_active=is_active, actor_ref=actor_ref, now=now)


def duplicate_offer(
    *,
    offer: Offer,
    slug: str,
    name: str | None = None,
    is_active: bool = False,
    actor_ref: str = "",
    now: dt.datetime | None = None,
) -> OfferChange:
    """Create another offer of the same document, switched off unless said otherwise."""
    return create_offer(
        program=offer.program,
        slug=slug,
        name=offer.name if name is None else name,
        document=document_of(offer),
        is_active=is_active,
        actor_ref=actor_ref,
        now=now,
    )


def retire_offer(*, offer: Offer, actor_ref: str = "", now: dt.datetime | None = None) -> Offer:
    """End an offer for good; orders keep what it gave them. Idempotent, locks the program's row."""
    with transaction.atomic():
        _locked(offer.program_id)
        offer = Offer.objects.get(pk=offer.pk)
        if offer.retired_at is not None:
            return offer
        at = offer.retired_at = now or timezone.now()
        offer.is_active = False
        offer.save(update_fields=["retired_at", "is_active"])
        _follow_up(offer, AuditAction.OFFER_RETIRE, None, actor_ref, at)
    return offer


def preview_update(
    *,
    offer: Offer,
    name: str | None = None,
    document: Document | None = None,
    is_active: bool | None = None,
    now: dt.datetime | None = None,
) -> OfferPreview:
    """Return what ``update_offer`` would change; raises ``Refusals`` where it would be refused."""
    with transaction.atomic():
        before = settings_of(offer)
        change = update_offer(
            offer=offer, name=name, document=document, is_active=is_active, now=now
        )
        lines = differences(before, settings_of(change.offer))
        transaction.set_rollback(True)
    return OfferPreview(tuple(lines), change.warnings)


def document_of(offer: Offer) -> dict[str, Any]:
    """Return the present terms as a document, in the canonical form of this release.

    No statement where ``program`` and ``current_version`` are loaded with the offer.
    """
    version = offer.current_version
    zone = rules_of(offer.program.current_version_id).time_zone
    return dump_offer(
        kept_terms(version.pk, version.document), offer_exponents(version.document), zone
    )


def settings_of(offer: Offer) -> dict[str, Any]:
    """Return what can be changed of an offer, as the audit trail and plans tell it."""
    return {"name": offer.name, "active": offer.is_active, "offer": document_of(offer)}


def _update(
    offer: Offer,
    document_from: Callable[[dict[str, Any]], Document | None],
    *,
    name: str | None = None,
    is_active: bool | None = None,
    actor_ref: str,
    now: dt.datetime | None,
) -> OfferChange:
    at = now or timezone.now()
    with transaction.atomic():
        program = _locked(offer.program_id)
        offer = Offer.objects.select_related("program").get(pk=offer.pk)
        if offer.retired_at is not None:
            raise Refusal(Code.INVALID, f'Offer "{offer.slug}" is retired.', "offer")
        before, present = settings_of(offer), document_of(offer)
        will_be_active = offer.is_active if is_active is None else is_active
        is_activated = will_be_active and not offer.is_active
        wanted = document_from(present)
        refusals = named_refusals("An offer", name) if name is not None else []
        if is_activated and wanted is None:
            refusals += window_refusals(terms_of(offer.current_version_id), at)
        validated = gather(
            refusals,
            lambda: _validate_next(
                program, offer, wanted, present, is_active=will_be_active, at=at
            ),
        )
        offer.name = offer.name if name is None else name.strip()
        offer.is_active = will_be_active
        warnings = () if validated is None else validated.warnings
        if validated is not None and validated.document != present:
            _add_version(offer, validated.document, actor_ref, at)
        elif is_activated:
            terms = terms_of(offer.current_version_id)
            warnings += tuple(beaten_warnings(program, terms, offer))
        after = settings_of(offer)
        if after != before:
            offer.save(update_fields=["name", "is_active"])
            _follow_up(offer, _action(before, after), before, actor_ref, at)
    return OfferChange(offer, is_change=after != before, warnings=warnings)


def _validate_next(
    program: Program,
    offer: Offer,
    document: Document | None,
    present: Document,
    *,
    is_active: bool,
    at: dt.datetime,
) -> ValidatedOffer | None:
    """Validate another document; one that says the same is judged by the switch alone."""
    if document is None:
        return None
    validated = validate_offer(
        program, document, is_active=is_active, now=at, offer=offer, present=present
    )
    refusals = []
    if validated.terms.kind.value != offer.kind:
        message = f"kind cannot change: the offer is a {offer.kind}; make another offer."
        refusals.append(Refusal(Code.INVALID, message, "kind"))
    if validated.document == present and is_active and not offer.is_active:
        refusals += window_refusals(validated.terms, at)
    if refusals:
        raise Refusals(refusals)
    return validated


def _action(before: Mapping[str, Any], after: Mapping[str, Any]) -> AuditAction:
    """Return what an update was; switching alone is an action of its own."""
    if {key for key in after if after[key] != before[key]} != {"active"}:
        return AuditAction.OFFER_UPDATE
    return AuditAction.OFFER_ACTIVATE if after["active"] else AuditAction.OFFER_DEACTIVATE


def _locked(program_id: int) -> Program:
    program = Program.objects.select_for_update().get(pk=program_id)
    if program.retired_at is not None:
        raise Refusal(Code.INVALID, f'Program "{program.slug}" is retired.', "program")
    return program


def _slug_refusals(program: Program, slug: str) -> list[Refusal]:
    refusals = slug_refusals("An offer", slug)
    if not refusals and program.offers.filter(slug=slug).exists():
        message = f'There is an offer "{slug}" in the program already.'
        refusals.append(Refusal(Code.UNIQUE, message, "slug"))
    return refusals


def _add_version(offer: Offer, document: dict[str, Any], actor_ref: str, at: dt.datetime) -> None:
    """Append the next version; the caller holds the program's row, so the number is free."""
    newest = offer.versions.order_by("-number").values_list("number", flat=True).first()
    offer.current_version = OfferVersion.objects.create(
        offer=offer,
        number=(newest or 0) + 1,
        document=document,
        actor_ref=actor_ref,
        created_at=at,
    )
    offer.save(update_fields=["current_version"])


def _follow_up(
    offer: Offer,
    action: AuditAction,
    before: Mapping[str, Any] | None,
    actor_ref: str,
    at: dt.datetime,
) -> None:
    """Write the change down, move the program's stamp, and have open checkouts priced afresh."""
    program = offer.program
    lines = [offer.slug]
    if before is not None:
        lines = differences({offer.slug: before}, {offer.slug: settings_of(offer)})
    note_down(action, actor_ref=actor_ref, at=at, program=program, changes=lines)
    Program.objects.filter(pk=program.pk).update(offers_stamp=F("offers_stamp") + 1)
    refs = program.channels.order_by("channel_ref").values_list("channel_ref", flat=True)
    host.current().dispatch("reprice", list(refs))
