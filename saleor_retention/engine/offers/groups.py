"""Exclusion groups: at most one offer of each applies.

The search first ignores the groups. Only where its best price breaks one, the offers of that group
are admitted one by one, each a case of its own whose bound can end it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import chain, combinations

from saleor_retention.engine.offers.kinds import MemberPrice
from saleor_retention.engine.offers.lanes import Answer, Lanes
from saleor_retention.engine.offers.live import Field, Live
from saleor_retention.engine.offers.members import Terms
from saleor_retention.engine.offers.outcome import Outcome
from saleor_retention.engine.offers.result import Proof
from saleor_retention.engine.offers.thresholds import OrderLane, RowLeft

CASES_MAX = 64
DECLINED_MAX = 4  # member prices of which every combination is tried

Picks = tuple[tuple[str, str], ...]


@dataclass(slots=True)
class Best:
    """The best outcome that keeps to all groups."""

    lanes: Lanes
    outcome: Outcome
    total_minor: int  # its saving, with the reward of a forced offer
    bound_minor: int
    nodes: int = 0
    proofs: list[Proof] = field(default_factory=list)


@dataclass(slots=True)
class _Tree:
    found: Field
    shipping_minor: int
    nodes_max: int
    forced: str
    cases_left: int = CASES_MAX
    nodes: int = 0
    best: tuple[Lanes, Outcome, int] | None = None
    open_bound: int = 0
    proofs: list[Proof] = field(default_factory=list)


def best_of_groups(found: Field, shipping_minor: int, nodes_max: int, forced: str = "") -> Best:
    """Return the best outcome; with ``forced`` the best that uses this goods-lane offer."""
    tree = _Tree(found, shipping_minor, nodes_max, forced)
    picks: Picks = ()
    if forced:
        group = next(each.offer.group for each in found.live if each.offer.id == forced)
        picks = ((group, forced),) if group else ()
    _look(tree, picks)
    if tree.best is None:  # every case that was looked at breaks a group: admit nothing
        lanes = Lanes(replace(found, live=[]), (), shipping_minor)
        tree.best = (lanes, lanes.search(0).outcome, 0)
    lanes, outcome, total = tree.best
    return Best(lanes, outcome, total, max(tree.open_bound, total), tree.nodes, tree.proofs)


def _look(tree: _Tree, picks: Picks) -> None:
    tree.cases_left -= 1
    picked = dict(picks)
    live = [
        each
        for each in tree.found.live
        if not each.offer.group or picked.get(each.offer.group, each.offer.id) == each.offer.id
    ]
    lanes, answer = _with_or_without_member_prices(tree, live, picks)
    best = tree.best[2] if tree.best else -1
    if answer.bound_minor <= best:
        return
    broken = _broken_group(answer.outcome)
    if broken is None:
        total = lanes.total(answer.outcome)
        if total > best:
            tree.best = (lanes, answer.outcome, total)
        tree.open_bound = max(tree.open_bound, answer.bound_minor)
        return
    for each in [each for each in live if each.offer.group == broken]:
        if tree.cases_left <= 0:
            tree.open_bound = max(tree.open_bound, answer.bound_minor)
            return
        _look(tree, tuple(sorted((*picks, (broken, each.offer.id)))))


def _with_or_without_member_prices(
    tree: _Tree, live: list[Live], picks: Picks
) -> tuple[Lanes, Answer]:
    """Search with all member prices, and without some where a threshold may be worth more.

    A member price applies to the whole order or not at all. It never makes the goods dearer, but it
    may take what is left below a spend threshold. Leaving out one that others equal leaves the case
    as it was, and its proof.
    """
    searched: dict[tuple[frozenset[Terms], ...], tuple[Lanes, Answer]] = {}

    def search(declined: tuple[str, ...], beaten: int = 0) -> tuple[Lanes, Answer]:
        admitted = [each for each in live if each.offer.id not in declined]
        found = replace(tree.found, live=admitted)
        lanes = Lanes(found, picks, tree.shipping_minor, tree.forced, declined)
        same = searched.get(lanes.members.all_terms)
        if same is not None:
            tree.proofs += [replace(proof, declined=declined) for proof in same[1].proofs]
            return same
        answer = lanes.search(max(0, tree.nodes_max - tree.nodes), beaten)
        tree.nodes += answer.nodes
        tree.proofs += answer.proofs
        searched[lanes.members.all_terms] = lanes, answer
        return lanes, answer

    best = search(())
    prices = [each.offer.id for each in live if isinstance(each.offer.benefit, MemberPrice)]
    if not prices:
        return best
    rows = tree.found.shelf.rows
    full = [RowLeft([(row.unit_minor, 0, row.quantity)], row.spare_minor) for row in rows]
    order = OrderLane(live, full, tree.shipping_minor)
    if _hangs_on_no_price(live, order, full, best[1].goods_bound_minor):
        return best
    ceiling = best[1].goods_bound_minor + order.ceiling
    bound = best[1].bound_minor
    sizes = range(1, len(prices) + 1)
    if len(prices) > DECLINED_MAX:
        sizes, bound = range(1, 2), max(bound, ceiling)
    for declined in chain.from_iterable(combinations(prices, size) for size in sizes):
        total = best[0].total(best[1].outcome)
        if ceiling <= total:
            break
        other = search(declined, total)
        bound = max(bound, other[1].bound_minor)
        if other[0].total(other[1].outcome) > total:
            best = other
    best[1].bound_minor = bound
    return best


def _hangs_on_no_price(
    live: list[Live], order: OrderLane, full: list[RowLeft], goods_bound_minor: int
) -> bool:
    """Return whether what the goods cost at most reaches just what they reach at least.

    Then no member price is worth leaving out: the order lane takes no more off for a cent that is
    left of the goods than this cent. A member price with a floor may keep it from taking as much.
    """
    if any(each.offer.floor_minor for each in live if isinstance(each.offer.benefit, MemberPrice)):
        return False
    return order.is_complete and all(
        sum(full[row].total_minor for row in rows) - goods_bound_minor >= least
        for plan in order.plans
        for _offer_id, rows, least in plan.demands()
    )


def _broken_group(outcome: Outcome) -> str | None:
    groups = [live.offer.group for live in outcome.applied() if live.offer.group]
    return min((group for group in groups if groups.count(group) > 1), default=None)
