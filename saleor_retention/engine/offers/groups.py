"""Exclusion groups: at most one offer of each applies.

The search first ignores the groups. Only where its best price breaks one, the offers of that group
are admitted one by one, each a case of its own whose bound can end it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from saleor_retention.engine.offers.lanes import Answer, Lanes
from saleor_retention.engine.offers.live import Field
from saleor_retention.engine.offers.outcome import Outcome
from saleor_retention.engine.offers.result import Proof

CASES_MAX = 64

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
        if not each.offer.group
        or picked.get(each.offer.group, each.offer.id) == each.offer.id
    ]
    lanes = Lanes(replace(tree.found, live=live), picks, tree.shipping_minor, tree.forced)
    answer: Answer = lanes.search(max(0, tree.nodes_max - tree.nodes))
    tree.nodes += answer.nodes
    tree.proofs += answer.proofs
    best = tree.best[2] if tree.best else -1
    if answer.bound_minor <= best:
        return
    broken = _broken_group(answer.outcome)
    if broken is None:
        total = answer.outcome.saving_minor + lanes.bonus_of(answer.outcome)
        if total > best:
            tree.best = (lanes, answer.outcome, total)
        tree.open_bound = max(tree.open_bound, answer.bound_minor)
        return
    for each in [each for each in live if each.offer.group == broken]:
        if tree.cases_left <= 0:
            tree.open_bound = max(tree.open_bound, answer.bound_minor)
            return
        _look(tree, tuple(sorted((*picks, (broken, each.offer.id)))))


def _broken_group(outcome: Outcome) -> str | None:
    groups = [live.offer.group for live in outcome.applied() if live.offer.group]
    return min((group for group in groups if groups.count(group) > 1), default=None)
