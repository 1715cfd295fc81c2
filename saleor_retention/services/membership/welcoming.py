"""A customer was created or has confirmed the address: open the accounts, find the guest orders."""

from __future__ import annotations

import datetime as dt
import logging

from django.utils import timezone

from saleor_retention.errors import Refusal
from saleor_retention.models import Program
from saleor_retention.services.membership import addresses, members, registrations
from saleor_retention.services.ordering import reconciling

logger = logging.getLogger(__name__)


def welcome(user_ref: str, now: dt.datetime | None = None) -> None:
    """Open the customer's account in every active program where everyone is a member.

    With it come the welcome points, and what was answered when registering. Orders that the
    customer made as a guest, and that Saleor has attached by now, become his.
    Idempotent; accounts that are not opened here are at first sight.
    """
    at = now or timezone.now()
    for program in Program.objects.filter(is_active=True).order_by("pk"):
        members.member_of(program, user_ref, now=at)
    addresses.note(user_ref, at)
    try:
        registrations.take(user_ref, at)
    except Refusal:
        logger.warning("Answers of customer %s are left to reconcile.", user_ref, exc_info=True)
    reconciling.claim_guest_orders(user_ref, at)
