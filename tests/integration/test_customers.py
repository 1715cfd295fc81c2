"""What is summed up of customers: after each settlement, every night, and never twice."""

from __future__ import annotations

import datetime as dt
import logging
import random
from typing import Any

import pytest
from django.db import connection

from saleor_retention import sql
from saleor_retention.engine.facts import OrderState
from saleor_retention.engine.segments.rfm import Scores, scores
from saleor_retention.models import (
    Account,
    AccountState,
    CustomerRollup,
    CustomerTag,
    OrderRecord,
    SegmentEvent,
    SegmentMember,
)
from saleor_retention.selectors.persons import Person
from saleor_retention.services.membership import customers, erasing, segments
from saleor_retention.services.membership.segments import Draft
from saleor_retention.services.ordering import settling
from tests import ledger
from tests.customers import kept, made, record_order, wrong_rollups
from tests.fakes import at, line, minor, order
from tests.ledger import Shop

pytestmark = pytest.mark.django_db

MARCH = at("2026-03-01 10:00")
PARIS = "Europe/Paris"


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Shop:
    """A shop whose program counts in Paris."""
    return ledger.open_shop(monkeypatch, time_zone=PARIS)


@pytest.fixture
def ann(shop: Shop) -> Account:
    """A member of it."""
    return shop.member("ann")


# --- after each settlement ------------------------------------------------------------------------


def test_settling_an_order_sums_its_customer_up(shop: Shop, ann: Account) -> None:
    """Two orders on two local days, the second by half past eleven at night UTC."""
    shop.buys(ann, "o1", "15.00", "5.00", now=at("2026-03-01 10:00"))
    shop.buys(ann, "o2", "30.00", now=at("2026-03-31 23:30"))

    row = kept(ann)

    assert row is not None
    assert (row.orders, row.order_days, row.spend_minor, row.first_day_minor) == (2, 2, 5000, 2000)
    assert (row.first_on, row.last_on) == (dt.date(2026, 3, 1), dt.date(2026, 4, 1))
    assert row.second_order_at == row.last_order_at == at("2026-03-31 23:30")
    assert row == made(ann, PARIS)


def test_refunds_and_cancellations_follow(shop: Shop, ann: Account) -> None:
    """What is kept goes down; an order of which nothing is kept is none, and no row is left."""
    shop.buys(ann, "o1", "15.00", "5.00")
    shop.host.return_units("o1", "a", 1)
    shop.settle("o1", at("2026-03-02"))
    after_return = kept(ann)
    shop.host.change_order("o1", state=OrderState.CANCELED)
    shop.settle("o1", at("2026-03-03"))

    assert after_return is not None
    assert (after_return.orders, after_return.spend_minor) == (1, 500)
    assert kept(ann) is None


def test_settling_again_changes_nothing(shop: Shop, ann: Account) -> None:
    """The same event thrice: not even the row's revision moves."""
    shop.buys(ann, "o1", "15.00")
    first = CustomerRollup.objects.values().get(account=ann)
    for _ in range(2):
        shop.settle("o1", at("2026-03-02"))

    assert CustomerRollup.objects.values().get(account=ann) == first
    assert first["revision"] == 1


def test_an_order_that_is_not_paid_counts_when_it_is(shop: Shop, ann: Account) -> None:
    """As for tiers; it counts on the day it was made."""
    user_ref = str(ann.user_id)
    shop.host.put_order(
        order("o1", line("a", 1000), user_ref=user_ref, created_at=MARCH, is_paid=False)
    )
    shop.settle("o1", MARCH)
    unpaid = kept(ann)
    shop.host.change_order("o1", is_paid=True, paid_at=at("2026-03-09"))
    shop.settle("o1", at("2026-03-09"))

    row = kept(ann)

    assert unpaid is None
    assert row is not None
    assert row.last_order_at == MARCH


def test_a_guest_who_turns_out_to_be_a_member_is_one_customer(shop: Shop, ann: Account) -> None:
    """The order moves from the guest's rollup to the member's."""
    shop.buys(ann, "o1", "10.00")
    shop.host.put_order(order("o2", line("a", 2000), created_at=MARCH))
    shop.settle("o2", MARCH)
    shadow = Account.objects.get(state=AccountState.SHADOW)
    as_guest = kept(shadow)
    shop.host.change_order("o2", user_ref=str(ann.user_id), is_user_confirmed=True)
    shop.settle("o2", at("2026-03-05"))

    row = kept(ann)

    assert as_guest is not None
    assert as_guest.spend_minor == 2000
    assert kept(shadow) is None
    assert row is not None
    assert (row.orders, row.spend_minor) == (2, 3000)


def test_segments_are_told_only_where_there_are_some(shop: Shop, ann: Account) -> None:
    """A program without rules has nothing to refresh after an order."""
    shop.buys(ann, "o1", "10.00")
    before = list(shop.host.dispatched)
    segments.create_segment(shop.program, Draft("any", "Any", {"orders": {"from": 1}}), now=MARCH)
    shop.buys(ann, "o2", "10.00")
    shop.settle("o2", MARCH)

    wanted = ("refresh_customers", (shop.program.pk, [ann.pk]))

    assert [each for each in before if each[0] == "refresh_customers"] == []
    assert [each for each in shop.host.dispatched if each[0] == "refresh_customers"] == [wanted]


# --- every night ----------------------------------------------------------------------------------


def test_the_night_mends_and_names_what_differs(
    shop: Shop, ann: Account, caplog: pytest.LogCaptureFixture
) -> None:
    """A sum that was tampered with, a row that is missing, and one that ought not to be there."""
    bob, cat = shop.member("bob"), shop.member("cat")
    shop.buys(ann, "o1", "10.00", now=MARCH)
    shop.buys(bob, "o2", "20.00", now=MARCH)
    shop.buys(cat, "o3", "30.00", now=MARCH)
    CustomerRollup.objects.filter(account=ann).update(spend_minor=7)
    CustomerRollup.objects.filter(account=bob).delete()
    OrderRecord.objects.filter(account=cat).update(is_counted=False, spend_minor=0)

    with caplog.at_level(logging.WARNING):
        done = customers.mend(shop.program)

    assert (done.written, done.deleted) == (2, 1)
    day = "1 orders on 1 days from 2026-03-01 to 2026-03-01"
    assert [str(difference) for difference in done.differences] == [
        f"account {ann.pk}: kept was {day}, 7 minor units; its orders make {day}, 1000 minor units",
        f"account {bob.pk}: kept was nothing; its orders make {day}, 2000 minor units",
        f"account {cat.pk}: kept was {day}, 3000 minor units; its orders make nothing",
    ]
    assert len(caplog.records) == 2  # a row that was never made is no news
    assert wrong_rollups(shop.program, PARIS) == []
    assert customers.mend(shop.program) == customers.Refreshed()


@pytest.mark.parametrize("seal", [None, 0])
def test_the_night_seals_what_is_right_and_names_nobody(
    shop: Shop, ann: Account, seal: int | None
) -> None:
    """Rollups from before there were seals, or sealed by another PostgreSQL."""
    bob = shop.member("bob")
    shop.buys(ann, "o1", "10.00", now=MARCH)
    shop.buys(bob, "o2", "20.00", now=MARCH)
    sealed = {row.pk: row.seal for row in CustomerRollup.objects.all()}
    CustomerRollup.objects.update(seal=seal)

    done = customers.mend(shop.program)

    assert (done.written, done.deleted, done.differences) == (0, 0, ())
    assert {row.pk: row.seal for row in CustomerRollup.objects.all()} == sealed
    assert len(set(sealed.values())) == 2


@pytest.mark.parametrize(
    "changed",
    [
        {"order_days": 1},
        {"second_order_at": None},
        {"second_order_at": MARCH},
        {"first_day_minor": 999},
        {"last_on": dt.date(2026, 3, 3)},
        {"first_order_at": MARCH - dt.timedelta(microseconds=1)},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_no_column_of_a_rollup_can_be_bent(
    shop: Shop, ann: Account, changed: dict[str, Any]
) -> None:
    """Also those that no sum over the orders shows."""
    shop.buys(ann, "o1", "10.00", now=MARCH)
    shop.buys(ann, "o2", "20.00", now=at("2026-03-02"))
    right = kept(ann)
    CustomerRollup.objects.filter(account=ann).update(**changed)

    done = customers.mend(shop.program)

    assert done.written == 1
    assert kept(ann) == right


def test_the_night_follows_a_new_time_zone(shop: Shop, ann: Account) -> None:
    """Days are the program's, also when it moves."""
    shop.buys(ann, "o1", "10.00", now=at("2026-03-31 23:30"))
    shop.change_rules({"time_zone": "UTC"}, now=at("2026-04-02"))

    customers.mend(shop.program)

    row = kept(ann)
    assert row is not None
    assert row.last_on == dt.date(2026, 3, 31)


def test_the_night_leaves_alone_what_was_settled_meanwhile(shop: Shop, ann: Account) -> None:
    """A sum made from an older snapshot does not overwrite a newer row."""
    shop.buys(ann, "o1", "10.00", now=MARCH)
    CustomerRollup.objects.filter(account=ann).update(spend_minor=7)
    wrong = sql.load("customers/wrong")
    moved = "COALESCE(kept.revision, 0) - 1 AS revision"  # as if somebody had written since
    stale = wrong.replace("COALESCE(kept.revision, 0) AS revision", moved)
    assert stale != wrong
    parameters: dict[str, Any] = {
        "program_id": shop.program.pk,
        "time_zone": PARIS,
        "account_ids": [ann.pk],
        "is_locked": False,
        "named_max": 1,
    }

    with connection.cursor() as cursor:
        cursor.execute(sql.load("customers/refresh").replace("{wrong}", stale), parameters)
        written = cursor.fetchone()[0]

    assert written == 0
    assert CustomerRollup.objects.get(account=ann).spend_minor == 7


@pytest.mark.parametrize("seed", range(4))
def test_the_statement_agrees_with_the_engine(shop: Shop, seed: int) -> None:
    """Random orders around midnights and clock changes; then sums and scores of all customers."""
    draw = random.Random(seed)  # noqa: S311
    members = [shop.member(f"m{number}") for number in range(40)]
    start = at("2025-10-01 00:00")
    for member in members:
        for _ in range(draw.choice([0, 1, 1, 2, 3, 8])):
            moment = start + dt.timedelta(minutes=30 * draw.randrange(48 * 60))
            record_order(member, moment, draw.randrange(0, 900), is_counted=draw.random() < 0.9)

    customers.mend(shop.program)

    assert wrong_rollups(shop.program, PARIS) == []
    rows = CustomerRollup.objects.all()
    found = {
        row.pk: Scores(row.recency_score, row.frequency_score, row.monetary_score) for row in rows
    }
    sums = {member.pk: each for member in members if (each := kept(member)) is not None}
    assert found == scores(sums)
    assert not customers.mend(shop.program).is_change


# --- erasure --------------------------------------------------------------------------------------


def test_an_erased_customer_leaves_no_trace_but_sums(shop: Shop, ann: Account) -> None:
    """Rollup, segments, their history and tags go; the order stays with the pseudonym."""
    shop.buys(ann, "o1", "10.00", now=MARCH)
    draft = Draft("buyers", "Buyers", {"orders": {"from": 1}}, tag="buyer")
    segments.create_segment(shop.program, draft, now=MARCH)
    models = (CustomerRollup, SegmentMember, SegmentEvent, CustomerTag)
    before = [model.objects.filter(account=ann).count() for model in models]

    erasing.erase(Person(user_ref=str(ann.user_id)), reason="asked", actor_ref="user:1", now=MARCH)
    settling.settle(order_ref="o1", now=at("2026-03-02"))
    segments.nightly(shop.program, now=at("2026-03-02"))

    assert before == [1, 1, 1, 1]
    assert [model.objects.filter(account=ann).count() for model in models] == [0, 0, 0, 0]
    assert OrderRecord.objects.get(order_ref="o1").spend_minor == minor("10.00")


def test_what_was_written_of_an_account_being_erased_goes_at_night(
    shop: Shop, ann: Account
) -> None:
    """A refresh that began before the erasure may write after it."""
    segment = segments.create_segment(
        shop.program, Draft("buyers", "Buyers", {"orders": {"from": 1}}), now=MARCH
    )
    erasing.erase(Person(user_ref=str(ann.user_id)), reason="asked", actor_ref="", now=MARCH)
    SegmentMember.objects.create(segment=segment, account=ann, since=MARCH)

    segments.nightly(shop.program, now=MARCH)

    assert not SegmentMember.objects.exists()
    assert not SegmentEvent.objects.exists()
