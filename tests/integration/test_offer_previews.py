"""A dry run of offers: any basket, any customer, any instant, explained, and nothing written."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from saleor_retention.engine.offers.result import Finding
from saleor_retention.errors import Refusal, Refusals
from saleor_retention.models import Offer, OfferCounter, OfferStamp, Program
from saleor_retention.services.offering import offers
from saleor_retention.services.offering.offer_previewing import TRIED, OfferTrial
from tests.fakes import FakeHost, at, use
from tests.members import LADDER, NOON, counts_of_rows, make_member, make_program

pytestmark = pytest.mark.django_db

THREE_FOR_TWO: dict[str, Any] = {
    "kind": "bundle",
    "bundle": {"parts": [{"select": {"products": ["11"]}, "quantity": 3}], "cheapest_free": 1},
}


@pytest.fixture(autouse=True)
def shop(monkeypatch: pytest.MonkeyPatch) -> FakeHost:
    """A shop with tea at 10.00 and cups at 8.00."""
    shop = use(monkeypatch)
    shop.slugs = {"products": {"tea": "11", "cup": "12"}}
    shop.put_price("21", 1000, product_ref="11")
    shop.put_price("23", 800, product_ref="12")
    return shop


@pytest.fixture
def program(shop: FakeHost) -> Program:
    """A program with a ladder; its members of the tier VIP pay 5 % less."""
    assert shop.prices
    return make_program(tiers=LADDER, reference={"currency": "USD"}, time_zone="Europe/Paris")


def create(program: Program, document: dict[str, Any], slug: str, **given: Any) -> Offer:
    """Create an offer."""
    return offers.create_offer(
        program=program, slug=slug, name=slug, document=document, now=NOON, **given
    ).offer


def codes(trial: OfferTrial) -> dict[str, str]:
    """Return the verdict of each offer."""
    return {verdict.offer_id: verdict.code.value for verdict in trial.quote.verdicts}


def test_a_document_is_tried_beside_the_offers_that_are_there(program: Program) -> None:
    """The better one applies, the other one says what it was beaten by; nothing is written."""
    running = create(program, THREE_FOR_TWO, "three")
    half = {"kind": "bundle", "bundle": {"parts": THREE_FOR_TWO["bundle"]["parts"], "percent": 50}}
    before = counts_of_rows()

    trial = offers.preview(
        program=program, lines=[("21", 3), ("23", 1)], channel_ref="1", document=half, at=NOON
    )

    assert trial.tried == TRIED
    assert trial.quote.saving_minor == 1500
    assert trial.quote.is_optimal
    verdicts = {verdict.offer_id: verdict for verdict in trial.quote.verdicts}
    assert verdicts[TRIED].code is Finding.APPLIED
    beaten = verdicts[str(running.pk)]
    assert (beaten.code, beaten.by, beaten.by_minor) == (Finding.BEATEN, (TRIED,), 500)
    assert counts_of_rows() == before


def test_an_offer_is_tried_with_another_document_in_its_place(program: Program) -> None:
    """And one that is switched off as if it were on."""
    offer = create(program, THREE_FOR_TWO, "three", is_active=False)
    two_free = {**THREE_FOR_TWO, "bundle": {**THREE_FOR_TWO["bundle"], "cheapest_free": 2}}
    basket: dict[str, Any] = {"program": program, "lines": [("21", 3)], "channel_ref": "1"}

    without = offers.preview(**basket, at=NOON)
    as_it_is = offers.preview(**basket, offer=offer, at=NOON)
    changed = offers.preview(**basket, offer=offer, document=two_free, at=NOON)

    savings = [trial.quote.saving_minor for trial in (without, as_it_is, changed)]
    assert savings == [0, 1000, 2000]
    assert changed.tried == str(offer.pk)


def test_the_instant_decides_about_windows(program: Program) -> None:
    """In the program's zone."""
    tuesdays = {"kind": "member_price", "member_price": {"percent": 10}, "weekdays": ["tue"]}
    offer = create(program, tuesdays, "tuesday")
    basket: dict[str, Any] = {"program": program, "lines": [("23", 1)], "channel_ref": "1"}

    monday = offers.preview(**basket, at=at("2026-05-04 21:59"))
    tuesday = offers.preview(**basket, at=at("2026-05-04 22:00"))

    assert codes(monday) == {str(offer.pk): "OTHER_WEEKDAY"}
    assert codes(tuesday) == {str(offer.pk): "APPLIED"}


def test_the_customer_decides_about_audience_limits_and_cards(
    shop: FakeHost, program: Program
) -> None:
    """Tier prices compete; a guest misses what members have."""
    ann = make_member(shop, program, tier="vip")
    once = {
        "kind": "member_price",
        "member_price": {"select": {"products": ["12"]}, "percent": 50},
        "limits": {"per_customer": 1},
    }
    card = {"kind": "punch_card", "punch_card": {"select": {"products": ["11"]}, "buy": 6}}
    limited, punched = create(program, once, "once"), create(program, card, "card")
    OfferStamp.objects.create(offer=punched, account=ann, order_ref="o1", units=6, stamped_at=NOON)
    basket: dict[str, Any] = {
        "program": program,
        "lines": [("21", 2), ("23", 1)],
        "channel_ref": "1",
        "at": NOON,
    }

    guest = offers.preview(**basket)
    member = offers.preview(**basket, account=ann)
    OfferCounter.objects.create(offer=limited, account=ann, used=1)
    again = offers.preview(**basket, account=ann)

    assert codes(guest) == {
        str(limited.pk): "NOT_A_MEMBER",
        str(punched.pk): "STAMPS_MISSING",
    }
    assert guest.quote.saving_minor == 0
    assert member.quote.saving_minor == 1000 + 50 + 400  # the card, 5 % of a tea, half a cup
    assert codes(again)[str(limited.pk)] == "LIMIT_PER_CUSTOMER"
    assert again.quote.saving_minor == 1000 + 50 + 40


def test_a_tier_that_ships_for_nothing_is_counted(shop: FakeHost) -> None:
    """Its members have free shipping with an offer of it and without, the others with it only."""
    rung = {"slug": "vip", "name": "VIP", "threshold": "500.00", "free_shipping": True}
    program = make_program(
        tiers={**LADDER, "ladder": [LADDER["ladder"][0], rung]}, reference={"currency": "USD"}
    )
    ann = make_member(shop, program, tier="vip")
    shipping = create(program, {"kind": "free_shipping", "free_shipping": {}}, "shipping")
    basket: dict[str, Any] = {
        "program": program,
        "lines": [("21", 1)],
        "channel_ref": "1",
        "shipping_minor": 490,
        "at": NOON,
    }

    guest = offers.preview(**basket)
    member = offers.preview(**basket, account=ann)

    assert (guest.has_free_shipping, member.has_free_shipping) == (True, True)
    offers.switch_offer(offer=shipping, is_active=False, now=NOON)
    assert not offers.preview(**basket).has_free_shipping
    assert offers.preview(**basket, account=ann).has_free_shipping


def test_what_the_shopper_would_choose_is_free(shop: FakeHost, program: Program) -> None:
    """The cup is in the basket, and the tea that was chosen is added and free; for members only."""
    gift = {"kind": "gift", "gift": {"variants": ["21", "23"]}}
    basket: dict[str, Any] = {"program": program, "channel_ref": "1", "at": NOON}
    guest = offers.preview(**basket, lines=[("23", 1)], document=gift)
    assert guest.quote.saving_minor == 0
    basket["account"] = make_member(shop, program)
    lines = [("23", 1)]

    alone = offers.preview(**basket, lines=lines, document=gift)
    chosen = offers.preview(**basket, lines=lines, document=gift, gift_picks={TRIED: ["21"]})

    assert [(line.goods.variant_ref, line.quantity) for line in chosen.basket.lines] == [
        ("23", 1),
        ("21", 1),
    ]
    assert (alone.quote.saving_minor, chosen.quote.saving_minor) == (800, 1000)
    assert [each.line_ref for each in chosen.quote.allocations] == ["1"]
    for picks in ({TRIED: ["24"]}, {"77": ["21"]}):
        with pytest.raises((Refusal, Refusals)):
            offers.preview(**basket, lines=lines, document=gift, gift_picks=picks)


def refusals_of(call: Callable[[], Any]) -> list[tuple[str, str | None]]:
    """Return code and field of what a call is refused for."""
    with pytest.raises((Refusals, Refusal)) as caught:
        call()
    found = getattr(caught.value, "refusals", [caught.value])
    return [(refusal.code.value, refusal.field) for refusal in found]


def test_a_basket_that_nobody_could_have_is_refused(program: Program) -> None:
    """By line; a document that could not be stored, by field."""

    def preview(lines: list[tuple[str, int]], **given: Any) -> Callable[[], OfferTrial]:
        common = {"program": program, "channel_ref": "1", "at": NOON}
        return lambda: offers.preview(lines=lines, **{**common, **given})

    assert refusals_of(preview([])) == [("INVALID", "lines")]
    assert refusals_of(preview([("21", 1)] * 101)) == [("INVALID", "lines")]
    assert refusals_of(preview([("21", 0), ("99", 1)])) == [
        ("INVALID", "lines.0.quantity"),
        ("NOT_FOUND", "lines.1.variant"),
    ]
    assert refusals_of(preview([("21", 1)], channel_ref="2")) == [("NOT_FOUND", "channel")]
    assert refusals_of(preview([("21", 1)], document={"kind": "gift"})) == [
        ("REQUIRED", "gift"),
        ("REQUIRED", "gift.variants"),
    ]


def test_a_window_that_is_over_can_be_tried_all_the_same(program: Program) -> None:
    """At an instant when it was open."""
    over = {**THREE_FOR_TWO, "ends_at": "2026-01-01T00:00"}

    trial = offers.preview(
        program=program,
        lines=[("21", 3)],
        channel_ref="1",
        document=over,
        at=at("2025-12-31 12:00"),
    )

    assert codes(trial) == {TRIED: "APPLIED"}
