"""The campaigns of the story, how staff set them up, and what became of their messages."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from sandbox import backroom
from sandbox.consenting import PURPOSE, ready
from sandbox.errands import Shop
from sandbox.mailbox import Letter
from sandbox.telling import Teller

BIRTHDAY_DAYS_BEFORE, BIRTHDAY_OFF, BIRTHDAY_VALID_DAYS = 7, 20, 14
REMINDER_DAYS_BEFORE = 30
COMEBACK_OFF, COMEBACK_VALID_DAYS = 15, 30
PAGE = 100
URL_LENGTH = 72


def message(subject: str, text: str) -> dict[str, Any]:
    """Return a mail's templates, with the link to unsubscribe in the text too."""
    text = f"{text}\n\nNo more: {{{{ unsubscribe_url }}}}"
    texts = [{"language": "en", "subject": subject, "text": text}]
    return {"channel": "EMAIL", "purpose": PURPOSE, "texts": texts}


def _coupon(name: str, percent: int, days: int) -> dict[str, Any]:
    terms = {"name": name, "percent": str(percent)}
    coupon = {"kind": "PERSONAL", "terms": terms, "validForDays": days}
    return {"coupon": coupon, "withMessageOnly": True}


BIRTHDAY = {
    "trigger": {"kind": "BIRTHDAY", "daysBefore": BIRTHDAY_DAYS_BEFORE},
    "message": message(
        "Your birthday is on {{ occasion_on }}",
        f"{BIRTHDAY_OFF} % off for you, with the code {{{{ coupon }}}}.",
    ),
    "benefit": _coupon("Birthday", BIRTHDAY_OFF, BIRTHDAY_VALID_DAYS),
}
REMINDER = {
    "trigger": {"kind": "POINTS_EXPIRING", "eachDaysBefore": [REMINDER_DAYS_BEFORE]},
    "message": message(
        "Do not lose your points", "{{ expiring_points }} points end with {{ expiring_on }}."
    ),
}
COME_BACK = {
    "trigger": {"kind": "WIN_BACK", "band": "LOST"},
    "message": message(
        "We have not seen you for a year",
        f"{COMEBACK_OFF} % off if you come back, with the code {{{{ coupon }}}}.",
    ),
    "benefit": _coupon("Welcome back", COMEBACK_OFF, COMEBACK_VALID_DAYS),
}


def draft(teller: Teller, shop: Shop, slug: str, campaign: dict[str, Any]) -> str:
    """Write a campaign down and return its id."""
    program = teller.ask(shop.staff, "{ retentionProgram { id } }")["retentionProgram"]
    made = teller.do(
        shop.staff,
        ready("staff/campaign-create"),
        programId=program["id"],
        input={"slug": slug, "name": slug.replace("-", " ").title(), "campaign": campaign},
    )["campaign"]
    teller.see("campaign", made["state"], "DRAFT")
    campaign_id: str = made["id"]
    return campaign_id


def start(teller: Teller, shop: Shop, campaign_id: str) -> None:
    """Start a campaign."""
    made = teller.do(shop.staff, ready("staff/campaign-start"), id=campaign_id)["campaign"]
    teller.see("campaign", made["state"], "RUNNING")


def launch(teller: Teller, shop: Shop, slug: str, campaign: dict[str, Any]) -> str:
    """Write a campaign down, start it, and return its id."""
    campaign_id = draft(teller, shop, slug, campaign)
    start(teller, shop, campaign_id)
    return campaign_id


def dry_run(teller: Teller, shop: Shop, campaign_id: str) -> dict[str, int]:
    """Return how many would get a campaign now (SENT), and how many not by reason."""
    answer = teller.ask(shop.staff, ready("staff/campaign-dry-run"), id=campaign_id)
    found = answer["retentionCampaignDryRun"]
    reasons = {each["reason"]: each["count"] for each in found["wouldNot"]}
    return {"SENT": found["would"], **reasons}


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
    return letters


def fates(teller: Teller, shop: Shop, campaign_id: str) -> dict[str, str]:
    """Return what became of a campaign's messages by address: the state, or why it was left out."""
    people = {member_id: who for who, member_id in members(teller, shop).items()}
    document = ready("staff/campaign-dispatches")
    answer = teller.ask(shop.staff, document, campaignId=campaign_id, first=PAGE)
    nodes = [edge["node"] for edge in answer["retentionDispatches"]["edges"]]
    found = {people[node["member"]["id"]]: node["reason"] or node["state"] for node in nodes}
    return dict(sorted(found.items()))


def members(teller: Teller, shop: Shop) -> dict[str, str]:
    """Return the ids of all members by address."""
    found = teller.ask(shop.staff, ready("staff/members"), first=PAGE)["retentionMembers"]
    nodes = [edge["node"] for edge in found["edges"]]
    return {node["user"]["email"]: node["id"] for node in nodes}


def noon(day: dt.date) -> dt.datetime:
    """Return noon of a day, UTC."""
    return dt.datetime.combine(day, dt.time(12), dt.UTC)


def short(url: str) -> str:
    """Return an address without the end of its token."""
    return f"{url[:URL_LENGTH]}..."
