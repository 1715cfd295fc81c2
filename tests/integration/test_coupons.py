"""Coupons on a real shop: issued, typed, ordered with, given back, and never somebody else's."""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from saleor_retention import host
from saleor_retention.engine.coupons.codes import ALPHABET
from saleor_retention.engine.phrases import render
from saleor_retention.errors import Code, Refusal
from saleor_retention.models import (
    AuditEntry,
    Coupon,
    CouponBatch,
    CouponKind,
    CouponState,
    CouponUse,
    CouponUseState,
    OrderRecord,
)
from saleor_retention.services.couponing import coupon_uses, coupons
from saleor_retention.services.couponing.coupons import Circumstances
from saleor_retention.services.ordering import settling
from saleor_retention.services.setting_up import programs
from tests.coupons import bought_with, completed, issue, terms, typed
from tests.factories.current import factories
from tests.graphql.world import IS_SALEOR_3, World, open_shop

pytestmark = pytest.mark.django_db(databases="__all__")

NOT_APPLICABLE = "VOUCHER_NOT_APPLICABLE"


@pytest.fixture
def world(db: None) -> World:  # noqa: ARG001
    """A shop with a program."""
    return open_shop()


@pytest.fixture
def variant(world: World) -> Any:  # noqa: ARG001
    """Something that costs forty dollars."""
    return factories().make_product("40.00")


def use_of(coupon: Coupon) -> tuple[str, int, str]:
    """Return (state, uses, state of the only use)."""
    coupon.refresh_from_db()
    (use,) = CouponUse.objects.filter(coupon=coupon)
    return coupon.state, coupon.uses, use.state


def test_a_personal_code_takes_its_amount_off_and_is_used_up(world: World, variant: Any) -> None:
    """The owner pays five dollars less, once."""
    owner = world.owner.user
    coupon = issue(world, world.account())

    order = bought_with(coupon.code, owner, variant)

    assert order.total_gross_amount == Decimal("45.00")  # with ten for shipping
    assert use_of(coupon) == (CouponState.USED, 1, CouponUseState.USED)
    again = factories().make_checkout(owner, {variant: 1})
    ((field, _message, code),) = typed(again, coupon.code, owner)
    assert (field, code) in {("promoCode", "INVALID"), ("promoCode", NOT_APPLICABLE)}


def test_another_customer_cannot_take_a_personal_code(world: World, variant: Any) -> None:
    """He reads why when he types it, and nothing is on his checkout."""
    coupon = issue(world, world.account())
    stranger = world.other.user
    checkout = factories().make_checkout(stranger, {variant: 1})

    errors = typed(checkout, coupon.code, stranger)

    assert errors == [("promoCode", render(coupon_uses.NOT_YOURS), NOT_APPLICABLE)]
    checkout.refresh_from_db()
    assert checkout.voucher_code is None
    assert factories().checkout_total(checkout, stranger) == Decimal("50.00")


def test_a_code_that_changed_hands_with_its_cart_is_refused_at_the_order(
    world: World, variant: Any
) -> None:
    """The last look before the order asks again whose the code is."""
    owner, stranger = world.owner.user, world.other.user
    coupon = issue(world, world.account())
    checkout = factories().make_checkout(owner, {variant: 1})
    assert typed(checkout, coupon.code, owner) == []
    type(checkout).objects.filter(pk=checkout.pk).update(user=stranger)
    checkout.refresh_from_db()

    errors = completed(checkout, stranger)

    assert [(message, code) for _field, message, code in errors] == [
        (render(coupon_uses.NOT_YOURS), "INVALID")
    ]
    assert not CouponUse.objects.exists()
    assert type(checkout).objects.filter(pk=checkout.pk).exists()


def test_a_canceled_order_gives_the_coupon_back(world: World, variant: Any) -> None:
    """It can be used for another order then."""
    coupon = issue(world, world.account())
    order = bought_with(coupon.code, world.owner.user, variant)

    factories().cancel(order)
    settling.settle(order_ref=str(order.pk))

    assert use_of(coupon) == (CouponState.ACTIVE, 0, CouponUseState.RETURNED)
    second = bought_with(coupon.code, world.owner.user, variant)
    assert second.total_gross_amount == Decimal("45.00")
    coupon.refresh_from_db()
    assert (coupon.state, coupon.uses) == (CouponState.USED, 1)


def test_a_bearer_code_for_two_orders_serves_two(world: World, variant: Any) -> None:
    """Whoever has it; the third is told that it was used."""
    coupon = issue(world, None, CouponKind.BEARER, uses=2)

    bought_with(coupon.code, world.owner.user, variant)
    coupon.refresh_from_db()
    assert (coupon.state, coupon.uses) == (CouponState.ACTIVE, 1)
    bought_with(coupon.code, world.other.user, variant)

    coupon.refresh_from_db()
    assert (coupon.state, coupon.uses) == (CouponState.USED, 2)
    third = factories().make_checkout(world.owner.user, {variant: 1})
    assert len(typed(third, coupon.code, world.owner.user)) == 1


@pytest.mark.usefixtures("db")
def test_who_is_no_member_uses_a_code_up_and_gets_it_back() -> None:
    """A guest and a customer who did not join a program that one has to join."""
    world = open_shop(enrolment="opt_in")
    goods = factories().make_product("40.00")
    coupon = issue(world, None, CouponKind.BEARER)

    order = bought_with(coupon.code, None, goods)
    assert order.total_gross_amount == Decimal("45.00")
    assert use_of(coupon) == (CouponState.USED, 1, CouponUseState.USED)
    factories().cancel(order)
    settling.settle(order_ref=str(order.pk))

    assert use_of(coupon) == (CouponState.ACTIVE, 0, CouponUseState.RETURNED)
    second = bought_with(coupon.code, world.other.user, goods)
    assert second.total_gross_amount == Decimal("45.00")
    coupon.refresh_from_db()
    assert (coupon.state, coupon.uses) == (CouponState.USED, 1)
    assert not OrderRecord.objects.exists()


def test_per_cent_from_an_amount_on(world: World) -> None:
    """Ten per cent of goods for 50.00 and more; below, the shop says that it does not apply."""
    dear, cheap = factories().make_product("60.00"), factories().make_product("20.00")
    owner = world.owner.user
    coupon = issue(world, world.account(), amounts=None, percent="10", minimums={"USD": 5000})
    small = factories().make_checkout(owner, {cheap: 1})

    ((field, _message, code),) = typed(small, coupon.code, owner)
    order = bought_with(coupon.code, owner, dear)

    assert (field, code) == ("promoCode", NOT_APPLICABLE)
    assert order.total_gross_amount == Decimal("64.00")


def test_free_shipping_by_a_code(world: World, variant: Any) -> None:
    """A hundred per cent off the shipping and nothing off the goods."""
    coupon = issue(world, world.account(), amounts=None, percent="100", shipping=True)

    order = bought_with(coupon.code, world.owner.user, variant)

    assert order.total_gross_amount == Decimal("40.00")


@pytest.mark.parametrize(
    ("changes", "minor"),
    [
        ({}, 500),
        ({"amounts": {"USD": 9900}}, 4000),  # no more than the goods cost
        ({"amounts": None, "percent": "12.5"}, 500),
        ({"amounts": None, "percent": "100", "shipping": True}, 1000),
    ],
)
def test_what_a_code_took_off_is_kept(
    world: World, variant: Any, changes: dict[str, Any], minor: int
) -> None:
    """Of the order as the shop has it, also where the amount is more than the goods cost."""
    coupon = issue(world, world.account(), **changes)

    order = bought_with(coupon.code, world.owner.user, variant)

    (use,) = CouponUse.objects.filter(coupon=coupon)
    assert (use.state, use.amount_minor, use.currency) == (CouponUseState.USED, minor, "USD")
    assert order.total_gross_amount == Decimal(5000 - minor) / 100
    assert host.current().coupon_minor(str(order.pk), "ANOTHER") is None
    assert host.current().coupon_minor("none", coupon.code) is None


def test_a_key_issues_once(world: World) -> None:
    """A retry gets the same code; other terms or another member are refused."""
    account = world.account()
    first = issue(world, account)

    again = issue(world, account)

    assert again.pk == first.pk
    with pytest.raises(Refusal) as other_terms:
        issue(world, account, amounts={"USD": 600})
    with pytest.raises(Refusal) as other_member:
        issue(world, world.account(world.other))
    assert {other_terms.value.code, other_member.value.code} == {Code.KEY_REUSED}
    assert Coupon.objects.count() == 1


def test_codes_are_readable_and_of_the_shop(world: World) -> None:
    """Twelve characters that nobody mistakes, known to the shop until the local day is over."""
    coupon = issue(world, world.account(), days=3)

    assert re.fullmatch(f"[{ALPHABET}]{{12}}", coupon.code)
    assert coupon.valid_until.astimezone(dt.UTC).time() == dt.time()  # the program's zone is UTC
    left = coupon.valid_until - timezone.now()
    assert dt.timedelta(days=3) < left <= dt.timedelta(days=4)
    assert voucher_end(coupon.code) == coupon.valid_until


def test_a_code_that_exists_is_drawn_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The unique index decides, and the next draw is taken."""
    draws = iter("3" * 12 + "3" * 12 + "4" * 12)
    monkeypatch.setattr("secrets.choice", lambda _characters: next(draws))

    first = issue(world, world.account(), key="a")
    second = issue(world, world.account(), key="b")

    assert (first.code, second.code) == ("3" * 12, "4" * 12)


def test_single_coupons_share_a_voucher_by_terms_and_end(world: World) -> None:
    """Ten coupons of a day are one batch, another end or other terms another."""
    for number in range(10):
        issue(world, world.account(), key=f"k{number}")
    issue(world, world.account(), key="longer", days=31)
    issue(world, world.account(), key="more", amounts={"USD": 600})

    sizes = [batch.coupons.count() for batch in CouponBatch.objects.order_by("pk")]
    assert sizes == [10, 1, 1]


def test_a_campaign_issues_no_more_than_its_cap(world: World) -> None:
    """Ended coupons count, so that the budget is one."""
    why = Circumstances(campaign="spring", cap=2)
    for number in range(2):
        issue(world, world.account(), key=f"k{number}", why=why)
    coupons.revoke(coupon=Coupon.objects.first(), actor_ref="", reason="A test")

    with pytest.raises(Refusal) as refused:
        issue(world, world.account(), key="k2", why=why)

    assert refused.value.code is Code.LIMIT_REACHED
    assert refused.value.message == "All 2 coupons of this campaign have been issued."
    assert issue(world, world.account(), key="k0", why=why).code  # a retry is no new one


def test_a_revoked_code_is_refused(world: World, variant: Any) -> None:
    """Typed or on a checkout already; the trail says who ended it and why."""
    owner = world.owner.user
    coupon = issue(world, world.account())
    checkout = factories().make_checkout(owner, {variant: 1})
    assert typed(checkout, coupon.code, owner) == []

    coupons.revoke(coupon=coupon, actor_ref="user:9", reason="Sent to the wrong person")

    other = factories().make_checkout(owner, {variant: 1})
    assert len(typed(other, coupon.code, owner)) == 1
    assert len(completed(checkout, owner)) == 1
    assert not CouponUse.objects.exists()
    entry = AuditEntry.objects.get(action="coupon_revoke")
    assert (entry.actor_ref, entry.note.text) == ("user:9", "Sent to the wrong person")
    assert coupon.code not in str(entry.changes)


def test_what_a_checkout_left_lying_is_free_again(world: World) -> None:
    """A reservation lapses; until then the code is another checkout's."""
    account = world.account()
    user_ref = str(account.user_id)
    coupon = issue(world, account)
    noon = timezone.now()
    coupon_uses.reserve_for("cart-1", code=coupon.code, user_ref=user_ref, now=noon)

    with pytest.raises(Refusal) as refused:
        coupon_uses.reserve_for("cart-2", code=coupon.code, user_ref=user_ref, now=noon)
    later = CouponUse.objects.get().lapses_at
    coupon_uses.reserve_for("cart-2", code=coupon.code, user_ref=user_ref, now=later)

    assert refused.value.phrase == coupon_uses.USED_UP
    states = dict(CouponUse.objects.values_list("checkout_ref", "state"))
    assert states == {"cart-1": CouponUseState.RETURNED, "cart-2": CouponUseState.RESERVED}


def test_reminders_are_taken_once_and_coupons_expire(world: World) -> None:
    """Three days before the end, and nothing after it."""
    account = world.account()
    coupon = issue(world, account, days=10, why=Circumstances(remind_days=3))
    before = coupon.valid_until - dt.timedelta(days=3, seconds=1)
    due = coupon.valid_until - dt.timedelta(days=3)

    assert coupons.take_reminders(10, now=before) == []
    assert [taken.pk for taken in coupons.take_reminders(10, now=due)] == [coupon.pk]
    assert coupons.take_reminders(10, now=due) == []
    assert coupons.expire_due(now=coupon.valid_until - dt.timedelta(seconds=1)) == 0
    assert coupons.expire_due(now=coupon.valid_until) == 1
    coupon.refresh_from_db()
    assert coupon.state == CouponState.EXPIRED


def test_a_lookup_says_one_thing_whatever_the_reason(world: World, settings: Any) -> None:
    """Unknown, another's and ended read the same; after the limit nothing is answered."""
    settings.RETENTION_COUPON_LOOKUPS_PER_HOUR = 5
    owner_ref = str(world.owner.user.pk)
    coupon = issue(world, world.account())
    now = timezone.now()

    def asked(code: str, user_ref: str, at: dt.datetime = now) -> str:
        try:
            return coupons.lookup(code, user_ref=user_ref, asker="user:1", now=at).code
        except Refusal as refused:
            return refused.message

    answers = [
        asked(f" {coupon.code[:4].lower()} {coupon.code[4:]}", owner_ref),
        asked("NOTHING", owner_ref),
        asked(coupon.code, str(world.other.user.pk)),
        asked(coupon.code, owner_ref, coupon.valid_until - dt.timedelta(hours=0)),
    ]

    assert answers == [coupon.code, *[render(coupons.UNKNOWN)] * 3]


def test_lookups_are_bounded(world: World, settings: Any) -> None:
    """Found or not, the third within an hour is refused."""
    settings.RETENTION_COUPON_LOOKUPS_PER_HOUR = 2
    now = timezone.now()
    codes = []
    for _ in range(3):
        with pytest.raises(Refusal) as refused:
            coupons.lookup("NOTHING", user_ref=None, asker="user:1", now=now)
        codes.append(refused.value.code)

    assert codes == [Code.NOT_FOUND, Code.NOT_FOUND, Code.TOO_MANY_REQUESTS]
    with pytest.raises(Refusal) as another:
        coupons.lookup("NOTHING", user_ref=None, asker="user:2", now=now)
    assert another.value.code is Code.NOT_FOUND
    assert world.program.pk


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"amounts": {"EUR": 500}}, "terms.amounts"),
        ({"days": -1}, "validForDays"),
        ({"key": " "}, "key"),
    ],
)
def test_what_cannot_be_issued_leaves_nothing(
    world: World, given: dict[str, Any], field: str
) -> None:
    """Refusals name the field, and no batch and no voucher are left behind."""
    account = world.account()
    with pytest.raises(Refusal) as refused:
        issue(world, account, **given)

    assert refused.value.field == field
    assert (CouponBatch.objects.count(), Coupon.objects.count(), vouchers()) == (0, 0, 0)


def test_terms_that_gave_both_are_refused() -> None:
    """Every problem at once."""
    with pytest.raises(ValueError, match="either percent or amounts") as found:
        terms(percent="101", uses=0)

    assert [field for field, _ in found.value.problems] == ["percent", "percent", "uses"]


def test_a_deleted_voucher_does_not_stop_new_coupons(world: World, variant: Any) -> None:
    """Staff may delete what they see in the dashboard; the next coupon opens another voucher."""
    first = issue(world, world.account(), key="a")
    delete_voucher(first.code)

    second = issue(world, world.account(), key="b")

    assert bought_with(second.code, world.owner.user, variant).total_gross_amount == 45


@pytest.mark.saleor3
def test_codes_hold_in_a_channel_that_joins_the_program(world: World) -> None:
    """Those from before, those that others print, and new ones with the same terms and end."""
    owner, account = world.owner.user, world.account()
    first = issue(world, account, key="a")
    printed = issue(world, None, CouponKind.BEARER, key="b")
    west = factories().make_channel("west")
    goods = factories().make_product("40.00", channel=west)

    join(world, west)
    second = issue(world, account, key="c")

    assert second.batch_id == first.batch_id
    for coupon in (first, printed, second):
        checkout = factories().make_checkout(owner, {goods: 1}, channel=west)
        assert typed(checkout, coupon.code, owner) == []
        assert factories().checkout_total(checkout, owner) == Decimal("45.00")


@pytest.mark.saleor3
def test_a_channel_takes_the_codes_that_it_can(world: World) -> None:
    """Not ended ones, none without an amount in its currency, and none back into another one."""
    account = world.account()
    dollars = issue(world, account, key="a")
    both = issue(world, account, key="b", amounts={"USD": 500, "EUR": 450})
    ended = issue(world, account, key="c", amounts={"EUR": 100, "USD": 100}, days=0)
    north = factories().make_channel("north", "EUR")
    stop_selling(both.code, "main")
    rates = {"earn": {"rates": {"EUR": {"points": 1, "per": "1.00"}}}}
    worth = {"point_value": {"EUR": "0.01"}, "reference": {"rates": {"EUR": "1.10"}}}

    join(world, north, now=ended.valid_until, changes={**rates, **worth})

    assert listings(dollars.code) == {("main", "USD", Decimal(5))}
    assert listings(both.code) == {("north", "EUR", Decimal("4.50"))}
    assert listings(ended.code) == {("main", "USD", Decimal(1))}


def join(world: World, channel: Any, **more: Any) -> None:
    """Have a channel join the program."""
    refs = [*world.program.channels.values_list("channel_ref", flat=True), str(channel.pk)]
    programs.update_program(program=world.program, channels=refs, **more)


def stop_selling(code: str, slug: str) -> None:
    """Take a code's voucher out of a channel, as staff do in the dashboard."""
    from saleor.discount.models import VoucherChannelListing

    VoucherChannelListing.objects.filter(voucher__codes__code=code, channel__slug=slug).delete()


def listings(code: str) -> set[tuple[str, str, Decimal]]:
    """Return channel, currency and value of a code's voucher."""
    from saleor.discount.models import VoucherChannelListing

    rows = VoucherChannelListing.objects.filter(voucher__codes__code=code)
    return set(rows.values_list("channel__slug", "currency", "discount_value"))


def voucher_end(code: str) -> dt.datetime:
    """Return when the shop's voucher ends."""
    from saleor.discount.models import Voucher

    key = {"codes__code": code} if IS_SALEOR_3 else {"code": code}
    end: dt.datetime = Voucher.objects.get(**key).end_date
    return end


def delete_voucher(code: str) -> None:
    """Delete the voucher as the dashboard does."""
    from saleor.discount.models import Voucher

    Voucher.objects.filter(**({"codes__code": code} if IS_SALEOR_3 else {"code": code})).delete()


def vouchers() -> int:
    """Return how many vouchers the shop has."""
    from saleor.discount.models import Voucher

    count: int = Voucher.objects.count()
    return count
