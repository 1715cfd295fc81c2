"""The scene of the campaign that leaves some of the members out, by lot, to see what it does."""

from __future__ import annotations

import datetime as dt
import secrets
from collections import Counter
from decimal import Decimal

from sandbox import backroom, consenting, errands, mailings, reckoning
from sandbox.consenting import ready
from sandbox.errands import ADA, Shop
from sandbox.telling import Teller

NAMES = ("Cleo", "Dora", "Emil", "Fay", "Gus", "Hana", "Ivo", "June")
FORGETFUL = "june@example.com"  # never follows the link
SLUG = "new-harvest"
LEFT_OUT_PER_MILLE = 300


def leaving_out(teller: Teller, shop: Shop) -> None:
    """Leave some of eleven members out; what becomes of the others has its reason."""
    teller.scene(
        "Eight more sign up; a campaign leaves three of ten out, by lot, to see what it does"
    )
    agreed = _sign_up(teller, shop)
    now = dt.datetime.now(dt.UTC)
    campaign = {
        "trigger": {"kind": "ONCE", "on": now.date().isoformat()},
        "message": mailings.message("The new harvest is here", "Come and taste it."),
        "limits": {"sendAt": "00:00"},
        "holdoutPerMille": LEFT_OUT_PER_MILLE,
    }
    campaign_id = mailings.draft(teller, shop, SLUG, campaign)
    wanted = _wanted(agreed)
    would = mailings.dry_run(teller, shop, campaign_id)
    teller.see("the dry run", dict(sorted(would.items())), dict(_counts(wanted)))
    mailings.start(teller, shop, campaign_id)
    got = sorted(who for who, fate in wanted.items() if fate == "SENT")
    mailings.on_a_day(teller, shop, SLUG, dt.datetime.now(dt.UTC), expected=got)
    found = mailings.fates(teller, shop, campaign_id)
    teller.see("what became of it", found, dict(sorted(wanted.items())))


def _counts(wanted: dict[str, str]) -> list[tuple[str, int]]:
    return sorted(Counter(wanted.values()).items())


def _sign_up(teller: Teller, shop: Shop) -> set[str]:
    """Let eight customers sign up and agree at the till; return those who followed their link."""
    addresses = [f"{name.lower()}@example.com" for name in NAMES]
    for address in addresses:
        errands.sign_up(shop, address, secrets.token_urlsafe(12))
    teller.read(", ".join(addresses))
    members = mailings.members(teller, shop)
    for address in addresses:
        teller.do(
            shop.staff,
            ready("staff/member-consent-give"),
            memberId=members[address],
            input=consenting.ANSWER,
        )
    letters = shop.premises.mailbox.take()
    teller.see("mails with a link", [letter.header("To") for letter in letters], addresses)
    agreed = set()
    for letter in letters:
        if letter.header("To") != FORGETFUL:
            consenting.confirm(teller, shop, letter)
            agreed.add(letter.header("To"))
    teller.read(f"{FORGETFUL} does not follow hers")
    return agreed


def _wanted(agreed: set[str]) -> dict[str, str]:
    """Work out what has to become of everybody, and draw the lots a second time."""
    secret, key, accounts = backroom.lot_drawn_with(SLUG)
    share = Decimal(LEFT_OUT_PER_MILLE) / 1000
    wanted = {}
    for who, account in accounts.items():
        if reckoning.is_left_out(secret, key, account, share):
            wanted[who] = "HOLDOUT"
        elif who == ADA:
            wanted[who] = "SUPPRESSED"
        else:
            wanted[who] = "SENT" if who in agreed else "CONSENT"
    return wanted
