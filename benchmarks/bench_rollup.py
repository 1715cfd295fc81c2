"""A night's work on all customers of a shop, against pandas.

Ours holds every rollup against the orders, makes anew those of ``MISSED`` orders that nobody summed
up, scores all customers, and brings the members of five segments up to date, in the database. The
same from nothing is shown beside: every rollup, member and event is written then. The peer loads
the same orders through psycopg in a process of its own and does the same in memory; its time begins
with the load and leaves out its start. They take turns; what came out is compared by sums after
each. ORDERS and CUSTOMERS name the size.
"""

from __future__ import annotations

import json
import logging
import os
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import world
from benchmarks.world import NOW, rows

ORDERS = world.size("ORDERS", 1_000_000)
CUSTOMERS = world.size("CUSTOMERS", 100_000)
ROUNDS = world.size("ROUNDS", 3)
MISSED = world.size("MISSED", 1000)  # orders of each night whose events were lost
PEER = Path(__file__).parent / "peers" / "analysts.py"
GOAL = 0.3

FILL = """
    INSERT INTO saleor_retention_orderrecord (
        order_ref, number, checkout_ref, program_id, account_id, version_id, tier, channel_ref,
        currency, created_at, paid_at, goods, may_earn, grants_points, quoted, earned, clawed,
        redeemed, restored, bonus, spend_minor, is_counted, sequence, settled_at
    )
    SELECT gen_random_uuid()::text, '', '', %s, account_id, %s, '', '1', 'USD', made_at, made_at,
           '{}', true, true, 0, 0, 0, 0, 0, 0, (random() * 20000)::integer, true, 0, made_at
    FROM (
        SELECT number,
               %s::bigint + floor(power(random(), 1.7) * %s)::bigint AS account_id,
               %s::timestamptz - random() * interval '1000 days' AS made_at
        FROM generate_series(1, %s) AS number
    ) AS made
"""
LOAD = """
    SELECT account_id, created_at, spend_minor FROM saleor_retention_orderrecord
    WHERE program_id = {program} AND is_counted AND account_id IS NOT NULL
"""
SUMS = """
    SELECT count(*), sum(orders), sum(order_days), sum(spend_minor), sum(first_day_minor),
           sum(recency_score), sum(frequency_score), sum(monetary_score)
    FROM saleor_retention_customerrollup
"""
SEGMENTS = {
    "active": {"band": ["active"]},
    "sleeping": {"band": ["sleeping"]},
    "at-risk": {"band": ["at_risk"]},
    "lost": {"band": ["lost"]},
    "champions": {"all": [{"recency_score": {"from": 4}}, {"monetary_score": {"from": 4}}]},
}


def order(program: Any, first_id: int, count: int) -> None:
    """Let customers order over some three years, a few of them often; nothing sums that up."""
    rows(FILL, program.pk, program.current_version_id, first_id, CUSTOMERS, NOW, count)


def fill() -> tuple[Any, int]:
    """Make customers with orders; return the program and the first account's id."""
    from saleor_retention.services.membership import segments
    from saleor_retention.services.membership.segments import Draft

    program = world.make_program("rollup", reference={"currency": "USD"})
    account_ids = world.make_members(program, CUSTOMERS)
    assert account_ids[-1] - account_ids[0] == CUSTOMERS - 1
    for slug, rule in SEGMENTS.items():
        segments.create_segment(program, Draft(slug, slug, rule), now=NOW)
    rows("SELECT setseed(0.5)")
    order(program, account_ids[0], ORDERS)
    return program, account_ids[0]


def let_a_day_pass() -> None:
    """Do what a server's autovacuum does between two nights."""
    for table in ("account", "orderrecord", "customerrollup", "segmentmember", "segmentevent"):
        rows(f"VACUUM ANALYZE saleor_retention_{table}")


def forget() -> None:
    """Begin from nothing again."""
    for table in ("segmentevent", "segmentmember", "customertag", "customerrollup"):
        rows(f"TRUNCATE saleor_retention_{table}")


def night(program: Any) -> tuple[float, dict[str, Any]]:
    """Do one night's work; return its seconds and what is there then."""
    from saleor_retention.models import SegmentMember
    from saleor_retention.services.membership import segments

    seconds = world.timed(lambda: segments.nightly(program, now=NOW))
    count, orders, days, minor, first, *scores = map(int, rows(SUMS)[0])
    sizes = {slug: SegmentMember.objects.filter(segment__slug=slug).count() for slug in SEGMENTS}
    return seconds, {
        "customers": count,
        "orders": orders,
        "order_days": days,
        "minor": minor,
        "first_day_minor": first,
        "scores": scores,
        "sizes": sizes,
    }


def theirs(program: Any, python: str) -> tuple[float, dict[str, Any]]:
    """Let pandas do it; return its seconds and what came out."""
    from django.db import connection

    settings = connection.settings_dict
    names = {
        "HOST": "host",
        "PORT": "port",
        "USER": "user",
        "PASSWORD": "password",
        "NAME": "dbname",
    }
    dsn = " ".join(f"{to}={settings[name]}" for name, to in names.items() if settings.get(name))
    question = {
        "dsn": dsn,
        "statement": LOAD.format(program=program.pk),
        "today": NOW.date().isoformat(),
    }
    env = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    answer = subprocess.run(
        [python, str(PEER), "rollup"],
        input=json.dumps(question),
        capture_output=True,
        text=True,
        check=True,
        env=env,
    )
    found: dict[str, Any] = json.loads(answer.stdout)
    found.pop("load_seconds")
    return found.pop("seconds"), found


def main() -> int:
    """Measure and print; 1 when the two do not agree."""
    python = os.environ.get("RETENTION_ANALYSTS", "")
    ratios: dict[str, list[float]] = {"usual": [], "first": []}
    seconds: dict[str, list[float]] = {"usual": [], "first": [], "pandas": []}
    problems: list[str] = []
    logging.getLogger("saleor_retention").setLevel(logging.ERROR)  # the missed orders are news
    with world.fresh_database():
        program, first_id = fill()
        let_a_day_pass()
        night(program)
        for number in range(ROUNDS + 1):  # the first warms up
            order(program, first_id, MISSED)
            let_a_day_pass()
            usual, found = night(program)
            forget()
            first, found_anew = night(program)
            if found_anew != found:
                problems.append(f"{found}, from nothing {found_anew}")
            if number:
                seconds["usual"].append(usual)
                seconds["first"].append(first)
            if not python:
                continue
            peer, expected = theirs(program, python)
            if found != expected:
                problems.append(f"{found}, pandas {expected}")
            if number:
                seconds["pandas"].append(peer)
                ratios["usual"].append(usual / peer)
                ratios["first"].append(first / peer)
    print(f"\n{ORDERS:,} orders of {CUSTOMERS:,} customers, {MISSED:,} of them not summed up yet")
    world.line("", "median s", "of pandas", "goal")
    for name, kind, goal in (
        ("pandas, load and work", "pandas", ""),
        ("ours, a night", "usual", f"<= {GOAL}"),
        ("ours, from nothing", "first", ""),
    ):
        if not seconds[kind]:
            continue
        share = f"{statistics.median(ratios[kind]):.2f}" if ratios.get(kind) else ""
        world.line(name, f"{statistics.median(seconds[kind]):.2f}", share, goal)
    said = "sums as pandas has them" if python else "sums (no pandas to compare with)"
    return 0 if world.verdict(said, problems) else 1


if __name__ == "__main__":
    sys.exit(main())
