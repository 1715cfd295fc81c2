"""Programs and their ladders: what everybody may read of them, and what staff set."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import graphene

from saleor_retention import host
from saleor_retention.engine.questions import Open
from saleor_retention.engine.rules import Metric, ProgramRules, Tier
from saleor_retention.engine.sentences import benefits_of, sentences
from saleor_retention.graphql import enums, paging, words
from saleor_retention.graphql.context import require
from saleor_retention.graphql.dataloaders.programs import channels
from saleor_retention.graphql.dataloaders.segments import LimitsByProgram
from saleor_retention.graphql.errors import discreet
from saleor_retention.graphql.host_types import DateTime, Decimal, Money, money
from saleor_retention.graphql.scalars import RetentionPoints
from saleor_retention.graphql.types_questions import RetentionQuestions, questions_type
from saleor_retention.graphql.types_rules import (
    RetentionRules,
    RetentionSelection,
    amounts_type,
    rules_type,
    selection_type,
)
from saleor_retention.models import Program
from saleor_retention.selectors.programs import exponents_in, rules_of


class BenefitKind(StrEnum):
    """What kind of benefit a tier gives."""

    PERCENT_OFF = "percent_off"
    AMOUNT_OFF = "amount_off"
    FREE_SHIPPING = "free_shipping"
    EARN_MULTIPLIER = "earn_multiplier"
    RETURN_WINDOW = "return_window"
    FASTER_POINTS = "faster_points"
    PERK = "perk"


RetentionBenefitKind = enums.described(
    "RetentionBenefitKind",
    BenefitKind,
    "What kind of benefit a tier gives.",
    {
        BenefitKind.PERCENT_OFF: "Per cent off goods.",
        BenefitKind.AMOUNT_OFF: "An amount off each unit of goods.",
        BenefitKind.FREE_SHIPPING: "Free shipping.",
        BenefitKind.EARN_MULTIPLIER: "More points.",
        BenefitKind.RETURN_WINDOW: "More days to return goods.",
        BenefitKind.FASTER_POINTS: "Points that become available sooner.",
        BenefitKind.PERK: "Something that the storefront or the staff give.",
    },
)


class RetentionBenefit(graphene.ObjectType):
    """One benefit of a tier, in words and as data."""

    kind = graphene.Field(RetentionBenefitKind, description="What kind it is.", required=True)
    text = graphene.String(description="The benefit in words.", required=True)
    percent = graphene.Field(Decimal, description="Per cent off, of a price benefit.")
    amounts = graphene.List(
        graphene.NonNull(Money),
        description="Money off each unit, of a price benefit.",
        required=True,
    )
    factor = graphene.Field(Decimal, description="Times how many points.")
    days = graphene.Int(description="Days, of a return window or of faster points.")
    key = graphene.String(description="A perk's stable name.")
    select = graphene.Field(RetentionSelection, description="The goods of a price benefit.")


class RetentionThreshold(graphene.ObjectType):
    """How much of what the ladder counts. Exactly one of the three is given."""

    amount = graphene.Field(Money, description="Money spent, in the reference currency.")
    orders = graphene.Int(description="Orders.")
    points = graphene.Field(RetentionPoints, description="Points earned.")


class RetentionTier(graphene.ObjectType):
    """One step of the ladder."""

    slug = graphene.String(description="A stable name.", required=True)
    name = graphene.String(description="What customers read.", required=True)
    threshold = graphene.Field(
        RetentionThreshold, description="What has to be reached.", required=True
    )
    earn_multiplier = graphene.Field(
        Decimal, description="Times how many points it earns.", required=True
    )
    benefits = graphene.List(
        graphene.NonNull(RetentionBenefit), description="What it gives.", required=True
    )


class RetentionSentence(graphene.ObjectType):
    """One rule as a plain sentence, generated from the rule itself."""

    key = graphene.String(
        description="Which rule it says, as a path into the rules.", required=True
    )
    text = graphene.String(description="The rule.", required=True)


class RetentionRecencyBands(graphene.ObjectType):
    """How many months each recency band reaches back; whoever bought longer ago is lost."""

    best = graphene.Int(description="Months of the best, who are active too.", required=True)
    active = graphene.Int(description="Months of the active.", required=True)
    sleeping = graphene.Int(description="Months of the sleeping.", required=True)
    at_risk = graphene.Int(description="Months of those at risk.", required=True)


class RetentionProgram(graphene.ObjectType):
    """A loyalty program: its rules in words, its tiers, and for staff its settings."""

    id = graphene.ID(description="The program's id.", required=True)
    slug = graphene.String(description="A stable name.", required=True)
    name = graphene.String(description="What customers read.", required=True)
    is_active = graphene.Boolean(description="Whether it runs.", required=True)
    channels = graphene.List(
        graphene.NonNull(graphene.String),
        description="Slugs of the channels it runs in.",
        required=True,
    )
    sentences = graphene.List(
        graphene.NonNull(RetentionSentence),
        description="Every rule as one plain sentence.",
        required=True,
    )
    tiers = graphene.List(
        graphene.NonNull(RetentionTier), description="The ladder, lowest first.", required=True
    )
    questions = graphene.Field(
        RetentionQuestions,
        description="What it asks its customers, for the form of registration.",
        required=True,
    )
    version = graphene.Int(
        description="The number of the current version; each change of rules makes the next.",
        required=True,
    )
    rules = graphene.Field(
        RetentionRules, description="The rules as they are set. Requires MANAGE_DISCOUNTS."
    )
    recency_bands = graphene.Field(
        RetentionRecencyBands,
        description="Who counts as active, sleeping, at risk and lost. Requires MANAGE_DISCOUNTS.",
    )
    created_at = graphene.Field(
        DateTime, description="When it was created. Requires MANAGE_DISCOUNTS."
    )
    retired_at = graphene.Field(DateTime, description="When it was ended for good.")

    @staticmethod
    def resolve_id(root: Program, _info: Any) -> str:
        """Return the global id."""
        return host.current().to_global_id("RetentionProgram", str(root.pk))

    @staticmethod
    @discreet
    def resolve_channels(root: Program, info: Any) -> Any:
        """Promise the slugs, in the shop's order of channels."""
        refs = {place.channel_ref for place in root.channels.all()}
        return channels(info).then(
            lambda places: [place.slug for place in places if place.ref in refs]
        )

    @staticmethod
    @discreet
    def resolve_sentences(root: Program, _info: Any) -> list[RetentionSentence]:
        """Return every rule in words."""
        terms = Terms.of(root)
        return [
            RetentionSentence(key=sentence.rule_key, text=words.said(sentence))
            for sentence in sentences(terms.rules, terms.exponents)
        ]

    @staticmethod
    @discreet
    def resolve_tiers(root: Program, _info: Any) -> list[RetentionTier]:
        """Return the ladder."""
        terms = Terms.of(root)
        return [tier_type(tier, terms) for tier in terms.rules.ladder.tiers]

    @staticmethod
    @discreet
    def resolve_questions(root: Program, _info: Any) -> RetentionQuestions:
        """Return everything that it asks."""
        return questions_type(Open(Terms.of(root).rules.questions))

    @staticmethod
    def resolve_version(root: Program, _info: Any) -> int:
        """Return the number of the current version."""
        return int(root.current_version.number)

    @staticmethod
    @discreet
    def resolve_rules(root: Program, info: Any) -> RetentionRules:
        """Return the settings, for those who may change them."""
        require(info, "discounts")
        return rules_type(Terms.of(root).rules)

    @staticmethod
    @discreet
    def resolve_recency_bands(root: Program, info: Any) -> Any:
        """Promise the bands, for those who may change them."""
        require(info, "discounts")
        return LimitsByProgram.of(info).load(root.pk)

    @staticmethod
    def resolve_created_at(root: Program, info: Any) -> Any:
        """Return when it was created, for those who may change it."""
        require(info, "discounts")
        return root.created_at


class RetentionProgramConnection(paging.Connection):
    """Programs, a page at a time."""

    class Meta:
        """Of programs."""

        node = RetentionProgram


@dataclass(frozen=True, slots=True)
class Terms:
    """A program's current rules, and the digits of every currency in them."""

    rules: ProgramRules
    exponents: dict[str, int]

    @classmethod
    def of(cls, program: Program) -> Terms:
        """Return the terms of a program that was loaded with its current version."""
        version = program.current_version
        with host.current().writer():  # the first time in a process, the rules are read
            return cls(rules_of(version.pk), exponents_in(version.document))


def tier_type(tier: Tier, terms: Terms) -> RetentionTier:
    """Return a step of the ladder as GraphQL gives it out."""
    return RetentionTier(
        slug=tier.slug,
        name=tier.name,
        threshold=threshold_type(tier.threshold, terms.rules),
        earn_multiplier=tier.earn_multiplier,
        benefits=benefit_types(tier, terms),
    )


def threshold_type(value: int, rules: ProgramRules) -> RetentionThreshold:
    """Return a value of the ladder's metric with its unit."""
    match rules.ladder.metric:
        case Metric.SPEND:
            return RetentionThreshold(amount=money(value, rules.reference_currency))
        case Metric.ORDERS:
            return RetentionThreshold(orders=value)
        case Metric.POINTS:
            return RetentionThreshold(points=value)


def benefit_types(tier: Tier, terms: Terms) -> list[RetentionBenefit]:
    """Return what a tier gives, in words and as data."""
    made = []
    phrases = benefits_of(tier, terms.exponents)
    for benefit, phrase in zip(_benefits(tier), phrases, strict=True):
        benefit.text = words.capitalized(words.said(phrase))
        made.append(benefit)
    return made


def _benefits(tier: Tier) -> Iterator[RetentionBenefit]:
    """Yield the benefits as data, in the order in which ``benefits_of`` says them."""
    for price in tier.prices:
        is_percent = price.percent is not None
        yield RetentionBenefit(
            kind=(BenefitKind.PERCENT_OFF if is_percent else BenefitKind.AMOUNT_OFF).value,
            percent=price.percent,
            amounts=amounts_type(price.amount_minor),
            select=selection_type(price.selection),
        )
    if tier.has_free_shipping:
        yield RetentionBenefit(kind=BenefitKind.FREE_SHIPPING.value, amounts=[])
    if tier.earn_multiplier != 1:
        kind = BenefitKind.EARN_MULTIPLIER.value
        yield RetentionBenefit(kind=kind, factor=tier.earn_multiplier, amounts=[])
    if tier.return_window_days is not None:
        kind = BenefitKind.RETURN_WINDOW.value
        yield RetentionBenefit(kind=kind, days=tier.return_window_days, amounts=[])
    if tier.maturing_days is not None:
        kind = BenefitKind.FASTER_POINTS.value
        yield RetentionBenefit(kind=kind, days=tier.maturing_days, amounts=[])
    for key, _text in tier.perks:
        yield RetentionBenefit(kind=BenefitKind.PERK.value, key=key, amounts=[])
