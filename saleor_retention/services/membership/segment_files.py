"""A program's segments and recency bands in its YAML file: read, applied, written.

Who is on an explicit list is the shop's and not the file's. Segments that a file does not name stay
as they are, unless the file says that its list is complete: then they are retired.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from copy import deepcopy
from dataclasses import asdict, dataclass
from typing import Any

from saleor_retention.engine.fields import Fields
from saleor_retention.engine.segments.bands import MONTHS_MAX, Limits
from saleor_retention.errors import Refusal, Refusals
from saleor_retention.models import Program, Segment
from saleor_retention.selectors.segments import limits_of
from saleor_retention.services.membership import segments
from saleor_retention.services.membership.segments import Draft
from saleor_retention.services.setting_up.differences import differences
from saleor_retention.services.setting_up.goods_lists import (
    BY_ID,
    Resolve,
    lists_in,
    put_references,
    slugs_in,
)
from saleor_retention.services.setting_up.validating import SLUG_LENGTH_MAX

ROWS_MAX = 1000
KEYS = {"followUp": "follow_up", "id": ""}
"""What the file calls a field that a refusal names."""


@dataclass(frozen=True, slots=True)
class WantedSegment:
    """One segment of a file."""

    path: str
    draft: Draft


def read_bands(program: Fields) -> Limits | None:
    """Return the recency bands of a program's entry; None where it says nothing of them.

    A band that it leaves out has the limit that it has everywhere.
    """
    if not program.has("recency_bands"):
        return None
    fields = program.section("recency_bands")
    months = {
        band: fields.whole(band, months, low=1, high=MONTHS_MAX)
        for band, months in asdict(Limits()).items()
    }
    fields.close()
    limits = Limits(**months)
    if (problem := limits.problem()) is not None:
        program.note("recency_bands", "INVALID", f"must rise: {problem}")
    return limits


def read_segments(program: Fields, resolve: Resolve) -> tuple[WantedSegment, ...]:
    """Return the segments of a program's entry; rules are not validated yet."""
    wanted: list[WantedSegment] = []
    for index, row in enumerate(program.rows("segments", ROWS_MAX)):
        fields = Fields(row, program.at(f"segments.{index}"), program.problems)
        for key, hint in (("slug", "what names it"), ("name", "what staff read")):
            fields.require(key, hint)
        item = WantedSegment(fields.path, _draft(fields, resolve))
        fields.close()
        slug = item.draft.slug
        if slug and any(slug == other.draft.slug for other in wanted):
            fields.note("slug", "UNIQUE", f"is taken: {slug} stands above.")
        wanted.append(item)
    return tuple(wanted)


def apply_bands(
    program: Program, limits: Limits | None, *, actor_ref: str, at: dt.datetime
) -> list[str]:
    """Set the program's recency bands, if any are given; return a line for each that changed."""
    before = limits_of(program)
    if limits is None or limits == before:
        return []
    segments.set_bands(program, limits, at, actor_ref=actor_ref)
    return differences({"recency_bands": asdict(before)}, {"recency_bands": asdict(limits)})


def apply_segments(
    program: Program, wanted: Iterable[WantedSegment], *, is_complete: bool, at: dt.datetime
) -> list[str]:
    """Make a program's segments what the file says; return a line for each value that changed.

    Explicit lists come before the rules that may name them, and with ``is_complete`` segments that
    are not wanted are retired before both. The caller holds a transaction. Raises ``Refusals`` with
    everything that is wrong, by paths into the file.
    """
    items = sorted(wanted, key=lambda item: item.draft.document is not None)
    there = {segment.slug: segment for segment in Segment.objects.filter(program=program)}
    before = _in_words(program)
    gone = sorted(before.keys() - {item.draft.slug for item in items}) if is_complete else []
    for slug in gone:
        segments.retire_segment(there[slug], now=at)
    refusals: list[Refusal] = []
    for item in items:
        try:
            _apply_one(program, item.draft, there.get(item.draft.slug), at)
        except (Refusal, Refusals) as found:
            refusals += [_at(item, refusal) for refusal in found.refusals]
    if refusals:
        raise Refusals(refusals)
    kept = {slug: words for slug, words in before.items() if slug not in gone}
    lines = differences({"segments": kept}, {"segments": _in_words(program)})
    return lines + [f"segments.{slug} is retired" for slug in gone]


def band_entry(program: Program) -> dict[str, int]:
    """Return the program's recency bands as a file holds them."""
    return asdict(limits_of(program))


def segment_entries(program: Program) -> list[dict[str, Any]]:
    """Return the program's segments, but for retired ones, as a file holds them."""
    return [{"slug": slug, **said} for slug, said in _in_words(program).items()]


def _draft(fields: Fields, resolve: Resolve) -> Draft:
    follow_up = fields.section("follow_up")
    if fields.has("follow_up"):
        follow_up.require("reason", "what is to be done, and why")
    draft = Draft(
        slug=fields.slug("slug", SLUG_LENGTH_MAX),
        name=fields.text("name", segments.NAME_LENGTH_MAX),
        document=_resolved(fields, resolve),
        tag=fields.text("tag", segments.TAG_LENGTH_MAX),
        is_active=fields.flag("active", default=True),
        follow_up=follow_up.text("reason", segments.FOLLOW_UP_LENGTH_MAX),
        follow_up_days=follow_up.whole(
            "days", segments.FOLLOW_UP_DAYS, high=segments.FOLLOW_UP_DAYS_MAX
        ),
    )
    follow_up.close()
    return draft


def _resolved(fields: Fields, resolve: Resolve) -> Any:
    """Return the rule with references for the names of goods."""
    rule = fields.take("rule")
    put_references(fields, "rule", lists_in(rule), resolve)
    return rule


def _apply_one(program: Program, draft: Draft, segment: Segment | None, at: dt.datetime) -> None:
    if segment is None:
        segments.create_segment(program, draft, now=at)
        return
    wanted = segments.preview_segment(program, draft, segment=segment, now=at).draft
    if _settings(wanted) != _settings(segment):
        segments.update_segment(segment, draft, now=at)


def _settings(of: Draft | Segment) -> tuple[object, ...]:
    """Return all that can be changed of a segment."""
    task = (of.follow_up.strip(), of.follow_up_days) if of.follow_up.strip() else None
    return (of.name.strip(), of.document, of.tag, of.is_active, task)


def _segments_of(program: Program) -> list[Segment]:
    found = Segment.objects.filter(program=program, retired_at=None)
    return list(found.order_by("slug"))


def _in_words(program: Program) -> dict[str, dict[str, Any]]:
    found = _segments_of(program)
    slugs = slugs_in(segment.document for segment in found)
    return {segment.slug: _said(segment, slugs) for segment in found}


def _said(segment: Segment, slugs: Mapping[str, Mapping[str, str]]) -> dict[str, Any]:
    """Return all that a file says of a segment but its slug; ``slugs`` are those of goods."""
    said: dict[str, Any] = {"name": segment.name, "active": segment.is_active}
    if segment.tag:
        said["tag"] = segment.tag
    if segment.follow_up:
        said["follow_up"] = {"reason": segment.follow_up, "days": segment.follow_up_days}
    if segment.document is not None:
        said["rule"] = deepcopy(segment.document)
        for _, kind, names in lists_in(said["rule"]):
            names[:] = sorted(slugs[kind].get(ref, f"{BY_ID}{ref}") for ref in names)
    return said


def _at(item: WantedSegment, refusal: Refusal) -> Refusal:
    """Say where in the file a refusal of its segment belongs."""
    key, dot, rest = (refusal.field or "").partition(".")
    path = f"{item.path}.{KEYS.get(key, key)}{dot}{rest}".rstrip(".")
    return Refusal(refusal.code, f"{item.draft.slug}: {refusal.message}", path)
