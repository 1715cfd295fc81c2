"""A program, customers and a look into the ledger, for tests of services on the in-memory host."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.contrib.auth import get_user_model

from saleor_retention.models import (
    Account,
    Book,
    Entry,
    Lot,
    Program,
    ProgramChannel,
    ProgramVersion,
    Transaction,
)
from saleor_retention.selectors import terms
from saleor_retention.selectors.programs import rules_of
from saleor_retention.services import members
from tests.fakes import CHANNEL, FakeHost, at

ONE_PER_DOLLAR: dict[str, Any] = {
    "time_zone": "UTC",
    "earn": {"rates": {"USD": {"points": 1, "per": "1.00"}}},
    "point_value": {"USD": "0.01"},
}
LAUNCH = at("2026-01-01 00:00")


@dataclass
class Shop:
    """A fake host with one program in its channel."""

    host: FakeHost
    program: Program

    def customer(self, name: str, **user: Any) -> str:
        """Add a confirmed customer and return his reference; no account yet."""
        row = get_user_model().objects.create(email=f"{name}@example.com")
        self.host.put_user(str(row.pk), row.email, **user)
        return str(row.pk)

    def member(self, name: str, now: dt.datetime = LAUNCH) -> Account:
        """Add a customer with an account."""
        account = members.member_of(self.program, self.customer(name), now=now)
        assert account is not None
        return account

    def change_rules(self, changes: Mapping[str, Any], now: dt.datetime) -> ProgramVersion:
        """Make a new version of the program's rules, in force from ``now``."""
        previous = self.program.current_version
        assert previous is not None
        return add_version(self.program, {**previous.document, **changes}, now)


def open_program(host: FakeHost, now: dt.datetime = LAUNCH, **rules: Any) -> Shop:
    """Open a program of one point per dollar, with these sections of the document set."""
    program = Program.objects.create(slug="club", name="Club", created_at=now)
    add_version(program, {**ONE_PER_DOLLAR, **rules}, now)
    ProgramChannel.objects.create(program=program, channel_ref=CHANNEL)
    return Shop(host, program)


def add_version(program: Program, document: Mapping[str, Any], now: dt.datetime) -> ProgramVersion:
    """Append a version without the checks of ``services.programs``."""
    program.current_version = ProgramVersion.objects.create(
        program=program,
        number=program.versions.count() + 1,
        document=dict(document),
        created_at=now,
    )
    program.save()
    return program.current_version


def forget_terms() -> None:
    """Drop what this process remembers by version id; a fresh database counts from 1 again."""
    rules_of.cache_clear()
    terms.inactivity_since.cache_clear()


def balances(account: Account) -> tuple[int, int, int, int]:
    """Return what the account's row holds now: available, pending, held, deficit."""
    row = Account.objects.get(pk=account.pk)
    return row.available, row.pending, row.held, row.deficit


def replayed(account: Account) -> tuple[int, int, int, int]:
    """Return the same four from the entries alone."""
    sums = dict.fromkeys((Book.AVAILABLE, Book.PENDING, Book.HELD, Book.DEFICIT), 0)
    for entry in Entry.objects.filter(account=account):
        sums[Book(entry.book)] += entry.points
    available, pending, held, deficit = sums.values()
    return available, pending, held, -deficit


def kinds(account: Account) -> list[str]:
    """Return the kinds of the member's postings, oldest first."""
    rows = Transaction.objects.filter(account=account).order_by("pk")
    return [str(kind) for kind in rows.values_list("kind", flat=True)]


def lots(account: Account) -> list[Lot]:
    """Return the member's lots, oldest first."""
    return list(Lot.objects.filter(account=account).order_by("pk"))
