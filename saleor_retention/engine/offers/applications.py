"""Every way in which a goods-lane offer can use units of the basket.

What a way is worth is what the basket's price falls by: what the offer takes off, less what the
member lane can no longer take off the same units.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, product
from math import comb
from typing import Any

from saleor_retention.engine.money import allocate_capped
from saleor_retention.engine.offers.kinds import ORDER_LANE, OTHER_LANES, Bundle, Cut, Offer
from saleor_retention.engine.offers.live import Field, Live
from saleor_retention.engine.offers.members import MemberLane, Terms
from saleor_retention.engine.offers.packing import Column
from saleor_retention.engine.offers.shelf import Shelf

WAYS_MAX = 6_000  # ways of one offer that are looked at; beyond, only those of its dearest rows
KNOWN_MAX = 2_000  # bundles of which the ways are kept ...
KNOWN_WAYS_MAX = 100  # ... if there are so many at most

Worth = tuple[tuple[int, ...], Cut | None, int]  # a row for each unit, the cut, what it saves

_known: dict[tuple[Any, ...], tuple[Sequence[int], list[Worth]]] = {}  # with the bundle's rows


@dataclass(slots=True)
class Ways:
    """All columns of a basket, and whose they are.

    ``caps`` holds the units of each row, and then what is left of each limit. ``left_out`` says by
    offer id how much the ways that were left out could save at most.
    """

    caps: list[int]
    columns: list[Column] = field(default_factory=list)
    owners: list[Live] = field(default_factory=list)  # by column
    units: list[tuple[int, ...]] = field(default_factory=list)  # by column: a row for each unit
    cuts: list[Cut | None] = field(default_factory=list)  # by column; None: the cheapest are free
    limits: dict[str, int] = field(default_factory=dict)  # offer id -> resource
    left_out: dict[str, int] = field(default_factory=dict)


def enumerate_ways(found: Field, members: MemberLane) -> Ways:
    """Return every way of every live goods-lane offer, in the order of ranks."""
    shelf = found.shelf
    ways = Ways([row.quantity for row in shelf.rows])
    terms = [
        (row.unit_minor, row.quantity, members.terms(index)) for index, row in enumerate(shelf.rows)
    ]
    goods_lane = [live for live in found.live if not isinstance(live.offer.benefit, OTHER_LANES)]
    has_order_lane = any(isinstance(live.offer.benefit, ORDER_LANE) for live in found.live)
    limited_cost = 1 + len(found.live) * (1 + sum(ways.caps))
    for live in goods_lane:
        limit: tuple[tuple[int, int], ...] = ()
        if live.uses_max is not None:
            limit = ((len(ways.caps), 1),)
            ways.limits[live.offer.id] = len(ways.caps)
            ways.caps.append(live.uses_max)
        tie = live.rank + (limited_cost if live.is_limited else 0)
        if isinstance(live.offer.benefit, Bundle):
            worth = _bundle_worth(live, live.offer.benefit, ways, shelf, members, terms)
        else:
            worth = list(_worth(live, ways, shelf, members, has_order_lane=has_order_lane))
        ways.columns += [Column(value, _counted(units) + limit, tie) for units, _, value in worth]
        ways.owners += [live] * len(worth)
        ways.units += [units for units, _cut, _value in worth]
        ways.cuts += [cut for _units, cut, _value in worth]
    return ways


def forget() -> None:
    """Forget the ways found last (tests start from nothing)."""
    _known.clear()


def _bundle_worth(
    live: Live,
    bundle: Bundle,
    ways: Ways,
    shelf: Shelf,
    members: MemberLane,
    terms: Sequence[tuple[int, int, tuple[Terms, ...]]],
) -> list[Worth]:
    """Return the ways of a bundle and what they are worth, known or found.

    Both follow from its own terms, and from those of its rows (price, units and member prices):
    rows of the same terms stand in for those of which it was found.
    """
    sizes = tuple([part.quantity for part in bundle.parts])
    if _ways_count(live.rows, sizes) > min(KNOWN_WAYS_MAX, WAYS_MAX):
        return list(_worth(live, ways, shelf, members))
    own, places = _rows_of(live)
    key = (
        *(sizes, bundle.cut, bundle.free_units, live.offer.floor_minor, places),
        tuple([terms[row] for row in own]),
    )
    known = _known.get(key)
    if known is None:
        found = list(_worth(live, ways, shelf, members))
        if len(_known) >= KNOWN_MAX:
            _known.clear()
        _known[key] = own, found
        return found
    rows = dict(zip(known[0], own, strict=True))
    return [(tuple([rows[row] for row in units]), cut, value) for units, cut, value in known[1]]


def _rows_of(live: Live) -> tuple[Sequence[int], tuple[tuple[int, ...], ...]]:
    """Return the rows of a bundle, and of each part their places among them.

    The only part of a bundle has them all.
    """
    if len(live.rows) == 1:
        return live.rows[0], ()
    own = sorted({row for each in live.rows for row in each})
    place = {row: index for index, row in enumerate(own)}
    return own, tuple([tuple([place[row] for row in each]) for each in live.rows])


def _worth(
    live: Live, ways: Ways, shelf: Shelf, members: MemberLane, *, has_order_lane: bool = False
) -> Iterator[Worth]:
    """Yield the ways of an offer by which the basket's price falls."""
    is_plain = not live.offer.floor_minor and all(map(members.rows.isdisjoint, live.rows))
    cuts, rows = cuts_of(live), shelf.rows
    for units in _units(live, ways, shelf):
        some = cuts
        if len(cuts) > 1 and not has_order_lane:
            some = [max(cuts, key=lambda cut: saving(live.offer, cut, [rows[units[0]].unit_minor]))]
        for cut in some:
            if is_plain:
                value = saving(live.offer, cut, [rows[row].unit_minor for row in units])
            else:
                value = sum(falls(live.offer, cut, units, shelf, members))
            if value > 0:
                yield units, cut, value


def cuts_of(live: Live) -> Sequence[Cut | None]:
    """Return the cuts of which each use has one.

    The most that comes off leaves the lowest price, but where it would cost a spend threshold: then
    a step that was reached before is of use.
    """
    return (live.offer.benefit.cut,) if isinstance(live.offer.benefit, Bundle) else live.cuts


def falls(
    offer: Offer, cut: Cut | None, units: tuple[int, ...], shelf: Shelf, members: MemberLane
) -> list[int]:
    """Return by how much each unit becomes cheaper, member lane included."""
    floor, rows = offer.floor_minor, shelf.rows
    if len(units) == 1:
        (row,) = units
        unit = rows[row].unit_minor
        share = min(saving(offer, cut, [unit]), max(0, unit - floor))
        return [share + members.off(row, unit - share, floor) - members.off(row, unit)]
    fallen = []
    for row, share in zip(units, shares(offer, cut, units, shelf), strict=True):
        unit = rows[row].unit_minor
        with_offer = members.off(row, unit - share, floor)
        fallen.append(share + with_offer - members.off(row, unit))
    return fallen


def shares(offer: Offer, cut: Cut | None, units: tuple[int, ...], shelf: Shelf) -> list[int]:
    """Return what the offer takes off each unit: in proportion to what may come off it at most.

    By largest remainder; rows come dearest first, so that a tied cent goes to the dearer unit.
    """
    prices = [shelf.rows[row].unit_minor for row in units]
    caps = [max(0, price - offer.floor_minor) for price in prices]
    if len(units) == 1:
        return [min(saving(offer, cut, prices), caps[0])]
    return allocate_capped(min(saving(offer, cut, prices), sum(caps)), caps)


def saving(offer: Offer, cut: Cut | None, prices: list[int]) -> int:
    """Return what an offer takes off units of these prices, before floors."""
    if cut is not None:
        return cut.off(sum(prices))
    benefit = offer.benefit
    return sum(sorted(prices)[: benefit.free_units]) if isinstance(benefit, Bundle) else 0


def _counted(units: tuple[int, ...]) -> tuple[tuple[int, int], ...]:
    """Return (row, units) of sorted units."""
    if len(units) == 1 or len(set(units)) == len(units):
        return tuple([(row, 1) for row in units])
    return tuple([(row, units.count(row)) for row in dict.fromkeys(units)])


def _units(live: Live, ways: Ways, shelf: Shelf) -> Iterable[tuple[int, ...]]:
    benefit = live.offer.benefit
    if not isinstance(benefit, Bundle):
        return [(row,) for row in live.rows[0]]
    rows, sizes = live.rows, [part.quantity for part in benefit.parts]
    if _ways_count(rows, sizes) > WAYS_MAX:
        ways.left_out[live.offer.id] = _most(live, rows, sizes, shelf)
        rows = _narrowed(rows, sizes, shelf)
    if len(sizes) == 1:
        price = benefit.cut.price_minor if benefit.cut else None
        return _some(rows[0], sizes[0], shelf, price or 0)
    every = [_some(each, size, shelf) for each, size in zip(rows, sizes, strict=True)]
    united = sorted({tuple(sorted(chain.from_iterable(some))) for some in product(*every)})
    scarce = [row for row in set(chain(*rows)) if shelf.rows[row].quantity < sum(sizes)]
    return [
        units
        for units in united
        if all(units.count(row) <= shelf.rows[row].quantity for row in scarce)
    ]


def _some(
    rows: Sequence[int], size: int, shelf: Shelf, least_minor: int = -1
) -> list[tuple[int, ...]]:
    """Return so many units of these rows that are there and worth more than an amount.

    Rows come dearest first: where the dearest of the rest do not reach the amount, none does.
    """
    prices = [shelf.rows[row].unit_minor for row in rows]
    caps = [shelf.rows[row].quantity for row in rows]
    some: list[tuple[tuple[int, ...], int, int]] = [((), 0, 0)]  # units, their worth, last place
    for missing in range(size, 0, -1):
        longer = []
        for units, worth, last in some:
            for place in range(last, len(rows)):
                if worth + prices[place] * missing <= least_minor:
                    break
                if caps[place] >= size or units.count(rows[place]) < caps[place]:
                    longer.append(((*units, rows[place]), worth + prices[place], place))
        some = longer
    return [units for units, _worth, _last in some]


def _ways_count(rows: Sequence[Sequence[int]], sizes: Sequence[int]) -> int:
    count = 1
    for each, size in zip(rows, sizes, strict=True):
        count *= comb(len(each) + size - 1, size)
    return count


def _narrowed(
    rows: Sequence[tuple[int, ...]], sizes: Sequence[int], shelf: Shelf
) -> list[tuple[int, ...]]:
    """Keep the dearest rows of each part until the ways can be looked at."""
    kept = list(rows)
    while _ways_count(kept, sizes) > WAYS_MAX:
        widest = max(range(len(kept)), key=lambda part: len(kept[part]))
        by_price = sorted(kept[widest], key=lambda row: (-shelf.rows[row].unit_minor, row))
        kept[widest] = tuple(sorted(by_price[: max(1, len(by_price) * 9 // 10)]))
        if len(kept[widest]) == 1 and all(len(each) == 1 for each in kept):
            break
    return kept


def _most(live: Live, rows: Sequence[Sequence[int]], sizes: Sequence[int], shelf: Shelf) -> int:
    """Return what an offer could save at most: the dearest units, as often as there are units."""
    prices: list[int] = []
    for each, size in zip(rows, sizes, strict=True):
        dearest = sorted(
            (shelf.rows[row].unit_minor for row in each for _ in range(shelf.rows[row].quantity)),
            reverse=True,
        )
        prices += dearest[:size]
    units = sum(shelf.rows[row].quantity for row in {row for each in rows for row in each})
    times = units // sum(sizes)
    if live.uses_max is not None:
        times = min(times, live.uses_max)
    return times * max(saving(live.offer, cut, prices) for cut in cuts_of(live))
