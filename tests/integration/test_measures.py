"""Measures of a program: the statements agree with their definitions, and sums with a peer."""

from __future__ import annotations

import datetime as dt
import json
import os
import random
import subprocess
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from saleor_retention.engine.measures import cohorts as engine_cohorts
from saleor_retention.engine.measures import seconds as engine_seconds
from saleor_retention.engine.measures.figures import Figures, Sale, by_period
from saleor_retention.engine.measures.spans import Interval, bounds
from saleor_retention.engine.periods import local_date
from saleor_retention.errors import Code, Refusal
from saleor_retention.models import OrderRecord, Program
from saleor_retention.selectors import measures
from saleor_retention.selectors.persons import Person
from saleor_retention.services.membership import customers, erasing, segments
from saleor_retention.services.membership.segments import Draft
from sandbox import bootstrap, locks, paths
from tests import ledger
from tests.customers import kept, record_order
from tests.fakes import at
from tests.ledger import Shop

pytestmark = pytest.mark.django_db

NOW = at("2026-03-31 12:00")
PARIS = "Europe/Paris"
FIRST, LAST = dt.date(2025, 10, 15), dt.date(2026, 3, 20)
PEER = Path(__file__).parents[2] / "benchmarks" / "peers" / "analysts.py"


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Shop:
    """A shop whose program counts in Paris."""
    return ledger.open_shop(monkeypatch, time_zone=PARIS)


def busy(shop: Shop, seed: int) -> list[Sale]:
    """Fill half a year with orders of thirty customers in two channels; some do not count."""
    draw = random.Random(seed)  # noqa: S311
    for number in range(30):
        account = shop.member(f"m{number}")
        for _ in range(draw.choice([0, 1, 1, 2, 3, 7])):
            moment = at("2025-09-01 00:00") + dt.timedelta(minutes=30 * draw.randrange(48 * 210))
            record_order(
                account,
                moment,
                draw.randrange(2000),
                channel_ref=draw.choice("12"),
                is_counted=draw.random() < 0.9,
            )
    return sales_of(shop.program)


def sales_of(program: Program) -> list[Sale]:
    """Return the counted orders of a program as the engine sees them."""
    rows = OrderRecord.objects.filter(program=program, is_counted=True)
    return [
        Sale(row.pk, row.account_id, row.created_at, row.spend_minor, row.channel_ref)
        for row in rows
    ]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("interval", list(Interval))
def test_the_table_agrees_with_its_definition(shop: Shop, seed: int, interval: Interval) -> None:
    """All intervals, with and without a channel and a segment."""
    sales = busy(shop, seed)
    customers.mend(shop.program)
    twice = segments.create_segment(
        shop.program, Draft("twice", "Twice", {"orders": {"from": 2}}), now=NOW
    )
    inside = frozenset(twice.members.values_list("account_id", flat=True))

    for channel_ref in (None, "2"):
        for segment, chosen in ((None, None), (twice, inside)):
            found = measures.table(
                shop.program,
                first_day=FIRST,
                last_day=LAST,
                interval=interval,
                channel_ref=channel_ref,
                segment=segment,
            )
            instants = bounds([row.span for row in found.rows], PARIS)
            rows, total = by_period(sales, instants, channel_ref=channel_ref, customers=chosen)

            assert [row.figures for row in found.rows] == rows
            assert found.total == total
            assert total.orders > 0


@pytest.mark.parametrize("seed", range(3))
def test_cohorts_and_second_orders_agree_with_their_definitions(shop: Shop, seed: int) -> None:
    """Half a year, and a part of it."""
    sales = busy(shop, seed)

    for first, last in ((FIRST, LAST), (dt.date(2026, 1, 1), dt.date(2026, 1, 31))):
        cells = measures.cohorts(shop.program, first_day=first, last_day=last)
        again = measures.second_orders(shop.program, first_day=first, last_day=last)

        assert cells == engine_cohorts.cohorts(sales, first, last, PARIS)
        assert again == engine_seconds.seconds(sales, first, last, PARIS)
        assert cells
        assert again.customers


def test_a_table_of_nothing_has_zeros(shop: Shop) -> None:
    """No order at all."""
    found = measures.table(shop.program, first_day=FIRST, last_day=LAST)

    assert [row.figures for row in found.rows] == [Figures()] * 6
    assert found.total == Figures()


def test_an_erased_customer_stays_in_every_sum(shop: Shop) -> None:
    """Under the pseudonym: what was counted yesterday is counted today."""
    ann = shop.member("ann")
    shop.buys(ann, "o1", "10.00", now=at("2026-01-10 10:00"))
    shop.buys(ann, "o2", "20.00", now=at("2026-02-10 10:00"))

    def told() -> tuple[object, ...]:
        table = measures.table(shop.program, first_day=FIRST, last_day=LAST)
        cells = measures.cohorts(shop.program, first_day=FIRST, last_day=LAST)
        return table, cells

    before = told()
    person = Person(user_ref=str(ann.user_id))
    erasing.erase(person, reason="asked", actor_ref="user:1", now=NOW)

    assert told() == before
    assert measures.table(shop.program, first_day=FIRST, last_day=LAST).total == Figures(
        1, 1, 2, 1, 3000, 2000
    )


def test_before_and_after_are_of_the_same_length(shop: Shop) -> None:
    """The program began on 1 January; on 11 January ten days stand against ten."""
    ann = shop.member("ann")
    for day, minor in (
        ("2025-12-21", 1),  # one day too early
        ("2025-12-22", 10),
        ("2025-12-31", 100),
        ("2026-01-01", 1000),
        ("2026-01-10", 10_000),
        ("2026-01-11", 100_000),  # today is not over
    ):
        record_order(ann, at(f"{day} 12:00"), minor)

    found = measures.comparison(shop.program, now=at("2026-01-11 12:00"))

    assert found is not None
    assert (found.before.figures.revenue_minor, found.after.figures.revenue_minor) == (110, 11_000)
    assert (found.before.span.first_day, found.after.span.last_day) == (
        dt.date(2025, 12, 22),
        dt.date(2026, 1, 10),
    )
    assert measures.comparison(shop.program, now=at("2026-01-01 12:00")) is None


@pytest.mark.parametrize(
    ("first", "last", "interval", "code", "field"),
    [
        ("2026-02-02", "2026-02-01", Interval.DAY, Code.INVALID, "until"),
        ("1969-12-31", "2026-02-01", Interval.YEAR, Code.INVALID, "since"),
        ("2026-01-01", "9999-01-01", Interval.YEAR, Code.INVALID, "until"),
        ("2025-01-01", "2026-01-02", Interval.DAY, Code.LIMIT_REACHED, "until"),
        ("1990-01-01", "2026-01-02", Interval.MONTH, Code.LIMIT_REACHED, "until"),
    ],
)
def test_days_that_make_no_table_are_refused(
    shop: Shop, first: str, last: str, interval: Interval, code: Code, field: str
) -> None:
    """By the argument at fault."""
    with pytest.raises(Refusal) as caught:
        measures.table(
            shop.program,
            first_day=dt.date.fromisoformat(first),
            last_day=dt.date.fromisoformat(last),
            interval=interval,
        )

    assert (caught.value.code, caught.value.field) == (code, field)


def test_frequency_and_recency_are_those_of_lifetimes(shop: Shop) -> None:
    """The package runs in an environment of its own, which the first run installs."""
    with locks.exclusive(paths.STATE / "bootstrap.lock", "it is installing the sandbox"):
        bootstrap.install(paths.ANALYSTS, [paths.HERE / "requirements-customers.txt"])
    sales = busy(shop, 7)
    customers.mend(shop.program)
    accounts = {account.pk: kept(account) for account in shop.program.accounts.all()}
    orders = [
        [sale.customer, local_date(sale.at, PARIS).isoformat(), sale.spend_minor] for sale in sales
    ]
    today = dt.date(2026, 6, 20)
    question = {"orders": orders, "today": today.isoformat()}
    env = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    answer = subprocess.run(
        [str(paths.python_of(paths.ANALYSTS)), str(PEER), "summary"],
        input=json.dumps(question),
        capture_output=True,
        text=True,
        check=True,
        env=env,
    )

    ours = {
        pk: (row.frequency, row.recency_days, row.age_days(today))
        for pk, row in accounts.items()
        if row is not None
    }
    theirs = json.loads(answer.stdout)
    assert {pk: (frequency, recency, age) for pk, frequency, recency, age, _ in theirs} == ours
    for pk, *_, monetary in theirs:
        row = accounts[pk]
        assert row is not None
        assert monetary == pytest.approx(float(row.monetary_minor))
    assert len(ours) > 15


def test_the_command_prints_and_writes_a_table(shop: Shop, tmp_path: Path) -> None:
    """Periods, all together, second orders, before against after; a table for a spreadsheet."""
    ann = shop.member("ann")
    record_order(ann, at("2026-01-10 12:00"), 1000)
    record_order(ann, at("2026-02-20 12:00"), 501)
    target, out = tmp_path / "out.csv", StringIO()

    call_command(
        "retention_measures",
        *("--program", "club", "--since", "2026-01-01", "--until", "2026-02-28"),
        *("--by", "month", "--csv", str(target)),
        stdout=out,
    )

    lines = out.getvalue().splitlines()
    assert lines[:4] == [
        (
            "2026-01-01 to 2026-01-31: 1 orders of 1 customers, 10.00 USD each; repurchase rate "
            "0.000000, 1.000000 orders per customer, 0.000000 of orders from returning customers"
        ),
        (
            "2026-02-01 to 2026-02-28: 1 orders of 1 customers, 5.01 USD each; repurchase rate "
            "1.000000, 1.000000 orders per customer, 1.000000 of orders from returning customers"
        ),
        (
            "all together: 2 orders of 1 customers, 7.51 USD each; repurchase rate 1.000000, "
            "2.000000 orders per customer, 0.500000 of orders from returning customers"
        ),
        (
            "second orders: 1 of 1 customers who first ordered in these days, after 41 days in "
            "the median"
        ),
    ]
    written = target.read_bytes().decode().split("\r\n")
    assert written[2] == (
        "2026-02-01,2026-02-28,1,0,1,1,0,1,5.01,0.00,5.01,USD,1.000000,5.01,1.000000,1.000000,"
        "1.000000"
    )
    assert written[3].startswith("total,total,1,0,1,2,1,1,15.01,")


@pytest.mark.parametrize(
    ("which", "expected"),
    [
        (
            "cohorts",
            [
                "cohort,months_since,customers,orders,revenue,currency",
                "2026-01-01,0,2,2,30.00,USD",
                "2026-01-01,1,1,1,5.01,USD",
            ],
        ),
        (
            "second_orders",
            [
                (
                    "customers,again,share,median_days,mean_days,within_30_days,within_60_days,"
                    "within_90_days,within_180_days,within_365_days"
                ),
                "2,1,0.500000,41,41.000000,0,1,1,1,1",
            ],
        ),
    ],
)
def test_the_command_writes_the_other_tables(
    shop: Shop, tmp_path: Path, which: str, expected: list[str]
) -> None:
    """One customer of January who came back in February, and one who did not."""
    ann, bob = shop.member("ann"), shop.member("bob")
    record_order(ann, at("2026-01-10 12:00"), 1000)
    record_order(bob, at("2026-01-11 12:00"), 2000)
    record_order(ann, at("2026-02-20 12:00"), 501)
    target = tmp_path / "out.csv"

    call_command(
        "retention_measures",
        *("--program", "club", "--since", "2026-01-01", "--until", "2026-02-28"),
        *("--csv", str(target), "--sheet", which),
        stdout=StringIO(),
    )

    assert target.read_bytes().decode() == "".join(f"{line}\r\n" for line in expected)


def test_the_command_writes_before_against_after(shop: Shop, tmp_path: Path) -> None:
    """Two whole days on both sides of the program's first one; nothing on that day itself."""
    now = timezone.now()
    began = local_date(now, PARIS) - dt.timedelta(days=2)
    Program.objects.filter(pk=shop.program.pk).update(
        created_at=dt.datetime.combine(began, dt.time(9), dt.UTC)
    )
    ann = shop.member("ann")
    noon = dt.datetime.combine(began, dt.time(12), dt.UTC)
    record_order(ann, noon - dt.timedelta(days=1), 1000)
    record_order(ann, noon + dt.timedelta(days=1), 501)
    target = tmp_path / "out.csv"

    def written() -> list[str]:
        call_command(
            "retention_measures",
            *("--program", "club", "--since", "2026-01-01", "--until", "2026-01-31"),
            *("--csv", str(target), "--sheet", "comparison"),
            stdout=StringIO(),
        )
        return target.read_bytes().decode().splitlines()

    days = [(began + dt.timedelta(days=number)).isoformat() for number in (-2, -1, 0, 1)]
    header, before, after = written()
    assert header.startswith("side,first_day,last_day,customers,")
    assert before == (
        f"before,{days[0]},{days[1]},1,1,0,1,1,0,10.00,10.00,0.00,USD,0.000000,10.00,1.000000,"
        "0.000000,0.000000"
    )
    assert after == (
        f"after,{days[2]},{days[3]},1,0,1,1,0,1,5.01,0.00,5.01,USD,1.000000,5.01,1.000000,"
        "1.000000,1.000000"
    )
    Program.objects.filter(pk=shop.program.pk).update(created_at=now)
    assert written() == [header]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--program", "none"), 'There is no program "none" with rules.'),
        (("--program", "club", "--segment", "x"), 'The program "club" has no segment "x".'),
        (("--program", "club", "--channel", "x"), 'There is no channel "x".'),
        (("--program", "club", "--until", "2025-01-01"), "The last day lies before the first one."),
    ],
)
def test_the_command_says_what_is_wrong(
    shop: Shop, arguments: tuple[str, ...], message: str
) -> None:
    """A sentence and no table."""
    days = ("--since", "2026-01-01", "--until", "2026-02-28")
    with pytest.raises(CommandError) as caught:
        call_command("retention_measures", *days, *arguments, stdout=StringIO())

    assert str(caught.value) == message
    assert shop.program.pk
