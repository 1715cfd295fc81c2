"""Days that campaigns look at again, when they begin, and which holidays are which."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from typing import Any

import pytest
from django.core import mail

from saleor_retention.errors import Code, Refusal
from saleor_retention.models import Account, Campaign, Dispatch
from saleor_retention.selectors import campaigns as due
from saleor_retention.services.campaigning import campaign_planning, campaigns, sending
from saleor_retention.services.membership import customers, profiles
from tests import ledger
from tests.campaigns import campaign_of, open_mailing_shop, outcome, reader, run, started
from tests.customers import record_order
from tests.fakes import at
from tests.ledger import Shop

pytestmark = pytest.mark.django_db

HOUR = dt.timedelta(hours=1)
QUARTER = dt.timedelta(minutes=15)
DAY = dt.timedelta(days=1)
BEGIN = at("2026-06-10 00:00")
SECOND: dict[str, Any] = {"kind": "second_purchase_due", "days_after": 1}
SURVEY = {"questions": [{"key": "stars", "label": "How was it?", "type": "number"}]}


def shop_in(zone: str, monkeypatch: pytest.MonkeyPatch, settings: Any) -> Shop:
    """Open a shop that counts in a zone and asks about orders."""
    return open_mailing_shop(monkeypatch, settings, time_zone=zone, survey=SURVEY)


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch, settings: Any) -> Shop:
    """A shop that counts in UTC."""
    return shop_in("UTC", monkeypatch, settings)


def buys(account: Account, now: dt.datetime) -> None:
    """Have a member order and pay now."""
    record_order(account, now, 1000)
    customers.sum_up(account)


@pytest.mark.parametrize("zone", ["America/New_York", "Asia/Tokyo"])
@pytest.mark.parametrize("kind", ["second_purchase_due", "survey"])
def test_whoever_buys_on_a_day_is_reached_once(
    kind: str, zone: str, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    """Buyers at all hours of a day, planned and sent every 15 minutes: each gets one message."""
    shop = shop_in(zone, monkeypatch, settings)
    zones = ("America/New_York", "Asia/Tokyo", "")
    buyers = [reader(shop, f"m{hour}") for hour in range(24)]
    for hour, buyer in enumerate(buyers):
        if zones[hour % 3]:
            profiles.update(buyer, {"time_zone": zones[hour % 3]}, now=ledger.LAUNCH)
    campaign = started(shop, {"kind": kind, "days_after": 1}, BEGIN)

    for quarter in range(3 * 96):
        now = BEGIN + quarter * QUARTER
        if quarter % 4 == 2 and quarter < 96:
            buys(buyers[quarter // 4], now)
        campaign.refresh_from_db()
        campaign_planning.plan(campaign, now)
        while sending.send_due(now=now):
            pass

    assert outcome(campaign) == {buyer.pk: "sent" for buyer in buyers}
    assert Counter(message.to[0] for message in mail.outbox) == {
        f"m{hour}@example.com": 1 for hour in range(24)
    }


def test_an_order_that_is_paid_late_is_not_too_late(shop: Shop) -> None:
    """Made on the 10th and paid on the 13th: reached then, and not when it is paid on the 15th."""
    ada, ben = reader(shop, "ada"), reader(shop, "ben")
    campaign = started(shop, SECOND, BEGIN)
    run(campaign, BEGIN + 3 * DAY)
    record_order(ada, BEGIN + HOUR, 1000)
    customers.sum_up(ada)

    assert run(campaign, BEGIN + 3 * DAY + HOUR) == {ada.pk: "sent"}
    run(campaign, BEGIN + 5 * DAY)
    record_order(ben, BEGIN + HOUR, 1000)
    customers.sum_up(ben)
    assert run(campaign, BEGIN + 5 * DAY + HOUR) == {ada.pk: "sent"}


def test_what_could_never_have_been_in_time_is_not_left_out(shop: Shop) -> None:
    """Of use on the day alone: paid the day after is nobody's miss; a worker's sleep is one."""
    ada, ben = reader(shop, "ada"), reader(shop, "ben")
    campaign = started(shop, SECOND, BEGIN, limits={"useful_days": 0})
    run(campaign, BEGIN + 2 * DAY)
    buys(ada, BEGIN + HOUR)
    assert run(campaign, BEGIN + 2 * DAY + HOUR) == {}

    buys(ben, BEGIN + 2 * DAY + 2 * HOUR)
    assert run(campaign, BEGIN + 4 * DAY) == {ben.pk: "too_late"}


def test_nothing_before_the_campaign_began(shop: Shop) -> None:
    """Bought on the 8th, due on the 9th, begun on the 10th."""
    ada, ben = reader(shop, "ada"), reader(shop, "ben")
    buys(ada, BEGIN - DAY - HOUR)
    buys(ben, BEGIN - HOUR)
    campaign = started(shop, SECOND, BEGIN)
    run(campaign, BEGIN + HOUR)

    assert run(campaign, BEGIN + 12 * HOUR) == {ben.pk: "sent"}


def test_a_survey_asks_about_the_last_order_of_the_day(shop: Shop) -> None:
    """Two orders of one day: planned when the day is over, for the later one."""
    ada = reader(shop, "ada")
    campaign = started(shop, {"kind": "survey", "days_after": 1}, BEGIN)
    record_order(ada, BEGIN + 9 * HOUR, 1000)
    customers.sum_up(ada)
    assert run(campaign, BEGIN + 11 * HOUR) == {}
    last = record_order(ada, BEGIN + 23 * HOUR, 1000)
    customers.sum_up(ada)

    assert run(campaign, BEGIN + DAY + 10 * HOUR) == {ada.pk: "sent"}
    assert Dispatch.objects.get().facts["order_ref"] == last.order_ref


def test_a_birthday_told_after_its_day_is_left_out_of_no_campaign(shop: Shop) -> None:
    """He may tell another one the next minute, which is kept this year."""
    ada = reader(shop, "ada")
    campaign = started(shop, {"kind": "birthday"}, BEGIN)
    run(campaign, BEGIN + 2 * DAY)
    profiles.update(ada, {"birthday": {"month": 6, "day": 11}}, now=BEGIN + 2 * DAY)

    assert run(campaign, BEGIN + 2 * DAY + HOUR) == {}


@pytest.mark.parametrize(
    ("trigger", "first", "again"),
    [
        (SECOND, [10, 11, 12, 13, 14], [12, 13, 14]),
        ({"kind": "once", "on": "2026-06-12"}, [11, 12, 13, 14], []),
    ],
)
def test_days_are_looked_at_again_once_an_hour(
    shop: Shop,
    monkeypatch: pytest.MonkeyPatch,
    trigger: dict[str, Any],
    first: list[int],
    again: list[int],
) -> None:
    """Three days of those on which somebody can be found anew, beside those that begin."""
    campaign = started(shop, trigger, BEGIN)
    looked_at: list[int] = []

    def due_on(trigger: Any, days: Any, asked: Any) -> due.Chunks:
        looked_at[:] = [day.day for day in days]
        return due.due_on(trigger, days, asked)

    monkeypatch.setattr(campaign_planning, "due_on", due_on)
    seen = []
    for now in (BEGIN, BEGIN + 4 * DAY, BEGIN + 4 * DAY + QUARTER, BEGIN + 4 * DAY + HOUR):
        run(campaign, now)
        seen.append(list(looked_at))

    assert seen == [[10], first, [], again]


def test_a_campaign_that_is_started_now_waits_for_no_later_day(shop: Shop) -> None:
    """Scheduled for the 20th and started on the 10th: it plans from the 10th on."""
    ada = reader(shop, "ada")
    campaign = campaign_of(shop.program, {"kind": "once", "on": "2026-06-10"})
    campaigns.schedule_campaign(campaign, starts_at=BEGIN + HOUR, now=BEGIN)
    campaigns.start_campaign(campaign, BEGIN)
    campaign.refresh_from_db()
    assert campaign.starts_at == BEGIN

    later = campaign_of(shop.program, {"kind": "welcome"}, slug="later")
    campaigns.schedule_campaign(later, starts_at=BEGIN + 10 * DAY, now=BEGIN)
    campaigns.start_campaign(later, BEGIN)
    Account.objects.filter(pk=ada.pk).update(joined_at=BEGIN + HOUR)

    assert run(later, BEGIN + HOUR) == {ada.pk: "sent"}
    campaigns.pause_campaign(later, BEGIN + DAY)
    again = campaigns.start_campaign(later, BEGIN + 2 * DAY)
    assert again.starts_at == BEGIN


def test_another_holiday_of_the_year_is_another_occasion(shop: Shop) -> None:
    """Valentine's Day, then White Day: one message each; those of Valentine's Day stay one."""
    ada = reader(shop, "ada")
    trigger = {"kind": "holiday", "holiday": "valentine"}
    campaign = started(shop, trigger, at("2026-02-10 12:00"))
    assert run(campaign, at("2026-02-14 12:00")) == {ada.pk: "sent"}
    Dispatch.objects.update(cycle="holiday:2026")  # as it was written at first
    document = {**campaigns.document_of(campaign), "trigger": {**trigger, "holiday": "white-day"}}
    campaigns.update_campaign(campaign, document=document, now=at("2026-02-20 12:00"))

    run(campaign, at("2026-03-14 12:00"))
    run(campaign, at("2026-03-14 13:00"))

    cycles = Dispatch.objects.order_by("pk").values_list("cycle", "state")
    assert list(cycles) == [("holiday:2026", "sent"), ("holiday:white-day:2026", "sent")]


def test_a_holiday_that_was_written_without_its_name_is_not_kept_twice(shop: Shop) -> None:
    """The cycle of the year alone is that of the holiday of its version."""
    ada = reader(shop, "ada")
    campaign = started(shop, {"kind": "holiday", "holiday": "valentine"}, at("2026-02-10 12:00"))
    run(campaign, at("2026-02-14 12:00"))
    Dispatch.objects.update(cycle="holiday:2026")
    Campaign.objects.update(planned_until=at("2026-02-12 12:00"))

    assert run(campaign, at("2026-02-14 13:00")) == {ada.pk: "sent"}
    assert Dispatch.objects.get().cycle == "holiday:2026"


@pytest.mark.parametrize("move", ["start", "schedule"])
def test_a_day_that_is_over_is_refused(shop: Shop, move: str) -> None:
    """By the program's clock and when it starts; the day itself is in time."""
    reader(shop, "ada")
    campaign = campaign_of(shop.program, {"kind": "once", "on": "2026-06-09"})

    def begin(now: dt.datetime) -> Campaign:
        if move == "start":
            return campaigns.start_campaign(campaign, now)
        return campaigns.schedule_campaign(campaign, starts_at=now, now=BEGIN - 9 * DAY)

    with pytest.raises(Refusal) as caught:
        begin(BEGIN)
    campaign.refresh_from_db()
    assert (caught.value.code, caught.value.field) == (Code.INVALID, "trigger.on")
    assert (campaign.state, campaign.starts_at) == ("draft", None)
    assert begin(BEGIN - QUARTER).state in {"running", "scheduled"}
