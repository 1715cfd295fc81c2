"""Members' part in referrals, for all members of a query at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.db.models import Count, Q, Sum

from saleor_retention.graphql.dataloaders.base import Loader
from saleor_retention.models import Referral, ReferralCode, ReferralState


@dataclass(slots=True)
class Standing:
    """What one member has to do with referrals."""

    code: str | None = None
    waiting: int = 0
    pending: int = 0
    rewarded: int = 0
    points: int = 0
    claimed: str | None = None
    claimed_points: int = 0


class ReferralsOf(Loader[int, Standing]):
    """A member's part by account id."""

    def find(self, keys: Sequence[int]) -> Mapping[int, Standing]:
        """Read codes, friends and own comings in a statement each."""
        found: dict[int, Standing] = defaultdict(Standing)
        codes = ReferralCode.objects.filter(account__in=keys)
        for account_id, code in codes.values_list("account_id", "code"):
            found[account_id].code = code
        is_rewarded = Q(state=ReferralState.REWARDED)
        friends = Referral.objects.filter(advocate__in=keys).values("advocate_id")
        for row in friends.annotate(
            waiting=Count("pk", filter=Q(state=ReferralState.CLAIMED)),
            pending=Count("pk", filter=Q(state=ReferralState.PENDING)),
            rewarded=Count("pk", filter=is_rewarded),
            points=Sum("advocate_points", filter=is_rewarded),
        ):
            known = found[row["advocate_id"]]
            known.waiting, known.pending = row["waiting"], row["pending"]
            known.rewarded, known.points = row["rewarded"], row["points"] or 0
        own = Referral.objects.filter(friend__in=keys)
        for friend_id, state, points in own.values_list("friend_id", "state", "friend_points"):
            known = found[friend_id]
            known.claimed = state
            known.claimed_points = 0 if state == ReferralState.VOID else points
        return found
