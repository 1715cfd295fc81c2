"""The ledger's sums by day: what reports read of it must be what its entries make.

Random ledgers are summed up in ``test_liability``; here stands what happens around it.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from saleor_retention.engine.liability import Movement, Step
from saleor_retention.models import Account, LedgerSum, LedgerSummed
from saleor_retention.selectors.liability import liability
from saleor_retention.services.ledger import granting, summing
from tests import ledger
from tests.fakes import at
from tests.ledger import Shop
from tests.threads import at_once

pytestmark = pytest.mark.django_db

NEW_YORK = "America/New_York"


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Shop:
    """A point for a dollar; days are New York's."""
    return ledger.open_shop(monkeypatch, time_zone=NEW_YORK)


@pytest.fixture
def ann(shop: Shop) -> Account:
    """A member who was given points on three days, once late in New York's evening."""
    member = shop.member("ann", at("2026-03-01 00:00"))
    for number, instant in enumerate(("2026-03-02 12:00", "2026-03-03 03:30", "2026-03-05 12:00")):
        give(member, 10 + number, instant)
    return member


def give(member: Account, points: int, instant: str) -> None:
    """Grant points at an instant."""
    granting.grant(
        account_id=member.pk,
        points=points,
        reason="a test needs it",
        actor_ref="user:1",
        key=f"{instant} {points}",
        now=at(instant),
    )


def granted(shop: Shop, now: str, step: Step = Step.DAY) -> dict[dt.date, int]:
    """Return the points that the report of March says were granted, by its periods' first days."""
    found = liability(
        shop.program, first_day=dt.date(2026, 3, 1), last_day=at(now).date(), step=step, now=at(now)
    )
    assert found.breaches() == []
    return {
        period.span.first_day: period.movements[Movement.GRANTED]
        for period in found.ledger.periods
        if period.movements
    }


def days() -> Counter[dt.date]:
    """Return the points that were issued on each day that is summed up."""
    found: Counter[dt.date] = Counter()
    for row in LedgerSum.objects.filter(book="issuance"):
        found[row.booked_on] -= row.points
    return found


@pytest.mark.usefixtures("ann")
def test_days_are_summed_up_in_the_programs_time_zone(shop: Shop) -> None:
    """The grant of half past three in UTC is still the day before in New York."""
    assert not summing.sum_due(at("2026-03-08 12:00"))

    assert days() == {dt.date(2026, 3, 2): 21, dt.date(2026, 3, 5): 12}
    assert LedgerSummed.objects.get().until == at("2026-03-08 00:00")
    assert granted(shop, "2026-03-08 12:00") == days()


def test_the_report_adds_what_was_recorded_since(shop: Shop, ann: Account) -> None:
    """And counts nothing twice: neither a summed day again, nor a day that has both."""
    before = granted(shop, "2026-03-05 20:00")
    summing.sum_due(at("2026-03-05 20:00"))
    assert LedgerSummed.objects.get().until == at("2026-03-05 00:00")

    assert granted(shop, "2026-03-05 20:00") == before
    give(ann, 5, "2026-03-05 21:00")
    assert granted(shop, "2026-03-05 22:00")[dt.date(2026, 3, 5)] == 17
    assert granted(shop, "2026-03-05 22:00", Step.MONTH) == {dt.date(2026, 3, 1): 38}


@pytest.mark.usefixtures("ann")
def test_a_day_is_summed_up_once() -> None:
    """A second run, and one of the same day again, change nothing."""
    summing.sum_due(at("2026-03-08 12:00"))
    before = list(LedgerSum.objects.order_by("pk").values_list())

    summing.sum_due(at("2026-03-08 12:00"))
    summing.sum_due(at("2026-03-07 12:00"))  # by a clock that is behind

    assert list(LedgerSum.objects.order_by("pk").values_list()) == before
    assert LedgerSummed.objects.get().until == at("2026-03-08 00:00")


def test_years_are_summed_up_month_by_month(shop: Shop, ann: Account) -> None:
    """Each run does a month of recorded time and says whether there is more."""
    give(ann, 1, "2026-06-20 12:00")
    now = at("2026-07-01 12:00")

    runs = 1
    while summing.sum_due(now):
        runs += 1

    assert runs == 4
    assert sum(days().values()) == 34
    assert granted(shop, "2026-07-01 12:00", Step.MONTH) == {
        dt.date(2026, 3, 1): 33,
        dt.date(2026, 6, 1): 1,
    }


@pytest.mark.usefixtures("ann")
def test_another_time_zone_begins_anew(shop: Shop) -> None:
    """Until then the report reads the entries, and is right in both zones."""
    summing.sum_due(at("2026-03-08 12:00"))
    document = {**ledger.ONE_PER_DOLLAR, "time_zone": "UTC"}
    ledger.add_version(shop.program, document, at("2026-03-08 12:30"))
    shop.program.refresh_from_db()

    in_utc = {dt.date(2026, 3, 2): 10, dt.date(2026, 3, 3): 11, dt.date(2026, 3, 5): 12}
    assert granted(shop, "2026-03-08 13:00") == in_utc
    summing.sum_due(at("2026-03-09 12:00"))
    assert days() == in_utc
    assert granted(shop, "2026-03-09 13:00") == in_utc


@pytest.mark.usefixtures("ann")
@pytest.mark.django_db(transaction=True)
def test_two_workers_sum_a_day_up_once(shop: Shop) -> None:
    """One waits for the other and finds nothing left to do."""
    at_once(lambda _number: summing.sum_due(at("2026-03-08 12:00")), 4)

    assert sum(days().values()) == 33
    assert summing.differences(shop.program) == []


@pytest.mark.usefixtures("ann")
def test_replay_names_wrong_sums_and_makes_them_anew(shop: Shop) -> None:
    """A sum that was changed, one that is missing and one that has no entries."""
    summing.sum_due(at("2026-03-08 12:00"))
    right = sorted(LedgerSum.objects.values_list("booked_on", "book", "points"))
    row = LedgerSum.objects.get(booked_on="2026-03-05", book="issuance")
    LedgerSum.objects.filter(pk=row.pk).update(points=-13)
    LedgerSum.objects.filter(booked_on="2026-03-05", book="available").delete()
    row.pk, row.booked_on = None, dt.date(2026, 3, 6)
    row.save()

    out = StringIO()
    with pytest.raises(CommandError, match="3 rows differ"):
        call_command("retention_replay", stdout=out)
    said = "sums of {} on 2026-03-{}: grant in {}, and the entries make {}."
    assert out.getvalue().splitlines() == [
        said.format(shop.program.slug, day, kept, made)
        for day, kept, made in (
            ("05", "available is 0", 12),
            ("05", "issuance is -13", -12),
            ("06", "issuance is -12", 0),
        )
    ]

    call_command("retention_replay", "--repair", stdout=out)
    assert "3 rows repaired." in out.getvalue()
    assert sorted(LedgerSum.objects.values_list("booked_on", "book", "points")) == right
    assert LedgerSummed.objects.get().until == at("2026-03-08 00:00")


@pytest.mark.usefixtures("ann")
def test_a_report_of_summed_days_reads_few_rows(shop: Shop) -> None:
    """The statement of the ledger looks only at entries that were recorded since."""
    summing.sum_due(at("2026-03-08 12:00"))
    with CaptureQueriesContext(connection) as captured:
        granted(shop, "2026-03-08 12:00")
    (statement,) = [each["sql"] for each in captured if "ledgersum AS" in each["sql"]]

    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}")
        ((plan,),) = cursor.fetchall()

    assert scanned(plan[0]["Plan"], "saleor_retention_transaction") == 0


def scanned(plan: dict[str, Any], table: str) -> int:
    """Return how many rows of a table a plan has given."""
    own = plan["Actual Rows"] * plan["Actual Loops"] if plan.get("Relation Name") == table else 0
    return own + sum(scanned(part, table) for part in plan.get("Plans", []))
