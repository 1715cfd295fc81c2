"""OR-tools CP-SAT in a process of its own: integer programs in, their maxima out, as JSON lists.

A maximum that was not proved within a minute is null.

A program is {"values": [...], "rows": [[[[column, factor], ...], most], ...]}: whole numbers of
times for each column, the rows' sums at most so much, the values' sum as large as possible.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from ortools.sat.python import cp_model


def maximum(program: dict[str, Any]) -> int | None:
    """Return the proved maximum of a program; None where time ran out before the proof."""
    model = cp_model.CpModel()
    most = max((row[1] for row in program["rows"]), default=0)
    columns = [model.new_int_var(0, most, str(index)) for index in range(len(program["values"]))]
    for pairs, limit in program["rows"]:
        model.add(sum(columns[index] * factor for index, factor in pairs) <= limit)
    model.maximize(
        sum(column * value for column, value in zip(columns, program["values"], strict=True))
    )
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    solver.parameters.max_time_in_seconds = 60
    status = solver.solve(model)
    if not columns:
        return 0
    if status in (cp_model.FEASIBLE, cp_model.UNKNOWN):
        return None
    if status != cp_model.OPTIMAL:
        raise SystemExit(f"CP-SAT refused the program: {solver.status_name(status)}")
    return round(solver.objective_value)


def main() -> None:
    """Read programs from standard input and print their maxima."""
    print(json.dumps([maximum(program) for program in json.load(sys.stdin)]))


if __name__ == "__main__":
    main()
