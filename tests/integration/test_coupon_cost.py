"""What coupons cost a checkout that has none: not one statement until there is an order."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.db import connection
from django.test import TestCase
from django.test.utils import CaptureQueriesContext

from saleor_retention.models import CouponTrigger, Program
from saleor_retention.services.couponing import coupon_plans
from saleor_retention.services.couponing.coupon_plans import Draft
from tests.coupons import issue, terms, typed
from tests.factories.current import factories
from tests.graphql.world import IS_SALEOR_3, World, gid, open_shop

pytestmark = pytest.mark.django_db(databases="__all__")

LOOK = """query ($id: ID!) { checkout(id: $id) { totalPrice { gross { amount } } } }"""
COUPON_TABLES = "saleor_retention_coupon"


@pytest.fixture
def world(db: None) -> World:  # noqa: ARG001
    """A shop with a program."""
    return open_shop()


@dataclass
class Sent:
    """Statements to any database."""

    statements: list[str] = field(default_factory=list)

    @property
    def of_coupons(self) -> list[str]:
        """Return those that read or write coupons, their plans or their uses."""
        return [sql for sql in self.statements if f'"{COUPON_TABLES}' in sql]


@contextmanager
def captured() -> Iterator[Sent]:
    """Note the statements that are sent meanwhile; they are there afterwards.

    In tests the replica is another name of the one connection.
    """
    sent = Sent()
    with CaptureQueriesContext(connection) as context:
        yield sent
    sent.statements += [row["sql"] for row in context.captured_queries]


def journey(world: World, variant: Any) -> tuple[Sent, Sent]:
    """Walk from an empty cart to a paid order; return what requests sent, and what came after."""
    make, user = factories(), world.owner.user
    with captured() as requests, TestCase.captureOnCommitCallbacks() as callbacks:
        checkout = make.make_checkout(user, {variant: 1})
        if IS_SALEOR_3:
            make.ask(LOOK, {"id": gid("Checkout", checkout)}, user)
            make.pay(checkout)
        make.complete(checkout)
    with captured() as afterwards, TestCase.captureOnCommitCallbacks(execute=True):
        for callback in callbacks:
            callback()
    return requests, afterwards


def test_a_checkout_without_a_code_asks_nothing_of_coupons(world: World) -> None:
    """As many statements in a shop full of coupons as in one that never had any."""
    variant = factories().make_product("40.00")
    account = world.account()
    journey(world, variant)  # what is read once in a process
    before, settled = journey(world, variant)
    assert (before.of_coupons, settled.of_coupons) == ([], [])
    assert settled.statements  # the order was settled

    for number in range(3):
        issue(world, account, key=f"k{number}")
    assert Program.objects.get(pk=world.program.pk).has_coupons
    after, _settled = journey(world, variant)

    assert after.of_coupons == []
    assert len(after.statements) == len(before.statements)


def test_an_order_of_a_program_with_coupons_asks_a_few_times_after_its_commit(
    world: World,
) -> None:
    """However many coupons there are, and the same for every further order."""
    variant = factories().make_product("40.00")
    account = world.account()
    draft = Draft("again", CouponTrigger.NEXT_ORDER, terms(), valid_for_days=30)
    journey(world, variant)
    coupon_plans.set_plan(world.program, draft, actor_ref="")

    counts = []
    for number in range(3):
        issue(world, account, key=f"k{number}")
        _requests, settled = journey(world, variant)
        counts.append(len(settled.of_coupons))

    assert len(set(counts)) == 1
    assert counts[0] <= 3


@pytest.mark.parametrize(("is_coupon", "looks"), [(False, 1), (True, 4)])
def test_what_typing_a_code_costs(world: World, looks: int, *, is_coupon: bool) -> None:
    """Whether it is a coupon has to be asked; a voucher that is none is left alone then."""
    variant = factories().make_product("40.00")
    user = world.owner.user
    coupon = issue(world, world.account())
    if not is_coupon:
        coupon.delete()  # the shop's voucher stays, and is one like any other
    checkout = factories().make_checkout(user, {variant: 1})

    with captured() as sent:
        errors = typed(checkout, coupon.code, user)

    assert errors == []
    assert len(sent.of_coupons) == looks
