"""The scene of the campaign that leaves out half of the members, by lot, to see what it does."""

from __future__ import annotations

import datetime as dt
import secrets
from collections import Counter
from decimal import Decimal
from itertools import zip_longest

from sandbox import backroom, consenting, errands, mailings, reckoning
from sandbox.consenting import ready
from sandbox.errands import ADA, Shop
from sandbox.telling import Teller

NAMES = ("Cleo", "Dora", "Emil", "Fay", "Gus", "Hana", "Ivo", "June")
FORGETFUL = "june@example.com"  # never follows the link
SLUG = "new-harvest"
LEFT_OUT_PER_MILLE = 500
CHANNEL = "default-channel"


def leaving_out(teller: Teller, shop: Shop) -> None:
    """Eight more join; half of all are left out, and everybody else's fate has its reason."""
    teller.scene(
        "Eight more sign up; a campaign leaves out half of all, by lot, to see what it does"
    )
    agreed = _sign_up(teller, shop)
    today = dt.datetime.now(dt.UTC).date()
    document = {
        "trigger": {"kind": "once", "on": today.isoformat()},
        "message": mailings.message("The new harvest is here", "Come and taste it."),
        "limits": {"send_at": "00:00"},
        "holdout_per_mille": LEFT_OUT_PER_MILLE,
    }
    mailings.save(teller, SLUG, document)
    wanted = _wanted(agreed)
    lines = mailings.dry_run(teller, SLUG)
    counts = Counter(wanted.values())
    would = counts.pop("sent", 0)
    said = [f"{would} would get it, 0 of them later."]
    said += [f"{count} would not: {reason}" for reason, count in sorted(counts.items())]
    for line, expected in zip_longest(lines[: len(said)], said):
        teller.see("the dry run says", line, expected)
    mailings.start(teller, SLUG)
    mailings.run(teller, SLUG)
    letters = shop.premises.mailbox.take()
    got = sorted(letter.header("To") for letter in letters)
    teller.see("mails to", got, sorted(who for who, fate in wanted.items() if fate == "sent"))
    fates = backroom.fates(SLUG)
    if wanted[FORGETFUL] == "consent":
        wanted[FORGETFUL] = "planned"
        teller.read(f"{FORGETFUL} may follow her link yet: her message waits as long as it is new")
    teller.see("why not the others", _others(fates), _others(wanted))


def _sign_up(teller: Teller, shop: Shop) -> set[str]:
    """Let eight customers sign up and agree at the till; return those who followed their link."""
    addresses = [f"{name.lower()}@example.com" for name in NAMES]
    for address in addresses:
        errands.sign_up(shop, address, secrets.token_urlsafe(12))
    answer = teller.ask(shop.staff, ready("staff/members"), filter={"channel": CHANNEL}, first=50)
    found = answer["retentionMembers"]["edges"]
    members = {edge["node"]["user"]["email"]: edge["node"]["id"] for edge in found}
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
            wanted[who] = "holdout"
        elif who == ADA:
            wanted[who] = "suppressed"
        else:
            wanted[who] = "sent" if who in agreed else "consent"
    return wanted


def _others(fates: dict[str, str]) -> dict[str, str]:
    return {who: fate for who, fate in sorted(fates.items()) if fate != "sent"}
