"""A member's cart that is paid with points and becomes an order, on the in-memory host."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from saleor_retention.models import Account, Hold, StoredQuote
from saleor_retention.services.checkout import redeeming
from tests.fakes import line, minor, order
from tests.ledger import Shop


@dataclass
class Cart:
    """A member's cart that is paid with points and becomes an order."""

    shop: Shop
    member: Account
    ref: str = "cart-1"

    def redeem(self, points: int, now: dt.datetime, total: str = "100.00") -> Hold:
        """Put goods into the cart and points on it, and price it."""
        user = str(self.member.user_id)
        self.shop.host.put_checkout(self.ref, minor(total), user_ref=user)
        hold = redeeming.set_redemption(
            checkout_ref=self.ref, user_ref=user, points=points, now=now
        )
        assert hold is not None
        StoredQuote.objects.update_or_create(
            pk=self.ref,
            defaults={
                "account": self.member,
                "version": self.shop.program.current_version,
                "user_ref": user,
                "basket_fingerprint": "b",
                "fingerprint": "f",
                "payload": {"allocations": [["", "points", hold.points, "Points"]]},
                "points_applied": hold.points,
                "priced_at": now,
            },
        )
        return hold

    def complete(self, order_ref: str, *amounts: str, now: dt.datetime, **facts: Any) -> None:
        """Make the order, unsettled; the checkout is gone."""
        self.shop.host.checkouts.pop(self.ref)
        lines = [line(name, minor(amount)) for name, amount in zip("abc", amounts, strict=False)]
        facts = {"user_ref": str(self.member.user_id), "created_at": now} | facts
        self.shop.host.put_order(order(order_ref, *lines, checkout_ref=self.ref, **facts))
