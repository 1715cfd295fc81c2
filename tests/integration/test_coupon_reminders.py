"""Reminders of coupons that end soon: sent by a campaign, once, and not of one that was used."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

import pytest
from django.core import mail

from saleor_retention.models import Campaign, Coupon, CouponKind, CouponState
from saleor_retention.services import campaign_planning, campaign_ports, campaigns, coupons, sending
from saleor_retention.services.coupons import Circumstances
from tests.campaigns import Parts, campaign_of, outcome
from tests.coupons import issue
from tests.graphql.world import World, open_shop

pytestmark = pytest.mark.django_db(databases="__all__")

DAY = dt.timedelta(days=1)
MESSAGE = {
    "channel": "email",
    "texts": {"en": {"subject": "Soon", "text": "{{ expiring_coupon }} until {{ expiring_on }}"}},
}


@pytest.fixture
def world(db: None, settings: Any) -> Iterator[World]:  # noqa: ARG001
    """A shop with a program that counts in UTC, which can send mail to everybody."""
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    settings.RETENTION_PUBLIC_URL = "https://api.example.com/"
    mail.outbox = []
    before = campaign_ports.wire(Parts().ports())
    yield open_shop()
    campaign_ports.wire(before)


def reminding(world: World, **trigger: Any) -> Campaign:
    """Start a campaign that reminds of coupons."""
    draft = campaign_of(
        world.program, {"kind": "coupon_expiring", **trigger}, message=MESSAGE, slug="remind"
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


def said() -> list[str]:
    """Return the texts that went out."""
    return [str(message.body) for message in mail.outbox]


def test_a_member_is_told_days_before_the_last_one(world: World) -> None:
    """Twice as the campaign says, not the day before that, and not of a code for everybody."""
    coupon = issue(world, world.account(), days=10)
    issue(world, None, CouponKind.BEARER, days=10, key="everybody's")
    campaign = reminding(world, days_before=[3, 1])
    end = last_day(coupon)
    text = f"{coupon.code} until {end}"

    run(campaign, noon(end - 4 * DAY))
    assert said() == []
    run(campaign, noon(end - 3 * DAY))
    run(campaign, noon(end - 3 * DAY) + dt.timedelta(hours=1))
    assert said() == [text]
    run(campaign, noon(end - 2 * DAY))
    run(campaign, noon(end - 1 * DAY))
    run(campaign, noon(end + 1 * DAY))

    assert said() == [text, text]
    assert {message.to[0] for message in mail.outbox} == {world.owner.user.email}


def test_the_days_of_a_plan_come_first(world: World) -> None:
    """A coupon with a reminder of its own is told of then, and not when the campaign says."""
    planned = issue(world, world.account(), days=10, why=Circumstances(remind_days=5))
    campaign = reminding(world, days_before=[3])
    end = last_day(planned)

    sent = []
    for before in range(6, 1, -1):
        run(campaign, noon(end - before * DAY))
        sent.append((before, len(said())))

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

    assert outcome(campaign) == {account.pk: "no_longer_due"}
    assert said() == []


def test_who_was_reminded_otherwise_is_not_told_again(world: World) -> None:
    """What a sender of the shop's own has taken counts as reminded."""
    coupon = issue(world, world.account(), days=10, why=Circumstances(remind_days=3))
    campaign = reminding(world)
    end = last_day(coupon)
    assert len(coupons.take_reminders(10, now=noon(end - 2 * DAY))) == 1

    run(campaign, noon(end - 2 * DAY))

    assert outcome(campaign) == {}
