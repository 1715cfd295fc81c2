"""A query does not cost a statement for each row: as many for twenty as for one."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import pytest
from django.db import connections
from django.test.utils import CaptureQueriesContext

from saleor_retention.models import OrderRecord, SurveyAnswer
from saleor_retention.services.membership.segments import Draft, create_segment
from tests.factories.current import factories
from tests.graphql.world import (
    IS_SALEOR_3,
    Actor,
    World,
    bought,
    customer,
    open_shop,
    operation,
    parts,
    staff,
)

pytestmark = [pytest.mark.django_db(databases="__all__"), pytest.mark.slow]

MANY = 20
MEMBER = """
  number balance { available pending } value { amount } lots(first: 3) { points }
  tier { slug benefits { text } } nextTier { slug text } program { slug }
  history(first: 2) { edges { node { text orderNumber change { available } } } }
  tierChanges(first: 2) { edges { node { toTier } } } referral { code waiting claimed }
  runOuts { name } feedback { survey answer { survey } }
  profile { facts { name } } consentLog(first: 2) { edges { node { state text } } }
  customer {
    orders revenue { amount } band rfm { recency } stage stageDates { at } tags segments { slug }
  }
"""


def statements(ask: Callable[[], Any]) -> list[str]:
    """Return what was sent to any database while asking."""
    with ExitStack() as stack:
        captured = [
            stack.enter_context(CaptureQueriesContext(connections[alias]))
            for alias in connections.databases
        ]
        ask()
    return [query["sql"] for context in captured for query in context.captured_queries]


def assert_same_for_many(
    actor: Actor, query: str, count: Callable[[dict], int], **more: Any
) -> None:
    """Ask for one and for many and compare; the first time of all warms what is read once."""
    actor.ask(query, first=1, **more)
    answers: dict[int, dict[str, Any]] = {}

    def ask(first: int) -> None:
        answers[first] = actor.ask(query, first=first, **more)

    one = statements(lambda: ask(1))
    many = statements(lambda: ask(MANY))

    assert (count(answers[1]), count(answers[MANY])) == (1, MANY)
    extra = "\n".join(sql[:160] for sql in many if "retention" in sql)
    assert len(many) == len(one), f"{len(one)} for one, {len(many)} for {MANY}:\n{extra}"


def test_customers_with_their_memberships(world: World) -> None:
    """The shop's own list of customers."""
    many_members(world)
    query = (
        "query ($first: Int!) { customers(first: $first) { edges { node { id "
        f"retention {{ {MEMBER} }} }} }} }} }}"
    )

    assert_same_for_many(
        staff("manage_users"),
        query,
        lambda data: sum(
            edge["node"]["retention"] is not None for edge in data["customers"]["edges"]
        ),
    )


def test_members_with_their_customers_and_ledgers(world: World) -> None:
    """Our own list, with everything that staff may see."""
    many_members(world)
    query = (
        "query ($first: Int!) { retentionMembers(first: $first) { totalCount edges { node { "
        f"{MEMBER} user {{ id email }} history(first: 2) {{ edges {{ node {{ audit {{ key note "
        "version entries { book points } } } } } } } } }"
    )

    assert_same_for_many(
        staff("manage_users"), query, lambda data: len(data["retentionMembers"]["edges"])
    )


def test_segments_with_their_members(world: World) -> None:
    """Sizes, sentences and first members of many segments."""
    many_members(world)
    everybody = {"joined": {"from": "2020-01-01"}}
    for number in range(MANY):
        draft = Draft(f"segment-{number:02}", "Everybody", everybody)
        create_segment(world.program, draft)
    query = (
        "query ($first: Int!, $program: ID!) { retentionSegments(programId: $program, "
        "first: $first) { edges { node { sentence size members(first: 2) { edges { node { number "
        "balance { available } } } } } } } }"
    )

    assert_same_for_many(
        staff("manage_users"),
        query,
        lambda data: len(data["retentionSegments"]["edges"]),
        program=world.program_id,
    )


@pytest.mark.parametrize("is_settled", [True, False])
def test_orders_with_their_points(world: World, *, is_settled: bool) -> None:
    """Orders that were booked, and ones whose points are only expected yet."""
    many_orders(world, is_settled=is_settled)

    assert_same_for_many(
        world.owner,
        operation("storefront/orders"),
        lambda data: sum(
            edge["node"]["retention"] is not None for edge in data["me"]["orders"]["edges"]
        ),
    )


@pytest.mark.usefixtures("db")
def test_orders_with_their_surveys() -> None:
    """What is asked about each, and what was answered about every second one."""
    world = open_shop(survey={"questions": [{"key": "stars", "label": "Stars", "type": "number"}]})
    many_orders(world, is_settled=True)
    for record in list(OrderRecord.objects.order_by("pk"))[::2]:
        SurveyAnswer.objects.create(
            account_id=record.account_id,
            program_id=record.program_id,
            order_ref=record.order_ref,
            version_id=record.version_id,
            answers={"stars": 5},
            answered_at=record.created_at,
        )

    assert_same_for_many(
        world.owner,
        operation("storefront/survey"),
        lambda data: sum(
            edge["node"]["retention"]["survey"] is not None
            for edge in data["me"]["orders"]["edges"]
        ),
    )


def test_products_with_their_member_prices(world: World) -> None:
    """Products and their variants, priced for the asking member."""
    world.account()
    for price in range(MANY):
        factories().make_product(f"{price + 1}.00")
    place = ", channel: $channel" if IS_SALEOR_3 else ""
    declared = ", $channel: String" if IS_SALEOR_3 else ""
    query = (
        f"query ($first: Int!{declared}) {{ products(first: $first{place}) {{ edges {{ node {{ "
        "retention { ...RetentionGoodsParts } variants { retention { ...RetentionGoodsParts } } "
        "} } } }" + parts("storefront/product")
    )

    assert_same_for_many(
        world.owner,
        query,
        lambda data: sum(
            edge["node"]["retention"] is not None for edge in data["products"]["edges"]
        ),
        **({"channel": world.channel} if IS_SALEOR_3 else {}),
    )


# --- many of them -------------------------------------------------------------------------------


def many_members(world: World) -> None:
    """Open an account for many customers, with more than one movement each."""
    actors = [world.owner, world.other, *(customer() for _ in range(MANY - 2))]
    for actor in actors:
        world.give(10, actor)


def many_orders(world: World, *, is_settled: bool) -> None:
    """Place one order and copy it, with its line and (where it is settled) its record.

    The first one is the oldest and so not among those that are asked for.
    """
    world.account()
    order = bought(world, {factories().make_product("30.00"): 1})
    record = OrderRecord.objects.get(order_ref=str(order.pk))
    if not is_settled:
        OrderRecord.objects.filter(pk=record.pk).delete()
    line = order.lines.get()
    for number in range(MANY):
        copy_row(order, number)
        copy_row(line, number, order_id=order.pk)
        if is_settled:
            copy_row(record, number, order_ref=str(order.pk))


def copy_row(row: Any, number: int, **changes: Any) -> None:
    """Store a copy of a row under a new key; ``row`` is the copy afterwards."""
    import uuid

    row.pk = None
    for field in row._meta.fields:
        if field.unique and not field.primary_key:
            is_uuid = field.get_internal_type() == "UUIDField"
            value = uuid.uuid4() if is_uuid else f"{number + 1000}"
            setattr(row, field.name, value)
    if row._meta.pk.get_internal_type() == "UUIDField":
        row.pk = uuid.uuid4()
    for name, value in changes.items():
        setattr(row, name, value)
    row._state.adding = True
    row.save(force_insert=True)
