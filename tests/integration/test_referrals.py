"""Referrals: claimed by new customers, rewarded on both sides once the first order stays."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from saleor_retention import tasks
from saleor_retention.engine.facts import OrderState
from saleor_retention.errors import Code, Refusal
from saleor_retention.graphql import words
from saleor_retention.models import (
    Account,
    Lot,
    Referral,
    ReferralCode,
    ReferralState,
    Transaction,
)
from saleor_retention.selectors import persons
from saleor_retention.selectors.verification import breaches
from saleor_retention.services.ledger import maturing
from saleor_retention.services.membership import erasing, members, referrals
from tests import ledger
from tests.fakes import at, line, order
from tests.ledger import Shop

pytestmark = pytest.mark.django_db

NOON = at("2026-03-10 12:00")
DAY = dt.timedelta(days=1)
REFERRAL = {"advocate_points": 500, "friend_points": 200, "window_days": 14, "per_month_max": 2}


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Shop:
    """Points live 90 days; nothing is earned but by referrals, and orders count."""
    return ledger.open_shop(
        monkeypatch,
        referral=REFERRAL,
        expiry={"policy": "days", "count": 90},
        earn={"rates": {"USD": {"points": 0, "per": "1.00"}}},
    )


@pytest.fixture
def ann(shop: Shop) -> Account:
    """The advocate."""
    return shop.member("ann")


def refer(shop: Shop, advocate: Account, name: str, now: dt.datetime = NOON) -> Account:
    """Let a new customer claim the advocate's code."""
    user_ref = shop.customer(name)
    code = referrals.code_of(advocate, now=now).code
    claim(shop, user_ref, code, now)
    return Account.objects.get(program=shop.program, user_id=int(user_ref))


def claim(shop: Shop, user_ref: str, code: str, now: dt.datetime = NOON) -> Referral:
    """Claim a code."""
    return referrals.claim(program=shop.program, user_ref=user_ref, code=code, now=now)


def refused(shop: Shop, user_ref: str, code: str) -> tuple[Code, str | None, str]:
    """Return why a claim is refused, having seen that nothing was noted."""
    before = Referral.objects.count()
    with pytest.raises(Refusal) as caught:
        claim(shop, user_ref, code)
    assert Referral.objects.count() == before
    return caught.value.code, caught.value.field, caught.value.message


def reasons(account: Account) -> list[str]:
    """Return what the member reads of each posting, oldest first."""
    rows = Transaction.objects.filter(account=account).order_by("pk")
    return [words.said(words.reason(row.kind, row.rule_key, "", row.cause)) for row in rows]


# --- the code -------------------------------------------------------------------------------------


def test_a_member_has_one_code_until_it_is_renewed(shop: Shop, ann: Account) -> None:
    """The old one refers nobody any more."""
    first = referrals.code_of(ann).code
    again = referrals.code_of(ann).code
    renewed = referrals.code_of(ann, is_renewed=True).code

    assert first == again != renewed
    assert len(renewed) == 8
    assert ReferralCode.objects.get().code == renewed
    bob = shop.customer("bob")
    assert refused(shop, bob, first)[0] is Code.NOT_FOUND
    assert claim(shop, bob, f" {renewed[:4].lower()} {renewed[4:].lower()} ").advocate == ann


def test_a_program_without_referrals_gives_no_codes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """And takes none."""
    shop = ledger.open_shop(monkeypatch)
    cat = shop.member("cat")

    with pytest.raises(Refusal) as caught:
        referrals.code_of(cat)
    assert caught.value.code is Code.NOT_SUPPORTED
    assert refused(shop, shop.customer("bob"), "X")[0] is Code.NOT_SUPPORTED


# --- claiming -------------------------------------------------------------------------------------


def test_a_claim_is_made_once(shop: Shop, ann: Account) -> None:
    """Again it is the same; by another member's code it is refused."""
    bob = refer(shop, ann, "bob")
    code = referrals.code_of(ann).code
    other = referrals.code_of(shop.member("eve")).code

    assert claim(shop, str(bob.user_id), code) == Referral.objects.get()
    assert refused(shop, str(bob.user_id), other)[:2] == (Code.UNIQUE, "code")
    assert refused(shop, str(bob.user_id), "nothing")[:2] == (Code.NOT_FOUND, "code")


def test_who_ordered_before_is_no_new_customer(shop: Shop, ann: Account) -> None:
    """In the program, before it, or as a guest."""
    code = referrals.code_of(ann).code
    bob = shop.member("bob")
    shop.buys(bob, "o1", "10.00")
    old = shop.customer("old")
    shop.host.put_order(order("o2", line("a", 1000), user_ref=old, created_at=NOON))

    for user_ref in (str(bob.user_id), old):
        assert refused(shop, user_ref, code) == (
            Code.INVALID,
            "code",
            "Only customers who have not ordered yet can be referred.",
        )


def test_nobody_refers_himself(shop: Shop, ann: Account) -> None:
    """By the same user, mailbox, phone number or home."""
    code = referrals.code_of(ann).code
    sameness = {
        "ann+2": {},
        "home": {"home|12mainst"},
        "phone": {"phone:+12025550111"},
    }
    shop.host.places[str(ann.user_id)] = frozenset({"home|12mainst", "phone:+12025550111"})
    alike = [str(ann.user_id)]
    for name, places in sameness.items():
        user_ref = shop.customer(name)
        shop.host.places[user_ref] = frozenset(places)
        alike.append(user_ref)

    assert [refused(shop, user_ref, code) for user_ref in alike] == [
        (Code.INVALID, "code", "You cannot refer yourself.")
    ] * 4
    elsewhere = shop.customer("elsewhere")
    shop.host.places[elsewhere] = frozenset({"home|13mainst"})
    assert claim(shop, elsewhere, code).friend.user_id == int(elsewhere)


def test_two_members_do_not_refer_each_other(shop: Shop, ann: Account) -> None:
    """Though neither has ordered."""
    bob = refer(shop, ann, "bob")
    code = referrals.code_of(bob).code

    assert refused(shop, str(ann.user_id), code)[2] == "Two members cannot refer each other."


def test_wrong_codes_are_bounded(shop: Shop, ann: Account, settings: Any) -> None:
    """By the pace of look-ups; the right one is not counted."""
    settings.RETENTION_MEMBER_LOOKUPS_PER_HOUR = 2
    bob = shop.customer("bob")
    found = [refused(shop, bob, f"WRONG{number}")[0] for number in range(3)]

    assert found == [Code.NOT_FOUND, Code.NOT_FOUND, Code.TOO_MANY_REQUESTS]
    assert claim(shop, bob, referrals.code_of(ann).code).advocate == ann


# --- rewarding ------------------------------------------------------------------------------------


def test_both_are_rewarded_when_the_first_order_has_left_its_window(
    shop: Shop, ann: Account
) -> None:
    """Pending from the payment on, available 14 days after it, to both in words."""
    bob = refer(shop, ann, "bob")
    assert referrals.advance_due(NOON) == 0
    shop.buys(bob, "o1", "30.00", now=NOON)

    assert (referrals.advance_due(NOON + DAY), referrals.advance_due(NOON + DAY)) == (1, 0)
    assert (ledger.balances(ann), ledger.balances(bob)) == ((0, 500, 0, 0), (0, 200, 0, 0))
    maturing.mature_due(NOON + 13 * DAY)
    assert referrals.advance_due(NOON + 13 * DAY) == 0
    assert ledger.balances(ann) == (0, 500, 0, 0)

    assert referrals.advance_due(NOON + 14 * DAY) == 1
    assert referrals.advance_due(NOON + 15 * DAY) == 0
    assert ledger.balances(ann) == ledger.replayed(ann) == (500, 0, 0, 0)
    assert ledger.balances(bob) == ledger.replayed(bob) == (200, 0, 0, 0)
    row = Referral.objects.get()
    assert (row.state, row.ended_at) == (ReferralState.REWARDED, NOON + 14 * DAY)
    assert {lot.expires_at for lot in Lot.objects.all()} == {at("2026-06-23")}
    assert reasons(ann)[0] == "For referring a friend."
    assert reasons(bob)[0] == "For coming on a friend's advice."
    assert breaches() == []


@pytest.mark.parametrize("days", [3, 14, 20])
def test_an_order_that_came_back_takes_both_rewards_along(
    shop: Shop, ann: Account, days: int
) -> None:
    """Also when the window is over by the time the task runs: nobody could spend them before."""
    bob = refer(shop, ann, "bob")
    shop.buys(bob, "o1", "30.00", now=NOON)
    referrals.advance_due(NOON + DAY)
    shop.host.change_order("o1", state=OrderState.CANCELED)
    if days == 3:
        shop.settle("o1", NOON + 2 * DAY)

    assert referrals.advance_due(NOON + days * DAY) == 1
    assert referrals.advance_due(NOON + 30 * DAY) == 0
    assert ledger.balances(ann) == ledger.replayed(ann) == (0, 0, 0, 0)
    assert ledger.balances(bob) == ledger.replayed(bob) == (0, 0, 0, 0)
    row = Referral.objects.get()
    assert (row.state, row.reason) == (ReferralState.VOID, "returned")
    assert reasons(ann)[-1] == "Taken back: the friend's first order came back."
    assert breaches() == []


def test_part_of_the_order_is_enough(shop: Shop, ann: Account) -> None:
    """One of two goods was kept."""
    bob = refer(shop, ann, "bob")
    shop.buys(bob, "o1", "30.00", "20.00", now=NOON)
    referrals.advance_due(NOON + DAY)
    shop.host.change_order("o1", refunded_minor=3000)
    shop.settle("o1", NOON + 2 * DAY)
    referrals.advance_due(NOON + 14 * DAY)

    assert (ledger.balances(ann)[0], ledger.balances(bob)[0]) == (500, 200)


def test_an_order_that_never_was_paid_is_not_the_first(shop: Shop, ann: Account) -> None:
    """The next one is."""
    bob = refer(shop, ann, "bob")
    shop.buys(bob, "o1", "30.00", now=NOON, is_paid=False, paid_at=None)
    assert referrals.advance_due(NOON) == 0
    shop.buys(bob, "o2", "30.00", now=NOON + DAY)

    assert referrals.advance_due(NOON + DAY) == 1
    row = Referral.objects.get()
    assert (row.order_ref, row.due_at) == ("o2", NOON + 15 * DAY)


def test_a_month_rewards_two_friends(shop: Shop, ann: Account) -> None:
    """The third friend has his points all the same, and a returned one leaves a place."""
    for number in range(4):
        friend = refer(shop, ann, f"friend{number}")
        shop.buys(friend, f"o{number}", "10.00", now=NOON)
        referrals.advance_due(NOON)
        if number == 0:
            shop.host.change_order("o0", state=OrderState.CANCELED)
            shop.settle("o0", NOON)
            referrals.advance_due(NOON)

    rows = Referral.objects.order_by("pk").values_list("state", "advocate_points", "friend_points")
    assert list(rows) == [
        ("void", 500, 200),
        ("pending", 500, 200),
        ("pending", 500, 200),
        ("pending", 0, 200),
    ]
    assert ledger.balances(ann) == (0, 1000, 0, 0)


def test_the_terms_are_those_of_the_claim(shop: Shop, ann: Account) -> None:
    """Whatever the program says since."""
    bob = refer(shop, ann, "bob")
    shop.change_rules({"referral": {}}, NOON)
    shop.buys(bob, "o1", "30.00", now=NOON)
    referrals.advance_due(NOON)

    assert (ledger.balances(ann)[1], ledger.balances(bob)[1]) == (500, 200)


def test_an_address_that_the_order_told_is_looked_at(shop: Shop, ann: Account) -> None:
    """New customers have none when they claim."""
    bob = refer(shop, ann, "bob")
    for account in (ann, bob):
        shop.host.places[str(account.user_id)] = frozenset({"home|12mainst"})
    shop.buys(bob, "o1", "30.00", now=NOON)

    assert referrals.advance_due(NOON) == 1
    row = Referral.objects.get()
    assert (row.state, row.reason) == (ReferralState.VOID, "same_person")
    assert not Transaction.objects.exists()


def test_who_left_gets_nothing(shop: Shop, ann: Account) -> None:
    """The advocate alone where he left; nobody where the friend did."""
    bob, cat = refer(shop, ann, "bob"), refer(shop, ann, "cat")
    for friend, name in ((bob, "o1"), (cat, "o2")):
        shop.buys(friend, name, "30.00", now=NOON)
    members.leave(shop.program, str(bob.user_id), now=NOON)
    members.leave(shop.program, str(ann.user_id), now=NOON)
    referrals.advance_due(NOON)

    rows = Referral.objects.order_by("pk").values_list(
        "state", "reason", "advocate_points", "friend_points"
    )
    assert list(rows) == [("void", "left", 0, 0), ("pending", "", 0, 200)]


def test_an_erased_advocate_has_no_code_and_gets_nothing_more(shop: Shop, ann: Account) -> None:
    """What waited for him is breakage; the friend has his."""
    bob = refer(shop, ann, "bob")
    shop.buys(bob, "o1", "30.00", now=NOON)
    referrals.advance_due(NOON)
    erasing.erase(persons.of_account(ann), reason="Asked", actor_ref="", now=NOON + DAY)
    referrals.advance_due(NOON + 14 * DAY)

    assert not ReferralCode.objects.exists()
    assert Referral.objects.get().state == ReferralState.REWARDED
    assert ledger.balances(ann) == ledger.replayed(ann) == (0, 0, 0, 0)
    assert ledger.balances(bob) == (200, 0, 0, 0)
    assert breaches() == []


def test_looking_for_what_is_due_is_one_statement(shop: Shop, ann: Account) -> None:
    """However many friends have not ordered yet."""
    for number in range(5):
        refer(shop, ann, f"friend{number}")
    with CaptureQueriesContext(connection) as captured:
        assert referrals.advance_due(NOON + 100 * DAY) == 0

    assert len(captured) == 1


def test_the_task_takes_a_referral_all_the_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """Booked and, its window being over long since, made available in one run."""
    month_ago = timezone.now() - 30 * DAY
    shop = ledger.open_shop(monkeypatch, now=month_ago - DAY, referral=REFERRAL)
    ann = shop.member("ann", month_ago)
    bob = refer(shop, ann, "bob", month_ago)
    shop.buys(bob, "o1", "0.50", now=month_ago)
    tasks.advance_referrals.run()

    assert Referral.objects.get().state == ReferralState.REWARDED
    assert ledger.balances(bob) == (200, 0, 0, 0)
