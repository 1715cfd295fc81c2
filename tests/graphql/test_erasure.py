"""Forgetting a customer over the API: by our mutation, and by each way Saleor deletes a user."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.test import TestCase

from saleor_retention.models import Account, AccountState, Erasure, Lot, StoredQuote, Transaction
from saleor_retention.selectors.verification import breaches
from saleor_retention.services.membership.identity import email_hash
from tests.factories.current import factories
from tests.graphql.world import (
    IS_SALEOR_3,
    Actor,
    World,
    bought,
    customer,
    gid,
    operation,
    staff,
)

pytestmark = pytest.mark.django_db(databases="__all__")

ERRORS = "errors { field message code }" if IS_SALEOR_3 else "accountErrors { field message code }"


def by_staff(world: World) -> None:
    """Delete the owner as staff does in the dashboard."""
    sent(
        staff("manage_users"),
        f"mutation ($id: ID!) {{ customerDelete(id: $id) {{ {ERRORS} }} }}",
        id=gid("User", world.owner.user),
    )


def in_bulk(world: World) -> None:
    """Delete the owner with a selection of customers."""
    sent(
        staff("manage_users"),
        f"mutation ($ids: [ID!]!) {{ customerBulkDelete(ids: $ids) {{ count {ERRORS} }} }}"
        if IS_SALEOR_3
        else f"mutation ($ids: [ID]!) {{ customerBulkDelete(ids: $ids) {{ count {ERRORS} }} }}",
        ids=[gid("User", world.owner.user)],
    )


def by_himself(world: World) -> None:
    """Delete the owner with the token that he gets by mail."""
    user = world.owner.user
    user.refresh_from_db()
    if IS_SALEOR_3:
        from saleor.core.tokens import account_delete_token_generator as generator
    else:
        from django.contrib.auth.tokens import default_token_generator as generator
    sent(
        world.owner,
        f"mutation ($token: String!) {{ accountDelete(token: $token) {{ {ERRORS} }} }}",
        token=generator.make_token(user),
    )


def sent(actor: Actor, query: str, **variables: Any) -> None:
    """Send a mutation of Saleor's that must be done, and run what it leaves to after its commit."""
    with TestCase.captureOnCommitCallbacks(execute=True):
        (payload,) = actor.ask(query, **variables).values()
    assert payload.get("errors", payload.get("accountErrors")) == []


def lived(world: World) -> tuple[Account, Any]:
    """Let the owner collect points, hold some in a cart, and buy; return account and order."""
    variant = factories().make_product("40.00")
    world.account()
    order = bought(world, {variant: 1})
    world.give(500)
    world.owner.do(
        operation("storefront/redemption-set"),
        checkoutId=world.checkout({variant: 1}),
        points=200,
    )
    return world.account(), order


@pytest.mark.parametrize("delete", [by_staff, in_bulk, by_himself])
def test_a_customer_whom_saleor_deletes_is_erased_at_once(
    world: World, delete: Callable[[World], None]
) -> None:
    """With the held points and the guest he was; what others have stays."""
    account, order = lived(world)
    email = world.owner.user.email
    other = world.account(world.other)
    guest = Account.objects.create(
        program=world.program,
        state=AccountState.SHADOW,
        email_hash=email_hash(email),
        member_number="guest",
        joined_at=account.joined_at,
        last_activity_at=account.joined_at,
    )
    before = list(Transaction.objects.order_by("pk").values())

    delete(world)

    account.refresh_from_db()
    guest.refresh_from_db()
    other.refresh_from_db()
    order.refresh_from_db()
    assert order.user_id is None
    assert (account.state, account.user_id) == (AccountState.ERASED, None)
    assert (account.available, account.pending, account.held) == (0, 0, 0)
    assert (guest.state, guest.email_hash) == (AccountState.ERASED, "")
    assert (other.state, other.available) == (AccountState.MEMBER, 100)
    assert not StoredQuote.objects.filter(account=account).exists()
    assert sum(Lot.objects.filter(account=account).values_list("expired", flat=True)) == 640
    assert list(Transaction.objects.order_by("pk").values())[: len(before)] == before
    assert {erasure.cause for erasure in Erasure.objects.all()} == {"deleted"}
    assert breaches() == []


def test_staff_erases_and_the_customer_stays_and_begins_anew(world: World) -> None:
    """The user is there still; by asking he is a new member with nothing but the welcome points."""
    account, order = lived(world)
    member_id = gid("RetentionMember", account)
    manager = staff("manage_users")

    done = manager.do(operation("staff/member-erase"), id=member_id, reason="Asked for")
    again = manager.refused(operation("staff/member-erase"), id=member_id, reason="Asked for")
    empty = manager.refused(
        operation("staff/member-erase"), id=world.member_id(world.other), reason=" "
    )
    seen = world.owner.ask(operation("storefront/membership"))["me"]["retention"]

    order.refresh_from_db()
    assert done["erased"] == [member_id]
    assert again == [("id", "NOT_FOUND")]
    assert empty == [("reason", "REQUIRED")]
    assert order.user_id == world.owner.user.pk
    assert seen["number"] != account.member_number
    assert seen["balance"] == {"available": 100, "pending": 0, "held": 0, "deficit": 0}
    record = Erasure.objects.get()
    assert record.actor_ref == f"user:{manager.user.pk}"
    assert breaches() == []


def test_an_open_cart_goes_back_to_the_price_of_everybody(world: World) -> None:
    """The member price and the points come off; nothing of ours is left in the shop's tables."""
    world.account()
    world.give(500)
    manager = staff("manage_users")
    manager.do(
        operation("staff/tier-override"), memberId=world.member_id(), tier="vip", reason="A test"
    )
    make = factories()
    user = world.owner.user
    checkout = make.make_checkout(user, {make.make_product("40.00"): 1})
    world.owner.do(
        operation("storefront/redemption-set"), checkoutId=gid("Checkout", checkout), points=200
    )
    before = make.checkout_total(checkout, user)

    with TestCase.captureOnCommitCallbacks(execute=True):
        manager.do(operation("staff/member-erase"), id=world.member_id(), reason="Asked for")
    after = make.checkout_total(checkout, user)

    assert after - before == Decimal("6.00")
    if IS_SALEOR_3:
        from saleor.discount.models import CheckoutLineDiscount

        assert not CheckoutLineDiscount.objects.exists()
    assert breaches() == []


def test_an_address_used_again_begins_anew(world: World) -> None:
    """Somebody signs up with a deleted customer's address: nothing comes back."""
    account, order = lived(world)
    email = world.owner.user.email
    by_staff(world)
    again = customer(email)
    with TestCase.captureOnCommitCallbacks(execute=True):
        order.refresh_from_db()
        order.user = again.user
        order.save(update_fields=["user"])
        staff("manage_orders").do(operation("staff/order-settle"), orderId=gid("Order", order))

    seen = again.ask(operation("storefront/membership"))["me"]["retention"]

    account.refresh_from_db()
    assert seen["balance"] == {"available": 100, "pending": 0, "held": 0, "deficit": 0}
    assert (account.state, account.available) == (AccountState.ERASED, 0)
    assert breaches() == []


# --- export ---------------------------------------------------------------------------------------


def test_a_customer_reads_all_that_is_held_about_him(world: World) -> None:
    """Page by page, in words; what staff typed is in the export that staff makes alone."""
    account, order = lived(world)
    world.account(world.other)

    whole = world.owner.ask(operation("storefront/export"))["retentionMyExport"]
    pages, after = [], None
    while True:
        page = world.owner.ask(operation("storefront/export"), first=3, after=after)
        pages += page["retentionMyExport"]["records"]
        after = page["retentionMyExport"]["endCursor"]
        if not page["retentionMyExport"]["hasNextPage"]:
            break
    of_staff = staff("manage_users").ask(
        operation("staff/member-export"), id=gid("RetentionMember", account)
    )["retentionMemberExport"]

    number = order.pk if not IS_SALEOR_3 else order.number
    movements = [row["text"] for row in whole["records"] if row["section"] == "MOVEMENT"]
    assert [text.partition(": ")[2] for text in movements] == [
        "+0 points. Set aside for a checkout.",
        "+500 points. Granted by the shop.",
        f"+40 points. Earned by order {number}.",
        "+100 points. Welcome points.",
    ]
    assert (whole["hasNextPage"], whole["endCursor"]) == (False, None)
    assert pages == whole["records"]
    assert account.member_number in whole["records"][0]["text"]
    assert "A test needs them" not in str(whole)
    assert "A test needs them" in str(of_staff)
    assert [row["text"] for row in of_staff["records"]] == [row["text"] for row in pages]


def test_an_export_after_an_erasure_is_empty(world: World) -> None:
    """For the customer and for staff who know the id still."""
    account, _order = lived(world)
    member_id = gid("RetentionMember", account)
    manager = staff("manage_users")
    manager.do(operation("staff/member-erase"), id=member_id, reason="Asked for")

    mine = world.owner.ask(operation("storefront/export"))["retentionMyExport"]
    theirs = manager.ask(operation("staff/member-export"), id=member_id)["retentionMemberExport"]

    assert mine == theirs == {"records": [], "endCursor": None, "hasNextPage": False}


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"first": 0}, "`first` is from 1 to 100, not 0."),
        ({"first": 101}, "`first` is from 1 to 100, not 101."),
        ({"after": "x"}, "`after` is no cursor of an export."),
        ({"after": "WyJ4IiwgImxvdCIsICIiXQ=="}, "`after` is no cursor of an export."),
        ({"after": "WzEsICJsb3QiLCAieCJd"}, "`after` is no cursor of an export."),
    ],
)
def test_pages_of_an_export_have_limits(world: World, arguments: dict[str, Any], says: str) -> None:
    """And a cursor is one that was given out."""
    answer = world.owner.post(operation("storefront/export"), **arguments)

    assert [error["message"] for error in answer["errors"]] == [says]
