"""The report's figures as staff ask for them."""

from __future__ import annotations

import csv
import datetime as dt
import io

import pytest
from django.utils import timezone

from saleor_retention.engine.experiments.verdict import verdict_on
from saleor_retention.engine.measures.sheet import rounded
from saleor_retention.models import Account, Campaign, CampaignVersion, Dispatch, Program
from saleor_retention.selectors.experiments import outcome
from saleor_retention.services.campaigning import experiments
from saleor_retention.services.membership import customers
from tests.customers import record_order
from tests.graphql.world import Actor, World, open_shop, operation, staff

pytestmark = pytest.mark.django_db(databases="__all__")


@pytest.fixture
def manager() -> Actor:
    """Somebody who may see customers and discounts."""
    return staff("manage_users", "manage_discounts")


def asked(world: World, **more: object) -> dict[str, object]:
    """Return the days from a month ago until today."""
    today = timezone.now().date()
    since = (today - dt.timedelta(days=31)).isoformat()
    return {"programId": world.program_id, "since": since, "until": today.isoformat(), **more}


def test_costs_bands_tiers_and_an_experiment(world: World, manager: Actor) -> None:
    """One customer who came back, and an experiment on too few whose window is over."""
    ann, bob = world.account(), world.account(world.other)
    program = ann.program
    now = timezone.now()
    record_order(ann, now - dt.timedelta(days=20), 1000)
    record_order(ann, now - dt.timedelta(days=2), 3000)
    customers.mend(program)
    experiment = experiments.create_experiment(
        program, slug="spring", name="Spring", held_out_per_mille=500, window_days=7, now=now
    )
    begun = now - dt.timedelta(days=10)
    arms = experiments.assign(experiment, [ann.pk, bob.pk], now=begun)
    experiments.assign(experiment, [_third(program)], now=now)

    found = manager.ask(operation("staff/report"), **asked(world, acquisitionCost=25))
    report = found["retentionReport"]

    assert {row["band"]: row["customers"] for row in report["bands"]} == {
        "BEST": 1,
        "ACTIVE": 0,
        "SLEEPING": 0,
        "AT_RISK": 0,
        "LOST": 0,
    }
    assert report["bands"][0]["revenue"] == {"amount": 40.0, "currency": "USD"}
    assert sum(row["members"] for row in report["tiers"]) == 3
    assert report["redeemedPoints"] == 0
    assert report["costs"]["total"] == {"amount": 0.0, "currency": "USD"}
    assert report["costs"]["acquired"] == {"amount": 25.0, "currency": "USD"}
    assert report["costs"]["times"] is None
    (row,) = csv.DictReader(io.StringIO(report["csv"]))
    assert (row["total"], row["acquired"], row["times"]) == ("0.00", "25.00", "")
    (spring,) = report["experiments"]
    sides = [spring["treated"]["customers"], spring["heldOut"]["customers"]]
    assert sides == [list(arms.values()).count(arm) for arm in ("treated", "held_out")]
    assert spring["waiting"] == 1
    assert spring["shares"] is None
    assert "Too few to compare: it takes at least 30 customers on each side." in spring["text"]


def test_what_winning_a_customer_costs_may_stand_in_the_rules(manager: Actor) -> None:
    """What is stated for a report counts before it."""
    world = open_shop(acquisition_cost={"USD": "30.50"})
    record_order(world.account(), timezone.now() - dt.timedelta(days=2), 3000)

    def told(**more: object) -> tuple[float, float]:
        costs = manager.ask(operation("staff/report"), **asked(world, **more))
        found = costs["retentionReport"]["costs"]
        return found["acquisitionCost"]["amount"], found["acquired"]["amount"]

    assert told() == (30.5, 30.5)
    assert told(acquisitionCost=25) == (25.0, 25.0)


def _third(program: Program) -> int:
    (account,) = strangers(program, 1)
    return account.pk


def strangers(program: Program, count: int) -> list[Account]:
    """Open so many accounts without users."""
    now = timezone.now()
    made = [
        Account(
            program=program,
            member_number=f"stranger-{number}",
            joined_at=now,
            last_activity_at=now,
            tier="regular",
        )
        for number in range(count)
    ]
    return Account.objects.bulk_create(made)


def test_an_experiment_with_enough_on_both_sides(world: World, manager: Actor) -> None:
    """Both differences with their intervals, and the smallest ones that would have been seen."""
    program = world.account().program
    now = timezone.now()
    begun = now - dt.timedelta(days=10)
    experiment = experiments.create_experiment(
        program, slug="mail", name="Mail", held_out_per_mille=500, window_days=7, now=begun
    )
    accounts = strangers(program, 120)
    arms = experiments.assign(experiment, [account.pk for account in accounts], now=begun)
    for number, account in enumerate(accounts):
        if arms[account.pk] == "treated" or number % 3 == 0:
            record_order(account, begun, 1000 + number)
    expected = outcome(experiment, now=now)
    verdict = verdict_on(expected.treated, expected.held_out)
    assert verdict.shares is not None
    assert verdict.means is not None

    found = manager.ask(operation("staff/report"), **asked(world, sheet="EXPERIMENTS"))

    (mail,) = found["retentionReport"]["experiments"]
    assert mail["treated"]["buyers"] == mail["treated"]["customers"] >= 30
    assert mail["shares"] == {
        name: float(rounded(getattr(verdict.shares, name)) or 0)
        for name in ("estimate", "low", "high")
    }
    assert mail["smallestShare"] == float(rounded(verdict.smallest_share) or 0) > 0
    for name in ("estimate", "low", "high"):
        amount = mail["spent"][name]["amount"]
        assert amount == pytest.approx(float(getattr(verdict.means, name)) / 100, abs=0.005)
    assert mail["smallestSpent"]["amount"] > 0
    (row,) = csv.DictReader(io.StringIO(found["retentionReport"]["csv"]))
    assert (row["experiment"], row["treated_customers"]) == (
        "Mail",
        str(expected.treated.customers),
    )
    assert row["share_low"] == str(rounded(verdict.shares.low))
    assert row["spent_smallest_visible"] == f"{mail['smallestSpent']['amount']:.2f}"


def test_an_order_within_the_window_is_a_campaign_s(world: World, manager: Actor) -> None:
    """Within three days and not within one; the window is told with it."""
    ann = world.account()
    now = timezone.now()
    campaign = Campaign.objects.create(
        program=ann.program, slug="hello", name="=Hello", secret="00", created_at=now
    )
    version = CampaignVersion.objects.create(
        campaign=campaign, number=1, document={}, created_at=now
    )
    sent_at = now - dt.timedelta(days=4)
    Dispatch.objects.create(
        campaign=campaign,
        version=version,
        account=ann,
        cycle="once",
        state="sent",
        not_before=sent_at,
        useful_until=now,
        planned_at=sent_at,
        sending_at=sent_at,
    )
    record_order(ann, sent_at + dt.timedelta(days=2), 3000)

    for days, orders, revenue in ((3, 1, 30.0), (1, 0, 0.0)):
        found = manager.ask(
            operation("staff/report"), **asked(world, windowDays=days, sheet="CAMPAIGNS")
        )["retentionReport"]
        assert found["windowDays"] == days
        (hello,) = found["campaigns"]
        assert (hello["slug"], hello["sent"], hello["reached"]) == ("hello", 1, 1)
        assert (hello["orders"], hello["customers"]) == (orders, orders)
        assert hello["revenue"] == {"amount": revenue, "currency": "USD"}
        assert hello["cost"] == {"amount": 0.0, "currency": "USD"}
        (row,) = csv.DictReader(io.StringIO(found["csv"]))
        assert (row["campaign"], row["name"], row["window_days"]) == ("hello", "'=Hello", str(days))
        assert (row["orders"], row["revenue"]) == (str(orders), f"{revenue:.2f}")


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"since": "2019-01-01"}, "A report is about 36 months at most, and these are "),
        ({"acquisitionCost": -1}, "Winning a customer costs from 0 to 1000000000."),
        ({"acquisitionCost": 1e300}, "Winning a customer costs from 0 to 1000000000."),
        ({"acquisitionCost": 1.005}, "1.005 has more than 2 decimals."),
        ({"windowDays": 0}, "Orders count from 1 to 365 days after a message."),
        ({"windowDays": 2**31 - 1}, "Orders count from 1 to 365 days after a message."),
    ],
)
def test_what_makes_no_report(
    world: World, manager: Actor, wrong: dict[str, object], message: str
) -> None:
    """Too many months, amounts that are none, a window without sense."""
    answer = manager.post(operation("staff/report"), **asked(world, **wrong))

    (error,) = answer["errors"]
    assert error["message"].startswith(message)
