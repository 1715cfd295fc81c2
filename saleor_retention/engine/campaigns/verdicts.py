"""What becomes of one customer's message: it goes now, it waits, or it is left out and why.

The dry run and the sender ask the same question here, so that a preview cannot promise what sending
does not keep.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from saleor_retention.engine.campaigns.caps import is_over_cap
from saleor_retention.engine.campaigns.quiet import next_allowed
from saleor_retention.engine.campaigns.terms import Benefit, SendLimits

ASKED_AGAIN_AFTER = dt.timedelta(hours=1)
"""So long a message waits before it is asked again whether its consent is confirmed, should nobody
have woken it then."""


class Reason(StrEnum):
    """Why somebody does not get a message; stored with each one that is left out."""

    GONE = "gone"  # left, erased, or deleted
    HOLDOUT = "holdout"
    BUDGET = "budget"
    RECENT_BIRTHDAY = "recent_birthday"
    TOO_LATE = "too_late"
    NO_LONGER_DUE = "no_longer_due"  # bought, or used the coupon, since he was found due
    HAD = "had"  # the same person was given it, under another account
    NO_ADDRESS = "no_address"
    CONSENT = "consent"
    SUPPRESSED = "suppressed"
    QUIET_HOURS = "quiet_hours"
    CAP = "cap"
    ENDED = "ended"


MESSAGE_ONLY = frozenset(
    {Reason.NO_ADDRESS, Reason.CONSENT, Reason.SUPPRESSED, Reason.QUIET_HOURS, Reason.CAP}
)
"""Reasons that keep a message back, but not the benefit: consent is about messages."""


@dataclass(frozen=True, slots=True)
class Recipient:
    """What is known of a customer when his message is due.

    ``consent`` is asked only where all else is well, so that it is asked last; ``is_requested``
    tells whether what lacks is that he follows the link of a mail.
    """

    is_present: bool
    is_still_due: bool
    has_address: bool
    zone: str
    useful_until: dt.datetime
    sent_at: tuple[dt.datetime, ...]
    consent: Callable[[], Reason | None]
    is_requested: Callable[[], bool]


@dataclass(frozen=True, slots=True)
class Verdict:
    """Sent at ``at``, which is now or later; or not, for a reason.

    With both it is not sent as things are, and asked again at ``at``: the reason may pass.
    """

    at: dt.datetime | None
    reason: Reason | None = None


def gives_benefit(reason: Reason | None, benefit: Benefit) -> bool:
    """Tell whether a benefit is given where the message goes, or is left out for a reason."""
    if not benefit.is_some:
        return False
    return reason is None or (reason in MESSAGE_ONLY and not benefit.with_message_only)


def decide(recipient: Recipient, limits: SendLimits, now: dt.datetime) -> Verdict:
    """Return what becomes of a message that is due."""
    reason = _reason_against(recipient, now)
    if reason is Reason.CONSENT and recipient.is_requested():
        again = now + ASKED_AGAIN_AFTER
        return Verdict(again if again < recipient.useful_until else None, reason)
    if reason is not None:
        return Verdict(None, reason)
    at = next_allowed(now, recipient.zone, limits.quiet)
    if at >= recipient.useful_until:
        return Verdict(None, Reason.QUIET_HOURS)
    if is_over_cap(limits.cap, recipient.sent_at, now):
        return Verdict(None, Reason.CAP)
    return Verdict(at)


def _reason_against(recipient: Recipient, now: dt.datetime) -> Reason | None:
    if not recipient.is_present:
        return Reason.GONE
    if not recipient.is_still_due:
        return Reason.NO_LONGER_DUE
    if now >= recipient.useful_until:
        return Reason.TOO_LATE
    return recipient.consent() if recipient.has_address else Reason.NO_ADDRESS
