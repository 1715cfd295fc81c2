"""Random walks through everything that happens to members: the ledger holds after each step.

Orders are paid, refunded, returned, refunds taken back, canceled; points are redeemed, granted,
corrected, mature and die; jobs run or do not. After each step no invariant is broken, all that is
kept is what the entries make, and a reader sees the same before and after the jobs.
"""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Callable

import pytest

from saleor_retention.engine.accrual import EarnTerms, kept
from saleor_retention.engine.facts import OrderState
from saleor_retention.engine.settlement import restored_points
from saleor_retention.errors import Refusal
from saleor_retention.models import Hold, HoldState, OrderRecord
from saleor_retention.selectors.balances import balance_of
from saleor_retention.selectors.programs import rules_of
from saleor_retention.selectors.verification import breaches
from saleor_retention.services.checkout import redeeming
from saleor_retention.services.ledger import expiring, granting, maturing
from saleor_retention.services.ledger.replaying import replay
from saleor_retention.services.ordering import reconciling
from tests import ledger
from tests.carts import Cart
from tests.fakes import at
from tests.ledger import Shop

pytestmark = pytest.mark.django_db

STEPS = 30
PROGRAMS = {
    "at once, for ever, owed": {},
    "waits, dies, owed": {
        "maturing": {"rule": "days_after_payment", "days": 3},
        "expiry": {"policy": "days", "count": 6, "restore_grace_days": 2},
    },
    "fulfilled, dies, written off": {
        "maturing": {"rule": "days_after_fulfilment", "days": 1},
        "expiry": {"policy": "days", "count": 5, "restore_grace_days": 1},
        "deficit": {"policy": "write_off"},
    },
    "inactivity, bonuses": {
        "expiry": {"policy": "inactivity", "count": 4, "restore_grace_days": 3},
        "deficit": {"policy": "deficit", "goodwill_repays": True},
        "welcome_points": 20,
        "first_order_points": 15,
    },
}


class Walk:
    """One seeded walk of two members."""

    def __init__(self, shop: Shop, seed: int) -> None:
        self.shop = shop
        self.dice = random.Random(seed)  # noqa: S311
        self.now = at("2026-03-01 10:00")
        self.members = [shop.member(name, self.now) for name in ("ann", "bob")]
        self.orders: list[str] = []
        self.carts = 0

    def step(self) -> str:
        """Do one thing, settle what it concerns (or lose the event), and say what it was."""
        self.now += dt.timedelta(hours=self.dice.choice([0, 1, 5, 26]))
        actions: list[Callable[[], None]] = [
            self.buy,
            self.buy_with_points,
            self.hold,
            self.refund,
            self.give_back,
            self.cancel,
            self.fulfil,
            self.grant,
            self.adjust,
            self.sweep,
            self.reconcile,
        ]
        action = self.dice.choice(actions)
        try:
            action()
        except Refusal as refused:
            return f"{action.__name__}: {refused.message}"
        return action.__name__

    def settle(self, ref: str) -> None:
        """Let the event come up to three times, or be lost."""
        for _ in range(self.dice.choice([0, 1, 1, 3])):
            self.shop.settle(ref, self.now)

    def some_order(self) -> str:
        """Return one of the orders; there is always a first one."""
        if not self.orders:
            self.buy()
        return self.dice.choice(self.orders)

    def buy(self) -> None:
        """Buy two lines without points."""
        member = self.dice.choice(self.members)
        ref = f"o{len(self.orders)}"
        self.orders.append(ref)
        amounts = [f"{self.dice.randint(1, 60)}.{self.dice.randint(0, 99):02}" for _ in "ab"]
        self.shop.buys(member, ref, *amounts, now=self.now)

    def cart(self) -> Cart:
        """Take a new cart and put some points on it."""
        self.carts += 1
        cart = Cart(self.shop, self.dice.choice(self.members), f"cart-{self.carts}")
        cart.redeem(self.dice.randint(1, 60), self.now)
        return cart

    def buy_with_points(self) -> None:
        """Pay an order partly with points; it may be a lot's last day."""
        cart = self.cart()
        self.now += dt.timedelta(minutes=self.dice.choice([1, 30]))
        ref = f"o{len(self.orders)}"
        cart.complete(ref, "20.00", "15.00", now=self.now)
        self.orders.append(ref)
        self.settle(ref)

    def hold(self) -> None:
        """Put points on a cart and leave it, or run the job that gives them back."""
        if self.dice.random() < 0.5:
            self.cart()
        else:
            redeeming.lapse_due(self.now)

    def refund(self) -> None:
        """Set what was refunded in all, up or down: a reversed refund is a smaller sum."""
        ref = self.some_order()
        total = self.shop.host.orders[ref].total_minor
        refunded = self.dice.choice([0, total // 5, total // 2, total])
        self.shop.host.change_order(ref, refunded_minor=refunded)
        self.settle(ref)

    def give_back(self) -> None:
        """Return a line, or take the return back."""
        ref = self.some_order()
        self.shop.host.return_units(ref, self.dice.choice("ab"), self.dice.choice([0, 1]))
        self.settle(ref)

    def cancel(self) -> None:
        """Cancel, seldom."""
        ref = self.some_order()
        if self.dice.random() < 0.3:
            self.shop.host.change_order(ref, state=OrderState.CANCELED)
        self.settle(ref)

    def fulfil(self) -> None:
        """Send the goods, or take the fulfilment back."""
        ref = self.some_order()
        self.shop.host.change_order(ref, fulfilled_at=self.dice.choice([self.now, None]))
        self.settle(ref)

    def grant(self) -> None:
        """Goodwill."""
        account = self.dice.choice(self.members)
        granting.grant(
            account_id=account.pk,
            points=self.dice.randint(1, 9),
            reason="goodwill",
            actor_ref="user:1",
            key=str(self.dice.random()),
            now=self.now,
        )

    def adjust(self) -> None:
        """A correction down."""
        account = self.dice.choice(self.members)
        granting.adjust(
            account_id=account.pk,
            points=-self.dice.randint(1, 20),
            reason="typed twice",
            actor_ref="user:1",
            key=str(self.dice.random()),
            now=self.now,
        )

    def sweep(self) -> None:
        """Run the jobs of time; no reader sees a difference."""
        before = [balance_of(member, self.now) for member in self.members]
        maturing.mature_due(self.now)
        expiring.expire_due(self.now)

        assert [balance_of(member, self.now) for member in self.members] == before
        for member, balance in zip(self.members, before, strict=True):
            kept_now = ledger.balances(member)
            assert kept_now == (
                balance.available,
                balance.pending,
                balance.held,
                balance.deficit,
            )

    def reconcile(self) -> None:
        """Settle what was lost."""
        for ref in self.orders:
            self.shop.host.orders_changed_at[ref] = self.now
        reconciling.reconcile(self.now)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("rules", PROGRAMS.values(), ids=PROGRAMS)
def test_the_ledger_holds_on_any_way(
    monkeypatch: pytest.MonkeyPatch, rules: dict[str, object], seed: int
) -> None:
    """Each step leaves every invariant whole; in the end each order is where its state asks."""
    walk = Walk(ledger.open_shop(monkeypatch, **rules), seed)
    log = []
    for _ in range(STEPS):
        log.append(walk.step())
        assert breaches(reads_orders=False) == [], log
        assert list(replay()) == [], log
    walk.reconcile()

    assert breaches() == [], log
    for ref in walk.orders:
        record = OrderRecord.objects.get(order_ref=ref)
        facts = walk.shop.host.orders[ref]
        terms = EarnTerms(rules_of(record.version_id), record.tier or None)
        assert record.earned - record.clawed == kept(facts, terms).points
        assert record.restored == restored_points(facts, record.redeemed)
    assert Hold.objects.filter(state=HoldState.CAPTURED).count() == sum(
        record.redeemed > 0 for record in OrderRecord.objects.all()
    )
