"""Proves for the checker that nothing saves more than a certificate's bound.

At the prices of a proof no way saves more than it takes. What the prices leave open is closed by
looking at every choice that falls short of them by less than the difference. Shares no code with
the search.
"""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from saleor_retention.engine.offers.checking_case import HALF, Case, Refused, Way, amount_off
from saleor_retention.engine.offers.kinds import Cut, FreeShipping, SpendThreshold
from saleor_retention.engine.offers.result import Certificate, Proof


def check_bound(case: Case, certificate: Certificate, nodes_max: int) -> None:
    """Raise ``Refused`` unless the bound is proved, looking at so many choices at most."""
    _Prover(case, certificate, nodes_max).check_groups(())


class _Prover:
    """Holds one certificate against a case; counts down the choices that may still be looked at."""

    def __init__(self, case: Case, certificate: Certificate, nodes_max: int) -> None:
        self.case, self.certificate, self.nodes_left = case, certificate, nodes_max

    def check_groups(self, picks: tuple[tuple[str, str], ...]) -> None:
        """Prove for every case that it cannot save more than the bound."""
        case, picked = self.case, dict(picks)
        for group in sorted({each.group for each in case.offers.values()} - {"", *picked}):
            members = [
                key
                for key in case.open
                if case.offers[key].group == group and case.ways.get(key, True)
            ]
            deeper = [tuple(sorted((*picks, (group, key)))) for key in members]
            known = {proof.picks for proof in self.certificate.proofs}
            if deeper and all(own in known for own in deeper):
                for own in deeper:
                    self.check_groups(own)
                return
        live = [key for key in case.open if picked.get(case.offers[key].group, key) == key]
        prices = [key for key in live if key in case.member_rows]
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
        case, most, has_free_shipping = self.case, 0, False
        full = sum(max(0, line.total_minor) for line in case.lines.values())
        for key in live:
            benefit = case.offers[key].benefit
            if isinstance(benefit, SpendThreshold):
                most += max(amount_off(step.cut, full) for step in benefit.steps)
            if isinstance(benefit, FreeShipping):
                goods = case.matched(benefit.selection)
                spent = sum(max(0, case.lines[ref].total_minor) for ref in goods)
                has_free_shipping = has_free_shipping or spent >= benefit.from_minor
        most += case.at.shipping_minor * has_free_shipping
        return not (
            self._saves_at_most(self.certificate.bound_minor - most, picks, live)
            or self._saves_at_most(self._never_missed(live), picks, live)
        )

    def _saves_at_most(self, minor: int, picks: Any, live: list[str]) -> bool:
        """Prove that goods and member lane alone save no more than so much."""
        if minor < 0:
            return False
        try:
            spare = max(0, self.certificate.bound_minor - minor)
            self._check_cases(picks, live, (), spare)
        except Refused:
            return False
        return True

    def _never_missed(self, live: list[str]) -> int:
        """Return how much may come off the goods before a step is lost that they reach in full.

        While none is lost a member price never costs the shopper anything, unless its floor keeps
        others from the goods (-1): what the order lane takes falls by no more than the goods do.
        """
        case = self.case
        if any(case.offers[key].floor_minor for key in live if key in case.member_rows):
            return -1
        whole = [sum(max(0, case.lines[ref].total_minor) for ref in refs) for refs in case.rows]
        plans = [
            [sum(whole[row] for row in rows) - least for *_step, rows, least in plan]
            for plan in every_plan(case, live)
        ]
        reached = [spare for plan in plans if min(plan, default=0) >= 0 for spare in plan]
        return min(reached, default=sum(whole))

    def _check_cases(self, picks: Any, live: list[str], declined: Any, spare: int = -1) -> None:
        """Prove every plan; or, with something to spare, goods and member lane alone."""
        case = self.case
        proofs = {
            proof.steps: proof
            for proof in self.certificate.proofs
            if (proof.picks, set(proof.declined)) == (picks, set(declined))
        }
        base = [
            case.member(row, case.cost[row], 0, live)[0] * cap for row, cap in enumerate(case.caps)
        ]
        odd_cents = [sum(case.lines[r].total_minor % case.lines[r].quantity for r in refs
                     if case.lines[r].total_minor > 0) for refs in case.rows]  # fmt: skip
        whole = [
            cost * cap + odd - own
            for cost, cap, odd, own in zip(case.cost, case.caps, odd_cents, base, strict=True)
        ]
        priced, extra = priced_ways(case, live)
        fixed, nothing = sum(base) + extra, Proof((), (), ())
        if spare >= 0:
            self._check_case([], proofs.get((), nothing), priced, whole, fixed + spare)
            return
        for plan in every_plan(case, live):
            key = tuple((offer_id, position) for offer_id, position, _cut, _rows, _least in plan)
            goods = proofs.get((), nothing)
            try:
                self._check_case(plan, proofs.get(key) or goods, priced, whole, fixed)
            except Refused:  # but the plan takes off no more than it does from untouched goods
                most = [self._at_most(cut, whole, rows) for *_step, cut, rows, _least in plan]
                self._check_case([], goods, priced, whole, fixed + sum(most))

    def _at_most(self, cut: Cut | None, whole: list[int], rows: list[int]) -> int:
        """Return what a step takes off when nothing else touches its goods; or free shipping."""
        if cut is None:
            return self.case.at.shipping_minor
        return amount_off(cut, sum(whole[row] for row in rows))

    def _check_case(
        self, plan: Any, proof: Proof, priced: Any, whole: list[int], fixed: int
    ) -> None:
        """Prove that no choice that reaches the plan saves more than the bound."""
        case, steps, lines = self.case, dict(proof.step_prices), dict(proof.line_prices)
        is_own = proof.steps == tuple((key, i) for key, i, *_ in plan)
        if any(sum(whole[row] for row in rows) < least for *_, rows, least in plan):
            return  # out of reach
        const, bar = Fraction(fixed), Fraction(self.certificate.bound_minor + 1)
        touched = {row for _way, units, _falls in priced for row in units}
        rates, room = [], []
        for key, _position, cut, rows, least in plan:
            rate = Fraction(str(cut.percent)) / 100 if cut and cut.percent is not None else 0
            rates.append((rate, steps.get(key, Fraction(0)) if is_own else Fraction(0)))
            basis = sum(whole[row] for row in rows)
            room.append(basis - least)
            const += case.at.shipping_minor if cut is None else 0
            if touched.isdisjoint(rows):
                const += amount_off(cut, basis) if rate else 0
            else:  # rounded up by half a minor unit at most
                const, bar = const + rate * basis, bar - (HALF if rate else 0)
            const += min(basis, cut.amount_minor) if cut and cut.amount_minor is not None else 0
        prices = [lines.get(refs[0], Fraction(0)) for refs in case.rows]
        uses = {key: dict(proof.use_prices).get(key, Fraction(0)) for key in case.ways}
        limited = [key for key in case.ways if case.open[key][0] is not None]
        prices += [uses[key] for key in limited] + [price for _rate, price in rates]
        caps = [*case.caps, *(case.open[key][0] or 0 for key in limited), *room]
        pairs = [
            (len(caps) + index, {row for row, refs in enumerate(case.rows) if refs[0] in named})
            for index, (named, _price) in enumerate(proof.pair_prices)
        ]
        prices += [price for _named, price in proof.pair_prices]
        caps += [sum(case.caps[row] for row in rows) // 2 for _at, rows in pairs]
        worth = sum(price * cap for price, cap in zip(prices, caps, strict=True))
        columns = []
        for (value, count, key), units, falls in priced:
            takes = Counter(count)
            if key in limited:
                takes[len(case.caps) + limited.index(key)] = 1
            net = Fraction(value)
            for index, (rate, _price) in enumerate(rates):
                rows = plan[index][3]
                loss = sum(fall for row, fall in zip(units, falls, strict=True) if row in rows)
                takes[len(case.caps) + len(limited) + index] = loss
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


def priced_ways(case: Case, live: list[str]) -> tuple[list[tuple[Way, list[int], list[int]]], int]:
    """Return the ways with their worth; and the most of offers with too many ways."""
    priced, extra = [], 0
    for key in live:
        ways = case.ways.get(key, [])
        if isinstance(ways, int):
            extra += ways
            continue
        for which, count, _key in ways:
            units = sorted(count.elements())
            falls = case.falls(case.offers[key], units, live, which)
            if sum(falls) > 0:
                priced.append(((sum(falls), count, key), units, falls))
    return priced, extra


def every_plan(
    case: Case, live: list[str]
) -> Iterator[list[tuple[str, int, Cut | None, list[int], int]]]:
    """Yield every order of steps that could be reached: offer, step, cut, rows, least amount."""
    spends = [key for key in live if isinstance(case.offers[key].benefit, SpendThreshold)]
    ships: list[Any] = [None] + [
        key for key in live if isinstance(case.offers[key].benefit, FreeShipping)
    ] * (case.at.shipping_minor > 0)
    for size in range(len(spends) + 1):
        for order in itertools.permutations(spends, size):
            taken: set[int] = set()
            steps = []
            for key in order:
                rows = [r for r in case.rows_of(case.selections(case.offers[key])[0])
                        if r not in taken]  # fmt: skip
                taken.update(rows)
                benefit: Any = case.offers[key].benefit
                steps.append([(key, i, step.cut, rows, step.from_minor)
                              for i, step in enumerate(benefit.steps)])  # fmt: skip
            for some in itertools.product(*steps):
                for ship in ships:
                    tail = []
                    if ship:
                        free: Any = case.offers[ship].benefit
                        rows = case.rows_of(case.matched(free.selection))
                        tail = [(ship, 0, None, rows, free.from_minor)]
                    yield [*some, *tail]
