"""What the audit trail tells of campaigns: saved, scheduled, started, paused, ended, and by whom.

What a message says is left out, only that it is other now: the words stand in the versions.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from saleor_retention.models import AuditAction, Campaign
from saleor_retention.services.setting_up.auditing import note_down
from saleor_retention.services.setting_up.differences import differences

Settings = Mapping[str, Any]


def settings_of(campaign: Campaign) -> dict[str, Any]:
    """Return what can be saved of a campaign: its name and its document."""
    version = campaign.current_version
    return {"name": campaign.name, **({} if version is None else version.document)}


def times_of(campaign: Campaign) -> dict[str, str]:
    """Return from when until when it is to run, as far as that is stated."""
    times = {"starts_at": campaign.starts_at, "ends_at": campaign.ends_at}
    return {name: at.astimezone(dt.UTC).isoformat() for name, at in times.items() if at is not None}


def note_saved(campaign: Campaign, before: Settings, *, actor_ref: str, at: dt.datetime) -> None:
    """Add what a campaign says other than before; nothing where it says the same."""
    lines = changes(before, settings_of(campaign))
    if lines:
        note(AuditAction.CAMPAIGN_UPDATE, campaign, lines, actor_ref=actor_ref, at=at)


def changes(before: Settings, after: Settings) -> list[str]:
    """Return a line for each value that is other than before; of a text only that it is."""
    lines = differences(_without_texts(before), _without_texts(after))
    return [*lines, *_differing_texts(_texts(before), _texts(after))]


def note_scheduled(
    campaign: Campaign, before: Settings, *, actor_ref: str, at: dt.datetime
) -> None:
    """Add the times that were set; the slug alone where they are those from before."""
    lines = differences(before, times_of(campaign))
    note(AuditAction.CAMPAIGN_SCHEDULE, campaign, lines, actor_ref=actor_ref, at=at)


def note(
    action: AuditAction,
    campaign: Campaign,
    lines: Sequence[str] = (),
    *,
    actor_ref: str,
    at: dt.datetime,
) -> None:
    """Add an entry with these lines after the campaign's slug; the slug alone without any."""
    changes = [f"{campaign.slug}.{line}" for line in lines] or [campaign.slug]
    note_down(action, actor_ref=actor_ref, at=at, program=campaign.program, changes=changes)


def _differing_texts(before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[str]:
    for path in dict.fromkeys([*before, *after]):
        if path not in after:
            yield f"{path} is removed"
        elif path not in before:
            yield f"{path} is new"
        elif before[path] != after[path]:
            yield f"{path} is other"


def _texts(settings: Settings) -> dict[str, str]:
    """Return the texts of a message by their place."""
    texts = (settings.get("message") or {}).get("texts") or {}
    return {
        f"message.texts.{language}.{part}": text
        for language, parts in texts.items()
        for part, text in parts.items()
    }


def _without_texts(settings: Settings) -> dict[str, Any]:
    message = settings.get("message")
    if not message:
        return dict(settings)
    rest = {key: value for key, value in message.items() if key != "texts"}
    return {**settings, "message": rest}
