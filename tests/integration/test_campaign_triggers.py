"""Campaigns that announce what is there, and that follow what members did."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.core import mail

from saleor_retention.engine.facts import GoodsFacts
from saleor_retention.errors import Refusals
from saleor_retention.models import Account, Campaign, Dispatch, Offer
from saleor_retention.services.campaigning import campaign_planning, campaigns, sending
from saleor_retention.services.membership import events
from saleor_retention.services.offering import offers
from tests import ledger
from tests.campaigns import MESSAGE, QUESTIONS, campaign_of, outcome, reader
from tests.fakes import at
from tests.ledger import Shop

pytestmark = pytest.mark.django_db

NOON = at("2026-03-10 12:00")
DAY = dt.timedelta(days=1)
TEXTS = {"en": {"subject": "New", "text": "{{ announced }} {{ announced_id }} {{ occasion_on }}"}}
SAYS = {**MESSAGE, "texts": TEXTS}


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch, settings: Any) -> Shop:
    """A shop whose program gives points for one review a day."""
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    settings.RETENTION_PUBLIC_URL = "https://api.example.com/"
    mail.outbox = []
    shop = ledger.open_shop(
        monkeypatch,
        events={"review": {"points": 5, "per_day_max": 1}},
        questions=QUESTIONS,
    )
    shop.host.goods["7"] = GoodsFacts("7", "product-7")
    return shop


@pytest.fixture
def ann(shop: Shop) -> Account:
    """A member who may be written to."""
    return reader(shop, "ann")


def begun(shop: Shop, trigger: dict[str, Any], **more: Any) -> Campaign:
    """Start a campaign at noon."""
    campaign = campaign_of(shop.program, trigger, message=SAYS, **more)
    return campaigns.start_campaign(campaign, NOON)


def run(now: dt.datetime) -> None:
    """Plan and send what is due."""
    campaign_planning.plan_due(now)
    sending.send_due(now=now)


def opened(shop: Shop, **document: Any) -> Offer:
    """Return an offer of the program."""
    given = {"kind": "member_price", "member_price": {"percent": 5}, **document}
    return offers.create_offer(
        program=shop.program, slug="spring", name="Spring", document=given, now=NOON
    ).offer


def refused(shop: Shop, trigger: dict[str, Any]) -> list[str | None]:
    """Return the fields for which a campaign is refused."""
    with pytest.raises(Refusals) as caught:
        campaign_of(shop.program, trigger)
    return [refusal.field for refusal in caught.value.refusals]


def test_goods_are_announced_on_their_day(shop: Shop, ann: Account) -> None:
    """Once, by name."""
    shop.host.published["7"] = at("2026-03-01 00:00")
    campaign = begun(shop, {"kind": "announce", "variant": "7", "on": "2026-03-12"})

    run(NOON)
    before = outcome(campaign)
    run(NOON + 2 * DAY)
    run(NOON + 3 * DAY)

    assert (before, outcome(campaign)) == ({}, {ann.pk: "sent"})
    (sent,) = mail.outbox
    variant_id = shop.host.to_global_id("ProductVariant", "7")
    assert sent.body == f"Goods 7 {variant_id} 2026-03-12"


def test_not_before_they_are_published(shop: Shop, ann: Account) -> None:
    """On the day of publication, and at its moment if that is later than the hour of sending."""
    shop.host.published["7"] = at("2026-03-13 15:00")
    campaign = begun(shop, {"kind": "announce", "variant": "7", "on": "2026-03-12"})

    run(NOON + 2 * DAY)
    run(NOON + 3 * DAY)
    assert mail.outbox == []
    run(at("2026-03-13 15:00"))

    assert outcome(campaign) == {ann.pk: "sent"}
    assert Dispatch.objects.get().not_before == at("2026-03-13 15:00")


def test_what_was_hidden_again_is_not_announced(shop: Shop, ann: Account) -> None:
    """Though it was planned."""
    shop.host.published["7"] = at("2026-03-01 00:00")
    campaign = begun(shop, {"kind": "announce", "variant": "7", "on": "2026-03-11"})
    campaign_planning.plan_due(NOON)
    del shop.host.published["7"]

    run(NOON + DAY)

    assert outcome(campaign) == {ann.pk: "no_longer_due"}
    assert mail.outbox == []


def test_an_offer_is_announced_when_it_starts(shop: Shop, ann: Account) -> None:
    """Without a day of its own in the campaign."""
    offer = opened(shop, starts_at="2026-03-12T08:00:00+00:00")
    campaign = begun(shop, {"kind": "announce", "offer": "spring"})

    run(NOON)
    run(NOON + 2 * DAY)

    assert outcome(campaign) == {ann.pk: "sent"}
    offer_id = shop.host.to_global_id("RetentionOffer", str(offer.pk))
    assert [each.body for each in mail.outbox] == [f"Spring {offer_id} 2026-03-12"]


def test_what_is_announced_is_there(shop: Shop) -> None:
    """Refused by its field; so is an offer without a first day."""
    opened(shop)

    day = "2026-03-12"
    assert refused(shop, {"kind": "announce", "variant": "8", "on": day}) == ["trigger.variant"]
    assert refused(shop, {"kind": "announce", "offer": "summer"}) == ["trigger.offer"]
    assert refused(shop, {"kind": "announce", "offer": "spring"}) == ["trigger.on"]
    assert refused(shop, {"kind": "event", "event": "favorite"}) == ["trigger.event"]


def review(account: Account, reference: str, now: dt.datetime, **more: Any) -> None:
    """Tell of a review."""
    events.record_event(
        account=account,
        source="reviews",
        reference=reference,
        kind="review",
        object_ref=reference,
        now=now,
        **more,
    )


def test_who_did_something_gets_a_message(shop: Shop, ann: Account) -> None:
    """Once for each event within the limits, some days after it."""
    campaign = begun(shop, {"kind": "event", "event": "review", "days_after": 2})
    hour = dt.timedelta(hours=1)
    review(ann, "r1", NOON + hour)
    review(ann, "r2", NOON + 2 * hour)  # one a day
    review(ann, "r3", NOON + DAY)

    for days in (0, 1, 2, 3, 3):
        run(NOON + days * DAY + 3 * hour)

    first, _second, third = ann.events.order_by("pk")
    rows = Dispatch.objects.filter(campaign=campaign).order_by("pk")
    assert list(rows.values_list("cycle", "state", "not_before")) == [
        (f"event:{first.pk}", "sent", at("2026-03-12 10:00")),
        (f"event:{third.pk}", "sent", at("2026-03-13 10:00")),
    ]
    assert len(mail.outbox) == 2


def test_what_was_taken_back_brings_nothing(shop: Shop, ann: Account) -> None:
    """Neither message nor benefit."""
    campaign = begun(
        shop, {"kind": "event", "event": "review", "days_after": 1}, benefit={"points": 7}
    )
    review(ann, "r1", NOON)
    campaign_planning.plan_due(NOON)
    events.reverse_event(source="reviews", reference="r1", actor_ref="app:1", now=NOON)

    run(NOON + DAY)

    assert outcome(campaign) == {ann.pk: "no_longer_due"}
    assert mail.outbox == []
    assert ledger.balances(ann)[0] == 0
