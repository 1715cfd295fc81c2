"""An event is rewarded once, limits hold and a friend is one member's, when all happens at once."""

from __future__ import annotations

import pytest
from django.utils import timezone

from saleor_retention.errors import Code, Refusal
from saleor_retention.models import Account, MemberEvent, Referral, Transaction
from saleor_retention.services.membership import events, referrals
from saleor_retention.services.membership.events import Recorded
from saleor_retention.services.membership.surveys import Answered, answer_survey
from saleor_retention.services.setting_up import programs
from tests.factories.current import factories
from tests.graphql.world import World, bought, customer, open_shop
from tests.threads import at_once

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def world() -> World:
    """A shop that rewards two reviews a day, and friends."""
    return open_shop(
        welcome_points=0,
        events={"review": {"points": 50, "per_day_max": 2}},
        referral={"advocate_points": 5, "friend_points": 5},
    )


def test_one_event_told_eight_times_is_rewarded_once(world: World) -> None:
    """The others get the same answer."""
    account, at = world.account(), timezone.now()

    def tell(_number: int) -> Recorded:
        return events.record_event(
            account=account, source="reviews", reference="r1", kind="review", at=at
        )

    told = at_once(tell, 8)

    assert sorted(each.is_new for each in told) == [False] * 7 + [True]
    assert {each.event.pk for each in told} == {MemberEvent.objects.get().pk}
    assert Account.objects.get(pk=account.pk).available == 50


def test_a_limit_holds(world: World) -> None:
    """Two of eight reviews of a day."""
    account, at = world.account(), timezone.now()

    def tell(number: int) -> Recorded:
        return events.record_event(
            account=account,
            source="reviews",
            reference=f"r{number}",
            kind="review",
            object_ref=f"p-{number}",
            at=at,
        )

    outcomes = sorted(each.event.outcome for each in at_once(tell, 8))

    assert outcomes == ["day_max"] * 6 + ["rewarded"] * 2
    assert Account.objects.get(pk=account.pk).available == 100


def test_one_name_for_two_members_is_one_event(world: World) -> None:
    """Whoever comes second is refused."""
    accounts, at = [world.account(), world.account(world.other)], timezone.now()

    def tell(number: int) -> Recorded:
        return events.record_event(
            account=accounts[number], source="reviews", reference="r1", kind="review", at=at
        )

    told = at_once(tell, 2)

    (refused,) = [each for each in told if isinstance(each, Refusal)]
    assert refused.code is Code.KEY_REUSED
    assert Transaction.objects.count() == 1


def test_one_order_is_answered_for_once(world: World) -> None:
    """The others get the same answer, and the points come once."""
    asks = {"questions": [{"key": "stars", "label": "How was it?", "type": "number"}]}
    programs.update_program(
        program=world.program, changes={"survey": asks, "events": {"survey": {"points": 20}}}
    )
    order = bought(world, {factories().make_product("30.00"): 1})
    before = Account.objects.get(pk=world.account().pk).available

    def answer(_number: int) -> Answered:
        user_ref = str(world.owner.user.pk)
        return answer_survey(user_ref=user_ref, order_ref=str(order.pk), given={"stars": 5})

    told = at_once(answer, 8)

    assert sorted(each.is_new for each in told) == [False] * 7 + [True]
    assert Account.objects.get(pk=world.account().pk).available == before + 20
    assert MemberEvent.objects.count() == 1


def test_a_friend_is_one_members(world: World) -> None:
    """Of four members who refer the same customer at once."""
    friend = str(customer().user.pk)
    codes = [referrals.code_of(world.account(customer())).code for _ in range(4)]

    claims = at_once(
        lambda number: referrals.claim(program=world.program, user_ref=friend, code=codes[number]),
        4,
    )

    refused = [each for each in claims if isinstance(each, Refusal)]
    assert [each.code for each in refused] == [Code.UNIQUE] * 3
    assert Referral.objects.count() == 1
