"""A YAML file of programs as the shop's rows are named: slugs resolved, nothing validated yet.

A file names goods by slug (variants by SKU) and channels by slug, so that it can be kept with a
shop's code and used on another copy of the shop.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from saleor_retention import host
from saleor_retention.engine.fields import Fields, did_you_mean
from saleor_retention.engine.readers import GOODS_KINDS
from saleor_retention.engine.rules import RuleProblem
from saleor_retention.engine.segments.bands import Limits
from saleor_retention.errors import Code, Refusal, Refusals
from saleor_retention.services.campaigning.campaign_files import (
    WantedCampaign,
    named_variants,
    read_campaigns,
)
from saleor_retention.services.couponing.coupon_plan_files import WantedPlan, read_plans
from saleor_retention.services.membership.segment_files import (
    WantedSegment,
    read_bands,
    read_segments,
)
from saleor_retention.services.offering.offer_files import (
    WantedOffer,
    named_goods,
    read_offers,
)
from saleor_retention.services.setting_up import yaml_reading
from saleor_retention.services.setting_up.goods_lists import BY_ID, lists_in
from saleor_retention.services.setting_up.validating import refusal_of

FORMAT = 1
PROGRAMS_MAX = 100
CHANNELS_MAX = 200
SINGULAR = dict(zip(GOODS_KINDS, ("variant", "product", "category", "collection"), strict=True))


@dataclass(frozen=True, slots=True)
class Wanted:
    """One program of a file, with everything resolved to references."""

    path: str
    slug: str
    name: str
    channels: tuple[str, ...]
    is_active: bool
    document: dict[str, Any]
    offers: tuple[WantedOffer, ...] = ()
    are_offers_complete: bool = False  # those that are not named are retired
    bands: Limits | None = None
    segments: tuple[WantedSegment, ...] = ()
    are_segments_complete: bool = False  # those that are not named are retired
    coupon_plans: tuple[WantedPlan, ...] = ()
    are_coupon_plans_complete: bool = False  # those that are not named are switched off
    campaigns: tuple[WantedCampaign, ...] = ()


def read(text: str) -> list[Wanted]:
    """Return the programs of a file, with slugs resolved; rules are not validated yet.

    Raises ``Refusals`` with what is wrong with the file's form and names.
    """
    content = yaml_reading.read(text).content
    if not isinstance(content, dict):
        message = "The file must be a mapping with the keys version and programs."
        raise Refusals([Refusal(Code.INVALID, message)])
    problems = _unknown_keys(content)
    top = Fields(content, "", problems)
    if top.take("version") != FORMAT:
        top.note("version", "INVALID", f"must be {FORMAT}, the format of this file.")
    top.require("programs", "the list of programs")
    rows = top.rows("programs", PROGRAMS_MAX)
    resolver = _Resolver(rows, problems)
    wanted = [_program(row, f"programs.{index}", resolver) for index, row in enumerate(rows)]
    slugs = [item.slug for item in wanted]
    for index, slug in enumerate(slugs):
        if slug and slug in slugs[:index]:
            path = f"programs.{index}.program.slug"
            message = f"{path} is taken: {slug} stands above."
            problems.append(RuleProblem(path, "UNIQUE", message))
    if problems:
        raise Refusals([refusal_of(problem) for problem in problems])
    return wanted


def _unknown_keys(content: Mapping[Any, Any]) -> list[RuleProblem]:
    known = ("version", "programs")
    return [
        RuleProblem(str(key), "UNKNOWN_KEY", f"{key} is not a known key{did_you_mean(key, known)}")
        for key in content
        if key not in known
    ]


def _program(row: Any, path: str, resolver: _Resolver) -> Wanted:
    fields = Fields(row, path, resolver.problems)
    about = fields.section("program")
    for key, hint in (("slug", "what names it"), ("name", "what people read")):
        about.require(key, hint)
    about.require("channels", "where it runs")
    fields.require("rules", "what it does")
    wanted = Wanted(
        path=path,
        slug=about.slug("slug", 64),
        name=about.text("name", 128),
        channels=resolver.channels(about),
        is_active=about.flag("active", default=True),
        document=resolver.document(fields.take("rules"), fields.at("rules")),
        offers=read_offers(fields, resolver.ref),
        are_offers_complete=fields.flag("offers_complete", default=False),
        bands=read_bands(fields),
        segments=read_segments(fields, resolver.ref),
        are_segments_complete=fields.flag("segments_complete", default=False),
        coupon_plans=read_plans(fields),
        are_coupon_plans_complete=fields.flag("coupon_plans_complete", default=False),
        campaigns=read_campaigns(fields, resolver.ref),
    )
    about.close()
    fields.close()
    return wanted


class _Resolver:
    """Replaces slugs by references; asks the shop once for each kind of goods."""

    def __init__(self, rows: Iterable[Any], problems: list[RuleProblem]) -> None:
        self.problems = problems
        self.shop_channels = {channel.slug: channel.ref for channel in host.current().channels()}
        named: dict[str, set[str]] = defaultdict(set)
        for row in (row for row in rows if isinstance(row, dict)):
            for _, kind, names in selections(row.get("rules")):
                named[kind].update(str(name) for name in names)
            for kind, name in named_goods(row.get("offers")):
                named[kind].add(name)
            for _, kind, names in lists_in(row.get("segments")):
                named[kind].update(str(name) for name in names)
            for name in named_variants(row.get("campaigns")):
                named["variants"].add(name)
        self.refs = {
            kind: host.current().resolve_slugs(kind, sorted(names)) for kind, names in named.items()
        }

    def channels(self, about: Fields) -> tuple[str, ...]:
        """Return the references of the channels that a program names."""
        refs = []
        for index, slug in enumerate(about.rows("channels", CHANNELS_MAX)):
            ref = self.shop_channels.get(str(slug))
            if ref is None:
                there = ", ".join(sorted(self.shop_channels)) or "none"
                rule = f'names no channel: "{slug}". There are: {there}.'
                about.note(f"channels.{index}", "NOT_FOUND", rule)
            else:
                refs.append(ref)
        return tuple(dict.fromkeys(refs))

    def document(self, rules: Any, path: str) -> dict[str, Any]:
        """Return the rules with references for slugs; what has another shape is left as it is."""
        if not isinstance(rules, dict):
            Fields(rules, path, self.problems)
            return {}
        for place, kind, names in selections(rules):
            for index, name in enumerate(names):
                ref = self.ref(kind, str(name))
                if ref is None:
                    where = f"{path}.{place}.{kind}.{index}"
                    message = f'{where} names no {SINGULAR[kind]}: "{name}".'
                    self.problems.append(RuleProblem(where, "NOT_FOUND", message))
                else:
                    names[index] = ref
        return rules

    def ref(self, kind: str, name: str) -> str | None:
        """Return the reference that a name of goods or a channel stands for, None for none."""
        if kind == "channels":
            return self.shop_channels.get(name)
        if name.startswith(BY_ID):
            return name.removeprefix(BY_ID)
        return self.refs[kind].get(name)


def selections(rules: Any) -> Iterator[tuple[str, str, list[Any]]]:
    """Yield the path of each ``select`` of a document, a kind of goods, and their list."""
    for place, select in _selects(rules):
        for kind in GOODS_KINDS:
            names = select.get(kind) if isinstance(select, dict) else None
            if isinstance(names, list):
                yield place, kind, names


def _selects(rules: Any) -> Iterator[tuple[str, Any]]:
    if not isinstance(rules, dict):
        return
    for index, multiplier in _items(rules.get("multipliers")):
        yield f"multipliers.{index}.select", multiplier.get("select")
    tiers = rules.get("tiers")
    for index, tier in _items(tiers.get("ladder") if isinstance(tiers, dict) else None):
        for number, price in _items(tier.get("prices")):
            yield f"tiers.ladder.{index}.prices.{number}.select", price.get("select")


def _items(rows: Any) -> list[tuple[int, dict[str, Any]]]:
    if not isinstance(rows, list):
        return []
    return [(index, row) for index, row in enumerate(rows) if isinstance(row, dict)]
