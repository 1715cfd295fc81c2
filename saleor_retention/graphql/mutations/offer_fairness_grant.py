"""``retentionOfferFairnessGrant``: points for those who paid more just before an offer."""

from __future__ import annotations

from typing import Any

import graphene

from saleor_retention.graphql.mutations.base import RetentionMutation
from saleor_retention.graphql.types_fairness import (
    RetentionFairnessGrant,
    arguments,
    customer_type,
    looked_at,
    place_fields,
)
from saleor_retention.host.contract import Requestor
from saleor_retention.services.offering import fairness


class RetentionOfferFairnessGrant(RetentionMutation):
    """Grants the points of one page of `retentionOfferFairness`. Requires MANAGE_USERS.

    Nobody gets them twice for one version of an offer, however often it is sent. The program's
    limits for grants hold; whoever is refused stops nobody else.
    """

    class Arguments:
        """What the report is asked for."""

        offer_id, days, first, after = arguments().values()

    permissions = ("users",)

    grants = graphene.List(
        graphene.NonNull(RetentionFairnessGrant), description="What became of each customer."
    )
    end_cursor = graphene.String(description="Where to go on from; null at the end.")
    has_next_page = graphene.Boolean(description="Whether there may be more.")

    @classmethod
    def perform(cls, info: Any, asks: Requestor, **asked: Any) -> RetentionOfferFairnessGrant:
        """Grant what the page says."""
        found, page = looked_at(info, **asked)
        done = fairness.make_good(found, page.customers, actor_ref=asks.actor_ref)
        return cls(
            grants=[
                RetentionFairnessGrant(
                    customer=customer_type(each.customer),
                    outcome=each.outcome.value,
                    message=each.message or None,
                )
                for each in done
            ],
            **place_fields(page),
        )
