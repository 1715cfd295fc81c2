"""Programs, members and points to begin a test with, on the in-memory host."""

from __future__ import annotations

import datetime as dt
import itertools
from typing import Any

from django.contrib.auth import get_user_model
from django.db import transaction

from saleor_retention import models
from saleor_retention.services.ledger import posting
from saleor_retention.services.ledger.locking import lock_account
from saleor_retention.services.ledger.posting import Leg, NewLot
from saleor_retention.services.setting_up import programs
from tests.fakes import CHANNEL, FakeHost, at

NOON = at("2026-03-10 12:00")
RULES: dict[str, Any] = {
    "earn": {"rates": {"USD": {"points": 1, "per": "1.00"}}},
    "point_value": {"USD": "0.01"},
}
LADDER: dict[str, Any] = {
    "metric": "spend",
    "window": "calendar_year",
    "ladder": [
        {"slug": "regular", "name": "Regular", "threshold": "0"},
        {"slug": "vip", "name": "VIP", "threshold": "500.00", "prices": [{"percent": 5}]},
    ],
}
_numbers = itertools.count(1)


def make_program(
    slug: str = "club", channels: tuple[str, ...] = (CHANNEL,), **rules: Any
) -> models.Program:
    """Create an active program of a point for a dollar, a point being a cent, with rules on top."""
    return programs.create_program(
        slug=slug,
        name=slug.capitalize(),
        channels=channels,
        document={**RULES, **rules},
        now=at("2026-01-01"),
    )


def make_user(shop: FakeHost) -> str:
    """Create a confirmed customer, in Django and in the fake, and return the reference."""
    email = f"shopper{next(_numbers)}@example.com"
    user = get_user_model().objects.create(email=email, is_active=True)
    shop.put_user(str(user.pk), email)
    return str(user.pk)


def make_member(shop: FakeHost, program: models.Program, **fields: Any) -> models.Account:
    """Create a customer with an account that was opened at the start of 2026."""
    number = next(_numbers)
    return models.Account.objects.create(
        program=program,
        user_id=int(make_user(shop)),
        member_number=f"T{number:08}",
        **{"joined_at": at("2026-01-01"), "last_activity_at": at("2026-01-01"), **fields},
    )


def give(
    account: models.Account,
    points: int,
    *,
    opened_at: dt.datetime | None = None,
    expires_at: dt.datetime | None = None,
) -> models.Lot:
    """Give the member points in a lot of their own."""
    opened = opened_at or at("2026-01-01")
    lot = NewLot(opened_at=opened, valid_from=opened, expires_at=expires_at)
    with transaction.atomic():
        posted = posting.post(
            lock_account(account.pk),
            kind=models.TransactionKind.GRANT,
            key=f"test:{next(_numbers)}",
            legs=[Leg(models.Book.ISSUANCE, -points), Leg(models.Book.AVAILABLE, points, lot)],
            effective_at=opened,
            now=opened,
        )
    return models.Lot.objects.get(pk=posted.opened[0])


def books(account: models.Account) -> tuple[int, int, int, int]:
    """Return the kept balances: available, pending, held, deficit."""
    account.refresh_from_db()
    return account.available, account.pending, account.held, account.deficit


def counts_of_rows() -> dict[str, int]:
    """Return how many rows each of our tables has, to see that a refusal left nothing behind."""
    return {
        model.__name__: model.objects.count()
        for model in vars(models).values()
        if isinstance(model, type) and hasattr(model, "objects")
    }
