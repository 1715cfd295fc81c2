"""The report's statements against plain SQL for the same answers, and the whole page.

The peer of each statement is the shortest query that an analyst would write for the same rows; they
take turns and their rows are compared. Then the facts of the whole report are gathered and the page
is drawn. ORDERS, CUSTOMERS and ROUNDS name the size; PAGE a file to which a page of the two drawn
years (sandbox/two_years.py) is written, for people to look at, in LANGUAGE.
"""

from __future__ import annotations

import datetime as dt
import os
import statistics
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import world
from benchmarks.world import NOW, rows

ORDERS = world.size("ORDERS", 1_000_000)
CUSTOMERS = world.size("CUSTOMERS", 100_000)
ROUNDS = world.size("ROUNDS", 3)
PAGE = os.environ.get("PAGE", "")
GOAL_RATIO = 1.5
GOAL_SECONDS = 10
FIRST, LAST = dt.date(2024, 3, 1), dt.date(2026, 2, 28)
WINDOW = dt.timedelta(days=7)
CAMPAIGNS = 7

FILL = """
    INSERT INTO saleor_retention_orderrecord (
        order_ref, number, checkout_ref, program_id, account_id, version_id, tier, channel_ref,
        currency, created_at, paid_at, goods, may_earn, grants_points, quoted, earned, clawed,
        redeemed, restored, bonus, spend_minor, is_counted, sequence, settled_at
    )
    SELECT 'bench-' || number, '', '', %s, account_id, %s, '', '1', 'USD', made_at, made_at, '{}',
           true, true, 0, (random() * 200)::integer, 0, 0, 0, 0, (random() * 20000)::integer, true,
           0, made_at
    FROM (
        SELECT number,
               %s::bigint + floor(power(random(), 1.7) * %s)::bigint AS account_id,
               %s::timestamptz - random() * interval '1000 days' AS made_at
        FROM generate_series(1, %s) AS number
    ) AS made
"""
FILL_USES = """
    INSERT INTO saleor_retention_offeruse (
        offer_id, version_id, account_id, checkout_ref, order_ref, state, uses, amount_minor,
        currency, created_at
    )
    SELECT %s, %s, account_id, 'cart-' || order_ref, order_ref, 'used', 1, 100, 'USD', created_at
    FROM saleor_retention_orderrecord WHERE id %% 5 = 0
"""
FILL_DISPATCHES = """
    INSERT INTO saleor_retention_dispatch (
        campaign_id, version_id, account_id, cycle, channel, state, not_before, useful_until, facts,
        attempts, planned_at, sending_at, benefit_ref, note
    )
    SELECT %s, %s, account_id, 'once', 'email', 'sent', at, at, '{}', 1, at, at, '', ''
    FROM (
        SELECT id AS account_id, %s::timestamptz - id %% 9000 * interval '1 hour' AS at
        FROM saleor_retention_account WHERE program_id = %s AND id %% %s = %s
    ) AS touched
"""
PERIODS = """
    SELECT width_bucket(made.created_at, %(bounds)s::timestamptz[]) AS place,
           count(DISTINCT made.account_id),
           count(DISTINCT made.account_id) FILTER (WHERE made.id <> first.id),
           count(*), count(*) FILTER (WHERE made.id <> first.id),
           coalesce(sum(made.spend_minor), 0)::bigint,
           coalesce(sum(made.spend_minor) FILTER (WHERE made.id <> first.id), 0)::bigint
    FROM saleor_retention_orderrecord AS made
    JOIN (
        SELECT DISTINCT ON (account_id) account_id, id FROM saleor_retention_orderrecord
        WHERE program_id = %(program_id)s AND is_counted AND created_at < %(end_at)s
        ORDER BY account_id, created_at, id
    ) AS first ON first.account_id = made.account_id
    WHERE made.program_id = %(program_id)s AND made.is_counted
      AND made.created_at >= %(start_at)s AND made.created_at < %(end_at)s
    GROUP BY GROUPING SETS ((place), ())
    ORDER BY place
"""
COHORTS = """
    SELECT first.month,
           ((extract(year FROM made.day) - extract(year FROM first.month)) * 12
            + extract(month FROM made.day) - extract(month FROM first.month))::integer,
           count(DISTINCT made.account_id), count(*), sum(made.spend_minor)::bigint
    FROM (
        SELECT account_id, spend_minor, (created_at AT TIME ZONE %(time_zone)s)::date AS day
        FROM saleor_retention_orderrecord
        WHERE program_id = %(program_id)s AND is_counted
    ) AS made
    JOIN (
        SELECT account_id, date_trunc('month', min(created_at) AT TIME ZONE %(time_zone)s)::date
               AS month
        FROM saleor_retention_orderrecord
        WHERE program_id = %(program_id)s AND is_counted GROUP BY account_id
    ) AS first USING (account_id)
    WHERE first.month BETWEEN date_trunc('month', %(first_day)s::date) AND %(last_day)s::date
      AND made.day <= %(last_day)s::date
    GROUP BY 1, 2 ORDER BY 1, 2
"""
SECONDS = """
    WITH days AS (
        SELECT CASE WHEN dates[2] <= %(last_day)s::date THEN dates[2] - dates[1] END AS days
        FROM (
            SELECT array_agg((created_at AT TIME ZONE %(time_zone)s)::date ORDER BY created_at, id)
                   AS dates
            FROM saleor_retention_orderrecord
            WHERE program_id = %(program_id)s AND is_counted GROUP BY account_id
        ) AS made
        WHERE dates[1] BETWEEN %(first_day)s::date AND %(last_day)s::date
    )
    SELECT count(*), count(days), coalesce(sum(days), 0)::bigint,
           percentile_disc(0.5) WITHIN GROUP (ORDER BY days),
           ARRAY[count(*) FILTER (WHERE days <= 30), count(*) FILTER (WHERE days <= 60),
                 count(*) FILTER (WHERE days <= 90), count(*) FILTER (WHERE days <= 180),
                 count(*) FILTER (WHERE days <= 365)]
    FROM days
"""
BANDS = """
    SELECT CASE WHEN last >= %(best)s THEN 'best' WHEN last >= %(active)s THEN 'active'
                WHEN last >= %(sleeping)s THEN 'sleeping' WHEN last >= %(at_risk)s THEN 'at_risk'
                ELSE 'lost' END AS band, count(*), sum(orders)::bigint, sum(spend)::bigint
    FROM (
        SELECT max((created_at AT TIME ZONE 'UTC')::date) AS last, count(*) AS orders,
               sum(spend_minor) AS spend
        FROM saleor_retention_orderrecord
        WHERE program_id = %(program_id)s AND is_counted GROUP BY account_id
    ) AS made
    GROUP BY 1
"""
OFFERS = """
    SELECT offer_id, used.currency, sum(uses)::bigint, count(*),
           count(DISTINCT made.account_id), sum(amount_minor - returned_minor)::bigint,
           sum(spend_minor)::bigint
    FROM saleor_retention_offeruse AS used
    JOIN saleor_retention_orderrecord AS made USING (order_ref)
    WHERE made.program_id = %(program_id)s AND is_counted AND state = 'used'
      AND made.created_at >= %(start_at)s AND made.created_at < %(end_at)s
    GROUP BY 1, 2 ORDER BY 1, 2
"""
ATTRIBUTION = """
    WITH touched AS MATERIALIZED (
        SELECT * FROM unnest(
            %(account_ids)s::bigint[], %(instants)s::timestamptz[], %(source_keys)s::text[]
        ) AS touch (account_id, at, source_key)
    ), given AS (
        SELECT DISTINCT ON (made.id) made.account_id, made.spend_minor, touched.source_key
        FROM saleor_retention_orderrecord AS made JOIN touched USING (account_id)
        WHERE made.program_id = %(program_id)s AND made.is_counted
          AND made.created_at >= %(start_at)s AND made.created_at < %(end_at)s
          AND touched.at <= made.created_at AND touched.at >= made.created_at - %(window)s::interval
        ORDER BY made.id, touched.at DESC, touched.source_key COLLATE "C" DESC
    )
    SELECT source_key COLLATE "C", count(DISTINCT account_id), count(*), sum(spend_minor)::bigint
    FROM given GROUP BY 1 ORDER BY 1
"""
CAMPAIGN_ORDERS = """
    WITH given AS (
        SELECT DISTINCT ON (made.id) made.account_id, made.spend_minor, sent.campaign_id
        FROM saleor_retention_orderrecord AS made
        JOIN saleor_retention_dispatch AS sent USING (account_id)
        WHERE made.program_id = %(program_id)s AND made.is_counted AND sent.state = 'sent'
          AND made.created_at >= %(start_at)s AND made.created_at < %(end_at)s
          AND sent.sending_at <= made.created_at
          AND sent.sending_at >= made.created_at - %(window)s::interval
        ORDER BY made.id, sent.sending_at DESC, sent.campaign_id::text COLLATE "C" DESC
    )
    SELECT campaign_id, count(DISTINCT account_id), count(*), sum(spend_minor)::bigint
    FROM given GROUP BY 1
"""


def fill() -> Any:
    """Make customers with orders over some three years: offers on a fifth, points, campaigns."""
    from saleor_retention.services.ledger import summing
    from saleor_retention.services.membership import customers
    from saleor_retention.services.offering import offers

    program = world.make_program("report", reference={"currency": "USD"})
    account_ids = world.make_members(program, CUSTOMERS)
    version_id = program.current_version_id
    rows(FILL, program.pk, version_id, account_ids[0], CUSTOMERS, NOW, ORDERS)
    offer = offers.create_offer(
        program=program,
        slug="five",
        name="Five off",
        document={"kind": "member_price", "member_price": {"percent": 5}},
        now=NOW,
    ).offer
    rows(FILL_USES, offer.pk, offer.current_version_id)
    fill_campaigns(program)
    world.fill(
        program,
        account_ids,
        lots=max(1, ORDERS // CUSTOMERS),
        spent=ORDERS // CUSTOMERS // 3,
        expires_at=NOW + dt.timedelta(days=365),
    )
    world.settle_statistics()
    for table in ("orderrecord", "offeruse", "dispatch"):
        rows(f"VACUUM ANALYZE saleor_retention_{table}")
    customers.mend(program)
    while summing.sum_due(NOW):
        pass
    rows("VACUUM ANALYZE saleor_retention_customerrollup")
    return program


def fill_campaigns(program: Any) -> None:
    """Let each member have one message of one of seven campaigns."""
    from saleor_retention.models import Campaign, CampaignVersion

    for number in range(CAMPAIGNS):
        campaign = Campaign.objects.create(
            program=program, slug=f"c{number}", name=f"c{number}", created_at=NOW
        )
        version = CampaignVersion.objects.create(
            campaign=campaign, number=1, document={}, created_at=NOW
        )
        rows(FILL_DISPATCHES, campaign.pk, version.pk, NOW, program.pk, CAMPAIGNS, number)


def parameters_of(program: Any) -> dict[str, Any]:
    """Return what all statements ask about: two years by month, a touch for each member."""
    from dataclasses import asdict

    from saleor_retention.engine.measures.seconds import WITHIN_DAYS
    from saleor_retention.engine.measures.spans import Interval, bounds, spans
    from saleor_retention.engine.segments.bands import Limits, edges
    from saleor_retention.models import Account, Campaign

    instants = bounds(list(spans(FIRST, LAST, Interval.MONTH)), "UTC")
    ids = list(Account.objects.filter(program=program).values_list("pk", flat=True))
    touched = [
        (pk, NOW - dt.timedelta(hours=pk % 9000), f"campaign:{pk % CAMPAIGNS}") for pk in ids
    ]
    account_ids, moments, keys = zip(*touched, strict=True)
    return {
        "program_id": program.pk,
        "bounds": instants,
        "start_at": instants[0],
        "end_at": instants[-1],
        "channel_ref": None,
        "segment_id": None,
        "time_zone": "UTC",
        "first_day": FIRST,
        "last_day": LAST,
        "within_days": list(WITHIN_DAYS),
        **asdict(edges(NOW.date(), Limits())),
        "account_ids": list(account_ids),
        "instants": list(moments),
        "source_keys": list(keys),
        "window": WINDOW,
        "campaign_ids": list(Campaign.objects.filter(program=program).values_list("pk", flat=True)),
    }


def asker(statement: str, parameters: dict[str, Any], answer: list[Any]) -> Callable[[], float]:
    """Return what runs a statement, keeps its rows and says how long it took."""
    from django.db import connection

    def ask() -> float:
        with connection.cursor() as cursor:

            def run() -> None:
                cursor.execute(statement, parameters)
                answer[:] = cursor.fetchall()

            return world.timed(run)

    return ask


def compared(program: Any) -> bool:
    """Let each statement and its peer take turns; True where all rows are the same."""
    from saleor_retention import sql

    parameters = parameters_of(program)
    world.line("", "ours, s", "plain SQL, s", "ours / plain", "goal")
    is_right = True
    for name, plain in (
        ("periods", PERIODS),
        ("cohorts", COHORTS),
        ("seconds", SECONDS),
        ("bands", BANDS),
        ("offers", OFFERS),
        ("attribution", ATTRIBUTION),
        ("campaign_orders", CAMPAIGN_ORDERS),
    ):
        mine: list[Any] = []
        theirs: list[Any] = []
        seconds = world.in_turn(
            {
                "ours": asker(sql.load(f"measures/{name}"), parameters, mine),
                "plain": asker(plain, parameters, theirs),
            },
            ROUNDS,
        )
        ours, peer = statistics.median(seconds["ours"]), statistics.median(seconds["plain"])
        ratio = 1 / world.ratio(seconds["ours"], seconds["plain"])
        world.line(name, f"{ours:.3f}", f"{peer:.3f}", f"{ratio:.2f}", f"{GOAL_RATIO}")
        same = sorted(map(repr, mine)) == sorted(map(repr, theirs)) and mine
        is_right &= world.verdict(name, [] if same else ["other rows than plain SQL has"])
    return is_right


def whole(program: Any) -> None:
    """Gather and draw the whole report."""
    from saleor_retention.reporting.building import page_of
    from saleor_retention.reporting.page import rendered
    from saleor_retention.selectors.report import facts

    found: list[Any] = []

    def gather() -> None:
        found[:] = [facts(program, first_day=FIRST, last_day=LAST, now=NOW)]

    gathering, drawing = [], []
    for _ in range(ROUNDS):
        gathering.append(world.timed(gather))
        drawing.append(world.timed(lambda: rendered(page_of(found[0]))))
    world.line("", "median s", "goal")
    world.line("facts of the whole report", f"{statistics.median(gathering):.2f}")
    world.line("its page", f"{statistics.median(drawing):.2f}")
    together = statistics.median(a + b for a, b in zip(gathering, drawing, strict=True))
    world.line("both together", f"{together:.2f}", f"{GOAL_SECONDS}")


def write_page(path: str) -> None:
    """Write the report of the two drawn years for people to look at."""
    from django.utils import translation

    from saleor_retention.reporting.building import page_of
    from saleor_retention.reporting.page import rendered
    from saleor_retention.selectors.report import facts
    from sandbox import two_years

    plan = two_years.drawn(dt.date(2026, 1, 1), customers=world.size("DRAWN", 5000))
    now = dt.datetime(2026, 1, 1, 9, tzinfo=dt.UTC)
    taken = world.timed(lambda: two_years.write(plan))
    from saleor_retention.models import Program

    program = Program.objects.get(slug="club")
    found = facts(
        program,
        first_day=plan.start,
        last_day=plan.end - dt.timedelta(days=1),
        now=now,
        acquisition_minor=2500,
    )
    with translation.override(os.environ.get("LANGUAGE", "en")):
        Path(path).write_text(rendered(page_of(found)), encoding="utf-8")
    world.line(f"two years of {len(plan.buyers):,} customers, written", f"{taken:.1f}")


def main() -> int:
    """Fill, compare, draw."""
    with world.fresh_database():
        if PAGE:
            write_page(PAGE)
        program = fill()
        print(f"\n{ORDERS:,} orders of {CUSTOMERS:,} customers, two years by month")
        is_right = compared(program)
        whole(program)
        return 0 if is_right else 1


if __name__ == "__main__":
    sys.exit(main())
