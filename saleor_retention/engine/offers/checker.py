"""Verifies a quote from its certificate; written apart from the search and shares no code with it.

First that the quote is allowed: every way is one that its offer knows, no unit serves two, no
limit, group or floor is broken, and the amounts are the ones that the rules give. Then that nothing
better is: at the prices of a proof no way saves more than it takes. What the prices leave open is
closed by looking at every choice that falls short of them by less than the difference.
"""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any

from saleor_retention.engine.facts import BasketFacts
from saleor_retention.engine.offers import kinds
from saleor_retention.engine.offers.kinds import Bundle, Cut, FreeShipping, Offer, SpendThreshold
from saleor_retention.engine.offers.result import OfferQuote, Proof
from saleor_retention.engine.offers.situation import Situation, UsesLeft
from saleor_retention.engine.rules import Selection

WAYS_MAX = 6_000
HALF = Fraction(1, 2)
Way = tuple[int, Counter[int], str]  # what it saves, units by row, offer id


class Refused(Exception):
    """The certificate does not prove what the quote says."""


def check(
    quote: OfferQuote,
    basket: BasketFacts,
    offers: Sequence[Offer],
    situation: Situation,
    *,
    nodes_max: int = 300_000,
) -> None:
    """Raise ``Refused`` with the reason unless the quote is right and its bound is proved."""
    case = _Checker(quote, basket, offers, situation, nodes_max)
    case.check_choice()
    case.check_bound(())


class _Checker:
    def __init__(
        self,
        quote: OfferQuote,
        basket: BasketFacts,
        offers: Sequence[Offer],
        situation: Situation,
        nodes_max: int,
    ) -> None:
        self.quote, self.at, self.nodes_left = quote, situation, nodes_max
        self.offers = {each.id: each for each in offers if _may(each, situation)}
        self.lines = {
            line.ref: line
            for line in sorted(basket.lines, key=lambda each: each.ref)
            if line.quantity > 0 and not line.is_gift and not line.is_gift_card
        }
        self.unit = {ref: max(0, x.total_minor) // x.quantity for ref, x in self.lines.items()}
        self.open = {key: gate for key, each in self.offers.items() if (gate := self._gate(each))}
        sets = [s for key in self.open for s in self._selections(self.offers[key])]
        rows: dict[Any, list[str]] = {}
        for ref, line in self.lines.items():
            spare = ref if max(0, line.total_minor) % line.quantity else ""
            rows.setdefault((self.unit[ref], spare, *(ref in s for s in sets)), []).append(ref)
        self.rows = sorted(rows.values(), key=lambda refs: -self.unit[refs[0]])
        self.row_of = {ref: row for row, refs in enumerate(self.rows) for ref in refs}
        self.caps = [sum(self.lines[ref].quantity for ref in refs) for refs in self.rows]
        self.cost = [self.unit[refs[0]] for refs in self.rows]
        self.member_rows = {
            key: set(self._rows_of(self._matched(each.benefit.selection)))
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

    def _matched(self, selection: Selection) -> frozenset[str]:
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

    def _selections(self, offer: Offer) -> list[frozenset[str]]:
        benefit = offer.benefit
        if isinstance(benefit, Bundle):
            return [self._matched(part.selection) for part in benefit.parts]
        if isinstance(benefit, kinds.Gift):
            left = benefit.choices - self.at.gifts_had - self.at.out_of_stock
            chosen = self.at.gift_choices.get(offer.id)
            left = frozenset([chosen]) if chosen in left else left
            goods = frozenset(r for r, x in self.lines.items() if x.goods.variant_ref in left)
        else:
            goods = self._matched(benefit.selection)
        opening = getattr(benefit, "opening", None)
        return [goods] + ([self._matched(opening.main)] if opening and opening.main else [])

    def _gate(self, offer: Offer) -> tuple[int | None, Cut | None] | None:
        """Return how often the offer may be used and the cut of a unit; None where it is shut."""
        left = self.at.uses_left.get(offer.id, UsesLeft())
        limits = [offer.uses_per_order, left.by_customer, left.in_total]
        benefit, (goods, *main) = offer.benefit, self._selections(offer)
        cut = getattr(benefit, "cut", None)
        if not goods:
            return None
        if isinstance(benefit, kinds.QuantitySteps):
            bought = sum(self.lines[ref].quantity for ref in goods)
            steps = sorted((s for s in benefit.steps if s.quantity <= bought),
                           key=lambda step: step.quantity)  # fmt: skip
            return (benefit.units_max, steps[-1].cut) if steps else None
        if isinstance(benefit, kinds.PunchCard):
            limits.append(self.at.stamps.get(offer.id, 0) // benefit.stamps)
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
                cut = Cut(price_minor=0)
                limits.append(benefit.quantity if times else 0)
            elif main:
                limits.append(times * benefit.units_each)
        least = min((limit for limit in limits if limit is not None), default=None)
        return None if least is not None and least <= 0 else (least, cut)

    def _rows_of(self, refs: frozenset[str]) -> list[int]:
        return [row for row, own in enumerate(self.rows) if own[0] in refs]

    def _ways(self, offer: Offer) -> list[Way] | int:
        """Return all ways of an offer, or, where they are too many, what it can save at most."""
        parts = [(self._rows_of(refs), 1) for refs in self._selections(offer)[:1]]
        if isinstance(offer.benefit, Bundle):
            sizes = [part.quantity for part in offer.benefit.parts]
            parts = [
                (self._rows_of(refs), size)
                for refs, size in zip(self._selections(offer), sizes, strict=True)
            ]
        if math.prod(math.comb(len(rows) + size - 1, size) for rows, size in parts) > WAYS_MAX:
            return self._most(offer, parts)
        some = [itertools.combinations_with_replacement(rows, size) for rows, size in parts]
        united = {tuple(sorted(itertools.chain(*each))) for each in itertools.product(*some)}
        counted = [Counter(units) for units in sorted(united)]
        return [
            (0, count, offer.id)
            for count in counted
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
        return self._saving(offer, dearest) * (times if limit is None else min(times, limit))

    def _saving(self, offer: Offer, prices: list[int]) -> int:
        if isinstance(offer.benefit, Bundle) and offer.benefit.cut is None:
            return sum(sorted(prices)[: offer.benefit.free_units])
        cut = self.open[offer.id][1]
        return _off(cut, sum(prices)) if cut else 0

    def _member(self, row: int, left: int, floor: int, live: Sequence[str]) -> tuple[int, str]:
        """Return the best member price: what comes off, and its offer."""
        best = (0, "")
        for key in sorted(live, key=lambda each: kinds.first_come(self.offers[each])):
            offer = self.offers[key]
            if not isinstance(offer.benefit, kinds.MemberPrice):
                continue
            off = min(_off(offer.benefit.cut, left), left - max(floor, offer.floor_minor))
            if off > best[0] and row in self.member_rows[key]:
                best = (off, key)
        return best

    def _falls(self, offer: Offer, units: list[int], live: Sequence[str]) -> list[int]:
        """Return by how much each unit falls, member prices included."""
        prices = [self.cost[row] for row in units]
        caps = [max(0, price - offer.floor_minor) for price in prices]
        parts = _split(min(self._saving(offer, prices), sum(caps)), caps)
        return [
            part
            + self._member(row, price - part, offer.floor_minor, live)[0]
            - self._member(row, price, 0, live)[0]
            for row, price, part in zip(units, prices, parts, strict=True)
        ]

    # --- the choice ---------------------------------------------------------------------------

    def check_choice(self) -> None:
        """Rebuild what every lane takes off every line and compare."""
        proof, lanes = self.quote.certificate, (Counter[Any](), Counter[Any](), Counter[Any]())
        goods, member, order = lanes
        left = {ref: [(self.unit[ref], 0)] * line.quantity for ref, line in self.lines.items()}
        uses: Counter[str] = Counter()
        for each in proof.applications:
            offer = self.offers.get(each.offer_id)
            if offer is None or each.offer_id not in self.ways:
                raise Refused(f"{each.offer_id} may not apply")
            uses[offer.id] += 1
            self._check_application(offer, each.units, each.amounts)
            for (ref, count), (_ref, amount) in zip(each.units, each.amounts, strict=True):
                goods[ref, offer.id] += amount
                for index in range(count):
                    if (self.unit[ref], 0) not in left[ref]:
                        raise Refused(f"{ref} serves more offers than it has units")
                    left[ref].remove((self.unit[ref], 0))
                    part = amount // count + (index < amount % count)
                    left[ref].append((self.unit[ref] - part, -1 - offer.floor_minor))
        for ref, units in left.items():
            for index, (minor, mark) in enumerate(units):
                floor = -1 - mark if mark < 0 else 0
                off, key = self._member(self.row_of[ref], minor, floor, self._applied())
                member[ref, key] += off
                own = self.offers[key].floor_minor if key else 0
                units[index] = (minor - off, max(floor, own))
        self._check_order(left, order)
        for key, times in uses.items():
            limit = self.open[key][0]
            if limit is not None and times > limit:
                raise Refused(f"{key} is used more often than it may be")
        self._check_sums(goods, member, order)

    def _applied(self) -> list[str]:
        """Return the offers that may apply: of a group only the one that the quote applies."""
        ids = [v.offer_id for v in self.quote.verdicts if v.code == "APPLIED"]
        groups = [self.offers[key].group for key in ids if self.offers[key].group]
        if len(groups) != len(set(groups)):
            raise Refused("two offers of one exclusion group apply")
        declined = self.quote.certificate.declined
        return [
            key
            for key in self.open
            if (key in ids or not self.offers[key].group) and key not in declined
        ]

    def _check_application(self, offer: Offer, units: Any, amounts: Any) -> None:
        refs = [ref for ref, count in units for _unit in range(count)]
        sizes = [1]
        if isinstance(offer.benefit, Bundle):
            sizes = [part.quantity for part in offer.benefit.parts]
        wanted = [refs_of for refs_of, n in zip(self._selections(offer), sizes, strict=False)
                  for _ in range(n)]  # fmt: skip
        if [ref for ref, _ in units] != [ref for ref, _ in amounts] or not _fits(refs, wanted):
            raise Refused(f"{offer.id} does not apply to {units}")
        total = min(
            self._saving(offer, [self.unit[ref] for ref in refs]),
            sum(max(0, self.unit[ref] - offer.floor_minor) for ref in refs),
        )
        room = {ref: count * max(0, self.unit[ref] - offer.floor_minor) for ref, count in units}
        if sum(amount for _ref, amount in amounts) != total:
            raise Refused(f"{offer.id} takes off something else than {total}")
        rows = sorted(self.row_of[ref] for ref in refs)
        parts = _split(total, [max(0, self.cost[row] - offer.floor_minor) for row in rows])
        wanted_parts, given = Counter[int](), Counter[int]()
        for row, part in zip(rows, parts, strict=True):
            wanted_parts[row] += part
        for ref, amount in amounts:
            given[self.row_of[ref]] += amount
        if given != wanted_parts:
            raise Refused(f"{offer.id} divides {total} otherwise than the rule")
        if any(not 0 <= amount <= room[ref] for ref, amount in amounts):
            raise Refused(f"{offer.id} passes its floor")

    def _check_order(self, left: dict[str, list[tuple[int, int]]], order: Counter[Any]) -> None:
        taken: set[str] = set()
        total = {ref: sum(minor for minor, _ in units) for ref, units in left.items()}
        for ref, line in self.lines.items():
            total[ref] += max(0, line.total_minor) - self.unit[ref] * line.quantity
        given = Counter({(each.line_ref, each.rule_key.removeprefix("offer:")): each.amount_minor
                         for each in self.quote.allocations})  # fmt: skip
        for key, position in self.quote.certificate.order_steps:
            benefit = self.offers[key].benefit if key in self.open else None
            if not isinstance(benefit, SpendThreshold | FreeShipping):
                raise Refused(f"{key} may not apply to the order")
            refs = self._matched(benefit.selection)
            if isinstance(benefit, FreeShipping):
                if sum(total[ref] for ref in refs) < benefit.from_minor:
                    raise Refused(f"{key} is not reached")
                continue
            step, refs = benefit.steps[position], refs - taken
            taken |= refs
            basis, floor = sum(total[ref] for ref in refs), self.offers[key].floor_minor
            room = {
                ref: sum(max(0, minor - max(own, floor)) for minor, own in left[ref])
                + (0 if floor else total[ref] - sum(minor for minor, _ in left[ref]))
                for ref in refs
            }
            if basis < step.from_minor:
                raise Refused(f"{key} is not reached")
            if sum(given[ref, key] for ref in refs) != min(
                _off(step.cut, basis), sum(room.values())
            ):
                raise Refused(f"{key} takes off the wrong amount")
            if any(given[ref, key] > room[ref] for ref in refs):
                raise Refused(f"{key} passes a floor")
            order.update({(ref, key): given[ref, key] for ref in refs})

    def _check_sums(self, *lanes: Counter[Any]) -> None:
        wanted: Counter[Any] = Counter()
        for lane in lanes:
            wanted.update(lane)
        given: Counter[Any] = Counter()
        for each in self.quote.allocations:
            given[each.line_ref, each.rule_key.removeprefix("offer:")] += each.amount_minor
        if +wanted != +given or any(each.amount_minor <= 0 for each in self.quote.allocations):
            raise Refused("the allocations are not what the rules give")
        for ref, line in self.lines.items():
            if sum(n for (own, _key), n in given.items() if own == ref) > max(0, line.total_minor):
                raise Refused(f"{ref} falls below zero")
        ships = any(
            isinstance(self.offers[key].benefit, FreeShipping)
            for key, _step in self.quote.certificate.order_steps
        )
        saving = sum(given.values()) + (self.at.shipping_minor if ships else 0)
        certified = self.quote.certificate
        if not saving == self.quote.saving_minor == certified.saving_minor:
            raise Refused("the saving is not the sum of its parts")
        if self.quote.bound_minor != certified.bound_minor or saving > certified.bound_minor:
            raise Refused("the bound is not the certified one")

    # --- the bound ----------------------------------------------------------------------------

    def check_bound(self, picks: tuple[tuple[str, str], ...]) -> None:
        """Prove for every case that it cannot save more than the bound."""
        picked = dict(picks)
        for group in sorted({each.group for each in self.offers.values()} - {"", *picked}):
            members = [
                key
                for key in self.open
                if self.offers[key].group == group and self.ways.get(key, True)
            ]
            deeper = [tuple(sorted((*picks, (group, key)))) for key in members]
            known = {proof.picks for proof in self.quote.certificate.proofs}
            if deeper and all(own in known for own in deeper):
                for own in deeper:
                    self.check_bound(own)
                return
        live = [key for key in self.open if picked.get(self.offers[key].group, key) == key]
        prices = [key for key in live if key in self.member_rows]
        if not prices or not self._is_more_without_prices(picks, live):
            self._check_cases(picks, live, ())
            return
        for size in range(len(prices) + 1):
            for declined in itertools.combinations(prices, size):
                self._check_cases(picks, [key for key in live if key not in declined], declined)

    def _is_more_without_prices(self, picks: Any, live: list[str]) -> bool:
        """Return whether it is open that leaving out member prices could pass the bound.

        They only add to what goods and member lane save; so it cannot if that, and the most that
        the order lane ever takes off, stay within the bound, or if no step is ever lost by it.
        """
        full = sum(max(0, line.total_minor) for line in self.lines.values())
        most, has_free_shipping = 0, False
        for key in live:
            benefit = self.offers[key].benefit
            if isinstance(benefit, SpendThreshold):
                most += max(_off(step.cut, full) for step in benefit.steps)
            if isinstance(benefit, FreeShipping):
                goods = self._matched(benefit.selection)
                spent = sum(max(0, self.lines[ref].total_minor) for ref in goods)
                has_free_shipping = has_free_shipping or spent >= benefit.from_minor
        most += self.at.shipping_minor * has_free_shipping
        return not (
            self._saves_at_most(self.quote.certificate.bound_minor - most, picks, live)
            or self._saves_at_most(self._never_missed(live), picks, live)
        )

    def _saves_at_most(self, minor: int, picks: Any, live: list[str]) -> bool:
        """Prove that goods and member lane alone save no more than so much."""
        if minor < 0:
            return False
        try:
            spare = max(0, self.quote.certificate.bound_minor - minor)
            self._check_cases(picks, live, (), spare)
        except Refused:
            return False
        return True

    def _never_missed(self, live: list[str]) -> int:
        """Return how much may come off the goods before a step is lost that they reach in full.

        While none is lost a member price never costs the shopper anything, unless its floor keeps
        others from the goods (-1): what the order lane takes falls by no more than the goods do.
        """
        if any(self.offers[key].floor_minor for key in live if key in self.member_rows):
            return -1
        whole = [sum(max(0, self.lines[ref].total_minor) for ref in refs) for refs in self.rows]
        plans = [
            [sum(whole[row] for row in rows) - least for *_step, rows, least in plan]
            for plan in self._plans(live)
        ]
        reached = [spare for plan in plans if min(plan, default=0) >= 0 for spare in plan]
        return min(reached, default=sum(whole))

    def _check_cases(self, picks: Any, live: list[str], declined: Any, spare: int = -1) -> None:
        """Prove every plan; or, with something to spare, goods and member lane alone."""
        proofs = {
            proof.steps: proof
            for proof in self.quote.certificate.proofs
            if (proof.picks, set(proof.declined)) == (picks, set(declined))
        }
        base = [
            self._member(row, self.cost[row], 0, live)[0] * cap for row, cap in enumerate(self.caps)
        ]
        odd_cents = [sum(self.lines[r].total_minor % self.lines[r].quantity for r in refs
                     if self.lines[r].total_minor > 0) for refs in self.rows]  # fmt: skip
        whole = [
            cost * cap + odd - own
            for cost, cap, odd, own in zip(self.cost, self.caps, odd_cents, base, strict=True)
        ]
        priced, extra = self._priced(live)
        fixed, nothing = sum(base) + extra, Proof((), (), ())
        if spare >= 0:
            self._check_case([], proofs.get((), nothing), priced, whole, fixed + spare)
            return
        for plan in self._plans(live):
            key = tuple((offer_id, position) for offer_id, position, _cut, _rows, _least in plan)
            proof = proofs.get(key) or proofs.get((), nothing)
            self._check_case(plan, proof, priced, whole, fixed)

    def _priced(self, live: list[str]) -> tuple[list[tuple[Way, list[int], list[int]]], int]:
        """Return the ways with their worth; and the most of offers with too many ways."""
        priced, extra = [], 0
        for key in live:
            ways = self.ways.get(key, [])
            if isinstance(ways, int):
                extra += ways
                continue
            for _value, count, _key in ways:
                units = sorted(count.elements())
                falls = self._falls(self.offers[key], units, live)
                if sum(falls) > 0:
                    priced.append(((sum(falls), count, key), units, falls))
        return priced, extra

    def _plans(
        self, live: list[str]
    ) -> Iterator[list[tuple[str, int, Cut | None, list[int], int]]]:
        spends = [key for key in live if isinstance(self.offers[key].benefit, SpendThreshold)]
        ships: list[Any] = [None] + [
            key for key in live if isinstance(self.offers[key].benefit, FreeShipping)
        ] * (self.at.shipping_minor > 0)
        for size in range(len(spends) + 1):
            for order in itertools.permutations(spends, size):
                taken: set[int] = set()
                steps = []
                for key in order:
                    rows = [r for r in self._rows_of(self._selections(self.offers[key])[0])
                            if r not in taken]  # fmt: skip
                    taken.update(rows)
                    benefit: Any = self.offers[key].benefit
                    steps.append([(key, i, step.cut, rows, step.from_minor)
                                  for i, step in enumerate(benefit.steps)])  # fmt: skip
                for some in itertools.product(*steps):
                    for ship in ships:
                        tail = []
                        if ship:
                            free: Any = self.offers[ship].benefit
                            rows = self._rows_of(self._matched(free.selection))
                            tail = [(ship, 0, None, rows, free.from_minor)]
                        yield [*some, *tail]

    def _check_case(
        self, plan: Any, proof: Proof, priced: Any, whole: list[int], fixed: int
    ) -> None:
        """Prove that no choice that reaches the plan saves more than the bound."""
        steps, lines = dict(proof.step_prices), dict(proof.line_prices)
        is_own = proof.steps == tuple((key, i) for key, i, *_ in plan)
        if any(sum(whole[row] for row in rows) < least for *_, rows, least in plan):
            return  # out of reach
        const = Fraction(fixed)
        rates, room = [], []
        for key, _position, cut, rows, least in plan:
            rate = Fraction(str(cut.percent)) / 100 if cut and cut.percent is not None else 0
            rates.append((rate, steps.get(key, Fraction(0)) if is_own else Fraction(0)))
            basis = sum(whole[row] for row in rows)
            room.append(basis - least)
            const += rate * basis + (self.at.shipping_minor if cut is None else 0)
            const += min(basis, cut.amount_minor) if cut and cut.amount_minor is not None else 0
        prices = [lines.get(refs[0], Fraction(0)) for refs in self.rows]
        uses = {key: dict(proof.use_prices).get(key, Fraction(0)) for key in self.ways}
        limited = [key for key in self.ways if self.open[key][0] is not None]
        prices += [uses[key] for key in limited] + [price for _rate, price in rates]
        caps = [*self.caps, *(self.open[key][0] or 0 for key in limited), *room]
        pairs = [
            (len(caps) + index, {row for row, refs in enumerate(self.rows) if refs[0] in named})
            for index, (named, _price) in enumerate(proof.pair_prices)
        ]
        prices += [price for _named, price in proof.pair_prices]
        caps += [sum(self.caps[row] for row in rows) // 2 for _at, rows in pairs]
        worth = sum(price * cap for price, cap in zip(prices, caps, strict=True))
        bar = self.quote.certificate.bound_minor + 1 - (HALF if any(r for r, _ in rates) else 0)
        columns = []
        for (value, count, key), units, falls in priced:
            takes = Counter(count)
            if key in limited:
                takes[len(self.caps) + limited.index(key)] = 1
            net = Fraction(value)
            for index, (rate, _price) in enumerate(rates):
                rows = plan[index][3]
                loss = sum(fall for row, fall in zip(units, falls, strict=True) if row in rows)
                takes[len(self.caps) + len(limited) + index] = loss
                net -= rate * loss
            for at, rows in pairs:
                takes[at] = sum(count[row] for row in rows) // 2
            slack = sum(prices[at] * n for at, n in takes.items()) - net
            if slack < 0 or min(prices) < 0:
                raise Refused(f"the prices do not cover a way of {key}")
            columns.append((slack, +takes))
        if worth + const >= bar:
            self._close(prices, caps, columns, worth + const - bar)

    def _close(self, prices: Any, caps: Any, columns: Any, budget: Fraction) -> None:
        """Add up the least slack of each part that shares nothing; it must pass the budget."""
        numbers = [budget, *prices, *(slack for slack, _takes in columns)]
        scale = math.lcm(*(Fraction(number).denominator for number in numbers))
        rest = int(budget * scale)
        worth = [int(price * scale) for price in prices]
        columns = [(int(slack * scale), takes) for slack, takes in columns if slack <= budget]
        parts: list[set[int]] = []
        for _slack, takes in columns:
            joined = set(takes).union(*(part for part in parts if part & takes.keys()))
            parts = [part for part in parts if not part & joined] + [joined]
        parts += [{at} for at in range(len(caps)) if not any(at in part for part in parts)]
        for part in parts:
            own = [each for each in columns if part & each[1].keys()]
            rest -= self._least_slack(sorted(part), caps, worth, own, rest + 1)
            if rest < 0:
                return
        raise Refused("a better choice is left open")

    def _least_slack(
        self, part: list[int], caps: Any, worth: list[int], columns: Any, limit: int
    ) -> int:
        """Return the least slack of any choice in one part, or the limit if that is less."""
        wanted = Counter(at for _slack, takes in columns for at in takes)
        order = sorted(part, key=lambda at: (worth[at] == 0, wanted[at], at))
        cheap = sorted(columns, key=lambda each: each[0])
        users = {at: [each for each in cheap if at in each[1]] for at in order}
        excluded: dict[tuple[int, ...], int] = {}  # completions of less slack were looked at

        def look(left: dict[int, int], slack: int) -> None:
            nonlocal limit
            self.nodes_left -= 1
            if self.nodes_left < 0:
                raise Refused("too much is left open to be closed")
            key, first = tuple(left.values()), slack
            if excluded.get(key, -1) >= limit - slack:
                return
            left = dict(left)
            for at in order:
                for cost, takes in users[at] if left[at] else []:
                    if slack + cost >= limit:
                        break
                    if all(left[i] >= n for i, n in takes.items()):
                        look({i: n - takes.get(i, 0) for i, n in left.items()}, slack + cost)
                slack += worth[at] * left[at]
                left[at] = 0
                if slack >= limit:
                    break
            limit = min(limit, slack)
            excluded[key] = limit - first

        look({at: caps[at] for at in order}, 0)
        return limit


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


def _off(cut: Cut, minor: int) -> int:
    if cut.percent is not None:
        return math.floor(Fraction(minor) * Fraction(str(cut.percent)) / 100 + HALF)
    if cut.amount_minor is not None:
        return min(cut.amount_minor, minor)
    return max(minor - (cut.price_minor or 0), 0)


def _split(total: int, weights: list[int]) -> list[int]:
    """Split by largest remainder, ties to the earlier one: rows come dearest first."""
    whole = sum(weights) or 1
    exact = [Fraction(total * weight, whole) for weight in weights]
    parts = [math.floor(each) for each in exact]
    order = sorted(range(len(exact)), key=lambda i: (parts[i] - exact[i], i))
    for index in order[: total - sum(parts)]:
        parts[index] += 1
    return parts


def _fits(refs: list[str], wanted: list[frozenset[str]]) -> bool:
    """Return whether the units can be given to the places of the parts, one each."""
    if len(refs) != len(wanted):
        return False
    if not refs:
        return True
    first, rest = wanted[0], wanted[1:]
    return any(
        _fits([*refs[:i], *refs[i + 1 :]], rest)
        for i in {refs.index(ref) for ref in first if ref in refs}
    )
