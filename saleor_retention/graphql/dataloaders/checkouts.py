"""What our tables say of checkouts and their members, beyond what pricing looked up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from saleor_retention.graphql.dataloaders.base import Loader
from saleor_retention.models import Account, Hold, HoldState


class HoldOfCheckout(Loader[str, Hold]):
    """The hold that is placed, by checkout reference."""

    def find(self, keys: Sequence[str]) -> Mapping[str, Hold]:
        """Read them in one statement."""
        holds = Hold.objects.filter(checkout_ref__in=keys, state=HoldState.PLACED)
        return {hold.checkout_ref: hold for hold in holds}


class AccountById(Loader[int, Account]):
    """Account by primary key."""

    def find(self, keys: Sequence[int]) -> Mapping[int, Account]:
        """Read them in one statement."""
        return Account.objects.in_bulk(list(keys))
