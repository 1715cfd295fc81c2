"""The GraphQL enum of questionnaires, made from the engine's own."""

from __future__ import annotations

from saleor_retention.engine.feedback import Per
from saleor_retention.graphql.enums import described

RetentionFeedbackPer = described(
    "RetentionFeedbackPer",
    Per,
    "How often a member may answer a questionnaire, by the program's own calendar.",
    {
        Per.EVER: "Once.",
        Per.YEAR: "Once a year.",
        Per.QUARTER: "Once a quarter.",
        Per.MONTH: "Once a month.",
    },
)
