"""What customers agree to now, and whether something may be sent to them.

The latest entry of a channel and purpose holds. The suppression list goes before every consent:
an address on it gets nothing. What may be sent is asked for many customers in four statements, so
that a campaign can look once more just before it sends.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from django.db.models import Q

from saleor_retention import host
from saleor_retention.engine.questions import ConsentChannel
from saleor_retention.models import (
    Account,
    AccountState,
    ConsentEntry,
    ConsentState,
    Suppression,
)
from saleor_retention.selectors import persons
from saleor_retention.services.membership.identity import email_hashes


class Refused(StrEnum):
    """Why nothing may be sent, in the order in which it is looked for."""

    NOBODY = "nobody"  # no such customer, or an erased one
    NO_ADDRESS = "no_address"  # none that is known and confirmed
    SUPPRESSED = "suppressed"  # the address is on the suppression list
    NOT_ASKED = "not_asked"  # no consent was ever given
    NOT_CONFIRMED = "not_confirmed"  # the link in the mail was not followed
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class Sendable:
    """Whether something may be sent: true where it may, else with the reason."""

    reason: Refused | None = None

    def __bool__(self) -> bool:
        """Tell whether it may be sent."""
        return self.reason is None


def may_send(
    who: int | str,
    *,
    channel: str,
    purpose: str,
    at: dt.datetime,
    address: str | None = None,
) -> Sendable:
    """Tell whether a message of a purpose may be sent to an account, or to an e-mail address.

    A consent counts that was given until ``at``; a withdrawal counts whenever it was made, even
    after. The address is the customer's confirmed one where none is given; a phone number must be
    given. Of an address, one account of its owner that agrees is enough.
    """
    if isinstance(who, str):
        ids = persons.account_ids(persons.of_email(who))
        addresses = dict.fromkeys(ids, address or who)
    else:
        ids = [who]
        addresses = {} if address is None else {who: address}
    answers = may_send_to(ids, channel=channel, purpose=purpose, at=at, addresses=addresses)
    if not answers:
        return Sendable(Refused.NOBODY)
    reasons = [answer.reason for answer in answers.values() if answer.reason is not None]
    return Sendable(reasons[0]) if len(reasons) == len(answers) else Sendable()


def may_send_to(
    account_ids: Collection[int],
    *,
    channel: str,
    purpose: str,
    at: dt.datetime,
    addresses: Mapping[int, str] | None = None,
) -> dict[int, Sendable]:
    """Tell the same of many accounts, in a constant number of statements.

    ``addresses`` are those to be written to by account; others are the customers' own.
    """
    found = Account.objects.exclude(state=AccountState.ERASED).in_bulk(list(account_ids))
    known = dict(addresses or {})
    if channel == ConsentChannel.EMAIL:
        known = _own_addresses(found.values()) | known
    latest = _latest_of(found, channel, purpose)
    suppressed = _suppressed(known.values(), channel, purpose)
    answers = {}
    for account_id in account_ids:
        reason = None
        if account_id not in found:
            reason = Refused.NOBODY
        elif channel != ConsentChannel.PROFILING and account_id not in known:
            reason = Refused.NO_ADDRESS
        elif known.get(account_id) in suppressed:
            reason = Refused.SUPPRESSED
        answers[account_id] = Sendable(reason or _reason_of(latest.get(account_id), at))
    return answers


def consents_of(account_ids: Collection[int]) -> dict[int, list[ConsentEntry]]:
    """Return the entries that hold, one for each channel and purpose that was answered."""
    rows = ConsentEntry.objects.filter(account__in=account_ids)
    rows = rows.order_by("account_id", "channel", "purpose", "-id")
    found: dict[int, list[ConsentEntry]] = {account_id: [] for account_id in account_ids}
    for entry in rows.distinct("account_id", "channel", "purpose"):
        found[entry.account_id].append(entry)
    return found


def latest(account_id: int, channel: str, purpose: str) -> ConsentEntry | None:
    """Return the entry that holds of a channel and purpose, or None."""
    rows = ConsentEntry.objects.filter(account=account_id, channel=channel, purpose=purpose)
    return rows.order_by("-id").first()


def is_suppressed(address: str, channel: str, purpose: str) -> bool:
    """Tell whether nothing of a channel and purpose may be sent to an address."""
    return bool(_suppressed([address], channel, purpose))


def suppressions_of(address_hashes: Iterable[str]) -> list[Suppression]:
    """Return what is suppressed for an address, by the hashes of it."""
    return list(Suppression.objects.filter(address_hash__in=list(address_hashes)).order_by("id"))


def _reason_of(entry: ConsentEntry | None, at: dt.datetime) -> Refused | None:
    if entry is None:
        return Refused.NOT_ASKED
    if entry.state == ConsentState.WITHDRAWN:
        return Refused.WITHDRAWN
    if entry.state == ConsentState.REQUESTED:
        return Refused.NOT_CONFIRMED
    return None if entry.at <= at else Refused.NOT_ASKED


def _own_addresses(accounts: Iterable[Account]) -> dict[int, str]:
    """Return the confirmed addresses of accounts that have one."""
    refs = {account.pk: str(account.user_id) for account in accounts if account.user_id}
    users = host.current().users(set(refs.values())) if refs else {}
    return {
        account_id: users[ref].email
        for account_id, ref in refs.items()
        if ref in users and users[ref].is_confirmed and users[ref].email
    }


def _latest_of(account_ids: Iterable[int], channel: str, purpose: str) -> dict[int, ConsentEntry]:
    rows = ConsentEntry.objects.filter(
        account__in=list(account_ids), channel=channel, purpose=purpose
    )
    newest = rows.order_by("account_id", "-id").distinct("account_id")
    return {entry.account_id: entry for entry in newest}


def _suppressed(addresses: Iterable[str], channel: str, purpose: str) -> set[str]:
    """Return those of the addresses that are on the list."""
    by_hash = {text: address for address in set(addresses) for text in email_hashes(address)}
    if not by_hash:
        return set()
    rows = Suppression.objects.filter(
        Q(purpose=purpose) | Q(purpose=""), address_hash__in=list(by_hash), channel=channel
    )
    return {by_hash[text] for text in rows.values_list("address_hash", flat=True)}
