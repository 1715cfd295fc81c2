"""A program, customers and a look into the ledger, for tests of services on the in-memory host."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import transaction

from saleor_retention.engine.rules import ProgramRules
from saleor_retention.models import (
    Account,
    Book,
    Entry,
    Lot,
    OrderRecord,
    Program,
    ProgramChannel,
    ProgramVersion,
    Transaction,
    TransactionKind,
)
from saleor_retention.selectors.programs import rules_of
from saleor_retention.services.ledger import posting
from saleor_retention.services.ledger.locking import lock_account
from saleor_retention.services.ledger.posting import Leg, NewLot
from saleor_retention.services.membership import members
from saleor_retention.services.ordering import settling
from tests import fakes
from tests.fakes import CHANNEL, FakeHost, at, line, minor, order

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

    def buys(
        self,
        member: Account,
        ref: str,
        *amounts: str,
        now: dt.datetime | None = None,
        **facts: Any,
    ) -> OrderRecord:
        """Let the member buy and pay one line for each amount (a, b, c ...), and settle that."""
        lines = [line(name, minor(amount)) for name, amount in zip("abcdef", amounts, strict=False)]
        facts = {
            "user_ref": str(member.user_id),
            "created_at": now or at("2026-03-01 10:00"),
        } | facts
        bought = self.host.put_order(order(ref, *lines, **facts))
        return self.settle(ref, bought.created_at)

    def settle(self, ref: str, now: dt.datetime) -> OrderRecord:
        """Settle an order that concerns the program."""
        record = settling.settle(order_ref=ref, now=now)
        assert record is not None
        return record

    def change_rules(self, changes: Mapping[str, Any], now: dt.datetime) -> ProgramVersion:
        """Make a new version of the program's rules, in force from ``now``."""
        previous = self.program.current_version
        assert previous is not None
        return add_version(self.program, {**previous.document, **changes}, now)


def open_shop(patch: pytest.MonkeyPatch, now: dt.datetime = LAUNCH, **rules: Any) -> Shop:
    """Open a shop in memory with a program of one point per dollar, with these sections set."""
    host = fakes.use(patch)
    program = Program.objects.create(slug="club", name="Club", created_at=now)
    add_version(program, {**ONE_PER_DOLLAR, **rules}, now)
    ProgramChannel.objects.create(program=program, channel_ref=CHANNEL)
    return Shop(host, program)


def add_version(program: Program, document: Mapping[str, Any], now: dt.datetime) -> ProgramVersion:
    """Append a version without the checks of ``services.setting_up.programs``."""
    program.current_version = ProgramVersion.objects.create(
        program=program,
        number=program.versions.count() + 1,
        document=dict(document),
        created_at=now,
    )
    program.save()
    return program.current_version


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


def book(name: str) -> int:
    """Return the sum of one book over everybody."""
    return sum(entry.points for entry in Entry.objects.filter(book=name))


def give(account: Account, points: int, **lot: Any) -> Lot:
    """Give the member points in a lot of their own, from launch on and for ever unless said."""
    opened = lot.pop("opened_at", LAUNCH)
    new = NewLot(opened_at=opened, valid_from=lot.pop("valid_from", opened), **lot)
    is_pending = new.valid_from is None or new.valid_from > opened
    with transaction.atomic():
        posted = posting.post(
            lock_account(account.pk),
            kind=TransactionKind.GRANT,
            key=f"test:{uuid.uuid4()}",
            legs=[
                Leg(Book.ISSUANCE, -points),
                Leg(Book.PENDING if is_pending else Book.AVAILABLE, points, new),
            ],
            effective_at=opened,
            now=opened,
        )
    return Lot.objects.get(pk=posted.opened[0])


def spend(lot: Lot, points: int, now: dt.datetime) -> None:
    """Burn points of a lot without an order that could give them back."""
    with transaction.atomic():
        posting.post(
            lock_account(lot.account_id),
            kind=TransactionKind.CAPTURE,
            key=f"test:{uuid.uuid4()}",
            legs=[Leg(Book.AVAILABLE, -points, lot), Leg(Book.REDEEMED, points, lot)],
            effective_at=now,
            now=now,
        )


def rules(program: Program) -> ProgramRules:
    """Return the rules in force."""
    program.refresh_from_db()
    return rules_of(program.current_version_id)


def move(lot: Lot, points: int, source: str, target: str, now: dt.datetime) -> None:
    """Move points of a lot from one of the member's books to another."""
    with transaction.atomic():
        posting.post(
            lock_account(lot.account_id),
            kind=TransactionKind.HOLD,
            key=f"test:{uuid.uuid4()}",
            legs=[Leg(source, -points, lot), Leg(target, points, lot)],
            effective_at=now,
            now=now,
        )


def owe(account: Account, points: int) -> None:
    """Let the member, who has nothing available, owe points."""
    with transaction.atomic():
        posting.post(
            lock_account(account.pk),
            kind=TransactionKind.CLAWBACK,
            key=f"test:{uuid.uuid4()}",
            legs=[Leg(Book.DEFICIT, -points), Leg(Book.CLAWBACK, points)],
            effective_at=LAUNCH,
            now=LAUNCH,
        )
