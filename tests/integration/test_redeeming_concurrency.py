"""V8 and its neighbours: real threads, real locks, committed rows."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from django.db import connections, transaction

from saleor_retention.errors import Refusal
from saleor_retention.models import Account, Entry, Hold, HoldState
from saleor_retention.services.checkout import redeeming
from tests.fakes import FakeHost, use
from tests.members import NOON, books, give, make_member, make_program

pytestmark = pytest.mark.django_db(transaction=True)

THREADS = 20


@pytest.fixture
def member(monkeypatch: pytest.MonkeyPatch) -> tuple[FakeHost, Account]:
    """A member with 100 points and twenty carts."""
    shop = use(monkeypatch)
    account = make_member(shop, make_program())
    give(account, 100)
    for number in range(THREADS):
        shop.put_checkout(f"cart-{number}", 5000, user_ref=str(account.user_id))
    return shop, account


def at_once(work: Callable[[int], Any], count: int = THREADS) -> list[Any]:
    """Run ``work`` in threads that start together; refusals are results."""
    barrier = Barrier(count)

    def run(number: int) -> Any:
        try:
            barrier.wait(timeout=30)
            return work(number)
        except Refusal as refused:
            return refused
        finally:
            connections.close_all()

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))


def test_v8_one_of_twenty_redemptions_of_one_balance_succeeds(
    member: tuple[FakeHost, Account],
) -> None:
    """V8: the others get a clear error that names what is left."""
    _, account = member

    results = at_once(
        lambda number: redeeming.set_redemption(
            checkout_ref=f"cart-{number}", user_ref=str(account.user_id), points=100, now=NOON
        )
    )

    holds = [result for result in results if isinstance(result, Hold)]
    refusals = Counter(
        (result.code.value, result.message) for result in results if isinstance(result, Refusal)
    )
    assert [hold.points for hold in holds] == [100]
    message = "100 points were asked for and 0 are left."
    assert refusals == {("NOT_ENOUGH_POINTS", message): THREADS - 1}
    assert books(account) == (0, 0, 100, 0)
    assert Hold.objects.count() == 1


def test_twenty_redemptions_of_one_checkout_leave_one_hold(
    member: tuple[FakeHost, Account],
) -> None:
    """Whatever comes last counts; points are neither lost nor doubled."""
    _, account = member

    results = at_once(
        lambda number: redeeming.set_redemption(
            checkout_ref="cart-0", user_ref=str(account.user_id), points=number + 1, now=NOON
        )
    )

    assert all(isinstance(result, Hold) for result in results)
    hold = Hold.objects.get()
    assert books(account) == (100 - hold.points, 0, hold.points, 0)
    assert sum(hold.consumptions.values_list("points", flat=True)) == hold.points


def test_a_hold_ends_once_however_many_end_it(member: tuple[FakeHost, Account]) -> None:
    """Lapse, clear and release at the same moment give 100 points back, not more."""
    _, account = member
    hold = redeeming.set_redemption(
        checkout_ref="cart-0", user_ref=str(account.user_id), points=100, now=NOON
    )
    assert hold is not None
    later = NOON + dt.timedelta(hours=2)

    def end(number: int) -> Any:
        if number % 3 == 0:
            return redeeming.lapse_due(later)
        if number % 3 == 1:
            return redeeming.release(hold, "test", now=later)
        return redeeming.clear_redemption(
            checkout_ref="cart-0", user_ref=str(account.user_id), now=later
        )

    results = at_once(end, 12)

    assert not [result for result in results if isinstance(result, Refusal)]
    assert Hold.objects.get().state in (HoldState.LAPSED, HoldState.RELEASED)
    assert books(account) == (100, 0, 0, 0)
    held = Entry.objects.filter(book="held").order_by("id").values_list("points", flat=True)
    assert list(held) == [100, -100]


def test_a_member_who_is_busy_for_too_long_is_told(
    member: tuple[FakeHost, Account], settings: Any
) -> None:
    """The wait for the account's lock is bounded; the refusal says what to do."""
    _, account = member
    settings.RETENTION_LOCK_TIMEOUT_MS = 50

    with transaction.atomic():
        Account.objects.select_for_update().get(pk=account.pk)
        (result,) = at_once(
            lambda _: redeeming.set_redemption(
                checkout_ref="cart-0", user_ref=str(account.user_id), points=100, now=NOON
            ),
            1,
        )

    assert isinstance(result, Refusal)
    assert (result.code.value, result.message) == (
        "BUSY",
        "This member's points are being changed by someone else; try again.",
    )
    assert books(account) == (100, 0, 0, 0)
