"""The process dies between Saleor's commit and our task: reconcile settles the order, once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import Any

import pytest
from django.apps import apps
from django.db import connection
from django.utils import timezone

from saleor_retention.models import Account, Hold, HoldState, OrderRecord, Transaction
from saleor_retention.selectors.verification import breaches
from saleor_retention.services.checkout import redeeming
from saleor_retention.services.ordering.reconciling import reconcile
from sandbox import paths, schemas
from tests.factories.loyalty import make_member, make_program
from tests.members import books, give

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

SECONDS_MAX = 120


@pytest.fixture
def member(make: Any) -> Account:
    """A member with 1000 points."""
    account = make_member(make_program(make.make_channel()), make.make_user("ada@shop.example"))
    give(account, 1000)
    return account


def do_and_die(deed: str, subject: Any) -> None:
    """Let another process do it on this test's database, and see that it was killed."""
    name = connection.settings_dict["NAME"]
    kept = {key: value for key, value in os.environ.items() if not key.startswith("PYTEST_")}
    ended = subprocess.run(
        [sys.executable, "-m", "tests.dying_shop", deed, str(subject.pk)],
        env={**kept, "DATABASE_URL": schemas.database_url(os.environ["DATABASE_URL"], name)},
        cwd=paths.ROOT,
        capture_output=True,
        text=True,
        timeout=SECONDS_MAX,
        check=False,
    )
    assert ended.returncode == -signal.SIGKILL, ended.stdout + ended.stderr


def reconciled_thrice(account: Account) -> tuple[OrderRecord, tuple[int, int, int, int]]:
    """Reconcile three times; return the only order's record and the member's books.

    The second and the third time change nothing.
    """
    seen = []
    for _ in range(3):
        reconcile(timezone.now())
        postings = list(Transaction.objects.order_by("pk").values_list("kind", "key"))
        seen.append((postings, books(account)))
    assert seen[1:] == seen[:1] * 2
    assert breaches() == []
    return OrderRecord.objects.get(), books(account)


def test_a_completed_checkout_that_nobody_heard_of(make: Any, member: Account) -> None:
    """Goods of 20.00, 500 points set on them: captured once, and the 15.00 paid earn 15 once."""
    checkout = make.make_checkout(member.user, {make.make_product("20.00"): 1})
    redeeming.set_redemption(
        checkout_ref=str(checkout.pk), user_ref=str(member.user_id), points=500
    )
    do_and_die("complete", checkout)
    order = apps.get_model("order", "Order").objects.get()
    assert OrderRecord.objects.filter(settled_at__isnull=False).count() == 0
    assert books(member) == (500, 0, 500, 0)

    record, held = reconciled_thrice(member)

    assert record.order_ref == str(order.pk)
    assert (record.earned, record.clawed, record.redeemed, record.restored) == (15, 0, 500, 0)
    assert held == (515, 0, 0, 0)
    assert Hold.objects.get().state == HoldState.CAPTURED


def test_a_payment_that_nobody_heard_of(make: Any, member: Account) -> None:
    """An order of 20.00 that staff made was settled unpaid; it is paid, and nobody is told."""
    order = make.draft(member.user, {make.make_product("20.00"): 1})
    make.complete_draft(order)
    assert OrderRecord.objects.get().earned == 0
    do_and_die("pay", order)
    assert OrderRecord.objects.get().earned == 0
    assert books(member) == (1000, 0, 0, 0)

    record, held = reconciled_thrice(member)

    assert (record.order_ref, record.earned, record.clawed) == (str(order.pk), 20, 0)
    assert held == (1020, 0, 0, 0)
