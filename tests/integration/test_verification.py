"""Every invariant of the ledger, broken on purpose behind the database's back, is named.

The triggers are switched off (``session_replication_role``) and the constraint in the way is
dropped, inside the test's transaction.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from saleor_retention.engine.facts import OrderState
from saleor_retention.models import (
    Account,
    Consumption,
    Entry,
    Hold,
    Lot,
    OrderRecord,
    Transaction,
)
from saleor_retention.selectors import persons
from saleor_retention.selectors.verification import Breach, breaches
from saleor_retention.services.membership import erasing
from saleor_retention.services.ordering import pos
from tests import ledger
from tests.carts import Cart
from tests.fakes import at
from tests.ledger import Shop

pytestmark = pytest.mark.django_db

NOON = at("2026-03-10 12:00")


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Shop:
    """A program."""
    return ledger.open_shop(monkeypatch)


@pytest.fixture
def ann(shop: Shop) -> Account:
    """A member with an order of 50 points, 20 of them clawed back, and 100 points for ever."""
    member = shop.member("ann")
    ledger.give(member, 100)
    shop.buys(member, "o1", "30.00", "20.00")
    shop.host.return_units("o1", "b", 1)
    shop.settle("o1", at("2026-03-02"))
    assert breaches() == []
    return member


def behind(*statements: str, **values: Any) -> None:
    """Run statements behind the ledger's back."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET LOCAL session_replication_role = replica")
        for statement in statements:
            cursor.execute(statement, values)
        cursor.execute("SET LOCAL session_replication_role = origin")


def without(table: str, *constraints: str) -> list[str]:
    """Return the statements that drop constraints of one of our tables."""
    drop = "ALTER TABLE saleor_retention_{} DROP CONSTRAINT {}"
    return [drop.format(table, constraint) for constraint in constraints]


def said(invariant: int) -> list[str]:
    """Return what is said of one invariant."""
    return [
        f"{breach.subject}: {breach.message}"
        for breach in breaches()
        if breach.invariant == invariant
    ]


def broken() -> set[int]:
    """Return the invariants that are broken."""
    return {breach.invariant for breach in breaches()}


def hold_of(account: Account, points: int) -> Hold:
    """Place a hold on the member's oldest lot as redeeming does, without a checkout."""
    lot = ledger.lots(account)[0]
    ledger.move(lot, points, "available", "held", now=NOON)
    hold = Hold.objects.create(
        account=account,
        checkout_ref="c1",
        requested=points,
        points=points,
        currency="USD",
        value_minor=points,
        version=account.program.current_version,
        placed_at=NOON,
        lapses_at=at("2026-03-10 13:00"),
    )
    Consumption.objects.create(hold=hold, lot=lot, points=points)
    return hold


def test_1_a_transaction_that_does_not_balance(ann: Account) -> None:
    """One more point comes out of nowhere."""
    made = Transaction.objects.get(kind="earn")
    behind(
        "UPDATE saleor_retention_entry SET points = 51 WHERE points = 50 AND book = 'available'",
        id=made.pk,
    )

    assert said(1) == [f"transaction {made.pk}: Its entries sum to 1, not to zero."]
    assert ann.pk


@pytest.mark.usefixtures("ann")
def test_1_a_transaction_without_entries() -> None:
    """Its entries were deleted."""
    made = Transaction.objects.get(kind="clawback")
    behind("DELETE FROM saleor_retention_entry WHERE transaction_id = %(id)s", id=made.pk)

    assert said(1) == [f"transaction {made.pk}: It has no entries."]


@pytest.mark.usefixtures("ann")
def test_2_a_program_that_does_not_balance() -> None:
    """An entry of the program's own book was changed."""
    behind("UPDATE saleor_retention_entry SET points = -60 WHERE points = -50")

    assert said(2) == [
        (
            "program club: Members' balances (130) and the program's own books (-140) sum to -10, "
            "not to zero."
        )
    ]


def test_3_a_lot_whose_columns_contradict_each_other(ann: Account) -> None:
    """More remains than was granted."""
    lot = ledger.lots(ann)[0]
    behind(
        *without("lot", "retention_lot_remaining", "retention_lot_equation"),
        "UPDATE saleor_retention_lot SET remaining = 107 WHERE id = %(id)s",
        id=lot.pk,
    )

    assert said(3) == [
        f"lot {lot.pk}: It holds 107 of 100 granted, and its columns make 100.",
        f"lot {lot.pk}: Its remaining is 107, and its entries make 100.",
    ]


@pytest.mark.parametrize("column", ["held", "used", "expired", "clawed", "adjusted", "repaid"])
def test_3_a_lot_whose_columns_are_not_its_entries(ann: Account, column: str) -> None:
    """Two columns changed so that the equation still holds."""
    lot = ledger.lots(ann)[0]
    behind(
        f"UPDATE saleor_retention_lot SET remaining = 95, {column} = 5 WHERE id = %(id)s",
        id=lot.pk,
    )

    assert said(3) == [
        f"lot {lot.pk}: Its {name} is {kept}, and its entries make {made}."
        for name, kept, made in sorted([(column, 5, 0), ("remaining", 95, 100)])
    ]


def test_4_balances_that_the_lots_do_not_hold(ann: Account) -> None:
    """A lot was said to be pending."""
    lot = ledger.lots(ann)[0]
    behind("UPDATE saleor_retention_lot SET is_pending = true WHERE id = %(id)s", id=lot.pk)

    number = ann.member_number
    assert said(4) == [
        f"member {number}: AVAILABLE is 130, and the lots hold 30.",
        f"member {number}: PENDING is 0, and the lots hold 100.",
    ]
    assert broken() == {4}


def test_4_a_hold_that_pins_something_else(ann: Account) -> None:
    """It was made worth more than the lots give."""
    hold = hold_of(ann, 40)
    assert breaches() == []
    behind("UPDATE saleor_retention_hold SET points = 45 WHERE id = %(id)s", id=hold.pk)

    assert said(4) == [f"hold {hold.pk}: It is worth 45 points and pins 40 of lots."]


def test_5_more_came_back_than_was_used(ann: Account) -> None:
    """Of a spend, of a lot, and of an order."""
    hold = hold_of(ann, 40)
    lot = ledger.lots(ann)[0]
    behind(
        *without("consumption", "retention_consumption_back"),
        *without("lot", "retention_lot_restored", "retention_lot_equation"),
        "UPDATE saleor_retention_consumption SET restored = 1",
        "UPDATE saleor_retention_lot SET restored = 2, remaining = 62 WHERE id = %(id)s",
        *without("orderrecord", "retention_order_restored"),
        "UPDATE saleor_retention_orderrecord SET restored = 3",
        id=lot.pk,
    )

    assert said(5) == [
        f"hold {hold.pk}, lot {lot.pk}: 1 points came back of 0 that were used.",
        f"lot {lot.pk}: 2 points came back of 0 that were used.",
        "order o1: Its record says 3 points came back, and the ledger 0 (of 0 redeemed).",
    ]


@pytest.mark.usefixtures("ann")
def test_6_more_clawed_back_than_earned() -> None:
    """An order's claw-back was made greater than what it earned."""
    made = Transaction.objects.get(kind="clawback")
    behind(
        "UPDATE saleor_retention_entry SET points = points * 3 WHERE transaction_id = %(id)s",
        id=made.pk,
    )

    assert said(6) == ["order o1: 60 points were clawed back of 50 that it earned (base)."]


@pytest.mark.usefixtures("ann")
def test_7_a_record_that_the_ledger_does_not_bear_out() -> None:
    """Somebody wrote more into the record; the shop's order says otherwise too."""
    behind("UPDATE saleor_retention_orderrecord SET earned = 57, bonus = 3")

    assert said(7) == [
        "order o1: Its record says 37 points are kept of rule base, and the ledger 30.",
        "order o1: Its record says 3 points are kept of rule first_order, and the ledger 0.",
        "order o1: It keeps 37 points, and its state asks for 30; settle it.",
    ]


def test_7_an_order_that_is_off_its_target(shop: Shop, ann: Account) -> None:
    """Changed in the shop and never settled; without the orders nobody can know."""
    shop.host.change_order("o1", state=OrderState.CANCELED)

    assert said(7) == ["order o1: It keeps 30 points, and its state asks for 0; settle it."]
    assert breaches(reads_orders=False) == []
    assert ann.pk


def test_7_redeemed_points_that_did_not_come_back(shop: Shop, ann: Account) -> None:
    """The record of an order that was paid with points, canceled and not settled."""
    behind("UPDATE saleor_retention_orderrecord SET redeemed = 40")
    shop.host.change_order("o1", state=OrderState.CANCELED)

    assert (
        "order o1: 0 of its redeemed points came back, and its state asks for 40; settle it."
        in said(7)
    )
    assert ann.pk


def test_7_an_order_whose_record_is_gone(ann: Account) -> None:
    """What the ledger keeps of it is said; the shop's order is not asked."""
    behind("DELETE FROM saleor_retention_orderrecord")

    assert breaches(reads_orders=False) == [
        Breach(
            7,
            "order o1",
            "Its record is gone; by the ledger it keeps 30 points, and 0 paid for it.",
        )
    ]
    assert ann.pk


def test_7_a_record_of_another_program_is_none(shop: Shop, ann: Account) -> None:
    """Postings and record are of one program."""
    other = type(shop.program).objects.create(slug="other", name="Other")
    behind("UPDATE saleor_retention_orderrecord SET program_id = %(id)s", id=other.pk)

    assert [breach.subject for breach in breaches(shop.program, reads_orders=False)] == ["order o1"]
    assert ann.pk


def test_7_an_order_that_the_shop_has_not_any_more(shop: Shop, ann: Account) -> None:
    """With points that it earned and points that paid for it; without the orders nobody knows."""
    cart = Cart(shop, ann)
    cart.redeem(40, NOON)
    cart.complete("o2", "5.00", now=NOON)
    shop.settle("o2", NOON)
    shop.host.orders.clear()

    assert said(7) == [
        "order o1: There is no such order any more; it keeps 30 points, and 0 paid for it.",
        "order o2: There is no such order any more; it keeps 5 points, and 40 paid for it.",
    ]
    assert breaches(reads_orders=False) == []


def test_7_orders_that_may_go(shop: Shop, ann: Account, settings: Any) -> None:
    """One that keeps nothing (Saleor deletes expired ones), an erased member's, an old one."""
    shop.buys(ann, "o2", "5.00", is_paid=False)
    shop.buys(ann, "o3", "5.00")
    shop.host.change_order("o3", state=OrderState.CANCELED)
    shop.settle("o3", NOON)
    del shop.host.orders["o2"], shop.host.orders["o3"]
    assert breaches() == []
    del shop.host.orders["o1"]
    assert len(said(7)) == 1

    settings.RETENTION_ORDERS_KEPT_DAYS = 100_000
    kept_for_longer = said(7)
    settings.RETENTION_ORDERS_KEPT_DAYS = 1
    old = said(7)
    settings.RETENTION_ORDERS_KEPT_DAYS = 0
    erasing.erase(persons.of_user(str(ann.user_id)), reason="asked", actor_ref="", now=NOON)

    assert (len(kept_for_longer), old, said(7)) == (1, [], [])


def test_7_a_receipt_that_is_gone(ann: Account) -> None:
    """Nobody deletes receipts."""
    pos.record_sale(
        source="till",
        receipt="r1",
        channel="1",
        member=pos.MemberKey(number=ann.member_number),
        sold_at=at("2026-03-05 10:00"),
        currency="USD",
        lines=[pos.SaleLine(ref="1", quantity=1, gross=Decimal(7))],
        now=NOON,
    )
    assert breaches() == []
    behind("DELETE FROM saleor_retention_possale")

    assert said(7) == [
        (
            "order pos:till:r1: There is no such receipt any more; it keeps 7 points, and 0 paid "
            "for it."
        )
    ]


def test_8_a_dead_lot_that_was_used(ann: Account) -> None:
    """Held at its expiry or after; before it is right, and so is the capture afterwards."""
    lot = ledger.lots(ann)[0]
    ledger.move(lot, 10, "available", "held", now=NOON)
    behind("UPDATE saleor_retention_lot SET expires_at = %(at)s", at=at("2026-03-10 12:00:01"))
    before = said(8)
    behind("UPDATE saleor_retention_lot SET expires_at = %(at)s", at=NOON)
    made = Transaction.objects.get(kind="hold")

    assert before == []
    assert said(8) == [
        (
            f"transaction {made.pk}, lot {lot.pk}: 10 points were used at 2026-03-10 12:00:00 of a "
            "lot that died at 2026-03-10 12:00:00."
        )
    ]


def test_8_a_lot_that_was_lengthened_only_afterwards(ann: Account) -> None:
    """What counts is how long it lived when it was used."""
    lot = ledger.lots(ann)[0]
    ledger.move(lot, 10, "available", "held", now=NOON)
    behind(
        "UPDATE saleor_retention_lot SET expires_at = %(late)s",
        """
        INSERT INTO saleor_retention_lotextension
               (lot_id, recorded_at, activity_at, from_at, to_at, cause)
        VALUES (%(id)s, %(late)s, %(late)s, %(early)s, %(late)s, 'order:o9')
        """,
        id=lot.pk,
        early=at("2026-03-09"),
        late=at("2026-05-01"),
    )

    assert said(8) == [
        (
            f"transaction {Transaction.objects.get(kind='hold').pk}, lot {lot.pk}: 10 points were "
            "used at 2026-03-10 12:00:00 of a lot that died at 2026-03-09 00:00:00."
        )
    ]


def test_9_points_beside_a_deficit(ann: Account) -> None:
    """The constraint was dropped."""
    behind(
        *without("account", "retention_account_deficit_first"),
        "UPDATE saleor_retention_account SET deficit = 5",
    )

    assert said(9) == [
        f"member {ann.member_number}: 130 points are available beside a deficit of 5."
    ]


@pytest.mark.parametrize(
    ("column", "kept", "replayed"), [("available", 131, 130), ("pending", 1, 0), ("held", 1, 0)]
)
def test_10_balances_that_a_replay_does_not_give(
    ann: Account, column: str, kept: int, replayed: int
) -> None:
    """A kept balance was changed by hand."""
    behind(f"UPDATE saleor_retention_account SET {column} = {column} + 1")

    assert said(10) == [
        (
            f"member {ann.member_number}: {column.upper()} is {kept}, "
            f"and replaying the entries gives {replayed}."
        )
    ]


def test_10_an_entry_that_was_deleted_is_missed_in_many_places(ann: Account) -> None:
    """Sums, replay and lots all say so."""
    behind("DELETE FROM saleor_retention_entry WHERE book = 'available' AND points = 100")

    assert broken() == {1, 3, 10}
    assert ann.pk


@pytest.mark.parametrize("is_other", [False, True])
def test_one_program_can_be_checked_alone(
    shop: Shop,
    ann: Account,
    is_other: bool,  # noqa: FBT001
) -> None:
    """A breach elsewhere is not named."""
    other = type(shop.program).objects.create(slug="other", name="Other")
    behind("UPDATE saleor_retention_account SET available = 131")

    found = breaches(other if is_other else shop.program)

    assert {breach.invariant for breach in found} == (set() if is_other else {2, 4, 10})
    assert ann.pk


def test_the_command_names_each_breach_and_fails(ann: Account, settings: Any) -> None:
    """One line a breach, and an exit code for a monitor."""
    settings.RETENTION_DIGEST_MARGIN_HOURS = 1_000_000  # no day has to be sealed
    behind("UPDATE saleor_retention_account SET available = 131")
    out = StringIO()

    with pytest.raises(CommandError, match=r"^3 breaches of the ledger's invariants\.$"):
        call_command("retention_verify", stdout=out)

    lines = out.getvalue().splitlines()
    assert [line.split(":")[0] for line in lines] == ["invariant 2", "invariant 4", "invariant 10"]
    assert lines[1].endswith(
        f"member {ann.member_number}: AVAILABLE is 131, and the lots hold 130."
    )


@pytest.mark.usefixtures("ann")
def test_the_command_says_that_all_is_well(settings: Any) -> None:
    """With and without the shop's orders; an unknown program is refused."""
    settings.RETENTION_DIGEST_MARGIN_HOURS = 1_000_000  # no day has to be sealed
    out = StringIO()
    call_command("retention_verify", stdout=out)
    call_command("retention_verify", "--program", "club", "--skip-orders", stdout=out)

    assert out.getvalue().splitlines() == ["The ledger holds: eleven invariants, no breach."] * 2
    with pytest.raises(CommandError, match='There is no program "nope"'):
        call_command("retention_verify", "--program", "nope")


@pytest.mark.usefixtures("ann")
def test_checking_changes_nothing(django_assert_max_num_queries: Callable[..., Any]) -> None:
    """And costs a bounded number of statements for a batch of orders."""
    before = [model.objects.count() for model in (Transaction, Entry, Lot, OrderRecord)]
    with django_assert_max_num_queries(20):
        found: list[Breach] = breaches()

    assert found == []
    assert before == [model.objects.count() for model in (Transaction, Entry, Lot, OrderRecord)]
