"""Who has an account, how one joins and leaves, and what is kept of guests."""

from __future__ import annotations

import re

import pytest
from django.test import override_settings

from saleor_retention.errors import Code, Refusal
from saleor_retention.models import Account, AccountState, TierChange, Transaction
from saleor_retention.services.membership import identity, members
from tests import ledger
from tests.fakes import at
from tests.ledger import LAUNCH, Shop

pytestmark = pytest.mark.django_db

NOON = at("2026-03-10 12:00")
LADDER = {
    "metric": "orders",
    "ladder": [
        {"slug": "regular", "name": "Regular", "threshold": 0},
        {"slug": "vip", "name": "VIP", "threshold": 5},
    ],
}


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Shop:
    """100 points welcome everybody, for 30 days."""
    return ledger.open_shop(monkeypatch, welcome_points=100, expiry={"policy": "days", "count": 30})


def test_every_confirmed_customer_is_a_member_at_first_sight(shop: Shop) -> None:
    """With welcome points, once; a member since he was a customer and there was a program."""
    user = shop.customer("ann", joined_at=at("2026-02-02"))
    first = members.member_of(shop.program, user, now=NOON)
    again = members.member_of(shop.program, user, now=NOON)

    assert first == again
    assert first is not None
    assert first.joined_at == at("2026-02-02")
    assert re.fullmatch(r"[1-9]\d{11}", first.member_number)
    assert ledger.balances(first) == (100, 0, 0, 0)
    (lot,) = ledger.lots(first)
    assert (lot.opened_at, lot.expires_at) == (NOON, at("2026-04-10"))
    assert Transaction.objects.get().key == f"welcome:{first.pk}"


def test_customers_of_before_the_program_are_members_since_its_launch(shop: Shop) -> None:
    """Nobody is a member of a program that is not there yet."""
    member = shop.member("ann")

    assert member.joined_at == LAUNCH


def test_a_new_member_stands_on_the_first_step(monkeypatch: pytest.MonkeyPatch) -> None:
    """The one that asks for nothing."""
    shop = ledger.open_shop(monkeypatch, tiers=LADDER)
    member = shop.member("ann")

    assert member.tier == "regular"
    assert TierChange.objects.get().to_tier == "regular"


def test_who_is_no_member(shop: Shop) -> None:
    """Unknown and unconfirmed users, and everybody while the program is not active."""
    unconfirmed = shop.customer("eve", is_confirmed=False)
    known = shop.customer("ann")
    of_active = [members.member_of(shop.program, ref) for ref in ("999999", unconfirmed)]
    shop.program.is_active = False
    of_inactive = members.member_of(shop.program, known)

    assert of_active == [None, None]
    assert of_inactive is None
    assert Account.objects.count() == 0


def test_where_one_must_enrol_nobody_is_a_member_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """Welcome points come with the enrolment."""
    shop = ledger.open_shop(monkeypatch, enrolment="opt_in", welcome_points=100)
    user = shop.customer("ann")
    before = members.member_of(shop.program, user, now=NOON)
    account = members.enrol(shop.program, user, now=NOON)

    assert before is None
    assert members.member_of(shop.program, user) == account
    assert account.joined_at == NOON
    assert ledger.balances(account) == (100, 0, 0, 0)


def test_leaving_keeps_the_points_and_joining_again_gives_no_second_welcome(shop: Shop) -> None:
    """State and instants say what happened."""
    member = shop.member("ann")
    user = str(member.user_id)
    left = members.leave(shop.program, user, now=NOON)
    kept = ledger.balances(left)
    joined = members.enrol(shop.program, user, now=at("2026-03-11"))

    assert (left.state, left.left_at) == (AccountState.LEFT, NOON)
    assert (joined.state, joined.left_at) == (AccountState.MEMBER, None)
    assert joined.joined_at == at("2026-03-11")
    assert kept == ledger.balances(joined) == (100, 0, 0, 0)


def test_what_cannot_be_joined_or_left(shop: Shop) -> None:
    """Twice, without being one, unconfirmed, in a program that is not active."""
    user = shop.customer("ann")
    refusals = []
    for attempt in (
        lambda: members.leave(shop.program, user),
        lambda: members.enrol(shop.program, shop.customer("eve", is_confirmed=False)),
        lambda: members.enrol(shop.program, user) and members.enrol(shop.program, user),
        lambda: members.leave(shop.program, user) and members.leave(shop.program, user),
    ):
        with pytest.raises(Refusal) as caught:
            attempt()
        refusals.append(caught.value.code)
    shop.program.is_active = False
    with pytest.raises(Refusal) as inactive:
        members.enrol(shop.program, user)

    assert refusals == [
        Code.NOT_A_MEMBER,
        Code.NOT_FOUND,
        Code.ALREADY_A_MEMBER,
        Code.NOT_A_MEMBER,
    ]
    assert inactive.value.code is Code.PROGRAM_INACTIVE


def test_a_guest_is_known_by_a_hash_whatever_the_spelling(shop: Shop) -> None:
    """Case and blanks do not make another guest; the address is nowhere."""
    first = members.shadow_of(shop.program, "Ann@Example.com", now=NOON)
    again = members.shadow_of(shop.program, " ann@example.COM ", now=NOON)
    other = members.shadow_of(shop.program, "bob@example.com", now=NOON)

    assert first == again != other
    assert first is not None
    assert re.fullmatch(r"shop:[0-9a-f]{64}", first.email_hash)
    assert members.shadow_of(shop.program, "  ", now=NOON) is None
    assert ledger.balances(first) == (0, 0, 0, 0)


def test_the_key_of_the_hash_can_be_rotated(shop: Shop) -> None:
    """The last key hashes; a guest of an earlier key is found as long as that key is set."""
    with override_settings(RETENTION_EMAIL_HASH_KEYS={"2025": "old"}):
        old = members.shadow_of(shop.program, "ann@example.com", now=NOON)
    with override_settings(RETENTION_EMAIL_HASH_KEYS={"2025": "old", "2026": "new"}):
        found = members.shadow_of(shop.program, "ann@example.com", now=NOON)
        fresh = members.shadow_of(shop.program, "bob@example.com", now=NOON)
    with override_settings(RETENTION_EMAIL_HASH_KEYS={"2026": "new"}):
        forgotten = members.shadow_of(shop.program, "ann@example.com", now=NOON)

    assert old == found
    assert old is not None
    assert fresh is not None
    assert (old.email_hash[:5], fresh.email_hash[:5]) == ("2025:", "2026:")
    assert forgotten != old


def test_the_hash_depends_on_the_key() -> None:
    """Without it nobody can try addresses out."""
    hashes = set()
    for secret in ("a", "b"):
        with override_settings(RETENTION_EMAIL_HASH_KEYS={"k": secret}):
            hashes.add(identity.email_hash("ann@example.com"))

    assert len(hashes) == 2
