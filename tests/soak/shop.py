"""A shop in three tables, so that it commits, crashes and recovers as Saleor's own rows would.

It is told apart from the ledger: nothing here calls a service, but for the task that a hook
dispatches. Every process sees the same shop; a checkout's row is really locked.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import connection, transaction

from saleor_retention.engine.facts import OrderFacts, OrderState
from saleor_retention.host.contract import ChannelFacts, CheckoutFacts
from tests.fakes import FakeHost, at, line, order

BEGIN = at("2026-03-01 00:00")
SPEED = 6 * 3600  # seconds that pass in the shop in one second of ours
STEADY, FLEETING = "1", "2"  # the channels, each with a program of its own

TABLES = """
    CREATE TABLE soak_order (
        ref text PRIMARY KEY,
        channel text NOT NULL,
        user_ref text,
        email text NOT NULL,
        checkout_ref text UNIQUE,
        points_paid bigint NOT NULL,
        first bigint NOT NULL,
        second bigint NOT NULL,
        created_at timestamptz NOT NULL,
        changed_at timestamptz NOT NULL,
        paid_at timestamptz,
        is_canceled bool NOT NULL DEFAULT false,
        is_first_back bool NOT NULL DEFAULT false,
        is_second_back bool NOT NULL DEFAULT false,
        refunded bigint NOT NULL DEFAULT 0,
        number bigserial UNIQUE
    );
    CREATE INDEX ON soak_order (changed_at);
    CREATE TABLE soak_checkout (
        ref text PRIMARY KEY,
        channel text NOT NULL,
        user_ref text NOT NULL,
        total bigint NOT NULL,
        is_committed bool NOT NULL DEFAULT false,
        priced bigint NOT NULL DEFAULT 0,
        number bigserial UNIQUE
    );
"""
COLUMNS = (
    "ref, channel, user_ref, email, checkout_ref, points_paid, first, second, created_at, "
    "changed_at, paid_at, is_canceled, is_first_back, is_second_back, refunded"
)


@dataclass(frozen=True, slots=True)
class Row:
    """An order as it stands in its table; amounts in cents."""

    ref: str
    channel: str
    user_ref: str | None
    email: str
    checkout_ref: str | None
    points_paid: int
    first: int
    second: int
    created_at: dt.datetime
    changed_at: dt.datetime
    paid_at: dt.datetime | None
    is_canceled: bool
    is_first_back: bool
    is_second_back: bool
    refunded: int

    def facts(self) -> OrderFacts:
        """Return what a host would tell of it."""
        return order(
            self.ref,
            line("a", self.first, returned=int(self.is_first_back)),
            line("b", self.second, returned=int(self.is_second_back)),
            channel_ref=self.channel,
            user_ref=self.user_ref,
            email=self.email,
            checkout_ref=self.checkout_ref,
            created_at=self.created_at,
            is_paid=self.paid_at is not None,
            paid_at=self.paid_at,
            state=OrderState.CANCELED if self.is_canceled else OrderState.OPEN,
            refunded_minor=self.refunded,
        )


def execute(statement: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    """Run a statement and return its rows, none for one that has none."""
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return cursor.fetchall() if cursor.description else []


def rows(condition: str = "true", parameters: Sequence[Any] = ()) -> list[Row]:
    """Return orders by their reference."""
    found = execute(f"SELECT {COLUMNS} FROM soak_order WHERE {condition} ORDER BY ref", parameters)
    return [Row(*values) for values in found]


@dataclass
class Clock:
    """The shop's time: fast, the same in all processes, and moved on by hand in the end."""

    started: float = field(default_factory=time.monotonic)
    moved: dt.timedelta = dt.timedelta()

    def elapsed(self) -> float:
        """Return how many of our seconds the run has lasted."""
        return time.monotonic() - self.started

    def now(self) -> dt.datetime:
        """Return the instant in the shop."""
        return BEGIN + self.moved + dt.timedelta(seconds=self.elapsed() * SPEED)


@dataclass
class SqlShop(FakeHost):
    """The host of the simulation."""

    clock: Clock = field(default_factory=Clock)
    shop_channels: list[ChannelFacts] = field(
        default_factory=lambda: [
            ChannelFacts(STEADY, "steady", "Steady", "USD"),
            ChannelFacts(FLEETING, "fleeting", "Fleeting", "USD"),
        ]
    )

    def order_facts(self, order_ref: str) -> OrderFacts | None:
        """Return the order's state now."""
        return self.orders_facts([order_ref]).get(order_ref)

    def orders_facts(self, order_refs: Sequence[str]) -> dict[str, OrderFacts]:
        """Return the state of those that exist."""
        found = rows("ref = ANY(%s)", [list(order_refs)])
        return {row.ref: row.facts() for row in found}

    def order_refs_updated_since(
        self, at: dt.datetime, limit: int
    ) -> list[tuple[str, dt.datetime]]:
        """Return what changed, oldest first."""
        found = execute(
            "SELECT ref, changed_at FROM soak_order WHERE changed_at >= %s"
            " ORDER BY changed_at, ref LIMIT %s",
            [at, limit],
        )
        return [(ref, changed_at) for ref, changed_at in found]

    def order_ref_of_checkout(self, checkout_ref: str) -> str | None:
        """Return the order made from that checkout."""
        found = execute("SELECT ref FROM soak_order WHERE checkout_ref = %s", [checkout_ref])
        return found[0][0] if found else None

    def checkout_facts(self, checkout_ref: str) -> CheckoutFacts | None:
        """Return the checkout as it is now."""
        found = execute(
            "SELECT channel, user_ref, total, is_committed FROM soak_checkout WHERE ref = %s",
            [checkout_ref],
        )
        if not found:
            return None
        channel, user_ref, total, is_committed = found[0]
        return FakeHost().put_checkout(
            checkout_ref,
            total,
            user_ref=user_ref,
            channel_ref=channel,
            is_money_committed=is_committed,
        )

    def lock_checkout(self, checkout_ref: str) -> bool:
        """Lock its row; tell whether it is there."""
        return bool(
            execute("SELECT 1 FROM soak_checkout WHERE ref = %s FOR UPDATE", [checkout_ref])
        )

    def existing_checkouts(self, checkout_refs: Iterable[str]) -> set[str]:
        """Return those that are there."""
        found = execute("SELECT ref FROM soak_checkout WHERE ref = ANY(%s)", [list(checkout_refs)])
        return {ref for (ref,) in found}

    def reprice(self, checkout_ref: str) -> None:
        """Change its row, as a host does."""
        execute("UPDATE soak_checkout SET priced = priced + 1 WHERE ref = %s", [checkout_ref])

    def dispatch(self, task_name: str, *args: Any) -> None:
        """Settle after commit; whoever dies in between has lost the event."""
        if task_name == "settle":
            from saleor_retention.services.ordering import settling

            transaction.on_commit(
                lambda: settling.settle(order_ref=args[0], now=self.clock.now()) and None
            )
