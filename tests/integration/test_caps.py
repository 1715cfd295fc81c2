"""Caps of what a member earns and spends, and of what one member of staff grants in a day."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from saleor_retention.engine.facts import OrderState
from saleor_retention.errors import Code, Refusal
from saleor_retention.models import Account, Hold, HoldState, OrderRecord, Program
from saleor_retention.selectors.verification import breaches
from saleor_retention.services.checkout import redeeming
from saleor_retention.services.ledger import granting
from saleor_retention.services.membership import members
from tests import ledger
from tests.fakes import at, minor
from tests.ledger import Shop

pytestmark = pytest.mark.django_db

RATES = {"rates": {"USD": {"points": 1, "per": "1.00"}}}
NOON = at("2026-03-10 12:00")


def open_shop(monkeypatch: pytest.MonkeyPatch, **caps: int) -> Shop:
    """One point per dollar under these caps; the day begins at midnight in Paris."""
    return ledger.open_shop(monkeypatch, time_zone="Europe/Paris", earn={**RATES, **caps})


def earned(ref: str) -> tuple[int, int]:
    """Return what an order earned and lost."""
    record = OrderRecord.objects.get(order_ref=ref)
    return record.earned, record.clawed


# --- earning --------------------------------------------------------------------------------------


def test_one_order_earns_no_more_than_its_cap(monkeypatch: pytest.MonkeyPatch) -> None:
    """And is clawed back only below the cap: what is kept would have earned it again."""
    shop = open_shop(monkeypatch, points_per_order_max=60)
    ann = shop.member("ann")

    shop.buys(ann, "o1", "50.00", "50.00")
    shop.host.return_units("o1", "a", 1)
    shop.settle("o1", NOON)
    half_back = earned("o1")
    shop.host.return_units("o1", "b", 1)
    shop.settle("o1", NOON)

    assert half_back == (60, 10)
    assert earned("o1") == (60, 60)
    assert ledger.balances(ann) == (0, 0, 0, 0)
    assert breaches() == []


def test_the_orders_of_a_local_day_share_its_cap(monkeypatch: pytest.MonkeyPatch) -> None:
    """The next order after midnight in Paris, an hour before that of UTC, has a new one."""
    shop = open_shop(monkeypatch, points_per_day_max=100)
    ann, bob = shop.member("ann"), shop.member("bob")

    shop.buys(ann, "o1", "70.00", now=at("2026-03-10 10:00"))
    shop.buys(ann, "o2", "50.00", now=at("2026-03-10 22:59"))
    shop.buys(ann, "o3", "20.00", now=at("2026-03-10 22:59"))
    shop.buys(ann, "o4", "50.00", now=at("2026-03-10 23:00"))
    shop.buys(bob, "o5", "90.00", now=at("2026-03-10 10:00"))

    found = [earned(f"o{number}") for number in range(1, 6)]
    assert found == [(70, 0), (30, 0), (0, 0), (50, 0), (90, 0)]
    assert breaches() == []


def test_month_and_member_are_capped_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tightest cap counts; the month begins anew, the member's cap never does."""
    shop = open_shop(monkeypatch, points_per_month_max=100, points_per_member_max=150)
    ann = shop.member("ann")

    shop.buys(ann, "o1", "80.00", now=at("2026-03-01 10:00"))
    shop.buys(ann, "o2", "80.00", now=at("2026-03-31 21:59"))
    shop.buys(ann, "o3", "40.00", now=at("2026-03-31 22:00"))
    shop.buys(ann, "o4", "40.00", now=at("2026-05-01 10:00"))

    assert [earned(f"o{number}")[0] for number in range(1, 5)] == [80, 20, 40, 10]
    assert breaches() == []


def test_what_was_returned_leaves_no_room(monkeypatch: pytest.MonkeyPatch) -> None:
    """A refund that is taken back gives its points back, and the cap still holds."""
    shop = open_shop(monkeypatch, points_per_day_max=100)
    ann = shop.member("ann")
    shop.buys(ann, "o1", "100.00", now=NOON)
    shop.host.change_order("o1", refunded_minor=minor("100.00"))
    shop.settle("o1", NOON)
    shop.buys(ann, "o2", "100.00", now=NOON)

    shop.host.change_order("o1", refunded_minor=0)
    shop.settle("o1", NOON)

    assert (earned("o1"), earned("o2")) == ((100, 0), (0, 0))
    assert ledger.balances(ann) == (100, 0, 0, 0)
    assert breaches() == []


def test_settling_again_changes_nothing_whatever_came_since(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Neither later orders nor new caps nor a refund elsewhere move an order's target."""
    shop = open_shop(monkeypatch, points_per_day_max=100)
    ann = shop.member("ann")
    shop.buys(ann, "o1", "60.00", now=NOON)
    shop.buys(ann, "o2", "60.00", now=NOON)
    before = ledger.kinds(ann)
    shop.change_rules({"earn": {**RATES, "points_per_day_max": 500}}, at("2026-03-10 13:00"))
    shop.buys(ann, "o3", "60.00", now=at("2026-03-10 14:00"))
    shop.host.change_order("o1", state=OrderState.CANCELED)
    shop.settle("o1", at("2026-03-10 15:00"))

    records = [shop.settle(ref, at("2026-03-10 16:00")) for ref in ("o2", "o2", "o3")]

    assert [record.earned for record in records] == [40, 40, 60]
    assert [record.earn_room for record in records] == [40, 40, 400]
    assert ledger.kinds(ann) == [*before, "earn", "clawback"]
    assert breaches() == []


def test_an_order_that_grows_takes_what_others_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its room was 100 when it was paid; another order has taken 50 of it since."""
    shop = open_shop(monkeypatch, points_per_day_max=100)
    ann = shop.member("ann")
    shop.buys(ann, "o1", "30.00", now=NOON)
    shop.buys(ann, "o2", "50.00", now=NOON)

    shop.buys(ann, "o1", "30.00", "60.00", now=NOON)

    assert (earned("o1"), earned("o2")) == ((50, 0), (50, 0))
    assert breaches() == []


def test_two_refunds_equal_one_of_their_sum_under_a_cap(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 100.00 with room for 70: 20 % twice, or 40 % at once, leave what 60.00 earns."""
    shop = open_shop(monkeypatch, points_per_day_max=70)
    ann, bob = shop.member("ann"), shop.member("bob")
    for member, ref, steps in ((ann, "o1", (20, 40)), (bob, "o2", (40,))):
        shop.buys(member, ref, "100.00", now=NOON)
        for percent in steps:
            shop.host.change_order(ref, refunded_minor=minor(f"{percent}.00"))
            shop.settle(ref, NOON)

    assert earned("o1") == earned("o2") == (70, 10)
    assert ledger.balances(ann) == ledger.balances(bob) == (60, 0, 0, 0)
    assert breaches() == []


def test_bonuses_and_grants_are_outside_of_the_caps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Welcome, first order and goodwill come on top, and take no room."""
    shop = ledger.open_shop(
        monkeypatch,
        earn={**RATES, "points_per_day_max": 40},
        welcome_points=100,
        first_order_points=25,
    )
    ann = shop.member("ann", now=NOON)
    granting.grant(
        account_id=ann.pk, points=500, reason="Sorry", actor_ref="user:7", key="k", now=NOON
    )

    shop.buys(ann, "o1", "60.00", now=NOON)

    assert earned("o1") == (40, 0)
    assert ledger.balances(ann)[0] == 100 + 500 + 40 + 25


def test_no_caps_cost_no_statement(monkeypatch: pytest.MonkeyPatch) -> None:
    """Most programs have none; settling then looks at no other order."""
    statements = []
    for caps in ({}, {"points_per_order_max": 10}, {"points_per_day_max": 10}):
        shop = ledger.open_shop(monkeypatch, earn={**RATES, **caps})
        ann = shop.member(f"ann{len(statements)}")
        with CaptureQueriesContext(connection) as queries:
            shop.buys(ann, f"o{len(statements)}", "60.00")
        statements.append(len(queries))
        shop.program.channels.all().delete()
        Program.objects.filter(slug="club").update(slug=f"club-{len(statements)}")

    assert statements[0] == statements[1] == statements[2] - 1


# --- staff ----------------------------------------------------------------------------------------


def grant(account: Account, points: int, key: str, actor: str = "user:7", **changes: Any) -> Any:
    """Grant as staff or an app."""
    given = {"reason": "Broken cup", "actor_ref": actor, "key": key, "now": NOON} | changes
    return granting.grant(account_id=account.pk, points=points, **given)


def test_each_actor_grants_so_much_a_day(monkeypatch: pytest.MonkeyPatch) -> None:
    """To whomever: 300 a day in Paris for each member of staff and each app."""
    shop = ledger.open_shop(
        monkeypatch, time_zone="Europe/Paris", grants={"points_per_day_max": 300}
    )
    ann, bob = shop.member("ann"), shop.member("bob")
    grant(ann, 200, "k1")

    with pytest.raises(Refusal) as refused:
        grant(bob, 101, "k2")
    assert (refused.value.code, refused.value.field) == (Code.LIMIT_REACHED, "points")
    assert "100 are left" in refused.value.message
    assert ledger.balances(bob) == (0, 0, 0, 0)

    grant(bob, 100, "k2")
    assert not grant(ann, 200, "k1").is_new  # a repeated request is no new grant
    grant(ann, 300, "k3", actor="app:7")
    grant(ann, 300, "k4", now=at("2026-03-10 23:00"))
    granting.adjust(
        account_id=ann.pk, points=-50, reason="r", actor_ref="user:7", key="k5", now=NOON
    )
    with pytest.raises(Refusal, match="0 are left"):
        grant(ann, 1, "k6")


def test_commands_have_no_daily_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """What has no actor is done by whoever owns the machine."""
    shop = ledger.open_shop(monkeypatch, grants={"points_per_day_max": 10})
    grant(shop.member("ann"), 500, "k1", actor="")


# --- spending -------------------------------------------------------------------------------------


@pytest.fixture
def spender(monkeypatch: pytest.MonkeyPatch) -> tuple[Shop, Account]:
    """A member with 1000 points, of which 150 a day and 250 a month may be spent."""
    shop = ledger.open_shop(
        monkeypatch,
        redemption={"points_per_day_max": 150, "points_per_month_max": 250},
    )
    ann = shop.member("ann")
    ledger.give(ann, 1000)
    return shop, ann


def redeem(shop: Shop, account: Account, cart: str, points: int, day: int = 10) -> int:
    """Set points on a cart of 500.00 and return how many are set."""
    user = str(account.user_id)
    shop.host.put_checkout(cart, 50_000, user_ref=user)
    hold = redeeming.set_redemption(
        checkout_ref=cart, user_ref=user, points=points, now=at(f"2026-03-{day} 12:00")
    )
    return hold.points if hold is not None else 0


def test_a_member_spends_so_much_a_day(spender: tuple[Shop, Account]) -> None:
    """Points set on several checkouts count together; what is cleared does not."""
    shop, ann = spender
    redeem(shop, ann, "c1", 100)

    with pytest.raises(Refusal) as refused:
        redeem(shop, ann, "c2", 51)
    assert (refused.value.code, refused.value.field) == (Code.LIMIT_REACHED, "points")
    assert "50 are left" in refused.value.message
    assert ledger.balances(ann) == (900, 0, 100, 0)

    assert redeem(shop, ann, "c2", 50) == 50
    assert redeem(shop, ann, "c1", 80) == 80  # its own points are no one else's
    redeeming.clear_redemption(checkout_ref="c1", user_ref=str(ann.user_id), now=NOON)
    assert redeem(shop, ann, "c3", 100) == 100
    assert breaches(reads_orders=False) == []


def test_a_member_spends_so_much_a_month(spender: tuple[Shop, Account]) -> None:
    """Captured ones count as those that are held."""
    shop, ann = spender
    redeem(shop, ann, "c1", 150)
    Hold.objects.update(state=HoldState.CAPTURED, captured=150)

    with pytest.raises(Refusal, match="100 are left"):
        redeem(shop, ann, "c2", 101, 12)
    assert redeem(shop, ann, "c2", 100, 12) == 100


def test_points_are_not_set_to_and_fro_without_end(
    spender: tuple[Shop, Account], settings: Any
) -> None:
    """Three moves an hour: the fourth is refused, clearing never, and an hour later it goes on."""
    shop, ann = spender
    settings.RETENTION_REDEMPTIONS_PER_HOUR = 3
    user = str(ann.user_id)
    for points in (100, 90, 100):
        redeem(shop, ann, "c1", points)

    with pytest.raises(Refusal) as refused:
        redeem(shop, ann, "c1", 90)
    assert refused.value.code is Code.TOO_MANY_REQUESTS
    assert ledger.balances(ann) == (900, 0, 100, 0)

    redeeming.clear_redemption(checkout_ref="c1", user_ref=user, now=NOON)
    with pytest.raises(Refusal, match="3 times in an hour"):
        redeem(shop, ann, "c1", 90)
    assert redeem(shop, ann, "c1", 90, day=11) == 90
    settings.RETENTION_REDEMPTIONS_PER_HOUR = 0
    assert [redeem(shop, ann, "c1", points, day=11) for points in (80, 90, 80)] == [80, 90, 80]


def test_a_guests_order_keeps_its_points_when_it_is_claimed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """And takes the member's room from then on."""
    shop = open_shop(monkeypatch, points_per_day_max=100)
    ann = shop.member("ann")
    email = shop.host.users([str(ann.user_id)])[str(ann.user_id)].email
    shop.buys(ann, "guest", "80.00", now=NOON, user_ref=None, email=email)
    shadow = OrderRecord.objects.get(order_ref="guest").account
    assert shadow.pk != ann.pk

    shop.host.change_order("guest", user_ref=str(ann.user_id), is_user_confirmed=True)
    shop.settle("guest", NOON)
    shop.buys(ann, "o2", "80.00", now=NOON)

    assert (earned("guest"), earned("o2")) == ((80, 0), (20, 0))
    assert members.member_of(shop.program, str(ann.user_id), now=NOON).pk == ann.pk
