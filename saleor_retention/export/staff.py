"""What staff, apps and commands did about the customer."""

from __future__ import annotations

from collections.abc import Mapping

from saleor_retention.export.values import Table, Told, day, values
from saleor_retention.models import AuditAction, AuditEntry, FollowUp
from saleor_retention.selectors.holdings import Holding, Section

DONE: Mapping[str, str] = {
    AuditAction.POINTS_GRANT: "points were given by hand",
    AuditAction.POINTS_TAKE: "points were taken by hand",
    AuditAction.TIER_OVERRIDE: "the tier was set by hand",
    AuditAction.TIER_OVERRIDE_END: "the tier set by hand was ended",
    AuditAction.ORDER_SETTLE: "an order was settled again by hand",
    AuditAction.SALE_RECORD: "a till sent a sale",
    AuditAction.SALE_REVERSE: "a till took a sale back",
    AuditAction.MEMBER_ERASE: "the customer was forgotten",
    AuditAction.COUPON_ISSUE: "a coupon was given by hand",
    AuditAction.COUPON_REVOKE: "a coupon was ended by hand",
    AuditAction.EVENT_RECORD: "a rewarded event was told of",
    AuditAction.EVENT_REVERSE: "a rewarded event was taken back",
    AuditAction.FOLLOW_UP_OPEN: "a task of staff was opened",
    AuditAction.FOLLOW_UP_CHANGE: "a task of staff was changed",
    AuditAction.FOLLOW_UP_CLOSE: "a task of staff was closed",
    AuditAction.ADDRESS_SUPPRESS: "the address was put on the list that nothing is sent to",
    AuditAction.ADDRESS_RELEASE: "the address was taken off that list",
    AuditAction.CONSENT_GIVE: "staff wrote a consent down",
    AuditAction.CONSENT_WITHDRAW: "staff wrote down that a consent was withdrawn",
    AuditAction.PROFILE_UPDATE: "staff wrote facts down",
    AuditAction.REFERRAL_CODE: "staff made a code for friends",
    AuditAction.REDEMPTION_SET: "points to pay with were set in the cart for the customer",
    AuditAction.REDEMPTION_CLEAR: "points to pay with were taken out of the cart for the customer",
    AuditAction.GIFT_PICK: "a gift was chosen in the cart for the customer",
    AuditAction.MEMBER_EXPORT: "staff read all that is held",
}
"""What can be done about a customer; what is done to programs concerns nobody in particular."""


def _audit(holding: Holding) -> Told:
    entry: AuditEntry = holding.row
    changes = f" ({'; '.join(entry.changes)})" if entry.changes else ""
    text = f"{day(entry.at)}: {DONE[entry.action]}{changes}."
    note = "" if entry.note is None else entry.note.text
    names = "at action order=order_ref changes actor=actor_ref"
    return text, {**values(entry, names), "note": note}


def _follow_up(holding: Holding) -> Told:
    """Tell of a task; what staff typed is in the values alone, which customers are not shown."""
    row: FollowUp = holding.row
    state = row.outcome.replace("_", " ") if row.outcome else row.state
    text = f"{day(row.created_at)}: a task of staff, due {row.due_on}, {state}."
    return text, {
        **values(row, "created_at state outcome closed_at task=reason note assignee=assignee_ref"),
        "due_on": row.due_on.isoformat(),
        "segment": "" if row.segment_id is None else row.segment.slug,
        **values(row, "actor=created_by closed_by"),
    }


DESCRIBED: Table = {Section.FOLLOW_UP: _follow_up, Section.AUDIT: _audit}
