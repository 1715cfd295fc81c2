"""Every operation that lies ready for storefronts and staff, run as it is."""

from __future__ import annotations

import csv
import datetime as dt
import io

import pytest
from django.utils import timezone

from saleor_retention.models import LedgerDigest
from saleor_retention.services.ledger import digesting
from tests.factories.current import factories
from tests.graphql.world import (
    ANONYMOUS,
    IS_SALEOR_3,
    OPERATIONS,
    World,
    app,
    bought,
    gid,
    operation,
    parts,
    rows,
    sale,
    staff,
)

pytestmark = pytest.mark.django_db(databases="__all__")


def test_membership_shows_points_tier_and_what_is_missing(world: World) -> None:
    """A new customer has the welcome points, the first tier, and hears of the next."""
    answer = world.owner.ask(operation("storefront/membership"), channel=world.channel)

    member = answer["me"]["retention"]
    assert member["balance"] == {"available": 100, "pending": 0, "held": 0, "deficit": 0}
    assert member["value"] == {"amount": 1.0, "currency": "USD"}
    assert [(lot["points"], lot["state"]) for lot in member["lots"]] == [(100, "AVAILABLE")]
    assert member["tier"]["slug"] == "regular"
    assert member["nextTier"]["slug"] == "vip"
    assert member["nextTier"]["missing"]["amount"] == {"amount": 500.0, "currency": "USD"}
    assert member["nextTier"]["text"] == "Spend 500.00 USD more to reach VIP."
    assert [benefit["text"] for benefit in member["nextTier"]["benefits"]] == [
        "10 % off all goods",
        "2 times the points",
        "Returns within 60 days",
        "Gift wrap: for free",
    ]


def test_history_gives_the_reason_in_words(world: World) -> None:
    """Welcome points and a purchase, each with its reason, newest first."""
    variant = factories().make_product("30.00")
    world.account()
    order = bought(world, {variant: 1})

    answer = world.owner.ask(operation("storefront/history"), channel=world.channel, first=10)

    edges = answer["me"]["retention"]["history"]["edges"]
    assert [
        (edge["node"]["kind"], edge["node"]["points"], edge["node"]["text"]) for edge in edges
    ] == [
        ("EARN", 30, f"Earned by order {order.pk if not IS_SALEOR_3 else order.number}."),
        ("BONUS", 100, "Welcome points."),
    ]
    assert edges[0]["node"]["orderId"] == gid("Order", order)
    assert answer["me"]["retention"]["history"]["pageInfo"]["hasNextPage"] is False


def test_program_is_public_and_says_its_rules(world: World) -> None:
    """Nobody has to be logged in to read what the program does."""
    answer = ANONYMOUS.ask(operation("storefront/program"), channel=world.channel)

    program = answer["retentionProgram"]
    texts = [sentence["text"] for sentence in program["sentences"]]
    assert program["name"] == "Club"
    assert "Every 1.00 USD spent earns 1 point." in texts
    assert "New members get 100 points." in texts
    assert [tier["slug"] for tier in program["tiers"]] == ["regular", "vip"]
    assert program["tiers"][1]["threshold"]["amount"] == {"amount": 500.0, "currency": "USD"}


@pytest.mark.saleor3
def test_product_shows_the_member_price(world: World) -> None:
    """A VIP sees the price of the cart on the product page."""
    variant = factories().make_product("50.00")
    promote(world)

    answer = world.owner.ask(
        operation("storefront/product"),
        id=gid("Product", variant.product),
        channel=world.channel,
    )

    goods = answer["product"]["retention"]
    assert answer["product"]["variants"][0]["retention"] == goods
    assert goods == VIP_PRICE_OF_50 | {"variantId": gid("ProductVariant", variant)}


@pytest.mark.saleor2
def test_product_parts_show_the_member_price_on_the_demo_shop(world: World) -> None:
    """The fragment of the ready operation says the same on Saleor 2.10."""
    variant = factories().make_product("50.00")
    promote(world)

    answer = world.owner.ask(
        "query ($id: ID!) { product(id: $id) { retention { ...RetentionGoodsParts } "
        "variants { retention { ...RetentionGoodsParts } } } }" + parts("storefront/product"),
        id=gid("Product", variant.product),
    )

    goods = answer["product"]["retention"]
    assert answer["product"]["variants"][0]["retention"] == goods
    assert goods == VIP_PRICE_OF_50 | {"variantId": gid("ProductVariant", variant)}


def test_checkout_shows_points_discounts_and_why_others_do_not_apply(world: World) -> None:
    """A regular member with points: what the cart earns, could be paid with, and lacks to VIP."""
    variant = factories().make_product("40.00")
    world.give(900)
    checkout = world.checkout({variant: 1})
    world.owner.do(operation("storefront/redemption-set"), checkoutId=checkout, points=500)

    retention = look_at(world, checkout)["retention"]

    assert retention["earns"] == 35
    assert retention["redeemableMax"] == 1000
    assert retention["redeemableValue"]["amount"] == 10.0
    assert retention["redemption"]["points"] == 500
    assert retention["redemption"]["effectivePoints"] == 500
    assert retention["redemption"]["value"]["amount"] == 5.0
    assert retention["redemption"]["grossValue"]["amount"] == 5.0
    assert [
        (row["ruleKey"], row["text"], row["amount"]["amount"]) for row in retention["discounts"]
    ] == [("points", "Points: 500", 5.0)]
    assert retention["saving"]["amount"] == 5.0
    assert retention["freeShipping"] is False
    verdicts = {row["ruleKey"]: row for row in retention["verdicts"]}
    assert verdicts["points"]["code"] == "APPLIED"
    assert verdicts["member:vip"]["code"] == "TIER_TOO_LOW"
    assert verdicts["member:vip"]["gap"]["amount"] == {"amount": 500.0, "currency": "USD"}


def test_orders_show_what_they_earned(world: World) -> None:
    """A paid order has earned its points."""
    variant = factories().make_product("30.00")
    world.account()
    bought(world, {variant: 2})

    answer = world.owner.ask(operation("storefront/orders"))

    (edge,) = answer["me"]["orders"]["edges"]
    assert edge["node"]["retention"] == {
        "state": "AVAILABLE",
        "quoted": 60,
        "earned": 60,
        "pending": 0,
        "bonus": 0,
        "clawedBack": 0,
        "redeemed": 0,
        "restored": 0,
    }


def test_enrol_and_leave(world: World) -> None:
    """A customer who leaves keeps his points and can come back."""
    world.account()

    left = world.owner.do(operation("storefront/leave"), channel=world.channel)
    back = world.owner.do(operation("storefront/enrol"), channel=world.channel)

    assert left["member"] == {"state": "LEFT", "balance": {"available": 100}}
    assert back["member"]["balance"] == {"available": 100}


def test_redemption_is_set_changed_and_cleared(world: World) -> None:
    """The answer of each has the checkout's new total."""
    variant = factories().make_product("40.00")
    world.give(900)
    checkout = world.checkout({variant: 1})
    total = look_at(world, checkout)["totalPrice"]["gross"]["amount"]

    done = world.owner.do(operation("storefront/redemption-set"), checkoutId=checkout, points=500)
    cleared = world.owner.do(operation("storefront/redemption-clear"), checkoutId=checkout)

    assert (done["points"], done["clampedBy"]) == (500, None)
    assert done["checkout"]["totalPrice"]["gross"]["amount"] == total - 5
    assert done["checkout"]["retention"]["redemption"]["points"] == 500
    assert cleared["checkout"]["totalPrice"]["gross"]["amount"] == total
    assert cleared["checkout"]["retention"]["redemption"] is None
    assert world.account().available == 1000


def test_staff_sets_up_a_program_and_reads_it_back(world: World) -> None:
    """What was sent comes back as it was set, with the defaults of what was left out."""
    manager = staff("manage_discounts")
    manager.do(operation("staff/program-retire"), id=world.program_id)

    made = manager.do(
        operation("staff/program-create"),
        input={
            "slug": "friends",
            "name": "Friends",
            "channels": [world.channel],
            "rules": {
                "timeZone": "Europe/Paris",
                "earn": {"rates": [{"currency": "USD", "points": 2, "per": 10}]},
                "pointValues": [{"currency": "USD", "amount": 0.005}],
                "redemption": {"minimumPoints": 100, "blockPoints": 100, "orderShareMax": 0.5},
                "maturing": {"rule": "DAYS_AFTER_PAYMENT", "days": 14},
                "expiry": {"policy": "END_OF_YEAR", "count": 1},
            },
        },
    )
    listed = manager.ask(operation("staff/programs"))["retentionPrograms"]

    assert made["program"]["slug"] == "friends"
    assert made["program"]["channels"] == [world.channel]
    assert "Every 10.00 USD spent earns 2 points." in [
        sentence["text"] for sentence in made["program"]["sentences"]
    ]
    assert listed["totalCount"] == 2
    club, friends = (edge["node"] for edge in listed["edges"])
    assert (club["slug"], club["isActive"]) == ("club", False)
    assert club["retiredAt"] is not None
    rules = friends["rules"]
    assert rules["timeZone"] == "Europe/Paris"
    assert rules["earn"]["rates"] == [{"points": 2.0, "per": {"amount": 10.0, "currency": "USD"}}]
    assert rules["pointValues"] == [{"currency": "USD", "amount": 0.005}]
    assert rules["redemption"] == {
        "enabled": True,
        "minimumPoints": 100,
        "blockPoints": 100,
        "orderShareMax": 0.5,
        "holdMinutes": 60,
        "pointsPerDayMax": None,
        "pointsPerMonthMax": None,
    }
    assert rules["maturing"] == {"rule": "DAYS_AFTER_PAYMENT", "days": 14}
    assert rules["expiry"] == {"policy": "END_OF_YEAR", "count": 1, "restoreGraceDays": 30}


def test_a_dry_run_shows_what_a_change_would_do_and_does_nothing(world: World) -> None:
    """Who would move between tiers, and every value that would change."""
    account = world.account()
    before = rows()

    done = staff("manage_discounts").do(
        operation("staff/program-update"),
        id=world.program_id,
        input={
            "name": "Other",
            "rules": {
                "welcomePoints": 200,
                "tiers": {"ladder": [{"slug": "all", "name": "All", "threshold": 0}]},
            },
        },
        dryRun=True,
    )

    preview = done["preview"]
    assert rows() == before
    assert done["program"] == {
        "id": world.program_id,
        "name": "Club",
        "isActive": True,
        "version": 1,
    }
    assert preview["isChange"] is True
    assert [line.partition(" (it was")[0] for line in preview["differences"]] == [
        "welcome_points changes from 100 to 200",
        "tiers.ladder.regular is removed",
        "tiers.ladder.vip is removed",
        ALL_IS_NEW,
    ]
    assert preview["moves"] == [
        {
            "fromTier": "regular",
            "toTier": "all",
            "members": 1,
            "examples": [account.member_number],
        }
    ]


def test_a_change_makes_the_next_version_and_leaves_the_rest(world: World) -> None:
    """Only what is sent changes; a list is replaced, null puts the default back."""
    manager = staff("manage_discounts")

    done = manager.do(
        operation("staff/program-update"),
        id=world.program_id,
        input={"rules": {"welcomePoints": None, "earn": {"includeTax": False}}},
    )

    (edge,) = manager.ask(operation("staff/programs"))["retentionPrograms"]["edges"]
    rules = edge["node"]["rules"]
    assert done["program"]["version"] == 2
    assert done["preview"] is None
    assert rules["welcomePoints"] == 0
    assert rules["earn"]["includeTax"] is False
    assert rules["earn"]["rates"] == [{"points": 1.0, "per": {"amount": 1.0, "currency": "USD"}}]
    assert [tier["slug"] for tier in rules["tiers"]["ladder"]] == ["regular", "vip"]


def test_tiers_are_added_changed_and_taken_off(world: World) -> None:
    """Each is a version of the program; a dry run of the last shows who would move."""
    manager = staff("manage_discounts")
    variant = factories().make_product("40.00")
    added = manager.do(
        operation("staff/tier-create"),
        programId=world.program_id,
        input={
            "slug": "gold",
            "name": "Gold",
            "threshold": 1000,
            "prices": [
                {
                    "amounts": [{"currency": "USD", "amount": 3}],
                    "select": {"products": [gid("Product", variant.product)]},
                }
            ],
        },
    )
    changed = manager.do(
        operation("staff/tier-update"),
        programId=world.program_id,
        slug="vip",
        input={
            "earnMultiplier": 3,
            "prices": None,
            "perks": [{"key": "tea", "text": "in the shop"}],
        },
    )
    world.account()
    shown = manager.do(
        operation("staff/tier-retire"), programId=world.program_id, slug="regular", dryRun=True
    )
    retired = manager.do(operation("staff/tier-retire"), programId=world.program_id, slug="regular")

    (benefit,) = added["tier"]["benefits"]
    assert benefit["kind"] == "AMOUNT_OFF"
    assert benefit["amounts"] == [{"amount": 3.0, "currency": "USD"}]
    assert benefit["select"]["products"] == [gid("Product", variant.product)]
    assert [tier["slug"] for tier in added["program"]["tiers"]] == ["regular", "vip", "gold"]
    assert [item["text"] for item in changed["tier"]["benefits"]] == [
        "3 times the points",
        "Returns within 60 days",
        "Tea: in the shop",
    ]
    assert shown["preview"]["moves"][0]["fromTier"] == "regular"
    assert shown["preview"]["moves"][0]["toTier"] is None
    assert shown["program"]["version"] == 3
    assert [tier["slug"] for tier in retired["program"]["tiers"]] == ["vip", "gold"]
    assert retired["program"]["version"] == 4


def test_staff_searches_members(world: World) -> None:
    """By part of the e-mail address, sorted, with a count."""
    world.give(50)
    world.account(world.other)
    manager = staff("manage_users")

    everyone = manager.ask(
        operation("staff/members"),
        first=10,
        sortBy={"field": "AVAILABLE", "direction": "DESC"},
    )["retentionMembers"]
    one = manager.ask(
        operation("staff/members"), first=10, filter={"search": world.other.user.email}
    )["retentionMembers"]

    assert everyone["totalCount"] == 2
    assert [edge["node"]["balance"]["available"] for edge in everyone["edges"]] == [150, 100]
    assert [edge["node"]["user"]["email"] for edge in one["edges"]] == [world.other.user.email]


def test_staff_reads_a_ledger_and_adjusts_it(world: World) -> None:
    """Who did it, why, and under which key; the customer does not see the reason."""
    manager = staff("manage_users")
    done = manager.do(
        operation("staff/points-adjust"),
        memberId=world.member_id(),
        points=40,
        reason="The parcel was late",
        key="ticket-7",
    )
    again = manager.do(
        operation("staff/points-adjust"),
        memberId=world.member_id(),
        points=40,
        reason="The parcel was late",
        key="ticket-7",
    )
    ledger = manager.ask(operation("staff/member-ledger"), id=world.member_id())

    member = ledger["retentionMember"]
    newest = member["history"]["edges"][0]["node"]
    assert (done["isNew"], again["isNew"]) == (True, False)
    assert again["member"]["balance"]["available"] == 140
    assert member["history"]["totalCount"] == 2
    assert newest["text"] == "Granted by the shop."
    assert newest["change"] == {"available": 40, "pending": 0, "held": 0, "deficit": 0}
    assert newest["audit"]["note"] == "The parcel was late"
    assert newest["audit"]["key"] == "grant:ticket-7"
    assert newest["audit"]["actorId"] == gid("User", manager.user)
    assert newest["audit"]["version"] == 1
    assert newest["audit"]["entries"] == [
        {"book": "AVAILABLE", "points": 40},
        {"book": "ISSUANCE", "points": -40},
    ]
    assert member["tierChanges"]["edges"][0]["node"]["toTier"] == "regular"


def test_staff_overrides_a_tier_and_ends_it(world: World) -> None:
    """The tier holds until it is ended; then the orders decide again."""
    manager = staff("manage_users")
    given = manager.do(
        operation("staff/tier-override"),
        memberId=world.member_id(),
        tier="vip",
        validUntil="2099-01-01T00:00:00+00:00",
        reason="A good customer elsewhere",
    )
    ended = manager.do(
        operation("staff/tier-override"), memberId=world.member_id(), reason="He moved away"
    )

    assert given["member"]["tier"]["slug"] == "vip"
    assert given["member"]["tier"]["isManual"] is True
    assert given["member"]["tier"]["validUntil"].startswith("2099-01-01T00:00:00")
    assert ended["member"]["tier"]["slug"] == "regular"
    assert ended["member"]["tier"]["isManual"] is False


def test_staff_settles_an_order_again(world: World) -> None:
    """Asking again for what is right already changes nothing."""
    variant = factories().make_product("30.00")
    world.account()
    order = bought(world, {variant: 1})
    before = rows()

    done = staff("manage_orders").do(operation("staff/order-settle"), orderId=gid("Order", order))

    assert rows() == before | {"AuditEntry": before["AuditEntry"] + 1}
    assert done["order"]["orderId"] == gid("Order", order)
    assert done["order"]["state"] == "AVAILABLE"
    assert done["order"]["earned"] == 30


def test_staff_verifies_the_ledger(world: World) -> None:
    """A sound ledger has no breach; a balance that was tampered with is named."""
    manager = staff("manage_users")
    account = world.account()
    sound = manager.ask(operation("staff/verify"), program=world.program_id)
    type(account).objects.filter(pk=account.pk).update(available=7)

    broken = manager.ask(operation("staff/verify"), orders=True)

    nothing = {"breaches": [], "days": 0, "changedDays": []}
    assert sound["retentionVerify"] == {"isSound": True, "count": 0, **nothing}
    assert broken["retentionVerify"]["isSound"] is False
    assert account.member_number in {
        word
        for breach in broken["retentionVerify"]["breaches"]
        for word in breach["subject"].split()
    }


def test_staff_learns_that_the_past_was_changed(world: World) -> None:
    """A day that is not what was sealed is named, though every invariant holds."""
    manager = staff("manage_users")
    world.give(5)
    day = timezone.now().astimezone(dt.UTC).date()
    digesting.seal_due(timezone.now() + dt.timedelta(days=2))
    query = operation("staff/verify")
    whole = manager.ask(query, allDays=True)["retentionVerify"]
    assert (whole["isSound"], whole["changedDays"]) == (True, [])
    assert whole["days"] == LedgerDigest.objects.count()

    world.give(5)  # recorded on a day that is sealed already

    changed = manager.ask(query)["retentionVerify"]
    assert (changed["isSound"], changed["count"], changed["breaches"]) == (False, 0, [])
    (only,) = changed["changedDays"]
    assert only["day"] == day.isoformat()
    assert only["message"].endswith("are there.")


def test_staff_reads_what_the_program_owes(world: World) -> None:
    """Today's points by reason, in money, with the price put aside, and as CSV."""
    variant = factories().make_product("30.00")
    world.account()
    bought(world, {variant: 1})
    today = timezone.now().date()

    report = staff("manage_discounts").ask(
        operation("staff/liability"),
        programId=world.program_id,
        **{"from": (today - dt.timedelta(days=1)).isoformat(), "to": today.isoformat()},
        expectedRedemptionRate=0.85,
    )["retentionLiability"]

    yesterday, day = report["periods"]
    assert (report["isSound"], report["breaches"], report["timeZone"]) == (True, [], "UTC")
    assert report["expectedRedemptionRate"] == 0.85
    assert (yesterday["closing"], yesterday["movements"], yesterday["isFinal"]) == (0, [], False)
    assert (day["firstDay"], day["lastDay"]) == (today.isoformat(), today.isoformat())
    assert (day["opening"], day["closing"], day["late"]) == (0, 130, 0)
    assert day["movements"] == [
        {"kind": "EARNED", "points": 30},
        {"kind": "BONUS", "points": 100},
    ]
    assert day["values"] == [{"amount": 1.3, "currency": "USD"}]
    assert day["expectedPoints"] == 111  # 110.5
    assert day["expectedValues"] == [{"amount": 1.11, "currency": "USD"}]
    assert day["revenue"] == {
        "orders": 1,
        "price": {"amount": 30.0, "currency": "USD"},
        "points": 30,
        "deferred": {"amount": 0.25, "currency": "USD"},  # 30 x 0.255 / 30.255
        "recognized": {"amount": 0.0, "currency": "USD"},
        "liability": {"amount": 0.25, "currency": "USD"},
    }
    assert report["expiry"] == [
        {
            "month": None,
            "isLater": False,
            "available": 130,
            "pending": 0,
            "held": 0,
            "points": 130,
            "values": [{"amount": 1.3, "currency": "USD"}],
        }
    ]
    assert report["owedByMembers"] == 0
    assert len(list(csv.DictReader(io.StringIO(report["csv"])))) == 2
    assert report["expiryCsv"].splitlines()[1] == "Club,never,130,0,0,130,1.30"


def test_a_sale_at_a_till_earns_and_its_reversal_takes_back(world: World) -> None:
    """Sent again, neither changes anything."""
    till = app("manage_orders")
    given = sale(world)

    first = till.do(operation("staff/sale-record"), input=given)
    again = till.do(operation("staff/sale-record"), input=given)
    back = till.do(
        operation("staff/sale-reverse"),
        input={
            "source": "till-1",
            "receipt": "R-1",
            "reversalId": "back-1",
            "lines": [{"ref": "a", "quantity": 1}],
        },
    )

    assert (first["isNew"], again["isNew"], back["isNew"]) == (True, False, True)
    assert first["member"]["balance"] == {"available": 130, "pending": 0}
    assert first["order"] == {"state": "AVAILABLE", "earned": 30, "pending": 0, "clawedBack": 0}
    assert again["order"] == first["order"]
    assert back["order"] == {"state": "AVAILABLE", "earned": 30, "clawedBack": 10}
    assert back["member"]["balance"]["available"] == 120


def test_staff_reads_who_did_what(world: World) -> None:
    """The last action first, with its reason, and whom it concerned."""
    promote(world)
    manager = staff("manage_users", "manage_discounts")

    page = manager.ask(operation("staff/audit-trail"), first=1)["retentionAuditTrail"]

    (edge,) = page["edges"]
    assert page["pageInfo"]["hasNextPage"] is True
    assert edge["node"]["action"] == "TIER_OVERRIDE"
    assert edge["node"]["note"] == "A test needs it"
    assert edge["node"]["memberId"] == world.member_id()


def test_no_ready_operation_is_left_out() -> None:
    """Every file that lies ready is run by a test of this module, or by one of its own."""
    folder = OPERATIONS.parent / "tests" / "graphql"
    sources = [
        "test_ready_operations.py",
        "test_campaigns.py",
        "test_coupons.py",
        "test_customers.py",
        "test_engagement.py",
        "test_erasure.py",
        "test_experiments.py",
        "test_feedback.py",
        "test_follow_ups.py",
        "test_offer_fairness.py",
        "test_offers_staff.py",
        "test_offers_storefront.py",
        "test_profiles.py",
        "test_reorders.py",
        "test_report.py",
        "test_segments.py",
        "test_suppressing.py",
        "test_surveys.py",
    ]
    text = "".join((folder / source).read_text() for source in sources)
    ready = sorted(
        str(path.relative_to(OPERATIONS)).removesuffix(".graphql")
        for folder in ("storefront", "staff")
        for path in (OPERATIONS / folder).glob("*.graphql")
    )

    assert ready
    assert [name for name in ready if f'"{name}"' not in text] == []


ALL_IS_NEW = (
    "tiers.ladder.all is new: {slug: all, name: All, threshold: 0.00, earn_multiplier: 1, "
    "free_shipping: false}"
)
VIP_PRICE_OF_50 = {
    "price": {"amount": 50.0, "currency": "USD"},
    "memberPrice": {"amount": 45.0, "currency": "USD"},
    "benefits": ["VIP"],
    "earns": 90,
}


def promote(world: World) -> None:
    """Make the customer a VIP."""
    staff("manage_users").do(
        operation("staff/tier-override"),
        memberId=world.member_id(),
        tier="vip",
        reason="A test needs it",
    )


def look_at(world: World, checkout: str) -> dict:
    """Return what the ready operation says of the customer's checkout."""
    if IS_SALEOR_3:
        return world.owner.ask(operation("storefront/checkout"), id=checkout)["checkout"]
    return world.owner.ask(
        "query ($token: UUID!) { checkout(token: $token) { id totalPrice { gross { amount "
        "currency } } retention { ...RetentionCheckoutParts } } }" + parts("storefront/checkout"),
        token=factories().pk_of(checkout),
    )["checkout"]
