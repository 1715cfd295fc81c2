"""A program's rules as staff read them back: the shape of ``RetentionRulesInput``."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict
from fractions import Fraction
from typing import Any

import graphene

from saleor_retention import host
from saleor_retention.engine.money import from_minor
from saleor_retention.engine.questions import Questions
from saleor_retention.engine.rules import (
    GrantAllowance,
    Ladder,
    Metric,
    Multiplier,
    ProgramRules,
    Selection,
    Tier,
)
from saleor_retention.graphql import enums
from saleor_retention.graphql.documents import GOODS
from saleor_retention.graphql.enums import Weekday
from saleor_retention.graphql.host_types import Date, Decimal, Money, money
from saleor_retention.graphql.scalars import RetentionPoints
from saleor_retention.graphql.types_questions import (
    RetentionConsentQuestion,
    RetentionFieldQuestion,
    consent_types,
    field_types,
)
from saleor_retention.graphql.types_survey_rules import (
    RetentionFeedbackRules,
    RetentionSurveyRules,
    feedback_rules,
    survey_rules,
)

WEEKDAYS = tuple(day.value for day in Weekday)


class RetentionEarnRate(graphene.ObjectType):
    """How many points an amount of money earns in one currency."""

    points = graphene.Field(Decimal, description="Points earned.", required=True)
    per = graphene.Field(Money, description="Money that has to be spent for them.", required=True)


class RetentionRate(graphene.ObjectType):
    """An exact number for one currency, which may be finer than the currency's smallest coin."""

    currency = graphene.String(description="ISO 4217 code of the currency.", required=True)
    amount = graphene.Field(Decimal, description="The number.", required=True)


class RetentionSelection(graphene.ObjectType):
    """Some goods. An item that is in any of the lists belongs to them; no list means all goods."""

    products = graphene.List(
        graphene.NonNull(graphene.ID), description="Ids of products.", required=True
    )
    variants = graphene.List(
        graphene.NonNull(graphene.ID), description="Ids of product variants.", required=True
    )
    categories = graphene.List(
        graphene.NonNull(graphene.ID),
        description="Ids of categories; their children are included.",
        required=True,
    )
    collections = graphene.List(
        graphene.NonNull(graphene.ID), description="Ids of collections.", required=True
    )


class RetentionEarnRules(graphene.ObjectType):
    """How orders earn points."""

    rates = graphene.List(
        graphene.NonNull(RetentionEarnRate), description="One rate per currency.", required=True
    )
    include_tax = graphene.Boolean(description="Whether tax earns points too.", required=True)
    include_shipping = graphene.Boolean(
        description="Whether shipping earns points too.", required=True
    )
    include_drafts = graphene.Boolean(
        description="Whether orders entered by staff earn.", required=True
    )
    include_reissues = graphene.Boolean(
        description="Whether replacements for earlier orders earn.", required=True
    )
    include_bulk_orders = graphene.Boolean(
        description="Whether imported orders earn.", required=True
    )
    points_per_order_max = graphene.Field(
        RetentionPoints, description="The most points that one order earns; null without a limit."
    )
    points_per_day_max = graphene.Field(
        RetentionPoints,
        description="The most points that a member's orders earn in a day; null without a limit.",
    )
    points_per_month_max = graphene.Field(
        RetentionPoints,
        description="The most points that a member's orders earn in a calendar month; null "
        "without a limit.",
    )
    points_per_member_max = graphene.Field(
        RetentionPoints,
        description="The most points that a member's orders ever earn; null without a limit.",
    )


class RetentionReference(graphene.ObjectType):
    """The currency that tiers count in, and what the others are worth in it."""

    currency = graphene.String(description="ISO 4217 code of the reference currency.")
    rates = graphene.List(
        graphene.NonNull(RetentionRate),
        description="Units of the reference currency for one unit of each other currency.",
        required=True,
    )


class RetentionMultiplier(graphene.ObjectType):
    """More points on some goods or days, such as a member day."""

    name = graphene.String(description="What customers read.", required=True)
    factor = graphene.Field(Decimal, description="Times how many points.", required=True)
    weekdays = graphene.List(
        graphene.NonNull(enums.RetentionWeekday),
        description="On these weekdays only; every day when empty.",
        required=True,
    )
    starts_on = graphene.Field(Date, description="The first day.")
    ends_on = graphene.Field(Date, description="The last day, included.")
    select = graphene.Field(RetentionSelection, description="Which goods.", required=True)


class RetentionMaturing(graphene.ObjectType):
    """When earned points become available."""

    rule = enums.RetentionMaturingRule(description="What they wait for.", required=True)
    days = graphene.Int(description="Days, where the rule counts them.", required=True)


class RetentionExpiry(graphene.ObjectType):
    """When points that were not spent expire."""

    policy = enums.RetentionExpiryPolicy(description="What is counted.", required=True)
    count = graphene.Int(
        description="How many days, months or years, as the policy says.", required=True
    )
    restore_grace_days = graphene.Int(
        description="Days that points live which come back after they expired.", required=True
    )


class RetentionRedemptionRules(graphene.ObjectType):
    """How points may be spent at a checkout."""

    enabled = graphene.Boolean(description="Whether they may be spent at all.", required=True)
    minimum_points = graphene.Field(
        RetentionPoints, description="The fewest points that may be spent at once.", required=True
    )
    block_points = graphene.Field(
        RetentionPoints, description="Only multiples of this may be spent.", required=True
    )
    order_share_max = graphene.Field(
        Decimal,
        description="The largest share of the goods that points may pay, from 0 to 1.",
        required=True,
    )
    hold_minutes = graphene.Int(
        description="Minutes after which points set for a checkout are free again.", required=True
    )
    points_per_day_max = graphene.Field(
        RetentionPoints,
        description="The most points that a member may spend in a day; null without a limit.",
    )
    points_per_month_max = graphene.Field(
        RetentionPoints,
        description="The most points that a member may spend in a calendar month; null without "
        "a limit.",
    )


class RetentionDeficitRules(graphene.ObjectType):
    """What happens when points that are to be taken back were spent already."""

    policy = enums.RetentionDeficitPolicy(description="What happens.", required=True)
    goodwill_repays = graphene.Boolean(
        description="Whether points granted by staff repay what a member owes.", required=True
    )


class RetentionGrantAllowance(graphene.ObjectType):
    """What a permission group or an app may grant; null where it is as for everybody."""

    name = graphene.String(description="The group's or the app's name.", required=True)
    points_max = graphene.Field(
        RetentionPoints, description="The most points that may be granted at once."
    )
    points_per_day_max = graphene.Field(
        RetentionPoints,
        description="The most points that each of the group, or the app, may grant in a day.",
    )


class RetentionGrantRules(graphene.ObjectType):
    """Limits of what staff may grant."""

    points_max = graphene.Field(
        RetentionPoints, description="The most points that may be granted at once.", required=True
    )
    points_per_day_max = graphene.Field(
        RetentionPoints,
        description="The most points that one member of staff or one app may grant in a day; "
        "null without a limit.",
    )
    groups = graphene.List(
        graphene.NonNull(RetentionGrantAllowance),
        description="Limits of staff by permission group, instead of these; the highest of one's "
        "groups counts.",
        required=True,
    )
    apps = graphene.List(
        graphene.NonNull(RetentionGrantAllowance),
        description="Limits of apps by name, instead of these.",
        required=True,
    )


class RetentionTierPrice(graphene.ObjectType):
    """A member price: per cent or an amount off."""

    percent = graphene.Field(Decimal, description="Per cent off.")
    amounts = graphene.List(
        graphene.NonNull(Money), description="Money off each unit, by currency.", required=True
    )
    select = graphene.Field(RetentionSelection, description="Which goods.", required=True)


class RetentionPerk(graphene.ObjectType):
    """A benefit that the storefront shows or staff give."""

    key = graphene.String(description="A stable name for programs to look for.", required=True)
    text = graphene.String(description="What customers read.", required=True)


class RetentionTierRules(graphene.ObjectType):
    """One step of the ladder."""

    slug = graphene.String(description="A stable name.", required=True)
    name = graphene.String(description="What customers read.", required=True)
    threshold = graphene.Field(
        Decimal,
        description="What has to be reached: money in the reference currency, orders or points.",
        required=True,
    )
    earn_multiplier = graphene.Field(
        Decimal, description="Times how many points it earns.", required=True
    )
    prices = graphene.List(
        graphene.NonNull(RetentionTierPrice), description="Member prices.", required=True
    )
    free_shipping = graphene.Boolean(description="Whether shipping is free.", required=True)
    return_window_days = graphene.Int(description="Days to return goods.")
    maturing_days = graphene.Int(
        description="Days until earned points are available, where that is sooner."
    )
    perks = graphene.List(
        graphene.NonNull(RetentionPerk), description="Other benefits.", required=True
    )


class RetentionLadder(graphene.ObjectType):
    """How members climb and fall."""

    metric = enums.RetentionTierMetric(description="What is counted.", required=True)
    window = enums.RetentionTierWindow(description="Over which time.", required=True)
    months = graphene.Int(description="Months, where the window counts them.", required=True)
    downgrade = enums.RetentionDowngrade(description="How far a member falls.", required=True)
    grace_days = graphene.Int(description="Days that a tier goes on after its end.", required=True)
    warning_days = graphene.Int(
        description="Days before its end that the member is warned.", required=True
    )
    ladder = graphene.List(
        graphene.NonNull(RetentionTierRules), description="The tiers, lowest first.", required=True
    )


class RetentionQuestionRules(graphene.ObjectType):
    """What the program asks its customers."""

    motive = graphene.String(
        description='Why the facts are asked for; "" for nothing said.', required=True
    )
    enrolment = graphene.String(
        description='The reminder to enrol, in the shop\'s words; "" for none.', required=True
    )
    enrolment_orders = graphene.Int(
        description="From how many orders on a customer is reminded to enrol.", required=True
    )
    interests = graphene.List(
        graphene.NonNull(graphene.String),
        description="Interests that may be chosen.",
        required=True,
    )
    fields = graphene.List(
        graphene.NonNull(RetentionFieldQuestion),
        description="Questions of the merchant's own.",
        required=True,
    )
    consents = graphene.List(
        graphene.NonNull(RetentionConsentQuestion), description="Consents.", required=True
    )


class RetentionEventRule(graphene.ObjectType):
    """What an event such as a review brings."""

    kind = graphene.String(description="A stable name.", required=True)
    points = graphene.Field(RetentionPoints, description="Points of one event.", required=True)
    name = graphene.String(description='What customers read of it; "" for our own words.')
    maturing_days = graphene.Int(
        description="Days after the event until the points are available.", required=True
    )
    per_object_max = graphene.Int(
        description="How many events about one object are rewarded.", required=True
    )
    per_day_max = graphene.Int(description="How many in a day; null without a limit.")
    per_month_max = graphene.Int(description="How many in a month; null without a limit.")
    per_member_max = graphene.Int(description="How many ever; null without a limit.")


class RetentionReferralRules(graphene.ObjectType):
    """What a referral brings to both sides."""

    advocate_points = graphene.Field(
        RetentionPoints, description="Points for who referred the friend.", required=True
    )
    friend_points = graphene.Field(
        RetentionPoints, description="Points for the friend.", required=True
    )
    window_days = graphene.Int(
        description="Days after payment of the friend's first order until they are available.",
        required=True,
    )
    per_month_max = graphene.Int(
        description="How many friends one member is rewarded for in a month; null without a limit."
    )


class RetentionRules(graphene.ObjectType):
    """Everything that a program's current version says."""

    time_zone = graphene.String(description="Time zone of local days.", required=True)
    earn = graphene.Field(RetentionEarnRules, description="How orders earn.", required=True)
    point_values = graphene.List(
        graphene.NonNull(RetentionRate),
        description="What one point is worth at the checkout, by currency.",
        required=True,
    )
    acquisition_costs = graphene.List(
        graphene.NonNull(RetentionRate),
        description="What winning one new customer costs, by currency; for reports only.",
        required=True,
    )
    reference = graphene.Field(
        RetentionReference, description="The currency that tiers count in.", required=True
    )
    multipliers = graphene.List(
        graphene.NonNull(RetentionMultiplier),
        description="More points on goods or days.",
        required=True,
    )
    welcome_points = graphene.Field(
        RetentionPoints, description="Points for becoming a member.", required=True
    )
    first_order_points = graphene.Field(
        RetentionPoints, description="Points for the first order.", required=True
    )
    enrolment = enums.RetentionEnrolment(description="Who is a member.", required=True)
    maturing = graphene.Field(
        RetentionMaturing, description="When points become available.", required=True
    )
    expiry = graphene.Field(RetentionExpiry, description="When points expire.", required=True)
    redemption = graphene.Field(
        RetentionRedemptionRules, description="How points may be spent.", required=True
    )
    deficit = graphene.Field(
        RetentionDeficitRules,
        description="What happens when spent points are to be taken back.",
        required=True,
    )
    grants = graphene.Field(
        RetentionGrantRules, description="Limits of what staff may grant.", required=True
    )
    tiers = graphene.Field(RetentionLadder, description="The tier ladder.", required=True)
    questions = graphene.Field(
        RetentionQuestionRules, description="What customers are asked.", required=True
    )
    events = graphene.List(
        graphene.NonNull(RetentionEventRule),
        description="What reviews and other events bring.",
        required=True,
    )
    referral = graphene.Field(
        RetentionReferralRules, description="What referring a friend brings.", required=True
    )
    survey = graphene.Field(
        RetentionSurveyRules, description="What is asked about an order.", required=True
    )
    feedback = graphene.List(
        graphene.NonNull(RetentionFeedbackRules),
        description="What is asked without an order.",
        required=True,
    )


def rules_type(rules: ProgramRules) -> RetentionRules:
    """Return the rules as GraphQL gives them out."""
    limits = rules.redemption
    return RetentionRules(
        time_zone=rules.time_zone,
        earn=_earn(rules),
        point_values=[
            _rate(currency, value / 10 ** _exponent(currency))
            for currency, value in rules.point_values.items()
        ],
        acquisition_costs=[
            _rate(currency, Fraction(minor, 10 ** _exponent(currency)))
            for currency, minor in rules.acquisition_costs.items()
        ],
        reference=RetentionReference(
            currency=rules.reference_currency or None,
            rates=[_rate(*item) for item in rules.reference_rates.items()],
        ),
        multipliers=[_multiplier(multiplier) for multiplier in rules.multipliers],
        welcome_points=rules.welcome_points,
        first_order_points=rules.first_order_points,
        enrolment=rules.enrolment.value,
        maturing=RetentionMaturing(rule=rules.maturing.rule.value, days=rules.maturing.days),
        expiry=RetentionExpiry(
            policy=rules.expiry.policy.value,
            count=rules.expiry.count,
            restore_grace_days=rules.expiry.restore_grace_days,
        ),
        redemption=RetentionRedemptionRules(
            enabled=limits.is_enabled,
            minimum_points=limits.minimum_points,
            block_points=limits.block_points,
            order_share_max=limits.order_share_max,
            hold_minutes=limits.hold_minutes,
            points_per_day_max=limits.points_per_day_max,
            points_per_month_max=limits.points_per_month_max,
        ),
        deficit=RetentionDeficitRules(
            policy=rules.deficit.value, goodwill_repays=rules.goodwill_repays_deficit
        ),
        grants=RetentionGrantRules(
            points_max=rules.grant_points_max,
            points_per_day_max=rules.grant_points_per_day_max,
            groups=_allowances(rules.grant_groups),
            apps=_allowances(rules.grant_apps),
        ),
        tiers=_ladder(rules.ladder, _threshold_of(rules)),
        questions=_questions(rules.questions),
        events=[RetentionEventRule(**asdict(rule)) for rule in rules.events],
        referral=RetentionReferralRules(**asdict(rules.referral)),
        survey=survey_rules(rules.survey),
        feedback=[feedback_rules(each) for each in rules.feedback],
    )


def _questions(questions: Questions) -> RetentionQuestionRules:
    return RetentionQuestionRules(
        motive=questions.motive,
        enrolment=questions.enrolment,
        enrolment_orders=questions.enrolment_orders,
        interests=list(questions.interests),
        fields=field_types(questions),
        consents=consent_types(questions),
    )


def selection_type(selection: Selection) -> RetentionSelection:
    """Return a selection with the host's ids, in a stable order."""
    shop = host.current()
    return RetentionSelection(
        **{
            kind: [shop.to_global_id(type_name, ref) for ref in sorted(getattr(selection, kind))]
            for kind, type_name in GOODS.items()
        }
    )


def amounts_type(amount_minor: Iterable[tuple[str, int]]) -> list[Any]:
    """Return amounts by currency as the host's money."""
    return [money(minor, currency) for currency, minor in amount_minor]


def _earn(rules: ProgramRules) -> RetentionEarnRules:
    return RetentionEarnRules(
        rates=[
            RetentionEarnRate(points=rate.points, per=money(rate.per_minor, currency))
            for currency, rate in rules.earn_rates.items()
        ],
        include_tax=rules.earns_on_tax,
        include_shipping=rules.earns_on_shipping,
        include_drafts=rules.earns_on_drafts,
        include_reissues=rules.earns_on_reissues,
        include_bulk_orders=rules.earns_on_bulk_orders,
        points_per_order_max=rules.earn_caps.per_order,
        points_per_day_max=rules.earn_caps.per_day,
        points_per_month_max=rules.earn_caps.per_month,
        points_per_member_max=rules.earn_caps.per_member,
    )


def _allowances(
    allowances: Iterable[tuple[str, GrantAllowance]],
) -> list[RetentionGrantAllowance]:
    return [
        RetentionGrantAllowance(
            name=name,
            points_max=allowance.points_max,
            points_per_day_max=allowance.points_per_day_max,
        )
        for name, allowance in allowances
    ]


def _rate(currency: str, amount: Fraction) -> RetentionRate:
    return RetentionRate(currency=currency, amount=amount)


def _multiplier(multiplier: Multiplier) -> RetentionMultiplier:
    return RetentionMultiplier(
        name=multiplier.name,
        factor=multiplier.factor,
        weekdays=[WEEKDAYS[day] for day in sorted(multiplier.weekdays)],
        starts_on=multiplier.starts_on,
        ends_on=multiplier.ends_on,
        select=selection_type(multiplier.selection),
    )


def _ladder(ladder: Ladder, threshold: Callable[[Tier], Any]) -> RetentionLadder:
    return RetentionLadder(
        metric=ladder.metric.value,
        window=ladder.window.value,
        months=ladder.window_months,
        downgrade=ladder.downgrade.value,
        grace_days=ladder.grace_days,
        warning_days=ladder.warning_days,
        ladder=[_tier(tier, threshold) for tier in ladder.tiers],
    )


def _tier(tier: Tier, threshold: Callable[[Tier], Any]) -> RetentionTierRules:
    return RetentionTierRules(
        slug=tier.slug,
        name=tier.name,
        threshold=threshold(tier),
        earn_multiplier=tier.earn_multiplier,
        prices=[
            RetentionTierPrice(
                percent=price.percent,
                amounts=amounts_type(price.amount_minor),
                select=selection_type(price.selection),
            )
            for price in tier.prices
        ],
        free_shipping=tier.has_free_shipping,
        return_window_days=tier.return_window_days,
        maturing_days=tier.maturing_days,
        perks=[RetentionPerk(key=key, text=text) for key, text in tier.perks],
    )


def _exponent(currency: str) -> int:
    return host.current().currency_exponent(currency)


def _threshold_of(rules: ProgramRules) -> Callable[[Tier], Any]:
    """Return how to put a tier's threshold into units such as dollars, orders or points."""
    if rules.ladder.metric is not Metric.SPEND:
        return lambda tier: tier.threshold
    exponent = _exponent(rules.reference_currency)
    return lambda tier: from_minor(tier.threshold, exponent)
