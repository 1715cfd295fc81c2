"""What our fields cost where Saleor limits a query's cost.

A query costs 1 if it is not in ``DEAR``, and nothing is asked for a field of our types that is read
with the row around it. Whatever is asked for so many rows costs all that is below it so many times.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from graphene.utils.str_converters import to_camel_case

from saleor_retention.graphql.mount import fields_of
from saleor_retention.graphql.schema import EXTENSIONS, QUERIES
from saleor_retention.graphql.types_campaign import RetentionCampaign, RetentionCampaignDryRun
from saleor_retention.graphql.types_checkout import RetentionCheckout
from saleor_retention.graphql.types_customer import RetentionCustomer
from saleor_retention.graphql.types_experiment import RetentionExperiment
from saleor_retention.graphql.types_measures import RetentionMeasures
from saleor_retention.graphql.types_member import RetentionMember
from saleor_retention.graphql.types_offer import RetentionOffer
from saleor_retention.graphql.types_order import RetentionOrder
from saleor_retention.graphql.types_profile import RetentionProfile
from saleor_retention.graphql.types_segment import RetentionSegment

SIZES = ("first", "last")
DEAR = {
    "retention_offer_preview": 100,
    "retention_verify": 100,
    "retention_liability": 100,
    "retention_campaign_dry_run": 100,
    "retention_coupon_lookup": 10,
    "retention_survey_summary": 50,
    "retention_measures": 100,
    "retention_report": 300,
    "retention_offer_fairness": 100,
}
READ_APART: Mapping[Any, Mapping[str, int]] = {
    RetentionSegment: {"size": 1, "members": 1},
    RetentionCampaign: {"counts": 1, "skips": 1, "words": 1},
    RetentionCampaignDryRun: {"members": 1},
    RetentionExperiment: {"is_of_campaign": 1, "result": 20},
    RetentionMeasures: {"comparison": 50, "cohorts": 50, "second_orders": 50},
    RetentionMember: {
        "history": 1,
        "lots": 1,
        "next_tier": 1,
        "tier_changes": 1,
        "punch_cards": 1,
        "granted_offers": 1,
        "offer_limits": 1,
        "profile": 1,
        "consents": 1,
        "consent_log": 1,
        "questions": 1,
        "coupons": 1,
        "referral": 1,
        "run_outs": 10,
        "customer": 1,
        "feedback": 1,
    },
    RetentionProfile: {"facts": 1},
    RetentionCustomer: {"tags": 1, "segments": 1},
    RetentionOffer: {"statistics": 1, "versions": 1},
    RetentionOrder: {"enrolment": 1, "questions": 1, "survey": 1},
    RetentionCheckout: {"compare_code": 100, "offers": 5},
}


def _costs(fields: Mapping[str, Any], complexities: Mapping[str, int]) -> dict[str, Any]:
    return {
        to_camel_case(name): _cost(fields[name], complexity)
        for name, complexity in complexities.items()
    }


def _cost(field: Any, complexity: int) -> dict[str, Any]:
    sizes = [size for size in SIZES if size in field.args]
    return {"complexity": complexity, **({"multipliers": sizes} if sizes else {})}


QUERY_COSTS: dict[str, dict[str, dict[str, Any]]] = {
    "Query": _costs(QUERIES, {name: DEAR.get(name, 1) for name in QUERIES}),
    **{name: {"retention": {"complexity": 1}} for name in EXTENSIONS},
    **{kind.__name__: _costs(fields_of(kind), of_kind) for kind, of_kind in READ_APART.items()},
}
"""By type and field, in GraphQL's names."""
