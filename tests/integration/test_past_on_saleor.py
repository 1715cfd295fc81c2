"""Past orders of a real shop: simulated, planned, booked, refunded, taken back, by the commands."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from saleor_retention import host
from saleor_retention.models import Account, Backfill, OrderRecord, Program, Transaction
from saleor_retention.selectors.verification import breaches
from saleor_retention.services.ordering import settling
from saleor_retention.services.ordering.reconciling import reconcile
from tests.factories.current import NAME
from tests.factories.loyalty import RULES
from tests.members import counts_of_rows

pytestmark = pytest.mark.django_db(transaction=True)

IS_SALEOR_3 = NAME == "saleor_3"
LADDER: dict[str, Any] = {
    "metric": "spend",
    "window": "calendar_year",
    "ladder": [
        {"slug": "regular", "name": "Regular", "threshold": "0"},
        {"slug": "silver", "name": "Silver", "threshold": "60.00", "earn_multiplier": "1.5"},
        {"slug": "gold", "name": "Gold", "threshold": "150.00", "earn_multiplier": 2},
    ],
}
SECTIONS: dict[str, Any] = {
    "tiers": LADDER,
    "expiry": {"policy": "days", "count": 600},
    "welcome_points": 25,
    "first_order_points": 10,
}


def age(order: Any, days: int) -> None:
    """Make an order, its payment and what happened to it some days older."""
    from django.db import connection

    by = [dt.timedelta(days=days), order.pk]
    column = "created_at" if IS_SALEOR_3 else "created"
    statements = [
        f"UPDATE order_order SET {column} = {column} - %s WHERE id = %s",
        "UPDATE order_orderevent SET date = date - %s WHERE order_id = %s",
    ]
    if not IS_SALEOR_3:
        statements += [
            "UPDATE payment_payment SET created = created - %s WHERE order_id = %s",
            """UPDATE payment_transaction SET created = created - %s
               WHERE payment_id IN (SELECT id FROM payment_payment WHERE order_id = %s)""",
        ]
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement, by)


def history(make: Any, customers: int = 3, orders: int = 4) -> tuple[list[Any], list[Any]]:
    """Let customers and a guest buy over the last years; return the customers and the orders."""
    chance = random.Random(5)  # noqa: S311
    products = [make.make_product(price) for price in ("0.49", "9.99", "45.00")]
    users = [make.make_user() for _ in range(customers)]
    made = []
    for user in users:
        for number in range(orders):
            wanted = {product: chance.randint(1, 2) for product in chance.sample(products, 2)}
            order = make.complete(make.make_checkout(user, wanted))
            if number == 1:
                make.refund(order, "7.00")
            if number == 2 and user is users[0]:
                make.cancel(order)
            age(order, (orders - number) * 200 + chance.randint(0, 150))
            made.append(order)
    made.append(make.complete(make.make_checkout(None, {products[0]: 1}, email="g@shop.example")))
    return users, made


def open_program(make: Any, **sections: Any) -> Program:
    """Start the club after all that."""
    from saleor_retention.services.setting_up import programs

    channel = make.make_channel()
    return programs.create_program(
        slug="club",
        name="Club",
        channels=[str(getattr(channel, "pk", None) or channel.ref)],
        document={**RULES, **SECTIONS, **sections},
    )


def run(*arguments: str) -> str:
    """Run a command and return what it says."""
    out = io.StringIO()
    call_command(*arguments, stdout=out, stderr=io.StringIO())
    return out.getvalue()


def rows(text: str) -> dict[str, dict[str, str]]:
    """Return a CSV by customer."""
    return {row["user_id"]: row for row in csv.DictReader(io.StringIO(text))}


def test_the_whole_way(make: Any, tmp_path: Path) -> None:
    """Simulation, plan and ledger agree by customer; a refund follows; undo leaves nothing."""
    # given
    users, orders = history(make)
    program = open_program(make)
    report = tmp_path / "plan.csv"
    before = counts_of_rows()

    # when
    simulated = rows(run("retention_simulate", "--program", "club", "--format", "csv"))
    summary = json.loads(run("retention_simulate", "--program", "club", "--format", "json"))
    said = run("retention_backfill", "plan", "--program", "club", "--report", str(report))
    between = counts_of_rows()
    with host.current().writer():
        run("retention_backfill", "apply", "--program", "club", "--batch", "start")

    # then
    assert between == before
    assert "Nothing was booked." in said
    planned = rows(report.read_text())
    total = planned.pop("TOTAL")
    assert set(simulated) == set(planned) == {str(user.pk) for user in users}
    for user in users:
        account = Account.objects.get(program=program, user_id=user.pk)
        row = planned[str(user.pk)]
        assert simulated[str(user.pk)] == row
        assert int(row["available"]) == account.available > 0
        assert int(row["pending"]) == account.pending == 0
        assert row["tier"] == account.tier
    assert int(total["points"]) == sum(a.available for a in Account.objects.all())
    assert summary["points"]["left"] == int(total["points"])
    assert summary["points"]["welcome"] == 25 * len(users)
    assert summary["points"]["expired"] == int(total["expired"]) > 0
    assert summary["orders_without_points"]["canceled"] == 1
    assert summary["orders_without_points"]["guest"] == 1
    assert summary["liability"] == [
        {"currency": "USD", "points": int(total["points"]), "amount": total["value_USD"]}
    ]
    assert len({record.tier for record in OrderRecord.objects.all()}) > 1
    with host.current().writer():
        assert breaches() == []
        _refund_and_undo(make, orders)


def _refund_and_undo(make: Any, orders: list[Any]) -> None:
    # when a booked order is refunded, through the shop's own mutation
    records = OrderRecord.objects.filter(grants_points=True).order_by("created_at")
    last = records.last()
    assert last is not None
    kept = last.earned - last.clawed
    (order,) = [order for order in orders if str(order.pk) == last.order_ref]
    order.refresh_from_db()
    make.refund(order, "9.00")
    settling.settle(order_ref=last.order_ref)

    # then its points are taken back
    last.refresh_from_db()
    assert 0 < last.earned - last.clawed < kept
    assert breaches() == []

    # when the batch is undone, and reconcile looks at every order again
    said = run("retention_backfill", "undo", "--program", "club", "--batch", "start")
    postings = Transaction.objects.count()
    for changed in orders:
        settling.settle(order_ref=str(changed.pk))
    reconcile(timezone.now() + dt.timedelta(minutes=1))
    again = run("retention_backfill", "undo", "--program", "club", "--batch", "start")

    # then welcome points are all that is left, and nothing came again
    assert "undone" in said
    assert "0 orders of 0 members" in again
    assert {account.available for account in Account.objects.filter(user__isnull=False)} == {25}
    assert Transaction.objects.count() == postings
    assert Backfill.objects.get().state == "undone"
    assert breaches() == []


def test_a_program_of_a_file_is_compared_with_the_one_that_runs(make: Any, tmp_path: Path) -> None:
    """Nothing is written, not even the program; gains and losses add up."""
    pytest.importorskip("yaml")
    users, _ = history(make, customers=2, orders=2)
    open_program(make)
    text = run("retention_program", "export")
    file = tmp_path / "next.yaml"
    file.write_text(text.replace("welcome_points: 25", "welcome_points: 7"))
    before = counts_of_rows()

    found = json.loads(run("retention_simulate", "--program-file", str(file), "--format", "json"))
    said = run("retention_simulate", "--program-file", str(file))

    assert counts_of_rows() == before
    other = found["compared_with"]
    assert other["program"] == "club"
    assert found["points"]["left"] == other["points"]["left"] - 18 * len(users)
    assert [item["gain"] for item in other["losers"]] == [-18, -18]
    assert (other["winners"], other["tier_changes"]) == ([], [])
    assert 'Compared with "club"' in said


def test_bad_arguments_are_refused(make: Any) -> None:
    """An unknown program, channel or batch; no program at all; an empty time."""
    open_program(make)
    calls = [
        (["retention_simulate", "--program", "none"], "no program"),
        (["retention_simulate"], "Name a program"),
        (["retention_simulate", "--program", "club", "--channel", "none"], "no channel"),
        (["retention_simulate", "--program", "club", "--from", "2100-01-01"], "empty"),
        (["retention_simulate", "--program-file", "nowhere.yaml"], "cannot be read"),
        (["retention_backfill", "plan", "--program", "none"], "no program"),
        (["retention_backfill", "undo", "--program", "club", "--batch", "x"], "no batch"),
        (["retention_backfill", "plan", "--program", "club", "--to", "2100-01-01"], "earn by"),
    ]

    for arguments, said in calls:
        with pytest.raises(CommandError, match=said):
            run(*arguments)


def test_customers_orders_come_in_chunks(make: Any) -> None:
    """In whatever chunks: each customer once with all orders, oldest first; drafts are left out."""
    from saleor_retention.selectors import past

    users, orders = history(make, customers=3, orders=3)
    make.draft(users[0], {make.make_product("5.00"): 1})
    channel = make.make_channel()
    refs = (str(getattr(channel, "pk", None) or channel.ref),)
    scope = past.Scope(refs, None, timezone.now())

    for size in (1, 2, 4, 100):
        found = [customer for chunk in past.customers(scope, size) for customer in chunk]
        assert [customer.user_ref for customer in found] == sorted(
            (str(user.pk) for user in users), key=int
        )
        for customer in found:
            moments = [order.created_at for order in customer.orders]
            assert moments == sorted(moments)
            assert customer.user is not None
            assert customer.user.ref == customer.user_ref
        seen = Counter(order.ref for customer in found for order in customer.orders)
        assert seen == {str(order.pk): 1 for order in orders[:-1]}
    assert past.count(scope) == (9, 1)
    assert past.count(past.Scope(("999999",), None, timezone.now())) == (0, 0)
    since = timezone.now() - dt.timedelta(days=400)
    recent = past.Scope(refs, since, timezone.now())
    few = [order for chunk in past.customers(recent) for c in chunk for order in c.orders]
    assert 0 < len(few) == past.count(recent)[0] < 9
    assert all(order.created_at >= since for order in few)


def test_a_chunk_takes_a_constant_number_of_statements(make: Any) -> None:
    """However many orders and customers it has."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    from saleor_retention.selectors import past

    channel = make.make_channel()
    refs = (str(getattr(channel, "pk", None) or channel.ref),)
    counts = []
    for customers in (1, 3):
        history(make, customers=customers, orders=3)
        scope = past.Scope(refs, None, timezone.now())
        with CaptureQueriesContext(connection) as queries:
            assert len(list(past.customers(scope))) == 1
        counts.append(len(queries))

    assert counts[0] == counts[1] < 20
