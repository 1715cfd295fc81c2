"""What is due, counted: the same that the tasks take, by an index, and told by a command."""

from __future__ import annotations

import datetime as dt
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.utils import timezone

from saleor_retention.models import Account, Dispatch, Lot, SettleFailure, Watermark
from saleor_retention.selectors import backlog, due
from saleor_retention.selectors.backlog import backlogs
from saleor_retention.services.campaigning import campaign_planning, campaigns, sending
from saleor_retention.services.checkout import redeeming
from saleor_retention.services.ledger import expiring, maturing, sweeping
from saleor_retention.services.membership import tiering
from saleor_retention.services.ordering import reconciling
from tests import ledger, workers
from tests.campaigns import campaign_of
from tests.fakes import at, line, order
from tests.ledger import Shop
from tests.members import LADDER

pytestmark = pytest.mark.django_db

HOUR = dt.timedelta(hours=1)
KINDS = (
    "lots to mature",
    "lots to expire",
    "tiers to evaluate",
    "holds to lapse",
    "messages to send",
    "orders to reconcile",
)


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Shop:
    """A shop with work of each kind: 6 members, 2 holds, 3 orders."""
    rules = {"tiers": {**LADDER, "grace_days": 0}, "reference": {"currency": "USD"}}
    opened = ledger.open_shop(monkeypatch, **rules)
    workers.seed(opened.program, members=6, holds=2)
    for number in range(3):
        opened.host.put_order(order(f"o{number}", line("a", 1000)), changed_at=at("2026-03-01"))
    return opened


def counts(now: dt.datetime) -> list[int]:
    """Return what is due, in the order of ``KINDS``."""
    found = backlogs(now)
    assert tuple(item.kind for item in found) == KINDS
    return [item.remaining for item in found]


def test_each_task_works_its_own_count_down(shop: Shop) -> None:
    """Orders count when reconcile has noted them, or when they changed since it looked."""
    now = timezone.now()
    seen = [counts(now)]
    maturing.mature_due(now)
    seen.append(counts(now))
    expiring.expire_due(now)
    seen.append(counts(now))
    tiering.evaluate_due(now)
    seen.append(counts(now))
    redeeming.lapse_due(now)
    seen.append(counts(now))
    reconciling.look(now)
    seen.append(counts(now))
    shop.host.put_order(order("o3", line("a", 1000)), changed_at=now)
    seen.append(counts(now))
    while reconciling.settle_noted(now):
        pass
    Watermark.objects.update(position_at=now + HOUR)
    seen.append(counts(now))

    assert seen == [
        [6, 6, 6, 2, 0, 0],
        [0, 6, 6, 2, 0, 0],
        [0, 0, 6, 2, 0, 0],
        [0, 0, 0, 2, 0, 0],
        [0, 0, 0, 0, 0, 0],
        [0, 0, 0, 0, 0, 3],
        [0, 0, 0, 0, 0, 4],
        [0, 0, 0, 0, 0, 0],
    ]


def test_messages_of_campaigns_count_until_they_are_sent(shop: Shop) -> None:
    """Those of a campaign that runs; paused, it has nothing to do; sent, nothing is left."""
    now = timezone.now()
    shop.member("ann")
    campaign = campaign_of(
        shop.program, {"kind": "once", "on": now.date()}, message=None, benefit={"points": 1}
    )
    campaigns.start_campaign(campaign, now)
    campaign_planning.plan(campaign, now)
    later = now + 24 * HOUR
    since = Dispatch.objects.get().not_before

    def messages() -> tuple[int, dt.datetime | None]:
        (found,) = (item for item in backlogs(later) if item.kind == "messages to send")
        return found.remaining, found.since

    assert messages() == (1, since)
    campaigns.pause_campaign(campaign)
    assert messages() == (0, None)
    campaigns.start_campaign(campaign, now)
    sending.send_due(now=later)
    assert messages() == (0, None)


def test_the_oldest_says_how_late_the_workers_are(shop: Shop) -> None:
    """Since when something is due, of each kind; nothing where nothing is."""
    now = timezone.now()
    Lot.objects.filter(is_pending=True).update(valid_from=at("2026-02-01"))
    SettleFailure.objects.create(pk="o1", attempts=0, failed_at=at("2026-03-02"))
    SettleFailure.objects.create(pk="o9", attempts=3, failed_at=at("2026-01-02"))
    expiring.expire_due(now)
    since = {item.kind: item.since for item in backlogs(now)}

    assert since["lots to mature"] == at("2026-02-01")
    assert since["lots to expire"] is None
    assert since["orders to reconcile"] == at("2026-03-02")
    assert shop.host.reads == []


@pytest.mark.parametrize(
    ("statement", "rows"),
    [(sweeping.MATURE, due.lots_to_mature), (sweeping.EXPIRE, due.lots_to_expire)],
)
def test_what_is_claimed_is_what_is_counted(shop: Shop, statement: str, rows: Any) -> None:
    """The statement of the sweep and the query of the count say the same, at any instant."""
    dues = [timezone.now() - dt.timedelta(days=days) for days in (500, 60, 59)]
    ann = shop.member("ann")
    ledger.give(ann, 5, valid_from=dues[1], expires_at=dues[2])
    ledger.owe(Account.objects.filter(available=0, held=0).first() or shop.member("bob"), 5)
    lots = set(Lot.objects.values_list("pk", "remaining", "is_pending"))
    found = []
    for now in (*dues, dues[1] + HOUR, timezone.now()):
        counted = set(rows(now))
        owed = {lot for lot in counted if lot.account.deficit}
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement, [now, 100])
            _, indebted = cursor.fetchone()
            left = set(rows(now))
            changed = lots - set(Lot.objects.values_list("pk", "remaining", "is_pending"))
            transaction.set_rollback(True)
        assert left == owed
        assert set(indebted or ()) == {lot.account_id for lot in owed}
        assert {pk for pk, _, _ in changed} == {lot.pk for lot in counted - owed}
        found.append(len(counted))

    assert found[0] == 0
    assert max(found) >= 6


@pytest.mark.parametrize(
    ("rows", "index"),
    [
        (due.lots_to_mature, "retention_lot_maturing"),
        (due.lots_to_expire, "retention_lot_expiry"),
        (due.tiers_to_evaluate, "retention_account_tier_due"),
        (due.holds_to_lapse, "retention_hold_lapse"),
    ],
)
def test_counting_reads_an_index(shop: Shop, rows: Any, index: str) -> None:
    """Among thousands of which few are due, the planner takes the index by the instant."""
    Account.objects.bulk_create(
        [
            Account(
                program=shop.program,
                member_number=f"later-{number}",
                joined_at=at("2026-01-01"),
                last_activity_at=at("2026-01-01"),
                tier_valid_until=timezone.now() + HOUR,
            )
            for number in range(5000)
        ]
    )
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO saleor_retention_lot (account_id, order_ref, opened_at, valid_from,"
            " expires_at, is_pending, granted, held, used, restored, expired, clawed, adjusted,"
            " repaid, remaining) SELECT id, '', joined_at, tier_valid_until,"
            " tier_valid_until + interval '1 hour', true, 1, 0, 0, 0, 0, 0, 0, 0, 1"
            " FROM saleor_retention_account WHERE member_number LIKE 'later-%'"
        )
        cursor.execute(
            "INSERT INTO saleor_retention_hold (account_id, checkout_ref, state, requested, points,"
            " currency, value_minor, version_id, captured, restored, order_ref, placed_at,"
            " lapses_at) SELECT id, member_number, 'placed', 1, 1, 'USD', 1, %s, 0, 0, '',"
            " joined_at, tier_valid_until FROM saleor_retention_account"
            " WHERE member_number LIKE 'later-%%'",
            [shop.program.current_version_id],
        )
        for table in ("account", "lot", "hold"):
            cursor.execute(f"ANALYZE saleor_retention_{table}")
    plan = rows(timezone.now()).explain()

    assert index in plan
    assert "Seq Scan on saleor_retention_account" not in plan
    assert rows(timezone.now()).count() in (2, 6)


def test_the_command_says_what_is_due(shop: Shop) -> None:
    """One line for each kind, with the instant of the oldest."""
    assert shop.host.reads == []
    said = StringIO()
    call_command("retention_progress", stdout=said)
    head, *lines = said.getvalue().splitlines()
    over = Lot.objects.filter(is_pending=True).values_list("valid_from", flat=True)[0]

    assert head.split() == ["due", "remaining", "since"]
    assert [item[:22].strip() for item in lines] == list(KINDS)
    assert lines[0].split()[-3:] == ["6", *f"{over:%Y-%m-%d %H:%M}".split()]
    assert lines[4].split()[-2:] == ["0", "-"]


def test_the_command_watches_until_all_is_done(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Done, total, rate and the rest, whoever did it; what falls due meanwhile does not count."""
    now = timezone.now()
    ann = shop.member("ann")
    ledger.give(ann, 5, expires_at=now + HOUR)
    steps = [
        lambda: maturing.mature_due(limit=4),
        maturing.mature_due,
        lambda: (expiring.expire_due(), tiering.evaluate_due(), redeeming.lapse_due()),
    ]
    module = "saleor_retention.management.commands.retention_progress.time"
    clock = iter(range(0, 100, 2))
    monkeypatch.setattr(f"{module}.sleep", lambda _seconds: steps.pop(0)())
    monkeypatch.setattr(f"{module}.monotonic", lambda: next(clock))
    said = StringIO()
    call_command("retention_progress", "--watch", "2", stdout=said)
    text = said.getvalue().splitlines()
    mature = [item.split()[3:] for item in text if item.startswith("lots to mature")]
    expire = [item.split()[3:] for item in text if item.startswith("lots to expire")]

    assert mature == [["4", "6", "2", "2"], ["6", "6", "1", "0"], ["6", "6", "0", "0"]]
    assert expire[-1] == ["6", "6", "3", "0"]
    assert text[-1] == "Nothing of what was due is left."
    assert steps == []


def test_changed_orders_are_counted_to_the_last(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In pages, also where many changed at one instant; none twice, and none later than asked."""
    monkeypatch.setattr(backlog, "CHANGED_AT_ONCE", 2)
    now = timezone.now()
    reconciling.look(now)
    while reconciling.settle_noted(now):
        pass
    instants = [now, now, now, now, *(now + number * HOUR for number in range(1, 9))]
    for number, changed_at in enumerate(instants):
        shop.host.put_order(order(f"n{number}", line("a", 1000)), changed_at=changed_at)
    SettleFailure.objects.create(pk="n2", attempts=0, failed_at=now)
    SettleFailure.objects.create(pk="n9", attempts=0, failed_at=now)

    found = [counts(now + number * HOUR)[-1] for number in (0, 3, 9)]

    assert found == [5, 8, 12]


def test_orders_that_turn_up_while_it_watches_raise_the_total(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a look noted meanwhile is work as well; what is done of it is told."""
    now = timezone.now()
    reconciling.look(now)
    while reconciling.settle_noted(now):
        pass
    maturing.mature_due()
    expiring.expire_due()
    tiering.evaluate_due()
    redeeming.lapse_due()
    shop.host.put_order(order("n0", line("a", 1000)), changed_at=now)
    steps = [
        lambda: SettleFailure.objects.bulk_create(
            SettleFailure(pk=f"n{number}", attempts=0, failed_at=now) for number in range(10)
        ),
        lambda: SettleFailure.objects.filter(pk__in=[f"n{n}" for n in range(1, 7)]).delete(),
        lambda: (SettleFailure.objects.all().delete(), Watermark.objects.update(position_at=later)),
    ]
    later = now + HOUR
    module = "saleor_retention.management.commands.retention_progress.time"
    clock = iter(range(0, 100, 2))
    monkeypatch.setattr(f"{module}.sleep", lambda _seconds: steps.pop(0)())
    monkeypatch.setattr(f"{module}.monotonic", lambda: next(clock))
    said = StringIO()
    call_command("retention_progress", "--watch", "2", stdout=said)
    lines = [item for item in said.getvalue().splitlines() if item.startswith("orders to")]

    assert [item.split()[3:] for item in lines] == [
        ["0", "10", "0", "10"],
        ["6", "10", "3", "4"],
        ["10", "10", "2", "0"],
    ]


@pytest.mark.parametrize("seconds", ["0", "-1", "soon"])
def test_the_command_refuses_a_watch_that_is_no_time(shop: Shop, seconds: str) -> None:
    """It would never sleep."""
    assert shop.host.reads == []
    with pytest.raises(CommandError):
        call_command("retention_progress", f"--watch={seconds}")
