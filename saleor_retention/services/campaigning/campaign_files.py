"""A program's campaigns in its YAML file: read, applied, written.

A file says what campaigns say, never when they run: a new one is a draft, and none is started,
paused or ended. Campaigns that a file does not name stay as they are.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from saleor_retention import host
from saleor_retention.engine.campaigns.dumping import stored
from saleor_retention.engine.fields import Fields
from saleor_retention.errors import Refusal, Refusals
from saleor_retention.models import Campaign, CampaignState, Program
from saleor_retention.services.campaigning import campaign_trail, campaigns
from saleor_retention.services.couponing.terms_in_files import in_minor_units, in_whole_units
from saleor_retention.services.setting_up.goods_lists import BY_ID, Resolve, put_references
from saleor_retention.services.setting_up.validating import SLUG_LENGTH_MAX

ROWS_MAX = 1000
VARIANTS = "variants"
ORDER = (
    "trigger",
    "audience",
    "message",
    "benefit",
    "limits",
    "holdout_per_mille",
    "holdout_window_days",
)
"""In which a document is written, since the database keeps none."""


@dataclass(frozen=True, slots=True)
class WantedCampaign:
    """One campaign of a file, with everything resolved to references."""

    path: str
    slug: str
    name: str
    document: dict[str, Any]


def named_variants(rows: Any) -> Iterator[str]:
    """Yield every variant that the campaigns of a file mention, of whatever shape."""
    for row in rows if isinstance(rows, list) else ():
        names = _variants(row.get("campaign") if isinstance(row, dict) else None)
        yield from (str(name) for name in names)


def read_campaigns(program: Fields, resolve: Resolve) -> tuple[WantedCampaign, ...]:
    """Return the campaigns of a program's entry; documents are not validated yet."""
    wanted: list[WantedCampaign] = []
    for index, row in enumerate(program.rows("campaigns", ROWS_MAX)):
        fields = Fields(row, program.at(f"campaigns.{index}"), program.problems)
        for key, hint in (
            ("slug", "what names it"),
            ("name", "what staff read"),
            ("campaign", "what it does"),
        ):
            fields.require(key, hint)
        item = WantedCampaign(
            path=fields.path,
            slug=fields.slug("slug", SLUG_LENGTH_MAX),
            name=fields.text("name", campaigns.NAME_LENGTH_MAX),
            document=_document(fields, resolve),
        )
        fields.close()
        if item.slug and any(item.slug == other.slug for other in wanted):
            fields.note("slug", "UNIQUE", f"is taken: {item.slug} stands above.")
        wanted.append(item)
    return tuple(wanted)


def apply_campaigns(
    program: Program, wanted: Iterable[WantedCampaign], *, actor_ref: str, at: dt.datetime
) -> list[str]:
    """Make a program's campaigns say what the file says; return a line for each value changed.

    What is so already is left alone, also where it has ended. The caller holds a transaction.
    Raises ``Refusals`` with everything that is wrong, by paths into the file.
    """
    there = {campaign.slug: campaign for campaign in _campaigns_of(program)}
    lines: list[str] = []
    refusals: list[Refusal] = []
    for item in wanted:
        try:
            lines += _apply_one(program, item, there.get(item.slug), actor_ref, at)
        except (Refusal, Refusals) as found:
            refusals += [_at(item, refusal) for refusal in found.refusals]
    if refusals:
        raise Refusals(refusals)
    return lines


def campaign_entries(program: Program) -> list[dict[str, Any]]:
    """Return the program's campaigns, but for those that have ended, as a file holds them."""
    found = [each for each in _campaigns_of(program) if each.state != CampaignState.ENDED]
    documents = [campaigns.document_of(campaign) for campaign in found]
    refs = sorted({str(ref) for document in documents for ref in _variants(document)})
    names = host.current().slugs_of(VARIANTS, refs) if refs else {}
    return [
        {
            "slug": campaign.slug,
            "name": campaign.name,
            "campaign": _in_names(document, names),
        }
        for campaign, document in zip(found, documents, strict=True)
    ]


def _document(fields: Fields, resolve: Resolve) -> dict[str, Any]:
    """Return the document as it is stored; what has another shape is left as it is."""
    document = fields.take("campaign")
    if not isinstance(document, dict):
        Fields(document, fields.at("campaign"), fields.problems)
        return {}
    named = [(f"trigger.{VARIANTS}", VARIANTS, _variants(document))]
    put_references(fields, "campaign", named, resolve)
    coupon = _coupon(document)
    if "terms" in coupon:
        path = fields.at("campaign.benefit.coupon.terms")
        coupon["terms"] = in_minor_units(coupon["terms"], path, fields.problems)
    return document


def _in_names(document: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """Return a stored document as a file has it: variants by SKU, amounts in whole units."""
    keys = [*(key for key in ORDER if key in document), *sorted(document.keys() - set(ORDER))]
    made = deepcopy({key: document[key] for key in keys})
    variants = _variants(made)
    variants[:] = [names.get(str(ref), f"{BY_ID}{ref}") for ref in variants]
    coupon = _coupon(made)
    if isinstance(coupon.get("terms"), Mapping):
        coupon["terms"] = in_whole_units(coupon["terms"])
    return made


def _variants(document: Any) -> list[Any]:
    """Return the list of variants in a document, to be read or changed; empty for none."""
    trigger = document.get("trigger") if isinstance(document, dict) else None
    names = trigger.get(VARIANTS) if isinstance(trigger, dict) else None
    return names if isinstance(names, list) else []


def _coupon(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return the coupon in a document, to be read or changed; empty for none."""
    benefit = document.get("benefit")
    coupon = benefit.get("coupon") if isinstance(benefit, dict) else None
    return coupon if isinstance(coupon, dict) else {}


def _apply_one(
    program: Program,
    item: WantedCampaign,
    campaign: Campaign | None,
    actor_ref: str,
    at: dt.datetime,
) -> list[str]:
    if campaign is None:
        campaigns.create_campaign(
            program,
            slug=item.slug,
            name=item.name,
            document=item.document,
            actor_ref=actor_ref,
            now=at,
        )
        return [f"campaigns.{item.slug} is new, a draft: {item.name}"]
    is_same = stored(item.document) == campaigns.document_of(campaign)
    if is_same and item.name.strip() == campaign.name:
        return []
    before = campaign_trail.settings_of(campaign)
    changed = campaigns.update_campaign(
        campaign, document=item.document, name=item.name, actor_ref=actor_ref, now=at
    )
    lines = campaign_trail.changes(before, campaign_trail.settings_of(changed))
    return [f"campaigns.{item.slug}.{line}" for line in lines]


def _campaigns_of(program: Program) -> list[Campaign]:
    found = Campaign.objects.filter(program=program).order_by("slug")
    return list(found.select_related("current_version", "program"))


def _at(item: WantedCampaign, refusal: Refusal) -> Refusal:
    """Say where in the file a refusal of its campaign belongs."""
    own = refusal.field or ""
    inner = {"id": "", "slug": "slug", "name": "name"}.get(own, f"campaign.{own}")
    path = f"{item.path}.{inner}".rstrip(".")
    return Refusal(refusal.code, f"{item.slug}: {refusal.message}", path)
