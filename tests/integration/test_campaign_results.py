"""What came of campaigns: the statements agree with their definitions; cost at most."""

from __future__ import annotations

import datetime as dt
import itertools
import random

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from saleor_retention.engine.coupons.terms import parse
from saleor_retention.engine.experiments.attribution import Touch
from saleor_retention.engine.experiments.attribution import attributed as by_definition
from saleor_retention.engine.measures.figures import Sale
from saleor_retention.engine.periods import local_date
from saleor_retention.errors import Code, Refusal
from saleor_retention.models import (
    Account,
    Campaign,
    CampaignVersion,
    Coupon,
    CouponCause,
    CouponKind,
    CouponUse,
    CouponUseState,
    Dispatch,
    OfferUse,
    OrderRecord,
    SkippedSend,
)
from saleor_retention.selectors.campaign_results import Coupons, Offers, campaign_results
from saleor_retention.services.couponing import coupons
from saleor_retention.services.ledger import granting
from saleor_retention.services.offering.offer_grants import grant_offer
from tests import ledger
from tests.customers import record_order
from tests.fakes import at
from tests.ledger import Shop
from tests.offers import make_offer

pytestmark = pytest.mark.django_db

PARIS = "Europe/Paris"
FIRST, LAST = dt.date(2026, 2, 1), dt.date(2026, 2, 28)
DAY = dt.timedelta(days=1)
_cycles = itertools.count(1)


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Shop:
    """A shop whose program counts in Paris."""
    return ledger.open_shop(monkeypatch, time_zone=PARIS, reference={"currency": "USD"})


def campaign(shop: Shop, slug: str, **benefit: object) -> Campaign:
    """Write down a campaign with one version."""
    made = Campaign.objects.create(
        program=shop.program,
        slug=slug,
        name=slug.upper(),
        secret="00",
        created_at=at("2026-01-01") + Campaign.objects.count() * DAY,
    )
    made.current_version = CampaignVersion.objects.create(
        campaign=made, number=1, document={"benefit": benefit}, created_at=made.created_at
    )
    made.save()
    return made


def meant(of: Campaign, account: Account, when: dt.datetime, reason: str = "") -> Dispatch:
    """Write down a message that was sent, or left out for a reason."""
    row = Dispatch.objects.create(
        campaign=of,
        version_id=of.current_version_id,
        account=account,
        cycle=str(next(_cycles)),
        state="skipped" if reason else "sent",
        not_before=when,
        useful_until=when,
        planned_at=when,
        sending_at=None if reason else when,
    )
    if reason:
        SkippedSend.objects.create(dispatch=row, reason=reason, at=when)
    return row


def sales_of(shop: Shop) -> list[Sale]:
    """Return the counted orders."""
    return [
        Sale(row.pk, row.account_id, row.created_at, row.spend_minor)
        for row in OrderRecord.objects.filter(program=shop.program, is_counted=True)
    ]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("days", [1, 7, 40])
def test_orders_are_put_down_as_defined(shop: Shop, seed: int, days: int) -> None:
    """Eleven campaigns, so that 10 sorts before 2; instants that often fall together."""
    draw = random.Random(seed)  # noqa: S311
    made = [campaign(shop, f"c{number}") for number in range(11)]
    touches = []
    for number in range(20):
        account = shop.member(f"m{number}")
        for _ in range(draw.choice([0, 1, 2, 5])):
            moment = at("2026-01-25 00:00") + dt.timedelta(hours=draw.randrange(24 * 40))
            record_order(account, moment, draw.randrange(2000), is_counted=draw.random() < 0.8)
            for each in draw.sample(made, 2):
                touched = moment - dt.timedelta(hours=draw.choice([-1, 0, 24, 24 * 7, 24 * 7 + 1]))
                meant(each, account, touched)
                touches.append(Touch(account.pk, touched, f"campaign:{each.pk}"))
        meant(draw.choice(made), account, at("2026-02-03 00:00"), reason="consent")
    sales = [sale for sale in sales_of(shop) if FIRST <= local_date(sale.at, PARIS) <= LAST]

    found = campaign_results(shop.program, first_day=FIRST, last_day=LAST, window_days=days)

    slugs = {f"campaign:{each.pk}": each.slug for each in made}
    expected = {
        slugs[each.source_key]: (each.customers, each.orders, each.revenue_minor)
        for each in by_definition(sales, touches, days * DAY)
    }
    assert expected
    assert {
        row.slug: (row.buyers, row.orders, row.revenue_minor) for row in found if row.orders
    } == expected
    sent = Dispatch.objects.filter(state="sent").select_related("campaign")
    inside = [row for row in sent if FIRST <= local_date(row.sending_at, PARIS) <= LAST]
    for row in found:
        mine = [each for each in inside if each.campaign.slug == row.slug]
        assert (row.sent, row.reached) == (len(mine), len({each.account_id for each in mine}))


def test_what_a_campaign_gave_and_what_it_costs_at_most(shop: Shop) -> None:
    """Points at their value, used coupons at their amount; nothing of other days."""
    ann, bob = shop.member("ann"), shop.member("bob")
    noon = at("2026-02-10 12:00")
    gift = campaign(shop, "gift", points=50)
    five = campaign(shop, "five", coupon={"kind": "personal"})
    ten = campaign(shop, "ten", coupon={"kind": "personal"})
    for account, when in ((ann, noon), (bob, noon), (bob, noon - 30 * DAY)):
        row = meant(gift, account, when)
        granting.grant(
            account_id=account.pk,
            points=50,
            reason="Campaign gift",
            actor_ref="",
            key=f"campaign:{row.pk}",
            now=when,
        )
    terms = {"amounts": {"USD": 500}}
    for of, given, uses in ((five, terms, 1), (five, terms, 0), (ten, {"percent": "10"}, 0)):
        row = meant(of, ann, noon)
        coupon = coupons.issue(
            shop.program,
            CouponKind.PERSONAL,
            ann,
            parse({"name": "For you", **given}),
            key=f"campaign:{row.pk}",
            valid_for_days=30,
            now=noon,
            why=coupons.Circumstances(campaign=of.slug),
        )
        Coupon.objects.filter(pk=coupon.pk).update(uses=uses)

    def told() -> dict[str, tuple[int, int, Coupons, int | None]]:
        with CaptureQueriesContext(connection) as statements:
            found = campaign_results(shop.program, first_day=FIRST, last_day=LAST, window_days=7)
        assert len(statements) <= 6
        return {row.slug: (row.sent, row.points, row.coupons, row.cost_minor) for row in found}

    assert told() == {
        "five": (2, 0, Coupons(2, 1, 500, 1), 500),
        "gift": (2, 100, Coupons(), 100),
        "ten": (1, 0, Coupons(1, 0, 0), 0),
    }
    Coupon.objects.filter(batch__terms__percent="10").update(uses=1)
    assert told()["ten"] == (1, 0, Coupons(1, 1, None), None)


def test_used_coupons_cost_what_they_took_off(shop: Shop) -> None:
    """Per cent and amounts alike; what was not kept counts at the amount, and is said."""
    noon = at("2026-02-10 12:00")
    ann = shop.member("ann")
    tenth, five = campaign(shop, "tenth"), campaign(shop, "five")

    def used(of: Campaign, key: str, minor: int | None, currency: str, **terms: object) -> None:
        why = coupons.Circumstances(campaign=of.slug, cause=CouponCause.CAMPAIGN)
        document = {"name": "For you", "uses": 2, **terms}
        issued = {"key": key, "valid_for_days": 30, "now": noon, "why": why}
        coupon = coupons.issue(shop.program, CouponKind.PERSONAL, ann, parse(document), **issued)
        for number, state in enumerate((CouponUseState.USED, CouponUseState.RETURNED)):
            CouponUse.objects.create(
                coupon=coupon,
                checkout_ref=f"{key}-{number}",
                order_ref=f"{key}-{number}",
                state=state,
                amount_minor=minor,
                currency=currency,
                lapses_at=noon,
            )
        Coupon.objects.filter(pk=coupon.pk).update(uses=1)

    used(tenth, "a", 321, "USD", percent="10")
    used(tenth, "b", 1000, "USD", percent="10")
    used(five, "c", 444, "USD", amounts={"USD": 500})
    used(five, "d", None, "", amounts={"USD": 500})

    def told() -> dict[str, tuple[Coupons, int | None]]:
        found = campaign_results(shop.program, first_day=FIRST, last_day=LAST, window_days=7)
        return {row.slug: (row.coupons, row.cost_minor) for row in found}

    assert told() == {"tenth": (Coupons(2, 2, 1321), 1321), "five": (Coupons(2, 2, 944, 1), 944)}
    used(tenth, "e", None, "", percent="20")
    used(five, "f", 7, "EUR", amounts={"USD": 500})
    assert told() == {"tenth": (Coupons(3, 3, None), None), "five": (Coupons(3, 3, None, 1), None)}


def test_what_came_of_the_offers_that_a_campaign_gave(shop: Shop) -> None:
    """A use belongs to the last gift before it; given back ones, later ones and others' do not."""
    ann, bob = shop.member("ann"), shop.member("bob")
    noon = at("2026-02-10 12:00")
    offer = make_offer(shop.program, "cup", audience={"granted_only": True})
    first, second = campaign(shop, "first"), campaign(shop, "second")
    for of, account, when in ((first, ann, noon), (second, ann, noon + DAY), (second, bob, noon)):
        key = f"{of.slug}:{account.pk}"
        grant_offer(offer, account, days=5, key=key, campaign=of, now=when)
    for account, hours, minor, state in (
        (ann, 1, 100, "used"),
        (ann, 25, 20, "used"),
        (ann, 26, 7, "returned"),
        (ann, 24 * 9, 3, "used"),
        (bob, -1, 5, "used"),
    ):
        when = noon + dt.timedelta(hours=hours)
        OfferUse.objects.create(
            offer=offer,
            version_id=offer.current_version_id,
            account=account,
            checkout_ref=f"{account.pk}:{hours}",
            state=state,
            uses=2,
            amount_minor=minor,
            currency="USD",
            created_at=when,
            ended_at=when,
        )

    def told() -> dict[str, tuple[Offers, int | None]]:
        found = campaign_results(shop.program, first_day=FIRST, last_day=LAST, window_days=7)
        return {row.slug: (row.offers, row.cost_minor) for row in found}

    assert told() == {"first": (Offers(1, 2, 100), 100), "second": (Offers(2, 2, 20), 20)}
    OfferUse.objects.filter(amount_minor=20).update(currency="EUR")
    assert told()["second"] == (Offers(2, 2, None), None)


@pytest.mark.parametrize("days", [0, -1, 366, 2**31 - 1])
def test_a_window_without_sense_is_refused(shop: Shop, days: int) -> None:
    """Nothing, less than nothing, more than a year."""
    with pytest.raises(Refusal) as refusal:
        campaign_results(shop.program, first_day=FIRST, last_day=LAST, window_days=days)

    assert (refusal.value.code, refusal.value.field) == (Code.INVALID, "windowDays")
    assert refusal.value.message == "Orders count from 1 to 365 days after a message."
