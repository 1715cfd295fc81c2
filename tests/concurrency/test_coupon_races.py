"""A code for one order serves one order, and an actor's budget holds, when all happens at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor, wait

import pytest
from django.db import transaction

from saleor_retention.errors import Code, Refusal
from saleor_retention.models import Coupon, CouponBatch, CouponKind, CouponTrigger, CouponUse
from saleor_retention.services.couponing import coupon_batches, coupon_plans, coupon_uses, coupons
from saleor_retention.services.couponing.coupon_batches import Order
from saleor_retention.services.couponing.coupon_plans import Draft
from saleor_retention.services.couponing.coupons import Circumstances
from saleor_retention.services.setting_up import programs
from tests.coupons import issue, terms
from tests.factories.current import factories
from tests.graphql.world import open_shop
from tests.threads import at_once

pytestmark = pytest.mark.django_db(transaction=True)


def test_twenty_checkouts_race_for_a_personal_code() -> None:
    """Exactly one gets it, the others are told that it was used."""
    world = open_shop()
    account = world.account()
    coupon = issue(world, account)
    owner = str(account.user_id)

    results = at_once(
        lambda number: coupon_uses.reserve_for(f"cart-{number}", code=coupon.code, user_ref=owner),
        20,
    )

    refused = [result for result in results if isinstance(result, Refusal)]
    assert len(refused) == 19
    assert {(each.code, each.phrase) for each in refused} == {
        (Code.LIMIT_REACHED, coupon_uses.USED_UP)
    }
    assert CouponUse.objects.count() == 1


def test_one_key_issues_one_coupon() -> None:
    """Eight retries at once get the same code, and the batch was opened once."""
    world = open_shop()
    account = world.account()

    codes = {made.code for made in at_once(lambda _number: issue(world, account), 8)}

    assert len(codes) == 1
    assert (Coupon.objects.count(), CouponBatch.objects.count()) == (1, 1)


@pytest.mark.saleor3
def test_a_voucher_that_is_opened_while_a_channel_joins_has_it() -> None:
    """Opening waits for the change of the program, which cannot have seen the new batch."""
    world = open_shop()
    account = world.account()
    west = factories().make_channel("west")
    refs = [*world.program.channels.values_list("channel_ref", flat=True), str(west.pk)]

    with ThreadPoolExecutor(1) as another:
        with transaction.atomic():
            programs.update_program(program=world.program, channels=refs)
            issuing = another.submit(at_once, lambda _number: issue(world, account), 1)
            wait([issuing], timeout=1)
            was_waiting = not issuing.done()
        (coupon,) = issuing.result()

    assert was_waiting
    assert listed_in(coupon.code) == {"main", "west"}


def listed_in(code: str) -> set[str]:
    """Return the channels of a code's voucher."""
    from saleor.discount.models import VoucherChannelListing

    rows = VoucherChannelListing.objects.filter(voucher__codes__code=code)
    return set(rows.values_list("channel__slug", flat=True))


def test_a_cap_holds() -> None:
    """Three of eight coupons of a campaign that may issue three."""
    world = open_shop()
    account = world.account()
    why = Circumstances(campaign="spring", cap=3)

    results = at_once(
        lambda number: coupons.issue(
            world.program,
            CouponKind.PERSONAL,
            account,
            terms(),
            key=f"k{number}",
            valid_for_days=3,
            why=why,
        ),
        8,
    )

    assert sum(isinstance(result, Refusal) for result in results) == 5
    assert Coupon.objects.count() == 3


def test_an_actor_passes_no_daily_limit() -> None:
    """Two of six coupons that one member of staff gives at once."""
    world = open_shop()
    account = world.account()
    draft = Draft("sorry", CouponTrigger.GOODWILL, terms(), valid_for_days=3, per_day=2)
    plan = coupon_plans.set_plan(world.program, draft, actor_ref="")

    results = at_once(
        lambda number: coupon_plans.give(
            plan=plan, account=account, reason="Late", actor_ref="user:9", key=f"k{number}"
        ),
        6,
    )

    assert sum(isinstance(result, Refusal) for result in results) == 4
    assert Coupon.objects.count() == 2


def test_two_workers_fill_a_batch_together() -> None:
    """No code too many and none twice."""
    world = open_shop()
    wanted = Order(key="may", size=40, terms=terms(), valid_for_days=3)
    batch = coupon_batches.order_batch(world.program, wanted, actor_ref="")

    made = at_once(lambda _number: coupon_batches.fill(batch.pk, piece=15), 4)

    assert sorted(made) == [0, 10, 15, 15]
    assert Coupon.objects.count() == 40
