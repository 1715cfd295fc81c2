"""Offers: one validation, versions that never change, a stamp that moves with every change."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from saleor_retention.engine.offers.kinds import AddOn
from saleor_retention.errors import Refusal, Refusals
from saleor_retention.host.contract import ChannelFacts
from saleor_retention.models import AuditEntry, Offer, OfferVersion, Program, Segment
from saleor_retention.selectors.offers import offers_in, terms_of
from saleor_retention.services.offering import offers
from saleor_retention.services.setting_up import programs
from tests.fakes import FakeHost, at, use
from tests.members import LADDER, NOON, counts_of_rows, make_program

pytestmark = pytest.mark.django_db

THREE_FOR_TWO: dict[str, Any] = {
    "kind": "bundle",
    "bundle": {"parts": [{"select": {"products": ["11"]}, "quantity": 3}], "cheapest_free": 1},
}
TEN_OFF: dict[str, Any] = {
    "kind": "member_price",
    "member_price": {"select": {"products": ["11"]}, "percent": 10},
}
FIVE_OFF = {**TEN_OFF, "member_price": {"select": {"products": ["11"]}, "percent": 5}}


@pytest.fixture(autouse=True)
def shop(monkeypatch: pytest.MonkeyPatch) -> FakeHost:
    """A shop with a dollar channel, a euro channel, and three goods."""
    shop = use(monkeypatch)
    shop.shop_channels.append(ChannelFacts("2", "europe", "Europe", "EUR"))
    shop.slugs = {"products": {"tea": "11", "cup": "12"}, "categories": {"hot": "31"}}
    shop.put_price("21", 1000, product_ref="11")
    shop.put_price("22", 500, product_ref="11")
    shop.put_price("23", 800, product_ref="12")
    return shop


@pytest.fixture
def program(shop: FakeHost) -> Program:
    """A program in the dollar channel with a ladder."""
    assert shop.shop_channels
    return make_program(tiers=LADDER, reference={"currency": "USD"}, time_zone="Europe/Paris")


SHIP = {"kind": "free_shipping", "free_shipping": {"from": {"USD": 50}}}


def create(program: Program, document: dict[str, Any], **given: Any) -> Offer:
    """Create an offer from what a test is about and defaults for the rest."""
    defaults = {"slug": "set", "name": "Set", "now": NOON}
    change = offers.create_offer(program=program, document=document, **{**defaults, **given})
    return change.offer


def refusals_of(call: Callable[[], Any]) -> list[tuple[str, str | None]]:
    """Return code and field of what a call is refused for, having seen that nothing changed."""
    before = (counts_of_rows(), list(Program.objects.values_list("offers_stamp", flat=True)))
    with pytest.raises((Refusals, Refusal)) as caught, transaction.atomic():
        call()
    after = (counts_of_rows(), list(Program.objects.values_list("offers_stamp", flat=True)))
    assert after == before
    found = getattr(caught.value, "refusals", [caught.value])
    return [(refusal.code.value, refusal.field) for refusal in found]


def stamp_of(program: Program) -> int:
    """Return the program's stamp now."""
    return Program.objects.get(pk=program.pk).offers_stamp


# --- what a change does ---------------------------------------------------------------------------


def test_an_offer_begins_with_version_one(shop: FakeHost, program: Program) -> None:
    """Canonical document, author, audit entry, a moved stamp, and open carts priced afresh."""
    shop.put_checkout("cart-1", 1000, user_ref=None)
    shop.put_checkout("cart-2", 1000, user_ref=None, channel_ref="2")
    shop.repriced.clear()

    offer = create(program, THREE_FOR_TWO, actor_ref="user:7")

    version = OfferVersion.objects.get()
    assert (version.number, version.actor_ref, version.created_at) == (1, "user:7", NOON)
    assert version.document == THREE_FOR_TWO
    assert (offer.kind, offer.is_active, offer.current_version) == ("bundle", True, version)
    assert stamp_of(program) == 1
    assert shop.repriced == ["cart-1"]
    entry = AuditEntry.objects.get(action="offer_create")
    assert (entry.actor_ref, entry.program, entry.at) == ("user:7", program, NOON)
    assert "set.name is new: Set" in entry.changes


def test_only_another_document_makes_a_version(program: Program) -> None:
    """What says the same in other words changes nothing: no version, no stamp, no audit entry."""
    offer = create(program, TEN_OFF)
    entries = AuditEntry.objects.count()
    same = {"kind": "member_price", "member_price": {"select": {"products": [11]}, "percent": 10.0}}

    unchanged = offers.update_offer(offer=offer, document=same, name=" Set ", is_active=True)
    changed = offers.update_offer(
        offer=offer,
        document={**TEN_OFF, "priority": 5},
        actor_ref="app:3",
        now=at("2026-03-11 08:00"),
    )

    assert (unchanged.is_change, changed.is_change) == (False, True)
    assert [version.number for version in OfferVersion.objects.order_by("number")] == [1, 2]
    assert stamp_of(program) == 2
    assert AuditEntry.objects.count() == entries + 1
    assert AuditEntry.objects.latest("pk").changes == ["set.offer.priority is new: 5"]
    assert terms_of(changed.offer.current_version_id).priority == 5


def test_switching_off_and_on_are_actions_of_their_own(program: Program) -> None:
    """Each moves the stamp; the shelf has active offers only."""
    offer = create(program, TEN_OFF)

    off = offers.switch_offer(offer=offer, is_active=False, now=NOON)
    shelf_off = offers_in(program.pk, stamp_of(program), channel_ref="1", currency="USD")
    offers.switch_offer(offer=off.offer, is_active=True, now=NOON)
    shelf_on = offers_in(program.pk, stamp_of(program), channel_ref="1", currency="USD")

    assert shelf_off.offers == ()
    assert [each.id for each in shelf_on.offers] == [str(offer.pk)]
    actions = list(AuditEntry.objects.order_by("pk").values_list("action", flat=True))
    assert actions[-2:] == ["offer_deactivate", "offer_activate"]
    assert AuditEntry.objects.latest("pk").changes == ["set.active changes from false to true"]
    assert stamp_of(program) == 3


def test_an_offer_is_scheduled_in_the_programs_zone(program: Program) -> None:
    """Instants are kept with their offset; None opens a side again."""
    offer = create(program, {**TEN_OFF, "starts_at": "2026-04-01T00:00"})

    change = offers.schedule_offer(
        offer=offer, starts_at=None, ends_at=at("2026-05-01 10:00"), now=NOON
    )

    document = offers.document_of(change.offer)
    assert "starts_at" not in document
    assert document["ends_at"] == "2026-05-01T12:00+02:00"
    first = OfferVersion.objects.get(number=1)
    assert first.document["starts_at"] == "2026-04-01T00:00+02:00"


def test_a_duplicate_is_another_offer_switched_off(program: Program) -> None:
    """Same document and name, own slug and first version."""
    offer = create(program, THREE_FOR_TWO)

    copy = offers.duplicate_offer(offer=offer, slug="set-2", now=NOON).offer

    assert (copy.slug, copy.name, copy.is_active) == ("set-2", "Set", False)
    assert offers.document_of(copy) == offers.document_of(offer)
    assert copy.current_version_id != offer.current_version_id


def test_a_retired_offer_stays_retired(program: Program) -> None:
    """Retiring twice is one change; nothing else can be done with it, and its slug stays taken."""
    offer = create(program, TEN_OFF)

    retired = offers.retire_offer(offer=offer, now=NOON)
    offers.retire_offer(offer=offer, now=at("2026-04-01 00:00"))

    assert (retired.retired_at, retired.is_active) == (NOON, False)
    assert stamp_of(program) == 2
    assert AuditEntry.objects.latest("pk").changes == ["set"]
    assert refusals_of(lambda: offers.switch_offer(offer=offer, is_active=True)) == [
        ("INVALID", "offer")
    ]
    assert refusals_of(lambda: create(program, TEN_OFF)) == [("UNIQUE", "slug")]


def test_a_preview_of_a_change_changes_nothing(program: Program) -> None:
    """It tells the lines and the warnings of the update."""
    offer = create(program, TEN_OFF)
    before = counts_of_rows()

    shown = offers.preview_update(offer=offer, document={**TEN_OFF, "priority": 2}, name="Ten")

    assert shown.changes == ("name changes from Set to Ten", "offer.priority is new: 2")
    assert counts_of_rows() == before
    assert stamp_of(program) == 1


def test_the_shelf_costs_one_statement_for_a_stamp(program: Program) -> None:
    """And none while the stamp stays; channels and currencies that an offer lacks are left out."""
    euros = {
        "earn": {"rates": {"EUR": {"points": 1, "per": 1}}},
        "point_value": {"EUR": "0.01"},
        "reference": {"rates": {"EUR": 1}},
    }
    programs.update_program(program=program, channels=["1", "2"], changes=euros)
    create(program, TEN_OFF)
    dollars = {"kind": "free_shipping", "free_shipping": {"from": {"USD": 50}}, "channels": ["1"]}
    create(program, dollars, slug="ship")
    stamp = stamp_of(program)

    with CaptureQueriesContext(connection) as first:
        shelf = offers_in(program.pk, stamp, channel_ref="1", currency="USD")
    with CaptureQueriesContext(connection) as again:
        offers_in(program.pk, stamp, channel_ref="1", currency="USD")
    europe = offers_in(program.pk, stamp, channel_ref="2", currency="EUR")

    assert (len(first), len(again)) == (1, 0)
    assert [shelf.names[each.id] for each in shelf.offers] == ["Set", "Set"]
    assert set(shelf.version_ids.values()) == set(OfferVersion.objects.values_list("pk", flat=True))
    assert [each.benefit.__class__.__name__ for each in europe.offers] == ["MemberPrice"]


def test_an_offer_that_cannot_be_read_is_left_out(program: Program) -> None:
    """A fault of one offer does not take the others from the shopper."""
    good = create(program, TEN_OFF)
    broken = Offer.objects.create(program=program, slug="old", name="Old", kind="bundle")
    broken.current_version = OfferVersion.objects.create(
        offer=broken, number=1, document={"kind": "bundle"}
    )
    broken.save()

    shelf = offers_in(program.pk, 99, channel_ref="1", currency="USD")

    assert [each.id for each in shelf.offers] == [str(good.pk)]


def test_an_add_on_follows_the_amount_of_free_shipping(program: Program) -> None:
    """It opens below what that asks for now; without it, it does not open at all."""
    ship = create(program, SHIP, slug="ship")
    opens = {"from": {"USD": 20}, "below_offer": "ship"}
    add_on = {"select": {"products": [11]}, "percent": 10, "opens": opens}
    extra = create(program, {"kind": "add_on", "add_on": add_on}, slug="extra")

    def below() -> list[int | None]:
        shelf = offers_in(program.pk, stamp_of(program), channel_ref="1", currency="USD")
        benefits = [each.benefit for each in shelf.offers]
        return [each.opening.below_minor for each in benefits if isinstance(each, AddOn)]

    assert offers.document_of(extra)["add_on"]["opens"] == {
        "from": {"USD": "20.00"},
        "below_offer": "ship",
    }
    assert below() == [5000]
    more = {"kind": "free_shipping", "free_shipping": {"from": {"USD": 80}}}
    offers.update_offer(offer=ship, document=more, now=NOON)
    assert below() == [8000]
    offers.update_offer(offer=ship, document={**more, "free_shipping": {}}, now=NOON)
    assert below() == []
    offers.update_offer(offer=ship, document=more, is_active=False, now=NOON)
    assert below() == []


@pytest.mark.parametrize("slug", ["none", "set", "always", "gone", "foreign"])
def test_an_add_on_refers_to_free_shipping_from_an_amount_on(program: Program, slug: str) -> None:
    """Not to none, another kind, shipping that is always free, a retired one, or another's."""
    create(program, TEN_OFF)
    create(program, {"kind": "free_shipping", "free_shipping": {}}, slug="always")
    offers.retire_offer(offer=create(program, SHIP, slug="gone"), now=NOON)
    other = Program.objects.create(slug="other", name="Other")
    Offer.objects.create(program=other, slug="foreign", name="Foreign", kind="free_shipping")
    add_on = {"select": {"products": [11]}, "percent": 10, "opens": {"below_offer": slug}}

    refused = refusals_of(
        lambda: create(program, {"kind": "add_on", "add_on": add_on}, slug="extra")
    )

    assert refused == [("NOT_FOUND", "add_on.opens.below_offer")]


# --- what is refused ------------------------------------------------------------------------------


def test_everything_that_is_wrong_is_named_at_once(program: Program) -> None:
    """Slug, name and document together."""
    broken = {"kind": "bundle", "bundle": {"parts": [], "cheapest_free": 1}, "color": "red"}

    found = refusals_of(lambda: create(program, broken, slug="No Slug", name=" "))

    assert found == [
        ("INVALID", "slug"),
        ("REQUIRED", "name"),
        ("INVALID", "bundle.parts"),
        ("INVALID", "color"),
    ]


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({**TEN_OFF, "channels": ["2"]}, ("NOT_FOUND", "channels")),
        ({**TEN_OFF, "audience": {"tiers": ["gold"]}}, ("NOT_FOUND", "audience.tiers")),
        ({**TEN_OFF, "audience": {"segments": ["spies"]}}, ("NOT_FOUND", "audience.segments")),
        (
            {"kind": "member_price",
             "member_price": {"select": {"products": ["99"]}, "percent": 10}},
            ("NOT_FOUND", "member_price.select.products"),
        ),
        (
            {"kind": "gift", "gift": {"variants": ["99"]}},
            ("NOT_FOUND", "gift.variants"),
        ),
        (
            {"kind": "free_shipping", "free_shipping": {"from": {"EUR": 50}}},
            ("REQUIRED", "free_shipping.from.USD"),
        ),
        ({**TEN_OFF, "ends_at": "2026-03-10T12:00"}, ("INVALID", "ends_at")),
        (
            {"kind": "bundle", "bundle": {
                "parts": [{"select": {"products": ["11"]}, "quantity": 2},
                          {"select": {"variants": ["23"]}, "quantity": 1}],
                "price": {"USD": "28.00"}}},
            ("INVALID", "bundle.price.USD"),
        ),
        (
            {"kind": "quantity", "quantity": {"select": {"variants": ["22"]},
             "steps": [{"from": 2, "percent": 5}, {"from": 3, "price": {"USD": "5.00"}}]}},
            ("INVALID", "quantity.steps.1.price.USD"),
        ),
    ],
)  # fmt: skip
def test_what_the_shop_contradicts_is_refused(
    program: Program, document: dict[str, Any], expected: tuple[str, str]
) -> None:
    """Channels, tiers, goods, currencies, a window that is over, prices above the sum."""
    assert refusals_of(lambda: create(program, document)) == [expected]


def test_segments_of_the_audience_are_there(shop: FakeHost, program: Program) -> None:
    """Each one is looked for in the program; one that was retired is not there any more."""
    Segment.objects.create(program=program, slug="regulars", name="Regulars")
    Segment.objects.create(
        program=program, slug="gone", name="Gone", is_active=False, retired_at=NOON
    )
    shop.shop_channels.append(ChannelFacts("3", "elsewhere", "Elsewhere", "USD"))
    other = make_program("other", channels=("3",))
    Segment.objects.create(program=other, slug="theirs", name="Theirs")

    offer = create(program, {**TEN_OFF, "audience": {"segments": ["regulars"]}})
    wrong = {**TEN_OFF, "audience": {"segments": ["regulars", "theirs", "gone"]}}
    with pytest.raises(Refusals) as caught:
        create(program, wrong, slug="wrong")

    assert terms_of(offer.current_version_id).audience.segments == {"regulars"}
    assert [(each.field, each.message) for each in caught.value.refusals] == [
        ("audience.segments", f'audience.segments names no segment of the program: "{slug}".')
        for slug in ("gone", "theirs")
    ]


def test_a_price_above_the_cheapest_is_a_warning(program: Program) -> None:
    """Any two for 12.00 helps those who take the dear one, and not those who take two at 5.00."""
    parts = [{"select": {"products": ["11"]}, "quantity": 2}]
    any_two = {"kind": "bundle", "bundle": {"parts": parts, "price": {"USD": "12.00"}}}

    change = offers.create_offer(
        program=program, slug="two", name="Any two", document=any_two, now=NOON
    )

    assert [(w.code, w.field) for w in change.warnings] == [
        ("PRICE_ABOVE_CHEAPEST", "bundle.price.USD")
    ]
    assert "10.00 USD" in change.warnings[0].message


TEA: dict[str, Any] = {"select": {"products": ["11"]}}  # at 5.00 and 10.00
TWO_TEAS = [{**TEA, "quantity": 2}]
USELESS: dict[str, tuple[dict[str, Any], tuple[str, str]]] = {
    "floor above the list price": (
        {**TEN_OFF, "floor": {"USD": "10.00"}},
        ("INVALID", "floor.USD"),
    ),
    "floor above the list price of what a threshold asks for": (
        {
            "kind": "threshold",
            "threshold": {**TEA, "steps": [{"from": {"USD": 9}, "percent": 10}]},
            "floor": {"USD": "10.00"},
        },
        ("INVALID", "floor.USD"),
    ),
    "more off than the dearest unit costs": (
        {"kind": "member_price", "member_price": {**TEA, "amount": {"USD": "10.01"}}},
        ("INVALID", "member_price.amount.USD"),
    ),
    "more off than the dearest set costs": (
        {"kind": "bundle", "bundle": {"parts": TWO_TEAS, "amount": {"USD": "20.01"}}},
        ("INVALID", "bundle.amount.USD"),
    ),
}


@pytest.mark.parametrize("case", USELESS)
def test_amounts_beyond_what_the_goods_cost_are_refused(program: Program, case: str) -> None:
    """Goods that are named one by one have prices to compare with."""
    document, expected = USELESS[case]

    assert refusals_of(lambda: create(program, document)) == [expected]


ODD: dict[str, tuple[dict[str, Any], list[tuple[str, str]]]] = {
    "floor above the cheapest": (
        {**TEN_OFF, "floor": {"USD": "5.00"}},
        [("FLOOR_ABOVE_CHEAPEST", "floor.USD")],
    ),
    "floor below all": ({**TEN_OFF, "floor": {"USD": "4.99"}}, []),
    "the cheapest become free": (
        {"kind": "member_price", "member_price": {**TEA, "amount": {"USD": "5.01"}}},
        [("AMOUNT_ABOVE_CHEAPEST", "member_price.amount.USD")],
    ),
    "as much off as the cheapest cost": (
        {"kind": "bundle", "bundle": {"parts": TWO_TEAS, "amount": {"USD": "10.00"}}},
        [],
    ),
    "a price for goods of a category": (
        {
            "kind": "member_price",
            "member_price": {"select": {"categories": ["21"]}, "price": {"USD": "5.00"}},
        },
        [("NOT_COMPARED", "member_price.price")],
    ),
    "a floor below goods of a category": (
        {
            "kind": "member_price",
            "member_price": {"select": {"categories": ["21"]}, "percent": 5},
            "floor": {"USD": "5.00"},
        },
        [("NOT_COMPARED", "floor")],
    ),
}


@pytest.mark.parametrize("case", ODD)
def test_amounts_that_may_be_beyond_what_the_goods_cost_are_a_warning(
    shop: FakeHost, program: Program, case: str
) -> None:
    """Of some goods, or of goods that nobody named one by one."""
    shop.slugs["categories"]["tea"] = "21"
    document, expected = ODD[case]

    change = offers.create_offer(program=program, slug="odd", name="O", document=document, now=NOON)

    assert [(warning.code, warning.field) for warning in change.warnings] == expected


def test_prices_of_very_many_goods_are_not_compared(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That is said where there is a price to compare."""
    monkeypatch.setattr("saleor_retention.services.offering.offer_prices.GOODS_MAX", 0)
    priced = {"kind": "member_price", "member_price": {**TEA, "price": {"USD": "50.00"}}}

    change = offers.create_offer(program=program, slug="p", name="P", document=priced, now=NOON)
    other = offers.create_offer(program=program, slug="t", name="T", document=TEN_OFF, now=NOON)

    assert [warning.code for warning in change.warnings] == ["NOT_COMPARED"]
    assert other.warnings == ()


def test_goods_that_nobody_can_buy_are_a_warning(shop: FakeHost, program: Program) -> None:
    """The product is there, and no channel of the offer sells it."""
    shop.slugs["products"]["cellar"] = "13"
    cellar = {
        "kind": "member_price",
        "member_price": {"select": {"products": ["13"]}, "percent": 5},
    }

    change = offers.create_offer(program=program, slug="s", name="S", document=cellar, now=NOON)

    assert [warning.code for warning in change.warnings] == ["NOT_SOLD"]


def test_an_offer_that_another_always_beats_is_a_warning(program: Program) -> None:
    """In both directions, by name; one that is switched off beats nobody."""
    create(program, TEN_OFF, slug="ten")
    five = FIVE_OFF
    wide = {"kind": "member_price", "member_price": {"percent": 20}}

    worse = offers.create_offer(program=program, slug="five", name="5", document=five, now=NOON)
    off = offers.create_offer(
        program=program, slug="off", name="5", document=five, is_active=False, now=NOON
    )
    better = offers.create_offer(program=program, slug="all", name="20", document=wide, now=NOON)

    assert [warning.code for warning in worse.warnings] == ["ALWAYS_BEATEN"]
    assert '"ten"' in worse.warnings[0].message
    assert off.warnings == ()
    assert [warning.code for warning in better.warnings] == ["ALWAYS_BEATS", "ALWAYS_BEATS"]


@pytest.mark.parametrize("document", [None, FIVE_OFF], ids=["switch", "file"])
def test_an_offer_that_is_switched_on_is_compared_too(
    program: Program, document: dict[str, Any] | None
) -> None:
    """A duplicate starts switched off: what is odd about it is said when it becomes active."""
    create(program, TEN_OFF, slug="ten")
    five = create(program, FIVE_OFF, slug="five", is_active=False)

    def switch(*, is_active: bool) -> list[str]:
        change = offers.update_offer(offer=five, document=document, is_active=is_active, now=NOON)
        return [warning.code for warning in change.warnings]

    assert switch(is_active=True) == ["ALWAYS_BEATEN"]
    assert switch(is_active=True) == []  # it is on already
    assert switch(is_active=False) == []


def test_what_saleor_cannot_give_is_refused_with_its_reason(
    shop: FakeHost, program: Program
) -> None:
    """By kind."""
    shop.refusals = {"gifts": "No gifts here.", "free_shipping": "Not free."}

    assert refusals_of(lambda: create(program, {"kind": "gift", "gift": {"variants": ["21"]}})) == [
        ("NOT_SUPPORTED", "kind")
    ]
    assert refusals_of(lambda: create(program, {"kind": "free_shipping", "free_shipping": {}})) == [
        ("NOT_SUPPORTED", "kind")
    ]
    create(program, TEN_OFF)


def test_an_offer_that_was_right_when_it_was_stored_may_stay(
    shop: FakeHost, program: Program
) -> None:
    """Saying again what is there is no change, although it is over and its goods are gone."""
    offer = create(program, {**TEN_OFF, "ends_at": "2026-03-12T00:00"})
    del shop.slugs["products"]["tea"]
    later = at("2026-04-01 00:00")

    change = offers.update_offer(offer=offer, document=offers.document_of(offer), now=later)
    off = offers.switch_offer(offer=offer, is_active=False, now=later)

    assert not change.is_change
    assert off.is_change
    assert refusals_of(lambda: offers.switch_offer(offer=offer, is_active=True, now=later)) == [
        ("INVALID", "ends_at")
    ]
    assert refusals_of(
        lambda: offers.update_offer(
            offer=offer, document=offers.document_of(offer), is_active=True, now=later
        )
    ) == [("INVALID", "ends_at")]


def test_the_kind_of_an_offer_stays(program: Program) -> None:
    """Uses and stamps are counted by kind."""
    offer = create(program, TEN_OFF)

    assert refusals_of(lambda: offers.update_offer(offer=offer, document=THREE_FOR_TWO)) == [
        ("INVALID", "kind")
    ]


def test_a_retired_program_has_no_new_offers(program: Program) -> None:
    """Nor changes of those it has."""
    offer = create(program, TEN_OFF)
    programs.retire(program=program)

    assert refusals_of(lambda: create(program, TEN_OFF, slug="x")) == [("INVALID", "program")]
    assert refusals_of(lambda: offers.switch_offer(offer=offer, is_active=False)) == [
        ("INVALID", "program")
    ]


def test_a_program_has_so_many_offers_at_most(
    monkeypatch: pytest.MonkeyPatch, program: Program
) -> None:
    """Retired ones do not count."""
    monkeypatch.setattr(offers, "OFFERS_MAX", 1)
    offer = create(program, TEN_OFF)

    assert refusals_of(lambda: create(program, TEN_OFF, slug="x")) == [("LIMIT_REACHED", "program")]
    offers.retire_offer(offer=offer)
    create(program, TEN_OFF, slug="x")


def test_a_version_never_changes(program: Program) -> None:
    """The database refuses it."""
    from django.db.utils import DatabaseError

    create(program, TEN_OFF)

    with pytest.raises(DatabaseError), transaction.atomic():
        OfferVersion.objects.update(document={})
