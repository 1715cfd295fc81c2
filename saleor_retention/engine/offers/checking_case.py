"""The basket and the offers as the checker sees them, worked out anew from the facts.

Which offers may apply and how often, which lines are alike, every way that an offer knows, and what
it takes off. Shares no code with the search.
"""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from saleor_retention.engine.facts import BasketFacts
from saleor_retention.engine.offers import kinds
from saleor_retention.engine.offers.kinds import Bundle, Cut, FreeShipping, Offer, SpendThreshold
from saleor_retention.engine.offers.situation import Situation, UsesLeft
from saleor_retention.engine.rules import Selection

WAYS_MAX = 6_000
HALF = Fraction(1, 2)
Way = tuple[int, Counter[int], str]  # which cut (priced: what it saves), units by row, offer id


class Refused(Exception):
    """The certificate does not prove what the quote says."""


class Case:
    """A basket and the offers that may apply to it.

    Lines of one price that no offer tells apart make one row; rows are numbered, dearest first.
    ``open`` is how often an offer may be used and any of which cuts a use has, ``ways`` what a
    goods-lane offer can do.
    """

    def __init__(self, basket: BasketFacts, offers: Sequence[Offer], situation: Situation) -> None:
        self.at = situation
        self.offers = {each.id: each for each in offers if _may(each, situation)}
        self.lines = {
            line.ref: line
            for line in sorted(basket.lines, key=lambda each: each.ref)
            if line.quantity > 0 and not line.is_gift and not line.is_gift_card
        }
        self.unit = {ref: max(0, x.total_minor) // x.quantity for ref, x in self.lines.items()}
        self.open = {key: gate for key, each in self.offers.items() if (gate := self._gate(each))}
        sets = [s for key in self.open for s in self.selections(self.offers[key])]
        rows: dict[Any, list[str]] = {}
        for ref, line in self.lines.items():
            spare = ref if max(0, line.total_minor) % line.quantity else ""
            rows.setdefault((self.unit[ref], spare, *(ref in s for s in sets)), []).append(ref)
        self.rows = sorted(rows.values(), key=lambda refs: -self.unit[refs[0]])
        self.row_of = {ref: row for row, refs in enumerate(self.rows) for ref in refs}
        self.caps = [sum(self.lines[ref].quantity for ref in refs) for refs in self.rows]
        self.cost = [self.unit[refs[0]] for refs in self.rows]
        self.member_rows = {
            key: set(self.rows_of(self.matched(each.benefit.selection)))
            for key, each in self.offers.items()
            if isinstance(each.benefit, kinds.MemberPrice)
        }
        self.ways = {
            key: self._ways(self.offers[key])
            for key in self.open
            if not isinstance(
                self.offers[key].benefit, kinds.MemberPrice | SpendThreshold | FreeShipping
            )
        }

    # --- what an offer may do -----------------------------------------------------------------

    def matched(self, selection: Selection) -> frozenset[str]:
        """Return the lines that a selection names."""
        named = selection.variants | selection.products
        wide = selection.categories | selection.collections
        return frozenset(
            ref
            for ref, line in self.lines.items()
            if not (named or wide)
            or line.goods.variant_ref in selection.variants
            or line.goods.product_ref in selection.products
            or selection.categories & line.goods.category_refs
            or selection.collections & line.goods.collection_refs
        )

    def selections(self, offer: Offer) -> list[frozenset[str]]:
        """Return the lines of each part of an offer; or its goods, and the main goods if any."""
        benefit = offer.benefit
        if isinstance(benefit, Bundle):
            return [self.matched(part.selection) for part in benefit.parts]
        if isinstance(benefit, kinds.Gift):
            left = benefit.choices - self.at.gifts_had - self.at.out_of_stock
            chosen = left & self.at.gift_choices.get(offer.id, frozenset())
            left = chosen if len(chosen) >= benefit.quantity else left
            goods = frozenset(r for r, x in self.lines.items() if x.goods.variant_ref in left)
        else:
            goods = self.matched(benefit.selection)
        opening = getattr(benefit, "opening", None)
        return [goods] + ([self.matched(opening.main)] if opening and opening.main else [])

    def _gate(self, offer: Offer) -> tuple[int | None, list[Cut | None]] | None:
        """Return how often the offer may be used and the cuts it may use; None where it is shut."""
        left = self.at.uses_left.get(offer.id, UsesLeft())
        limits = [offer.uses_per_order, left.by_customer, left.in_total]
        benefit, (goods, *main) = offer.benefit, self.selections(offer)
        cuts = [getattr(benefit, "cut", None)]
        if not goods:
            return None
        if isinstance(benefit, kinds.QuantitySteps):
            bought = sum(self.lines[ref].quantity for ref in goods)
            cuts = [step.cut for step in benefit.steps if step.quantity <= bought]
            return (benefit.units_max, cuts) if cuts else None
        if isinstance(benefit, kinds.PunchCard):
            limits.append(max(0, self.at.stamps.get(offer.id, 0)) // benefit.stamps)
        if isinstance(benefit, kinds.AddOn | kinds.Gift):
            opening, others = benefit.opening, self.lines.keys() - goods
            spent = sum(max(0, self.lines[ref].total_minor) for ref in others)
            if spent < opening.from_minor or spent >= (opening.below_minor or spent + 1):
                return None
            times = 1
            if main:
                units = sum(self.lines[ref].quantity for ref in main[0] - goods)
                times = units // opening.main_quantity
            if isinstance(benefit, kinds.Gift):
                cuts = [Cut(price_minor=0)]
                limits.append(benefit.quantity if times else 0)
            elif main:
                limits.append(times * benefit.units_each)
        least = min((limit for limit in limits if limit is not None), default=None)
        return None if least is not None and least <= 0 else (least, cuts)

    def rows_of(self, refs: frozenset[str]) -> list[int]:
        """Return the rows of lines."""
        return [row for row, own in enumerate(self.rows) if own[0] in refs]

    def _ways(self, offer: Offer) -> list[Way] | int:
        """Return all ways of an offer, or, where they are too many, what it can save at most."""
        parts = [(self.rows_of(refs), 1) for refs in self.selections(offer)[:1]]
        if isinstance(offer.benefit, Bundle):
            sizes = [part.quantity for part in offer.benefit.parts]
            parts = [
                (self.rows_of(refs), size)
                for refs, size in zip(self.selections(offer), sizes, strict=True)
            ]
        if math.prod(math.comb(len(rows) + size - 1, size) for rows, size in parts) > WAYS_MAX:
            return self._most(offer, parts)
        some = [itertools.combinations_with_replacement(rows, size) for rows, size in parts]
        united = {tuple(sorted(itertools.chain(*each))) for each in itertools.product(*some)}
        counted = [Counter(units) for units in sorted(united)]
        return [
            (which, count, offer.id)
            for count in counted
            for which in range(len(self.open[offer.id][1]))
            if all(self.caps[row] >= units for row, units in count.items())
        ]

    def _most(self, offer: Offer, parts: list[tuple[list[int], int]]) -> int:
        dearest: list[int] = []
        for rows, size in parts:
            units = sorted(row for row in rows for _ in range(self.caps[row]))
            dearest += sorted((self.cost[row] for row in units), reverse=True)[:size]
        there = sum(self.caps[row] for row in set(itertools.chain(*(rows for rows, _ in parts))))
        times = there // sum(size for _rows, size in parts)
        limit = self.open[offer.id][0]
        return self.saving(offer, dearest, 0) * (times if limit is None else min(times, limit))

    def saving(self, offer: Offer, prices: list[int], which: int) -> int:
        """Return what one use of one of its cuts saves on units of these prices, floors apart."""
        if isinstance(offer.benefit, Bundle) and offer.benefit.cut is None:
            return sum(sorted(prices)[: offer.benefit.free_units])
        cut = self.open[offer.id][1][which]
        return amount_off(cut, sum(prices)) if cut else 0

    def member(self, row: int, left: int, floor: int, live: Sequence[str]) -> tuple[int, str]:
        """Return the best member price: what comes off, and its offer."""
        best = (0, "")
        for key in sorted(live, key=self._first):
            offer = self.offers[key]
            if not isinstance(offer.benefit, kinds.MemberPrice):
                continue
            off = min(amount_off(offer.benefit.cut, left), left - max(floor, offer.floor_minor))
            if off > best[0] and row in self.member_rows[key]:
                best = (off, key)
        return best

    def _first(self, key: str) -> tuple[bool, int, int, str]:
        """Order offers as they are preferred between equal prices: those without limits first."""
        offer, left = self.offers[key], self.at.uses_left.get(key, UsesLeft())
        limits = (offer.uses_per_order, left.by_customer, left.in_total)
        return (limits != (None, None, None), *kinds.first_come(offer))

    def falls(self, offer: Offer, units: list[int], live: Sequence[str], which: int) -> list[int]:
        """Return by how much each unit falls, member prices included."""
        prices = [self.cost[row] for row in units]
        caps = [max(0, price - offer.floor_minor) for price in prices]
        parts = split(min(self.saving(offer, prices, which), sum(caps)), caps)
        return [
            part
            + self.member(row, price - part, offer.floor_minor, live)[0]
            - self.member(row, price, 0, live)[0]
            for row, price, part in zip(units, prices, parts, strict=True)
        ]


def _may(offer: Offer, at: Situation) -> bool:
    """Return whether window and audience admit the offer."""
    who, wants, left = at.shopper, offer.audience, at.uses_left.get(offer.id, UsesLeft())
    return (
        (offer.starts_at is None or offer.starts_at <= at.at)
        and (offer.ends_at is None or at.at < offer.ends_at)
        and (not offer.weekdays or at.at.weekday() in offer.weekdays)
        and (who.is_member or not (wants.is_members_only or wants.tiers))
        and (not wants.tiers or who.tier in wants.tiers)
        and (not wants.segments or bool(wants.segments & who.segments))
        and (not wants.tags or bool(wants.tags & who.tags))
        and (offer.id in who.granted or not wants.is_granted_only)
        and (wants.novelty is None or (wants.novelty == "new") == (who.orders_count == 0))
        and 0 not in (offer.uses_per_order, left.by_customer, left.in_total)
    )


def amount_off(cut: Cut, minor: int) -> int:
    """Return what a cut takes off, percentages rounded half up."""
    if cut.percent is not None:
        return math.floor(Fraction(minor) * Fraction(str(cut.percent)) / 100 + HALF)
    if cut.amount_minor is not None:
        return min(cut.amount_minor, minor)
    return max(minor - (cut.price_minor or 0), 0)


def split(total: int, weights: list[int]) -> list[int]:
    """Split by largest remainder, ties to the earlier one: rows come dearest first."""
    whole = sum(weights) or 1
    exact = [Fraction(total * weight, whole) for weight in weights]
    parts = [math.floor(each) for each in exact]
    order = sorted(range(len(exact)), key=lambda i: (parts[i] - exact[i], i))
    for index in order[: total - sum(parts)]:
        parts[index] += 1
    return parts
