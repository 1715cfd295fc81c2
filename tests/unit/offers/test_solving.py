"""Components that were solved before: what is kept changes no answer."""

from __future__ import annotations

from random import Random

import pytest

from saleor_retention.engine.offers import solving
from saleor_retention.engine.offers.packing import Column, Packing
from saleor_retention.engine.offers.solving import solve

Case = tuple[list[int], list[Column]]


def made(seed: int) -> Case:
    """Return rows of units with columns that take one to three of neighboring rows."""
    random = Random(seed)  # noqa: S311
    caps = [random.randint(1, 4) for _row in range(random.randint(2, 12))]
    columns = []
    for rank in range(random.randint(1, 30)):
        first = random.randrange(len(caps))
        rows = sorted({first, min(len(caps) - 1, first + random.randint(0, 2))})
        pairs = tuple((row, random.randint(1, caps[row])) for row in rows)
        columns.append(Column(random.randint(1, 900), pairs, 1 + rank))
    return caps, columns


def answer(case: Case, nodes_max: int = 10_000, required: int = 0) -> Packing:
    """Return what a case comes to."""
    caps, columns = case
    return solve(caps, columns, len(caps), nodes_max, required)


def afresh(case: Case, nodes_max: int = 10_000, required: int = 0) -> Packing:
    """Return the same in a process that knows nothing."""
    solving.forget()
    return answer(case, nodes_max, required)


@pytest.mark.parametrize("seed", range(60))
def test_what_is_known_changes_no_answer(seed: int) -> None:
    """With any budget, and where something is required, whatever was solved before."""
    case = made(seed)
    asked = [(10_000, 0), (10_000, 0), (300, 0), (5, 0), (0, 0), (10_000, 500), (10_000, 0)]
    wanted = [afresh(case, *each) for each in asked]
    solving.forget()

    assert [answer(case, *each) for each in asked] == wanted
    assert [answer(case, *each) for each in reversed(asked)] == wanted[::-1]


def test_the_parts_that_did_not_change_are_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of two parts only that is solved again whose units or columns changed."""
    solved: list[tuple[int, ...]] = []
    search = solving._part
    monkeypatch.setattr(solving, "_part", lambda case: solved.append(case.caps) or search(case))
    own = [Column(90, ((0, 2), (1, 1)), 1), Column(50, ((0, 1),), 2)]
    other = [Column(70, ((2, 1), (3, 1)), 3), Column(60, ((3, 2),), 4)]

    answer(([4, 3, 2, 5], own + other))
    assert sorted(solved) == [(2, 5), (4, 3)]
    solved.clear()
    found = answer(([4, 3, 2, 6], own + other))

    assert solved == [(2, 6)]
    assert found == afresh(([4, 3, 2, 6], own + other))


def test_a_part_is_known_wherever_it_stands_in_the_cart() -> None:
    """Resources are counted from the part's own first one, so that another line in front counts."""
    part = [Column(90, ((0, 2), (1, 1)), 1), Column(50, ((0, 1),), 2)]
    answer(([4, 3], part))
    moved = [Column(value, tuple((r + 1, n) for r, n in pairs), tie) for value, pairs, tie in part]
    case = ([7, 4, 3], [Column(10, ((0, 1),), 9), *moved])

    assert answer(case) == afresh(case)


def test_so_many_parts_are_kept_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """A shop of many carts does not fill the memory."""
    monkeypatch.setattr(solving, "SETTLED_MAX", 3)
    for units in range(1, 20):
        answer(([units], [Column(10, ((0, 1),), 1)]))
        assert len(solving._settled) <= 3
    monkeypatch.setattr(solving, "SETTLED_COLUMNS_MAX", 1)
    solving.forget()
    answer(([2, 2], [Column(10, ((0, 1), (1, 1)), 1), Column(20, ((0, 2),), 2)]))

    assert not solving._settled
