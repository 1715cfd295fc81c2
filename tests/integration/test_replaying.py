"""What is kept beside the entries is rebuilt from them: every column, and nothing that is right.

Values are broken behind the database's back, as in the tests of the invariants.
"""

from __future__ import annotations

from collections.abc import Callable
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.models import Model

from saleor_retention.models import Account, Consumption, Entry, Hold, HoldState, Lot, OrderRecord
from saleor_retention.selectors.verification import breaches
from saleor_retention.services.checkout import redeeming
from saleor_retention.services.ledger import expiring, granting, replaying
from saleor_retention.services.ledger.replaying import Replayed, replay
from tests import ledger
from tests.carts import Cart
from tests.fakes import at
from tests.ledger import Shop

pytestmark = pytest.mark.django_db

KEPT = (Account, Lot, OrderRecord, Hold, Consumption)
ALL_RIGHT = "Every kept value is what the entries make."


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Shop:
    """Points mature after ten days and live a year; the first order earns a bonus."""
    return ledger.open_shop(
        monkeypatch,
        maturing={"rule": "days_after_payment", "days": 10},
        expiry={"policy": "days", "count": 365},
        first_order_points=5,
    )


@pytest.fixture
def ann(shop: Shop) -> Account:
    """A member to whom nearly everything has happened, by the services alone.

    Points that were given, an order paid with 60 of them and half returned, given back and again
    returned, a correction down, a lot that died, points that wait, an open cart.
    """
    member = shop.member("ann")
    ledger.give(member, 100)
    ledger.give(member, 7, expires_at=at("2026-02-01"))
    expiring.expire_due(at("2026-02-02"))
    cart = Cart(shop, member)
    cart.redeem(60, at("2026-03-01 09:00"))
    cart.complete("o1", "30.00", "20.00", now=at("2026-03-01 10:00"))
    for day, quantity in ((1, 0), (2, 1), (3, 0), (4, 1)):
        shop.host.return_units("o1", "b", quantity)
        shop.settle("o1", at(f"2026-03-0{day} 11:00"))
    granting.adjust(
        account_id=member.pk,
        points=-3,
        reason="counted twice",
        actor_ref="user:1",
        key="a1",
        now=at("2026-03-12"),
    )
    shop.buys(member, "o2", "12.00", now=at("2026-03-12 10:00"))
    Cart(shop, member, "cart-2").redeem(5, at("2026-03-12 11:00"))
    given_up = Cart(shop, member, "cart-3")
    given_up.redeem(9, at("2026-03-12 11:05"))
    given_up.redeem(4, at("2026-03-12 11:10"))
    user_ref = str(member.user_id)
    redeeming.clear_redemption(checkout_ref="cart-3", user_ref=user_ref, now=at("2026-03-12 11:15"))
    return member


def behind(statement: str, *values: Any) -> None:
    """Run a statement that no trigger sees."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(statement, values)
        cursor.execute("SET LOCAL session_replication_role = origin")


def rows(*models: type[Model]) -> list[dict[str, Any]]:
    """Return all there is of these models."""
    return [row for model in models for row in model.objects.order_by("pk").values()]


def lines(**options: Any) -> list[str]:
    """Return what the command prints where it ends well."""
    out = StringIO()
    call_command("retention_replay", stdout=out, **options)
    return out.getvalue().splitlines()


def test_what_the_services_wrote_is_what_the_entries_make(ann: Account) -> None:
    """In every column, whatever happened to the points; the example has all of it."""
    first = OrderRecord.objects.get(order_ref="o1")
    kept = (first.earned, first.clawed, first.redeemed, first.restored, first.bonus)

    assert list(replay()) == []
    assert lines() == [ALL_RIGHT]
    assert kept[0] > 0
    assert all(kept)
    assert ledger.balances(ann)[1:3] == (12, 5)
    states = dict(Hold.objects.values_list("checkout_ref", "state"))
    assert states == {"cart-1": "captured", "cart-2": "placed", "cart-3": "released"}
    assert list(Consumption.objects.order_by("pk").values_list("points", "used", "restored")) == [
        (84, 84, 48),
        (5, 0, 0),
        (4, 0, 0),
    ]
    assert {lot.expired for lot in ledger.lots(ann)} == {0, 7}
    assert {lot.is_pending for lot in ledger.lots(ann)} == {False, True}
    assert breaches() == []


@pytest.mark.parametrize(
    ("table", "column"),
    [
        *(("account", column) for column in ("available", "pending", "held", "deficit")),
        *(("lot", column) for column in ("granted", "held", "used", "restored", "expired")),
        *(("lot", column) for column in ("clawed", "adjusted", "repaid", "remaining")),
        *(("orderrecord", column) for column in ("earned", "clawed", "bonus", "redeemed")),
        *(("orderrecord", column) for column in ("restored", "sequence")),
        *(("hold", column) for column in ("points", "captured", "restored", "version_id")),
        *(("consumption", column) for column in ("points", "used", "restored")),
    ],
)
def test_each_kept_column_is_found_and_repaired(ann: Account, table: str, column: str) -> None:
    """One more than the entries make; afterwards every row is as it was."""
    before = rows(*KEPT)
    for constraint in _constraints(table):
        behind(f"ALTER TABLE saleor_retention_{table} DROP CONSTRAINT {constraint}")
    row_id = {
        "account": ann.pk,
        "lot": ledger.lots(ann)[0].pk,
        "orderrecord": OrderRecord.objects.get(order_ref="o1").pk,
        "hold": Hold.objects.get(checkout_ref="cart-1").pk,
        "consumption": Consumption.objects.order_by("pk")[0].hold_id,
    }[table]
    behind(
        f"UPDATE saleor_retention_{table} SET {column} = {column} + 1 "
        f"WHERE {'hold_id' if table == 'consumption' else 'id'} = %s",
        row_id,
    )

    found = list(replay())
    repaired = list(replay(repairs=True))

    assert [(row.difference.kind.table, row.difference.id) for row in found] == [
        (f"saleor_retention_{table}", row_id)
    ]
    [(name, kept, made)] = found[0].difference.values
    assert (name, kept - made) == (column, 1)
    assert repaired == [Replayed(found[0].difference, is_repaired=True)]
    assert rows(*KEPT) == before


def test_a_lot_in_the_wrong_book_is_found(ann: Account) -> None:
    """Whether points wait follows from the last ones that came in."""
    behind("UPDATE saleor_retention_lot SET is_pending = NOT is_pending")

    found = list(replay(repairs=True))

    assert [row.difference.id for row in found] == [lot.pk for lot in ledger.lots(ann)]
    assert {row.difference.values[0][0] for row in found} == {"is_pending"}
    assert list(replay()) == []


def test_how_a_hold_ended_is_found_and_repaired(ann: Account) -> None:
    """By what, when and for which order follows from the postings that carry its number."""
    before = rows(*KEPT)
    behind(
        "UPDATE saleor_retention_hold SET state = 'placed', ended_at = NULL, order_ref = '', "
        "placed_at = placed_at - interval '1 day' WHERE checkout_ref = 'cart-1'"
    )
    behind("UPDATE saleor_retention_hold SET state = 'lapsed' WHERE checkout_ref = 'cart-3'")
    first, _, third = Hold.objects.order_by("pk")

    assert [str(row.difference) for row in replay()] == [
        (
            f"hold {first.pk}: state is placed, and the entries make captured; order_ref is "
            "nothing, and the entries make o1; placed_at is 2026-02-28 09:00:00, and the entries "
            "make 2026-03-01 09:00:00; ended_at is nothing, and the entries make "
            "2026-03-01 11:00:00."
        ),
        f"hold {third.pk}: state is lapsed, and the entries make released.",
    ]
    assert {row.is_repaired for row in replay(repairs=True)} == {True}
    assert rows(*KEPT) == before
    assert ann.pk


def test_what_no_entry_says_of_a_hold_is_held_against_what_they_say(ann: Account) -> None:
    """An open hold's time is not over before its points are set; nobody holds more than asked."""
    behind(
        "UPDATE saleor_retention_hold SET lapses_at = '2026-03-01', requested = 1 "
        "WHERE checkout_ref = 'cart-2'"
    )

    (row,) = replay(repairs=True)

    assert row.is_repaired
    hold = Hold.objects.get(checkout_ref="cart-2")
    assert (hold.requested, hold.lapses_at) == (5, at("2026-03-12 11:00"))
    assert list(replay()) == []
    redeeming.lapse_due(at("2026-03-12 11:01"))
    hold.refresh_from_db()
    assert (hold.state, ledger.balances(ann)[2]) == (HoldState.LAPSED, 0)


def test_uses_of_lots_that_are_missing_or_too_many(ann: Account) -> None:
    """A use that is gone is made again, one that the entries do not know goes."""
    before = [
        {**row, "id": None} for row in rows(Consumption)
    ]  # a use that is made again has another id
    first, second = Hold.objects.order_by("pk")[:2]
    lots = ledger.lots(ann)
    used = Consumption.objects.get(hold=first).lot
    other = next(lot for lot in lots if lot != used)
    behind("DELETE FROM saleor_retention_consumption WHERE hold_id = %s", first.pk)
    behind(
        "INSERT INTO saleor_retention_consumption (hold_id, lot_id, points, used, restored) "
        "VALUES (%s, %s, 3, 0, 0)",
        second.pk,
        other.pk,
    )

    assert [str(row.difference) for row in replay()] == [
        (
            f"hold {first.pk}, lot {used.pk}: points is nothing, and the entries make 84; used is "
            "nothing, and the entries make 84; restored is nothing, and the entries make 48."
        ),
        (
            f"hold {second.pk}, lot {other.pk}: points is 3, and the entries make nothing; used "
            "is 0, and the entries make nothing; restored is 0, and the entries make nothing."
        ),
    ]
    assert {row.is_repaired for row in replay(repairs=True)} == {True}
    after = sorted(
        ({**row, "id": None} for row in rows(Consumption)), key=lambda row: row["hold_id"]
    )
    assert after == before
    assert list(replay()) == []


def test_holds_that_are_gone_are_made_again(ann: Account) -> None:
    """Open and ended ones, to the column, with what they used; an open cart keeps its points."""
    before = rows(Hold)
    used = [{**row, "id": None} for row in Consumption.objects.order_by("hold", "lot").values()]
    behind("DELETE FROM saleor_retention_consumption")
    behind("DELETE FROM saleor_retention_hold")

    named = [str(row.difference) for row in replay()]
    after = list(replay(repairs=True))

    assert [line.partition(":")[0] for line in named] == [f"hold {row['id']}" for row in before]
    assert {row.is_repaired for row in after} == {True}
    assert [not_told(row) for row in rows(Hold)] == [not_told(row) for row in before]
    open_hold = Hold.objects.get(state=HoldState.PLACED)
    assert open_hold.lapses_at == open_hold.placed_at
    again = Consumption.objects.order_by("hold", "lot").values()
    assert [{**row, "id": None} for row in again] == used
    assert list(replay()) == []

    now = at("2026-03-12 12:00")
    assert redeeming.lapse_due(now) == 1
    assert ledger.balances(ann)[2] == 0


def not_told(hold: dict[str, Any]) -> dict[str, Any]:
    """Return a hold without what no entry tells: what was asked for, and an open one's time."""
    return {**hold, "requested": None, "lapses_at": None}


@pytest.mark.usefixtures("ann")
def test_a_hold_of_old_entries_gets_a_cart_of_its_own() -> None:
    """They name no checkout; nothing is left on which it could stay, so it ends with its time."""
    hold = Hold.objects.get(checkout_ref="cart-2")
    behind(
        "UPDATE saleor_retention_transaction SET key = split_part(key, ':', 1) || ':' || "
        "split_part(key, ':', 2) || ':' || split_part(key, ':', 3) WHERE kind = 'hold'"
    )
    behind("DELETE FROM saleor_retention_consumption WHERE hold_id = %s", hold.pk)
    behind("DELETE FROM saleor_retention_hold WHERE id = %s", hold.pk)

    assert {row.is_repaired for row in replay(repairs=True)} == {True}

    made = Hold.objects.get(pk=hold.pk)
    assert made.checkout_ref == f"gone:{hold.pk}"
    assert (made.currency, made.value_minor) == (hold.currency, hold.value_minor)
    assert list(replay()) == []


@pytest.mark.usefixtures("ann")
def test_a_hold_that_no_entry_knows_stays(shop: Shop) -> None:
    """Also one that was given to another member: what it used is not thrown away."""
    bob = shop.member("bob")
    behind("UPDATE saleor_retention_hold SET account_id = %s WHERE checkout_ref = 'cart-2'", bob.pk)
    before = rows(*KEPT)

    wrong = list(replay(repairs=True))

    assert not any(row.is_repaired for row in wrong)
    problems = sorted(row.problem for row in wrong)
    assert len(problems) == 2
    assert all(each.startswith("Its entries make what the database refuses (") for each in problems)
    assert "retention_hold_pkey" in problems[0]
    assert "retention_hold_points" in problems[1]
    assert rows(*KEPT) == before


def test_entries_are_never_touched(ann: Account) -> None:
    """A repair changes what is derived, and only that."""
    before = rows(Entry)
    behind("UPDATE saleor_retention_account SET available = available + 9, held = 4")

    assert len(list(replay(repairs=True))) == 1
    assert rows(Entry) == before
    assert ledger.balances(ann) == ledger.replayed(ann)


def test_rows_whose_entries_are_gone_stay_and_say_why(shop: Shop, ann: Account) -> None:
    """What the entries make breaks a constraint; the other rows are repaired all the same."""
    bob = shop.member("bob")
    ledger.give(bob, 10)
    lot = ledger.lots(ann)[0]
    behind(
        "DELETE FROM saleor_retention_entry WHERE points > 0 AND book = 'available' "
        "AND lot_id = %s",
        lot.pk,
    )
    behind("UPDATE saleor_retention_account SET available = 11 WHERE id = %s", bob.pk)

    result = {str(row.difference).split(":")[0]: row for row in replay(repairs=True)}

    assert result[f"member {bob.member_number}"].is_repaired
    assert ledger.balances(bob) == (10, 0, 0, 0)
    broken = result[f"lot {lot.pk}"]
    assert not broken.is_repaired
    assert broken.problem.startswith("Its entries make what the database refuses (")
    assert "retention_lot" in broken.problem
    with pytest.raises(CommandError, match=r"could not be repaired\.$"):
        lines(repair=True)


def test_the_command_names_rows_and_ends_with_one(ann: Account) -> None:
    """A line for each row; with --repair it ends well, and a second run finds nothing."""
    behind("UPDATE saleor_retention_account SET available = available + 1, held = 2")
    available, _, held, _ = ledger.replayed(ann)
    out = StringIO()

    with pytest.raises(
        CommandError, match=r"^1 row differs from what the entries make; --repair writes it\.$"
    ):
        call_command("retention_replay", stdout=out)

    said = (
        f"member {ann.member_number}: available is {available + 1}, and the entries make "
        f"{available}; held is 2, and the entries make {held}."
    )
    assert out.getvalue().splitlines() == [said]
    assert lines(repair=True) == [f"repaired: {said}", "1 row repaired."]
    assert lines(repair=True) == [ALL_RIGHT]


def test_one_program_can_be_replayed_alone(shop: Shop, ann: Account) -> None:
    """A difference elsewhere is neither named nor repaired; an unknown program is refused."""
    type(shop.program).objects.create(slug="other", name="Other")
    behind("UPDATE saleor_retention_account SET held = 2")

    assert lines(program="other", repair=True) == [ALL_RIGHT]
    assert ledger.balances(ann)[2] == 2
    assert len(lines(program="club", repair=True)) == 2
    with pytest.raises(CommandError, match='There is no program "nope"'):
        lines(program="nope")


def test_rows_are_read_in_batches(
    shop: Shop, django_assert_num_queries: Callable[..., Any]
) -> None:
    """Two rows at once: every batch is one statement, and no row is left out between two."""
    members = [shop.member(f"m{number}") for number in range(5)]
    behind("UPDATE saleor_retention_account SET available = 1")
    first, last = members[0].pk, members[-1].pk
    batches = -(-(last - first + 1) // 2)
    looks = 3  # at members themselves, and at their holds: their columns, their lots
    bounds = 5  # of the five kinds
    sums = 2  # the programs, and how far the one is summed up

    with django_assert_num_queries(looks * batches + bounds + sums):
        found = list(replay(rows_at_once=2))

    assert [row.difference.id for row in found] == list(range(first, last + 1))


def test_a_row_that_moved_to_another_member_is_left_alone(
    shop: Shop, ann: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An order claimed between finding and locking belongs to a member who is not locked."""
    bob = shop.member("bob")
    behind("UPDATE saleor_retention_orderrecord SET bonus = bonus + 1 WHERE order_ref = 'o1'")
    genuine = replaying.lock_accounts

    def claimed_first(account_ids: Any) -> Any:
        OrderRecord.objects.filter(order_ref="o1").update(account=bob)
        return genuine(account_ids)

    monkeypatch.setattr(replaying, "lock_accounts", claimed_first)
    [row] = replay(repairs=True)

    assert (row.is_repaired, row.problem) == (False, replaying.MOVED)
    assert OrderRecord.objects.get(order_ref="o1").account_id == bob.pk
    assert ann.pk != bob.pk


def _constraints(table: str) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT conname FROM pg_constraint WHERE contype = 'c' AND conrelid = %s::regclass",
            [f"saleor_retention_{table}"],
        )
        return [row[0] for row in cursor.fetchall()]
