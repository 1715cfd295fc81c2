"""What a check of the whole ledger found."""

from __future__ import annotations

import graphene

from saleor_retention.graphql.host_types import Date


class RetentionBreach(graphene.ObjectType):
    """One invariant of the ledger that does not hold somewhere."""

    invariant = graphene.Int(description="Its number in the documentation.", required=True)
    subject = graphene.String(description="Where it does not hold.", required=True)
    message = graphene.String(description="What is wrong.", required=True)


class RetentionChangedDay(graphene.ObjectType):
    """A day of the ledger whose past is not what its digest sealed."""

    day = graphene.Field(Date, description="The day, in UTC.", required=True)
    message = graphene.String(description="What is wrong.", required=True)


class RetentionVerification(graphene.ObjectType):
    """The result of checking every invariant of the ledger."""

    is_sound = graphene.Boolean(
        description="Whether all of them hold and no sealed day was changed.", required=True
    )
    count = graphene.Int(description="How many breaches there are.", required=True)
    breaches = graphene.List(
        graphene.NonNull(RetentionBreach), description="The first 100 of them.", required=True
    )
    changed_days = graphene.List(
        graphene.NonNull(RetentionChangedDay),
        description="The first 100 sealed days whose past was changed, of all programs together.",
        required=True,
    )
    days = graphene.Int(description="How many sealed days were computed again.", required=True)
