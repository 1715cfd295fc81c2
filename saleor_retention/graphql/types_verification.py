"""What a check of the whole ledger found."""

from __future__ import annotations

import graphene


class RetentionBreach(graphene.ObjectType):
    """One invariant of the ledger that does not hold somewhere."""

    invariant = graphene.Int(description="Its number in the documentation.", required=True)
    subject = graphene.String(description="Where it does not hold.", required=True)
    message = graphene.String(description="What is wrong.", required=True)


class RetentionVerification(graphene.ObjectType):
    """The result of checking every invariant of the ledger."""

    is_sound = graphene.Boolean(description="Whether all of them hold.", required=True)
    count = graphene.Int(description="How many breaches there are.", required=True)
    breaches = graphene.List(
        graphene.NonNull(RetentionBreach), description="The first 100 of them.", required=True
    )
