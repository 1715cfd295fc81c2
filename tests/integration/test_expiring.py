"""The job that posts breakage: at the instant it was due, and the same as one by one."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection

from saleor_retention.models import Account, Transaction
from saleor_retention.selectors.verification import breaches
from saleor_retention.services.ledger import expiring, maturing, posting
from saleor_retention.services.ledger.locking import lock_account
from tests import ledger
from tests.fakes import at
from tests.ledger import Shop

pytestmark = pytest.mark.django_db

LATE = at("2026-06-01 03:00")


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Shop:
    """Points die after 30 days."""
    return ledger.open_shop(monkeypatch, expiry={"policy": "days", "count": 30})


def essence(account: Account) -> list[tuple[Any, ...]]:
    """Return what the postings of time say, but for ids."""
    rows = []
    for row in Transaction.objects.filter(account=account, kind__in=("mature", "expire")):
        legs = row.entries.order_by("points").values_list("book", "points", "account")
        owned = [(book, points, owner is None) for book, points, owner in legs]
        rows.append((row.kind, row.effective_at, row.recorded_at, row.cause, *owned))
    return sorted(rows)


def test_breakage_is_dated_at_its_instant_however_late_it_runs(shop: Shop) -> None:
    """Two months late, twice: one posting, of the past."""
    ann = shop.member("ann")
    shop.buys(ann, "o1", "50.00", now=at("2026-03-01 10:00"))
    counts = [expiring.expire_due(LATE), expiring.expire_due(LATE)]

    assert counts == [1, 0]
    assert essence(ann) == [
        (
            "expire",
            at("2026-04-01"),
            LATE,
            "time:expire",
            ("available", -50, False),
            ("breakage", 50, True),
        )
    ]
    assert ledger.balances(ann) == ledger.replayed(ann) == (0, 0, 0, 0)
    (lot,) = ledger.lots(ann)
    assert (lot.expired, lot.remaining) == (50, 0)


def test_one_member_who_was_tampered_with_stops_nobody_else(
    shop: Shop, caplog: pytest.LogCaptureFixture
) -> None:
    """Expiry and maturing go on past him, oldest first; the log and a check name his account."""
    bad, *others = [shop.member(name) for name in ("bad", "bob", "cyd")]
    for number, member in enumerate((bad, *others)):
        ledger.give(member, 50, expires_at=at(f"2026-04-0{number + 1}"))
        ledger.give(member, 7, valid_from=at(f"2026-04-0{number + 1}"))
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(
            "UPDATE saleor_retention_account SET available = 0, pending = 0 WHERE id = %s", [bad.pk]
        )
        cursor.execute("SET LOCAL session_replication_role = origin")
    counts = [job(LATE, 1) for job in (expiring.expire_due, maturing.mature_due) for _ in range(4)]

    assert counts[0] >= 1
    assert [ledger.balances(member) for member in others] == [(7, 0, 0, 0)] * 2
    assert ledger.balances(bad) == (0, 0, 0, 0)
    assert not Transaction.objects.filter(account=bad, kind__in=("mature", "expire")).exists()
    assert counts[-1] == 0
    left_out = f"The lots of account {bad.pk} cannot be posted; he is left out."
    assert left_out in [record.getMessage() for record in caplog.records]
    assert f"member {bad.member_number}" in {breach.subject for breach in breaches()}


def test_nothing_dies_before_its_instant(shop: Shop) -> None:
    """Valid on [valid_from, expires_at)."""
    ann = shop.member("ann")
    ledger.give(ann, 50, expires_at=at("2026-04-01"))

    assert expiring.expire_due(at("2026-03-31 23:59:59.999999")) == 0
    assert expiring.expire_due(at("2026-04-01")) == 1


def test_the_set_based_job_posts_what_catching_up_posts(shop: Shop) -> None:
    """Also where lots matured and died since, and where some are partly spent."""
    ann, bob = shop.member("ann"), shop.member("bob")
    for member in (ann, bob):
        ledger.give(member, 40, valid_from=at("2026-03-01"), expires_at=at("2026-03-05"))
        ledger.give(member, 30, valid_from=at("2026-03-03"))
        ledger.spend(ledger.give(member, 20, expires_at=at("2026-03-04")), 5, now=at("2026-02-01"))
    posting.catch_up(lock_account(ann.pk), LATE)
    maturing.mature_due(LATE)
    expiring.expire_due(LATE)

    assert essence(ann) == essence(bob)
    assert [row[:2] for row in essence(ann)] == [
        ("expire", at("2026-03-04")),
        ("expire", at("2026-03-05")),
        ("mature", at("2026-03-01")),
        ("mature", at("2026-03-03")),
    ]
    assert ledger.balances(ann) == ledger.balances(bob) == (30, 0, 0, 0)
    assert breaches() == []


def test_the_digest_of_the_set_based_posting_is_the_services(shop: Shop) -> None:
    """So that a service that posts the same key afterwards sees the same content."""
    ann = shop.member("ann")
    lot = ledger.give(ann, 50, expires_at=at("2026-04-01"))
    expiring.expire_due(LATE)
    again = posting.post(
        lock_account(ann.pk),
        kind="expire",
        key=f"expire:{lot.pk}:0",
        legs=[posting.Leg("available", -50, lot), posting.Leg("breakage", 50, lot)],
        effective_at=LATE,
        now=LATE,
    )

    assert not again.is_new


def test_held_points_do_not_die_with_their_lot(shop: Shop) -> None:
    """The hold pins them; the free rest is breakage."""
    ann = shop.member("ann")
    lot = ledger.give(ann, 50, expires_at=at("2026-04-01"))
    ledger.move(lot, 20, "available", "held", now=at("2026-03-31"))
    expiring.expire_due(LATE)

    assert ledger.balances(ann) == (0, 0, 20, 0)
    (lot,) = ledger.lots(ann)
    assert (lot.held, lot.expired, lot.remaining) == (20, 30, 0)


def test_points_that_come_back_after_the_sweep_can_die_again(shop: Shop) -> None:
    """Two clocks that differ a little: the second breakage of a lot is another posting."""
    ann = shop.member("ann")
    lot = ledger.give(ann, 50, expires_at=at("2026-04-01"))
    ledger.move(lot, 20, "available", "held", now=at("2026-03-31"))
    expiring.expire_due(at("2026-04-01"))
    ledger.move(lot, 20, "held", "available", now=at("2026-03-31 23:59:59"))
    expiring.expire_due(at("2026-04-01 00:00:01"))

    assert ledger.balances(ann) == (0, 0, 0, 0)
    keys = Transaction.objects.filter(kind="expire").order_by("pk").values_list("key", flat=True)
    assert list(keys) == [f"expire:{lot.pk}:0", f"expire:{lot.pk}:30"]
    assert breaches() == []


def test_a_batch_is_bounded(shop: Shop) -> None:
    """Soonest first; the next run goes on."""
    for day, name in enumerate(("ann", "bob", "eve"), start=1):
        ledger.give(shop.member(name), 10, expires_at=at(f"2026-04-0{day}"))
    counts = [expiring.expire_due(LATE, limit=2) for _ in range(3)]

    assert counts == [2, 1, 0]


def test_a_batch_is_bounded_by_lots_also_where_one_member_has_many(shop: Shop) -> None:
    """Seven lots of one member take four transactions of two."""
    ann = shop.member("ann")
    for day in range(1, 8):
        ledger.give(ann, 10, expires_at=at(f"2026-04-0{day}"))
    counts = [expiring.expire_due(LATE, limit=2) for _ in range(5)]

    assert counts == [2, 2, 2, 1, 0]
    assert ledger.balances(ann) == ledger.replayed(ann) == (0, 0, 0, 0)


def test_members_who_owe_do_not_make_a_batch_longer(shop: Shop) -> None:
    """Each of them is done at once and whole; the next one waits for the next batch."""
    members = [shop.member(name) for name in ("ann", "bob", "eve")]
    for member in members:
        for day in (1, 2):
            opened = at(f"2026-03-0{day}")
            ledger.give(member, 10, valid_from=opened, expires_at=at(f"2026-04-0{day}"))
        ledger.owe(member, 5)
    counts = [expiring.expire_due(LATE, limit=4) for _ in range(4)]

    assert counts == [4, 4, 4, 0]  # two lots that mature and die, for each
    assert [ledger.balances(member) for member in members] == [(0, 0, 0, 0)] * 3
    assert breaches() == []
