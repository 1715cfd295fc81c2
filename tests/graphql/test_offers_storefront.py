"""Offers as shoppers see them: in the cart, on a product, on their punch cards."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from saleor_retention import models
from saleor_retention.services.checkout import repricing
from saleor_retention.services.offering.offer_grants import grant_offer
from tests.factories.current import factories
from tests.graphql.offers import five_off_from_fifty, goods, make, ten_off, three_for_two, usd
from tests.graphql.world import (
    ANONYMOUS,
    IS_SALEOR_3,
    Actor,
    World,
    customer,
    gid,
    operation,
    parts,
    staff,
)

pytestmark = pytest.mark.django_db(databases="__all__")

SOON = "2999-01-01T00:00:00+00:00"


@pytest.fixture
def tea(world: World) -> Any:  # noqa: ARG001
    """Goods of 10.00."""
    return factories().make_product("10.00")


def look(actor: Actor, checkout: str, path: str, field: str, **variables: Any) -> Any:
    """Return a field of a checkout's retention by the fragment of a ready operation."""
    declared = "".join(f", ${name}: String!" for name in variables)
    given = f"({', '.join(f'{name}: ${name}' for name in variables)})" if variables else ""
    fragment = parts(path)
    name = fragment.split()[1]
    key, value = ("id", checkout) if IS_SALEOR_3 else ("token", factories().pk_of(checkout))
    kind = "ID" if IS_SALEOR_3 else "UUID"
    query = (
        f"query (${key}: {kind}!{declared}) {{ checkout({key}: ${key}) {{ retention "
        f"{{ {field}{given} {{ ...{name} }} }} }} }} {fragment}"
    )
    found = actor.ask(query, **{key: value}, **variables)["checkout"]
    return None if found is None else found["retention"][field]


def offers_in(actor: Actor, checkout: str) -> Any:
    """Return the offers of a checkout as somebody sees them."""
    return look(actor, checkout, "storefront/offers", "offers")


# --- in the cart ----------------------------------------------------------------------------------


def test_the_cart_shows_what_applies_line_by_line(world: World, tea: Any) -> None:
    """A bundle of three, the cheapest free: its amount, its line, how often, and in words."""
    made = make(world, three_for_two(tea), slug="three")
    world.account()
    checkout = world.checkout({tea: 7})

    shown = offers_in(world.owner, checkout)

    (applied,) = shown["applied"]
    assert applied["offerId"] == made["id"]
    assert (applied["name"], applied["kind"], applied["uses"]) == ("Three", "BUNDLE", 2)
    assert applied["amount"] == {"amount": 20.0, "currency": "USD"}
    assert sum(line["amount"]["amount"] for line in applied["lines"]) == 20.0
    assert applied["sentence"] == made["sentence"]
    assert shown["saving"]["amount"] == 20.0
    assert (shown["isOptimal"], shown["gap"]["amount"]) == (True, 0.0)
    assert [verdict["code"] for verdict in shown["verdicts"]] == ["APPLIED"]


def test_the_cart_shows_what_little_is_missing(world: World, tea: Any) -> None:
    """Units to a bundle and money to a threshold, as numbers and in words."""
    make(world, three_for_two(tea), slug="three")
    make(world, five_off_from_fifty(), slug="five")
    world.account()

    shown = offers_in(world.owner, world.checkout({tea: 2}))

    near = {row["name"]: row for row in shown["nearMisses"]}
    assert shown["applied"] == []
    assert (near["Three"]["code"], near["Three"]["missing"]) == ("UNITS_MISSING", 1)
    assert near["Three"]["text"] == "One more for the set"
    assert near["Five"]["missing"] is None
    assert near["Five"]["missingAmount"] == {"amount": 30.0, "currency": "USD"}
    assert near["Five"]["text"].startswith("30.00 USD more for")
    assert {row["name"]: row["code"] for row in shown["verdicts"]} == {
        "Three": "UNITS_MISSING",
        "Five": "AMOUNT_MISSING",
    }


def test_what_is_not_on_is_not_shown(world: World, tea: Any) -> None:
    """Switched off, retired, or of another channel: nothing; to come: for the shop's staff only."""
    make(world, ten_off(tea, startsAt=SOON), slug="soon")
    make(world, five_off_from_fifty(), slug="off", isActive=False)
    world.account()
    checkout = world.checkout({tea: 1})

    assert offers_in(world.owner, checkout)["verdicts"] == []
    manager = staff("manage_discounts", "manage_checkouts", "manage_users")
    seen = offers_in(manager, checkout)
    if IS_SALEOR_3:
        assert [row["code"] for row in seen["verdicts"]] == ["NOT_STARTED"]


def test_what_tells_of_the_customer_is_for_the_customer(world: World, tea: Any) -> None:
    """Whoever else may see the checkout learns nothing of orders, tier, tags and limits."""
    make(world, ten_off(tea, audience={"tiers": ["vip"]}), slug="tier")
    make(world, ten_off(tea, audience={"tags": ["secret-tag"]}), slug="tag")
    make(world, ten_off(tea, audience={"novelty": "RETURNING"}), slug="back")
    make(world, ten_off(tea, limits={"perCustomer": 1}), slug="once")
    models.OfferCounter.objects.create(
        offer=models.Offer.objects.get(slug="once"), account=world.account(), used=1
    )
    checkout = world.checkout({tea: 1})

    mine = offers_in(world.owner, checkout)

    assert {row["name"]: row["codes"] for row in mine["verdicts"]} == {
        "Tier": ["OTHER_TIER"],
        "Tag": ["OTHER_TAG"],
        "Back": ["NOT_RETURNING"],
        "Once": ["LIMIT_PER_CUSTOMER"],
    }
    assert "secret-tag" not in str(mine)
    for actor in (ANONYMOUS, world.other, staff("manage_discounts")):
        theirs = look_or_none(actor, checkout)
        assert theirs is None or (theirs["verdicts"], theirs["giftChoices"]) == ([], [])


def look_or_none(actor: Actor, checkout: str) -> Any:
    """Return the offers of a checkout; None where Saleor does not show it to the actor."""
    key, value = ("id", checkout) if IS_SALEOR_3 else ("token", factories().pk_of(checkout))
    kind = "ID" if IS_SALEOR_3 else "UUID"
    query = (
        f"query (${key}: {kind}!) {{ checkout({key}: ${key}) {{ retention {{ offers "
        "{ ...RetentionOffersParts } } } }" + parts("storefront/offers")
    )
    found = (actor.post(query, **{key: value})["data"] or {}).get("checkout")
    return found and found["retention"]["offers"]


def test_a_checkout_without_offers_says_so(world: World, tea: Any) -> None:
    """Empty lists, and a price that is the lowest there is."""
    world.account()

    shown = offers_in(world.owner, world.checkout({tea: 1}))

    assert (shown["applied"], shown["nearMisses"], shown["verdicts"]) == ([], [], [])
    assert (shown["giftChoices"], shown["addOnSuggestions"]) == ([], [])
    assert (shown["isOptimal"], shown["saving"]["amount"]) == (True, 0.0)


@pytest.mark.saleor3
def test_the_ready_operation_for_the_cart(world: World, tea: Any) -> None:
    """As it lies in the folder."""
    make(world, three_for_two(tea))
    world.account()

    answer = world.owner.ask(operation("storefront/offers"), id=world.checkout({tea: 3}))

    assert answer["checkout"]["retention"]["offers"]["saving"]["amount"] == 10.0


@pytest.mark.saleor3
def test_an_add_on_is_suggested_with_its_price(world: World, tea: Any) -> None:
    """When what opens it is in the cart; and what it would reach is said."""
    cup = factories().make_product("20.00")
    opens = {"select": goods(tea), "quantity": 1}
    add_on = {"select": goods(cup), "prices": usd("15.00"), "opens": opens}
    make(world, {"kind": "ADD_ON", "addOn": add_on}, slug="cup")
    free = make(
        world, {"kind": "FREE_SHIPPING", "freeShipping": {"fromAmounts": usd("25")}}, "free"
    )
    world.account()

    shown = offers_in(world.owner, world.checkout({tea: 1}))
    closed = offers_in(world.owner, world.checkout({factories().make_product("7.00"): 1}))

    (suggestion,) = shown["addOnSuggestions"]
    (variant,) = suggestion["variants"]
    assert suggestion["name"] == "Cup"
    assert variant["variantId"] == gid("ProductVariant", cup)
    assert (variant["price"]["amount"], variant["listPrice"]["amount"]) == (15.0, 20.0)
    assert variant["reaches"] == [free["id"]]
    assert closed["addOnSuggestions"] == []


def test_what_reaches_free_shipping_is_suggested(world: World, tea: Any) -> None:
    """Of a whole category, in stock, at the member's own price; until it ships for free."""
    small = factories().make_category("Small things")
    cheap, dear, sold_out, pot = (
        factories().make_product(price, category=category, stock=stock)
        for price, category, stock in (
            ("6.00", small, 5),
            ("20.00", small, 5),
            ("4.00", small, 0),
            ("8.00", None, 5),
        )
    )
    make(world, {"kind": "FREE_SHIPPING", "freeShipping": {"fromAmounts": usd("25")}}, "free")
    select = {"categories": [gid("Category", small)]}
    opens = {"belowOffer": "free"}
    make(
        world, {"kind": "ADD_ON", "addOn": {"select": select, "percent": 50, "opens": opens}}, "add"
    )
    price = {"select": select, "amounts": usd("1")}
    audience = {"membersOnly": True}
    make(world, {"kind": "MEMBER_PRICE", "memberPrice": price, "audience": audience}, "mine")
    world.account()

    (suggestion,) = offers_in(world.owner, world.checkout({tea: 1, pot: 1}))["addOnSuggestions"]
    reached = offers_in(world.owner, world.checkout({tea: 3}))["addOnSuggestions"]

    free = gid("RetentionOffer", models.Offer.objects.get(slug="free"))
    assert [
        (row["variantId"], row["price"]["amount"], row["listPrice"]["amount"], row["reaches"])
        for row in suggestion["variants"]
    ] == [
        (gid("ProductVariant", cheap), 2.0, 6.0, []),
        (gid("ProductVariant", dear), 9.0, 20.0, [free]),
    ]
    assert sold_out.pk
    assert reached == []


@pytest.mark.saleor3
def test_a_gift_is_offered_to_choose_from(world: World, tea: Any) -> None:
    """To the customer, without what was given before."""
    cups = [factories().make_product("5.00") for _ in range(3)]
    gift = {"variants": [gid("ProductVariant", cup) for cup in cups]}
    made = make(world, {"kind": "GIFT", "gift": {**gift, "opens": {"fromAmounts": usd("20")}}})
    offer = models.Offer.objects.get()
    use = models.OfferUse.objects.create(
        offer=offer,
        version=offer.current_version,
        account=world.account(),
        checkout_ref="earlier",
        state="used",
        uses=1,
        amount_minor=500,
        currency="USD",
        created_at=timezone.now(),
    )
    models.GiftGiven.objects.create(use=use, account=world.account(), variant_ref=str(cups[0].pk))
    checkout = world.checkout({tea: 2})

    (choice,) = offers_in(world.owner, checkout)["giftChoices"]

    assert choice["offerId"] == made["id"]
    assert sorted(choice["variantIds"]) == sorted(gid("ProductVariant", cup) for cup in cups[1:])
    assert (choice["quantity"], choice["picked"]) == (1, [])
    assert offers_in(ANONYMOUS, checkout)["giftChoices"] == []


@pytest.mark.saleor3
def test_a_gift_is_picked_and_dropped(world: World, tea: Any) -> None:
    """It is in the cart for nothing; dropped, it is gone; the total never moves."""
    cup = factories().make_product("5.00")
    gift = {"variants": [gid("ProductVariant", cup)], "opens": {"fromAmounts": usd("20")}}
    made = make(world, {"kind": "GIFT", "gift": gift})
    world.account()
    checkout = world.checkout({tea: 2})
    before = totals(world.owner, checkout)["amount"]
    asked = {"checkoutId": checkout, "offerId": made["id"]}
    query = operation("storefront/gift-pick")

    done = world.owner.do(query, **asked, variantIds=[gid("ProductVariant", cup)])
    applied = offers_in(world.owner, checkout)["applied"]
    dropped = world.owner.do(query, **asked)

    assert not models.AuditEntry.objects.filter(action=models.AuditAction.GIFT_PICK).exists()
    acting = staff("manage_users", "manage_checkouts")
    for some in ([gid("ProductVariant", cup)], [gid("ProductVariant", cup)], [], []):
        acting.do(query, **asked, variantIds=some)
    told = models.AuditEntry.objects.filter(action=models.AuditAction.GIFT_PICK).order_by("pk")
    slug, account = models.Offer.objects.get().slug, world.account()
    assert list(told.values_list("changes", "actor_ref", "account_id")) == [
        ([f"{slug}: the gift {cup.pk} in a cart"], f"user:{acting.user.pk}", account.pk),
        ([f"{slug}: no gift in a cart"], f"user:{acting.user.pk}", account.pk),
    ]
    assert done["picked"] == [gid("ProductVariant", cup)]
    assert done["checkout"]["totalPrice"]["gross"]["amount"] == before
    assert done["checkout"]["retention"]["offers"]["saving"]["amount"] == 5.0
    assert done["checkout"]["retention"]["offers"]["giftChoices"] == [
        {"offerId": made["id"], "variantIds": done["picked"], "picked": done["picked"]}
    ]
    assert [row["kind"] for row in applied] == ["GIFT"]
    assert dropped["picked"] == []
    assert dropped["checkout"]["totalPrice"]["gross"]["amount"] == before
    assert dropped["checkout"]["retention"]["offers"]["saving"]["amount"] == 0.0


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"checkoutId": "nonsense"}, ("checkoutId", "NOT_FOUND")),
        ({"offerId": "nonsense"}, ("offerId", "NOT_FOUND")),
        ({"variantIds": ["nonsense"]}, ("variantIds", "NOT_FOUND")),
    ],
)
def test_a_pick_of_what_is_not_there(
    world: World, tea: Any, changes: dict[str, Any], refusal: tuple[str, str]
) -> None:
    """Is refused by field."""
    made = make(world, ten_off(tea))
    world.account()
    asked = {"checkoutId": world.checkout({tea: 1}), "offerId": made["id"], **changes}

    assert world.owner.refused(operation("storefront/gift-pick"), **asked) == [refusal]


def test_nobody_picks_for_another(world: World, tea: Any) -> None:
    """Another customer's checkout looks like one that is not there."""
    made = make(world, ten_off(tea))
    world.account()
    asked = {"checkoutId": world.checkout({tea: 1}), "offerId": made["id"]}

    for actor in (ANONYMOUS, world.other, staff("manage_checkouts")):
        refused = actor.refused(operation("storefront/gift-pick"), **asked)
        assert refused == [("checkoutId", "NOT_FOUND")]


# --- with a code ----------------------------------------------------------------------------------


def test_a_code_is_compared_and_nothing_is_changed(world: World, tea: Any) -> None:
    """What is to be paid with it and without any; the checkout keeps what it had."""
    make(world, three_for_two(tea))
    made = factories().make_voucher("4.00")
    code = made if IS_SALEOR_3 else made.code
    world.account()
    checkout = world.checkout({tea: 3})
    before = totals(world.owner, checkout)

    compared = look(world.owner, checkout, "storefront/compare-code", "compareCode", code=code)
    unusable = look(world.owner, checkout, "storefront/compare-code", "compareCode", code="NO-SUCH")

    assert compared["verdict"] == "CHEAPER"
    assert compared["withoutCode"] == {"amount": before["amount"], "currency": "USD"}
    assert compared["withCode"]["amount"] == before["amount"] - 4
    assert compared["saving"]["amount"] == 4.0
    assert (unusable["verdict"], unusable["withCode"]) == ("UNUSABLE", None)
    assert totals(world.owner, checkout) == before


def totals(actor: Actor, checkout: str) -> Any:
    """Return a checkout's total and code as Saleor tells them."""
    key, value = ("id", checkout) if IS_SALEOR_3 else ("token", factories().pk_of(checkout))
    kind = "ID" if IS_SALEOR_3 else "UUID"
    query = (
        f"query (${key}: {kind}!) {{ checkout({key}: ${key}) {{ voucherCode totalPrice "
        "{ gross { amount } } } }"
    )
    found = actor.ask(query, **{key: value})["checkout"]
    return {"code": found["voucherCode"], "amount": found["totalPrice"]["gross"]["amount"]}


# --- on a product ---------------------------------------------------------------------------------


def product_offers(actor: Actor, world: World, variant: Any) -> Any:
    """Return what a product page says of offers to somebody."""
    place = f', channel: "{world.channel}"' if IS_SALEOR_3 else ""
    query = (
        f"query ($id: ID!) {{ product(id: $id{place}) {{ retention "
        "{ ...RetentionGoodsOffersParts } } }" + parts("storefront/product-offers")
    )
    return actor.ask(query, id=gid("Product", variant.product))["product"]["retention"]


def test_a_product_names_the_offers_it_takes_part_in(world: World, tea: Any) -> None:
    """Those that are for the asking customer now, with the price that they make."""
    other = factories().make_product("20.00")
    ten = make(world, ten_off(tea), slug="ten")
    make(world, three_for_two(tea, audience={"membersOnly": True}), slug="three")
    make(world, ten_off(tea, audience={"tiers": ["vip"]}), slug="tier")
    make(world, five_off_from_fifty(), slug="five")
    world.account()

    mine = product_offers(world.owner, world, tea)
    anyone = product_offers(ANONYMOUS, world, tea)

    assert [offer["name"] for offer in mine["offers"]] == ["Ten", "Three"]
    assert mine["offers"][0]["sentence"] == ten["sentence"]
    assert mine["memberPrice"]["amount"] == 9.0
    assert [offer["name"] for offer in anyone["offers"]] == ["Ten", "Three"]
    assert product_offers(world.owner, world, other)["offers"] == []


@pytest.mark.saleor3
def test_a_product_names_the_offers_of_all_its_variants(world: World, tea: Any) -> None:
    """An offer on the large packet is not hidden by the small one, which costs less."""
    large = factories().make_product("30.00")
    large.product = tea.product
    large.save()
    selected = {"variants": [gid("ProductVariant", large)]}
    make(world, {"kind": "MEMBER_PRICE", "memberPrice": {"select": selected, "percent": "10"}})

    found = product_offers(ANONYMOUS, world, tea)

    assert [offer["name"] for offer in found["offers"]] == ["One"]
    assert (found["variantId"], found["memberPrice"]["amount"]) == (gid("ProductVariant", tea), 10)


@pytest.mark.saleor3
def test_the_ready_operation_for_a_product(world: World, tea: Any) -> None:
    """As it lies in the folder."""
    make(world, ten_off(tea))

    answer = ANONYMOUS.ask(
        operation("storefront/product-offers"),
        id=gid("Product", tea.product),
        channel=world.channel,
    )

    assert [offer["name"] for offer in answer["product"]["retention"]["offers"]] == ["One"]


def test_many_products_with_offers_cost_what_one_costs(world: World, tea: Any) -> None:
    """In statements, also with many offers."""
    world.account()
    for number in range(8):
        make(world, ten_off(factories().make_product("9.00"), priority=number), slug=f"o{number}")
    place = f', channel: "{world.channel}"' if IS_SALEOR_3 else ""
    query = (
        f"query ($first: Int!) {{ products(first: $first{place}) {{ edges {{ node {{ retention "
        "{ ...RetentionGoodsOffersParts } } } } }" + parts("storefront/product-offers")
    )

    def statements(first: int) -> int:
        with CaptureQueriesContext(connection) as captured:
            edges = world.owner.ask(query, first=first)["products"]["edges"]
        assert len(edges) == first
        assert sum(len(edge["node"]["retention"]["offers"]) for edge in edges) >= first - 1
        return len(captured)

    statements(9)

    assert tea is not None
    assert statements(9) == statements(2)


# --- on the customer ------------------------------------------------------------------------------


def test_limits_say_what_is_left(world: World, tea: Any) -> None:
    """Of the running period, to the member alone."""
    make(world, ten_off(tea, limits={"perCustomer": 3}), slug="thrice")
    make(world, ten_off(tea, limits={"perCustomer": 2, "period": "YEAR"}), slug="yearly")
    make(world, ten_off(tea, audience={"tiers": ["vip"]}, limits={"perCustomer": 9}), slug="tier")
    own = {"perCustomer": 2, "inTotal": 90, "period": "MONTH", "totalPeriod": "DAY"}
    make(world, ten_off(tea, limits=own), slug="monthly")
    once = {"perCustomer": 1, "inTotal": 90, "totalPeriod": "DAY"}
    make(world, ten_off(tea, limits=once), slug="once")
    models.OfferCounter.objects.create(
        offer=models.Offer.objects.get(slug="thrice"), account=world.account(), used=2
    )
    query = operation("storefront/punch-cards")

    mine = world.owner.ask(query, channel=world.channel)["me"]["retention"]
    theirs = world.other.ask(query)["me"]["retention"]

    limits = {row["name"]: (row["left"], row["period"]) for row in mine["offerLimits"]}
    assert limits == {
        "Thrice": (1, None),
        "Yearly": (2, "YEAR"),
        "Monthly": (2, "MONTH"),
        "Once": (1, None),
    }
    assert {row["name"]: row["left"] for row in theirs["offerLimits"]} == {
        "Thrice": 3,
        "Yearly": 2,
        "Monthly": 2,
        "Once": 1,
    }
    assert mine["punchCards"] == []


def test_what_was_given_is_shown_and_in_the_price(world: World, tea: Any) -> None:
    """To its member until it is over; everybody else neither sees it nor has it."""
    made = make(world, ten_off(tea, audience={"grantedOnly": True}), slug="gift")
    offer = models.Offer.objects.get()
    query = operation("storefront/punch-cards")
    grant = grant_offer(offer, world.account(), days=3, key="one")
    world.account(world.other)
    checkout = world.checkout({tea: 1})

    (mine,) = world.owner.ask(query)["me"]["retention"]["grantedOffers"]
    theirs = world.other.ask(query)["me"]["retention"]["grantedOffers"]
    applied = offers_in(world.owner, checkout)["applied"]
    models.OfferGrant.objects.update(
        granted_at=grant.granted_at - dt.timedelta(days=9), valid_until=timezone.now()
    )
    repricing.reprice_members([world.account().pk])
    after = offers_in(world.owner, checkout)

    assert mine == {
        "offerId": made["id"],
        "name": "Gift",
        "validUntil": grant.valid_until.isoformat(),
        "sentence": made["sentence"],
    }
    assert "for those who were given it" in made["sentence"]
    assert theirs == []
    assert [(row["name"], row["amount"]["amount"]) for row in applied] == [("Gift", 1.0)]
    assert after["applied"] == []
    assert [verdict["code"] for verdict in after["verdicts"]] == ["NOT_GRANTED"]
    assert world.owner.ask(query)["me"]["retention"]["grantedOffers"] == []


@pytest.mark.saleor3
def test_punch_cards_say_how_far_they_are(world: World, tea: Any) -> None:
    """Stamps less rewards used, and what is missing to the next."""
    made = make(
        world,
        {"kind": "PUNCH_CARD", "punchCard": {"select": goods(tea), "buy": 6}},
        slug="card",
    )
    offer = models.Offer.objects.get()
    for order, units in (("order-1", 5), ("order-2", 4)):
        models.OfferStamp.objects.create(
            offer=offer,
            account=world.account(),
            order_ref=order,
            units=units,
            stamped_at=timezone.now(),
        )

    (card,) = world.owner.ask(operation("storefront/punch-cards"))["me"]["retention"]["punchCards"]
    (empty,) = world.other.ask(operation("storefront/punch-cards"))["me"]["retention"]["punchCards"]

    assert card["offerId"] == made["id"]
    assert (card["buy"], card["stamps"], card["rewards"], card["missing"]) == (6, 9, 1, 3)
    assert (empty["stamps"], empty["rewards"], empty["missing"]) == (0, 0, 6)
    assert card["text"] == "3 more for the reward"
    assert card["sentence"] == made["sentence"]


def test_many_members_with_limits_cost_what_one_costs(world: World, tea: Any) -> None:
    """In statements."""
    make(world, ten_off(tea, limits={"perCustomer": 3}))
    for actor in (world.owner, world.other, *(customer() for _ in range(6))):
        world.account(actor)
    manager = staff("manage_users")
    query = (
        "query ($first: Int!) { retentionMembers(first: $first) { edges { node { punchCards "
        "{ stamps } offerLimits { left sentence } } } } }"
    )

    def statements(first: int) -> int:
        with CaptureQueriesContext(connection) as captured:
            edges = manager.ask(query, first=first)["retentionMembers"]["edges"]
        assert [edge["node"]["offerLimits"][0]["left"] for edge in edges] == [3] * first
        return len(captured)

    statements(8)

    assert statements(8) == statements(1)
