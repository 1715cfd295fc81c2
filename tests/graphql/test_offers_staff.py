"""Offers as staff set them up, find them, change them, watch them and try them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from saleor_retention import models
from tests.factories.current import factories
from tests.graphql.offers import five_off_from_fifty, goods, make, ten_off, three_for_two, usd
from tests.graphql.world import IS_SALEOR_3, Actor, World, gid, operation, rows, staff

pytestmark = pytest.mark.django_db(databases="__all__")

SOON = "2999-01-01T00:00:00+00:00"
LATER = "2999-02-01T00:00:00+00:00"
PAST = "2020-01-01T00:00:00+00:00"


@pytest.fixture
def manager() -> Actor:
    """Staff who manage discounts and members."""
    return staff("manage_discounts", "manage_users")


@pytest.fixture
def tea(world: World) -> Any:  # noqa: ARG001
    """Goods of 10.00."""
    return factories().make_product("10.00")


def listed(actor: Actor, world: World, **arguments: Any) -> list[str]:
    """Return the slugs of a page of offers."""
    asked = {"program": world.program_id, "first": 10, **arguments}
    page = actor.ask(operation("staff/offers"), **asked)["retentionOffers"]
    return [edge["node"]["slug"] for edge in page["edges"]]


# --- setting up -----------------------------------------------------------------------------------


def test_an_offer_is_set_up_and_read_back(world: World, manager: Actor, tea: Any) -> None:
    """What was sent stands in the document under the shop's keys, and in words."""
    made = make(
        world,
        three_for_two(
            tea,
            startsAt=PAST,
            endsAt=SOON,
            weekdays=["TUESDAY"],
            audience={"membersOnly": True, "tiers": ["vip"], "novelty": "RETURNING"},
            limits={
                "perOrder": 2,
                "perCustomer": 3,
                "inTotal": 100,
                "period": "MONTH",
                "totalPeriod": "ALL_TIME",
            },
            channels=[world.channel],
            group="tea",
            floor=usd("1.00"),
            priority=5,
        ),
        slug="tea-set",
    )

    shown = manager.ask(operation("staff/offer"), id=made["id"])["retentionOffer"]

    (channel,) = models.ProgramChannel.objects.values_list("channel_ref", flat=True)
    assert (made["slug"], made["name"], made["kind"]) == ("tea-set", "Tea-set", "BUNDLE")
    assert (made["isActive"], made["state"], made["version"]) == (True, "RUNNING", 1)
    assert made["endsAt"] == SOON
    assert json.loads(shown["document"]) == {
        "kind": "bundle",
        "bundle": {
            "parts": [{"select": {"products": [str(tea.product_id)]}, "quantity": 3}],
            "cheapest_free": 1,
        },
        "channels": [channel],
        "starts_at": "2020-01-01T00:00+00:00",
        "ends_at": "2999-01-01T00:00+00:00",
        "weekdays": ["tue"],
        "audience": {"members_only": True, "tiers": ["vip"], "novelty": "returning"},
        "limits": {
            "per_order": 2,
            "per_customer": 3,
            "in_total": 100,
            "period": "month",
            "total_period": "all_time",
        },
        "group": "tea",
        "floor": {"USD": "1.00"},
        "priority": 5,
    }
    assert tea.product.name in made["sentence"]
    assert shown["sentence"] == made["sentence"]
    assert [edge["node"]["number"] for edge in shown["versions"]["edges"]] == [1]
    assert shown["program"]["slug"] == "club"
    by_slug = manager.ask(operation("staff/offer"), program=world.program_id, slug="tea-set")
    assert by_slug["retentionOffer"]["id"] == made["id"]


@pytest.mark.saleor3
def test_the_sentence_names_channels_that_are_not_all(world: World, tea: Any) -> None:
    """In creating and in reading; of an offer for all of them nothing is said."""
    there = factories().make_channel("there")
    world.program.channels.create(channel_ref=str(there.pk))
    select = {"variants": [gid("ProductVariant", tea)]}
    price = {"kind": "MEMBER_PRICE", "memberPrice": {"select": select, "percent": 10}}

    some = make(world, {**price, "channels": ["there"]}, slug="some")
    every = make(world, {**price, "channels": ["there", world.channel]}, slug="every")

    assert some["sentence"].endswith(f"(only in {there.name}).")
    assert "only in" not in every["sentence"]


def test_every_kind_has_its_section(world: World, manager: Actor, tea: Any) -> None:
    """A dry run of each: where the host cannot give it, that is all that is wrong with it."""
    select, cut = goods(tea), {"prices": usd("8.00")}
    opens = {"select": goods(factories().make_product("20.00")), "quantity": 2}
    opens |= {"fromAmounts": usd("5"), "belowAmounts": usd("50")}
    sections: dict[str, Any] = {
        "bundle": {"parts": [{"select": select, "quantity": 2}], **cut},
        "quantity": {"select": select, "steps": [{"fromQuantity": 3, **cut}], "unitsMax": 9},
        "addOn": {"select": select, **cut, "opens": opens, "unitsEach": 2},
        "gift": {"variants": [gid("ProductVariant", tea)], "quantity": 1, "opens": opens},
        "punchCard": {"select": select, "buy": 6, **cut},
        "memberPrice": {"select": select, "amounts": usd("1.50")},
        "threshold": {
            "select": select,
            "steps": [
                {"fromAmounts": usd("20"), "percent": 5},
                {"fromAmounts": usd("40"), "percent": 10},
            ],
        },
        "freeShipping": {"select": select, "fromAmounts": usd("30")},
    }
    kinds = {
        "bundle": "BUNDLE",
        "quantity": "QUANTITY",
        "addOn": "ADD_ON",
        "gift": "GIFT",
        "punchCard": "PUNCH_CARD",
        "memberPrice": "MEMBER_PRICE",
        "threshold": "THRESHOLD",
        "freeShipping": "FREE_SHIPPING",
    }
    before = rows()

    for name, section in sections.items():
        answer = manager.ask(
            operation("staff/offer-create"),
            programId=world.program_id,
            input={"slug": "a", "name": "A", "offer": {"kind": kinds[name], name: section}},
            dryRun=True,
        )["retentionOfferCreate"]
        assert [error["code"] for error in answer["errors"]] in ([], ["NOT_SUPPORTED"]), name
        assert answer["offer"] is None

    assert rows() == before


@pytest.mark.parametrize(
    ("changes", "refusals"),
    [
        ({"kind": None}, [("offer.kind", "INVALID")]),
        ({"bundle": {"parts": [], "cheapestFree": 1}}, [("offer.bundle.parts", "INVALID")]),
        ({"gift": {"quantity": 1}}, [("offer.gift", "INVALID")]),
        ({"limits": {"perOrder": 1.5}}, [("offer.limits.perOrder", "INVALID")]),
        ({"limits": {"perCustomer": 2**31}}, [("offer.limits.perCustomer", "INVALID")]),
        ({"floor": usd("1.005")}, [("offer.floor.0.amount", "INVALID")]),
        ({"floor": [*usd("1"), *usd("2")]}, [("offer.floor.1.currency", "UNIQUE")]),
        ({"group": "Not a slug"}, [("offer.group", "INVALID")]),
        ({"channels": ["nowhere"]}, [("offer.channels.0", "NOT_FOUND")]),
        ({"audience": {"tiers": ["nobody"]}}, [("offer.audience.tiers", "NOT_FOUND")]),
        ({"audience": {"segments": ["none"]}}, [("offer.audience.segments", "NOT_FOUND")]),
        ({"startsAt": LATER, "endsAt": SOON}, [("offer.endsAt", "INVALID")]),
        ({"endsAt": PAST}, [("offer.endsAt", "INVALID")]),
        ({"limits": {"period": "DAY"}}, [("offer.limits.period", "INVALID")]),
        ({"limits": {"totalPeriod": "DAY"}}, [("offer.limits.totalPeriod", "INVALID")]),
    ],
)
def test_what_is_wrong_is_named_by_field(
    world: World,
    manager: Actor,
    tea: Any,
    changes: dict[str, Any],
    refusals: list[tuple[str, str]],
) -> None:
    """The path is one of the input, and nothing was stored."""
    offer = {**three_for_two(tea), **changes}

    refused = manager.refused(
        operation("staff/offer-create"),
        programId=world.program_id,
        input={"slug": "a", "name": "A", "offer": offer},
    )

    assert [(field, code if code != "REQUIRED" else "INVALID") for field, code in refused] == (
        refusals
    )


def test_everything_that_is_wrong_is_told_at_once(world: World, manager: Actor, tea: Any) -> None:
    """Names, numbers deep in the document, and goods that are not there."""
    offer = three_for_two(tea, priority=10**6)
    offer["bundle"]["parts"].append({"select": goods(tea), "quantity": 0})

    refused = manager.refused(
        operation("staff/offer-create"),
        programId=world.program_id,
        input={"slug": "Not a slug", "name": " ", "offer": offer},
    )
    missing = manager.refused(
        operation("staff/offer-create"),
        programId=world.program_id,
        input={
            "slug": "a",
            "name": "A",
            "offer": {
                "kind": "BUNDLE",
                "bundle": {"parts": [{"select": {"products": ["nonsense"]}, "quantity": 1}]},
            },
        },
    )

    assert {field for field, _ in refused} == {
        "slug",
        "name",
        "offer.bundle.parts.1.quantity",
        "offer.priority",
    }
    assert missing == [("offer.bundle.parts.0.select.products.0", "NOT_FOUND")]


def test_a_slug_is_taken_once(world: World, manager: Actor, tea: Any) -> None:
    """Within the program."""
    make(world, ten_off(tea))

    refused = manager.refused(
        operation("staff/offer-create"),
        programId=world.program_id,
        input={"slug": "one", "name": "A", "offer": five_off_from_fifty()},
    )

    assert refused == [("slug", "UNIQUE")]


def test_ready_offers_can_be_sent_as_they_are(world: World, manager: Actor) -> None:
    """Those that name no goods at once; the others ask for the goods to be put in."""
    shown = manager.ask(operation("staff/offer-templates"), program=world.program_id)
    templates = {each["name"]: each for each in shown["retentionOfferTemplates"]}

    for name in ("spend_steps", "member_day", "welcome"):
        given = json.loads(templates[name]["input"])
        made = make(world, given, slug=name.replace("_", "-"))
        assert made["kind"] == templates[name]["kind"]
    refused = manager.refused(
        operation("staff/offer-create"),
        programId=world.program_id,
        input={
            "slug": "set",
            "name": "Set",
            "offer": json.loads(templates["three_for_two"]["input"]),
        },
    )

    assert refused == [("offer.bundle.parts.0.select.products.0", "NOT_FOUND")]
    assert {each["kind"] for each in templates.values()} == {
        "BUNDLE",
        "QUANTITY",
        "ADD_ON",
        "GIFT",
        "PUNCH_CARD",
        "MEMBER_PRICE",
        "THRESHOLD",
        "FREE_SHIPPING",
    }


# --- changing -------------------------------------------------------------------------------------


def test_a_change_makes_the_next_version_and_leaves_the_rest(
    world: World, manager: Actor, tea: Any
) -> None:
    """Null takes away, a list is replaced, and every version stays to be read."""
    made = make(world, ten_off(tea, priority=5, weekdays=["MONDAY"], group="tea"))

    done = manager.do(
        operation("staff/offer-update"),
        id=made["id"],
        input={
            "name": "Other",
            "offer": {"memberPrice": {"percent": 15}, "priority": None, "weekdays": ["FRIDAY"]},
        },
    )

    shown = manager.ask(operation("staff/offer"), id=made["id"])["retentionOffer"]
    documents = [json.loads(edge["node"]["document"]) for edge in shown["versions"]["edges"]]
    assert (done["offer"]["name"], done["offer"]["version"]) == ("Other", 2)
    assert shown["versions"]["totalCount"] == 2
    assert [document["member_price"]["percent"] for document in documents] == ["15", "10"]
    assert (documents[0]["weekdays"], documents[0]["group"]) == (["fri"], "tea")
    assert "priority" not in documents[0]


def test_a_dry_run_tells_every_value_that_would_change(
    world: World, manager: Actor, tea: Any
) -> None:
    """And changes none."""
    made = make(world, ten_off(tea))
    before = rows()

    done = manager.do(
        operation("staff/offer-update"),
        id=made["id"],
        input={"name": "Other", "offer": {"memberPrice": {"percent": 15}}},
        dryRun=True,
    )

    assert rows() == before
    assert len(done["differences"]) == 2
    assert any("15" in line and "10" in line for line in done["differences"])
    assert (done["offer"]["name"], done["offer"]["version"]) == ("One", 1)


def test_the_kind_stays(world: World, manager: Actor, tea: Any) -> None:
    """What customers used is counted by kind."""
    made = make(world, ten_off(tea))

    refused = manager.refused(
        operation("staff/offer-update"),
        id=made["id"],
        input={"offer": {**five_off_from_fifty(), "memberPrice": None}},
    )

    assert refused == [("offer.kind", "INVALID")]


def test_an_offer_is_duplicated_scheduled_switched_and_retired(
    world: World, manager: Actor, tea: Any
) -> None:
    """Its life, each step by its own mutation."""
    made = make(world, ten_off(tea))

    copy = manager.do(operation("staff/offer-duplicate"), id=made["id"], slug="two", name="Two")
    planned = manager.do(
        operation("staff/offer-schedule"), id=copy["offer"]["id"], startsAt=SOON, endsAt=LATER
    )
    switched = manager.do(operation("staff/offer-switch"), id=copy["offer"]["id"], isActive=True)
    freed = manager.do(operation("staff/offer-schedule"), id=copy["offer"]["id"])
    retired = manager.do(operation("staff/offer-retire"), id=made["id"])
    again = manager.do(operation("staff/offer-retire"), id=made["id"])

    assert (copy["offer"]["slug"], copy["offer"]["isActive"]) == ("two", False)
    assert (planned["offer"]["state"], planned["offer"]["startsAt"]) == ("SCHEDULED", SOON)
    assert switched["offer"]["isActive"] is True
    assert (freed["offer"]["state"], freed["offer"]["endsAt"]) == ("RUNNING", None)
    assert (retired["offer"]["state"], retired["offer"]["isActive"]) == ("RETIRED", False)
    assert again["offer"] == retired["offer"]
    assert manager.refused(operation("staff/offer-switch"), id=made["id"], isActive=True) == [
        ("id", "INVALID")
    ]
    assert manager.refused(
        operation("staff/offer-schedule"), id=copy["offer"]["id"], endsAt=PAST
    ) == [("endsAt", "INVALID")]


@pytest.mark.parametrize("an_id", ["nonsense", "UmV0ZW50aW9uT2ZmZXI6OTk5OTk5"])
def test_an_offer_that_is_not_there(world: World, manager: Actor, an_id: str) -> None:  # noqa: ARG001
    """Neither for a mutation nor for the query."""
    assert manager.refused(operation("staff/offer-retire"), id=an_id) == [("id", "NOT_FOUND")]

    answer = manager.post(operation("staff/offer"), id=an_id)

    assert answer["data"]["retentionOffer"] is None
    assert "no such offer" in answer["errors"][0]["message"]


# --- finding --------------------------------------------------------------------------------------


def test_offers_are_searched_filtered_and_sorted(world: World, manager: Actor, tea: Any) -> None:
    """By kind, by whether they are on, by where they are in their life, by words."""
    make(world, ten_off(tea), slug="a-price")
    make(world, ten_off(tea, startsAt=SOON), slug="b-soon", isActive=False)
    make(world, five_off_from_fifty(endsAt=PAST), slug="c-over", isActive=False)
    gone = make(world, five_off_from_fifty(), slug="d-gone")
    manager.do(operation("staff/offer-retire"), id=gone["id"])

    assert listed(manager, world) == ["a-price", "b-soon", "c-over", "d-gone"]
    assert listed(manager, world, filter={"kinds": ["THRESHOLD"]}) == ["c-over", "d-gone"]
    assert listed(manager, world, filter={"isActive": True}) == ["a-price"]
    assert listed(manager, world, filter={"search": "-SOO"}) == ["b-soon"]
    for state, slug in (
        ("RUNNING", "a-price"),
        ("SCHEDULED", "b-soon"),
        ("ENDED", "c-over"),
        ("RETIRED", "d-gone"),
    ):
        assert listed(manager, world, filter={"states": [state]}) == [slug]
    both = {"states": ["ENDED", "RUNNING"], "kinds": ["MEMBER_PRICE"]}
    assert listed(manager, world, filter=both) == ["a-price"]
    assert listed(manager, world, sortBy={"field": "NAME", "direction": "DESC"}) == [
        "d-gone",
        "c-over",
        "b-soon",
        "a-price",
    ]


def test_pages_of_offers_follow_each_other(world: World, manager: Actor, tea: Any) -> None:
    """By keyset, in both directions, also where names are the same and rows are added."""
    for number in range(5):
        make(world, ten_off(tea, priority=number), slug=f"o{number}", name="Same")
    sort_by = {"field": "NAME", "direction": "ASC"}
    asked = {"program": world.program_id, "sortBy": sort_by}

    def page(**arguments: Any) -> dict[str, Any]:
        found: dict[str, Any] = manager.ask(operation("staff/offers"), **asked, **arguments)
        return found["retentionOffers"]

    first = page(first=2)
    make(world, ten_off(tea, priority=7), slug="o9", name="Aaa")
    second = page(first=2, after=first["pageInfo"]["endCursor"])
    back = page(last=2, before=second["pageInfo"]["startCursor"])

    assert [edge["node"]["slug"] for edge in first["edges"]] == ["o0", "o1"]
    assert first["totalCount"] == 5
    assert [edge["node"]["slug"] for edge in second["edges"]] == ["o2", "o3"]
    assert [edge["node"]["slug"] for edge in back["edges"]] == ["o0", "o1"]
    assert second["pageInfo"]["hasNextPage"] is True


def test_statistics_are_of_orders_in_a_window(world: World, manager: Actor, tea: Any) -> None:
    """What was given back stands by itself; nothing is zero."""
    made = make(world, ten_off(tea))
    offer = models.Offer.objects.get()
    for number, (state, at) in enumerate(
        [("used", PAST), ("used", "2021-01-01T00:00:00+00:00"), ("returned", PAST)]
    ):
        models.OfferUse.objects.create(
            offer=offer,
            version=offer.current_version,
            checkout_ref=f"cart-{number}",
            order_ref=f"order-{number}",
            state=state,
            uses=2,
            amount_minor=150,
            currency="USD",
            created_at=at,
            ended_at=at if state == "returned" else None,
        )

    def statistics(**window: str) -> Any:
        page = manager.ask(operation("staff/offers"), program=world.program_id, first=1, **window)[
            "retentionOffers"
        ]
        return page["edges"][0]["node"]["statistics"]

    assert made["id"] == gid("RetentionOffer", offer)
    assert statistics() == {
        "uses": 4,
        "orders": 2,
        "discount": [{"amount": 3.0, "currency": "USD"}],
        "discountReturned": [{"amount": 1.5, "currency": "USD"}],
    }
    assert statistics(since="2020-06-01T00:00:00+00:00")["orders"] == 1
    assert statistics(until=PAST) == {
        "uses": 0,
        "orders": 0,
        "discount": [],
        "discountReturned": [],
    }


def test_a_list_of_offers_costs_what_one_costs(world: World, manager: Actor, tea: Any) -> None:
    """In statements, with sentences, statistics and versions."""
    for number in range(12):
        make(world, ten_off(factories().make_product("9.00"), priority=number), slug=f"o{number}")
    query = (
        "query ($program: ID!, $first: Int!) { retentionOffers(program: $program, first: $first) "
        "{ totalCount edges { node { id state sentence startsAt document program { slug channels } "
        "statistics { uses discount { amount } } versions(first: 2) { edges { node { number "
        "actorId } } } } } } }"
    )

    def statements(first: int) -> int:
        with CaptureQueriesContext(connection) as captured:
            page = manager.ask(query, program=world.program_id, first=first)["retentionOffers"]
        assert len(page["edges"]) == first
        return len(captured)

    statements(12)

    assert tea is not None
    assert statements(12) == statements(1)


# --- trying ---------------------------------------------------------------------------------------


def test_a_new_offer_is_tried_on_a_cart(world: World, manager: Actor, tea: Any) -> None:
    """Beside those that run, with every reason; nothing is stored."""
    make(world, ten_off(tea), slug="ten")
    before = rows()

    shown = manager.ask(
        operation("staff/offer-preview"),
        program=world.program_id,
        channel=world.channel,
        lines=[{"variantId": gid("ProductVariant", tea), "quantity": 5}],
        offer=three_for_two(tea),
    )["retentionOfferPreview"]

    (line,) = shown["lines"]
    assert rows() == before
    assert (line["price"]["amount"], line["total"]["amount"]) == (50.0, 35.99)
    assert shown["saving"]["amount"] == 14.01  # each unit of the set costs 6.67 before 10 % off
    assert sorted(item["amount"]["amount"] for item in line["discounts"]) == [4.01, 10.0]
    assert shown["isOptimal"] is True
    assert [verdict["code"] for verdict in shown["verdicts"]] == ["APPLIED", "APPLIED"]


def test_a_change_of_an_offer_is_tried_for_a_member(world: World, manager: Actor, tea: Any) -> None:
    """What the member's tier opens is in it; as a guest's the reason is told."""
    made = make(world, ten_off(tea, audience={"tiers": ["vip"]}), isActive=False)
    models.Account.objects.filter(pk=world.account().pk).update(tier="vip")
    asked = {
        "program": world.program_id,
        "channel": world.channel,
        "lines": [{"variantId": gid("ProductVariant", tea), "quantity": 1}],
        "offerId": made["id"],
        "offer": {"memberPrice": {"percent": 50}},
    }
    query = operation("staff/offer-preview")

    guest = manager.ask(query, **asked)["retentionOfferPreview"]
    member = manager.ask(query, **asked, memberId=world.member_id())["retentionOfferPreview"]
    denied = staff("manage_discounts").post(query, **asked, memberId=world.member_id())

    assert guest["saving"]["amount"] == 0.0
    assert guest["verdicts"][0]["codes"] == ["NOT_A_MEMBER", "OTHER_TIER"]
    assert member["saving"]["amount"] == 5.0
    assert denied["errors"][0]["extensions"]["exception"]["code"] == "PermissionDenied"
    assert timezone.now() is not None


def test_a_delivery_and_a_choice_of_gifts_are_tried(world: World, manager: Actor, tea: Any) -> None:
    """The delivery counts for what free shipping saves; the gift is added, and costs nothing."""
    cup, pot = factories().make_product("5.00"), factories().make_product("9.00")
    free = {"kind": "FREE_SHIPPING", "freeShipping": {"fromAmounts": usd("20")}}
    gift = {"variants": [gid("ProductVariant", each) for each in (cup, pot)]}
    make(world, free, slug="free")
    asked = {
        "program": world.program_id,
        "channel": world.channel,
        "lines": [{"variantId": gid("ProductVariant", tea), "quantity": 2}],
        "offer": {"kind": "GIFT", "gift": gift},
        "giftPicks": [{"variantIds": [gid("ProductVariant", cup)]}],
        "deliveryPrice": "4.90",
        "memberId": world.member_id(),
    }
    if not IS_SALEOR_3:
        del asked["offer"], asked["giftPicks"]

    shown = manager.ask(operation("staff/offer-preview"), **asked)["retentionOfferPreview"]

    assert shown["freeShipping"] is True
    if not IS_SALEOR_3:  # which gives no gifts
        assert shown["saving"]["amount"] == 4.9
        return
    assert shown["saving"]["amount"] == 9.9
    assert [(line["variantId"], line["total"]["amount"]) for line in shown["lines"]] == [
        (gid("ProductVariant", tea), 20.0),
        (gid("ProductVariant", cup), 0.0),
    ]


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"lines": []}, "1 to 100 lines"),
        ({"deliveryPrice": "-1"}, "A delivery costs from 0"),
        ({"deliveryPrice": "1.001"}, "more than 2 decimals"),
        ({"giftPicks": [{"variantIds": ["nonsense"]}]}, "giftPicks.0.variantIds.0"),
        ({"giftPicks": [{"variantIds": []}]}, "no gift of an offer"),
        ({"lines": [{"variantId": "nonsense", "quantity": 1}]}, "lines.0.variantId"),
        ({"offerId": "nonsense"}, "no such offer"),
        ({"memberId": "nonsense"}, "no such member"),
        ({"channel": "nowhere"}, "no channel"),
        ({"offer": {"kind": "BUNDLE"}}, "offer.bundle"),
    ],
)
def test_a_trial_that_cannot_be(
    world: World, manager: Actor, tea: Any, changes: dict[str, Any], says: str
) -> None:
    """Each says what is wrong."""
    lines = [{"variantId": gid("ProductVariant", tea), "quantity": 1}]
    asked = {"program": world.program_id, "channel": world.channel, "lines": lines, **changes}

    answer = manager.post(operation("staff/offer-preview"), **asked)

    assert says in answer["errors"][0]["message"]
