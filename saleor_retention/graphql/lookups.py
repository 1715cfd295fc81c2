"""Rows of ours behind the global ids that clients send."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from saleor_retention import host
from saleor_retention.errors import Code, Refusal
from saleor_retention.models import (
    Account,
    Campaign,
    Coupon,
    CouponBatch,
    Experiment,
    FollowUp,
    Offer,
    Program,
    Segment,
)

OFFER_WITH = ("program", "current_version")
"""What is loaded with an offer."""

KEY_DIGITS = 19
"""Any number with fewer digits fits into a 64-bit key."""


def program_of(global_id: str, field: str = "id") -> Program:
    """Return the program of that id; refuse NOT_FOUND, naming the input field."""
    programs = Program.objects.select_related("current_version")
    return _row_of(programs, "RetentionProgram", global_id, "program", field)


def account_of(global_id: str, field: str = "memberId") -> Account:
    """Return the member of that id; refuse NOT_FOUND, naming the input field."""
    return _row_of(Account.objects, "RetentionMember", global_id, "member", field)


def account_ids_of(global_ids: Iterable[str], field: str) -> list[int]:
    """Return the keys in members' ids, there or not; refuse NOT_FOUND for one that has none."""
    keys = [_key_of("RetentionMember", global_id) for global_id in global_ids]
    found = [key for key in keys if key is not None]
    if len(found) < len(keys):
        raise Refusal(Code.NOT_FOUND, "There is no such member.", field)
    return found


def segment_of(global_id: str, field: str = "id") -> Segment:
    """Return the segment of that id; refuse NOT_FOUND, naming the input field."""
    segments = Segment.objects.select_related("program__current_version")
    return _row_of(segments, "RetentionSegment", global_id, "segment", field)


def offer_of(global_id: str, field: str = "id") -> Offer:
    """Return the offer of that id; refuse NOT_FOUND, naming the input field."""
    offers = Offer.objects.select_related(*OFFER_WITH)
    return _row_of(offers, "RetentionOffer", global_id, "offer", field)


def campaign_of(global_id: str, field: str = "id") -> Campaign:
    """Return the campaign of that id; refuse NOT_FOUND, naming the input field."""
    campaigns = Campaign.objects.select_related("program__current_version", "current_version")
    return _row_of(campaigns, "RetentionCampaign", global_id, "campaign", field)


def experiment_of(global_id: str, field: str = "id") -> Experiment:
    """Return the experiment of that id; refuse NOT_FOUND, naming the input field."""
    experiments = Experiment.objects.select_related("program__current_version")
    return _row_of(experiments, "RetentionExperiment", global_id, "experiment", field)


def coupon_of(global_id: str, field: str = "id") -> Coupon:
    """Return the coupon of that id; refuse NOT_FOUND, naming the input field."""
    return _row_of(Coupon.objects, "RetentionCoupon", global_id, "coupon", field)


def batch_of(global_id: str, field: str = "id") -> CouponBatch:
    """Return the batch of that id; refuse NOT_FOUND, naming the input field."""
    batches = CouponBatch.objects.select_related("program")
    return _row_of(batches, "RetentionCouponBatch", global_id, "batch of coupons", field)


def follow_up_of(global_id: str, field: str = "id") -> FollowUp:
    """Return the task of that id; refuse NOT_FOUND, naming the input field."""
    return _row_of(FollowUp.objects, "RetentionFollowUp", global_id, "task", field)


def _row_of(queryset: Any, type_name: str, global_id: str, what: str, field: str) -> Any:
    key = _key_of(type_name, global_id)
    row = None if key is None else queryset.filter(pk=key).first()
    if row is None:
        raise Refusal(Code.NOT_FOUND, f"There is no such {what}.", field)
    return row


def _key_of(type_name: str, global_id: str) -> int | None:
    ref = host.current().from_global_id(global_id, type_name)
    if ref is None or not (ref.isascii() and ref.isdecimal() and len(ref) < KEY_DIGITS):
        return None
    return int(ref)
