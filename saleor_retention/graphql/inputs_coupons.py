"""What staff and apps send of coupons: terms, batches, plans; and the terms made of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import graphene

from saleor_retention import host
from saleor_retention.engine.coupons.terms import CouponTerms, InvalidTerms, minor_of, parse
from saleor_retention.errors import Code, Refusal, Refusals
from saleor_retention.graphql import enums_coupons
from saleor_retention.graphql.host_types import Decimal
from saleor_retention.graphql.inputs import RetentionMoneyInput
from saleor_retention.graphql.scalars import RetentionWholeNumber, whole

FIELDS = {"shipping": "isForShipping"}
"""Names of terms that the document says otherwise."""


class RetentionCouponTermsInput(graphene.InputObjectType):
    """What a code gives: either a percentage or amounts."""

    name = graphene.String(description="What shoppers read beside the discount.", required=True)
    percent = graphene.InputField(Decimal, description="Per cent off, with two decimals at most.")
    amounts = graphene.List(
        graphene.NonNull(RetentionMoneyInput), description="Money off, by currency."
    )
    minimums = graphene.List(
        graphene.NonNull(RetentionMoneyInput),
        description="From goods for how much on, by currency; it cannot be used in others then.",
    )
    is_for_shipping = graphene.Boolean(
        description="Whether it is off the shipping and not off the goods.", default_value=False
    )
    uses = graphene.InputField(
        RetentionWholeNumber,
        description="For how many orders one code can be used; 1 when left out.",
    )


class RetentionCouponBatchInput(graphene.InputObjectType):
    """Many codes at once, for whoever has them."""

    key = graphene.String(
        description="A name of your own, unique in the program: sent again, it orders no more.",
        required=True,
    )
    size = RetentionWholeNumber(description="How many codes, 1000000 at most.", required=True)
    terms = graphene.InputField(
        RetentionCouponTermsInput, description="What each gives.", required=True
    )
    valid_for_days = RetentionWholeNumber(
        description="How many days after today they can be used.", required=True
    )
    prefix = graphene.String(
        description="What each begins with: 12 capital letters, digits and hyphens at most. Not on "
        "Saleor 2.10.",
        default_value="",
    )
    campaign = graphene.String(description="What they are counted under.", default_value="")


class RetentionCouponAllowanceInput(graphene.InputObjectType):
    """A limit of one permission group or app."""

    name = graphene.String(description="The name of the group or app.", required=True)
    per_day = RetentionWholeNumber(description="How many coupons in a day.", required=True)


class RetentionCouponPlanInput(graphene.InputObjectType):
    """What stands ready to be given; replaces all of the plan of that slug."""

    slug = graphene.String(description="A stable name, unique in the program.", required=True)
    trigger = enums_coupons.RetentionCouponTrigger(description="What it is for.", required=True)
    terms = graphene.InputField(
        RetentionCouponTermsInput, description="What each coupon gives.", required=True
    )
    valid_for_days = RetentionWholeNumber(
        description="How many days after the one of issue it can be used.", required=True
    )
    remind_days = graphene.InputField(
        RetentionWholeNumber, description="How many days before its end to remind of it."
    )
    cap = graphene.InputField(
        RetentionWholeNumber, description="How many coupons in all; no limit when left out."
    )
    per_day = graphene.InputField(
        RetentionWholeNumber,
        description="How many one member of staff or app gives in a day; no limit when left out.",
    )
    per_day_groups = graphene.List(
        graphene.NonNull(RetentionCouponAllowanceInput),
        description="Limits of permission groups in place of that; who is in several has the "
        "highest.",
    )
    per_day_apps = graphene.List(
        graphene.NonNull(RetentionCouponAllowanceInput), description="Limits of apps, by name."
    )
    is_active = graphene.Boolean(description="Whether it is given now.", default_value=True)


class RetentionCouponFilterInput(graphene.InputObjectType):
    """Which coupons; all conditions hold together."""

    member = graphene.ID(description="Of this member.")
    batch = graphene.ID(description="Of this batch.")
    campaign = graphene.String(description="Counted under this name.")
    code = graphene.String(description="With exactly this code.")
    states = graphene.List(
        graphene.NonNull(enums_coupons.RetentionCouponState), description="In these states."
    )


def terms_of(given: Mapping[str, Any]) -> CouponTerms:
    """Return the terms of an input; raises ``Refusals`` that name its fields."""
    document: dict[str, Any] = {"name": given["name"]}
    if given.get("uses") is not None:
        document["uses"] = whole(given["uses"], "terms.uses")
    if given.get("percent") is not None:
        document["percent"] = str(given["percent"])
    for key in ("amounts", "minimums"):
        if given.get(key):
            document[key] = dict(_minor(key, number, one) for number, one in enumerate(given[key]))
    if given.get("is_for_shipping"):
        document["shipping"] = True
    try:
        return parse(document)
    except InvalidTerms as error:
        raise Refusals(
            [
                Refusal(Code.INVALID, sentence, f"terms.{FIELDS.get(name, name)}")
                for name, sentence in error.problems
            ]
        ) from None


def allowances(given: Iterable[Mapping[str, Any]] | None, field: str) -> dict[str, int]:
    """Return limits by name; refuses INVALID what is no whole number."""
    return {
        one["name"]: whole(one["per_day"], f"{field}.{number}.perDay")
        for number, one in enumerate(given or ())
    }


def whole_or_none(value: Any, field: str) -> int | None:
    """Return a number that may be left out; refuses INVALID what is no whole number."""
    return None if value is None else whole(value, field)


def _minor(key: str, number: int, given: Mapping[str, Any]) -> tuple[str, int]:
    currency, amount = given["currency"], given["amount"]
    try:
        return currency, minor_of(amount, host.current().currency_exponent(currency))
    except (ValueError, LookupError) as error:
        message = f"terms.{key}: this is no amount in {currency}."
        raise Refusal(Code.INVALID, message, f"terms.{key}.{number}.amount") from error
