"""Addresses that staff or a provider's app reports: what bounced, was complained of, or is to stop.

The list itself is kept by ``consents``; here a report is looked at and told in the audit trail.
"""

from __future__ import annotations

import datetime as dt
import re

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.utils import timezone

from saleor_retention import host
from saleor_retention.engine.campaigns.terms import Channel
from saleor_retention.engine.question_documents import KEY_LENGTH_MAX
from saleor_retention.errors import Code, Refusal
from saleor_retention.models import (
    Account,
    AccountState,
    AuditAction,
    Suppression,
    SuppressionReason,
)
from saleor_retention.selectors import persons
from saleor_retention.services.consenting import consents
from saleor_retention.services.membership.identity import email_hash, email_hashes
from saleor_retention.services.setting_up.auditing import note_down

NUMBER = re.compile(r"\+[1-9][0-9]{6,14}")
PURPOSE = re.compile(r"[a-z0-9]+(?:[-_][a-z0-9]+)*")


def suppress_address(
    channel: Channel,
    address: str,
    reason: SuppressionReason,
    *,
    purpose: str = "",
    actor_ref: str = "",
    now: dt.datetime | None = None,
) -> Suppression:
    """Send nothing more to an address, of a purpose or ("") of all; return what holds.

    Safe to repeat: what is on the list for a reason of this kind stays as it is, and is told once.
    Refusals: REQUIRED (no address), INVALID (no such address or purpose; a customer who ends
    messages withdraws the consent).
    """
    at = now or timezone.now()
    _require(channel, address, purpose)
    if reason is SuppressionReason.UNSUBSCRIBED:
        message = "Who ends messages withdraws the consent; write that down instead."
        raise Refusal(Code.INVALID, message, "reason")
    with transaction.atomic():
        held = _held(channel, address, purpose)
        consents.suppress(address, channel=channel, purpose=purpose, reason=reason, now=at)
        row = Suppression.objects.get(
            address_hash=email_hash(address), channel=channel, purpose=purpose
        )
        if all(one.reason == SuppressionReason.UNSUBSCRIBED for one in held):
            _tell(AuditAction.ADDRESS_SUPPRESS, row, address, actor_ref, at)
    return row


def release_address(
    channel: Channel,
    address: str,
    *,
    purpose: str = "",
    actor_ref: str = "",
    now: dt.datetime | None = None,
) -> Suppression:
    """Take off the list what was put on it for a purpose, or ("") for all; return what it was.

    Nothing is sent for that alone: consent is asked as ever. Refusals: as above, NOT_FOUND (not on
    the list), INVALID (the customer ended the messages, and alone can agree anew).
    """
    _require(channel, address, purpose)
    with transaction.atomic():
        held = _held(channel, address, purpose)
        if not held:
            raise Refusal(Code.NOT_FOUND, "This address is not on the list.", "address")
        reported = [one for one in held if one.reason != SuppressionReason.UNSUBSCRIBED]
        if not reported:
            message = "The customer ended these messages; a new consent of theirs lifts it."
            raise Refusal(Code.INVALID, message, "address")
        Suppression.objects.filter(pk__in=[one.pk for one in reported]).delete()
        _tell(AuditAction.ADDRESS_RELEASE, reported[0], address, actor_ref, now or timezone.now())
    return reported[0]


def _held(channel: Channel, address: str, purpose: str) -> list[Suppression]:
    """Return what is on the list for exactly that, under whichever key, locked."""
    rows = Suppression.objects.select_for_update().filter(
        address_hash__in=email_hashes(address), channel=channel, purpose=purpose
    )
    return list(rows.order_by("pk"))


def _tell(
    action: AuditAction, row: Suppression, address: str, actor_ref: str, at: dt.datetime
) -> None:
    """Write it down of each account that has the address, or of none; never the address itself."""
    what = f"{row.channel}, {row.purpose or 'every purpose'}: {row.reason}"
    for account in _owners(row.channel, address) or [None]:
        note_down(action, actor_ref=actor_ref, at=at, account=account, changes=[what])


def _owners(channel: str, address: str) -> list[Account | None]:
    if channel == Channel.EMAIL:
        rows = Account.objects.filter(pk__in=persons.account_ids(persons.of_email(address)))
    else:
        users = host.current().find_users_by_phone(address.strip())
        rows = Account.objects.filter(user_id__in=users)
    return list(rows.exclude(state=AccountState.ERASED).order_by("pk"))


def _require(channel: Channel, address: str, purpose: str) -> None:
    text = address.strip()
    if not text:
        raise Refusal(Code.REQUIRED, "Which address is it?", "address")
    if channel is Channel.SMS:
        if not NUMBER.fullmatch(text):
            message = "A number begins with + and its country, without blanks: +12025550123."
            raise Refusal(Code.INVALID, message, "address")
    else:
        try:
            validate_email(text)
        except ValidationError:
            raise Refusal(Code.INVALID, "That is no e-mail address.", "address") from None
    if purpose and (len(purpose) > KEY_LENGTH_MAX or not PURPOSE.fullmatch(purpose)):
        raise Refusal(Code.INVALID, "That is no purpose of a consent.", "purpose")
