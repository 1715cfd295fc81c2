"""The campaigns of the story, and how they are set up and run."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from typing import Any

from sandbox import backroom, paths
from sandbox.consenting import PURPOSE
from sandbox.errands import Shop
from sandbox.mailbox import Letter
from sandbox.telling import Teller

PROGRAM = "regulars"
BIRTHDAY_DAYS_BEFORE, BIRTHDAY_OFF, BIRTHDAY_VALID_DAYS = 7, 20, 14
REMINDER_DAYS_BEFORE = 30
COMEBACK_OFF, COMEBACK_VALID_DAYS = 15, 30


def message(subject: str, text: str) -> dict[str, Any]:
    """Return a mail's templates, with the link to unsubscribe in the text too."""
    texts = {"en": {"subject": subject, "text": f"{text}\n\nNo more: {{{{ unsubscribe_url }}}}"}}
    return {"channel": "email", "purpose": PURPOSE, "texts": texts}


def _coupon(name: str, percent: int, days: int) -> dict[str, Any]:
    terms = {"name": name, "percent": str(percent)}
    coupon = {"kind": "personal", "terms": terms, "valid_for_days": days}
    return {"coupon": coupon, "with_message_only": True}


BIRTHDAY = {
    "trigger": {"kind": "birthday", "days_before": BIRTHDAY_DAYS_BEFORE},
    "message": message(
        "Your birthday is on {{ occasion_on }}",
        f"{BIRTHDAY_OFF} % off for you, with the code {{{{ coupon }}}}.",
    ),
    "benefit": _coupon("Birthday", BIRTHDAY_OFF, BIRTHDAY_VALID_DAYS),
}
REMINDER = {
    "trigger": {"kind": "points_expiring", "days_before": [REMINDER_DAYS_BEFORE]},
    "message": message(
        "Do not lose your points", "{{ expiring_points }} points end with {{ expiring_on }}."
    ),
}
COME_BACK = {
    "trigger": {"kind": "win_back", "band": "lost"},
    "message": message(
        "We have not seen you for a year",
        f"{COMEBACK_OFF} % off if you come back, with the code {{{{ coupon }}}}.",
    ),
    "benefit": _coupon("Welcome back", COMEBACK_OFF, COMEBACK_VALID_DAYS),
}


def save(teller: Teller, slug: str, document: dict[str, Any]) -> None:
    """Save a campaign, as staff do from a file."""
    file = paths.STATE / f"{slug}.json"
    file.write_text(json.dumps(document, indent=2))
    teller.note(f"retention_campaign save --campaign {slug} --file {slug}.json")
    _act("save", slug, "--file", str(file))


def launch(teller: Teller, slug: str, document: dict[str, Any]) -> None:
    """Save a campaign and start it."""
    save(teller, slug, document)
    start(teller, slug)


def start(teller: Teller, slug: str) -> None:
    """Start a campaign."""
    teller.note(f"retention_campaign start --campaign {slug}")
    teller.see("it says", _act("start", slug), [f"{slug} is running."])


def dry_run(teller: Teller, slug: str) -> list[str]:
    """Return what the dry run of a campaign says."""
    teller.note(f"retention_campaign plan --campaign {slug}")
    return _act("plan", slug)


def run(teller: Teller, slug: str) -> None:
    """Plan and send what is due now."""
    teller.note(f"retention_campaign run --campaign {slug}")
    _act("run", slug)


def on_a_day(
    teller: Teller, shop: Shop, slug: str, at: dt.datetime, expected: Sequence[str]
) -> list[Letter]:
    """Let the jobs do at an instant what they would do for a campaign; return the mails.

    ``expected`` are the addresses that get one.
    """
    teller.note(f"the jobs of {at:%Y-%m-%d %H:%M}")
    backroom.work(slug, at)
    letters = shop.premises.mailbox.take()
    teller.see("mails to", [letter.header("To") for letter in letters], list(expected))
    for letter in letters:
        teller.show(letter)
    return letters


def noon(day: dt.date) -> dt.datetime:
    """Return noon of a day, UTC."""
    return dt.datetime.combine(day, dt.time(12), dt.UTC)


def short(url: str) -> str:
    """Return an address without the end of its token."""
    return f"{url[:72]}..."


def _act(action: str, slug: str, *more: str) -> list[str]:
    return backroom.command(
        "retention_campaign", action, "--program", PROGRAM, "--campaign", slug, *more
    )
