"""A model of the points ledger in plain numbers, to hold the services against.

Written from the specification alone: it calls neither the services nor the engine. One point for
each dollar, a point is worth a cent, days are those of UTC. Time passes for every member at every
step, so a service that only posts it later must look the same to a reader.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

NEVER = dt.datetime.max.replace(tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)
HOLD_TIME = dt.timedelta(hours=1)
PPM = 1_000_000

# slug, spend in cents that reaches it, what it multiplies points by
LADDER = (("regular", 0, 1), ("vip", 100_00, 2), ("gold", 250_00, 3))
TIERS = [slug for slug, _, _ in LADDER]


@dataclass(frozen=True)
class Terms:
    """What a program of the model says."""

    maturing: str = "at_once"
    maturing_days: int = 0
    expiry: str = "never"
    expiry_days: int = 0
    grace_days: int = 30
    writes_off: bool = False
    goodwill_repays: bool = False
    welcome: int = 0

    def document(self) -> dict[str, object]:
        """Return the same as the sections of a program's rules."""
        return {
            "maturing": {"rule": self.maturing, "days": self.maturing_days},
            "expiry": {
                "policy": self.expiry,
                "count": self.expiry_days,
                "restore_grace_days": self.grace_days,
            },
            "deficit": {
                "policy": "write_off" if self.writes_off else "deficit",
                "goodwill_repays": self.goodwill_repays,
            },
            "redemption": {"hold_minutes": 60},
            "welcome_points": self.welcome,
            "reference": {"currency": "USD"},
            "tiers": {
                "metric": "spend",
                "window": "lifetime",
                "ladder": [
                    {
                        "slug": slug,
                        "name": slug.upper(),
                        "threshold": f"{cents // 100}.00",
                        "earn_multiplier": str(factor),
                    }
                    for slug, cents, factor in LADDER
                ],
            },
        }

    def dies(self, valid: dt.datetime | None) -> dt.datetime | None:
        """Return when points die that become valid at that instant."""
        if valid is None or self.expiry == "never":
            return None
        midnight = valid.replace(hour=0, minute=0, second=0, microsecond=0)
        if self.expiry == "end_of_month":
            return (midnight.replace(day=28) + 4 * DAY).replace(day=1)
        return midnight + (self.expiry_days + 1) * DAY

    def ripe(self, paid: dt.datetime, fulfilled: dt.datetime | None) -> dt.datetime | None:
        """Return when an order's points become available; None: not known yet."""
        days = self.maturing_days * DAY
        if self.maturing == "at_once":
            return paid
        if self.maturing == "days_after_payment":
            return paid + days
        return None if fulfilled is None else max(paid, fulfilled + days)


@dataclass(eq=False)
class Lot:
    """Points of one origin. ``number`` counts up with each lot."""

    number: int
    order: str
    opened: dt.datetime
    valid: dt.datetime | None
    dies: dt.datetime | None
    free: int = 0
    held: int = 0
    is_pending: bool = False
    is_child: bool = False
    child: Lot | None = None

    def is_dead(self, now: dt.datetime) -> bool:
        """Return whether its time is over."""
        return self.dies is not None and self.dies <= now

    def key(self) -> tuple[dt.datetime, dt.datetime, int]:
        """Return its place in the order of spending."""
        return self.dies or NEVER, self.opened, self.number


@dataclass(eq=False)
class Use:
    """What a hold or an order took of one lot."""

    lot: Lot
    points: int
    used: int = 0
    back: int = 0


@dataclass(eq=False)
class Hold:
    """Points on a cart."""

    lapses: dt.datetime
    uses: list[Use] = field(default_factory=list)

    @property
    def points(self) -> int:
        """Return how many are set aside."""
        return sum(use.points for use in self.uses)


@dataclass(eq=False)
class Cart:
    """A cart of a member; it is gone when it was ordered or abandoned."""

    ref: str
    member: Member
    total: int
    hold: Hold | None = None
    is_committed: bool = False
    order: Order | None = None
    is_gone: bool = False


@dataclass(eq=False)
class Order:
    """An order of two lines; what the shop knows of it, and what was booked for it."""

    ref: str
    member: Member
    lines: dict[str, int]
    created: dt.datetime
    cart: Cart | None = None
    share_ppm: int = PPM  # what a voucher of the shop leaves of the points' discount
    quoted_tier: str | None = None
    paid: dt.datetime | None = None
    fulfilled: dt.datetime | None = None
    is_canceled: bool = False
    returned: set[str] = field(default_factory=set)
    refunded: int = 0
    factor: int = 0  # 0: not seen yet
    noted_paid: dt.datetime | None = None
    spend: int = 0
    earned: int = 0
    clawed: int = 0
    redeemed: int = 0
    restored: int = 0
    uses: list[Use] = field(default_factory=list)
    taken: dict[Lot, int] = field(default_factory=dict)  # claw-back by lot
    owed: int = 0  # claw-back that became a deficit
    written_off: int = 0
    points_written_off: int = 0  # redeemed points taken again that nobody had

    @property
    def total(self) -> int:
        """Return what was paid for it in cents."""
        return sum(self.lines.values())

    def kept(self) -> int:
        """Return the cents of what the customer keeps and has not been paid back."""
        if self.is_canceled:
            return 0
        returned = sum(self.lines[name] for name in self.returned)
        money_only = max(0, self.refunded - returned)
        return max(0, self.total - returned - money_only)


@dataclass(eq=False)
class Member:
    """A member's lots, debt and tier."""

    name: str
    lots: list[Lot] = field(default_factory=list)
    owes: int = 0
    tier: str = "regular"
    tiers: list[tuple[dt.datetime, str]] = field(default_factory=list)
    is_manual: bool = False
    manual_until: dt.datetime | None = None
    spend_then: int = 0

    def balances(self) -> tuple[int, int, int, int]:
        """Return available, pending, held and deficit."""
        return (
            sum(lot.free for lot in self.lots if not lot.is_pending),
            sum(lot.free for lot in self.lots if lot.is_pending),
            sum(lot.held for lot in self.lots),
            self.owes,
        )

    def live(self, now: dt.datetime) -> list[Lot]:
        """Return the lots with points to spend, soonest expiry first."""
        lots = (lot for lot in self.lots if not lot.is_pending and not lot.is_dead(now))
        return sorted((lot for lot in lots if lot.free), key=Lot.key)


class Refused(Exception):
    """The ledger says no; the argument is the code that the services answer with."""


class Ledger:
    """What the services should have made of the same events."""

    def __init__(self, terms: Terms) -> None:
        self.terms = terms
        self.members: list[Member] = []
        self.orders: list[Order] = []
        self.carts: list[Cart] = []
        self._count = 0

    # --- time ---------------------------------------------------------------------------------

    def pass_time(self, now: dt.datetime) -> None:
        """Let points mature (a deficit first) and die, each at its instant."""
        for member in self.members:
            while dues := self._dues(member, now):
                _, is_death, _, lot = min(dues, key=lambda due: due[:3])
                if is_death:
                    lot.free = 0
                else:
                    repaid = min(lot.free, member.owes)
                    member.owes -= repaid
                    lot.free -= repaid
                    lot.is_pending = False

    def _dues(self, member: Member, now: dt.datetime) -> list[tuple[dt.datetime, bool, int, Lot]]:
        dues = []
        for lot in member.lots:
            if lot.free and lot.is_pending and lot.valid is not None and lot.valid <= now:
                dues.append((lot.valid, False, lot.number, lot))
            if lot.free and lot.dies is not None and lot.dies <= now:
                dues.append((lot.dies, True, lot.number, lot))
        return dues

    def _lengthen(self, member: Member, activity: dt.datetime) -> None:
        if self.terms.expiry != "inactivity":
            return
        for lot in member.lots:
            if lot.dies is not None and lot.dies > activity and (lot.free or lot.held):
                lot.dies = max(lot.dies, self.terms.dies(activity) or lot.dies)

    # --- points in and out --------------------------------------------------------------------

    def join(self, name: str, now: dt.datetime) -> Member:
        """Add a member, with the welcome points."""
        member = Member(name, tiers=[(now, "regular")])
        self.members.append(member)
        if self.terms.welcome:
            self._credit(member, [(self._open(member, "", now, now), self.terms.welcome)])
        return member

    def grant(self, member: Member, points: int, now: dt.datetime) -> None:
        """Give points by hand."""
        if member.owes and not self.terms.goodwill_repays:
            raise Refused("IN_DEFICIT")
        self._credit(member, [(self._open(member, "", now, now), points)])

    def adjust_down(self, member: Member, points: int, now: dt.datetime) -> None:
        """Take points by hand, only what is there."""
        live = member.live(now)
        if points > sum(lot.free for lot in live):
            raise Refused("NOT_ENOUGH_POINTS")
        for lot in live:
            out = min(points, lot.free)
            lot.free -= out
            points -= out

    def _open(
        self, member: Member, order: str, opened: dt.datetime, valid: dt.datetime | None
    ) -> Lot:
        self._count += 1
        lot = Lot(self._count, order, opened, valid, self.terms.dies(valid))
        member.lots.append(lot)
        return lot

    def _credit(self, member: Member, incoming: Iterable[tuple[Lot, int]]) -> None:
        for lot, points in incoming:
            repaid = min(points, member.owes)
            member.owes -= repaid
            if points > repaid:
                lot.free += points - repaid
                lot.is_pending = False

    def _take(
        self, member: Member, points: int, order: str, first: Sequence[Lot], now: dt.datetime
    ) -> tuple[list[tuple[Lot, int]], int]:
        """Take points where a claw-back takes them; return from which lots, and what is missing."""
        newest = sorted(member.lots, key=lambda lot: (lot.opened, lot.number), reverse=True)
        alive = [lot for lot in newest if lot.free and not lot.is_dead(now)]

        def rank(lot: Lot) -> int | None:
            is_own = bool(order) and lot.order == order
            if lot.is_pending:
                return 0 if is_own else None
            return (1 if is_own else 2) + (2 if lot.held else 0)

        taken = []
        for group in (
            [lot for lot in alive if lot in first],
            [lot for lot in alive if lot not in first],
        ):
            ranked = [(rank(lot), lot) for lot in group]
            for _, lot in sorted(
                ((place, lot) for place, lot in ranked if place is not None),
                key=lambda item: item[0],
            ):
                out = min(points, lot.free)
                if out:
                    lot.free -= out
                    points -= out
                    taken.append((lot, out))
        return taken, points

    def _bear(self, member: Member, points: int) -> None:
        """Let the member owe what nobody had, unless the program bears it."""
        if not self.terms.writes_off:
            member.owes += points

    # --- carts --------------------------------------------------------------------------------

    def redeem(self, cart: Cart, points: int, now: dt.datetime) -> None:
        """Set the points of a cart; zero clears."""
        if points:
            self.lapse(now, only=cart.member)
        if cart.is_committed:
            raise Refused("CHECKOUT_PAID")
        if not points:
            if cart.hold is not None:
                self.finish(cart, now)
            return
        member = cart.member
        if member.owes:
            raise Refused("IN_DEFICIT")
        had = cart.hold.points if cart.hold is not None else 0
        if points > had + sum(lot.free for lot in member.live(now)):
            raise Refused("NOT_ENOUGH_POINTS")
        cart.hold = cart.hold or Hold(now)
        cart.hold.lapses = now + HOLD_TIME
        wanted = min(points, cart.total)
        if wanted < had:
            self._shrink(cart, had - wanted, now)
        else:
            self._pin(cart.hold, member, wanted - had, now)

    def fit(self, cart: Cart, now: dt.datetime) -> None:
        """Let the hold follow a cart that changed."""
        if cart.hold is None:
            return
        cart.hold.lapses = now + HOLD_TIME
        surplus = cart.hold.points - cart.total
        if surplus > 0 and not cart.is_committed:
            self._shrink(cart, surplus, now)

    def finish(self, cart: Cart, now: dt.datetime) -> None:
        """End the hold: what was not used comes back, and is breakage where its lot died."""
        hold = cart.hold
        assert hold is not None
        cart.hold = None
        back = [
            (use.lot, use.points - use.used)
            for use in sorted(hold.uses, key=lambda use: use.lot.key())
        ]
        self._unpin(cart.member, back, now)

    def lapse(self, now: dt.datetime, only: Member | None = None) -> None:
        """End holds whose time is over, unless money is on its way or they were ordered."""
        overdue = [cart for cart in self.carts if cart.hold and cart.hold.lapses <= now]
        for cart in sorted(overdue, key=lambda cart: cart.hold.lapses if cart.hold else NEVER):
            if only is not None and cart.member is not only:
                continue
            if cart.order is not None:
                self.settle(cart.order, now)
            elif cart.is_committed and not cart.is_gone and cart.hold is not None:
                cart.hold.lapses = now + HOLD_TIME
            else:
                self.finish(cart, now)

    def _pin(self, hold: Hold, member: Member, points: int, now: dt.datetime) -> None:
        for lot in member.live(now):
            out = min(points, lot.free)
            if not out:
                continue
            points -= out
            lot.free -= out
            lot.held += out
            use = next((use for use in hold.uses if use.lot is lot), None)
            if use is None:
                use = Use(lot, 0)
                hold.uses.append(use)
            use.points += out

    def _shrink(self, cart: Cart, points: int, now: dt.datetime) -> None:
        """Give points of the hold back, those of latest expiry first."""
        hold = cart.hold
        assert hold is not None
        back = []
        for use in sorted(hold.uses, key=lambda use: use.lot.key(), reverse=True):
            out = min(points, use.points)
            use.points -= out
            points -= out
            back.append((use.lot, out))
        hold.uses = [use for use in hold.uses if use.points]
        self._unpin(cart.member, reversed(back), now)

    def _unpin(self, member: Member, back: Iterable[tuple[Lot, int]], now: dt.datetime) -> None:
        alive = []
        for lot, points in back:
            lot.held -= points
            if not lot.is_dead(now):
                alive.append((lot, points))
        self._credit(member, alive)

    # --- orders -------------------------------------------------------------------------------

    def settle(self, order: Order, now: dt.datetime) -> None:
        """Bring what is booked to what the order's state asks for."""
        member = order.member
        if not order.factor:
            tier = order.quoted_tier or _tier_at(member, order.created)
            order.factor = next(factor for slug, _, factor in LADDER if slug == tier)
        if order.paid is not None and order.noted_paid is None:
            order.noted_paid = order.paid
            if not order.is_canceled:
                self._lengthen(member, order.paid)
        self._capture(order, now)
        self._ripen(order, now)
        self.pass_time(now)
        self._accrue(order, now)
        self._restore_to_target(order, now)
        order.spend = order.kept() if order.noted_paid is not None else 0
        self.evaluate(member, now)

    def _capture(self, order: Order, now: dt.datetime) -> None:
        cart = order.cart
        if cart is None or cart.hold is None:
            return
        points = min(cart.hold.points, cart.hold.points * order.share_ppm // PPM)
        rest = points
        for use in sorted(cart.hold.uses, key=lambda use: use.lot.key()):
            use.used = min(rest, use.points)
            use.lot.held -= use.used
            rest -= use.used
        order.uses = [use for use in cart.hold.uses if use.used]
        order.redeemed += points
        self.finish(cart, now)
        if points:
            self._lengthen(order.member, order.created)

    def _ripen(self, order: Order, now: dt.datetime) -> None:
        """Tell the order's waiting points when they become available, or that nobody knows."""
        if self.terms.maturing != "days_after_fulfilment" or order.noted_paid is None:
            return
        valid = self.terms.ripe(order.noted_paid, order.fulfilled)
        for lot in order.member.lots:
            is_waiting = lot.is_pending and (lot.valid is None or lot.valid > now)
            if lot.order == order.ref and not lot.is_child and is_waiting and lot.valid != valid:
                dies = self.terms.dies(valid)
                lot.valid = valid
                lot.dies = max(dies, lot.dies) if dies and lot.dies else dies

    def _accrue(self, order: Order, now: dt.datetime) -> None:
        member = order.member
        if order.paid is not None and not order.earned and order.noted_paid is not None:
            order.earned = order.total * order.factor // 100
            valid = self.terms.ripe(order.noted_paid, order.fulfilled)
            lot = self._open(member, order.ref, order.noted_paid, valid)
            if valid is None or valid > now:
                lot.free, lot.is_pending = order.earned, True
            else:
                self._credit(member, [(lot, order.earned)])
            self.pass_time(now)
        if not order.earned:
            return
        lost = order.earned - order.kept() * order.factor // 100 - order.clawed
        order.clawed += lost
        if lost > 0:
            taken, missing = self._take(member, lost, order.ref, (), now)
            for lot, points in taken:
                order.taken[lot] = order.taken.get(lot, 0) + points
            self._bear(member, missing)
            if self.terms.writes_off:
                order.written_off += missing
            else:
                order.owed += missing
        elif lost < 0:
            self._give_back(order, -lost, now)

    def _give_back(self, order: Order, points: int, now: dt.datetime) -> None:
        """Undo a claw-back, what was taken last first."""
        member = order.member
        written_off = min(points, order.written_off)
        order.written_off -= written_off
        points -= written_off
        owed = min(points, order.owed)
        order.owed -= owed
        points -= owed
        incoming: list[tuple[Lot | None, int]] = [(None, owed)] if owed else []
        for lot in sorted(
            order.taken, key=lambda lot: (lot.order == order.ref, lot.opened, lot.number)
        ):
            back = min(points, order.taken[lot])
            if not back:
                continue
            order.taken[lot] -= back
            points -= back
            if lot.is_dead(now):
                incoming.append((None, back))
            elif lot.is_pending and (lot.valid is None or lot.valid > now):
                lot.free += back
            else:
                incoming.append((lot, back))
        if any(lot is None for lot, _ in incoming):
            new = self._open(member, order.ref, now, now)
            incoming = [(lot or new, back) for lot, back in incoming]
        self._credit(member, [(lot, back) for lot, back in incoming if lot is not None])

    def _restore_to_target(self, order: Order, now: dt.datetime) -> None:
        kept = order.kept()
        target = order.redeemed * (order.total - kept) // order.total
        change = target - order.restored
        order.restored = target
        if change > 0:
            self._restore(order, change, now)
        elif change < 0:
            self._revoke(order, -change, now)

    def _restore(self, order: Order, points: int, now: dt.datetime) -> None:
        """Give redeemed points back to the lots they came from, the last used first."""
        member = order.member
        written_off = min(points, order.points_written_off)
        order.points_written_off -= written_off
        points -= written_off
        incoming = []
        for use in reversed(order.uses):
            back = min(points, use.used - use.back)
            if not back:
                continue
            points -= back
            use.back += back
            lot = use.lot
            if not lot.is_dead(now):
                incoming.append((lot, back))
            elif not lot.is_child and (lot.child is None or not lot.child.is_dead(now)):
                if lot.child is None:
                    lot.child = self._open(member, lot.order, now, now)
                    lot.child.is_child = True
                    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
                    lot.child.dies = midnight + (self.terms.grace_days + 1) * DAY
                incoming.append((lot.child, back))
        if points:  # had become a deficit
            incoming.append((self._open(member, order.ref, now, now), points))
        self._credit(member, incoming)

    def _revoke(self, order: Order, points: int, now: dt.datetime) -> None:
        """Take redeemed points again whose refund was taken back."""
        first = [use.lot for use in order.uses]
        first += [lot.child for lot in first if lot.child is not None]
        taken, missing = self._take(order.member, points, "", first, now)
        for lot, out in taken:
            use = next((use for use in order.uses if use.lot is lot), None)
            if use is None:
                use = Use(lot, 0)
                order.uses.append(use)
            use.used += out
        self._bear(order.member, missing)
        if self.terms.writes_off:
            order.points_written_off += missing

    # --- tiers --------------------------------------------------------------------------------

    def override(
        self, member: Member, tier: str, until: dt.datetime | None, now: dt.datetime
    ) -> None:
        """Give a tier by hand."""
        if member.is_manual and (member.tier, member.manual_until) == (tier, until):
            return
        member.is_manual, member.manual_until = True, until
        member.spend_then = self._spend(member)
        self._move(member, tier, now)

    def end_override(self, member: Member, now: dt.datetime) -> None:
        """Let the orders decide again."""
        if not member.is_manual:
            raise Refused("INVALID")
        member.manual_until = now
        self.evaluate(member, now)

    def evaluate(self, member: Member, now: dt.datetime) -> None:
        """Move a member where the spend of a lifetime puts him, or keep what was given by hand."""
        reached = _reached(self._spend(member))
        if member.is_manual:
            is_over = member.manual_until is not None and member.manual_until <= now
            held = max(TIERS.index(member.tier), TIERS.index(_reached(member.spend_then)))
            if not is_over and TIERS.index(reached) <= held:
                return
        member.is_manual = False
        self._move(member, reached, now)

    def _spend(self, member: Member) -> int:
        return sum(order.spend for order in self.orders if order.member is member)

    def _move(self, member: Member, tier: str, now: dt.datetime) -> None:
        if tier != member.tier:
            member.tier = tier
            member.tiers.append((now, tier))


def _reached(spend: int) -> str:
    return [slug for slug, cents, _ in LADDER if cents <= spend][-1]


def _tier_at(member: Member, at: dt.datetime) -> str:
    return [tier for since, tier in member.tiers if since <= at][-1]
