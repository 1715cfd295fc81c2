"""One process of the simulation: it does what its plan says, and writes down what it was told.

It behaves as a shop's process does: it sends a request with its key, hears that it was done or
refused, or hears nothing because something died. Then it connects again and goes on.
"""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.db import InterfaceError, OperationalError, connections, transaction

from saleor_retention.engine.facts import OrderFacts
from saleor_retention.errors import Refusal
from saleor_retention.models import Account, Hold, HoldState, StoredQuote
from saleor_retention.selectors.balances import balance_of
from saleor_retention.services.checkout import redeeming
from saleor_retention.services.ledger import expiring, granting, maturing
from saleor_retention.services.ledger.locking import sqlstate
from saleor_retention.services.ordering import reconciling, settling
from tests.soak import plan
from tests.soak.journal import Journal
from tests.soak.plan import GUESTS, Step
from tests.soak.shop import FLEETING, STEADY, SqlShop, execute, rows

BACKLOG_MAX = 4  # late events that wait; the oldest comes when there are more
NEWEST = 12  # orders and carts that are worked on
RECONNECT_SECONDS = 0.05
LOST_STATES = ("57P", "08")  # the server goes down, the connection is gone
INSERT_ORDER = """
    INSERT INTO soak_order (ref, channel, user_ref, email, checkout_ref, points_paid, first, second,
                            created_at, changed_at, paid_at)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
"""


@dataclass(frozen=True, slots=True)
class World:
    """What every process knows from the start."""

    seed: int
    folder: Path
    shop: SqlShop
    user_refs: tuple[str, ...]
    accounts: dict[tuple[str, str], int]  # (user, channel) -> account
    versions: dict[str, int]  # channel -> version of its program's rules


def guest_email(number: int) -> str:
    """Return the address of a guest."""
    return f"guest{number}@example.com"


def owner_of_guest(world: World, number: int) -> str:
    """Return the user whom a guest turns out to be."""
    return world.user_refs[number % len(world.user_refs)]


def is_lost_connection(error: BaseException) -> bool:
    """Tell a connection that died from a fault of ours."""
    if isinstance(error, InterfaceError):
        return True
    state = sqlstate(error)
    return isinstance(error, OperationalError) and (not state or state.startswith(LOST_STATES))


def run(world: World, place: int, generation: int) -> None:
    """Work through the plan until somebody kills this process."""
    worker = Worker(world, f"{place:02}-{generation:03}")
    for step in plan.steps(world.seed, place, generation):
        worker.do(step)


@dataclass
class Worker:
    """The deeds, by their names in the plan."""

    world: World
    name: str
    count: int = 0
    rush: int = 0
    backlog: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Open the journal; the rush that goes on now is for the others."""
        self.journal = Journal(self.world.folder, self.name)
        self.shop = self.world.shop
        self.rush = int(self.shop.clock.elapsed() / plan.RUSH_SECONDS)

    # --- doing and hearing --------------------------------------------------------------------

    def do(self, step: Step) -> None:
        """Do one step, and join the rush if a new one has begun."""
        self.count += 1
        rush = int(self.shop.clock.elapsed() / plan.RUSH_SECONDS)
        if rush > self.rush:
            self.rush = rush
            self.attempt("rush", lambda: self.take_all(rush, self.fresh("rush"), 9000))
        if len(self.backlog) > BACKLOG_MAX:
            self.attempt("late event", lambda: self.settle(self.backlog.pop(0)))
        self.attempt(step.deed, lambda: getattr(self, step.deed)(step))

    def attempt(self, deed: str, work: Callable[[], Any]) -> None:
        """Do something; a refusal, a dead connection and a fault are each written down."""
        try:
            work()
        except Refusal as refused:
            self.journal.count("refusal", deed=deed, code=refused.code.value)
        except Exception as error:  # noqa: BLE001 - whatever it is, it stands in the journal
            if not is_lost_connection(error):
                self.journal.write("fault", deed=deed, trace=traceback.format_exc())
                connections.close_all()
                return
            self.journal.count("lost", deed=deed)
            self.reconnect()
        else:
            self.journal.count("done", deed=deed)

    def reconnect(self) -> None:
        """Wait until the database answers again."""
        while True:
            connections.close_all()
            time.sleep(RECONNECT_SECONDS)
            try:
                execute("SELECT 1")
            except (OperationalError, InterfaceError):
                continue
            return

    def fresh(self, kind: str) -> str:
        """Return a reference that no other process makes."""
        self.count += 1
        return f"{kind}-{self.name}-{self.count:05}"

    # --- orders -------------------------------------------------------------------------------

    def buy(self, step: Step) -> None:
        """Buy two lines without points; two of three are paid at once."""
        self.place(self.user(step), self.channel(step), step, is_paid=bool(step.other % 3))

    def buy_as_guest(self, step: Step) -> None:
        """Buy without an account."""
        number = step.pick % GUESTS
        self.place(None, self.channel(step), step, is_paid=True, email=guest_email(number))

    def place(
        self, user: str | None, channel: str, step: Step, *, is_paid: bool, email: str = ""
    ) -> None:
        """Put an order into the shop and deliver its event."""
        ref = self.fresh("order")
        now = self.shop.clock.now()
        values = [ref, channel, user, email or f"{ref}@example.com", None, 0]
        values += [step.cents, 100 + step.other, now, now, now if is_paid else None]
        execute(INSERT_ORDER, values)
        self.journal.write("ordered", order=ref, points=0)
        self.deliver(ref, step)

    def attach_guest(self, step: Step) -> None:
        """Saleor finds that a guest has an account; nobody is told, and nothing is dated anew."""
        number = step.pick % GUESTS
        attach(self.world, number)

    def pay(self, step: Step) -> None:
        """Pay an order that is not paid."""
        self.change(step, "paid_at = coalesce(paid_at, %s)", [self.shop.clock.now()])

    def refund(self, step: Step) -> None:
        """Set the money refunded in all, in fifths; less than before takes a refund back."""
        self.change(step, "refunded = (first + second) * %s / 5", [step.other % 6])

    def send_back(self, step: Step) -> None:
        """Return a line, or take its return back."""
        name = ("is_first_back", "is_second_back")[step.other % 2]
        self.change(step, f"{name} = NOT {name}", [])

    def cancel(self, step: Step) -> None:
        """Cancel an order, or open it again."""
        self.change(step, "is_canceled = NOT is_canceled", [])

    def change(self, step: Step, what: str, parameters: list[Any]) -> None:
        """Change an order in the shop and deliver the event; "stale" delivers the state before."""
        ref = self.pick_ref("soak_order", step)
        if ref is None:
            return
        before = self.shop.order_facts(ref)
        with transaction.atomic():
            execute("SELECT 1 FROM soak_order WHERE ref = %s FOR UPDATE", [ref])
            execute(
                f"UPDATE soak_order SET {what}, changed_at = %s WHERE ref = %s",
                [*parameters, self.shop.clock.now(), ref],
            )
        self.deliver(ref, step, before)

    def deliver_again(self, step: Step) -> None:
        """An event of long ago comes once more, up to three times."""
        ref = self.pick_ref("soak_order", step)
        if ref is not None:
            for _ in range(step.times):
                self.settle(ref)

    def deliver(self, ref: str, step: Step, before: OrderFacts | None = None) -> None:
        """Let the event arrive as the plan says."""
        if step.delivery == "lost":
            return
        if step.delivery == "late":
            self.backlog.append(ref)
            return
        for _ in range(step.times):
            self.settle(ref)
        if step.delivery == "stale" and before is not None:
            settling.settle_facts(before, self.shop.clock.now())
            self.backlog.append(ref)

    def settle(self, ref: str) -> None:
        """Settle an order, and write down what is booked of it."""
        record = settling.settle(order_ref=ref, now=self.shop.clock.now())
        if record is not None:
            self.journal.write("settled", order=ref, earned=record.earned, redeemed=record.redeemed)

    # --- carts --------------------------------------------------------------------------------

    def redeem(self, step: Step) -> None:
        """Put points on a new cart."""
        ref = self.open_cart(self.fresh("cart"), self.user(step), self.channel(step), step.cents)
        self.set_points(ref, self.user(step), step)

    def redeem_all(self, step: Step) -> None:
        """Want everything that a member has for a new cart."""
        self.take_all(step.pick, self.fresh("cart"), step.cents)

    def take_all(self, number: int, ref: str, cents: int) -> None:
        """Put all points of one member on a new cart, as others do at the same time."""
        user = self.world.user_refs[number % len(self.world.user_refs)]
        channel = (STEADY, FLEETING)[number // len(self.world.user_refs) % 2]
        account = Account.objects.get(pk=self.world.accounts[user, channel])
        points = balance_of(account, self.shop.clock.now()).available
        if points:
            self.open_cart(ref, user, channel, cents)
            self.redeem_points(ref, user, points)

    def open_cart(self, ref: str, user: str, channel: str, cents: int) -> str:
        """Put a cart into the shop."""
        values = [ref, channel, user, cents]
        execute(
            "INSERT INTO soak_checkout (ref, channel, user_ref, total) VALUES (%s, %s, %s, %s)",
            values,
        )
        return ref

    def change_points(self, step: Step) -> None:
        """Set a cart's points anew; every fourth time they are cleared."""
        found = self.cart(step)
        if found is not None:
            self.set_points(*found, step, clears=step.other % 4 == 0)

    def set_points(self, ref: str, user: str, step: Step, *, clears: bool = False) -> None:
        """Set points, as often as the plan says."""
        for _ in range(step.times):
            self.redeem_points(ref, user, 0 if clears else step.points)

    def redeem_points(self, ref: str, user: str, points: int) -> None:
        """Set points and write the hold down."""
        hold = redeeming.set_redemption(
            checkout_ref=ref, user_ref=user, points=points, now=self.shop.clock.now()
        )
        if hold is not None:
            self.journal.write("held", hold=hold.pk, checkout=ref, points=hold.points)

    def change_cart(self, step: Step) -> None:
        """Put goods in or take some out; the hold follows."""
        found = self.cart(step)
        if found is not None:
            execute("UPDATE soak_checkout SET total = %s WHERE ref = %s", [step.points, found[0]])
            redeeming.fit_hold(found[0], self.shop.clock.now())

    def commit_money(self, step: Step) -> None:
        """Authorize money on a cart, or void it."""
        found = self.cart(step)
        if found is not None:
            execute(
                "UPDATE soak_checkout SET is_committed = NOT is_committed WHERE ref = %s",
                [found[0]],
            )

    def complete(self, step: Step) -> None:
        """Order a cart: the shop deletes it and writes the order in one transaction."""
        found = self.cart(step)
        if found is not None:
            ref = order_cart(self.world, found[0], self.fresh("order"), step.cents, 700)
            if ref is not None:
                (row,) = rows("ref = %s", [ref])
                self.journal.write("ordered", order=ref, points=row.points_paid)
                self.deliver(ref, step)

    def abandon(self, step: Step) -> None:
        """The shop deletes a cart; nobody tells."""
        found = self.cart(step)
        if found is not None:
            execute("DELETE FROM soak_checkout WHERE ref = %s", [found[0]])

    # --- staff --------------------------------------------------------------------------------

    def grant(self, step: Step) -> None:
        """Goodwill, asked for up to three times under one key."""
        self.give_or_take(step, step.points)

    def adjust(self, step: Step) -> None:
        """A correction down, asked for up to three times under one key."""
        self.give_or_take(step, -step.points)

    def give_or_take(self, step: Step, points: int) -> None:
        """Write down what is asked for, ask, and write down the answer."""
        account_id = self.world.accounts[self.user(step), self.channel(step)]
        key = self.fresh("key")
        self.journal.write("asked", key=key, account=account_id, points=points)
        for _ in range(step.times):
            self.attempt("request", lambda: self.ask(key, account_id, points))

    def ask(self, key: str, account_id: int, points: int) -> None:
        """Send one request under a key; what is neither acknowledged nor refused is in doubt."""
        self.journal.write("called", key=key)
        try:
            ask(key, account_id, points, self.shop)
        except Refusal:
            self.journal.write("refused", key=key)
            raise
        self.journal.write("acknowledged", key=key)

    # --- jobs ---------------------------------------------------------------------------------

    def mature(self, _step: Step) -> None:
        """Run the job."""
        maturing.mature_due(self.shop.clock.now())

    def expire(self, _step: Step) -> None:
        """Run the job."""
        expiring.expire_due(self.shop.clock.now())

    def lapse(self, _step: Step) -> None:
        """Run the job."""
        redeeming.lapse_due(self.shop.clock.now())

    def reconcile(self, _step: Step) -> None:
        """Run the job."""
        reconciling.reconcile(self.shop.clock.now())

    # --- who and what -------------------------------------------------------------------------

    def user(self, step: Step) -> str:
        """Return a member."""
        return self.world.user_refs[step.pick % len(self.world.user_refs)]

    def channel(self, step: Step) -> str:
        """Return the channel of one of the programs."""
        return (STEADY, FLEETING)[step.pick // len(self.world.user_refs) % 2]

    def pick_ref(self, table: str, step: Step) -> str | None:
        """Return one of the newest rows, so that processes meet at the same ones."""
        found = execute(f"SELECT ref FROM {table} ORDER BY number DESC LIMIT {NEWEST}")
        return found[step.other % len(found)][0] if found else None

    def cart(self, step: Step) -> tuple[str, str] | None:
        """Return one of the newest carts and whose it is."""
        ref = self.pick_ref("soak_checkout", step)
        found = execute("SELECT ref, user_ref FROM soak_checkout WHERE ref = %s", [ref])
        return (found[0][0], found[0][1]) if found else None


# --- what the end of the run does as well ---------------------------------------------------------


def ask(key: str, account_id: int, points: int, shop: SqlShop) -> bool:
    """Grant or take points under a key; return whether that booked them now."""
    posted = granting.adjust(
        account_id=account_id,
        points=points,
        reason="soak",
        actor_ref="user:1",
        key=key,
        now=shop.clock.now(),
    )
    return posted.is_new


def attach(world: World, number: int) -> None:
    """Give the orders of a guest to the user whom he turned out to be."""
    email = guest_email(number)
    with transaction.atomic():
        execute("SELECT 1 FROM soak_order WHERE email = %s ORDER BY ref FOR UPDATE", [email])
        execute(
            "UPDATE soak_order SET user_ref = %s WHERE email = %s AND user_ref IS NULL",
            [owner_of_guest(world, number), email],
        )


def order_cart(world: World, cart: str, ref: str, first: int, second: int) -> str | None:
    """Make an order of a cart at the price that it has, as Saleor does: under the cart's lock."""
    shop = world.shop
    with transaction.atomic():
        if not shop.lock_checkout(cart):
            return None
        ((channel, user),) = execute(
            "SELECT channel, user_ref FROM soak_checkout WHERE ref = %s", [cart]
        )
        hold = Hold.objects.filter(checkout_ref=cart, state=HoldState.PLACED).first()
        points = hold.points if hold is not None else 0
        now = shop.clock.now()
        StoredQuote.objects.create(
            checkout_ref=cart,
            account_id=world.accounts[user, channel],
            version_id=world.versions[channel],
            user_ref=user,
            basket_fingerprint="b",
            fingerprint="f",
            payload={"allocations": [["", "points", points, "Points"]]},
            points_applied=points,
            priced_at=now,
        )
        execute("DELETE FROM soak_checkout WHERE ref = %s", [cart])
        values = [ref, channel, user, f"{ref}@example.com", cart, points]
        execute(INSERT_ORDER, [*values, first, second, now, now, now])
    return ref
