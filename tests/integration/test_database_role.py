"""The shop runs with a role that does not own the ledger: all works, and the past is out of reach.

The roles are made inside the test's transaction, and gone with it.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO

import pytest
from django.contrib.auth import get_user_model
from django.core.management import CommandError, call_command
from django.db import DatabaseError, ProgrammingError, connection, transaction

from saleor_retention.models import (
    Account,
    Consumption,
    Entry,
    LedgerDigest,
    OrderRecord,
    Transaction,
)
from saleor_retention.selectors import persons, roles
from saleor_retention.selectors.verification import breaches
from saleor_retention.services.checkout import redeeming
from saleor_retention.services.ledger import digesting, expiring, granting, maturing
from saleor_retention.services.membership import erasing, members, tiering
from saleor_retention.services.ordering import settling
from saleor_retention.services.setting_up import programs
from tests import fakes
from tests.fakes import FakeHost, at, line, order
from tests.members import LADDER, NOON, books, give, make_member, make_program

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> FakeHost:
    """A shop in memory."""
    return fakes.use(monkeypatch)


@pytest.fixture
def role() -> str:
    """A role that the owner has let run the shop."""
    name = f'retention "app" {uuid.uuid4().hex[:8]}'
    run_sql(f"CREATE ROLE {roles.quoted(name)} NOLOGIN")
    call_command("retention_role", "--role", name, "--apply", stdout=StringIO())
    return name


@contextmanager
def acting_as(role: str) -> Iterator[None]:
    """Have every statement checked against a role's rights, as if it had logged in."""
    run_sql(f"SET LOCAL ROLE {roles.quoted(role)}")
    yield
    run_sql("RESET ROLE")


def run_sql(statement: str) -> None:
    """Execute a statement."""
    with connection.cursor() as cursor:
        cursor.execute(statement)


def test_everything_works_under_the_role(shop: FakeHost, role: str) -> None:
    """Enrol, earn, hold, capture, refund, expire, tiers, digests, erase; the ledger is sound."""
    with acting_as(role):
        program = make_program(
            tiers=LADDER,
            reference={"currency": "USD"},
            welcome_points=10,
            enrolment="opt_in",
            expiry={"policy": "days", "count": 90},
        )
        user = get_user_model().objects.create(email="ada@example.com", is_active=True)
        user_ref = str(user.pk)
        shop.put_user(user_ref, user.email)
        account = members.enrol(program, user_ref, now=at("2026-03-01 10:00"))
        shop.put_order(order("order-1", line("1", 9000), user_ref=user_ref, created_at=NOON))
        settling.settle(order_ref="order-1", now=NOON)
        granting.grant(
            account_id=account.pk, points=50, reason="Kind", actor_ref="", key="1", now=NOON
        )
        shop.put_checkout("cart-1", 5000, user_ref=user_ref)
        redeeming.set_redemption(checkout_ref="cart-1", user_ref=user_ref, points=40, now=NOON)
        redeeming.set_redemption(checkout_ref="cart-1", user_ref=user_ref, points=30, now=NOON)
        redeeming.clear_redemption(checkout_ref="cart-1", user_ref=user_ref, now=NOON)
        shop.return_units("order-1", "1", 1)
        settling.settle(order_ref="order-1", now=NOON)
        tiering.override(
            account_id=account.pk,
            tier="vip",
            valid_until=None,
            reason="Kind",
            actor_ref="",
            now=NOON,
        )
        programs.update_program(program=program, changes={"welcome_points": 20}, actor_ref="")
        maturing.mature_due(at("2026-04-01"))
        assert books(account) == (60, 0, 0, 0)
        assert expiring.expire_due(at("2027-01-01")) > 0
        assert digesting.seal_due(at("2026-03-05")) == 3
        granting.grant(
            account_id=account.pk, points=5, reason="Kind", actor_ref="", key="2", now=NOON
        )
        erased = erasing.erase(
            persons.of_user(user_ref), reason="Asked for", actor_ref="", now=NOON
        )
        assert breaches() == []

    assert erased == [account.pk]
    assert books(account) == (0, 0, 0, 0)
    assert OrderRecord.objects.get().clawed == 90
    assert {"bonus", "earn", "grant", "hold", "release", "clawback", "expire", "erase"} <= set(
        Transaction.objects.values_list("kind", flat=True)
    )


TRICKS = (
    "UPDATE saleor_retention_{table} SET id = id",
    "DELETE FROM saleor_retention_{table}",
    "TRUNCATE saleor_retention_{table} CASCADE",
    "ALTER TABLE saleor_retention_{table} DISABLE TRIGGER append_only",
    "ALTER TABLE saleor_retention_{table} DISABLE TRIGGER ALL",
    "ALTER TABLE saleor_retention_{table} ENABLE REPLICA TRIGGER append_only",
    "ALTER TABLE saleor_retention_{table} RENAME TO elsewhere",
    "ALTER TABLE saleor_retention_{table} OWNER TO CURRENT_USER",
    "DROP TRIGGER append_only ON saleor_retention_{table}",
    "DROP TABLE saleor_retention_{table} CASCADE",
    (
        "CREATE TRIGGER mine BEFORE INSERT ON saleor_retention_{table} "
        "FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()"
    ),
    "CREATE RULE mine AS ON INSERT TO saleor_retention_{table} DO INSTEAD NOTHING",
)


@pytest.mark.parametrize(
    "table",
    ["transaction", "entry", "lotextension", "programversion", "ledgerdigest", "erasure"],
)
@pytest.mark.parametrize("trick", TRICKS)
def test_the_past_is_out_of_the_roles_reach(
    shop: FakeHost, role: str, table: str, trick: str
) -> None:
    """Refused for want of the right, before any trigger is asked."""
    give(make_member(shop, make_program()), 100)

    with acting_as(role), pytest.raises(ProgrammingError) as caught, transaction.atomic():
        run_sql(trick.format(table=table))

    assert any(word in str(caught.value) for word in ("permission denied", "must be owner"))
    assert Entry.objects.count() == 2


@pytest.mark.parametrize(
    "trick",
    [
        "SET session_replication_role = replica",
        "SET LOCAL session_replication_role = replica",
        (
            "CREATE OR REPLACE FUNCTION saleor_retention_refuse_change() RETURNS trigger "
            "LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$"
        ),
        "DROP FUNCTION saleor_retention_refuse_change() CASCADE",
        "CREATE TABLE saleor_retention_other (id int)",
    ],
)
@pytest.mark.usefixtures("shop")
def test_the_triggers_cannot_be_gone_around(role: str, trick: str) -> None:
    """Neither by a setting of the session nor by another function of the same name."""
    with acting_as(role), pytest.raises(DatabaseError) as caught, transaction.atomic():
        run_sql(trick)

    assert any(word in str(caught.value) for word in ("permission denied", "must be owner"))


def test_what_follows_from_the_ledger_can_be_changed(shop: FakeHost, role: str) -> None:
    """Balances are kept beside it: the role can falsify them, and checking names it."""
    account = make_member(shop, make_program())
    give(account, 100)

    with acting_as(role):
        Account.objects.filter(pk=account.pk).update(available=7)

    assert {breach.invariant for breach in breaches()} == {2, 4, 10}
    assert not Consumption.objects.exists()
    assert not LedgerDigest.objects.exists()


def test_the_list_of_tables_is_that_of_the_triggers() -> None:
    """A table that a migration makes append-only is revoked too."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tgrelid::regclass::text FROM pg_trigger WHERE tgname = 'append_only'"
        )
        tables = {table for (table,) in cursor.fetchall()}

    assert tables == set(roles.APPEND_ONLY)


def test_the_command_prints_and_judges(role: str) -> None:
    """Without --apply nothing is granted; a role with too much is named with what it has."""
    other = f"retention_{uuid.uuid4().hex[:8]}"
    run_sql(f"CREATE ROLE {other} NOLOGIN CREATEROLE")
    out = StringIO()
    call_command("retention_role", "--role", other, stdout=out)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT has_table_privilege(%s, %s, 'INSERT')", [other, roles.APPEND_ONLY[0]]
        )
        assert cursor.fetchone() == (False,)
    assert out.getvalue().count(";\n") == len(roles.grants(other)) == 16
    run_sql(f"GRANT TRUNCATE, UPDATE (points) ON saleor_retention_entry TO {other}")
    with connection.cursor() as cursor:
        cursor.execute("SELECT quote_ident(current_user)")
        (owner,) = cursor.fetchone()
    run_sql(f"GRANT {owner} TO {other}")
    out = StringIO()

    call_command("retention_role", "--role", role, "--check", stdout=out)
    with pytest.raises(CommandError, match="can change the past"):
        call_command("retention_role", "--role", other, "--check", stdout=out)
    with pytest.raises(CommandError, match="There is no role"):
        call_command("retention_role", "--role", "nobody", stdout=out)

    said = out.getvalue()
    assert said.startswith(f'"{role}" can add to the ledger and change nothing in it.\n')
    assert "It can create roles" in said
    assert "It is, or can become, the owner of the ledger" in said
    assert "It has UPDATE on saleor_retention_entry." in said
    assert "It has TRUNCATE on saleor_retention_entry." in said
