"""What staff see of a customer at a glance."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.utils import timezone

from saleor_retention.models import Account, AccountState
from saleor_retention.services.membership import customers
from saleor_retention.services.membership.segments import Draft, create_segment, nightly
from tests.customers import record_event, record_order
from tests.graphql.world import Actor, World, customer, gid, operation, staff

pytestmark = pytest.mark.django_db(databases="__all__")


@pytest.fixture
def manager() -> Actor:
    """Staff who manage members."""
    return staff("manage_users")


def seen(manager: Actor, member_id: str) -> Any:
    """Return what staff see of a member."""
    answer = manager.ask(operation("staff/member-customer"), id=member_id)
    return answer["retentionMember"]["customer"]


def instants(rows: list[dict[str, str]]) -> dict[str, dt.datetime]:
    """Return the dates of stages as instants."""
    return {row["stage"]: dt.datetime.fromisoformat(row["at"]) for row in rows}


def test_a_member_who_ordered_twice(world: World, manager: Actor) -> None:
    """Sums in money, the band, scores of the night, stages with their dates, tag and segments."""
    account = world.account()
    now = timezone.now().replace(microsecond=0)
    first, second = now - dt.timedelta(days=200), now - dt.timedelta(days=120)
    record_order(account, first, 1000)
    record_order(account, second, 1501)
    record_order(world.account(world.other), now, 900)
    again = create_segment(
        world.program, Draft("again", "Again", {"orders": {"from": 2}}, tag="loyal")
    )
    nightly(world.program)

    known = seen(manager, world.member_id())

    assert instants(known.pop("stageDates")) == {
        "AWARE": account.joined_at,
        "ACT": first,
        "ADVOCATE": second,
    }
    (segment,) = known.pop("segments")
    assert (segment["id"], segment["slug"], segment["name"]) == (
        gid("RetentionSegment", again),
        "again",
        "Again",
    )
    assert known == {
        "orders": 2,
        "revenue": {"amount": 25.01, "currency": "USD"},
        "averageOrderValue": {"amount": 12.51, "currency": "USD"},
        "firstOrderOn": first.date().isoformat(),
        "lastOrderOn": second.date().isoformat(),
        "isReturning": True,
        "band": "SLEEPING",
        "rfm": {"recency": 1, "frequency": 3, "monetary": 3},
        "stage": "ADVOCATE",
        "tags": ["loyal"],
    }


def test_a_member_without_orders(world: World, manager: Actor) -> None:
    """Nothing is made up; he is aware since he joined."""
    account = world.account()

    known = seen(manager, world.member_id())

    assert instants(known.pop("stageDates")) == {"AWARE": account.joined_at}
    assert known == {
        "orders": 0,
        "revenue": {"amount": 0.0, "currency": "USD"},
        "averageOrderValue": None,
        "firstOrderOn": None,
        "lastOrderOn": None,
        "isReturning": False,
        "band": None,
        "rfm": None,
        "stage": "AWARE",
        "tags": [],
        "segments": [],
    }


def test_who_has_just_ordered_has_no_scores_yet(world: World, manager: Actor) -> None:
    """One order is no return; scores are those of the night."""
    actor = customer()
    account = world.account(actor)
    record_order(account, timezone.now(), 900)
    customers.sum_up(account)

    known = seen(manager, world.member_id(actor))

    assert (known["orders"], known["isReturning"], known["band"]) == (1, False, "BEST")
    assert (known["rfm"], known["stage"]) == (None, "ACT")


def test_what_a_member_did_tells_of_his_stage(world: World, manager: Actor) -> None:
    """A favorite and a question, each from its day on; what was taken back tells nothing."""
    account = world.account()
    now = timezone.now().replace(microsecond=0)
    liked, asked = now + dt.timedelta(days=1), now + dt.timedelta(days=2)
    record_event(account, "favorite", liked)
    record_event(account, "question", asked)
    record_event(account, "review", asked, is_reversed=True)

    known = seen(manager, world.member_id())

    assert known["stage"] == "ASK"
    assert instants(known["stageDates"]) == {
        "AWARE": account.joined_at,
        "APPEAL": liked,
        "ASK": asked,
    }


def test_an_erased_customer_is_not_described(world: World, manager: Actor) -> None:
    """Nothing is told of somebody who wanted to be forgotten."""
    member_id = world.member_id()
    Account.objects.filter(pk=world.account().pk).update(state=AccountState.ERASED, user_id=None)

    assert seen(manager, member_id) is None
