"""What members told and agreed to, for all members of a query at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from saleor_retention.graphql.dataloaders.base import Loader
from saleor_retention.models import ConsentEntry, ProfileEntry
from saleor_retention.models import Profile as ProfileRow
from saleor_retention.selectors.consents import consents_of
from saleor_retention.selectors.profiles import facts_of
from saleor_retention.services.membership.profiles import Profile, profile_in


class ProfileOf(Loader[int, Profile]):
    """Profile by account id; absent where nothing was told."""

    def find(self, keys: Sequence[int]) -> Mapping[int, Profile]:
        """Read them in one statement."""
        rows = ProfileRow.objects.in_bulk(list(keys))
        return {account_id: profile_in(row) for account_id, row in rows.items()}


class ConsentsOf(Loader[int, list[ConsentEntry]]):
    """The consents that hold by account id."""

    def find(self, keys: Sequence[int]) -> Mapping[int, list[ConsentEntry]]:
        """Read them in one statement."""
        return consents_of(keys)


class FactsOf(Loader[int, list[ProfileEntry]]):
    """The entries that what is known follows from, by account id."""

    def find(self, keys: Sequence[int]) -> Mapping[int, list[ProfileEntry]]:
        """Read them in one statement."""
        return facts_of(keys)
