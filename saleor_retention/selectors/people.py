"""Customers as another system names them, many in a few statements: by e-mail address or by key.

An address names the one confirmed user who has it, whatever its case; where two users share one
but for the case, the host decides (``find_user_by_email``), and where nobody can, nobody is meant.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from django.contrib.auth import get_user_model
from django.db.models import Count
from django.db.models.functions import Lower

from saleor_retention import host
from saleor_retention.host.contract import UserFacts


class Directory:
    """The shop's confirmed users, looked up in batches.

    Addresses that several users share are found once, at the first lookup: there are few.
    """

    def __init__(self) -> None:
        self._shared: frozenset[str] | None = None

    def by_email(self, emails: Iterable[str]) -> dict[str, UserFacts]:
        """Return confirmed users by address in lower case; others are absent.

        Two statements while addresses are typed as the shop has them; a third, without an index,
        for the rest.
        """
        typed = {email.strip() for email in emails} - {""}
        wanted = {email.lower() for email in typed}
        shared = wanted & self._shared_addresses()
        refs = _refs(typed | wanted, wanted - shared)
        for address in shared:
            ref = host.current().find_user_by_email(address)
            if ref is not None:
                refs[address] = ref
        people = self.by_ref(refs.values())
        return {address: people[ref] for address, ref in refs.items() if ref in people}

    def by_ref(self, user_refs: Iterable[str]) -> dict[str, UserFacts]:
        """Return confirmed users by key; others are absent."""
        people = host.current().users(set(user_refs))
        return {ref: user for ref, user in people.items() if user.is_confirmed}

    def _shared_addresses(self) -> frozenset[str]:
        if self._shared is None:
            addresses = get_user_model().objects.order_by().values(address=Lower("email"))
            twice = addresses.annotate(users=Count("pk")).filter(users__gt=1)
            self._shared = frozenset(twice.values_list("address", flat=True))
        return self._shared


def _refs(spellings: Collection[str], wanted: Collection[str]) -> dict[str, str]:
    """Return user keys by address in lower case, of those in ``wanted``."""
    if not wanted:
        return {}
    users = get_user_model().objects.order_by()
    found = users.filter(email__in=spellings).values_list("email", "pk")
    refs = {email.lower(): str(pk) for email, pk in found if email.lower() in wanted}
    missing = set(wanted) - set(refs)
    if missing:
        other = users.annotate(address=Lower("email")).filter(address__in=missing)
        refs.update({address: str(pk) for address, pk in other.values_list("address", "pk")})
    return refs
