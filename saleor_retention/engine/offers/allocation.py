"""From rows back to the basket's lines: who took which unit, and how much came off each line.

Interchangeable lines are used in the order of their references. Amounts are first what one unit
bears, by largest remainder, and then added up per line and offer; they always add up to the whole.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from saleor_retention.engine.money import allocate_capped, from_minor
from saleor_retention.engine.offers.kinds import Offer
from saleor_retention.engine.offers.outcome import Outcome, Use
from saleor_retention.engine.offers.result import Application
from saleor_retention.engine.offers.shelf import Row, Shelf
from saleor_retention.engine.offers.thresholds import spread
from saleor_retention.engine.quote import Allocation


def by_line(
    outcome: Outcome, shelf: Shelf, offers: Mapping[str, Offer], exponent: int
) -> tuple[list[Application], list[Allocation]]:
    """Return the applications with their lines, and what every offer takes off every line."""
    units: list[Counter[str]] = [Counter() for _each in outcome.applications]
    amounts: list[Counter[str]] = [Counter() for _each in outcome.applications]
    goods: Counter[tuple[str, str]] = Counter()  # (line reference, offer id) -> minor units
    member: Counter[tuple[str, str]] = Counter()
    rooms: list[dict[str, list[tuple[int, int]]]] = []  # by row, line: (left, floor) of each unit
    for row, uses in zip(shelf.rows, outcome.uses, strict=True):
        rooms.append({ref: [] for ref, _count in row.lines})
        for ref, use in _units_of(row, uses):
            rooms[-1][ref].append((use.left_minor, use.floor_minor))
            if use.application is not None:
                offer_id = outcome.applications[use.application][0].offer.id
                units[use.application][ref] += 1
                amounts[use.application][ref] += use.share_minor
                goods[ref, offer_id] += use.share_minor
            if use.member:
                member[ref, use.member.offer.id] += use.member_minor
    order = _order_amounts(outcome, rooms)
    found = [
        Application(
            live.offer.id,
            tuple(sorted(units[index].items())),
            tuple(sorted(amounts[index].items())),
        )
        for index, (live, _rows) in enumerate(outcome.applications)
    ]
    allocations = [
        Allocation(
            line_ref=ref,
            rule_key=offers[offer_id].rule_key,
            amount_minor=amount,
            name=offers[offer_id].name,
            value=f"{from_minor(amount, exponent):f}",
        )
        for lane in (goods, member, order)
        for (ref, offer_id), amount in sorted(lane.items())
        if amount
    ]
    return found, allocations


def _units_of(row: Row, uses: list[Use]) -> list[tuple[str, Use]]:
    refs = [ref for ref, count in row.lines for _unit in range(count)]
    return list(zip(refs, [use for use in uses for _unit in range(use.count)], strict=True))


def _order_amounts(
    outcome: Outcome, rooms: list[dict[str, list[tuple[int, int]]]]
) -> Counter[tuple[str, str]]:
    """Spread what the order lane takes off over rows, and inside a row over its lines."""
    found: Counter[tuple[str, str]] = Counter()
    for item, amount in zip(outcome.plan.items, outcome.item_amounts, strict=True):
        floor = item.live.offer.floor_minor
        for row, part in spread(item, amount, outcome.left):
            refs = list(rooms[row])
            caps = [
                sum(max(0, left - max(own, floor)) for left, own in rooms[row][ref]) for ref in refs
            ]
            for ref, minor in zip(refs, allocate_capped(min(part, sum(caps)), caps), strict=True):
                found[ref, item.live.offer.id] += minor
            rest = part - min(part, sum(caps))
            if rest:  # cents that no unit price holds: such a row has one line only
                found[refs[0], item.live.offer.id] += rest
    return found
