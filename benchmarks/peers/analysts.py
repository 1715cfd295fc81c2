"""pandas and lifetimes in a process of their own: sums, scores and bands of customers.

``summary`` reads {"orders": [[customer, day, minor units]], "today": day} from standard input and
answers what lifetimes makes of it. ``rollup`` reads {"dsn", "statement", "today"}, loads the orders
through psycopg, sums them up, scores and bands the customers, and answers how long that took and
checksums of what came out.
"""

from __future__ import annotations

import json
import sys
import time
import warnings
from typing import Any

warnings.simplefilter("ignore")

COLUMNS = ["customer", "at", "minor"]


def summary(question: dict[str, Any]) -> list[list[float]]:
    """Return customer, frequency, recency, age and monetary value of each customer."""
    import pandas as pd
    from lifetimes.utils import summary_data_from_transaction_data

    frame = pd.DataFrame(question["orders"], columns=COLUMNS)
    frame["at"] = pd.to_datetime(frame["at"], format="%Y-%m-%d")
    found = summary_data_from_transaction_data(
        frame, "customer", "at", "minor", observation_period_end=question["today"], freq="D"
    )
    return [
        [int(customer), *map(float, row)]
        for customer, row in zip(found.index, found.values, strict=True)
    ]


def rollup(question: dict[str, Any]) -> dict[str, Any]:
    """Load, sum up, score and band all customers; the load is a part of the time."""
    import pandas as pd
    import psycopg

    start = time.perf_counter()
    with psycopg.connect(question["dsn"]) as connection:
        rows = connection.execute(question["statement"]).fetchall()
    loaded = time.perf_counter()
    frame = pd.DataFrame(rows, columns=COLUMNS)
    frame["at"] = pd.to_datetime(frame["at"], utc=True)
    frame["day"] = frame["at"].dt.normalize()
    frame = frame.sort_values(["customer", "at"])
    groups = frame.groupby("customer")
    found = groups.agg(
        orders=("at", "size"),
        order_days=("day", "nunique"),
        first_on=("day", "min"),
        last_on=("day", "max"),
        minor=("minor", "sum"),
    )
    found["second_at"] = groups["at"].nth(1).reindex(found.index, fill_value=None)
    on_first = frame["day"].eq(frame["customer"].map(found["first_on"]))
    found["first_day_minor"] = frame[on_first].groupby("customer")["minor"].sum()
    count = len(found)
    for name, column in (("r", "last_on"), ("f", "order_days"), ("m", "minor")):
        found[name] = 1 + (found[column].rank(method="min") - 1).astype(int) * 5 // count
    today = pd.Timestamp(question["today"], tz="UTC")
    edges = [today - pd.DateOffset(months=months) for months in (3, 6, 12)]
    bins = [
        pd.Timestamp.min.tz_localize("UTC"),
        *reversed(edges),
        pd.Timestamp.max.tz_localize("UTC"),
    ]
    names = ["lost", "at-risk", "sleeping", "active"]
    found["band"] = pd.cut(found["last_on"], bins, right=False, labels=names)
    sizes = {str(name): int(size) for name, size in found["band"].value_counts().items()}
    sizes["champions"] = int(((found["r"] >= 4) & (found["m"] >= 4)).sum())
    ended = time.perf_counter()
    return {
        "seconds": ended - start,
        "load_seconds": loaded - start,
        "customers": count,
        "orders": int(found["orders"].sum()),
        "order_days": int(found["order_days"].sum()),
        "minor": int(found["minor"].sum()),
        "first_day_minor": int(found["first_day_minor"].sum()),
        "scores": [int(found[name].sum()) for name in ("r", "f", "m")],
        "sizes": sizes,
    }


def main() -> None:
    """Answer one question."""
    act = {"summary": summary, "rollup": rollup}[sys.argv[1]]
    print(json.dumps(act(json.load(sys.stdin))))


if __name__ == "__main__":
    main()
