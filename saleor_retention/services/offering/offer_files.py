"""A program's offers in its YAML file: read, applied, written.

Offers that a file does not name stay as they are, as programs do, unless the file says that its
list is complete: then they are retired.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from saleor_retention import host
from saleor_retention.engine.fields import Fields
from saleor_retention.engine.readers import GOODS_KINDS
from saleor_retention.errors import Refusal, Refusals
from saleor_retention.models import Offer, Program
from saleor_retention.services.offering import offers
from saleor_retention.services.setting_up.differences import differences
from saleor_retention.services.setting_up.goods_lists import (
    BY_ID,
    Resolve,
    lists_in,
    put_references,
)

SLUG_LENGTH_MAX = 64
NAME_LENGTH_MAX = 128


@dataclass(frozen=True, slots=True)
class WantedOffer:
    """One offer of a file, with everything resolved to references."""

    path: str
    slug: str
    name: str
    is_active: bool
    document: dict[str, Any]


@dataclass(frozen=True, slots=True)
class AppliedOffers:
    """What applying changed, a line for each value, and what is odd about what changed."""

    changes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def named_goods(rows: Any) -> Iterator[tuple[str, str]]:
    """Yield every kind of goods and name that the offers of a file mention, of whatever shape."""
    for row in rows if isinstance(rows, list) else ():
        for _path, kind, names in _lists(row.get("offer") if isinstance(row, dict) else None):
            if kind in GOODS_KINDS:
                yield from ((kind, str(name)) for name in names)


def read_offers(program: Fields, resolve: Resolve) -> tuple[WantedOffer, ...]:
    """Return the offers of a program's entry; documents are not validated yet."""
    wanted: list[WantedOffer] = []
    for index, row in enumerate(program.rows("offers", offers.OFFERS_MAX)):
        fields = Fields(row, program.at(f"offers.{index}"), program.problems)
        for key, hint in (
            ("slug", "what names it"),
            ("name", "what people read"),
            ("offer", "what it gives"),
        ):
            fields.require(key, hint)
        item = WantedOffer(
            path=fields.path,
            slug=fields.slug("slug", SLUG_LENGTH_MAX),
            name=fields.text("name", NAME_LENGTH_MAX),
            is_active=fields.flag("active", default=True),
            document=_resolved(fields, resolve),
        )
        fields.close()
        if item.slug and any(item.slug == other.slug for other in wanted):
            fields.note("slug", "UNIQUE", f"is taken: {item.slug} stands above.")
        wanted.append(item)
    return tuple(wanted)


def apply_offers(
    program: Program,
    wanted: Iterable[WantedOffer],
    *,
    is_complete: bool,
    actor_ref: str,
    at: dt.datetime,
) -> AppliedOffers:
    """Make a program's offers what the file says; what is so already is left alone.

    With ``is_complete`` offers that are not wanted are retired. The caller holds a transaction.
    Raises ``Refusals`` with everything that is wrong, by paths into the file.
    """
    there = {offer.slug: offer for offer in _offers_of(program)}
    before = _in_words(there.values())
    warnings: list[str] = []
    refusals: list[Refusal] = []
    named = set()
    for item in sorted(wanted, key=_refers):  # what others refer to first
        named.add(item.slug)
        try:
            change = _apply_one(program, item, there.get(item.slug), actor_ref, at)
        except (Refusal, Refusals) as found:
            refusals += [_at(item, refusal) for refusal in found.refusals]
        else:
            if change.is_change:
                warnings += [f"{item.slug}: {problem.message}" for problem in change.warnings]
    if refusals:
        raise Refusals(refusals)
    gone = sorted(there.keys() - named) if is_complete else []
    for slug in gone:
        offers.retire_offer(offer=there[slug], actor_ref=actor_ref, now=at)
    after = _in_words(_offers_of(program))
    kept = {slug: words for slug, words in before.items() if slug not in gone}
    lines = differences({"offers": kept}, {"offers": after})
    lines += [f"offers.{slug} is retired" for slug in gone]
    return AppliedOffers(tuple(lines), tuple(warnings))


def offer_entries(program: Program) -> list[dict[str, Any]]:
    """Return the program's offers, but for retired ones, as a file holds them."""
    found = _offers_of(program)
    documents = _documents_in_slugs(found)
    return [
        {
            "slug": offer.slug,
            "name": offer.name,
            "active": offer.is_active,
            "offer": documents[offer.slug],
        }
        for offer in found
    ]


def _apply_one(
    program: Program, item: WantedOffer, offer: Offer | None, actor_ref: str, at: dt.datetime
) -> offers.OfferChange:
    if offer is None:
        return offers.create_offer(
            program=program,
            slug=item.slug,
            name=item.name,
            document=item.document,
            is_active=item.is_active,
            actor_ref=actor_ref,
            now=at,
        )
    return offers.update_offer(
        offer=offer,
        name=item.name,
        document=item.document,
        is_active=item.is_active,
        actor_ref=actor_ref,
        now=at,
    )


def _refers(item: WantedOffer) -> bool:
    """Tell whether an offer opens below the amount of another one."""
    sections = [each for each in item.document.values() if isinstance(each, dict)]
    opens = [section.get("opens") for section in sections]
    return any("below_offer" in each for each in opens if isinstance(each, dict))


def _resolved(fields: Fields, resolve: Resolve) -> dict[str, Any]:
    """Return the document with references for names; what has another shape is left as it is."""
    document = fields.take("offer")
    if not isinstance(document, dict):
        Fields(document, fields.at("offer"), fields.problems)
        return {}
    put_references(fields, "offer", _lists(document), resolve)
    return document


def _lists(document: Any) -> Iterator[tuple[str, str, list[Any]]]:
    """Yield path, kind and content of each list of goods or channels in an offer's document."""
    if not isinstance(document, dict):
        return
    if isinstance(document.get("channels"), list):
        yield "channels", "channels", document["channels"]
    gift = document.get("gift")
    if isinstance(gift, dict) and isinstance(gift.get("variants"), list):
        yield "gift.variants", "variants", gift["variants"]
    yield from lists_in(document)


def _offers_of(program: Program) -> list[Offer]:
    found = program.offers.filter(retired_at=None).order_by("slug")
    return list(found.select_related("program", "current_version"))


def _in_words(found: Iterable[Offer]) -> dict[str, dict[str, Any]]:
    """Return all that a file says of offers, by slug."""
    listed = list(found)
    documents = _documents_in_slugs(listed)
    return {
        offer.slug: {"name": offer.name, "active": offer.is_active, **documents[offer.slug]}
        for offer in listed
    }


def _documents_in_slugs(found: Iterable[Offer]) -> dict[str, dict[str, Any]]:
    """Return present documents with slugs for references, where the goods are still there.

    The shop is asked once for each kind, however many offers there are.
    """
    documents = {offer.slug: offers.document_of(offer) for offer in found}
    refs: dict[str, set[str]] = defaultdict(set)
    for document in documents.values():
        for _path, kind, names in _lists(document):
            refs[kind].update(names)
    shop = host.current()
    slugs: dict[str, Mapping[str, str]] = {
        kind: shop.slugs_of(kind, sorted(refs[kind])) for kind in GOODS_KINDS if refs[kind]
    }
    slugs["channels"] = {channel.ref: channel.slug for channel in shop.channels()}
    for document in documents.values():
        for _path, kind, names in _lists(document):
            names[:] = sorted(slugs[kind].get(ref, f"{BY_ID}{ref}") for ref in names)
    return documents


def _at(item: WantedOffer, refusal: Refusal) -> Refusal:
    """Say where in the file a refusal of its offer belongs."""
    own = refusal.field or ""
    if own in ("program", "offer"):
        inner = ""
    else:
        inner = own if own in ("slug", "name") else f"offer.{own}".rstrip(".")
    path = ".".join(filter(None, (item.path, inner)))
    return Refusal(refusal.code, f"{item.slug}: {refusal.message}", path)
