"""What campaigns had given before it was written down is found when the plugin is upgraded."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from importlib import import_module
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.migrations.loader import MigrationLoader

from saleor_retention.models import Account, Campaign, Dispatch, DispatchState, Transaction
from saleor_retention.services.ledger import granting
from tests.campaigns import NOW, QUESTIONS, open_mailing_shop, started
from tests.ledger import Shop

pytestmark = pytest.mark.django_db

APP, NAME, BEFORE = "saleor_retention", "0031_benefits_given", "0030_lot_children"
LATER = {"benefit_given_at", "points_given"}
MINUTE = dt.timedelta(minutes=1)
PLANNED, SENDING, FINISHED = (NOW + number * MINUTE for number in range(3))
POINTS_AT = NOW - MINUTE


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch, settings: Any) -> Shop:
    """A shop with a campaign's messages."""
    return open_mailing_shop(monkeypatch, settings, questions=QUESTIONS)


@pytest.fixture
def before(shop: Shop) -> Iterator[Any]:  # noqa: ARG001 - its rows come first
    """The tables of messages as they were; and how to bring them forth. All of it is undone."""
    loader = MigrationLoader(connection)
    migration = import_module(f"{APP}.migrations.{NAME}").Migration(NAME, APP)

    def old() -> Any:
        return loader.project_state((APP, BEFORE))

    def forth() -> None:
        check_now()
        with connection.schema_editor(atomic=False) as editor:
            migration.apply(old(), editor)

    with transaction.atomic():
        check_now()
        with connection.schema_editor(atomic=False) as editor:
            migration.unapply(old(), editor)
        yield forth
        transaction.set_rollback(True)
    assert columns() >= LATER


def check_now() -> None:
    """Check what is checked at the end of a transaction: no table is changed before."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


def columns() -> set[str]:
    """Return the columns of messages in the database."""
    with connection.cursor() as cursor:
        description = connection.introspection.get_table_description(
            cursor, Dispatch._meta.db_table
        )
    return {column.name for column in description}


def write_old(
    campaign: Campaign, account: Account, state: str, *, ref: str = "", **at: dt.datetime | None
) -> int:
    """Write a message down as the version before did; return its id."""
    row = {
        "campaign_id": campaign.pk,
        "version_id": campaign.current_version_id,
        "account_id": account.pk,
        "cycle": f"old:{account.pk}",
        "channel": "email",
        "state": state,
        "not_before": PLANNED,
        "useful_until": NOW + dt.timedelta(days=1),
        "facts": "{}",
        "attempts": 0,
        "planned_at": PLANNED,
        "sending_at": None,
        "finished_at": None,
        "benefit_ref": ref,
        "note": "",
        **at,
    }
    names, marks = ", ".join(row), ", ".join(["%s"] * len(row))
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO saleor_retention_dispatch ({names}) VALUES ({marks}) RETURNING id",
            list(row.values()),
        )
        return int(cursor.fetchone()[0])


def grant(account: Account, points: int, key: str) -> None:
    """Book points as a campaign, or staff, did."""
    granting.grant(
        account_id=account.pk, points=points, reason="x", actor_ref="", key=key, now=POINTS_AT
    )


def test_what_was_given_is_counted_and_nothing_else(shop: Shop, before: Any) -> None:
    """Points by their posting, coupons and offers by their name, at the time that is known best."""
    assert not columns() & LATER
    campaign = started(shop, {"kind": "welcome"})
    accounts = [shop.member(f"m{number}") for number in range(8)]
    handed = {"sending_at": SENDING, "finished_at": FINISHED}
    sent, failed, planned = DispatchState.SENT, DispatchState.FAILED, DispatchState.PLANNED
    rows = [
        write_old(campaign, accounts[0], sent, **handed),  # points
        write_old(campaign, accounts[1], planned),  # points, the message is still to come
        write_old(campaign, accounts[2], sent, ref="CODE-7", **handed),  # a coupon
        write_old(campaign, accounts[3], failed, ref="CODE-8", finished_at=FINISHED),
        write_old(campaign, accounts[4], planned, ref="tea-offer"),
        write_old(campaign, accounts[5], sent, **handed),  # a message alone
        write_old(campaign, accounts[6], DispatchState.SKIPPED, finished_at=FINISHED),
        write_old(campaign, accounts[7], sent, ref="CODE-9", **handed),  # both
    ]
    for index, points in ((0, 25), (1, 40), (7, 15)):
        grant(accounts[index], points, f"campaign:{rows[index]}")
    grant(accounts[5], 60, f"campaign-{rows[5]}")  # by staff, under a key of their own

    before()

    kept = {
        pk: (at, points)
        for pk, at, points in Dispatch.objects.values_list("pk", "benefit_given_at", "points_given")
    }
    booked = dict(Transaction.objects.values_list("key", "recorded_at"))
    of_points = [
        (rows[index], booked[f"grant:campaign:{rows[index]}"], points)
        for index, points in ((0, 25), (1, 40), (7, 15))
    ]
    assert kept == {
        **{pk: (at, points) for pk, at, points in of_points},
        rows[2]: (SENDING, 0),
        rows[3]: (FINISHED, 0),
        rows[4]: (PLANNED, 0),
        rows[5]: (None, 0),
        rows[6]: (None, 0),
    }
    assert Dispatch.objects.count() == len(rows)


def test_a_process_of_the_version_before_goes_on_writing(shop: Shop, before: Any) -> None:
    """It names no column that came later."""
    campaign = started(shop, {"kind": "welcome"})
    before()

    row = Dispatch.objects.get(pk=write_old(campaign, shop.member("late"), DispatchState.PLANNED))

    assert (row.points_given, row.benefit_given_at) == (0, None)
