"""Reminders of coupons that end soon: sent by a campaign, once, and not of one that was used."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from saleor_retention.engine.campaigns.terms import Channel, Message, Texts
from saleor_retention.models import (
    Campaign,
    Coupon,
    CouponKind,
    CouponState,
    Dispatch,
    SkippedSend,
)
from saleor_retention.selectors import persons
from saleor_retention.services.campaigning import campaign_planning, campaigns, messages, sending
from saleor_retention.services.couponing import coupons
from saleor_retention.services.couponing.coupons import Circumstances
from saleor_retention.services.membership import erasing
from tests.coupons import issue
from tests.graphql.world import World, customer, open_shop

pytestmark = pytest.mark.django_db(databases="__all__")

DAY = dt.timedelta(days=1)


@pytest.fixture
def world(db: None) -> World:  # noqa: ARG001
    """A shop with a program that counts in UTC."""
    return open_shop()


def reminding(world: World, **trigger: Any) -> Campaign:
    """Start a campaign that gives a point with each reminder, so that it needs no consent."""
    draft = campaigns.create_campaign(
        world.program,
        slug="remind",
        name="Remind",
        document={"trigger": {"kind": "coupon_expiring", **trigger}, "benefit": {"points": 1}},
    )
    return campaigns.start_campaign(draft)


def last_day(coupon: Coupon) -> dt.date:
    """Return the last day on which a coupon can be used."""
    return (coupon.valid_until - dt.timedelta(seconds=1)).date()


def noon(day: dt.date) -> dt.datetime:
    """Return the middle of a day."""
    return dt.datetime.combine(day, dt.time(12), dt.UTC)


def run(campaign: Campaign, now: dt.datetime) -> None:
    """Plan and send what is due at an instant."""
    campaign.refresh_from_db()
    campaign_planning.plan(campaign, now)
    while sending.send_due(now=now):
        pass


def told(campaign: Campaign) -> list[tuple[str, dict[str, str], int]]:
    """Return (state or reason, facts, account) of each reminder, in the order of planning."""
    reasons = dict(SkippedSend.objects.values_list("dispatch", "reason"))
    rows = Dispatch.objects.filter(campaign=campaign).order_by("pk")
    return [(reasons.get(row.pk, row.state), row.facts, row.account_id) for row in rows]


def test_a_member_is_told_days_before_the_last_one(world: World) -> None:
    """Twice as the campaign says, not the day before that, and not of a code for everybody."""
    account = world.account()
    coupon = issue(world, account, days=10)
    issue(world, None, CouponKind.BEARER, days=10, key="everybody's")
    campaign = reminding(world, days_before=[3, 1])
    end = last_day(coupon)
    reminder = (
        "sent",
        {"expiring_coupon": coupon.code, "expiring_on": end.isoformat()},
        account.pk,
    )

    run(campaign, noon(end - 4 * DAY))
    assert told(campaign) == [("planned", *reminder[1:])]  # it is the next day somewhere already
    run(campaign, noon(end - 3 * DAY))
    run(campaign, noon(end - 3 * DAY) + dt.timedelta(hours=1))
    assert told(campaign) == [reminder]
    run(campaign, noon(end - 1 * DAY))
    run(campaign, noon(end + 1 * DAY))

    assert told(campaign) == [reminder, reminder]
    words = Message(
        Channel.EMAIL,
        "marketing",
        (("en", Texts("Soon", "{{ expiring_coupon }} until {{ expiring_on }}")),),
    )
    assert messages.problems_of(words) == []
    assert messages.render(words, reminder[1], "en").text == f"{coupon.code} until {end}"


def test_an_erased_member_holds_up_nobody(world: World) -> None:
    """Erased between planning and sending: that reminder is gone, the next member's is sent."""
    erased, other = world.account(customer()), world.account(customer())
    end = last_day(issue(world, erased, days=10))
    issue(world, other, days=10, key="other's")
    campaign = reminding(world, days_before=[3])
    campaign_planning.plan(campaign, noon(end - 3 * DAY))
    erasing.erase(persons.of_account(erased), reason="Asked for it", actor_ref="user:1")

    run(campaign, noon(end - 3 * DAY))

    assert {account: state for state, _facts, account in told(campaign)} == {
        erased.pk: "gone",
        other.pk: "sent",
    }


def test_the_days_of_a_plan_come_first(world: World) -> None:
    """A coupon with a reminder of its own is told of then, and not when the campaign says."""
    planned = issue(world, world.account(), days=10, why=Circumstances(remind_days=5))
    campaign = reminding(world, days_before=[3])
    end = last_day(planned)

    sent = []
    for before in range(6, 1, -1):
        run(campaign, noon(end - before * DAY))
        sent.append((before, sum(state == "sent" for state, *_ in told(campaign))))

    assert sent == [(6, 0), (5, 1), (4, 1), (3, 1), (2, 1)]


def test_who_used_or_lost_it_is_not_told(world: World) -> None:
    """Before the day nothing is planned; after it what was planned is left out with the reason."""
    account = world.account()
    gone = issue(world, account, days=10, key="gone")
    late = issue(world, account, days=10, key="late")
    campaign = reminding(world)
    coupons.revoke(coupon=gone, actor_ref="", reason="A test")
    day = noon(last_day(late) - 3 * DAY)
    campaign.refresh_from_db()
    campaign_planning.plan(campaign, day)
    coupons.close([late], CouponState.REVOKED)

    sending.send_due(now=day)

    ((reason, facts, _account),) = told(campaign)
    assert (reason, facts["expiring_coupon"]) == ("no_longer_due", late.code)


def test_who_was_reminded_otherwise_is_not_told_again(world: World) -> None:
    """What a sender of the shop's own has taken counts as reminded."""
    coupon = issue(world, world.account(), days=10, why=Circumstances(remind_days=3))
    campaign = reminding(world)
    end = last_day(coupon)
    assert len(coupons.take_reminders(10, now=noon(end - 2 * DAY))) == 1

    run(campaign, noon(end - 2 * DAY))

    assert told(campaign) == []
