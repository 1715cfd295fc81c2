"""What the database says of a shopper's offers: uses of running periods, cards, gifts, picks."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from saleor_retention.engine.offers.facts import granted_until
from saleor_retention.models import (
    Account,
    CustomerTag,
    GiftGiven,
    GiftPick,
    Offer,
    OfferCounter,
    OfferGrant,
    OfferKind,
    OfferStamp,
    OfferUse,
    OfferVersion,
    Program,
    Segment,
    SegmentMember,
)
from tests import ledger
from tests.ledger import Shop

pytestmark = pytest.mark.django_db

CART = "cart-1"


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Shop:
    """A shop in memory with a program."""
    return ledger.open_shop(monkeypatch)


def offer_of(
    program: Program, slug: str, kind: OfferKind = OfferKind.BUNDLE, **fields: Any
) -> Offer:
    """Create an offer whose document nobody reads here."""
    return Offer.objects.create(program=program, slug=slug, name=slug, kind=kind, **fields)


def use_of(offer: Offer, account: Account | None, **fields: Any) -> OfferUse:
    """Create a use of an offer, reserved by the cart unless said."""
    version = OfferVersion.objects.create(
        offer=offer, number=offer.versions.count() + 1, document={"punch_card": {"buy": 6}}
    )
    now = timezone.now()
    values = {
        "checkout_ref": CART,
        "state": "reserved",
        "uses": 1,
        "amount_minor": 100,
        "currency": "USD",
        "created_at": now,
        "lapses_at": now,
        "ended_at": now,
    }
    return OfferUse.objects.create(offer=offer, version=version, account=account, **values | fields)


def facts(program: Program, account: Account | None = None, cart: str = CART) -> dict[str, Any]:
    """Ask the function; segments and tags are looked at by a test of their own."""
    found = whole(program, account, cart)
    return {key: value for key, value in found.items() if key not in {"segments", "tags"}}


def whole(program: Program, account: Account | None, cart: str = CART) -> dict[str, Any]:
    """Ask the function."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT saleor_retention_offer_facts(%s, %s, %s)::text",
            [program.pk, account and account.pk, cart],
        )
        found: dict[str, Any] = json.loads(cursor.fetchone()[0])
    return found


def today() -> dt.date:
    """Return the day it is in UTC."""
    return timezone.now().date()


def test_nobody_has_nothing(shop: Shop) -> None:
    """Where nothing was used, given or picked, nothing is said, to members and guests alike."""
    member = shop.member("ann")

    assert facts(shop.program, member) == {}
    assert facts(shop.program) == {}


def test_uses_are_told_in_total_and_of_the_member(shop: Shop) -> None:
    """A guest hears of totals only, a member of his own besides; nobody of another's or retired."""
    ann, bob = shop.member("ann"), shop.member("bob")
    offer, gone = offer_of(shop.program, "set"), offer_of(shop.program, "old", is_active=False)
    other = Program.objects.create(slug="other", name="Other")
    for row in (
        OfferCounter(offer=offer, used=7),
        OfferCounter(offer=offer, account=ann, used=2),
        OfferCounter(offer=offer, account=bob, used=5),
        OfferCounter(offer=gone, used=9),
        OfferCounter(offer=offer_of(other, "set"), used=9),
    ):
        row.save()

    assert facts(shop.program) == {"used": [[offer.pk, False, None, 7]]}
    assert facts(shop.program, ann) == {
        "used": [[offer.pk, True, None, 2], [offer.pk, False, None, 7]]
    }


def test_only_running_periods_are_whole(shop: Shop) -> None:
    """First days of today's day, week, month and year are, as are all that a time zone shifts."""
    ann, offer, day = shop.member("ann"), offer_of(shop.program, "set"), today()
    running = {
        day,
        day - dt.timedelta(days=day.weekday()),
        day.replace(day=1),
        day.replace(month=1, day=1),
    }
    others = {day - dt.timedelta(days=400), day + dt.timedelta(days=800)}
    for start in running | others:
        OfferCounter.objects.create(offer=offer, period_start=start, used=3)
        OfferCounter.objects.create(offer=offer, account=ann, period_start=start, used=1)

    told = facts(shop.program, ann)["used"]

    assert told == [
        *([offer.pk, True, start.isoformat(), 1] for start in sorted(running)),
        *([offer.pk, False, start.isoformat(), 3] for start in sorted(running)),
    ]


def test_what_the_cart_reserved_itself_does_not_count_against_it(shop: Shop) -> None:
    """Else the price would lose its offer between the last look and the order."""
    ann, bundle = shop.member("ann"), offer_of(shop.program, "set")
    card = offer_of(shop.program, "card", OfferKind.PUNCH_CARD)
    gift = offer_of(shop.program, "gift", OfferKind.GIFT)
    OfferCounter.objects.create(offer=bundle, used=7)
    OfferCounter.objects.create(offer=bundle, account=ann, used=3)
    use_of(bundle, ann, uses=2)
    use_of(card, ann)
    use_of(card, ann, checkout_ref="cart-0", state="used", uses=4)
    GiftGiven.objects.create(use=use_of(gift, ann), account=ann, variant_ref="7")
    earlier = use_of(gift, ann, checkout_ref="cart-0", state="used")
    GiftGiven.objects.create(use=earlier, account=ann, variant_ref="5")

    assert facts(shop.program, ann) == {
        "used": [[bundle.pk, True, None, 1], [bundle.pk, False, None, 5]],
        "stamps_spent": {str(card.pk): 24},
        "gifts_had": ["5"],
    }
    assert facts(shop.program, ann, cart="cart-2") == {
        "used": [[bundle.pk, True, None, 3], [bundle.pk, False, None, 7]],
        "stamps_spent": {str(card.pk): 30},
        "gifts_had": ["5", "7"],
    }


def test_what_was_given_is_told_until_its_last_end(shop: Shop) -> None:
    """Of two gifts of one offer the longer one counts; another member's are not told."""
    ann, bob = shop.member("ann"), shop.member("bob")
    cup, tea = offer_of(shop.program, "cup"), offer_of(shop.program, "tea")
    now = timezone.now()
    for number, (offer, account, days) in enumerate(
        [(cup, ann, 3), (cup, ann, 9), (cup, ann, 5), (tea, ann, 1), (tea, bob, 30)]
    ):
        OfferGrant.objects.create(
            offer=offer,
            account=account,
            key=f"{number}",
            granted_at=now,
            valid_until=now + dt.timedelta(days=days),
        )

    told = granted_until(facts(shop.program, ann))

    assert told == {
        str(cup.pk): now + dt.timedelta(days=9),
        str(tea.pk): now + dt.timedelta(days=1),
    }


def test_cards_picks_and_orders_are_whole(shop: Shop) -> None:
    """Stamps are summed by card, returned rewards are none, and picks are those of the cart."""
    ann = shop.member("ann")
    card = offer_of(shop.program, "card", OfferKind.PUNCH_CARD)
    gift = offer_of(shop.program, "gift", OfferKind.GIFT)
    for number, units in enumerate((4, 3)):
        OfferStamp.objects.create(
            offer=card, account=ann, order_ref=f"o{number}", units=units, stamped_at=timezone.now()
        )
    use_of(card, ann, state="returned")
    for cart, ref in ((CART, "7"), (CART, "5"), ("cart-2", "7")):
        GiftPick.objects.create(
            checkout_ref=cart, offer=gift, variant_ref=ref, picked_at=timezone.now()
        )
    shop.buys(ann, "o1", "10.00")

    assert facts(shop.program, ann) == {
        "stamps": {str(card.pk): 7},
        "gift_picks": {str(gift.pk): ["7", "5"]},
        "orders": 1,
    }
    assert facts(shop.program) == {"gift_picks": {str(gift.pk): ["7", "5"]}}


def test_one_who_left_is_told_as_such(shop: Shop) -> None:
    """Who left the program keeps his account, and is no member."""
    ann = shop.member("ann")
    Account.objects.filter(pk=ann.pk).update(state="left")

    assert facts(shop.program, ann) == {"left": True}


def test_segments_and_tags_are_told(shop: Shop) -> None:
    """Of those who are somebody: the active segments, and the tags with the stage."""
    ann = shop.member("ann")
    for slug, is_active in (("regulars", True), ("gone", False)):
        segment = Segment.objects.create(
            program=shop.program, slug=slug, name=slug, is_active=is_active
        )
        SegmentMember.objects.create(segment=segment, account=ann, since=timezone.now())
    CustomerTag.objects.create(account=ann, tag="likes-tea", since=timezone.now())

    told = whole(shop.program, ann)

    assert told == {"segments": ["regulars"], "tags": ["likes-tea", "stage:aware"]}
    assert whole(shop.program, None) == {}
