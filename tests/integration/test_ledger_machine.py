"""Any sequence of what happens to members, on the services and on a model of plain numbers at once.

Hypothesis looks for a sequence after which the two differ: in a balance, a lot, an order's sums or
a tier; or after which an invariant is broken. ``test_ledger_walks`` goes other ways (bonuses, jobs
that come late under inactivity) without a model. SOAK=20 looks twenty times as long.
"""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from saleor_retention.engine.facts import OrderState
from saleor_retention.errors import Refusal
from saleor_retention.models import Account, OrderRecord, StoredQuote
from saleor_retention.selectors.balances import balances_of, lots_of
from saleor_retention.selectors.verification import breaches
from saleor_retention.services.checkout import redeeming
from saleor_retention.services.ledger import expiring, granting, maturing
from saleor_retention.services.ledger.replaying import replay
from saleor_retention.services.membership import tiering
from saleor_retention.services.ordering import reconciling, settling
from tests import fakes, ledger
from tests.fakes import FakeHost, at, line, order
from tests.ledger_model import PPM, TIERS, Cart, Ledger, Member, Order, Refused, Terms

pytestmark = pytest.mark.django_db

EXAMPLES = 10 * int(os.environ.get("SOAK", "1"))
STEPS = 25
PROGRAMS = (
    Terms(),
    Terms(maturing="days_after_payment", maturing_days=2, expiry="days", expiry_days=3,
          grace_days=1, goodwill_repays=True),
    Terms(maturing="days_after_fulfilment", maturing_days=1, expiry="days", expiry_days=4,
          grace_days=2, writes_off=True),
    Terms(expiry="days", expiry_days=2, grace_days=2),
    Terms(expiry="inactivity", expiry_days=3, grace_days=1, welcome=30),
    Terms(maturing="days_after_payment", maturing_days=1, expiry="end_of_month", grace_days=5),
)  # fmt: skip

cents = st.integers(100, 9000)
points = st.integers(1, 120)
picks = st.integers(0, 99)
hours = st.sampled_from((0, 0, 1, 8, 30, 55))  # that pass before it happens
is_lost = st.sampled_from((False, False, True))  # the shop's event does not arrive


@dataclass
class ClockedHost(FakeHost):
    """A shop whose tasks run at the machine's time."""

    now: dt.datetime = ledger.LAUNCH

    def dispatch(self, task_name: str, *args: Any) -> None:
        """Settle at once; prices are not looked at here."""
        self.dispatched.append((task_name, args))
        if task_name == "settle":
            settling.settle(order_ref=args[0], now=self.now)


class LedgerMachine(RuleBasedStateMachine):
    """Two members of one program, their carts and orders."""

    def __init__(self) -> None:
        super().__init__()
        self.patch = pytest.MonkeyPatch()
        self.savepoint = transaction.atomic()
        self.savepoint.__enter__()
        self.now = at("2026-03-27 10:00")

    def teardown(self) -> None:
        """Let every lost event be found, look at everything once more, and undo it all."""
        try:
            if hasattr(self, "model"):
                self.reconcile()
                self.holds()
                assert breaches() == []
        finally:
            transaction.set_rollback(True)
            self.savepoint.__exit__(None, None, None)
            self.patch.undo()

    @initialize(terms=st.sampled_from(PROGRAMS), is_in_debt=st.booleans())
    def open_shop(self, terms: Terms, *, is_in_debt: bool) -> None:
        """Open the shop with one of the programs; two members have points, orders and carts."""
        self.host = ClockedHost()
        self.patch.setattr(fakes, "FakeHost", lambda: self.host)
        self.shop = ledger.open_shop(self.patch, **terms.document())
        self.model = Ledger(terms)
        self.accounts: dict[Member, Account] = {}
        for name in ("ann", "bob"):
            self.tick()
            account = self.shop.member(name, self.now)
            self.accounts[self.model.join(name, self.now)] = account
        for pick in (0, 1):
            self.buy(pick, 0, 60_00, 25_00, is_paid=True, is_lost=False)
            self.grant(pick, 40)
            self.redeem(pick, 20, 90, 70)
            self.complete(-1, 5, 15_00, PPM, is_lost=False)
            self.grant(pick, 25)
            self.redeem(pick, 50, 90, 60)
            self.change_cart(-1, 45)
            if is_in_debt:
                self.adjust(pick, max(1, self.member(pick).balances()[0]))
            if is_in_debt or pick:
                self.refund(2 * pick, 0, 4, is_lost=False)

    # --- what the rules share -----------------------------------------------------------------

    def tick(self, hours: int = 0) -> dt.datetime:
        """Let hours and a second pass; no two things happen at one instant."""
        self.now += dt.timedelta(hours=hours, seconds=1)
        self.host.now = self.now
        if hasattr(self, "model"):
            self.model.pass_time(self.now)
        return self.now

    def member(self, pick: int) -> Member:
        """Return one of the members."""
        return self.model.members[pick % len(self.model.members)]

    def order(self, pick: int) -> Order:
        """Return one of the orders."""
        return self.model.orders[pick % len(self.model.orders)]

    def carts(self) -> list[Cart]:
        """Return the carts that are there."""
        return [cart for cart in self.model.carts if not cart.is_gone]

    def both(self, serve: Callable[[], object], expect: Callable[[], None]) -> bool:
        """Do it in both worlds; they agree whether it is refused and why. Return if it was done."""
        refusal = expected = None
        try:
            serve()
        except Refusal as refused:
            refusal = refused.code.value
        try:
            expect()
        except Refused as refused:
            expected = refused.args[0]
        assert refusal == expected
        return refusal is None

    def settle(self, bought: Order, *, is_lost: bool) -> None:
        """Let the event of an order arrive, or be lost.

        Inactivity counts from the last event that arrived, so there each one does.
        """
        if is_lost and self.model.terms.expiry != "inactivity":
            return
        settling.settle(order_ref=bought.ref, now=self.now)
        self.model.settle(bought, self.now)

    def place(self, bought: Order, *, is_paid: bool = True) -> None:
        """Put a new order into both worlds."""
        if is_paid:
            bought.paid = self.now
        account = self.accounts[bought.member]
        self.host.put_order(
            order(
                bought.ref,
                *(line(name, amount) for name, amount in bought.lines.items()),
                user_ref=str(account.user_id),
                created_at=self.now,
                is_paid=is_paid,
                checkout_ref=bought.cart.ref if bought.cart else None,
                effective_share_ppm=bought.share_ppm,
            )
        )
        self.model.orders.append(bought)

    def show(self, cart: Cart) -> None:
        """Put the cart as it is into the shop."""
        self.host.put_checkout(
            cart.ref,
            cart.total,
            user_ref=str(self.accounts[cart.member].user_id),
            is_money_committed=cart.is_committed,
        )

    # --- orders -------------------------------------------------------------------------------

    @rule(
        pick=picks, hours=hours, first=cents, second=cents, is_paid=st.booleans(), is_lost=is_lost
    )
    def buy(
        self, pick: int, hours: int, first: int, second: int, *, is_paid: bool, is_lost: bool
    ) -> None:
        """Buy two lines without points, paid at once or later."""
        ref = f"o{len(self.model.orders):03}"
        bought = Order(ref, self.member(pick), {"a": first, "b": second}, self.tick(hours))
        self.place(bought, is_paid=is_paid)
        self.settle(bought, is_lost=is_lost)

    @precondition(lambda self: self.model.orders)
    @rule(pick=picks, is_lost=is_lost)
    def pay(self, pick: int, *, is_lost: bool) -> None:
        """Pay an order that was not paid."""
        bought = self.order(pick)
        self.tick()
        if bought.paid is None:
            bought.paid = self.now
            self.host.change_order(bought.ref, is_paid=True, paid_at=self.now)
        self.settle(bought, is_lost=is_lost)

    @precondition(lambda self: self.model.orders)
    @rule(pick=picks, hours=hours, fifths=st.integers(0, 5), is_lost=is_lost)
    def refund(self, pick: int, hours: int, fifths: int, *, is_lost: bool) -> None:
        """Set the money refunded in all; less than before takes a refund back."""
        bought = self.order(pick)
        self.tick(hours)
        bought.refunded = bought.total * fifths // 5
        self.host.change_order(bought.ref, refunded_minor=bought.refunded)
        self.settle(bought, is_lost=is_lost)

    @precondition(lambda self: self.model.orders)
    @rule(pick=picks, hours=hours, name=st.sampled_from("ab"), is_lost=is_lost)
    def give_back(self, pick: int, hours: int, name: str, *, is_lost: bool) -> None:
        """Return a line, or take its return back."""
        bought = self.order(pick)
        self.tick(hours)
        bought.returned ^= {name}
        self.host.return_units(bought.ref, name, int(name in bought.returned))
        self.settle(bought, is_lost=is_lost)

    @precondition(lambda self: self.model.orders)
    @rule(pick=picks, hours=hours, is_lost=is_lost)
    def cancel(self, pick: int, hours: int, *, is_lost: bool) -> None:
        """Cancel an order, or open it again."""
        bought = self.order(pick)
        self.tick(hours)
        bought.is_canceled = not bought.is_canceled
        state = OrderState.CANCELED if bought.is_canceled else OrderState.OPEN
        self.host.change_order(bought.ref, state=state)
        self.settle(bought, is_lost=is_lost)

    @precondition(lambda self: self.model.orders)
    @rule(pick=picks, hours=hours, is_sent=st.booleans())
    def fulfil(self, pick: int, hours: int, *, is_sent: bool) -> None:
        """Send the goods, or take the fulfilment back."""
        bought = self.order(pick)
        self.tick(hours)
        bought.fulfilled = self.now if is_sent else None
        self.host.change_order(bought.ref, fulfilled_at=bought.fulfilled)
        self.settle(bought, is_lost=False)

    @precondition(lambda self: self.model.orders)
    @rule(pick=picks, times=st.integers(1, 3))
    def deliver_again(self, pick: int, times: int) -> None:
        """An event comes late, and more than once."""
        for _ in range(times):
            self.tick()
            self.settle(self.order(pick), is_lost=False)

    # --- carts --------------------------------------------------------------------------------

    @rule(pick=picks, hours=hours, total=st.integers(1, 150), wanted=points)
    def redeem(self, pick: int, hours: int, total: int, wanted: int) -> None:
        """Put points on a new cart."""
        self.tick(hours)
        cart = Cart(f"c{len(self.model.carts):03}", self.member(pick), total)
        self.model.carts.append(cart)
        self.show(cart)
        self.change_points(len(self.carts()) - 1, wanted)

    @precondition(lambda self: self.carts())
    @rule(pick=picks, wanted=st.integers(0, 120))
    def change_points(self, pick: int, wanted: int) -> None:
        """Set a cart's points anew; zero clears them."""
        cart = self.carts()[pick % len(self.carts())]
        self.tick()
        user = str(self.accounts[cart.member].user_id)
        self.both(
            lambda: redeeming.set_redemption(
                checkout_ref=cart.ref, user_ref=user, points=wanted, now=self.now
            ),
            lambda: self.model.redeem(cart, wanted, self.now),
        )

    @precondition(lambda self: self.carts())
    @rule(pick=picks, total=st.integers(1, 150))
    def change_cart(self, pick: int, total: int) -> None:
        """Put goods in or take some out; the hold follows."""
        cart = self.carts()[pick % len(self.carts())]
        self.tick()
        cart.total = total
        self.show(cart)
        redeeming.fit_hold(cart.ref, self.now)
        self.model.fit(cart, self.now)

    @precondition(lambda self: self.carts())
    @rule(pick=picks, is_committed=st.booleans())
    def pay_cart(self, pick: int, *, is_committed: bool) -> None:
        """Authorize money on a cart, or void it."""
        cart = self.carts()[pick % len(self.carts())]
        cart.is_committed = is_committed
        self.show(cart)

    @precondition(lambda self: self.carts())
    @rule(
        pick=picks,
        hours=hours,
        first=cents,
        share=st.sampled_from((PPM, PPM, 800_000)),
        is_lost=is_lost,
    )
    def complete(self, pick: int, hours: int, first: int, share: int, *, is_lost: bool) -> None:
        """Order a cart, perhaps with a voucher of the shop that takes a part of the points."""
        cart = self.carts()[pick % len(self.carts())]
        self.tick(hours)
        ref = f"o{len(self.model.orders):03}"
        self.price(cart)
        cart.is_gone = True
        self.host.checkouts.pop(cart.ref)
        cart.order = Order(
            ref,
            cart.member,
            {"a": first, "b": 700},
            self.now,
            cart=cart,
            share_ppm=share,
            quoted_tier=cart.member.tier,
        )
        self.place(cart.order)
        self.settle(cart.order, is_lost=is_lost)

    def price(self, cart: Cart) -> None:
        """Store the price that the checkout had when it was ordered."""
        held = cart.hold.points if cart.hold else 0
        StoredQuote.objects.create(
            checkout_ref=cart.ref,
            account=self.accounts[cart.member],
            version=self.shop.program.current_version,
            tier=cart.member.tier,
            basket_fingerprint="b",
            fingerprint="f",
            payload={"allocations": [["", "points", held, "Points"]]},
            points_applied=held,
            priced_at=self.now,
        )

    @precondition(lambda self: self.carts())
    @rule(pick=picks)
    def abandon(self, pick: int) -> None:
        """The shop deletes a cart; nobody tells."""
        cart = self.carts()[pick % len(self.carts())]
        cart.is_gone = True
        self.host.checkouts.pop(cart.ref)

    # --- staff --------------------------------------------------------------------------------

    @rule(pick=picks, amount=points)
    def grant(self, pick: int, amount: int) -> None:
        """Goodwill, asked for twice."""
        member = self.member(pick)
        self.tick()
        key = self.now.isoformat()

        def give() -> bool:
            posted = granting.grant(
                account_id=self.accounts[member].pk,
                points=amount,
                reason="goodwill",
                actor_ref="user:1",
                key=key,
                now=self.now,
            )
            return posted.is_new

        if self.both(give, lambda: self.model.grant(member, amount, self.now)):
            assert not give()

    @rule(pick=picks, amount=points)
    def adjust(self, pick: int, amount: int) -> None:
        """A correction down."""
        member = self.member(pick)
        self.tick()
        self.both(
            lambda: granting.adjust(
                account_id=self.accounts[member].pk,
                points=-amount,
                reason="typed twice",
                actor_ref="user:1",
                key=self.now.isoformat(),
                now=self.now,
            ),
            lambda: self.model.adjust_down(member, amount, self.now),
        )

    @rule(pick=picks, tier=st.sampled_from((*TIERS, "")), days=st.sampled_from((None, 1, 3)))
    def override(self, pick: int, tier: str, days: int | None) -> None:
        """Give a tier by hand, or let the orders decide again."""
        member = self.member(pick)
        if not tier:
            self.end_override(member)
            return
        until = None if days is None else self.tick() + dt.timedelta(days=days)
        tiering.override(
            account_id=self.accounts[member].pk,
            tier=tier,
            valid_until=until,
            reason="promised",
            actor_ref="user:1",
            now=self.tick(),
        )
        self.model.override(member, tier, until, self.now)

    def end_override(self, member: Member) -> None:
        """Let the orders decide about the tier again."""
        self.tick()
        self.both(
            lambda: tiering.end_override(
                account_id=self.accounts[member].pk,
                reason="promise kept",
                actor_ref="user:1",
                now=self.now,
            ),
            lambda: self.model.end_override(member, self.now),
        )

    # --- time and jobs ------------------------------------------------------------------------

    @rule(hours=st.sampled_from((14, 26, 50, 100)))
    def wait(self, hours: int) -> None:
        """Let the clock jump; no job runs."""
        self.tick(hours)

    @rule(job=st.sampled_from((maturing.mature_due, expiring.expire_due)))
    def sweep(self, job: Callable[[dt.datetime], int]) -> None:
        """Run a job that posts what time brought; nobody sees a difference."""
        job(self.tick())

    @rule()
    def end_what_is_over(self) -> None:
        """Run the jobs that end holds, and tiers given for a time."""
        self.tick()
        tiering.evaluate_due(self.now)
        for member in self.model.members:
            if member.is_manual:
                self.model.evaluate(member, self.now)
        redeeming.lapse_due(self.now)
        self.model.lapse(self.now)

    @rule()
    def reconcile(self) -> None:
        """Run the job that finds what no event told of."""
        self.tick()
        for ref in self.host.orders:
            self.host.orders_changed_at[ref] = self.now
        reconciling.reconcile(self.now)
        for bought in self.model.orders:
            self.model.settle(bought, self.now)
        for cart in self.model.carts:
            if cart.is_gone and cart.hold is not None:
                self.model.finish(cart, self.now)

    # --- what holds after each step -----------------------------------------------------------

    @invariant()
    def holds(self) -> None:
        """Every reader sees what the model holds, no invariant is broken, the entries make it."""
        if not hasattr(self, "model"):
            return
        by_id = {account.pk: member for member, account in self.accounts.items()}
        balances = balances_of(by_id, self.now)
        views = lots_of(by_id, self.now)
        tiers = dict(Account.objects.values_list("pk", "tier"))
        for pk, member in by_id.items():
            seen = balances[pk]
            assert (seen.available, seen.pending, seen.held, seen.deficit) == member.balances()
            lots = [
                (lot.free, lot.held, lot.dies)
                for lot in sorted(member.lots, key=lambda lot: lot.key())
                if lot.free or lot.held
            ]
            assert [(lot.points, lot.held, lot.expires_at) for lot in views.get(pk, [])] == lots
            assert tiers[pk] == member.tier
        sums = OrderRecord.objects.order_by("order_ref").values_list(
            "order_ref", "earned", "clawed", "redeemed", "restored", "spend_minor"
        )
        assert list(sums) == [
            (each.ref, each.earned, each.clawed, each.redeemed, each.restored, each.spend)
            for each in self.model.orders
            if each.factor
        ]
        assert breaches(reads_orders=False) == []
        assert list(replay()) == []


def test_services_and_model_agree_on_any_way() -> None:
    """After each step of any sequence both hold the same, and the ledger is whole."""
    run_state_machine_as_test(
        LedgerMachine,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
            print_blob=True,
        ),
    )
