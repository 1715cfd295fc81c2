"""What a choice of ways leaves of every unit, lane after lane, and what it saves in all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from saleor_retention.engine.offers.applications import Ways, shares
from saleor_retention.engine.offers.live import Live
from saleor_retention.engine.offers.members import MemberLane
from saleor_retention.engine.offers.shelf import Shelf
from saleor_retention.engine.offers.thresholds import OrderLane, Plan, RowLeft


@dataclass(frozen=True, slots=True)
class Use:
    """One unit, or several that fare the same: what the goods and the member lane take off each."""

    application: int | None  # position among the applications
    share_minor: int
    member: Live | None
    member_minor: int
    left_minor: int
    floor_minor: int
    count: int = 1


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


def untouched(shelf: Shelf, members: MemberLane) -> list[RowLeft]:
    """Return what is left of every row where no goods-lane offer applies."""
    return [_left(uses, row.spare_minor) for uses, row in zip(
        _uses({}, None, shelf, members)[1], shelf.rows, strict=True)]  # fmt: skip


def carry_out(
    chosen: Mapping[int, int], ways: Ways, shelf: Shelf, members: MemberLane, order: OrderLane
) -> Outcome:
    """Apply the chosen columns, then the member prices, then the best plan of the order lane."""
    applications, uses = _uses(chosen, ways, shelf, members)
    left = [
        _left(row_uses, row.spare_minor) for row_uses, row in zip(uses, shelf.rows, strict=True)
    ]
    order_minor, plan, item_amounts = order.best(left)
    taken = sum(
        (use.share_minor + use.member_minor) * use.count for row_uses in uses for use in row_uses
    )
    return Outcome(applications, uses, left, plan, item_amounts, order_minor, taken + order_minor)


def _uses(
    chosen: Mapping[int, int], ways: Ways | None, shelf: Shelf, members: MemberLane
) -> tuple[list[tuple[Live, tuple[int, ...]]], list[list[Use]]]:
    applications: list[tuple[Live, tuple[int, ...]]] = []
    uses: list[list[Use]] = [[] for _row in shelf.rows]
    for column in sorted(chosen):
        assert ways is not None  # noqa: S101 - what is chosen is a way
        live, units, cut = ways.owners[column], ways.units[column], ways.cuts[column]
        own = [
            _use(row, share, live.offer.floor_minor, shelf, members)
            for row, share in zip(units, shares(live.offer, cut, units, shelf), strict=True)
        ]
        for _time in range(chosen[column]):
            for row, (share, member, off, floor) in zip(units, own, strict=True):
                left = shelf.rows[row].unit_minor - share - off
                uses[row].append(Use(len(applications), share, member, off, left, floor))
            applications.append((live, units))
    for index, each in enumerate(shelf.rows):
        rest = each.quantity - len(uses[index])
        if rest:
            _share, member, off, floor = _use(index, 0, 0, shelf, members)
            uses[index].append(Use(None, 0, member, off, each.unit_minor - off, floor, rest))
    return applications, uses


def _use(
    row: int, share: int, floor: int, shelf: Shelf, members: MemberLane
) -> tuple[int, Live | None, int, int]:
    off, member = members.best(row, shelf.rows[row].unit_minor - share, floor)
    return share, member, off, max(floor, member.offer.floor_minor if member else 0)


def _left(uses: Sequence[Use], spare_minor: int) -> RowLeft:
    return RowLeft([(use.left_minor, use.floor_minor, use.count) for use in uses], spare_minor)
