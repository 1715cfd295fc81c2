"""What a choice of ways leaves of every unit, lane after lane, and what it saves in all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from saleor_retention.engine.offers.applications import Ways, shares
from saleor_retention.engine.offers.live import Live
from saleor_retention.engine.offers.members import MemberLane
from saleor_retention.engine.offers.shelf import Shelf
from saleor_retention.engine.offers.thresholds import OrderLane, Plan, RowLeft


class Use(NamedTuple):
    """One unit, or several that fare the same: what the goods and the member lane take off each."""

    application: int | None  # position among the applications
    share_minor: int
    member: Live | None
    member_minor: int
    left_minor: int
    floor_minor: int
    units: int = 1


@dataclass(slots=True)
class Outcome:
    """A choice carried out."""

    applications: list[tuple[Live, tuple[int, ...]]]  # the offer and a row for each unit
    uses: list[list[Use]]  # by row
    left: list[RowLeft]
    plan: Plan
    item_amounts: list[int]
    order_minor: int  # what the order lane takes off, shipping included
    saving_minor: int

    def applied(self) -> list[Live]:
        """Return the offers that apply, each once."""
        lives = [live for live, _units in self.applications]
        lives += [use.member for row in self.uses for use in row if use.member]
        lives += [item.live for item in self.plan.items]
        lives += [self.plan.shipping] if self.plan.shipping else []
        return list(dict.fromkeys(lives))


@dataclass(frozen=True, slots=True)
class Bare:
    """The rows where no goods-lane offer applies: of most of them every outcome is this one."""

    uses: list[Use]  # by row, of all its units
    left: list[RowLeft]  # by row
    taken_minor: int  # by the member lane alone


def bare(shelf: Shelf, members: MemberLane) -> Bare:
    """Return what becomes of every row where no goods-lane offer applies."""
    uses = []
    for index, row in enumerate(shelf.rows):
        off, member, floor = _member(index, row.unit_minor, 0, members)
        uses.append(Use(None, 0, member, off, row.unit_minor - off, floor, row.quantity))
    left = [_left([use], row.spare_minor) for use, row in zip(uses, shelf.rows, strict=True)]
    return Bare(uses, left, sum([use.member_minor * use.units for use in uses]))


def carry_out(
    chosen: Mapping[int, int],
    ways: Ways,
    shelf: Shelf,
    members: MemberLane,
    order: OrderLane,
    without: Bare,
) -> Outcome:
    """Apply the chosen columns, then the member prices, then the best plan of the order lane."""
    applications, served = _served(chosen, ways, shelf, members)
    uses, left = [[use] for use in without.uses], without.left.copy()
    taken = without.taken_minor
    for index, own in served.items():
        row = shelf.rows[index]
        rest = row.quantity - len(own)
        if rest:
            own.append(without.uses[index]._replace(units=rest))
        uses[index], left[index] = own, _left(own, row.spare_minor)
        taken += without.left[index].total_minor - left[index].total_minor
    order_minor, plan, item_amounts = order.best(left)
    return Outcome(applications, uses, left, plan, item_amounts, order_minor, taken + order_minor)


def _served(
    chosen: Mapping[int, int], ways: Ways, shelf: Shelf, members: MemberLane
) -> tuple[list[tuple[Live, tuple[int, ...]]], dict[int, list[Use]]]:
    """Return the uses of offers, and by row what becomes of the units that they serve."""
    applications: list[tuple[Live, tuple[int, ...]]] = []
    served: dict[int, list[Use]] = {}
    for column in sorted(chosen):
        live, units, cut = ways.owners[column], ways.units[column], ways.cuts[column]
        offer, fares = live.offer, []
        for row, share in zip(units, shares(offer, cut, units, shelf), strict=True):
            left = shelf.rows[row].unit_minor - share
            off, member, floor = _member(row, left, offer.floor_minor, members)
            fares.append((row, (share, member, off, left - off, floor)))
        for _time in range(chosen[column]):
            for row, fare in fares:
                served.setdefault(row, []).append(Use(len(applications), *fare))
            applications.append((live, units))
    return applications, served


def _member(
    row: int, left_minor: int, floor: int, members: MemberLane
) -> tuple[int, Live | None, int]:
    """Return what the member lane takes off a unit, by which offer, and the floor of the unit."""
    off, member = members.best(row, left_minor, floor)
    return off, member, max(floor, member.offer.floor_minor) if member else floor


def _left(uses: Sequence[Use], spare_minor: int) -> RowLeft:
    return RowLeft([(use.left_minor, use.floor_minor, use.units) for use in uses], spare_minor)
