"""Sales at a till: once, for the right member, reversed in part, in any order of arrival."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.db import transaction

from saleor_retention.engine.facts import GoodsFacts
from saleor_retention.errors import Refusal, Refusals
from saleor_retention.models import Account, OrderRecord, PosSale, Program
from saleor_retention.services.ordering import pos
from saleor_retention.services.ordering.pos import MemberKey, Recorded, SaleLine
from saleor_retention.services.setting_up import programs
from tests.fakes import FakeHost, at, use
from tests.members import (
    LADDER,
    NOON,
    RULES,
    books,
    counts_of_rows,
    make_member,
    make_program,
    make_user,
)

pytestmark = pytest.mark.django_db

NOBODY = (
    "NOT_FOUND",
    "member",
    "No member can be told by this number, phone number or e-mail address.",
)
LINES = (
    SaleLine(ref="1", quantity=2, gross=Decimal("30.00")),
    SaleLine(ref="2", quantity=1, gross=Decimal("20.50")),
)


@pytest.fixture(autouse=True)
def shop(monkeypatch: pytest.MonkeyPatch) -> FakeHost:
    """A shop in memory."""
    return use(monkeypatch)


@pytest.fixture
def program() -> Program:
    """A point for a dollar."""
    return make_program()


@pytest.fixture
def member(shop: FakeHost, program: Program) -> Account:
    """A member without points."""
    return make_member(shop, program)


def sell(account: Account | None = None, **given: Any) -> Recorded:
    """Record the receipt that a test is about."""
    defaults: dict[str, Any] = {
        "source": "till-1",
        "receipt": "R1",
        "channel": "1",
        "member": MemberKey(number=account.member_number) if account else MemberKey(),
        "sold_at": NOON,
        "currency": "USD",
        "lines": LINES,
        "actor_ref": "app:1",
        "now": NOON + dt.timedelta(hours=1),
    }
    return pos.record_sale(**(defaults | given))


def take_back(
    reversal_id: str, lines: dict[str, int] | None = None, receipt: str = "R1"
) -> Recorded:
    """Reverse some of the receipt."""
    return pos.reverse_sale(
        source="till-1",
        receipt=receipt,
        reversal_id=reversal_id,
        lines=lines,
        now=NOON + dt.timedelta(hours=2),
    )


def refusals_of(call: Callable[[], Any]) -> list[tuple[str, str | None, str]]:
    """Return what a call is refused for, having seen that nothing was changed."""
    before = counts_of_rows()
    with pytest.raises((Refusals, Refusal)) as caught, transaction.atomic():
        call()
    assert counts_of_rows() == before
    found = getattr(caught.value, "refusals", [caught.value])
    return [(refusal.code.value, refusal.field, refusal.message) for refusal in found]


# --- recording ------------------------------------------------------------------------------------


def test_a_sale_earns_like_an_order(member: Account) -> None:
    """One floor over the receipt: 50.50 earn 50 points."""
    recorded = sell(member)

    assert recorded.is_new
    assert recorded.record is not None
    assert (recorded.record.order_ref, recorded.record.number) == ("pos:till-1:R1", "R1")
    assert (recorded.record.earned, recorded.record.spend_minor) == (50, 5050)
    assert recorded.record.paid_at == NOON
    assert books(member) == (50, 0, 0, 0)


def test_the_same_receipt_again_changes_nothing(member: Account) -> None:
    """A till that sends three times earns once."""
    first = sell(member)
    before = counts_of_rows()

    for _ in range(2):
        again = sell(member)
        assert not again.is_new
        assert again.record == first.record

    assert counts_of_rows() == before
    assert books(member) == (50, 0, 0, 0)


def test_the_same_receipt_with_other_content_is_refused(member: Account) -> None:
    """Another amount, member or time is not the same receipt."""
    sell(member)
    other = (SaleLine(ref="1", quantity=2, gross=Decimal("31.00")), LINES[1])

    message = "Receipt R1 of till-1 was recorded with other content."
    for changed in ({"lines": other}, {"sold_at": NOON + dt.timedelta(seconds=1)}):
        found = refusals_of(lambda changed=changed: sell(member, **changed))
        assert found == [("KEY_REUSED", "receipt", message)]
    assert books(member) == (50, 0, 0, 0)


def test_another_till_may_have_the_same_receipt_number(member: Account) -> None:
    """A receipt is known by source and number."""
    sell(member)
    sell(member, source="till-2")

    assert books(member) == (100, 0, 0, 0)


def test_goods_of_the_shop_earn_their_multiplier(shop: FakeHost) -> None:
    """A SKU that the shop knows is selected by; one that it does not earns at the base rate."""
    shop.slugs = {"variants": {"TEA": "21"}}
    shop.goods = {"21": GoodsFacts("21", "11", frozenset(), frozenset({"31"}))}
    double = {"name": "Summer", "factor": 2, "select": {"collections": ["31"]}}
    member = make_member(shop, make_program(multipliers=[double]))

    sell(
        member,
        lines=(
            SaleLine(ref="1", quantity=1, gross=Decimal("10.00"), sku="TEA"),
            SaleLine(ref="2", quantity=1, gross=Decimal("10.00"), sku="UNKNOWN"),
            SaleLine(ref="3", quantity=1, gross=Decimal("99.00"), is_gift_card=True),
        ),
    )

    assert books(member) == (30, 0, 0, 0)


def test_net_amounts_earn_where_tax_does_not(shop: FakeHost) -> None:
    """A program without tax in its basis earns on net."""
    rates = {"rates": {"USD": {"points": 1, "per": "1.00"}}, "include_tax": False}
    member = make_member(shop, make_program(earn=rates))

    sell(
        member,
        lines=(SaleLine(ref="1", quantity=1, gross=Decimal("12.00"), net=Decimal("10.00")),),
    )

    assert books(member) == (10, 0, 0, 0)


def test_a_sale_earns_under_the_rules_of_its_time(shop: FakeHost, program: Program) -> None:
    """It arrives a day after the rate was doubled, and was made before."""
    member = make_member(shop, program)
    rates = {"earn": {"rates": {"USD": {"points": 2, "per": "1.00"}}}}
    programs.update_program(program=program, changes=rates, now=at("2026-03-11"))

    sell(member, now=at("2026-03-12"))
    sell(member, receipt="R2", sold_at=at("2026-03-11 08:00"), now=at("2026-03-12"))

    assert books(member) == (50 + 101, 0, 0, 0)


def test_a_sale_counts_towards_a_tier(shop: FakeHost) -> None:
    """Spending 500.00 over the counter makes a VIP at once; taking it back withdraws that."""
    program = make_program(tiers=LADDER, reference={"currency": "USD"})
    member = make_member(shop, program, tier="regular")

    sell(member, lines=(SaleLine(ref="1", quantity=1, gross=Decimal("500.00")),))
    member.refresh_from_db()
    assert member.tier == "vip"

    take_back("B1")
    member.refresh_from_db()
    assert member.tier == "regular"


# --- which member ---------------------------------------------------------------------------------


def test_a_member_is_found_by_number_phone_or_email(shop: FakeHost, member: Account) -> None:
    """Phone numbers are read as people type them, addresses whatever their case."""
    user = str(member.user_id)
    shop.phones["+12025550123"] = [user]
    email = shop.people[user].email.upper()

    sell(member)
    sell(receipt="R2", member=MemberKey(phone="+1 (202) 555-0123"))
    sell(receipt="R3", member=MemberKey(email=email))

    assert books(member) == (150, 0, 0, 0)
    assert not PosSale.objects.filter(document__icontains="2025550123").exists()


def test_a_customer_without_an_account_gets_one(shop: FakeHost) -> None:
    """Where every customer is a member, the till need not ask him to sign up."""
    make_program(welcome_points=100)
    user = make_user(shop)

    sell(member=MemberKey(email=shop.people[user].email))

    assert books(Account.objects.get(user_id=int(user))) == (150, 0, 0, 0)


def test_an_ambiguous_phone_number_is_refused(shop: FakeHost) -> None:
    """A family shares a number: nobody is guessed, no account is opened, no member betrayed."""
    make_program()
    shop.phones["+12025550123"] = [make_user(shop), make_user(shop)]

    found = refusals_of(lambda: sell(member=MemberKey(phone="+12025550123")))

    assert found == [NOBODY]


@pytest.mark.parametrize(
    ("key", "refusal"),
    [
        (MemberKey(number="999"), NOBODY),
        (MemberKey(phone="+12025550100"), NOBODY),
        (
            MemberKey(phone="2025550100"),
            (
                "INVALID",
                "member.phone",
                "member.phone must begin with + and the country, as +12025550123.",
            ),
        ),
        (MemberKey(email="nobody@example.com"), NOBODY),
        (
            MemberKey(),
            (
                "REQUIRED",
                "member",
                "member must be named by exactly one of number, phone and email.",
            ),
        ),
        (
            MemberKey(number="1", email="a@example.com"),
            (
                "REQUIRED",
                "member",
                "member must be named by exactly one of number, phone and email.",
            ),
        ),
    ],
)
def test_a_member_who_is_not_there_is_refused(
    program: Program, key: MemberKey, refusal: tuple[str, str, str]
) -> None:
    """Whatever key was used, the refusal is one and the same."""
    assert program.is_active
    assert refusals_of(lambda: sell(member=key)) == [refusal]


def test_who_left_earns_nothing(shop: FakeHost, program: Program) -> None:
    """And the till hears the same as of a number that nobody ever had."""
    member = make_member(shop, program, state="left")

    assert refusals_of(lambda: sell(member)) == [NOBODY]


# --- the pace of look-ups -------------------------------------------------------------------------


def looked_up(key: MemberKey, receipt: str, **given: Any) -> str:
    """Try to sell to somebody and return the refusal's code, "" for none."""
    try:
        sell(member=key, receipt=receipt, **given)
    except Refusal as refusal:
        return refusal.code.value
    return ""


def test_look_ups_run_out_whether_they_find_a_member_or_not(member: Account, settings: Any) -> None:
    """Three an hour for each actor: the fourth says nothing of the member, who is there."""
    settings.RETENTION_MEMBER_LOOKUPS_PER_HOUR = 3
    known, unknown = MemberKey(number=member.member_number), MemberKey(number="999")

    assert looked_up(known, "R1") == ""
    assert [looked_up(unknown, f"R{number}") for number in (2, 3)] == ["NOT_FOUND"] * 2
    assert [looked_up(key, "R4") for key in (known, unknown)] == ["TOO_MANY_REQUESTS"] * 2
    assert not PosSale.objects.filter(receipt="R4").exists()

    assert looked_up(known, "R1") == ""  # sent again: nobody is looked up
    assert looked_up(known, "R5", actor_ref="user:1") == ""
    assert looked_up(known, "R6", actor_ref="") == ""
    settings.RETENTION_MEMBER_LOOKUPS_PER_HOUR = 0
    assert looked_up(known, "R7") == ""


def test_look_ups_come_back_one_by_one_and_never_add_up(member: Account, settings: Any) -> None:
    """A third of an hour gives one of three back; a day gives back three and not more."""
    settings.RETENTION_MEMBER_LOOKUPS_PER_HOUR = 3
    unknown = MemberKey(email="nobody@example.com")
    spent = [looked_up(unknown, "R1") for _ in range(4)]
    assert spent == ["NOT_FOUND"] * 3 + ["TOO_MANY_REQUESTS"]

    for later, left in ((dt.timedelta(minutes=20), 1), (dt.timedelta(days=1), 3)):
        now = NOON + dt.timedelta(hours=1) + later
        tried = [looked_up(unknown, "R1", now=now) for _ in range(left + 1)]
        assert tried == ["NOT_FOUND"] * left + ["TOO_MANY_REQUESTS"]
    assert member.member_number


def test_a_receipt_does_not_betray_its_member_to_who_reads_the_table(
    shop: FakeHost, program: Program, settings: Any
) -> None:
    """Its digest is a keyed one, and a receipt from before a change of keys is still the same."""
    settings.RETENTION_EMAIL_HASH_KEYS = {"2025": "a" * 32}
    make_member(shop, program)
    key = MemberKey(email=shop.people[next(iter(shop.people))].email)
    before = sell(member=key).sale.content_hash
    PosSale.objects.all().update(receipt="R0")
    settings.RETENTION_EMAIL_HASH_KEYS = {"2026": "b" * 32}
    assert sell(member=key).sale.content_hash != before

    settings.RETENTION_EMAIL_HASH_KEYS = {"2026": "b" * 32, "2027": "c" * 32}
    assert not sell(member=key).is_new


# --- bad input ------------------------------------------------------------------------------------


def test_everything_wrong_with_a_receipt_is_named(member: Account) -> None:
    """Negative, fractional, enormous and missing values, each with its field and rule."""
    bad = (
        SaleLine(ref="1", quantity=-1, gross=Decimal("-5.00")),
        SaleLine(ref="1", quantity=1.5, gross=Decimal("1.005")),  # type: ignore[arg-type]
        SaleLine(ref="", quantity=10**9, gross=Decimal(10) ** 30),
        SaleLine(ref="4", quantity=1, gross=Decimal("NaN"), net=Decimal("1.00")),
        SaleLine(ref="5", quantity=1, gross=Decimal("1.00"), net=Decimal("2.00")),
    )

    found = refusals_of(
        lambda: sell(
            member,
            source="a:b",
            receipt="x" * 51,
            lines=bad,
            sold_at=NOON + dt.timedelta(days=1),
        )
    )

    whole = "must be a whole number from 1 to 1000000; it is"
    assert [message for _, _, message in found] == [
        "source must be 1 to 24 letters, digits, points, hyphens or underscores.",
        "receipt must be at most 50 printable characters without spaces around them.",
        "soldAt must not lie in the future.",
        f"lines.0.quantity {whole} -1.",
        "lines.0.gross must not be negative.",
        "lines.1.ref is taken: '1' stands above.",
        f"lines.1.quantity {whole} 1.5.",
        "lines.1.gross must be an amount with 2 decimals at most; it is 1.005.",
        "lines.2.ref must not be empty.",
        f"lines.2.quantity {whole} 1000000000.",
        "lines.2.gross is far too large.",
        "lines.3.gross must be an amount with 2 decimals at most; it is NaN.",
        "lines.4.net must not be more than gross.",
    ]


def test_no_lines_unknown_currency_no_program_too_early(member: Account) -> None:
    """What the shop and the program say no to."""
    assert refusals_of(lambda: sell(member, lines=())) == [
        ("REQUIRED", "lines", "lines must have at least one line.")
    ]
    message = 'Program "club" has no earn rate for XXX.'
    assert refusals_of(lambda: sell(member, currency="XXX")) == [
        ("CURRENCY_WITHOUT_RATE", "currency", message)
    ]
    assert refusals_of(lambda: sell(member, channel="9")) == [
        ("PROGRAM_INACTIVE", "channel", "There is no active program in this channel.")
    ]
    message = 'soldAt must not be before the program "club" began.'
    assert refusals_of(lambda: sell(member, sold_at=at("2025-12-31"))) == [
        ("INVALID", "soldAt", message)
    ]


# --- reversing ------------------------------------------------------------------------------------


def test_lines_are_taken_back_bit_by_bit(member: Account) -> None:
    """50 points; one unit of 15.00 leaves 35.50 = 35; the other line 15; the rest 0."""
    sell(member)

    for reversal_id, lines, left in (
        ("B1", {"1": 1}, 35),
        ("B2", {"2": 1}, 15),
        ("B3", None, 0),
    ):
        recorded = take_back(reversal_id, lines)
        assert recorded.is_new
        assert books(member) == (left, 0, 0, 0)

    record = OrderRecord.objects.get()
    assert (record.earned, record.clawed, record.spend_minor) == (50, 50, 0)


def test_a_reversal_counts_once(member: Account) -> None:
    """The same id again does nothing; with other lines it is refused."""
    sell(member)
    take_back("B1", {"1": 1})
    before = counts_of_rows()

    assert not take_back("B1", {"1": 1}).is_new
    assert counts_of_rows() == before
    message = "Reversal B1 of receipt R1 took other lines back."
    for lines in ({"1": 2}, None):
        found = refusals_of(lambda lines=lines: take_back("B1", lines))
        assert found == [("KEY_REUSED", "reversalId", message)]


def test_more_than_was_sold_cannot_be_taken_back(member: Account) -> None:
    """Cumulative over reversals; unknown lines and odd quantities are named."""
    sell(member)
    take_back("B1", {"1": 1})

    message = "lines.1.quantity is 2, and 1 units are left."
    assert refusals_of(lambda: take_back("B2", {"1": 2})) == [
        ("INVALID", "lines.1.quantity", message)
    ]
    assert refusals_of(lambda: take_back("B2", {"9": 1})) == [
        ("NOT_FOUND", "lines.9", "The receipt has no line 9.")
    ]
    assert refusals_of(lambda: take_back("B2", {"1": 0}))[0][0] == "INVALID"
    assert refusals_of(lambda: take_back("B2", {}))[0][0] == "REQUIRED"
    assert refusals_of(lambda: take_back(" ", None))[0][1] == "reversalId"
    assert books(member) == (35, 0, 0, 0)


@pytest.mark.parametrize("order", list(itertools.permutations(["sale", "B1", "B2"])))
def test_any_order_of_arrival_gives_the_same(member: Account, order: tuple[str, ...]) -> None:
    """Sale and two reversals, each delivered three times, in all six orders."""
    messages: dict[str, Callable[[], Recorded]] = {
        "sale": lambda: sell(member),
        "B1": lambda: take_back("B1", {"1": 1}),
        "B2": lambda: take_back("B2", {"2": 1}),
    }

    for name in order * 3:
        messages[name]()

    assert books(member) == (15, 0, 0, 0)
    record = OrderRecord.objects.get()
    assert (record.earned, record.clawed) == (50, 35)


def test_a_waiting_reversal_that_the_sale_does_not_bear_counts_for_nothing(
    member: Account,
) -> None:
    """As it would have been refused after the sale; the others hold."""
    take_back("B1", {"1": 5})
    take_back("B2", {"2": 1})
    take_back("B3", {"9": 1})

    sell(member)

    assert books(member) == (30, 0, 0, 0)
    assert {key for key, item in PosSale.objects.get().reversals.items() if item["is_refused"]} == {
        "B1",
        "B3",
    }


def test_a_reversal_whose_sale_never_comes_waits(program: Program) -> None:
    """Nothing is earned or owed; there is no record."""
    assert program.is_active

    recorded = take_back("B1", None, receipt="R9")

    assert recorded.record is None
    assert not OrderRecord.objects.exists()


def test_spent_points_of_a_reversed_sale_are_owed(member: Account) -> None:
    """What is not there any more becomes a deficit, as with an order."""
    sell(member)
    Account.objects.filter(pk=member.pk).update(available=0)
    member.lots.update(used=50, remaining=0)

    take_back("B1")

    assert books(member) == (0, 0, 0, 50)


def test_the_rules_of_the_sale_stay_those_of_its_time(member: Account, program: Program) -> None:
    """V4 at the till: the rate is doubled between sale and reversal; all 50 are taken."""
    sell(member)
    changes = {"earn": {"rates": {"USD": {"points": 2, "per": "1.00"}}}}
    programs.update_program(program=program, changes=changes, now=NOON + dt.timedelta(minutes=90))

    take_back("B1")

    assert books(member) == (0, 0, 0, 0)
    assert RULES["earn"]["rates"]["USD"]["points"] == 1
