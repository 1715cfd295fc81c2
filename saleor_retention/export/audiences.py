"""Which audiences the customer is in: segments, tags, campaigns, experiments."""

from __future__ import annotations

from collections.abc import Mapping

from saleor_retention.export.values import Table, Told, day, values
from saleor_retention.models import (
    CustomerTag,
    Dispatch,
    DispatchState,
    ExperimentArm,
    ExperimentSubject,
    SegmentEvent,
    SegmentEventKind,
    SegmentMember,
)
from saleor_retention.selectors.holdings import Holding, Section

ARMS: Mapping[str, str] = {
    ExperimentArm.TREATED: "drawn to be treated",
    ExperimentArm.HELD_OUT: "drawn to be left out",
}


def _segment(holding: Holding) -> Told:
    member: SegmentMember = holding.row
    text = f'In the segment "{member.segment.name}" since {day(member.since)}.'
    return text, values(member, "segment=segment.slug since")


def _segment_event(holding: Holding) -> Told:
    event: SegmentEvent = holding.row
    way = "came into" if event.kind == SegmentEventKind.ENTERED else "left"
    text = f'{day(event.at)}: {way} the segment "{event.segment.name}".'
    return text, values(event, "segment=segment.slug kind at")


def _tag(holding: Holding) -> Told:
    borne: CustomerTag = holding.row
    return f'Bears the tag "{borne.tag}" since {day(borne.since)}.', values(borne, "tag since")


def _dispatch(holding: Holding) -> Told:
    row: Dispatch = holding.row
    reason = row.skipped.reason if row.state == DispatchState.SKIPPED else ""
    state = f"left out: {reason}" if reason else row.state
    text = f'{day(row.planned_at)}: the campaign "{row.campaign.name}", {state}.'
    return text, {
        **values(row, "campaign=campaign.slug cycle state"),
        "reason": reason,
        **values(row, "planned_at sending_at facts"),
    }


def _experiment(holding: Holding) -> Told:
    subject: ExperimentSubject = holding.row
    name = subject.experiment.name
    text = f'{day(subject.assigned_at)}: in the experiment "{name}", {ARMS[subject.arm]}.'
    return text, values(subject, "experiment=experiment.slug arm assigned_at")


DESCRIBED: Table = {
    Section.SEGMENT: _segment,
    Section.SEGMENT_EVENT: _segment_event,
    Section.TAG: _tag,
    Section.DISPATCH: _dispatch,
    Section.EXPERIMENT: _experiment,
}
