"""From rows back to the basket's lines: who took which unit, and how much came off each line.

Interchangeable lines are used in the order of their references. Amounts are first what one unit
bears, by largest remainder, and then added up per line and offer; they always add up to the whole.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from saleor_retention.engine.money import allocate_capped, minor_text
from saleor_retention.engine.offers.kinds import Offer
from saleor_retention.engine.offers.outcome import Outcome, Use
from saleor_retention.engine.offers.result import Application
from saleor_retention.engine.offers.shelf import Row, Shelf
from saleor_retention.engine.offers.thresholds import spread
from saleor_retention.engine.quote import Allocation

Amounts = dict[tuple[str, str], int]  # (line reference, offer id) -> minor units
Served = tuple[str, Use, int]  # line reference, how so many of its units fare


def by_line(
    outcome: Outcome, shelf: Shelf, offers: Mapping[str, Offer], exponent: int
) -> tuple[list[Application], list[Allocation]]:
    """Return the applications with their lines, and what every offer takes off every line."""
    units: list[dict[str, int]] = [{} for _each in outcome.applications]
    amounts: list[dict[str, int]] = [{} for _each in outcome.applications]
    goods: Amounts = defaultdict(int)
    member: Amounts = defaultdict(int)
    served = [_served(row, uses) for row, uses in zip(shelf.rows, outcome.uses, strict=True)]
    for each in served:
        for ref, use, count in each:
            if use.application is not None:
                offer_id = outcome.applications[use.application][0].offer.id
                own, off = units[use.application], amounts[use.application]
                own[ref] = own.get(ref, 0) + count
                off[ref] = off.get(ref, 0) + use.share_minor * count
                goods[ref, offer_id] += use.share_minor * count
            if use.member:
                member[ref, use.member.offer.id] += use.member_minor * count
    order = _order_amounts(outcome, shelf, served)
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
            value=minor_text(amount, exponent),
        )
        for lane in (goods, member, order)
        for (ref, offer_id), amount in sorted(lane.items())
        if amount
    ]
    return found, allocations


def _served(row: Row, uses: list[Use]) -> list[Served]:
    """Return how the units of each line fare, line after line."""
    if len(row.lines) == 1:
        ref = row.lines[0][0]
        return [(ref, use, use.units) for use in uses]
    refs = [ref for ref, count in row.lines for _unit in range(count)]
    each = [use for use in uses for _unit in range(use.units)]
    return [(ref, use, 1) for ref, use in zip(refs, each, strict=True)]


def _order_amounts(outcome: Outcome, shelf: Shelf, served: list[list[Served]]) -> Amounts:
    """Spread what the order lane takes off over rows, and inside a row over its lines."""
    found: Amounts = defaultdict(int)
    for item, amount in zip(outcome.plan.items, outcome.item_amounts, strict=True):
        offer = item.live.offer
        for row, part in spread(item, amount, outcome.left):
            refs = [ref for ref, _units in shelf.rows[row].lines]
            if len(refs) == 1:
                found[refs[0], offer.id] += part
                continue
            rooms = dict.fromkeys(refs, 0)
            for ref, use, count in served[row]:
                rooms[ref] += count * max(
                    0, use.left_minor - max(use.floor_minor, offer.floor_minor)
                )
            for ref, minor in zip(refs, allocate_capped(part, list(rooms.values())), strict=True):
                found[ref, offer.id] += minor
    return found
