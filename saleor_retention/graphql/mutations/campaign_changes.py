"""What the mutations of campaigns share: their answer, and refusals in terms of their input."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, ClassVar

import graphene

from saleor_retention.engine.campaigns.parsing import LANGUAGES
from saleor_retention.engine.campaigns.terms import CampaignTerms
from saleor_retention.errors import Refusal, renaming
from saleor_retention.graphql.campaign_documents import CAMPAIGN, ROOT
from saleor_retention.graphql.documents import Conversion
from saleor_retention.graphql.lookups import campaign_of
from saleor_retention.graphql.mutations.base import RetentionMutation
from saleor_retention.graphql.types_campaign import RetentionCampaign
from saleor_retention.host.contract import Requestor
from saleor_retention.models import Campaign, Program
from saleor_retention.services.campaigning.campaign_trying import rendered_of
from saleor_retention.services.campaigning.messages import Rendered

NO_INPUT = Conversion({}, {}, CAMPAIGN)
"""Of mutations without a document: problems are named by their place in the campaign."""

OWN_FIELDS = frozenset({"slug", "name", "id", "startsAt", "endsAt", "to"})
"""Fields of refusals that are arguments or fields of the input beside the document."""

DRY_RUN = "Only check it and show its messages, and save nothing."


class CampaignMutation(RetentionMutation):
    """The base of the mutations of campaigns, for those who may change programs."""

    class Meta:
        """Only its subclasses are mutations."""

        abstract = True

    permissions = ("discounts",)

    @classmethod
    def __init_subclass_with_meta__(cls, **options: Any) -> None:
        """Give the payload the campaign."""
        cls.campaign = graphene.Field(
            RetentionCampaign, description="The campaign as it is now; null of a new one's dry run."
        )
        super().__init_subclass_with_meta__(**options)


class CampaignStep(CampaignMutation):
    """The base of the mutations that only bring a campaign into another state, by ``step``."""

    class Meta:
        """Only its subclasses are mutations."""

        abstract = True

    class Arguments:
        """What is asked for."""

        id = graphene.ID(description="The campaign.", required=True)

    step: ClassVar[Callable[..., Campaign]]

    @classmethod
    def perform(
        cls,
        _info: Any,
        asks: Requestor,
        *,
        id: str,  # noqa: A002 - the argument's name in Saleor's API
    ) -> CampaignStep:
        """Take the step."""
        campaign = campaign_of(id)
        with in_input_terms():
            return cls(campaign=reread(cls.step(campaign, actor_ref=asks.actor_ref)))


def in_input_terms(conversion: Conversion = NO_INPUT) -> AbstractContextManager[None]:
    """Name what a service refuses by the field of the input that it came from."""
    return renaming(lambda refusal: _named(refusal, conversion))


def words_of(program: Program, terms: CampaignTerms) -> list[Rendered]:
    """Return a message in each of its languages, with made-up facts."""
    if terms.message is None:
        return []
    written = dict(terms.message.texts)
    found = [rendered_of(program, terms, language=code) for code in LANGUAGES if code in written]
    return [words for words in found if words is not None]


def reread(campaign: Campaign) -> Campaign:
    """Return a campaign as it is now, with what its type shows."""
    rows = Campaign.objects.select_related("program__current_version", "current_version")
    return rows.get(pk=campaign.pk)


def _named(refusal: Refusal, conversion: Conversion) -> Refusal:
    if refusal.field is None or refusal.field in OWN_FIELDS:
        return refusal
    return conversion.refusal(refusal, ROOT)
