"""Tasks: what they call, in batches, twice, at once; and their entries in the shop's schedule."""

from __future__ import annotations

import datetime as dt
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from celery.schedules import crontab
from django.contrib.auth import get_user_model
from django.db import connections
from django.utils import timezone

from saleor_retention import beat, tasks
from saleor_retention.models import (
    Account,
    AccountState,
    Hold,
    Lot,
    Note,
    OrderRecord,
    Program,
    SettleFailure,
    StoredQuote,
    TierChange,
    Transaction,
)
from saleor_retention.selectors.verification import breaches
from saleor_retention.services.checkout import redeeming, repricing
from saleor_retention.services.ledger import granting
from saleor_retention.services.membership import erasing, tiering
from tests.fakes import FakeHost, line, order, use
from tests.members import (
    LADDER,
    NOON,
    books,
    counts_of_rows,
    give,
    make_member,
    make_program,
    make_user,
)

pytestmark = pytest.mark.django_db

PERIODIC = (
    tasks.mature,
    tasks.expire,
    tasks.lapse_holds,
    tasks.lapse_reservations,
    tasks.reconcile,
    tasks.evaluate_tiers,
    tasks.erase_deleted,
    tasks.forget_quotes,
    tasks.seal_days,
    tasks.sum_ledger,
    tasks.refresh_segments,
    tasks.turn_offers,
)
LONG_AGO = timezone.now() - dt.timedelta(days=400)


@pytest.fixture(autouse=True)
def shop(monkeypatch: pytest.MonkeyPatch) -> FakeHost:
    """A shop in memory."""
    return use(monkeypatch)


def busy_shop(shop: FakeHost) -> Program:
    """Make something for every periodic task to do."""
    program = make_program(tiers={**LADDER, "grace_days": 0}, reference={"currency": "USD"})
    for number in range(6):
        account = make_member(
            shop, program, tier="vip", tier_valid_until=timezone.now() - dt.timedelta(hours=1)
        )
        give(account, 100, opened_at=LONG_AGO, expires_at=timezone.now() - dt.timedelta(hours=1))
        give(account, 500)
        ref = f"cart-{number}"
        shop.put_checkout(ref, 5000, user_ref=str(account.user_id))
        redeeming.set_redemption(
            checkout_ref=ref,
            user_ref=str(account.user_id),
            points=200,
            now=timezone.now() - dt.timedelta(hours=2),
        )
        shop.put_order(
            order(
                f"order-{number}",
                line("1", 1000),
                user_ref=str(account.user_id),
                created_at=timezone.now() - dt.timedelta(minutes=5),
            )
        )
    return program


def run_all() -> None:
    """Run every periodic task once."""
    for task in PERIODIC:
        task.run()


def figures() -> list[tuple[Any, ...]]:
    """Return what is kept of every member."""
    columns = ("available", "pending", "held", "deficit", "tier")
    return list(Account.objects.order_by("pk").values_list(*columns))


def test_every_task_does_its_part(shop: FakeHost) -> None:
    """Dead lots are broken, holds lapse, orders are settled, tiers fall."""
    busy_shop(shop)

    run_all()

    assert figures() == [(500 + 10, 0, 0, 0, "regular")] * 6
    assert breaches() == []


def test_running_twice_changes_nothing(shop: FakeHost) -> None:
    """A schedule that fires twice does no harm."""
    busy_shop(shop)
    run_all()
    before, after_once = counts_of_rows(), figures()

    run_all()

    assert counts_of_rows() == before
    assert figures() == after_once


@pytest.mark.django_db(transaction=True)
def test_running_at_the_same_time_does_everything_once(shop: FakeHost) -> None:
    """Four workers, each with all tasks: the result is that of one."""
    busy_shop(shop)

    def work(_: int) -> None:
        try:
            run_all()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))
    run_all()

    assert figures() == [(500 + 10, 0, 0, 0, "regular")] * 6
    assert Transaction.objects.filter(kind="earn").count() == 6
    assert Transaction.objects.filter(kind="lapse").count() == 6
    assert TierChange.objects.filter(kind="downgrade").count() == 6
    assert breaches() == []


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch, settings: Any) -> list[tuple[str, dict[str, Any]]]:
    """A broker that only keeps what is dispatched, three runs at once, and two rows in a batch."""
    kept: list[tuple[str, dict[str, Any]]] = []
    for task in (*PERIODIC, tasks.settle_noted):
        name = task.name.rpartition(".")[2]
        monkeypatch.setattr(
            task,
            "apply_async",
            lambda kwargs=None, _name=name: kept.append((_name, kwargs or {})),
        )
    for name in ("ROWS", "ORDERS", "BATCHES_MAX"):
        monkeypatch.setattr(tasks, name, 2)
    settings.RETENTION_EXPIRE_BATCH = 2
    settings.RETENTION_TASKS_AT_ONCE = 3
    settings.CELERY_TASK_ALWAYS_EAGER = False
    return kept


def run_all_sent(sent: list[tuple[str, dict[str, Any]]]) -> int:
    """Be the workers until nothing is dispatched any more; return how many runs that took."""
    runs = 0
    while sent:
        name, arguments = sent.pop(0)
        getattr(tasks, name).run(**arguments)
        runs += 1
    return runs


def test_a_backlog_is_shared_and_the_rest_is_dispatched_after_some_batches(
    shop: FakeHost, sent: list[tuple[str, dict[str, Any]]]
) -> None:
    """A full first batch calls two others to help; all of them end at the same time."""
    busy_shop(shop)

    tasks.lapse_holds.run()

    assert Hold.objects.filter(state="lapsed").count() == 4
    assert [name for name, _ in sent] == ["lapse_holds"] * 3
    (until,) = {arguments["until"] for _, arguments in sent}
    ends_in = dt.datetime.fromisoformat(until) - timezone.now()
    assert dt.timedelta(minutes=4) < ends_in <= dt.timedelta(minutes=5)
    assert run_all_sent(sent) == 3
    assert Hold.objects.filter(state="lapsed").count() == 6


def test_tiers_are_shared_too_but_for_the_run_that_warns(
    shop: FakeHost, sent: list[tuple[str, dict[str, Any]]]
) -> None:
    """Helpers begin at the first member; a run goes on from where it came to."""
    busy_shop(shop)

    tasks.evaluate_tiers.run()

    until = sent[0][1]["until"]
    fourth = Account.objects.order_by("pk")[3].pk
    helper = ("evaluate_tiers", {"warns": False, "until": until})
    assert sent == [helper, helper, (helper[0], {"after_id": fourth, **helper[1]})]
    assert Account.objects.filter(tier="vip").count() == 2
    run_all_sent(sent)
    assert Account.objects.filter(tier="vip").count() == 0
    Account.objects.update(tier="vip", tier_valid_until=timezone.now() - dt.timedelta(hours=1))
    tasks.evaluate_tiers.run(warns=True)
    assert sent == [("evaluate_tiers", {"after_id": fourth, "warns": True})]


def test_a_small_task_calls_nobody(shop: FakeHost, sent: list[tuple[str, dict[str, Any]]]) -> None:
    """What one batch does is not worth a message."""
    account = make_member(shop, make_program())
    give(account, 100, opened_at=LONG_AGO, expires_at=timezone.now() - dt.timedelta(hours=1))

    tasks.expire.run()

    assert books(account) == (0, 0, 0, 0)
    assert sent == []


def test_runs_end_when_beat_has_begun_anew(
    shop: FakeHost, sent: list[tuple[str, dict[str, Any]]]
) -> None:
    """A message that waited too long for a worker does nothing and is not passed on."""
    busy_shop(shop)
    over = (timezone.now() - dt.timedelta(seconds=1)).isoformat()

    tasks.expire.run(until=over)
    tasks.evaluate_tiers.run(until=over)

    assert (counts_of_rows()["TierChange"], sent) == (0, [])
    assert Transaction.objects.filter(kind="expire").count() == 0


def test_what_reconcile_found_is_shared(
    shop: FakeHost, sent: list[tuple[str, dict[str, Any]]]
) -> None:
    """The run that beat began notes all orders and settles some; others settle the rest."""
    busy_shop(shop)

    tasks.reconcile.run()

    assert OrderRecord.objects.count() == 4
    assert [name for name, _ in sent] == ["settle_noted"] * 3
    assert SettleFailure.objects.filter(attempts=0).count() == 2
    run_all_sent(sent)
    assert OrderRecord.objects.count() == 6
    assert SettleFailure.objects.count() == 0


@pytest.mark.parametrize(
    "name", ["apply_ladder", "copy_profile", "copy_profiles", "clear_attributes"]
)
def test_a_message_that_nothing_makes_up_for_survives_its_worker(name: str) -> None:
    """No run of beat would find what it had left to do."""
    task = getattr(tasks, name)
    assert task.acks_late
    assert task.reject_on_worker_lost


def test_the_warning_run_passes_its_argument_on(
    shop: FakeHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``warns`` reaches the service."""
    seen: list[Any] = []
    nothing = tiering.Swept(0, 0, 0, None)
    monkeypatch.setattr(tiering, "evaluate_due", lambda **given: seen.append(given) or nothing)

    tasks.evaluate_tiers.run(warns=True)

    assert seen == [{"after_id": 0, "limit": tasks.ROWS, "warns": True}]
    assert shop.dispatched == []


def test_a_change_of_tier_reprices_the_members_carts(shop: FakeHost) -> None:
    """Only those that are open: a quote that an order has joined stays."""
    program = make_program()
    account = make_member(shop, program)
    for ref, order_ref in (("open", ""), ("ordered", "order-1")):
        _quote(account, ref, order_ref=order_ref)
    shop.repriced.clear()

    tasks.reprice_members.run([account.pk])

    assert shop.repriced == ["open"]


def test_old_quotes_are_forgotten_once_their_cart_is_gone(shop: FakeHost) -> None:
    """Not those of carts that are there, with points held, or young."""
    account = make_member(shop, make_program())
    give(account, 100)
    old = timezone.now() - dt.timedelta(days=31)
    shop.put_checkout("there", 1000, user_ref=str(account.user_id))
    shop.put_checkout("held", 1000, user_ref=str(account.user_id))
    redeeming.set_redemption(checkout_ref="held", user_ref=str(account.user_id), points=50, now=old)
    del shop.checkouts["held"]
    for ref in ("there", "held", "gone"):
        _quote(account, ref, priced_at=old)
    _quote(account, "young")

    assert repricing.forget_quotes() == 1

    assert set(StoredQuote.objects.values_list("pk", flat=True)) == {"there", "held", "young"}


def test_a_new_customer_is_welcomed_in_every_program(shop: FakeHost) -> None:
    """Once, however often Saleor says so."""
    make_program(welcome_points=100)
    user = make_user(shop)

    tasks.welcome.run(user)
    tasks.welcome.run(user)

    assert books(Account.objects.get(user_id=int(user))) == (100, 0, 0, 0)


def test_an_order_that_cannot_be_settled_does_not_break_the_worker(
    shop: FakeHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A busy account is left to reconcile."""
    from saleor_retention.errors import Code, Refusal
    from saleor_retention.services.ordering import settling

    def busy(**_given: Any) -> None:
        raise Refusal(Code.BUSY, "busy")

    monkeypatch.setattr(settling, "settle", busy)

    tasks.settle.run("order-1")

    assert shop.dispatched == []


# --- erasure --------------------------------------------------------------------------------------


def test_a_deleted_customer_is_erased_and_the_ledger_stays(shop: FakeHost) -> None:
    """The open balance is breakage, words and numbers are gone, sums are unchanged."""
    program = make_program()
    account = make_member(shop, program)
    granting.grant(
        account_id=account.pk, points=100, reason="Ada is kind", actor_ref="user:1", key="1"
    )
    give(account, 50)
    shop.put_checkout("cart-1", 5000, user_ref=str(account.user_id))
    redeeming.set_redemption(
        checkout_ref="cart-1", user_ref=str(account.user_id), points=70, now=timezone.now()
    )
    pseudonym, entries = account.pseudonym, Transaction.objects.count()
    get_user_model().objects.filter(pk=account.user_id).delete()

    tasks.erase_deleted.run()
    tasks.erase_deleted.run()

    assert books(account) == (0, 0, 0, 0)
    assert (account.state, account.pseudonym) == (AccountState.ERASED, pseudonym)
    assert (account.user_id, account.member_number) == (None, f"erased-{account.pk}")
    assert Note.objects.get().text == ""
    assert sum(Lot.objects.values_list("expired", flat=True)) == 150
    assert Transaction.objects.count() == entries + 2
    assert breaches() == []


def test_what_an_erased_member_owed_is_written_off(shop: FakeHost) -> None:
    """Nobody is left to earn it back."""
    program = make_program()
    account = make_member(shop, program)
    user = str(account.user_id)
    shop.put_order(order("order-1", line("1", 10000), user_ref=user, created_at=NOON))
    tasks.settle.run("order-1")
    shop.put_checkout("cart-1", 9000, user_ref=user)
    redeeming.set_redemption(checkout_ref="cart-1", user_ref=user, points=100, now=NOON)
    shop.return_units("order-1", "1", 1)
    tasks.settle.run("order-1")
    assert books(account) == (0, 0, 100, 100)
    Account.objects.filter(pk=account.pk).update(user=None)  # as an untold deletion leaves it

    assert erasing.erase_deleted(now=NOON) == 1

    assert books(account) == (0, 0, 0, 0)
    assert OrderRecord.objects.get().clawed == 100
    assert breaches() == []


# --- beat -----------------------------------------------------------------------------------------


def test_the_schedule_names_tasks_that_exist() -> None:
    """Every entry has our prefix and a task of this module."""
    for name, entry in beat.entries().items():
        assert name.startswith("saleor-retention-")
        task = getattr(tasks, entry["task"].removeprefix("saleor_retention.tasks."))
        assert task.name == entry["task"]


def test_the_shop_has_the_entries_and_its_own_settings_win(settings: Any) -> None:
    """Registered at start; what a shop sets itself under a name stays."""
    assert set(beat.entries()) <= set(settings.CELERY_BEAT_SCHEDULE)
    own = {"task": "saleor_retention.tasks.mature", "schedule": crontab(minute=0)}
    settings.CELERY_BEAT_SCHEDULE = {"saleor-retention-mature": own}

    beat.register()
    beat.register()

    assert settings.CELERY_BEAT_SCHEDULE["saleor-retention-mature"] == own
    assert set(settings.CELERY_BEAT_SCHEDULE) == set(beat.entries())


def _quote(account: Account, ref: str, **fields: Any) -> StoredQuote:
    return StoredQuote.objects.create(
        checkout_ref=ref,
        account=account,
        basket_fingerprint="-",
        fingerprint="-",
        payload={},
        **{"priced_at": timezone.now(), **fields},
    )
