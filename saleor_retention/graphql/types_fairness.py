"""Who paid more just before an offer, and what makes it good, over GraphQL; for staff."""

from __future__ import annotations

import uuid
from typing import Any

import graphene
from graphql.error import GraphQLError

from saleor_retention import conf, host
from saleor_retention.engine.offers.fairness import Overpaid
from saleor_retention.graphql import paging
from saleor_retention.graphql.context import moment, require
from saleor_retention.graphql.enums import described
from saleor_retention.graphql.errors import discreet
from saleor_retention.graphql.host_types import DateTime, Money, money
from saleor_retention.graphql.lookups import offer_of
from saleor_retention.graphql.types_history import order_id
from saleor_retention.host.contract import PastOrder
from saleor_retention.services.offering import fairness
from saleor_retention.services.offering.fairness import Customer, Outcome, Page, Study

FIRST = 20
DAYS = 14

RetentionFairnessOutcome = described(
    "RetentionFairnessOutcome",
    Outcome,
    "What became of the points for one customer.",
    {
        Outcome.GRANTED: "They were granted now.",
        Outcome.GRANTED_BEFORE: "They were granted before under this version of the offer.",
        Outcome.NOT_A_MEMBER: "The customer is no member of the program.",
        Outcome.NO_POINT_VALUE: "Points have no value in a currency that was paid in.",
        Outcome.REFUSED: "A rule of the program is against it; the message says which.",
    },
)


class RetentionOverpaidLine(graphene.ObjectType):
    """An order line for which more was paid than with the offer; of the units that are kept."""

    order_id = graphene.ID(description="The order.", required=True)
    order_number = graphene.String(description="The order's number.", required=True)
    variant_id = graphene.ID(description="The variant; null where it is gone.")
    quantity = graphene.Int(description="How many units are kept.", required=True)
    paid = graphene.Field(
        Money, description="What was paid for them, with tax, after all discounts.", required=True
    )
    with_offer = graphene.Field(
        Money, description="What the offer alone would have asked.", required=True
    )
    over = graphene.Field(Money, description="The difference.", required=True)


class RetentionOverpayingCustomer(graphene.ObjectType):
    """A customer who paid more for an offer's goods before it starts."""

    user_id = graphene.ID(description="The customer.", required=True)
    email = graphene.String(description="The customer's e-mail address.", required=True)
    member_id = graphene.ID(description="The customer's membership; null where there is none.")
    points = graphene.Int(
        description="Points that make it good, rounded up; null where points have no value in a "
        "currency that was paid in."
    )
    over = graphene.List(
        graphene.NonNull(Money), description="What was overpaid, by currency.", required=True
    )
    lines = graphene.List(
        graphene.NonNull(RetentionOverpaidLine), description="For what.", required=True
    )


class RetentionOfferFairness(graphene.ObjectType):
    """A page of the customers who paid more in the days before an offer starts."""

    since = graphene.Field(DateTime, description="Orders from this instant on.", required=True)
    until = graphene.Field(DateTime, description="Orders before this instant.", required=True)
    customers = graphene.List(
        graphene.NonNull(RetentionOverpayingCustomer),
        description="They; a page may hold fewer than were asked for, and is then no less the "
        "right place to go on from.",
        required=True,
    )
    end_cursor = graphene.String(description="Where to go on from; null at the end.")
    has_next_page = graphene.Boolean(description="Whether there may be more.", required=True)


class RetentionFairnessGrant(graphene.ObjectType):
    """What became of the points for one customer."""

    customer = graphene.Field(RetentionOverpayingCustomer, description="Who.", required=True)
    outcome = graphene.Field(RetentionFairnessOutcome, description="What.", required=True)
    message = graphene.String(description="Why, where a rule is against it.")


def arguments() -> dict[str, Any]:
    """Return the arguments of the report and of the grant."""
    return {
        "offer_id": graphene.ID(description="The offer.", required=True),
        "days": graphene.Int(
            description="How many days before the offer starts, 366 at most.", default_value=DAYS
        ),
        "first": graphene.Int(description="How many customers, 100 at most.", default_value=FIRST),
        "after": graphene.String(description="The `endCursor` of the page before."),
    }


@discreet
def resolve_offer_fairness(_root: Any, info: Any, **asked: Any) -> RetentionOfferFairness:
    """Return a page of the report, for those who manage customers."""
    require(info, "users")
    found, page = looked_at(info, **asked)
    return RetentionOfferFairness(
        since=found.since,
        until=found.until,
        customers=[customer_type(customer) for customer in page.customers],
        **place_fields(page),
    )


def looked_at(
    info: Any, *, offer_id: str, days: int, first: int, after: str | None = None
) -> tuple[Study, Page]:
    """Return the page that is asked for."""
    most = int(conf.get("PAGE_SIZE_MAX"))
    if not 0 < first <= most:
        raise GraphQLError(f"`first` is from 1 to {most}, not {first}.")
    found = fairness.study(offer_of(offer_id, "offerId"), days=days, now=moment(info))
    return found, fairness.page(found, limit=first, after=_place(after))


def place_fields(page: Page) -> dict[str, Any]:
    """Return ``end_cursor`` and ``has_next_page``."""
    place = page.place
    cursor = None
    if place is not None:
        cursor = paging.encoded(place.user_ref, place.created_at, place.ref)
    return {"end_cursor": cursor, "has_next_page": place is not None}


def customer_type(customer: Customer) -> RetentionOverpayingCustomer:
    """Return a customer as GraphQL gives it out."""
    shop = host.current()
    member_ref = customer.account_id
    return RetentionOverpayingCustomer(
        user_id=shop.to_global_id("User", customer.user_ref),
        email=customer.email,
        member_id=None
        if member_ref is None
        else shop.to_global_id("RetentionMember", str(member_ref)),
        points=customer.points,
        over=[money(minor, currency) for currency, minor in sorted(customer.over_minor.items())],
        lines=[_line_type(line) for line in customer.lines],
    )


def _line_type(line: Overpaid) -> RetentionOverpaidLine:
    variant_ref = line.variant_ref
    return RetentionOverpaidLine(
        order_id=order_id(line.order_ref),
        order_number=line.order_number,
        variant_id=host.current().to_global_id("ProductVariant", variant_ref)
        if variant_ref
        else None,
        quantity=line.quantity,
        paid=money(line.paid_minor, line.currency),
        with_offer=money(line.offer_minor, line.currency),
        over=money(line.over_minor, line.currency),
    )


def _place(cursor: str | None) -> PastOrder | None:
    if not cursor:
        return None
    user_ref, created_at, ref = paging.decoded(cursor, _key, paging.instant, _order_ref)
    return PastOrder(user_ref, created_at, ref)


def _key(value: Any) -> str:
    """Return a row's key of a cursor; ``ValueError`` for what is none."""
    return str(paging.row_id(int(value)))


def _order_ref(value: Any) -> str:
    """Return an order's key, which is a number on Saleor 2.10 and a UUID on 3."""
    return _key(value) if host.current().name == "2.10" else str(uuid.UUID(value))
