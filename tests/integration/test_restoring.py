"""Redeemed points follow their order: captured by settling, back with a refund, and again."""

from __future__ import annotations

import pytest

from saleor_retention.engine.facts import OrderState
from saleor_retention.errors import Code, Refusal
from saleor_retention.models import (
    Account,
    Consumption,
    HoldState,
    LotExtension,
    OrderRecord,
    Transaction,
)
from saleor_retention.selectors.balances import Balance, balance_of
from saleor_retention.selectors.verification import breaches
from saleor_retention.services.checkout import redeeming
from saleor_retention.services.ledger import expiring
from tests import ledger
from tests.carts import Cart
from tests.fakes import at, minor
from tests.ledger import Shop

pytestmark = pytest.mark.django_db

PLACED = at("2026-03-01 10:00")


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Shop:
    """Points are worth a cent, nothing is earned, what comes back late lives ten days."""
    return ledger.open_shop(
        monkeypatch,
        earn={"rates": {"USD": {"points": 0, "per": "1.00"}}},
        expiry={"policy": "days", "count": 365, "restore_grace_days": 10},
    )


@pytest.fixture
def ann(shop: Shop) -> Account:
    """A member."""
    return shop.member("ann")


@pytest.fixture
def cart(shop: Shop, ann: Account) -> Cart:
    """Her cart."""
    return Cart(shop, ann)


def paid_with(cart: Cart, points: int, *amounts: str) -> OrderRecord:
    """Let the member pay an order of these lines partly with points."""
    cart.redeem(points, PLACED)
    cart.complete("o1", *amounts, now=PLACED)
    return cart.shop.settle("o1", PLACED)


# --- worked examples ------------------------------------------------------------------------------


def test_v5_a_hold_of_before_the_expiry_is_captured_after_it(shop: Shop, cart: Cart) -> None:
    """Lot dies at 00:00; held 23:59, captured 00:05; a spend at 00:01 is refused, sweep or not."""
    ledger.give(cart.member, 500, expires_at=at("2026-03-02"))
    cart.redeem(300, at("2026-03-01 23:59"))

    shop.host.put_checkout("cart-2", 10_000, user_ref=str(cart.member.user_id))
    with pytest.raises(Refusal) as caught:
        redeeming.set_redemption(
            checkout_ref="cart-2",
            user_ref=str(cart.member.user_id),
            points=100,
            now=at("2026-03-02 00:01"),
        )
    cart.complete("o1", "97.00", now=at("2026-03-02 00:05"))
    record = shop.settle("o1", at("2026-03-02 00:05"))

    assert caught.value.code is Code.NOT_ENOUGH_POINTS
    assert caught.value.message == "100 points were asked for and 0 are left."
    assert record.redeemed == 300
    (lot,) = ledger.lots(cart.member)
    assert (lot.used, lot.expired, lot.remaining) == (300, 200, 0)
    assert ledger.balances(cart.member) == (0, 0, 0, 0)
    assert breaches() == []


def test_v7_points_come_back_to_their_lot_with_its_old_expiry(shop: Shop, cart: Cart) -> None:
    """Redeemed a day before its lot dies, canceled in time: the lot dies when it would have."""
    ledger.give(cart.member, 500, expires_at=at("2026-03-02 10:00"))
    paid_with(cart, 500, "95.00")
    shop.host.change_order("o1", state=OrderState.CANCELED)
    record = shop.settle("o1", at("2026-03-02 09:00"))

    assert (record.redeemed, record.restored) == (500, 500)
    (lot,) = ledger.lots(cart.member)
    assert (lot.expires_at, lot.remaining) == (at("2026-03-02 10:00"), 500)
    assert balance_of(cart.member, at("2026-03-02 09:59:59")) == Balance(available=500)
    assert balance_of(cart.member, at("2026-03-02 10:00")) == Balance()
    assert breaches() == []


# --- capture through settling ---------------------------------------------------------------------


def test_a_lost_hook_is_healed_by_the_next_settlement(shop: Shop, cart: Cart) -> None:
    """The order's first event comes a day later; the hold that had run out by then is captured."""
    ledger.give(cart.member, 500)
    hold = cart.redeem(300, PLACED)
    cart.complete("o1", "97.00", now=PLACED)
    for _ in range(3):
        record = shop.settle("o1", at("2026-03-02 12:00"))

    hold.refresh_from_db()
    assert (hold.state, hold.captured, hold.order_ref) == (HoldState.CAPTURED, 300, "o1")
    assert record.redeemed == 300
    assert ledger.balances(cart.member) == (200, 0, 0, 0)
    captured = Transaction.objects.get(kind="capture")
    assert (captured.effective_at, captured.order_ref) == (PLACED, "o1")
    assert breaches() == []


def test_an_order_that_lost_its_customer_is_still_paid_with_the_points(
    shop: Shop, cart: Cart
) -> None:
    """The order is a guest's on paper; the points come from the account that set them aside."""
    ledger.give(cart.member, 500)
    cart.redeem(300, PLACED)
    cart.complete("o1", "97.00", now=PLACED, user_ref=None)
    record = shop.settle("o1", PLACED)

    assert record.account == cart.member
    assert ledger.balances(cart.member) == (200, 0, 0, 0)


def test_who_left_may_spend_and_gets_points_back(shop: Shop, cart: Cart) -> None:
    """Such an order earns nothing, and its points follow it all the same."""
    ledger.give(cart.member, 500)
    Account.objects.update(state="left", left_at=at("2026-02-01"))
    record = paid_with(cart, 300, "97.00")
    shop.host.change_order("o1", state=OrderState.CANCELED)
    again = shop.settle("o1", at("2026-03-02"))

    assert (record.may_earn, record.redeemed, again.restored) == (False, 300, 300)
    assert ledger.balances(cart.member) == (500, 0, 0, 0)


def test_spending_is_an_activity(monkeypatch: pytest.MonkeyPatch) -> None:
    """Under the inactivity policy the lots that are left live on; the order is not paid yet."""
    shop = ledger.open_shop(monkeypatch, expiry={"policy": "inactivity", "count": 90})
    cart = Cart(shop, shop.member("ann"))
    ledger.give(cart.member, 500, expires_at=at("2026-03-15"))
    cart.redeem(300, PLACED)
    cart.complete("o1", "97.00", now=PLACED, is_paid=False)
    shop.settle("o1", PLACED)

    assert ledger.lots(cart.member)[0].expires_at == at("2026-05-31")
    assert LotExtension.objects.get().cause == "order:o1"


# --- coming back ----------------------------------------------------------------------------------


def test_points_come_back_in_proportion_and_all_of_them_in_the_end(shop: Shop, cart: Cart) -> None:
    """Of 100 points for three lines: floor of the share refunded, and the rest with the last."""
    ledger.give(cart.member, 100)
    paid_with(cart, 100, "33.33", "33.33", "32.34")
    restored = []
    for name in "abc":
        shop.host.return_units("o1", name, 1)
        for _ in range(2):
            record = shop.settle("o1", at("2026-03-05"))
        restored.append(record.restored)

    assert restored == [33, 67, 100]
    assert ledger.balances(cart.member) == (100, 0, 0, 0)
    assert breaches() == []


def test_the_last_used_come_back_first(shop: Shop, cart: Cart) -> None:
    """Two lots were used, soonest expiry first; half comes back to the one used last."""
    ledger.give(cart.member, 60, expires_at=at("2026-05-01"))
    ledger.give(cart.member, 60, expires_at=at("2026-04-01"))
    paid_with(cart, 100, "49.50", "49.50")
    shop.host.return_units("o1", "a", 1)
    shop.settle("o1", at("2026-03-05"))

    late, soon = ledger.lots(cart.member)
    assert (late.used, late.restored, late.remaining) == (40, 40, 60)
    assert (soon.used, soon.restored, soon.remaining) == (60, 10, 10)


def test_points_of_a_lot_that_died_come_back_once_in_a_child(shop: Shop, cart: Cart) -> None:
    """The grace counts from the first return; a later one goes into the same child and its life."""
    ledger.give(cart.member, 100, expires_at=at("2026-03-04"))
    paid_with(cart, 100, "49.50", "49.50")
    shop.host.return_units("o1", "a", 1)
    shop.settle("o1", at("2026-03-05 12:00"))
    shop.host.return_units("o1", "b", 1)
    shop.settle("o1", at("2026-03-10"))

    parent, child = ledger.lots(cart.member)
    assert (parent.remaining, parent.restored, child.parent) == (0, 0, parent)
    assert (child.granted, child.remaining) == (100, 100)
    assert child.expires_at == at("2026-03-16")
    assert breaches() == []


def test_nothing_lives_for_ever_by_buying_and_canceling_in_turns(shop: Shop, cart: Cart) -> None:
    """The child's points are spent and come back after its death: they die at once."""
    ledger.give(cart.member, 100, expires_at=at("2026-03-04"))
    paid_with(cart, 100, "99.00")
    shop.host.change_order("o1", state=OrderState.CANCELED)
    shop.settle("o1", at("2026-03-05"))
    again = Cart(shop, cart.member, "cart-2")
    again.redeem(100, at("2026-03-15"))
    again.complete("o2", "99.00", now=at("2026-03-15"))
    shop.settle("o2", at("2026-03-15"))
    shop.host.change_order("o2", state=OrderState.CANCELED)
    record = shop.settle("o2", at("2026-03-20"))

    assert record.restored == 100
    assert ledger.balances(cart.member) == (0, 0, 0, 0)
    parent, child = ledger.lots(cart.member)
    assert (child.parent, child.restored, child.expired) == (parent, 100, 100)
    assert breaches() == []


def test_points_that_come_back_repay_a_debt_first(shop: Shop, cart: Cart) -> None:
    """30 owed, 100 back: 70 available."""
    ledger.give(cart.member, 100)
    paid_with(cart, 100, "99.00")
    ledger.owe(cart.member, 30)
    shop.host.change_order("o1", state=OrderState.CANCELED)
    shop.settle("o1", at("2026-03-05"))

    assert ledger.balances(cart.member) == (70, 0, 0, 0)
    assert ledger.lots(cart.member)[0].repaid == 30
    assert breaches() == []


# --- and going again ------------------------------------------------------------------------------


def test_a_reversed_refund_takes_the_points_again(shop: Shop, cart: Cart) -> None:
    """From the lot that they came back to; and they can come back once more."""
    ledger.give(cart.member, 100)
    ledger.give(cart.member, 100, opened_at=at("2026-02-01"))
    paid_with(cart, 100, "99.00")
    amounts = []
    for refunded in ("99.00", "0.00", "99.00"):
        shop.host.change_order("o1", refunded_minor=minor(refunded))
        record = shop.settle("o1", at("2026-03-05"))
        amounts.append((record.restored, ledger.balances(cart.member)[0]))

    assert amounts == [(100, 200), (0, 100), (100, 200)]
    used, untouched = ledger.lots(cart.member)
    assert (used.used, used.restored, untouched.used) == (200, 200, 0)
    assert Consumption.objects.get().used == 200
    assert ledger.kinds(cart.member)[-3:] == ["restore", "revoke", "restore"]
    assert breaches() == []


def test_points_that_are_gone_by_then_are_taken_elsewhere_or_owed(shop: Shop, cart: Cart) -> None:
    """They came back, were spent and are taken again: 20 from another lot, 80 owed; then back."""
    ledger.give(cart.member, 100)
    paid_with(cart, 100, "99.00")
    shop.host.change_order("o1", refunded_minor=minor("99.00"))
    shop.settle("o1", at("2026-03-05"))
    ledger.spend(ledger.lots(cart.member)[0], 100, now=at("2026-03-06"))
    ledger.give(cart.member, 20)
    shop.host.change_order("o1", refunded_minor=0)
    shop.settle("o1", at("2026-03-07"))
    owing = ledger.balances(cart.member)
    shop.host.change_order("o1", refunded_minor=minor("99.00"))
    record = shop.settle("o1", at("2026-03-08"))

    assert owing == (0, 0, 0, 80)
    assert ledger.balances(cart.member) == (20, 0, 0, 0)
    assert record.restored == 100
    assert breaches() == []


def test_a_program_that_writes_off_bears_the_loss_and_gets_it_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The member who had spent the points owes nothing, and gains nothing when they come back."""
    shop = ledger.open_shop(
        monkeypatch,
        earn={"rates": {"USD": {"points": 0, "per": "1.00"}}},
        deficit={"policy": "write_off"},
    )
    cart = Cart(shop, shop.member("ann"))
    ledger.give(cart.member, 100)
    paid_with(cart, 100, "99.00")
    shop.host.change_order("o1", refunded_minor=minor("99.00"))
    shop.settle("o1", at("2026-03-05"))
    ledger.spend(ledger.lots(cart.member)[0], 100, now=at("2026-03-06"))
    shop.host.change_order("o1", refunded_minor=0)
    shop.settle("o1", at("2026-03-07"))
    lost = (ledger.balances(cart.member), ledger.book("write_off"))
    shop.host.change_order("o1", refunded_minor=minor("99.00"))
    shop.settle("o1", at("2026-03-08"))

    assert lost == ((0, 0, 0, 0), -100)
    assert (ledger.balances(cart.member), ledger.book("write_off")) == ((0, 0, 0, 0), 0)
    assert breaches() == []


def test_a_swept_lot_takes_nothing_back(shop: Shop, cart: Cart) -> None:
    """The sweep posted the breakage of the rest before; the used points go to a child."""
    ledger.give(cart.member, 150, expires_at=at("2026-03-04"))
    paid_with(cart, 100, "99.00")
    expiring.expire_due(at("2026-03-04"))
    shop.host.change_order("o1", state=OrderState.CANCELED)
    shop.settle("o1", at("2026-03-05"))

    parent, child = ledger.lots(cart.member)
    assert (parent.expired, parent.remaining, child.remaining) == (50, 0, 100)
    assert breaches() == []


# --- both sides of one order ----------------------------------------------------------------------


def test_an_order_that_earned_and_was_paid_with_points_goes_back_to_where_it_began(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """200 points before; 100 redeemed, 99 earned on what was paid; canceled: 200 again."""
    shop = ledger.open_shop(monkeypatch)
    cart = Cart(shop, shop.member("ann"))
    ledger.give(cart.member, 200)
    paid_with(cart, 100, "99.00")
    bought = ledger.balances(cart.member)
    shop.host.change_order("o1", state=OrderState.CANCELED)
    shop.settle("o1", at("2026-03-05"))

    assert bought == (100 + 99, 0, 0, 0)
    assert ledger.balances(cart.member) == (200, 0, 0, 0)
    assert breaches() == []
