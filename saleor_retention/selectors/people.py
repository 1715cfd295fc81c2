"""Customers as another system names them, many in a few statements: by e-mail address or by key.

An address names the one confirmed user who has it, whatever its case; where two users share one
but for the case, the host decides (``find_user_by_email``), and where nobody can, nobody is meant.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field

from django.contrib.auth import get_user_model
from django.db.models import Count
from django.db.models.functions import Lower

from saleor_retention import host
from saleor_retention.host.contract import UserFacts

PAGE = 10_000


class Directory:
    """The shop's confirmed users, looked up in batches.

    Addresses that several users share are found once, at the first lookup: there are few. So are
    those with capitals, when the first address is not found as it is typed nor in lower case.
    """

    def __init__(self) -> None:
        self._shared: frozenset[str] | None = None
        self._capitals: _Capitals | None = None

    def by_email(self, emails: Iterable[str]) -> dict[str, UserFacts]:
        """Return confirmed users by address in lower case; others are absent.

        Two statements, however many addresses the shop does not know.
        """
        typed = {email.strip() for email in emails} - {""}
        wanted = {email.lower() for email in typed}
        shared = wanted & self._shared_addresses()
        refs = self._refs(typed | wanted, wanted - shared)
        for address in shared:
            ref = host.current().find_user_by_email(address)
            if ref is not None:
                refs[address] = ref
        people = self.by_ref(refs.values())
        return {
            address: people[ref]
            for address, ref in refs.items()
            if ref in people and people[ref].email.lower() == address
        }

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

    def _refs(self, spellings: Collection[str], wanted: Collection[str]) -> dict[str, str]:
        """Return user keys by address in lower case, of those in ``wanted``."""
        if not wanted:
            return {}
        found = get_user_model().objects.order_by().filter(email__in=spellings)
        pairs = found.values_list("email", "pk")
        refs = {email.lower(): str(pk) for email, pk in pairs if email.lower() in wanted}
        missing = set(wanted) - set(refs)
        if missing:
            if self._capitals is None:
                self._capitals = _Capitals()
            refs.update(self._capitals.refs(missing))
        return refs


@dataclass(slots=True)
class _Capitals:
    """Users whose address the shop has with capitals, by a digest of it, in a temporary database.

    No index of the shop's finds them by the address in lower case: to ask for it would read all
    users, for every batch that has an address which nobody has.
    """

    _rows: sqlite3.Connection = field(default_factory=lambda: sqlite3.connect(""))

    def __post_init__(self) -> None:
        self._rows.execute("CREATE TABLE known (digest BLOB PRIMARY KEY, id INTEGER) WITHOUT ROWID")
        pairs = ((_digest(email.lower()), pk) for email, pk in _with_capitals())
        self._rows.executemany("INSERT OR REPLACE INTO known VALUES (?, ?)", pairs)

    def refs(self, addresses: Iterable[str]) -> dict[str, str]:
        """Return user keys by address in lower case, of those that are known."""
        statement = "SELECT id FROM known WHERE digest = ?"
        found = {
            address: self._rows.execute(statement, (_digest(address),)).fetchone()
            for address in addresses
        }
        return {address: str(row[0]) for address, row in found.items() if row is not None}


def _with_capitals() -> Iterator[tuple[str, int]]:
    """Yield address and key of users, in pages."""
    users = get_user_model().objects.order_by("pk").exclude(email=Lower("email"))
    last, is_full = 0, True
    while is_full:
        page = list(users.filter(pk__gt=last).values_list("email", "pk")[:PAGE])
        yield from page
        is_full = len(page) == PAGE
        last = page[-1][1] if page else last


def _digest(address: str) -> bytes:
    return hashlib.sha256(address.encode()).digest()
