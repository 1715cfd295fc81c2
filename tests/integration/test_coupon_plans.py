"""Goodwill within a budget and with a reason, and the coupon that a first order brings."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.utils import timezone

from saleor_retention.errors import Code, Refusal
from saleor_retention.models import (
    AuditEntry,
    Coupon,
    CouponKind,
    CouponPlan,
    CouponState,
    CouponTrigger,
    OrderRecord,
    Program,
)
from saleor_retention.services.couponing import coupon_plans
from saleor_retention.services.couponing.coupon_plans import Draft
from saleor_retention.services.membership import erasing
from saleor_retention.services.moving import uninstalling
from saleor_retention.services.ordering import settling
from tests.coupons import bought_with, issue, terms, typed
from tests.factories.current import factories
from tests.graphql.world import IS_SALEOR_3, World, bought, open_shop

pytestmark = pytest.mark.django_db(databases="__all__")


@pytest.fixture
def world(db: None) -> World:  # noqa: ARG001
    """A shop with a program."""
    return open_shop()


def plan(world: World, **changes: Any) -> CouponPlan:
    """Set a plan of goodwill, or as the changes say."""
    given: dict[str, Any] = {
        "slug": "sorry",
        "trigger": CouponTrigger.GOODWILL,
        "terms": terms(),
        "valid_for_days": 30,
        **changes,
    }
    return coupon_plans.set_plan(world.program, Draft(**given), actor_ref="user:1")


def next_order(world: World, **changes: Any) -> CouponPlan:
    """Set the plan of first orders."""
    return plan(world, **{"slug": "again", "trigger": CouponTrigger.NEXT_ORDER, **changes})


def give(world: World, of: CouponPlan, key: str, actor: str = "user:9", **more: Any) -> Coupon:
    """Give the owner a coupon."""
    return coupon_plans.give(
        plan=of,
        account=world.account(),
        reason=more.pop("reason", "Parcel came late"),
        actor_ref=actor,
        key=key,
        **more,
    )


def refusal(world: World, of: CouponPlan, key: str, actor: str = "user:9", **more: Any) -> Refusal:
    """Return why nothing was given, having seen that nothing was."""
    before = (Coupon.objects.count(), AuditEntry.objects.count())
    with pytest.raises(Refusal) as refused:
        give(world, of, key, actor, **more)
    assert (Coupon.objects.count(), AuditEntry.objects.count()) == before
    return refused.value


def test_goodwill_is_personal_has_a_reason_and_an_entry(world: World) -> None:
    """Given once for a key; the trail says who gave what to whom and why, and no code."""
    sorry = plan(world)

    coupon = give(world, sorry, "ticket-7")
    again = give(world, sorry, "ticket-7")

    assert again.pk == coupon.pk
    assert (coupon.account, coupon.cause, coupon.campaign) == (world.account(), "goodwill", "sorry")
    (entry,) = AuditEntry.objects.filter(action="coupon_issue")
    assert (entry.actor_ref, entry.account, entry.note.text) == (
        "user:9",
        world.account(),
        "Parcel came late",
    )
    assert entry.changes == ["a coupon of the plan sorry is given"]
    assert refusal(world, sorry, "ticket-8", reason=" ").field == "reason"
    assert refusal(world, sorry, "").field == "key"


def test_a_key_is_for_one_coupon(world: World) -> None:
    """The same key for another plan or another member is refused, and gives nothing."""
    sorry, thanks = plan(world), plan(world, slug="thanks", terms=terms(amounts={"USD": 900}))
    give(world, sorry, "ticket-7")

    assert refusal(world, thanks, "ticket-7").code is Code.KEY_REUSED
    with pytest.raises(Refusal) as refused:
        coupon_plans.give(
            plan=sorry,
            account=world.account(world.other),
            reason="Late too",
            actor_ref="user:9",
            key="ticket-7",
        )
    assert refused.value.code is Code.KEY_REUSED


def test_an_actor_gives_so_many_a_day(world: World) -> None:
    """His own budget, the next local day a new one; a colleague has another."""
    sorry = plan(world, per_day=2)
    noon = timezone.now().replace(hour=12)
    for number in range(2):
        give(world, sorry, f"t{number}", now=noon)

    refused = refusal(world, sorry, "t2", now=noon)

    assert refused.code is Code.LIMIT_REACHED
    assert refused.message == "You can give 2 coupons of this plan a day: none is left today."
    assert give(world, sorry, "t2", "user:8", now=noon)
    assert give(world, sorry, "t3", now=noon + dt.timedelta(days=1))
    assert give(world, sorry, "t0", now=noon)  # a retry is none


def test_groups_and_apps_have_limits_of_their_own(world: World) -> None:
    """The highest of the actor's groups counts; an app goes by its name; a command has none."""
    if IS_SALEOR_3:
        from saleor.account.models import Group
    else:
        from django.contrib.auth.models import Group
    group = Group.objects.create(name="Leads")
    lead = factories().make_staff("manage_users")
    lead.groups.add(group)
    sorry = plan(world, per_day=0, per_day_groups={"Leads": 2, "Interns": 1})

    for number in range(2):
        give(world, sorry, f"t{number}", f"user:{lead.pk}")
    assert refusal(world, sorry, "t2", f"user:{lead.pk}").code is Code.LIMIT_REACHED
    assert refusal(world, sorry, "t3", "user:9").code is Code.LIMIT_REACHED
    assert give(world, sorry, "t4", "")


def test_the_plan_has_a_budget(world: World) -> None:
    """Whoever asks."""
    sorry = plan(world, cap=1)
    give(world, sorry, "t1")

    assert refusal(world, sorry, "t2", "user:8").message == (
        "All 1 coupons of this campaign have been issued."
    )


def test_a_plan_that_is_off_gives_nothing(world: World) -> None:
    """And one for first orders is not for staff."""
    assert refusal(world, plan(world, is_active=False), "t1").field == "plan"
    assert refusal(world, next_order(world), "t2").field == "plan"


def test_a_first_order_brings_a_coupon_for_the_next(world: World) -> None:
    """Once: the second order brings none, and a settle that is repeated none either."""
    next_order(world)
    variant = factories().make_product("40.00")
    order = bought(world, {variant: 1})
    settling.settle(order_ref=str(order.pk))
    bought(world, {variant: 1})

    (coupon,) = Coupon.objects.all()
    assert (coupon.cause, coupon.order_ref) == ("next_order", str(order.pk))
    assert coupon.account == world.account()
    stranger = world.other.user
    foreign = factories().make_checkout(stranger, {variant: 1})
    assert len(typed(foreign, coupon.code, stranger)) == 1
    third = bought_with(coupon.code, world.owner.user, variant)
    assert third.total_gross_amount == 45


def test_it_is_taken_back_with_the_order(world: World) -> None:
    """A canceled first order keeps no coupon, and ordering anew brings no second one."""
    next_order(world)
    variant = factories().make_product("40.00")
    order = bought(world, {variant: 1})
    coupon = Coupon.objects.get()

    factories().cancel(order)
    settling.settle(order_ref=str(order.pk))

    coupon.refresh_from_db()
    assert coupon.state == CouponState.TAKEN_BACK
    checkout = factories().make_checkout(world.owner.user, {variant: 1})
    assert len(typed(checkout, coupon.code, world.owner.user)) == 1
    bought(world, {variant: 1})
    assert Coupon.objects.count() == 1


def test_it_comes_back_with_the_order(world: World) -> None:
    """What is void may come to count again; then the same code can be used again."""
    next_order(world)
    variant = factories().make_product("40.00")
    order = bought(world, {variant: 1})
    record = OrderRecord.objects.select_related("account__program").get(order_ref=str(order.pk))
    now = timezone.now()

    for is_void in (True, False):
        coupon_plans.settle_first_order(record.account, record, is_void=is_void, now=now)

    coupon = Coupon.objects.get()
    assert coupon.state == CouponState.ACTIVE
    assert bought_with(coupon.code, world.owner.user, variant).total_gross_amount == 45


def test_orders_from_before_the_plan_bring_nothing(world: World) -> None:
    """Nor do guests, nor a plan that is used up, and the order is settled all the same."""
    variant = factories().make_product("40.00")
    order = bought(world, {variant: 1})
    next_order(world, cap=0)

    settling.settle(order_ref=str(order.pk))
    bought(world, {variant: 1}, world.other)

    assert Coupon.objects.count() == 0
    assert OrderRecord.objects.filter(account=world.account(world.other)).get().earned == 40


def test_a_program_without_coupons_asks_for_none(world: World) -> None:
    """The mark on the program keeps statements off every other order."""
    assert not Program.objects.get(pk=world.program.pk).has_coupons
    plan(world)
    assert Program.objects.get(pk=world.program.pk).has_coupons


def test_a_plan_is_told_in_the_trail(world: World) -> None:
    """A line for each value; setting what is there tells nothing."""
    plan(world)
    plan(world, per_day=5)
    plan(world, per_day=5)

    first, second = AuditEntry.objects.filter(action="coupon_plan").order_by("pk")
    assert "sorry: trigger is new: goodwill" in first.changes
    assert [line.split(" changes")[0] for line in second.changes] == ["sorry: per_day"]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"slug": "no slug"}, "slug"),
        ({"valid_for_days": -1}, "validForDays"),
        ({"remind_days": 31}, "remindDays"),
        ({"per_day_groups": {"Leads": -1}}, "perDayGroups.Leads"),
        ({"trigger": CouponTrigger.NEXT_ORDER}, "trigger"),
    ],
)
def test_what_is_no_plan_is_named(world: World, changes: dict[str, Any], field: str) -> None:
    """And the plan stays as it was."""
    before = plan(world)

    with pytest.raises(Refusal) as refused:
        plan(world, **changes)

    assert refused.value.field == field
    assert CouponPlan.objects.get().terms == before.terms


def test_there_is_one_plan_for_first_orders(world: World) -> None:
    """A second has to wait until the first is switched off."""
    next_order(world)

    with pytest.raises(Refusal) as refused:
        next_order(world, slug="other")

    assert refused.value.code is Code.UNIQUE
    next_order(world, is_active=False)
    assert next_order(world, slug="other").is_active


def test_erasure_ends_coupons_and_redacts_reasons(world: World) -> None:
    """The code stays under the pseudonym and opens nothing."""
    coupon = give(world, plan(world), "t1")
    other = issue(world, world.account(), key="two")
    account_id = coupon.account_id

    from saleor_retention.selectors import persons

    erasing.erase(
        persons.of_user(str(world.owner.user.pk)), reason="On request", actor_ref="user:1"
    )

    for each in (coupon, other):
        each.refresh_from_db()
        assert (each.state, each.account_id) == (CouponState.REVOKED, account_id)
    assert coupon.note.text == ""
    variant = factories().make_product("40.00")
    checkout = factories().make_checkout(world.owner.user, {variant: 1})
    assert len(typed(checkout, coupon.code, world.owner.user)) == 1


def test_an_uninstall_ends_what_would_become_everybodys(world: World) -> None:
    """Personal codes end, bearer codes stay what they were."""
    mine = issue(world, world.account())
    shared = issue(world, None, CouponKind.BEARER, key="two")
    assert uninstalling.count().coupons == 1

    assert uninstalling.uninstall().coupons == 1

    mine.refresh_from_db()
    shared.refresh_from_db()
    assert (mine.state, shared.state) == (CouponState.REVOKED, CouponState.ACTIVE)
    variant = factories().make_product("40.00")
    checkout = factories().make_checkout(world.owner.user, {variant: 1})
    assert len(typed(checkout, mine.code, world.owner.user)) == 1
    assert typed(checkout, shared.code, world.owner.user) == []
