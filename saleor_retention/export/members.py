"""Who the customer is to a program: the account, its tier, facts, consents."""

from __future__ import annotations

import json
from collections.abc import Mapping

from saleor_retention.export.values import Table, Told, day, until, values
from saleor_retention.models import (
    Account,
    AccountAddress,
    AccountState,
    ConsentEntry,
    ConsentSource,
    ConsentState,
    ProfileEntry,
    Suppression,
    SuppressionReason,
    TierChange,
    TierChangeKind,
)
from saleor_retention.selectors.balances import balance_of
from saleor_retention.selectors.holdings import Holding, Section
from saleor_retention.selectors.programs import rules_of

KINDS: Mapping[str, str] = {
    TierChangeKind.UPGRADE: "it was reached",
    TierChangeKind.DOWNGRADE: "a higher one was no longer reached",
    TierChangeKind.WITHDRAW: "it was reached only by orders that were reversed since",
    TierChangeKind.RENEW: "it was reached again",
    TierChangeKind.OVERRIDE: "the shop set it",
    TierChangeKind.OVERRIDE_END: "what the shop had set came to its end",
    TierChangeKind.LADDER: "the shop changed its tiers",
}
SOURCES: Mapping[str, str] = {
    ConsentSource.STOREFRONT: "said in the shop",
    ConsentSource.REGISTRATION: "said when registering",
    ConsentSource.ORDER: "said on an order's confirmation",
    ConsentSource.CONFIRMATION: "by the link of a mail",
    ConsentSource.UNSUBSCRIBE: "by the link of a message",
    ConsentSource.STAFF: "written down by the shop",
}
STATES: Mapping[str, str] = {
    ConsentState.REQUESTED: "consent was asked to be confirmed",
    ConsentState.GIVEN: "consent was given",
    ConsentState.WITHDRAWN: "consent was withdrawn",
}
SUPPRESSED: Mapping[str, str] = {
    SuppressionReason.UNSUBSCRIBED: "the customer asked for it",
    SuppressionReason.COMPLAINT: "there was a complaint",
    SuppressionReason.BOUNCED: "messages could not be delivered",
    SuppressionReason.STAFF: "the shop decided it",
}


def _account(holding: Holding) -> Told:
    account: Account = holding.row
    balance = balance_of(account)
    text = (
        f"{_who(account)} {balance.available} points are available, {balance.pending} pending, "
        f"{balance.held} set aside and {balance.deficit} owed."
    )
    if account.tier:
        text += f" The tier is {account.tier}{until(account.tier_valid_until)}."
    return text, {
        **values(account, "state member_number"),
        "pseudonym": str(account.pseudonym),
        "has_email_hash": bool(account.email_hash),
        **values(account, "joined_at left_at last_activity_at"),
        **values(balance, "available pending held deficit"),
        **values(account, "tier tier_since tier_valid_until is_tier_manual"),
    }


def _who(account: Account) -> str:
    program = f'"{account.program.name}"'
    number, since = account.member_number, day(account.joined_at)
    if account.state == AccountState.SHADOW:
        return f"Orders placed as a guest in {program}, known by a hash of the e-mail address."
    if account.state == AccountState.MERGED:
        return (
            f"Orders placed as a guest in {program}, brought over to the membership; a hash of "
            "the e-mail address is kept."
        )
    if account.state == AccountState.LEFT and account.left_at is not None:
        return f"Member {number} of {program} from {since} to {day(account.left_at)}."
    return f"Member {number} of {program} since {since}."


def _address(holding: Holding) -> Told:
    row: AccountAddress = holding.row
    text = f"An e-mail address since {day(row.first_seen_at)}, of which a hash is kept."
    return text, values(row, "first_seen_at address_hash")


def _fact(holding: Holding) -> Told:
    entry: ProfileEntry = holding.row
    value = json.dumps(entry.value, ensure_ascii=False)
    if entry.value is None:
        value = "not known any more"
    source = SOURCES[entry.source]
    text = f"{day(entry.at)}: {entry.fact.replace('_', ' ')} is {value}, {source}."
    return text, values(entry, "at fact value source actor=actor_ref")


def _consent(holding: Holding) -> Told:
    entry: ConsentEntry = holding.row
    question = None
    if entry.version_id is not None:
        question = rules_of(entry.version_id).questions.consent(entry.channel, entry.purpose)
    words_of_it = "" if question is None else f' to "{question.text}"'
    text = (
        f"{day(entry.at)}: {STATES[entry.state]} ({entry.channel}, {entry.purpose})"
        f"{words_of_it}, {SOURCES[entry.source]}."
    )
    return text, {
        **values(entry, "at channel purpose state source text_version"),
        "text": "" if question is None else question.text,
        **values(entry, "order=order_ref actor=actor_ref"),
    }


def _suppression(holding: Holding) -> Told:
    row: Suppression = holding.row
    what = f"for {row.purpose}" if row.purpose else "for any purpose"
    text = f"{day(row.at)}: nothing is sent by {row.channel} {what}; {SUPPRESSED[row.reason]}."
    return text, values(row, "at channel purpose reason address_hash")


def _tier_change(holding: Holding) -> Told:
    change: TierChange = holding.row
    tiers = f"from {change.from_tier or 'none'} to {change.to_tier or 'none'}"
    text = (
        f"{day(change.at)}: the tier went {tiers}{until(change.valid_until)}; {KINDS[change.kind]}."
    )
    names = "at kind from_tier to_tier metric_value valid_until order=order_ref actor=actor_ref"
    note = "" if change.note is None else change.note.text
    return text, {**values(change, names), "note": note}


DESCRIBED: Table = {
    Section.ACCOUNT: _account,
    Section.ADDRESS: _address,
    Section.PROFILE: _fact,
    Section.CONSENT: _consent,
    Section.SUPPRESSION: _suppression,
    Section.TIER_CHANGE: _tier_change,
}
