"""Components that were solved before: what is kept changes no answer."""

from __future__ import annotations

from random import Random

import pytest

from saleor_retention.engine.offers import solving
from saleor_retention.engine.offers.packing import Column, Packing, take, times_max
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


def best_of_all(columns: list[Column], left: list[int]) -> tuple[int, int]:
    """Return what saves most and the least tie of it, by trying everything."""
    if not columns:
        return 0, 0
    found = []
    column, *others = columns
    for times in range(1 + times_max(column.pairs, left)):
        rest = left.copy()
        take(column.pairs, rest, times)
        value, tie = best_of_all(others, rest)
        found.append((value + times * column.value, tie - times * column.tie))
    return max(found)


@pytest.mark.parametrize("seed", range(200))
def test_of_all_choices_that_save_most_the_one_of_least_tie(seed: int) -> None:
    """Values are few, so that many choices save the same; a limit is among the resources."""
    random = Random(seed)  # noqa: S311
    caps = [random.randint(1, 3) for _row in range(random.randint(2, 4))] + [random.randint(1, 2)]
    columns = []
    for rank in random.sample(range(1, 30), random.randint(2, 7)):
        rows = sorted(random.sample(range(len(caps) - 1), random.randint(1, 2)))
        pairs = tuple((row, random.randint(1, caps[row])) for row in rows)
        units = sum(taken for _row, taken in pairs)
        pairs += random.choice([(), ((len(caps) - 1, 1),)])
        columns.append(Column(units * random.choice([20, 20, 20, 30]), pairs, rank))
    solving.forget()
    found = solve(caps, columns, len(caps) - 1, 10_000)
    tie = sum(columns[position].tie * times for position, times in found.chosen.items())

    value, least = best_of_all(columns, caps)
    assert (found.value, found.bound, tie) == (value, value, -least)
