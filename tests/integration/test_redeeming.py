"""Points on a checkout: held under every limit, fitted to the cart, captured or given back once."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

import pytest

from saleor_retention.engine.facts import OrderState
from saleor_retention.engine.pricing import basket_fingerprint
from saleor_retention.errors import Code, Refusal
from saleor_retention.models import (
    Account,
    Entry,
    Hold,
    HoldState,
    Lot,
    OrderRecord,
    Program,
    StoredQuote,
    Transaction,
)
from saleor_retention.selectors.verification import breaches
from saleor_retention.services.checkout import redeeming
from saleor_retention.services.ledger.locking import lock_account
from saleor_retention.services.ordering import settling
from saleor_retention.services.setting_up import programs
from tests.fakes import FakeHost, at, line, order, use
from tests.members import NOON, books, counts_of_rows, give, make_member, make_program, make_user

pytestmark = pytest.mark.django_db

CART = "cart-1"


@pytest.fixture(autouse=True)
def shop(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHost]:
    """A shop in memory."""
    return use(monkeypatch)


@pytest.fixture(autouse=True)
def _ledger_holds() -> Iterator[None]:
    """After each test the ledger keeps its invariants."""
    yield
    assert breaches(reads_orders=False) == []


@pytest.fixture
def program() -> Program:
    """A point for a dollar, a point being a cent."""
    return make_program()


@pytest.fixture
def member(shop: FakeHost, program: Program) -> Account:
    """A member with 1000 points that never expire."""
    account = make_member(shop, program)
    give(account, 1000)
    return account


def user_of(account: Account) -> str:
    """Return the member's user as requests name it."""
    return str(account.user_id)


def cart(shop: FakeHost, account: Account, total_minor: int, ref: str = CART, **facts: Any) -> None:
    """Put one line of this price into the member's cart."""
    shop.put_checkout(ref, total_minor, user_ref=user_of(account), **facts)


def redeem(account: Account, points: int, ref: str = CART, now: dt.datetime = NOON) -> Hold | None:
    """Set the points of the member's cart."""
    return redeeming.set_redemption(
        checkout_ref=ref, user_ref=user_of(account), points=points, now=now
    )


def refusal(account: Account, points: Any, ref: str = CART, **changes: Any) -> Refusal:
    """Return the refusal, having seen that nothing was changed."""
    before = counts_of_rows()
    arguments = {"checkout_ref": ref, "user_ref": user_of(account), "points": points, "now": NOON}
    with pytest.raises(Refusal) as caught:
        redeeming.set_redemption(**(arguments | changes))
    assert counts_of_rows() == before
    return caught.value


def complete(
    shop: FakeHost,
    account: Account,
    *,
    points_applied: int,
    discount_minor: int | None = None,
    share_ppm: int = 1_000_000,
    created_at: dt.datetime = NOON,
    now: dt.datetime | None = None,
    keeps_checkout: bool = False,
) -> tuple[OrderRecord, int]:
    """Turn the cart into an order that was priced with these points, and capture."""
    checkout = shop.checkouts[CART] if keeps_checkout else shop.checkouts.pop(CART)
    program = account.program
    off = points_applied if discount_minor is None else discount_minor
    StoredQuote.objects.create(
        checkout_ref=CART,
        account=account,
        version=program.current_version,
        user_ref=user_of(account),
        basket_fingerprint=basket_fingerprint(checkout.basket),
        fingerprint="-",
        payload={"allocations": [["", "points", off, "Points"]]},
        points_applied=points_applied,
        priced_at=created_at,
    )
    facts = order(
        "order-1",
        line("1", 1000),
        user_ref=user_of(account),
        checkout_ref=CART,
        created_at=created_at,
        effective_share_ppm=share_ppm,
    )
    shop.put_order(facts)
    record = OrderRecord.objects.create(
        order_ref="order-1",
        checkout_ref=CART,
        program=program,
        account=lock_account(account.pk),
        version=program.current_version,
        channel_ref="1",
        currency="USD",
        created_at=created_at,
    )
    burned = redeeming.capture_for_order(record=record, facts=facts, now=now or created_at)
    return record, burned


# --- setting --------------------------------------------------------------------------------------


def test_a_redemption_sets_points_aside_and_reprices(shop: FakeHost, member: Account) -> None:
    """Held points are not available any more; the checkout is priced afresh."""
    cart(shop, member, 5000)

    hold = redeem(member, 300)

    assert hold is not None
    assert (hold.requested, hold.points, hold.value_minor, hold.clamped_by) == (300, 300, 300, "")
    assert hold.lapses_at == NOON + dt.timedelta(minutes=60)
    assert books(member) == (700, 0, 300, 0)
    assert shop.repriced == [CART]


def test_setting_again_replaces(shop: FakeHost, member: Account) -> None:
    """The last call counts: more takes the difference, fewer gives it back, in one hold."""
    cart(shop, member, 5000)

    for points, expected in ((300, 300), (500, 500), (500, 500), (200, 200)):
        redeem(member, points)
        assert books(member) == (1000 - expected, 0, expected, 0)

    assert Hold.objects.count() == 1


def test_zero_means_none_never_all(shop: FakeHost, member: Account) -> None:
    """Setting 0 points gives everything back."""
    cart(shop, member, 5000)
    redeem(member, 300)

    assert redeem(member, 0) is None

    assert books(member) == (1000, 0, 0, 0)
    assert Hold.objects.get().state == HoldState.RELEASED
    assert shop.repriced == [CART, CART]


def test_zero_without_a_hold_changes_nothing(shop: FakeHost, member: Account) -> None:
    """Clearing twice is as clearing once."""
    cart(shop, member, 5000)
    before = counts_of_rows()

    assert redeem(member, 0) is None

    assert counts_of_rows() == before
    assert shop.repriced == []


@pytest.mark.parametrize(
    ("limits", "cart_minor", "asked", "outcome"),
    [
        ({}, 400, 900, (400, "BASKET_TOO_SMALL")),
        ({"order_share_max": "0.5"}, 1000, 900, (500, "ORDER_SHARE")),
        ({"block_points": 100}, 5000, 250, (200, "BLOCK_SIZE")),
        ({"block_points": 100, "order_share_max": "0.5"}, 1300, 900, (600, "ORDER_SHARE")),
        ({"minimum_points": 100}, 5000, 100, (100, "")),
    ],
)
def test_limits_clamp_and_say_so(
    shop: FakeHost, limits: dict[str, Any], cart_minor: int, asked: int, outcome: tuple[int, str]
) -> None:
    """Basket, share of the order and block size bound a redemption; the outcome names which."""
    account = make_member(shop, make_program(redemption=limits))
    give(account, 1000)
    cart(shop, account, cart_minor)

    hold = redeem(account, asked)

    assert hold is not None
    assert hold.requested == asked
    assert (hold.points, hold.clamped_by) == outcome
    assert books(account) == (1000 - hold.points, 0, hold.points, 0)


def test_member_prices_come_off_before_points(shop: FakeHost) -> None:
    """Points can pay what is left of the goods after the tier's price."""
    ladder = {
        "ladder": [{"slug": "vip", "name": "V", "threshold": "1", "prices": [{"percent": 10}]}]
    }
    program = make_program(tiers=ladder, reference={"currency": "USD"})
    account = make_member(shop, program, tier="vip")
    give(account, 1000)
    cart(shop, account, 1000)

    hold = redeem(account, 1000)

    assert hold is not None
    assert hold.points == 900


def test_more_than_the_member_has_is_refused_naming_what_is_left(
    shop: FakeHost, member: Account
) -> None:
    """Never a silent smaller discount; points held on this very checkout count as there."""
    cart(shop, member, 50_000)
    cart(shop, member, 50_000, "cart-2")
    redeem(member, 600)

    refused = refusal(member, 500, "cart-2")

    assert (refused.code, refused.field) == (Code.NOT_ENOUGH_POINTS, "points")
    assert refused.message == "500 points were asked for and 400 are left."
    assert redeem(member, 1000) is not None


@pytest.mark.parametrize("points", [-1, 1.5, True, "100"])
def test_points_that_are_no_number_of_points_are_refused(
    shop: FakeHost, member: Account, points: Any
) -> None:
    """Negative and fractional numbers are named as what they are."""
    cart(shop, member, 5000)

    refused = refusal(member, points)

    assert (refused.code, refused.field) == (Code.INVALID, "points")
    assert refused.message == "Points must be a whole number, zero or more."


def test_an_enormous_number_is_refused_like_any_too_many(shop: FakeHost, member: Account) -> None:
    """No overflow: the answer names what is left."""
    cart(shop, member, 5000)

    refused = refusal(member, 10**30)

    assert refused.code == Code.NOT_ENOUGH_POINTS
    assert refused.message.endswith("and 1000 are left.")


def test_below_the_minimum_is_refused(shop: FakeHost) -> None:
    """The refusal names the least."""
    account = make_member(shop, make_program(redemption={"minimum_points": 100}))
    give(account, 1000)
    cart(shop, account, 5000)

    refused = refusal(account, 99)

    assert refused.code == Code.BELOW_MINIMUM
    assert refused.message == "At least 100 points have to be spent at once."


def test_an_empty_cart_takes_no_points(shop: FakeHost, member: Account) -> None:
    """There is nothing that points could pay for."""
    cart(shop, member, 0, lines=())

    refused = refusal(member, 100)

    assert refused.code == Code.NOTHING_TO_REDEEM_ON
    assert refused.message == "The goods in this cart are too little to spend 1 points on."


def test_refusals_of_the_checkout_itself(shop: FakeHost, member: Account) -> None:
    """Nobody signed in, no checkout, another customer's, a guest's, one being paid."""
    other = make_user(shop)
    shop.put_checkout("foreign", 5000, user_ref=other)
    shop.put_checkout("guest", 5000, user_ref=None)
    cart(shop, member, 5000, "paid", is_money_committed=True)

    assert refusal(member, 100, "gone").code == Code.NOT_FOUND
    assert refusal(member, 100, "foreign").code == Code.PERMISSION_DENIED
    assert refusal(member, 100, "guest").code == Code.PERMISSION_DENIED
    assert refusal(member, 100, "paid").code == Code.CHECKOUT_PAID
    assert refusal(member, 0, "paid").code == Code.CHECKOUT_PAID
    assert refusal(member, 100, "guest", user_ref=None).code == Code.LOGIN_REQUIRED


def test_refusals_of_the_program(shop: FakeHost, member: Account, program: Program) -> None:
    """Switched off, without redemption, without a value in the currency."""
    cart(shop, member, 5000)
    shop.put_checkout("yen", 5000, user_ref=user_of(member), currency="JPY")

    assert refusal(member, 100, "yen").code == Code.CURRENCY_WITHOUT_RATE
    programs.update_program(program=program, changes={"redemption": {"enabled": False}})
    assert refusal(member, 100).code == Code.REDEMPTION_DISABLED
    programs.deactivate(program=program)
    assert refusal(member, 100).code == Code.PROGRAM_INACTIVE


def test_a_customer_who_has_not_enrolled_is_no_member(shop: FakeHost) -> None:
    """Where members enrol, the others are told."""
    make_program(enrolment="opt_in")
    user = make_user(shop)
    shop.put_checkout(CART, 5000, user_ref=user)

    with pytest.raises(Refusal) as caught:
        redeeming.set_redemption(checkout_ref=CART, user_ref=user, points=5, now=NOON)

    assert caught.value.code == Code.NOT_A_MEMBER
    assert caught.value.message == 'You are not a member of "Club".'


def test_who_owes_points_cannot_redeem(shop: FakeHost, member: Account) -> None:
    """A deficit blocks redemption until it is earned back."""
    _owe(shop, member, 40)
    cart(shop, member, 5000, "cart-2")

    refused = refusal(member, 100, "cart-2")

    assert refused.code == Code.IN_DEFICIT
    assert refused.message.startswith("40 points are owed after a return;")


# --- which lots -----------------------------------------------------------------------------------


def test_the_soonest_expiry_is_spent_first_and_given_back_last(shop: FakeHost) -> None:
    """A hold of 150 takes all of the early lot; shrinking to 80 keeps the early points."""
    account = make_member(shop, make_program())
    late = give(account, 100, expires_at=at("2026-12-31"))
    early = give(account, 100, expires_at=at("2026-06-30"))
    cart(shop, account, 5000)

    redeem(account, 150)
    assert {item.lot_id: item.points for item in Hold.objects.get().consumptions.all()} == {
        early.pk: 100,
        late.pk: 50,
    }

    redeem(account, 80)
    assert {item.lot_id: item.points for item in Hold.objects.get().consumptions.all()} == {
        early.pk: 80
    }
    assert Lot.objects.get(pk=late.pk).remaining == 100


def test_v5_a_hold_pins_its_lots_past_their_expiry(shop: FakeHost, program: Program) -> None:
    """V5: the lot expires at 00:00; held 23:59; the capture at 00:05 is valid."""
    account = make_member(shop, program)
    midnight = at("2026-04-01 00:00")
    lot = give(account, 100, expires_at=midnight)
    cart(shop, account, 5000)
    redeem(account, 100, now=at("2026-03-31 23:59"))

    record, burned = complete(shop, account, points_applied=100, created_at=at("2026-04-01 00:05"))

    lot.refresh_from_db()
    assert (burned, record.redeemed) == (100, 100)
    assert (lot.used, lot.held, lot.remaining, lot.expired) == (100, 0, 0, 0)
    assert books(account) == (0, 0, 0, 0)


def test_v5_a_spend_after_expiry_is_refused_though_no_sweep_ran(
    shop: FakeHost, program: Program
) -> None:
    """V5: a spend at 00:01 with the sweep not yet run is refused, naming that nothing is left."""
    account = make_member(shop, program)
    give(account, 100, expires_at=at("2026-04-01 00:00"))
    cart(shop, account, 5000)

    with pytest.raises(Refusal) as caught:
        redeem(account, 100, now=at("2026-04-01 00:01"))

    assert caught.value.code == Code.NOT_ENOUGH_POINTS
    assert caught.value.message == "100 points were asked for and 0 are left."


def test_a_release_after_expiry_is_breakage_at_the_lots_instant(
    shop: FakeHost, program: Program
) -> None:
    """Points of a dead lot do not come back: breakage, dated when the lot died."""
    account = make_member(shop, program)
    midnight = at("2026-04-01 00:00")
    dead = give(account, 100, expires_at=midnight)
    live = give(account, 100)
    cart(shop, account, 5000)
    redeem(account, 150, now=at("2026-03-31 23:59"))

    redeem(account, 0, now=at("2026-04-01 00:05"))

    dead.refresh_from_db()
    live.refresh_from_db()
    assert (dead.held, dead.expired, dead.remaining) == (0, 100, 0)
    assert (live.held, live.remaining) == (0, 100)
    assert books(account) == (100, 0, 0, 0)
    breakage = Transaction.objects.get(kind="expire")
    assert breakage.effective_at == midnight
    assert breakage.recorded_at == at("2026-04-01 00:05")


def test_a_release_repays_a_deficit_first(shop: FakeHost, member: Account) -> None:
    """What comes back while points are owed repays them before it is available."""
    _owe(shop, member, 300)
    assert books(member) == (0, 0, 1300, 300)

    redeem(member, 0)

    assert books(member) == (1000, 0, 0, 0)
    assert sum(Lot.objects.values_list("repaid", flat=True)) == 300


# --- with the cart --------------------------------------------------------------------------------


def test_a_shrinking_cart_shrinks_the_hold(shop: FakeHost, member: Account) -> None:
    """The rest is given back, the limit starts anew, a growing cart takes nothing by itself."""
    cart(shop, member, 800)
    redeem(member, 800)
    later = NOON + dt.timedelta(minutes=50)

    cart(shop, member, 300)
    hold = redeeming.fit_hold(CART, later)

    assert hold is not None
    assert (hold.requested, hold.points, hold.value_minor) == (800, 300, 300)
    assert hold.lapses_at == later + dt.timedelta(minutes=60)
    assert books(member) == (700, 0, 300, 0)

    cart(shop, member, 5000)
    hold = redeeming.fit_hold(CART, later)

    assert hold is not None
    assert hold.points == 300


def test_an_unchanged_cart_only_renews(shop: FakeHost, member: Account) -> None:
    """Nothing is posted and nothing repriced, so the hook costs little."""
    cart(shop, member, 5000)
    redeem(member, 300)
    postings = Transaction.objects.count()

    hold = redeeming.fit_hold(CART, NOON + dt.timedelta(minutes=5))

    assert hold is not None
    assert hold.lapses_at == NOON + dt.timedelta(minutes=65)
    assert Transaction.objects.count() == postings
    assert shop.repriced == [CART]


def test_a_hold_at_exactly_the_minimum_survives_fitting(shop: FakeHost) -> None:
    """Ten points are a cent: 105 asked for set 100 aside, below the minimum of 105, and stay."""
    limits = {"minimum_points": 105}
    account = make_member(shop, make_program(point_value={"USD": "0.001"}, redemption=limits))
    give(account, 1000)
    cart(shop, account, 5000)
    redeem(account, 105)

    hold = redeeming.fit_hold(CART, NOON)

    assert hold is not None
    assert (hold.points, hold.value_minor) == (100, 10)


def test_an_emptied_cart_ends_the_hold(shop: FakeHost, member: Account) -> None:
    """With nothing to pay, all points come back."""
    cart(shop, member, 800)
    redeem(member, 800)
    cart(shop, member, 0, lines=())

    assert redeeming.fit_hold(CART, NOON) is None

    assert books(member) == (1000, 0, 0, 0)
    assert Hold.objects.get().state == HoldState.RELEASED


def test_a_change_of_customer_ends_the_hold(shop: FakeHost, member: Account) -> None:
    """Points belong to who set them, not to the cart."""
    cart(shop, member, 800)
    redeem(member, 800)
    shop.put_checkout(CART, 800, user_ref=make_user(shop))

    assert redeeming.fit_hold(CART, NOON) is None

    assert books(member) == (1000, 0, 0, 0)


def test_another_customer_on_the_same_cart_ends_the_left_hold(
    shop: FakeHost, member: Account
) -> None:
    """Where the notice of the change was lost, the next redemption gives the points back."""
    cart(shop, member, 800)
    redeem(member, 800)
    other = make_member(shop, member.program)
    give(other, 500)
    cart(shop, other, 800)

    hold = redeem(other, 500)

    assert hold is not None
    assert (hold.account_id, hold.points) == (other.pk, 500)
    assert books(member) == (1000, 0, 0, 0)
    assert books(other) == (0, 0, 500, 0)


def test_a_stopped_program_ends_the_hold(shop: FakeHost, member: Account) -> None:
    """With the program off, points do not wait for a checkout they cannot pay."""
    cart(shop, member, 800)
    redeem(member, 800)
    programs.deactivate(program=member.program)

    assert redeeming.fit_hold(CART, NOON) is None

    assert books(member) == (1000, 0, 0, 0)


def test_money_on_the_checkout_keeps_the_hold_as_it_is(shop: FakeHost, member: Account) -> None:
    """The quote that was authorized on is honored: no shrinking, no lapse, only more time."""
    cart(shop, member, 800)
    redeem(member, 800)
    cart(shop, member, 300, is_money_committed=True)
    later = NOON + dt.timedelta(hours=5)

    hold = redeeming.fit_hold(CART, NOON + dt.timedelta(minutes=1))
    assert hold is not None
    assert hold.points == 800
    assert redeeming.lapse_due(later) == 1
    assert redeeming.lapse_due(later) == 0

    assert Hold.objects.get().state == HoldState.PLACED
    assert Hold.objects.get().lapses_at == later + dt.timedelta(minutes=60)
    assert books(member) == (200, 0, 800, 0)


# --- time -----------------------------------------------------------------------------------------


def test_the_time_limit_gives_everything_back_once(shop: FakeHost, member: Account) -> None:
    """Not a second before; a repeated run does nothing."""
    cart(shop, member, 800)
    redeem(member, 800)
    end = NOON + dt.timedelta(minutes=60)

    assert redeeming.lapse_due(end - dt.timedelta(seconds=1)) == 0
    assert redeeming.lapse_due(end) == 1
    assert redeeming.lapse_due(end) == 0

    assert books(member) == (1000, 0, 0, 0)
    assert Hold.objects.get().state == HoldState.LAPSED
    assert shop.repriced == [CART, CART]


def test_holds_that_cannot_lapse_take_nobodys_turn(
    shop: FakeHost,
    member: Account,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The three oldest fail, and two are done at a time: the others are done by two runs."""
    for number in range(6):
        cart(shop, member, 100, f"cart-{number}")
        redeem(member, 100, f"cart-{number}", NOON + dt.timedelta(minutes=number // 2))
    lock = shop.lock_checkout

    def fail(ref: str) -> bool:
        if ref in {"cart-0", "cart-1", "cart-2"}:
            raise RuntimeError("The shop cannot read this checkout.")
        return lock(ref)

    monkeypatch.setattr(shop, "lock_checkout", fail)
    later = NOON + dt.timedelta(hours=2)

    done = [redeeming.lapse_due(later, limit=2) for _ in range(3)]

    assert done == [2, 1, 0]
    assert books(member) == (700, 0, 300, 0)
    left = Hold.objects.filter(state=HoldState.PLACED).values_list("checkout_ref", flat=True)
    assert set(left) == {"cart-0", "cart-1", "cart-2"}
    assert caplog.text.count("could not lapse") == 9


def test_a_stopped_scheduler_freezes_no_points(shop: FakeHost, member: Account) -> None:
    """An overdue hold on another cart is ended by the next redemption itself."""
    cart(shop, member, 80_000)
    cart(shop, member, 80_000, "cart-2")
    redeem(member, 1000)

    hold = redeem(member, 1000, "cart-2", NOON + dt.timedelta(minutes=61))

    assert hold is not None
    assert hold.points == 1000
    assert books(member) == (0, 0, 1000, 0)
    assert Hold.objects.get(checkout_ref=CART).state == HoldState.LAPSED


def test_a_hold_does_not_lapse_when_its_checkout_became_an_order(
    shop: FakeHost, member: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That order is settled instead, which captures."""
    monkeypatch.setattr(shop, "dispatch", lambda name, *args: shop.dispatched.append((name, args)))
    cart(shop, member, 800)
    redeem(member, 800)
    del shop.checkouts[CART]
    shop.put_order(order("order-1", line("1", 800), checkout_ref=CART))

    redeeming.lapse_due(NOON + dt.timedelta(minutes=61))

    assert ("settle", ("order-1",)) in shop.dispatched
    assert Hold.objects.get().state == HoldState.PLACED


def test_a_deleted_checkout_gives_its_points_back(shop: FakeHost, member: Account) -> None:
    """Gone without an order: at the time limit at the latest, at once by ``release``."""
    cart(shop, member, 800)
    hold = redeem(member, 800)
    assert hold is not None
    del shop.checkouts[CART]

    assert redeeming.release(hold, "checkout gone", now=NOON) is True
    assert redeeming.release(hold, "checkout gone", now=NOON) is False

    assert books(member) == (1000, 0, 0, 0)
    assert shop.repriced == [CART]


# --- capture --------------------------------------------------------------------------------------


def test_the_order_burns_the_points_it_was_priced_with(shop: FakeHost, member: Account) -> None:
    """HELD goes to REDEEMED; a second capture, by a repeated event, does nothing."""
    cart(shop, member, 5000)
    redeem(member, 800)

    record, burned = complete(shop, member, points_applied=800)
    facts = shop.orders["order-1"]
    record.account = lock_account(member.pk)
    again = redeeming.capture_for_order(record=record, facts=facts, now=NOON)

    assert (burned, again, record.redeemed) == (800, 0, 800)
    assert books(member) == (200, 0, 0, 0)
    hold = Hold.objects.get()
    assert (hold.state, hold.captured, hold.order_ref) == (HoldState.CAPTURED, 800, "order-1")
    assert sum(Entry.objects.filter(book="redeemed").values_list("points", flat=True)) == 800


def test_a_voucher_on_top_burns_only_the_effective_value(shop: FakeHost, member: Account) -> None:
    """500 points took 5.00 off the lines, then a voucher 20 % off everything: 400 are burned."""
    cart(shop, member, 5000)
    redeem(member, 500)

    _, burned = complete(shop, member, points_applied=500, share_ppm=800_000)

    assert burned == 400
    assert books(member) == (600, 0, 0, 0)
    hold = Hold.objects.get()
    assert (hold.points, hold.captured) == (500, 400)


def test_points_that_pricing_did_not_use_come_back(shop: FakeHost, member: Account) -> None:
    """The hold is larger than what the basket bore in the end: the rest is given back."""
    cart(shop, member, 5000)
    redeem(member, 500)

    _, burned = complete(shop, member, points_applied=350)

    assert burned == 350
    assert books(member) == (650, 0, 0, 0)


def test_an_order_priced_without_points_burns_none(shop: FakeHost, member: Account) -> None:
    """The plugin was switched off before completion: all points come back."""
    cart(shop, member, 5000)
    redeem(member, 500)

    record, burned = complete(shop, member, points_applied=0, discount_minor=0)

    assert (burned, record.redeemed) == (0, 0)
    assert books(member) == (1000, 0, 0, 0)
    assert Hold.objects.get().state == HoldState.RELEASED


def test_unburned_points_of_a_dead_lot_are_breakage(shop: FakeHost, program: Program) -> None:
    """Captured soonest expiry first; what is left over of the dead lot breaks at its instant."""
    account = make_member(shop, program)
    midnight = at("2026-04-01 00:00")
    dead = give(account, 300, expires_at=midnight)
    cart(shop, account, 5000)
    redeem(account, 300, now=at("2026-03-31 23:59"))

    _, burned = complete(shop, account, points_applied=250, created_at=at("2026-04-01 00:05"))

    dead.refresh_from_db()
    assert burned == 250
    assert (dead.used, dead.expired, dead.held, dead.remaining) == (250, 50, 0, 0)
    assert Transaction.objects.get(kind="expire").effective_at == midnight


def test_v7_a_canceled_order_gives_points_back_with_their_old_expiry(
    shop: FakeHost, program: Program
) -> None:
    """V7: redeemed one day before the lot's expiry; the lot has its old expiry, not a new one."""
    account = make_member(shop, program)
    expiry = NOON + dt.timedelta(days=1)
    lot = give(account, 300, expires_at=expiry)
    cart(shop, account, 5000)
    redeem(account, 300)
    complete(shop, account, points_applied=300)

    shop.change_order("order-1", state=OrderState.CANCELED)
    settling.settle(order_ref="order-1", now=NOON + dt.timedelta(hours=1))

    lot.refresh_from_db()
    assert (lot.remaining, lot.used, lot.restored, lot.expires_at) == (300, 300, 300, expiry)
    assert books(account) == (300, 0, 0, 0)


def test_another_members_order_leaves_the_hold_alone(shop: FakeHost, member: Account) -> None:
    """The order went to somebody else: the points are not his to burn; reconcile releases them."""
    cart(shop, member, 5000)
    redeem(member, 500)
    other = make_member(shop, member.program)

    record, burned = complete(shop, other, points_applied=0)

    assert (burned, record.redeemed) == (0, 0)
    assert Hold.objects.get().state == HoldState.PLACED


def _owe(shop: FakeHost, account: Account, points: int) -> None:
    """Let the member earn points, set all that he has aside, and return what earned them."""
    facts = order("owed", line("1", points * 100), user_ref=user_of(account), created_at=NOON)
    shop.put_order(facts)
    settling.settle(order_ref="owed", now=NOON)
    cart(shop, account, 500_000)
    redeem(account, books(account)[0])
    shop.return_units("owed", "1", 1)
    settling.settle(order_ref="owed", now=NOON)


def test_points_set_after_the_order_are_for_the_next_one(shop: FakeHost, member: Account) -> None:
    """A checkout that outlives its order is a new cart; the old order takes nothing from it."""
    cart(shop, member, 5000)
    redeem(member, 300)
    record, burned = complete(shop, member, points_applied=300, keeps_checkout=True)
    later = NOON + dt.timedelta(hours=1)
    redeem(member, 200, now=later)

    settling.settle(order_ref=record.order_ref, now=later)

    assert burned == 300
    record.refresh_from_db()
    assert (record.redeemed, record.earned) == (300, 10)
    assert books(member) == (1000 - 300 - 200 + 10, 0, 200, 0)


def test_a_checkout_that_outlives_its_order_is_priced_afresh(
    shop: FakeHost, member: Account
) -> None:
    """Its price was that with the points, which are gone."""
    cart(shop, member, 5000)
    redeem(member, 300)
    shop.repriced.clear()
    complete(shop, member, points_applied=300, keeps_checkout=True)

    assert shop.repriced == [CART]
