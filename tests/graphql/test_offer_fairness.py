"""Who paid more just before an offer, over HTTP: the report, the grant, pages and bad input."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from saleor_retention.graphql.paging import encoded
from saleor_retention.models import Offer, OfferVersion
from tests.factories.current import factories
from tests.graphql.world import World, bought, gid, operation, staff

pytestmark = pytest.mark.django_db(databases="__all__")


@pytest.fixture
def variant(world: World) -> Any:
    """Goods at 40.00."""
    del world
    return factories().make_product("40.00")


TENTH = {"kind": "member_price", "member_price": {"percent": 10}}


def offer(world: World, document: dict[str, Any] | None = None) -> str:
    """Return the id of an offer of ten per cent off everything, unless said."""
    given = document or TENTH
    made = Offer.objects.create(
        program=world.program, slug="tenth", name="A tenth", kind=given["kind"]
    )
    made.current_version = OfferVersion.objects.create(
        offer=made, number=1, document=given, created_at=timezone.now()
    )
    made.save()
    return gid("RetentionOffer", made)


def test_staff_reads_who_paid_more_and_grants_it_once(world: World, variant: Any) -> None:
    """Two units at 40.00 are 8.00 more than with the offer: 800 points at a cent."""
    order = bought(world, {variant: 2})
    offer_id, manager = offer(world), staff("manage_users")

    report = manager.ask(operation("staff/offer-fairness"), offerId=offer_id)
    (customer,) = report["retentionOfferFairness"]["customers"]

    assert customer == {
        "userId": gid("User", world.owner.user),
        "email": world.owner.user.email,
        "memberId": world.member_id(),
        "points": 800,
        "over": [{"amount": 8.0, "currency": "USD"}],
        "lines": [
            {
                "orderId": gid("Order", order),
                "orderNumber": str(order.number if hasattr(order, "number") else order.pk),
                "variantId": gid("ProductVariant", variant),
                "quantity": 2,
                "paid": {"amount": 80.0, "currency": "USD"},
                "withOffer": {"amount": 72.0},
                "over": {"amount": 8.0},
            }
        ],
    }
    before = world.account().available

    first, second = (
        manager.do(operation("staff/offer-fairness-grant"), offerId=offer_id) for _ in range(2)
    )

    assert [each["outcome"] for each in first["grants"]] == ["GRANTED"]
    assert [each["outcome"] for each in second["grants"]] == ["GRANTED_BEFORE"]
    assert world.account().available == before + 800


def test_pages_of_the_report_fit_together(world: World, variant: Any) -> None:
    """One customer a page, with a cursor to go on from."""
    bought(world, {variant: 1})
    bought(world, {variant: 1}, world.other)
    offer_id, manager = offer(world), staff("manage_users")
    text = operation("staff/offer-fairness")

    emails, after = [], None
    for _page in range(3):
        page = manager.ask(text, offerId=offer_id, first=1, after=after)["retentionOfferFairness"]
        emails += [each["email"] for each in page["customers"]]
        after = page["endCursor"]
        if not page["hasNextPage"]:
            break

    assert sorted(emails) == sorted([world.owner.user.email, world.other.user.email])
    assert after is None


def test_a_kind_without_a_price_is_refused(world: World) -> None:
    """With the field, the code and the reason."""
    offer_id = offer(world, {"kind": "free_shipping", "free_shipping": {}})
    manager = staff("manage_users")
    refused = manager.refused(operation("staff/offer-fairness-grant"), offerId=offer_id)
    report = manager.post(operation("staff/offer-fairness"), offerId=offer_id)

    assert refused == [("offerId", "NOT_SUPPORTED")]
    assert report["errors"][0]["message"] == "Free shipping lowers the price of no goods."


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"first": 0}, "`first` is from 1 to 100, not 0."),
        ({"first": 101}, "`first` is from 1 to 100, not 101."),
        ({"days": 0}, "Days must be from 1 to 366."),
        ({"after": "nonsense"}, "Received cursor is invalid."),
        ({"after": encoded("1", timezone.now(), "x")}, "Received cursor is invalid."),
        ({"offerId": "nonsense"}, "There is no such offer."),
    ],
)
def test_bad_input_is_named(world: World, changes: dict[str, Any], message: str) -> None:
    """As an error of the query; nothing was looked at."""
    asked = {"offerId": offer(world)} | changes

    answer = staff("manage_users").post(operation("staff/offer-fairness"), **asked)

    assert [error["message"] for error in answer["errors"]] == [message]
