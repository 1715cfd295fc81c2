"""What customers did that tells of their stage, besides ordering, for many of them at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from typing import Any

from django.db.models import Min

from saleor_retention.engine.segments.stages import (
    ADVOCATING,
    APPEALING,
    ASKING,
    Deeds,
    deeds_of,
)
from saleor_retention.models import MemberEvent, Referral, ReferralState


def deeds_of_accounts(account_ids: Collection[int]) -> dict[int, Deeds]:
    """Return what accounts did, in two statements; those who did nothing of it are absent.

    ``segments_of.sql`` and ``engine.segments.statement`` ask the database the same.
    """
    ids = list(account_ids)
    events = MemberEvent.objects.filter(
        account__in=ids, kind__in=(*APPEALING, *ASKING, *ADVOCATING), reversed_at=None
    )
    firsts = events.order_by().values("account_id", "kind").annotate(first=Min("at"))
    told: dict[int, list[Any]] = defaultdict(list)
    for account_id, kind, first in firsts.values_list("account_id", "kind", "first"):
        told[account_id].append((kind, first))
    referrals = Referral.objects.filter(advocate__in=ids, state=ReferralState.REWARDED)
    ended = referrals.order_by().values("advocate_id").annotate(first=Min("ended_at"))
    rewarded = dict(ended.values_list("advocate_id", "first"))
    return {
        account_id: deeds_of(
            told.get(account_id, ()), [rewarded[account_id]] if account_id in rewarded else ()
        )
        for account_id in told.keys() | rewarded.keys()
    }
