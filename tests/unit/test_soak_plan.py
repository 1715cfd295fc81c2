"""What the seed of the simulation of faults reproduces."""

from __future__ import annotations

from collections import Counter
from itertools import islice

from tests.soak import plan


def test_a_seed_gives_every_process_its_plan() -> None:
    """The same for the same seed, place and generation; another for each other of them."""
    names = [(7, 0, 1), (8, 0, 1), (7, 1, 1), (7, 0, 2)]
    plans = [list(islice(plan.steps(*name), 50)) for name in names]

    assert list(islice(plan.steps(7, 0, 1), 50)) == plans[0]
    assert len({tuple(steps) for steps in plans}) == len(names)


def test_every_deed_and_every_delivery_comes() -> None:
    """About as often as their weights say."""
    steps = list(islice(plan.steps(1, 0, 1), 4000))
    deeds = Counter(step.deed for step in steps)
    deliveries = Counter(step.delivery for step in steps)

    for found, weights in ((deeds, plan.DEEDS), (deliveries, plan.DELIVERIES)):
        whole = sum(weights.values())
        assert found.keys() == weights.keys()
        for name, weight in weights.items():
            assert 0.5 < found[name] / len(steps) * whole / weight < 1.5


def test_each_round_of_faults_holds_all_kinds() -> None:
    """A run that has time for a round has seen everything; without crashes the rest stays."""
    whole = list(islice(plan.faults(7, has_crashes=True), 3 * len(plan.ROUND)))
    for number in range(3):
        part = whole[number * len(plan.ROUND) : (number + 1) * len(plan.ROUND)]
        assert Counter(fault.kind for fault in part) == Counter(plan.ROUND)

    spared = [fault for fault in whole if fault.kind != plan.CRASH]
    assert list(islice(plan.faults(7, has_crashes=False), len(spared))) == spared
