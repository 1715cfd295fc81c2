"""The job that posts maturing: at the instant it was due, and the same as one by one."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest

from saleor_retention.engine.facts import OrderState
from saleor_retention.models import Account, Transaction
from saleor_retention.selectors.balances import lots_of
from saleor_retention.selectors.verification import breaches
from saleor_retention.services.checkout import redeeming
from saleor_retention.services.ledger import maturing, posting
from saleor_retention.services.ledger.locking import lock_account
from tests import ledger
from tests.carts import Cart
from tests.fakes import at
from tests.ledger import Shop

pytestmark = pytest.mark.django_db

LATE = at("2026-05-01 03:00")


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Shop:
    """Points become available after 14 days."""
    return ledger.open_shop(monkeypatch, maturing={"rule": "days_after_payment", "days": 14})


def postings(account: Account) -> list[tuple[Any, ...]]:
    """Return what a posting says, but for ids."""
    rows = []
    for row in Transaction.objects.filter(account=account, kind="mature").order_by("pk"):
        legs = row.entries.order_by("points").values_list("book", "points", "lot__order_ref")
        rows.append((row.effective_at, row.recorded_at, row.order_ref, row.cause, *legs))
    return rows


def test_maturing_is_dated_at_its_instant_however_late_it_runs(shop: Shop) -> None:
    """Six weeks late, twice: one posting, of the past."""
    ann = shop.member("ann")
    shop.buys(ann, "o1", "50.00", now=at("2026-03-01 10:00"))
    counts = [maturing.mature_due(LATE), maturing.mature_due(LATE)]

    assert counts == [1, 0]
    assert postings(ann) == [
        (
            at("2026-03-15 10:00"),
            LATE,
            "o1",
            "time:mature",
            ("pending", -50, "o1"),
            ("available", 50, "o1"),
        )
    ]
    assert ledger.balances(ann) == ledger.replayed(ann) == (50, 0, 0, 0)


def test_nothing_matures_before_its_instant(shop: Shop) -> None:
    """Not a microsecond."""
    ann = shop.member("ann")
    shop.buys(ann, "o1", "50.00", now=at("2026-03-01 10:00"))

    assert maturing.mature_due(at("2026-03-15 09:59:59.999999")) == 0
    assert maturing.mature_due(at("2026-03-15 10:00")) == 1


def test_the_set_based_job_posts_what_catching_up_posts(shop: Shop) -> None:
    """Same instants, legs and digests for two members with the same orders."""
    ann, bob = shop.member("ann"), shop.member("bob")
    for number, amount in enumerate(["50.00", "7.00", "9.00"]):
        for member in (ann, bob):
            shop.buys(member, f"{member.pk}-{number}", amount, now=at(f"2026-03-0{number + 1}"))
    posting.catch_up(lock_account(ann.pk), LATE)
    maturing.mature_due(LATE)

    def essence(account: Account) -> list[tuple[Any, ...]]:
        return [
            (row[0], row[1], row[3], *(leg[:2] for leg in row[4:])) for row in postings(account)
        ]

    assert essence(ann) == essence(bob)
    assert len(essence(ann)) == 3
    assert ledger.balances(ann) == ledger.balances(bob) == (66, 0, 0, 0)
    assert breaches() == []


def test_the_digest_of_the_set_based_posting_is_the_services(shop: Shop) -> None:
    """So that a service that posts the same key afterwards sees the same content."""
    ann = shop.member("ann")
    shop.buys(ann, "o1", "50.00", now=at("2026-03-01 10:00"))
    (lot,) = ledger.lots(ann)
    maturing.mature_due(LATE)
    again = posting.post(
        lock_account(ann.pk),
        kind="mature",
        key=f"mature:{lot.pk}",
        legs=[posting.Leg("pending", -50, lot), posting.Leg("available", 50, lot)],
        order_ref="o1",
        effective_at=LATE,
        now=LATE,
    )

    assert not again.is_new


def test_members_who_owe_repay_first(shop: Shop) -> None:
    """One by one, in the same run."""
    ann, bob = shop.member("ann"), shop.member("bob")
    shop.buys(ann, "o1", "30.00", now=at("2026-02-01"))
    maturing.mature_due(at("2026-02-20"))
    ledger.spend(ledger.lots(ann)[0], 30, now=at("2026-02-21"))
    for member in (ann, bob):
        shop.buys(member, f"{member.pk}", "50.00", now=at("2026-03-01"))
    shop.host.change_order("o1", state=OrderState.CANCELED)
    shop.settle("o1", at("2026-03-02"))
    maturing.mature_due(LATE)

    assert ledger.balances(ann) == (20, 0, 0, 0)
    assert ledger.balances(bob) == (50, 0, 0, 0)
    assert breaches() == []


def clear(cart: Cart, now: dt.datetime) -> None:
    """The shopper takes the points off."""
    redeeming.clear_redemption(checkout_ref=cart.ref, user_ref=str(cart.member.user_id), now=now)


def lapse(_cart: Cart, now: dt.datetime) -> None:
    """The time of the hold is over."""
    redeeming.lapse_due(now)


def shrink(cart: Cart, now: dt.datetime) -> None:
    """The cart takes 10 of the 50 points from now on."""
    cart.shop.host.put_checkout(cart.ref, 10, user_ref=str(cart.member.user_id))
    redeeming.fit_hold(cart.ref, now)


def buy(cart: Cart, now: dt.datetime) -> None:
    """A voucher of the shop leaves 10 of the 50 points to be used."""
    cart.complete(cart.ref, "0.50", now=now, effective_share_ppm=200_000)
    cart.shop.settle(cart.ref, now)


def claim(cart: Cart, now: dt.datetime) -> None:
    """A guest's order turns out to be the member's."""
    shop, user, ref = cart.shop, str(cart.member.user_id), f"guest-{cart.ref}"
    shop.host.put_order(ledger.order(ref, ledger.line("a", 5000)))
    shop.settle(ref, at("2026-03-01 10:00"))
    shop.host.change_order(ref, user_ref=user, is_user_confirmed=True)
    shop.settle(ref, now)


@pytest.mark.parametrize("happens", [clear, lapse, shrink, buy, claim])
def test_points_that_come_after_a_late_maturing_do_not_repay_before_it(
    shop: Shop, happens: Callable[[Cart, dt.datetime], None]
) -> None:
    """Who owes repays with what matured first, whether the job has run or not: lot for lot."""
    now = at("2026-03-20 14:00")
    seen = []
    for name in ("ann", "bob"):
        member = shop.member(name)
        ledger.give(member, 50, expires_at=at("2026-04-01"))
        cart = Cart(shop, member, f"cart-{name}")
        cart.redeem(50, at("2026-03-20 12:00"))
        ledger.give(member, 40, valid_from=at("2026-03-20 12:30"))
        ledger.owe(member, 30)
        if name == "ann":
            posting.catch_up(lock_account(member.pk), at("2026-03-20 13:00"))
        happens(cart, now)
        views = lots_of([member.pk], now)[member.pk]
        seen.append([(lot.points, lot.held, lot.expires_at) for lot in views])

    assert seen[0] == seen[1]
    assert 10 in [points for points, _, _ in seen[0]]  # of the 40 that matured
    assert breaches() == []


def test_a_batch_is_bounded(shop: Shop) -> None:
    """Oldest first; the next run goes on."""
    members = [shop.member(name) for name in ("ann", "bob", "eve")]
    for day, member in enumerate(members, start=1):
        shop.buys(member, f"o{day}", "10.00", now=at(f"2026-03-0{day}"))
    counts = [maturing.mature_due(LATE, limit=2) for _ in range(3)]

    assert counts == [2, 1, 0]


def test_a_guests_points_do_not_mature(shop: Shop) -> None:
    """They wait for their owner."""
    shop.host.put_order(ledger.order("o1", ledger.line("a", 5000)))
    shop.settle("o1", at("2026-03-01"))

    assert maturing.mature_due(LATE) == 0
