"""The GraphQL enums of profiles and consents, made from the engine's and the models' own."""

from __future__ import annotations

from saleor_retention.engine.profiles import Gender
from saleor_retention.engine.questions import ConsentChannel, FieldType
from saleor_retention.graphql.enums import described
from saleor_retention.models import (
    ConsentSource,
    ConsentState,
    ProfileSource,
    SuppressionReason,
)

RetentionConsentChannel = described(
    "RetentionConsentChannel",
    ConsentChannel,
    "What a consent is to.",
    {
        ConsentChannel.EMAIL: "Messages by e-mail.",
        ConsentChannel.SMS: "Text messages.",
        ConsentChannel.PROFILING: "The evaluation of what is known of the customer.",
    },
)

RetentionConsentState = described(
    "RetentionConsentState",
    ConsentState,
    "What holds of a consent.",
    {
        ConsentState.REQUESTED: "It waits for the link in a mail to be followed.",
        ConsentState.GIVEN: "The customer agrees.",
        ConsentState.WITHDRAWN: "The customer does not agree.",
    },
)

RetentionConsentSource = described(
    "RetentionConsentSource",
    ConsentSource,
    "Where an answer came from. A purchase is no consent.",
    {
        ConsentSource.STOREFRONT: "The customer, in the storefront.",
        ConsentSource.REGISTRATION: "The customer, when registering.",
        ConsentSource.ORDER: "The customer, asked on an order's confirmation.",
        ConsentSource.CONFIRMATION: "The link of the mail that asked to confirm it.",
        ConsentSource.UNSUBSCRIBE: "The link of a message.",
        ConsentSource.STAFF: "Staff or an app wrote it down.",
    },
)

RetentionSuppressionReason = described(
    "RetentionSuppressionReason",
    SuppressionReason,
    "Why nothing is sent to an address.",
    {
        SuppressionReason.UNSUBSCRIBED: "The customer ended the messages; a new consent lifts it.",
        SuppressionReason.COMPLAINT: "A message was reported as unwanted.",
        SuppressionReason.BOUNCED: "The address does not take messages.",
        SuppressionReason.STAFF: "Staff decided so.",
    },
)

RetentionGender = described(
    "RetentionGender",
    Gender,
    "What a customer said of it.",
    {Gender.FEMALE: "Female.", Gender.MALE: "Male.", Gender.OTHER: "Another one."},
)

RetentionFieldType = described(
    "RetentionFieldType",
    FieldType,
    "What the answer to a question of the merchant's own is.",
    {
        FieldType.TEXT: "Text.",
        FieldType.NUMBER: "A whole number.",
        FieldType.YES_NO: "Yes or no.",
        FieldType.DATE: "A day.",
        FieldType.CHOICE: "One of the options.",
        FieldType.CHOICES: "Any of the options.",
    },
)

RetentionProfileSource = described(
    "RetentionProfileSource",
    ProfileSource,
    "Where a fact about a customer came from.",
    {
        ProfileSource.STOREFRONT: "The customer, in the storefront.",
        ProfileSource.REGISTRATION: "The customer, when registering.",
        ProfileSource.ORDER: "The customer, asked on an order's confirmation.",
        ProfileSource.STAFF: "Staff or an app wrote it down.",
    },
)
