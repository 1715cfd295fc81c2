"""A person is forgotten: nothing leads back to him, and every sum is what it was."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from io import StringIO

import pytest
from django.contrib.auth import get_user_model
from django.core.management import CommandError, call_command
from django.utils import timezone

from saleor_retention import tasks
from saleor_retention.engine.rules import Enrolment
from saleor_retention.errors import Code, Refusal
from saleor_retention.host.contract import ChannelFacts
from saleor_retention.models import (
    Account,
    AccountState,
    AuditAction,
    AuditEntry,
    Erasure,
    Hold,
    HoldState,
    LookupPace,
    Note,
    OrderRecord,
    PosSale,
    StoredQuote,
    TierChange,
    Transaction,
)
from saleor_retention.selectors import persons
from saleor_retention.selectors.verification import breaches
from saleor_retention.services.checkout import redeeming
from saleor_retention.services.ledger import granting
from saleor_retention.services.membership import erasing, members, tiering
from saleor_retention.services.membership.identity import email_hashes
from saleor_retention.services.ordering import pos, settling
from saleor_retention.services.ordering.pos import MemberKey, SaleLine
from tests import fakes
from tests.fakes import CHANNEL, FakeHost, line, order
from tests.members import LADDER, NOON, books, give, make_member, make_program

pytestmark = pytest.mark.django_db

WHY = "Asked for by letter of 12 May"


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> FakeHost:
    """A shop in memory."""
    return fakes.use(monkeypatch)


def erase(account: Account, reason: str = WHY) -> list[int]:
    """Erase whose account it is, as a member of staff."""
    person = persons.of_account(account)
    return erasing.erase(person, reason=reason, actor_ref="user:1", now=NOON)


def guest_buys(shop: FakeHost, ref: str, email: str) -> OrderRecord:
    """Let a guest buy and pay for 50.00."""
    shop.put_order(order(ref, line("1", 5000), user_ref=None, email=email, created_at=NOON))
    record = settling.settle(order_ref=ref, now=NOON)
    assert record is not None
    return record


def test_everything_that_leads_to_a_person_goes(shop: FakeHost) -> None:
    """The user, number, words, tiers and their history; points become breakage; holds end first."""
    program = make_program(tiers=LADDER, reference={"currency": "USD"})
    account = make_member(shop, program)
    user_ref, pseudonym, number = str(account.user_id), account.pseudonym, account.member_number
    granting.grant(
        account_id=account.pk, points=100, reason="Ada is kind", actor_ref="user:1", key="1"
    )
    tiering.override(
        account_id=account.pk,
        tier="vip",
        valid_until=None,
        reason="Ada is nice",
        actor_ref="user:1",
    )
    shop.put_checkout("cart-1", 5000, user_ref=user_ref)
    redeeming.set_redemption(
        checkout_ref="cart-1", user_ref=user_ref, points=70, now=timezone.now()
    )
    before = list(Transaction.objects.order_by("pk").values())

    assert erase(account) == [account.pk]

    assert books(account) == (0, 0, 0, 0)
    assert (account.user_id, account.state, account.pseudonym) == (
        None,
        AccountState.ERASED,
        pseudonym,
    )
    assert (account.member_number, account.email_hash) == (f"erased-{account.pk}", "")
    assert (account.tier, account.tier_valid_until, account.is_tier_manual) == ("", None, False)
    assert not TierChange.objects.exists()
    assert [note.text for note in Note.objects.order_by("pk")] == ["", "", WHY]
    assert Hold.objects.get().state == HoldState.RELEASED
    assert list(Transaction.objects.order_by("pk").values())[: len(before)] == before
    assert not Account.objects.filter(member_number=number).exists()
    assert breaches() == []


def test_an_erasure_is_on_record_under_the_pseudonym(shop: FakeHost) -> None:
    """When, who, why; a second time there is nothing left to erase."""
    account = make_member(shop, make_program())
    user_ref = str(account.user_id)
    erase(account)

    record = Erasure.objects.get()
    with pytest.raises(Refusal) as caught:
        erasing.erase(persons.of_user(user_ref), reason=WHY, actor_ref="user:1", now=NOON)

    assert (record.account_id, record.at, record.cause) == (account.pk, NOON, "staff")
    assert record.actor_ref == "user:1"
    assert record.note is not None
    assert record.note.text == WHY
    assert caught.value.code is Code.NOT_FOUND
    assert Erasure.objects.count() == 1


def test_how_fast_somebody_tried_codes_out_goes(shop: FakeHost) -> None:
    """At once where staff erase him, of whoever was deleted once it is over; no other's."""
    account = make_member(shop, make_program())
    actor, later = f"user:{account.user_id}", NOON + dt.timedelta(minutes=1)
    rows = ((actor, later), (f"coupon:{actor}", later), ("coupon:user:0", NOON), ("app:1", later))
    LookupPace.objects.bulk_create(LookupPace(actor_ref=who, free_at=at) for who, at in rows)

    erase(account)
    left = set(LookupPace.objects.values_list("pk", flat=True))
    erasing.erase_deleted(now=NOON)

    assert left == {"coupon:user:0", "app:1"}
    assert list(LookupPace.objects.values_list("pk", flat=True)) == ["app:1"]


def test_a_late_refund_leaves_the_reason_of_an_erasure(shop: FakeHost) -> None:
    """What came back becomes breakage; when, by whom and why stays on record and in the trail."""
    account = make_member(shop, make_program())
    shop.put_checkout("cart-1", 5000, user_ref=str(account.user_id))
    give(account, 100)
    redeeming.set_redemption(
        checkout_ref="cart-1", user_ref=str(account.user_id), points=100, now=NOON
    )
    facts = {"user_ref": str(account.user_id), "checkout_ref": "cart-1", "created_at": NOON}
    shop.put_order(order("order-1", line("1", 5000), **facts))
    settling.settle(order_ref="order-1", now=NOON)
    erase(account)
    shop.change_order("order-1", refunded_minor=5000)
    settling.settle(order_ref="order-1", now=NOON)
    assert books(account) != (0, 0, 0, 0)

    assert erasing.erase_deleted(now=NOON) == 1

    assert books(account) == (0, 0, 0, 0)
    record, entry = Erasure.objects.get(), AuditEntry.objects.get(account=account)
    assert (record.at, record.actor_ref, record.note_id) == (NOON, "user:1", entry.note_id)
    assert (entry.action, entry.at) == (AuditAction.MEMBER_ERASE, NOON)
    assert entry.note is not None
    assert (entry.note.text, entry.note.redacted_at) == (WHY, None)


def test_a_person_is_erased_in_every_program_with_the_guest_he_was(shop: FakeHost) -> None:
    """Two programs, a guest's account that was claimed, and one that was not."""
    make_program()
    first = guest_buys(shop, "order-1", "ada@example.com").account
    user = get_user_model().objects.create(email="ada@example.com", is_active=True)
    shop.put_user(str(user.pk), "ada@example.com")
    shop.change_order("order-1", user_ref=str(user.pk), is_user_confirmed=True)
    settling.settle(order_ref="order-1", now=NOON)
    unclaimed = guest_buys(shop, "order-2", "Ada@example.com").account
    shop.shop_channels.append(ChannelFacts("elsewhere", "elsewhere", "Elsewhere", "USD"))
    other = make_program("other", channels=("elsewhere",))
    members.enrol(other, str(user.pk), now=NOON)
    bystander = make_member(shop, other)
    member = Account.objects.get(program__slug="club", user=user)
    assert first is not None
    assert unclaimed is not None
    assert books(member) == (50, 0, 0, 0)

    erased = erase(member)

    kept = Account.objects.exclude(state=AccountState.ERASED)
    assert len(erased) == 4
    assert {first.pk, unclaimed.pk, member.pk} < set(erased)
    assert [account.pk for account in kept] == [bystander.pk]
    assert not Account.objects.exclude(email_hash="").exists()
    assert breaches() == []


def test_the_same_person_begins_anew(shop: FakeHost) -> None:
    """Welcome points, no history; what happens to an old order stays with the pseudonym."""
    program = make_program(welcome_points=10)
    account = make_member(shop, program)
    user_ref = str(account.user_id)
    shop.put_order(order("order-1", line("1", 5000), user_ref=user_ref, created_at=NOON))
    settling.settle(order_ref="order-1", now=NOON)
    erase(account)

    new = members.member_of(program, user_ref, now=NOON)
    shop.return_units("order-1", "1", 1)
    settling.settle(order_ref="order-1", now=NOON)
    left_over = erasing.erase_deleted(now=NOON)

    assert new is not None
    assert new.pk != account.pk
    assert books(new) == (10, 0, 0, 0)
    assert [row.kind for row in new.transactions.all()] == ["bonus"]
    assert left_over == 1
    assert books(account) == (0, 0, 0, 0)
    assert OrderRecord.objects.get().clawed == 50
    assert Erasure.objects.count() == 1
    assert breaches() == []


def test_an_order_that_is_being_paid_is_not_pulled_from_under_the_customer(shop: FakeHost) -> None:
    """Refused, and nothing changed; once the cart is given up it goes."""
    account = make_member(shop, make_program())
    give(account, 100)
    user_ref = str(account.user_id)
    shop.put_checkout("cart-1", 5000, user_ref=user_ref)
    redeeming.set_redemption(
        checkout_ref="cart-1", user_ref=user_ref, points=70, now=timezone.now()
    )
    shop.put_checkout("cart-1", 5000, user_ref=user_ref, is_money_committed=True)

    with pytest.raises(Refusal) as caught:
        erase(account)

    assert caught.value.code is Code.CHECKOUT_PAID
    assert books(account) == (30, 0, 70, 0)
    assert account.user_id == int(user_ref)
    del shop.checkouts["cart-1"]
    assert erase(account) == [account.pk]


def test_carts_lose_their_member_prices(shop: FakeHost) -> None:
    """Own discounts of open carts go, also of a cart priced before there was an account."""
    program = make_program()
    account = make_member(shop, program)
    other = make_member(shop, program)
    for ref, owner, user in (
        ("cart-1", account, account.user_id),
        ("cart-2", None, account.user_id),
        ("cart-gone", account, account.user_id),
        ("cart-other", other, other.user_id),
    ):
        StoredQuote.objects.create(
            checkout_ref=ref,
            account=owner,
            user_ref=str(user),
            basket_fingerprint="",
            fingerprint="",
            payload={},
            priced_at=NOON,
        )
    stripped: list[str] = []
    shop.put_checkout("cart-1", 5000, user_ref=str(account.user_id))
    shop.put_checkout("cart-2", 5000, user_ref=str(account.user_id))
    shop.strip_own_rows = lambda refs=None: stripped.extend(refs or ()) or 0  # type: ignore[method-assign]

    erase(account)

    assert stripped == ["cart-1", "cart-2"]
    assert [quote.checkout_ref for quote in StoredQuote.objects.all()] == ["cart-other"]


def test_a_receipt_forgets_how_its_member_was_named(shop: FakeHost) -> None:
    """The digest of its content had the phone in it; the till may still send it again."""
    account = make_member(shop, make_program())
    sale = {
        "source": "till",
        "receipt": "R-1",
        "channel": CHANNEL,
        "member": MemberKey(number=account.member_number),
        "sold_at": NOON,
        "currency": "USD",
        "lines": [SaleLine(ref="a", quantity=1, gross=Decimal("20.00"))],
        "now": NOON,
    }
    pos.record_sale(**sale)
    erase(account)

    again = pos.record_sale(**sale)

    assert PosSale.objects.get().content_hash == ""
    assert (again.is_new, PosSale.objects.count()) == (False, 1)
    assert books(account) == (0, 0, 0, 0)


def test_a_deleted_address_takes_the_guest_with_it(shop: FakeHost) -> None:
    """The deleted user's guest account is erased; an address that was never confirmed is not."""
    make_program()
    record = guest_buys(shop, "order-1", "ada@example.com")
    user = get_user_model()(email="ada@example.com", is_active=True)
    imposter = get_user_model()(email="ada@example.com", is_active=False)
    if hasattr(imposter, "is_confirmed"):
        imposter.is_confirmed = False

    assert erasing.tasks_of_deleted(imposter) == [("erase_deleted",)]
    (_, (name, hashes)) = erasing.tasks_of_deleted(user)
    getattr(tasks, name).run(hashes)

    account = Account.objects.get(pk=record.account_id)
    assert hashes == email_hashes("ada@example.com")
    assert (account.state, account.email_hash) == (AccountState.ERASED, "")
    assert books(account) == (0, 0, 0, 0)
    assert Erasure.objects.get().cause == "deleted"
    assert breaches() == []


@pytest.mark.parametrize(
    ("reason", "code"), [("", Code.REQUIRED), ("  ", Code.REQUIRED), ("x" * 1001, Code.INVALID)]
)
def test_a_reason_is_needed(shop: FakeHost, reason: str, code: Code) -> None:
    """Refused by field, and nothing changed."""
    account = make_member(shop, make_program())

    with pytest.raises(Refusal) as caught:
        erase(account, reason)

    assert (caught.value.code, caught.value.field) == (code, "reason")
    assert Account.objects.get().state == AccountState.MEMBER


def test_the_command_erases_when_told_to(shop: FakeHost) -> None:
    """First it says what it would do; by user, by address and by member number alike."""
    program = make_program(enrolment=Enrolment.EVERY_CUSTOMER.value)
    first, second, third = (make_member(shop, program) for _ in range(3))
    address = shop.people[str(second.user_id)].email
    out = StringIO()
    why = ("--reason", WHY)

    call_command("retention_erase", "--user", str(first.user_id), *why, stdout=out)
    assert not Erasure.objects.exists()
    call_command("retention_erase", "--user", str(first.user_id), "--apply", *why, stdout=out)
    call_command("retention_erase", "--email", address, "--apply", *why, stdout=out)
    call_command("retention_erase", "--member", third.member_number, "--apply", *why, stdout=out)

    assert out.getvalue().splitlines() == [
        "1 account would be erased (--apply does it).",
        *["1 account erased."] * 3,
    ]
    assert set(Account.objects.values_list("state", flat=True)) == {"erased"}
    assert set(Erasure.objects.values_list("cause", flat=True)) == {"command"}
    for who in (("--user", "x"), ("--member", "nobody"), ("--email", address)):
        with pytest.raises(CommandError):
            call_command("retention_erase", *who, "--apply", *why, stdout=out)
