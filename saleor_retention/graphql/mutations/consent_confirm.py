"""``retentionConsentConfirm``: follow the link of a double opt-in."""

from __future__ import annotations

from typing import Any

import graphene

from saleor_retention.graphql.mutations.base import RetentionMutation
from saleor_retention.graphql.types_profile import RetentionConsent, consent_type
from saleor_retention.host.contract import Requestor
from saleor_retention.services.consenting import consents


class RetentionConsentConfirm(RetentionMutation):
    """Turns a request into a consent, by the token of the mail. Nobody has to log in."""

    class Arguments:
        """What is asked for."""

        token = graphene.String(description="The token of the mail.", required=True)

    consent = graphene.Field(RetentionConsent, description="What holds now.")

    @classmethod
    def perform(cls, _info: Any, _asks: Requestor, *, token: str) -> RetentionConsentConfirm:
        """Confirm it."""
        return cls(consent=consent_type(consents.confirm(token)))
