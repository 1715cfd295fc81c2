"""The order lane: spend thresholds and free shipping, on what the other lanes leave.

A plan says which steps are reached. The goods that count for one threshold do not count for the
next one of the plan: inside a lane a unit of goods serves one offer. Free shipping uses up no
goods.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, permutations, product

from saleor_retention.engine.money import allocate_capped
from saleor_retention.engine.offers.kinds import ORDER_LANE, FreeShipping, SpendStep, SpendThreshold
from saleor_retention.engine.offers.live import Live

PLANS_MAX = 300
ITEMS_MAX = 4  # spend thresholds that are considered together


@dataclass(slots=True)
class RowLeft:
    """What the goods and member lanes leave of a row."""

    units: list[tuple[int, int, int]]  # (minor units left, floor, how many such units)
    spare_minor: int = 0
    total_minor: int = field(init=False)  # what is left of the whole row
    has_floor: bool = field(init=False, default=False)

    def __post_init__(self) -> None:
        """Add the units up once."""
        self.total_minor = self.spare_minor
        for left, floor, count in self.units:
            self.total_minor += left * count
            if floor:
                self.has_floor = True

    def room(self, floor_minor: int) -> int:
        """Return what may come off at most."""
        if not floor_minor and not self.has_floor:
            return self.total_minor
        rooms = [
            (left - max(floor, floor_minor)) * count
            for left, floor, count in self.units
            if left > floor and left > floor_minor
        ]
        room = sum(rooms)
        return room + (0 if floor_minor else self.spare_minor)


@dataclass(frozen=True, slots=True)
class Item:
    """One spend threshold of a plan: the step, and the rows that count for it."""

    live: Live
    position: int
    step: SpendStep
    rows: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """The steps that are reached, in the order in which they claim goods."""

    items: tuple[Item, ...] = ()
    shipping: Live | None = None

    @property
    def key(self) -> tuple[tuple[str, int], ...]:
        """Return the plan as (offer id, step) pairs."""
        items = tuple((item.live.offer.id, item.position) for item in self.items)
        return (*items, (self.shipping.offer.id, 0)) if self.shipping else items

    @property
    def tie(self) -> tuple[int, int, int, tuple[tuple[int, int], ...]]:
        """Return the key that decides between plans that take off the same: the least is taken.

        Fewest limited offers, fewest offers, and then those of higher priority or lower id.
        """
        ranks = [(item.live.rank, item.position) for item in self.items]
        limited = sum([item.live.is_limited for item in self.items])
        if self.shipping:
            ranks.append((self.shipping.rank, 0))
            limited += self.shipping.is_limited
        return limited, len(ranks), sum([rank for rank, _position in ranks]), tuple(ranks)

    def demands(self) -> Iterator[tuple[str, tuple[int, ...], int]]:
        """Yield (offer id, rows, least amount that must be left of them)."""
        for item in self.items:
            yield item.live.offer.id, item.rows, item.step.from_minor
        if self.shipping:
            yield self.shipping.offer.id, self.shipping.rows[0], _shipping_from(self.shipping)

    def is_met(self, left: Sequence[RowLeft]) -> bool:
        """Return whether every demand is met."""
        return all(
            sum([left[row].total_minor for row in rows]) >= least
            for _offer_id, rows, least in self.demands()
        )

    def amounts(self, left: Sequence[RowLeft]) -> list[int] | None:
        """Return what each item takes off, or None where a demand is not met."""
        if not self.is_met(left):
            return None
        found = []
        for item in self.items:
            basis = sum([left[row].total_minor for row in item.rows])
            room = sum([left[row].room(item.live.offer.floor_minor) for row in item.rows])
            found.append(min(item.step.cut.off(basis), room))
        return found

    def most(self, totals: Sequence[int]) -> int:
        """Return what the items take off at most, where rows hold no more than ``totals``."""
        return sum(
            [item.step.cut.off(sum([totals[row] for row in item.rows])) for item in self.items]
        )


class OrderLane:
    """The plans that a basket may reach, and the best of them for what is left."""

    def __init__(
        self, live: Sequence[Live], untouched: Sequence[RowLeft], shipping_minor: int
    ) -> None:
        self.shipping_minor = shipping_minor
        self._totals = [row.total_minor for row in untouched]
        own = [each for each in live if isinstance(each.offer.benefit, ORDER_LANE)]
        spends = [each for each in own if isinstance(each.offer.benefit, SpendThreshold)]
        ships = [
            each
            for each in own
            if isinstance(each.offer.benefit, FreeShipping) and self._reaches(each)
        ]
        plans = [
            Plan(items, ship)
            for items in self._item_lists(spends)
            for ship in (None, *(ships if shipping_minor else ()))
        ]
        every = sorted(plans, key=lambda plan: (-self.most(plan), plan.tie))
        self.plans = every[:PLANS_MAX]
        self.is_complete = len(every) <= PLANS_MAX and len(spends) <= ITEMS_MAX
        self.ceiling = shipping_minor if ships else 0  # no plan takes off more
        for each in spends:
            whole = sum(self._totals)
            self.ceiling += max(step.cut.off(whole) for step in _steps(each))
        self.ships = ships

    def most(self, plan: Plan) -> int:
        """Return what a plan takes off at most, shipping included."""
        return plan.most(self._totals) + (self.shipping_minor if plan.shipping else 0)

    def best(self, left: Sequence[RowLeft]) -> tuple[int, Plan, list[int]]:
        """Return what the best plan for this takes off, the plan, and the amounts of its items."""
        found: tuple[int, Plan, list[int]] = (0, Plan(), [])
        for plan in self.plans:
            most = self.most(plan)
            if most < found[0]:
                break  # plans come by what they take off at most
            if most == found[0] and plan.tie >= found[1].tie:
                continue
            amounts = plan.amounts(left)
            if amounts is None:
                continue
            total = sum(amounts) + (self.shipping_minor if plan.shipping else 0)
            if total > found[0] or (total == found[0] and plan.tie < found[1].tie):
                found = (total, plan, amounts)
        return found

    def _reaches(self, live: Live) -> bool:
        return sum([self._totals[row] for row in live.rows[0]]) >= _shipping_from(live)

    def _item_lists(self, spends: Sequence[Live]) -> Iterator[tuple[Item, ...]]:
        orders = chain.from_iterable(
            permutations(spends, size) for size in range(min(len(spends), ITEMS_MAX) + 1)
        )
        for order in orders:
            if list(order) != sorted(order, key=lambda each: each.rank) and not _overlap(order):
                continue  # the order decides nothing
            taken: set[int] = set()
            choices = []
            for live in order:
                rows = live.rows[0]
                if not taken.isdisjoint(rows):
                    rows = tuple([row for row in rows if row not in taken])
                taken.update(rows)
                choices.append(list(self._reachable(live, rows)))
            yield from product(*choices)

    def _reachable(self, live: Live, rows: tuple[int, ...]) -> Iterator[Item]:
        total = sum([self._totals[row] for row in rows])
        for position, step in enumerate(_steps(live)):
            if rows and total >= step.from_minor:
                yield Item(live, position, step, rows)


def spread(item: Item, amount_minor: int, left: Sequence[RowLeft]) -> list[tuple[int, int]]:
    """Return (row, minor units) of what an item takes off, in proportion to what may come off."""
    rooms = [left[row].room(item.live.offer.floor_minor) for row in item.rows]
    return list(zip(item.rows, allocate_capped(amount_minor, rooms), strict=True))


def _steps(live: Live) -> tuple[SpendStep, ...]:
    benefit = live.offer.benefit
    return benefit.steps if isinstance(benefit, SpendThreshold) else ()


def _shipping_from(live: Live) -> int:
    benefit = live.offer.benefit
    return benefit.from_minor if isinstance(benefit, FreeShipping) else 0


def _overlap(order: Sequence[Live]) -> bool:
    rows = [row for live in order for row in live.rows[0]]
    return len(set(rows)) < len(rows)
