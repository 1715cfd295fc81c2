"""Verifies a quote from its certificate; written apart from the search and shares no code with it.

First that the quote is allowed: every way is one that its offer knows, no unit serves two, no
limit, group or floor is broken, and the amounts are the ones that the rules give. Then that nothing
better is, which is ``checking_bound``'s subject. ``checking_case`` is what both look at.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from saleor_retention.engine.facts import BasketFacts
from saleor_retention.engine.offers.checking_bound import check_bound
from saleor_retention.engine.offers.checking_case import Case, Refused, amount_off, split
from saleor_retention.engine.offers.kinds import Bundle, FreeShipping, Offer, SpendThreshold
from saleor_retention.engine.offers.result import OfferQuote
from saleor_retention.engine.offers.situation import Situation

__all__ = ["Refused", "check"]


def check(
    quote: OfferQuote,
    basket: BasketFacts,
    offers: Sequence[Offer],
    situation: Situation,
    *,
    nodes_max: int = 300_000,
) -> None:
    """Raise ``Refused`` with the reason unless the quote is right and its bound is proved."""
    case = Case(basket, offers, situation)
    _check_choice(quote, case)
    check_bound(case, quote.certificate, nodes_max)


# --- the choice -----------------------------------------------------------------------------------


def _check_choice(quote: OfferQuote, case: Case) -> None:
    """Rebuild what every lane takes off every line and compare."""
    proof, lanes = quote.certificate, (Counter[Any](), Counter[Any](), Counter[Any]())
    goods, member, order = lanes
    left = {ref: [(case.unit[ref], 0)] * line.quantity for ref, line in case.lines.items()}
    uses: Counter[str] = Counter()
    for each in proof.applications:
        offer = case.offers.get(each.offer_id)
        if offer is None or each.offer_id not in case.ways:
            raise Refused(f"{each.offer_id} may not apply")
        uses[offer.id] += 1
        _check_application(case, offer, each.units, each.amounts)
        for (ref, count), (_ref, amount) in zip(each.units, each.amounts, strict=True):
            goods[ref, offer.id] += amount
            for index in range(count):
                if (case.unit[ref], 0) not in left[ref]:
                    raise Refused(f"{ref} serves more offers than it has units")
                left[ref].remove((case.unit[ref], 0))
                part = amount // count + (index < amount % count)
                left[ref].append((case.unit[ref] - part, -1 - offer.floor_minor))
    for ref, units in left.items():
        for index, (minor, mark) in enumerate(units):
            floor = -1 - mark if mark < 0 else 0
            off, key = case.member(case.row_of[ref], minor, floor, _applied(quote, case))
            member[ref, key] += off
            own = case.offers[key].floor_minor if key else 0
            units[index] = (minor - off, max(floor, own))
    _check_order(quote, case, left, order)
    for key, times in uses.items():
        limit = case.open[key][0]
        if limit is not None and times > limit:
            raise Refused(f"{key} is used more often than it may be")
    _check_sums(quote, case, goods, member, order)


def _applied(quote: OfferQuote, case: Case) -> list[str]:
    """Return the offers that may apply: of a group only the one that the quote applies."""
    ids = [v.offer_id for v in quote.verdicts if v.code == "APPLIED"]
    groups = [case.offers[key].group for key in ids if case.offers[key].group]
    if len(groups) != len(set(groups)):
        raise Refused("two offers of one exclusion group apply")
    declined = quote.certificate.declined
    return [
        key
        for key in case.open
        if (key in ids or not case.offers[key].group) and key not in declined
    ]


def _check_application(case: Case, offer: Offer, units: Any, amounts: Any) -> None:
    refs = [ref for ref, count in units for _unit in range(count)]
    sizes = [1]
    if isinstance(offer.benefit, Bundle):
        sizes = [part.quantity for part in offer.benefit.parts]
    wanted = [refs_of for refs_of, n in zip(case.selections(offer), sizes, strict=False)
              for _ in range(n)]  # fmt: skip
    if [ref for ref, _ in units] != [ref for ref, _ in amounts] or not _fits(refs, wanted):
        raise Refused(f"{offer.id} does not apply to {units}")
    prices = [case.unit[ref] for ref in refs]
    most = sum(max(0, price - offer.floor_minor) for price in prices)
    totals = [
        min(case.saving(offer, prices, which), most) for which in range(len(case.open[offer.id][1]))
    ]
    total = sum(amount for _ref, amount in amounts)
    room = {ref: count * max(0, case.unit[ref] - offer.floor_minor) for ref, count in units}
    if total not in totals:
        raise Refused(f"{offer.id} takes off something else than {' or '.join(map(str, totals))}")
    rows = sorted(case.row_of[ref] for ref in refs)
    parts = split(total, [max(0, case.cost[row] - offer.floor_minor) for row in rows])
    wanted_parts, given = Counter[int](), Counter[int]()
    for row, part in zip(rows, parts, strict=True):
        wanted_parts[row] += part
    for ref, amount in amounts:
        given[case.row_of[ref]] += amount
    if given != wanted_parts:
        raise Refused(f"{offer.id} divides {total} otherwise than the rule")
    if any(not 0 <= amount <= room[ref] for ref, amount in amounts):
        raise Refused(f"{offer.id} passes its floor")


def _check_order(
    quote: OfferQuote, case: Case, left: dict[str, list[tuple[int, int]]], order: Counter[Any]
) -> None:
    taken: set[str] = set()
    total = {ref: sum(minor for minor, _ in units) for ref, units in left.items()}
    for ref, line in case.lines.items():
        total[ref] += max(0, line.total_minor) - case.unit[ref] * line.quantity
    given = Counter({(each.line_ref, each.rule_key.removeprefix("offer:")): each.amount_minor
                     for each in quote.allocations})  # fmt: skip
    for key, position in quote.certificate.order_steps:
        benefit = case.offers[key].benefit if key in case.open else None
        if not isinstance(benefit, SpendThreshold | FreeShipping):
            raise Refused(f"{key} may not apply to the order")
        refs = case.matched(benefit.selection)
        if isinstance(benefit, FreeShipping):
            if sum(total[ref] for ref in refs) < benefit.from_minor:
                raise Refused(f"{key} is not reached")
            continue
        step, refs = benefit.steps[position], refs - taken
        taken |= refs
        basis, floor = sum(total[ref] for ref in refs), case.offers[key].floor_minor
        room = {
            ref: sum(max(0, minor - max(own, floor)) for minor, own in left[ref])
            + (0 if floor else total[ref] - sum(minor for minor, _ in left[ref]))
            for ref in refs
        }
        if basis < step.from_minor:
            raise Refused(f"{key} is not reached")
        if sum(given[ref, key] for ref in refs) != min(
            amount_off(step.cut, basis), sum(room.values())
        ):
            raise Refused(f"{key} takes off the wrong amount")
        if any(given[ref, key] > room[ref] for ref in refs):
            raise Refused(f"{key} passes a floor")
        order.update({(ref, key): given[ref, key] for ref in refs})


def _check_sums(quote: OfferQuote, case: Case, *lanes: Counter[Any]) -> None:
    wanted: Counter[Any] = Counter()
    for lane in lanes:
        wanted.update(lane)
    given: Counter[Any] = Counter()
    for each in quote.allocations:
        given[each.line_ref, each.rule_key.removeprefix("offer:")] += each.amount_minor
    if +wanted != +given or any(each.amount_minor <= 0 for each in quote.allocations):
        raise Refused("the allocations are not what the rules give")
    for ref, line in case.lines.items():
        if sum(n for (own, _key), n in given.items() if own == ref) > max(0, line.total_minor):
            raise Refused(f"{ref} falls below zero")
    ships = any(
        isinstance(case.offers[key].benefit, FreeShipping)
        for key, _step in quote.certificate.order_steps
    )
    saving = sum(given.values()) + (case.at.shipping_minor if ships else 0)
    certified = quote.certificate
    if not saving == quote.saving_minor == certified.saving_minor:
        raise Refused("the saving is not the sum of its parts")
    if quote.bound_minor != certified.bound_minor or saving > certified.bound_minor:
        raise Refused("the bound is not the certified one")


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
