"""A membership as its customer and staff see it: points, lots, history, tier."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import graphene
from graphql.error import GraphQLError
from promise import Promise

from saleor_retention import host
from saleor_retention.engine import tiers
from saleor_retention.engine.redemption import value_of
from saleor_retention.graphql import enums, paging, words
from saleor_retention.graphql.context import require
from saleor_retention.graphql.dataloaders.members import (
    BalanceOf,
    LotsOf,
    MetricOf,
    UserById,
)
from saleor_retention.graphql.dataloaders.pages import (
    CouponPages,
    MovementPages,
    TierChangePages,
)
from saleor_retention.graphql.dataloaders.programs import ProgramById, channels
from saleor_retention.graphql.errors import discreet
from saleor_retention.graphql.host_types import DateTime, Money, User, money
from saleor_retention.graphql.scalars import RetentionPoints
from saleor_retention.graphql.types_coupon import RetentionCouponConnection
from saleor_retention.graphql.types_customer import RetentionCustomer, resolve_customer
from saleor_retention.graphql.types_engagement import (
    RetentionReferralStanding,
    resolve_standing,
)
from saleor_retention.graphql.types_feedback import RetentionFeedback, resolve_feedback
from saleor_retention.graphql.types_history import (
    RetentionBalance,
    RetentionHistoryConnection,
    RetentionTierChangeConnection,
    with_numbers,
)
from saleor_retention.graphql.types_member_offers import (
    RetentionGrantedOffer,
    RetentionOfferLimit,
    RetentionPunchCard,
    granted_offers,
    offer_limits,
    offers_of_member,
    punch_cards,
)
from saleor_retention.graphql.types_profile import (
    RetentionConsent,
    RetentionConsentConnection,
    RetentionProfile,
    resolve_consent_log,
    resolve_consents,
    resolve_open,
    resolve_profile,
)
from saleor_retention.graphql.types_program import (
    RetentionBenefit,
    RetentionProgram,
    RetentionThreshold,
    Terms,
    benefit_types,
    threshold_type,
)
from saleor_retention.graphql.types_questions import RetentionQuestions, questions_type
from saleor_retention.graphql.types_run_out import RetentionRunOut, resolve_run_outs
from saleor_retention.models import Account, AccountState, Coupon, Program, TierChange, Transaction

LOTS_MAX = 100


@dataclass(frozen=True, slots=True)
class Member:
    """A member's account, and the channel that was asked about."""

    account: Account
    currency: str | None = None
    channel_ref: str | None = None


class RetentionLot(graphene.ObjectType):
    """Points earned together, with one expiry. Those that expire first are spent first."""

    points = graphene.Field(RetentionPoints, description="Points left of it.", required=True)
    held = graphene.Field(
        RetentionPoints,
        description="Points of it that are set aside for checkouts, besides.",
        required=True,
    )
    state = enums.RetentionLotState(description="Whether they can be spent now.", required=True)
    valid_from = graphene.Field(
        DateTime, description="From when they can be spent; null while that waits for shipping."
    )
    expires_at = graphene.Field(DateTime, description="When they expire; null for never.")


class RetentionMemberTier(graphene.ObjectType):
    """The tier that a member has now."""

    slug = graphene.String(description="A stable name.", required=True)
    name = graphene.String(description="What customers read.", required=True)
    since = graphene.Field(DateTime, description="Since when.")
    valid_until = graphene.Field(DateTime, description="Until when it holds; null for no end.")
    is_manual = graphene.Boolean(description="Whether staff set it.", required=True)
    benefits = graphene.List(
        graphene.NonNull(RetentionBenefit), description="What it gives.", required=True
    )


class RetentionNextTier(graphene.ObjectType):
    """The next step of the ladder and what is missing to it."""

    slug = graphene.String(description="A stable name.", required=True)
    name = graphene.String(description="What customers read.", required=True)
    missing = graphene.Field(RetentionThreshold, description="What is missing.", required=True)
    text = graphene.String(description="What is missing, in words.", required=True)
    benefits = graphene.List(
        graphene.NonNull(RetentionBenefit), description="What it would give.", required=True
    )


class RetentionMember(graphene.ObjectType):
    """A customer's membership of a program."""

    id = graphene.ID(description="The member's id.", required=True)
    number = graphene.String(
        description="The member number, such as a till asks for.", required=True
    )
    state = enums.RetentionMemberState(description="What kind of account it is.", required=True)
    program = graphene.Field(RetentionProgram, description="The program.", required=True)
    user = graphene.Field(User, description="The customer; null for a guest or an erased one.")
    joined_at = graphene.Field(DateTime, description="Since when.", required=True)
    last_activity_at = graphene.Field(
        DateTime, description="When points were last earned or spent.", required=True
    )
    balance = graphene.Field(RetentionBalance, description="The points.", required=True)
    value = graphene.Field(
        Money,
        description="What the available points are worth at the checkout.",
        currency=graphene.String(
            description="ISO 4217 code; by default that of the channel asked about."
        ),
    )
    lots = graphene.List(
        graphene.NonNull(RetentionLot),
        description="Points by expiry, those that expire first at the top.",
        required=True,
        first=graphene.Int(description="How many lots, 100 at most.", default_value=20),
    )
    history = graphene.Field(
        RetentionHistoryConnection,
        description="Every movement of points, newest first.",
        required=True,
        **paging.ARGUMENTS,
    )
    tier = graphene.Field(RetentionMemberTier, description="The tier; null for none.")
    next_tier = graphene.Field(
        RetentionNextTier, description="The next tier; null at the top of the ladder."
    )
    tier_changes = graphene.Field(
        RetentionTierChangeConnection,
        description="Every change of tier, newest first.",
        required=True,
        **paging.ARGUMENTS,
    )

    punch_cards = graphene.List(
        graphene.NonNull(RetentionPunchCard),
        description="The member's punch cards, in the channel that was asked about.",
        required=True,
    )
    granted_offers = graphene.List(
        graphene.NonNull(RetentionGrantedOffer),
        description="Offers that were given to the member, in the channel that was asked about.",
        required=True,
    )
    offer_limits = graphene.List(
        graphene.NonNull(RetentionOfferLimit),
        description="Offers that a member may use only so often, and what is left of them.",
        required=True,
    )
    profile = graphene.Field(
        RetentionProfile, description="What the customer told of himself.", required=True
    )
    consents = graphene.List(
        graphene.NonNull(RetentionConsent),
        description="What holds of each consent that was given or withdrawn.",
        required=True,
    )
    consent_log = graphene.Field(
        RetentionConsentConnection,
        description="Every answer about a consent, newest first.",
        required=True,
        **paging.ARGUMENTS,
    )
    questions = graphene.Field(
        RetentionQuestions,
        description="What the program asks and this customer did not answer yet. Who did not agree "
        "to something is not asked for it again.",
        required=True,
    )
    coupons = graphene.Field(
        RetentionCouponConnection,
        description="The member's coupons, newest first, ended ones too.",
        required=True,
        **paging.ARGUMENTS,
    )
    referral = graphene.Field(
        RetentionReferralStanding,
        description="The member's code for friends and what they brought.",
        required=True,
    )
    run_outs = graphene.List(
        graphene.NonNull(RetentionRunOut),
        description="What the member buys again and again of the goods that campaigns remind of, "
        "what runs out first at the top.",
        required=True,
    )
    customer = graphene.Field(
        RetentionCustomer,
        description="Order sums, recency band, scores, stage, tags and segments; null of an erased "
        "customer. Requires MANAGE_USERS.",
    )

    feedback = graphene.List(
        graphene.NonNull(RetentionFeedback),
        description="What the program asks without an order, and was answered in this period.",
        required=True,
    )

    @staticmethod
    def resolve_id(root: Member, _info: Any) -> str:
        """Return the global id."""
        return host.current().to_global_id("RetentionMember", str(root.account.pk))

    @staticmethod
    def resolve_number(root: Member, _info: Any) -> str:
        """Return the member number."""
        return str(root.account.member_number)

    @staticmethod
    def resolve_state(root: Member, _info: Any) -> str:
        """Return what kind of account it is."""
        return str(root.account.state)

    @staticmethod
    @discreet
    def resolve_program(root: Member, info: Any) -> Any:
        """Promise the program."""
        return ProgramById.of(info).load(root.account.program_id)

    @staticmethod
    @discreet
    def resolve_user(root: Member, info: Any) -> Any:
        """Promise the customer."""
        if root.account.user_id is None:
            return None
        return UserById.of(info).load(root.account.user_id)

    @staticmethod
    def resolve_joined_at(root: Member, _info: Any) -> Any:
        """Return since when."""
        return root.account.joined_at

    @staticmethod
    def resolve_last_activity_at(root: Member, _info: Any) -> Any:
        """Return when points were last earned or spent."""
        return root.account.last_activity_at

    @staticmethod
    @discreet
    def resolve_balance(root: Member, info: Any) -> Any:
        """Promise the balance of this instant."""
        return BalanceOf.of(info).load(root.account.pk)

    @staticmethod
    @discreet
    def resolve_value(root: Member, info: Any, currency: str | None = None) -> Any:
        """Promise what the available points are worth; null where points have no value."""
        wanted = currency or root.currency

        def worth(loaded: list[Any]) -> Any:
            program, balance, places = loaded
            code = wanted or _currency_of(program, places)
            value = Terms.of(program).rules.point_values.get(code or "")
            return None if value is None else money(value_of(balance.available, value), code or "")

        return _all(info, root, BalanceOf.of(info).load(root.account.pk), channels(info)).then(
            worth
        )

    @staticmethod
    @discreet
    def resolve_lots(root: Member, info: Any, first: int) -> Any:
        """Promise the lots that live at this instant."""
        if not 0 < first <= LOTS_MAX:
            raise GraphQLError(f"`lots` gives from 1 to {LOTS_MAX}, not {first}.")
        return LotsOf.of(info).load(root.account.pk).then(lambda lots: (lots or ())[:first])

    @staticmethod
    @discreet
    def resolve_history(root: Member, info: Any, **arguments: Any) -> Any:
        """Promise a page of the history."""
        window = paging.Window.of("history", arguments, paging.row_id)
        loaded = MovementPages.of(info).load((root.account.pk, window))
        return loaded.then(lambda rows: with_numbers(info, rows)).then(
            lambda rows: paging.connection_of(
                RetentionHistoryConnection,
                rows,
                window,
                lambda row: paging.encoded(row.row.pk),
                count=Transaction.objects.filter(account_id=root.account.pk).count,
            )
        )

    @staticmethod
    @discreet
    def resolve_tier(root: Member, info: Any) -> Any:
        """Promise the tier in force."""
        account = root.account
        if not account.tier or account.state != AccountState.MEMBER:
            return None

        def shown(program: Program) -> RetentionMemberTier | None:
            terms = Terms.of(program)
            tier = terms.rules.tier(account.tier)
            if tier is None:
                return None
            return RetentionMemberTier(
                slug=tier.slug,
                name=tier.name,
                since=account.tier_since,
                valid_until=account.tier_valid_until,
                is_manual=account.is_tier_manual,
                benefits=benefit_types(tier, terms),
            )

        return ProgramById.of(info).load(account.program_id).then(shown)

    @staticmethod
    @discreet
    def resolve_next_tier(root: Member, info: Any) -> Any:
        """Promise the next tier, and what is missing."""
        if root.account.state != AccountState.MEMBER:
            return None
        return _all(info, root, MetricOf.of(info).load(root.account)).then(
            lambda loaded: _next_tier(root.account, *loaded)
        )

    @staticmethod
    @discreet
    def resolve_tier_changes(root: Member, info: Any, **arguments: Any) -> Any:
        """Promise a page of the tier's history."""
        window = paging.Window.of("tierChanges", arguments, paging.row_id)
        found = TierChange.objects.filter(account_id=root.account.pk)
        pages = TierChangePages.of(info)
        return paging.promised(RetentionTierChangeConnection, pages, window, found, root.account.pk)

    @staticmethod
    @discreet
    def resolve_coupons(root: Member, info: Any, **arguments: Any) -> Any:
        """Promise a page of coupons."""
        window = paging.Window.of("coupons", arguments, paging.row_id)
        found = Coupon.objects.filter(account_id=root.account.pk)
        pages = CouponPages.of(info)
        return paging.promised(RetentionCouponConnection, pages, window, found, root.account.pk)

    @staticmethod
    @discreet
    def resolve_punch_cards(root: Member, info: Any) -> Any:
        """Promise the punch cards of offers that run."""
        found = offers_of_member(info, root.account, root.channel_ref)
        return found.then(lambda offers: punch_cards(info, offers))

    @staticmethod
    @discreet
    def resolve_granted_offers(root: Member, info: Any) -> Any:
        """Promise the offers that were given to the member."""
        found = offers_of_member(info, root.account, root.channel_ref)
        return found.then(lambda offers: granted_offers(info, offers))

    @staticmethod
    @discreet
    def resolve_offer_limits(root: Member, info: Any) -> Any:
        """Promise how often offers may still be used."""
        found = offers_of_member(info, root.account, root.channel_ref)
        return found.then(lambda offers: offer_limits(info, offers))

    @staticmethod
    @discreet
    def resolve_profile(root: Member, info: Any) -> Any:
        """Promise what the customer told."""
        return resolve_profile(info, root.account)

    @staticmethod
    @discreet
    def resolve_consents(root: Member, info: Any) -> Any:
        """Promise what the customer agreed to."""
        return resolve_consents(info, root.account)

    @staticmethod
    @discreet
    def resolve_consent_log(root: Member, info: Any, **arguments: Any) -> Any:
        """Promise a page of what the customer ever agreed to and took back."""
        return resolve_consent_log(info, root.account, arguments)

    @staticmethod
    @discreet
    def resolve_questions(root: Member, info: Any) -> Any:
        """Promise what is still to be asked."""
        return resolve_open(info, root.account).then(questions_type)

    @staticmethod
    @discreet
    def resolve_referral(root: Member, info: Any) -> Any:
        """Promise the member's part in referrals."""
        return resolve_standing(info, root.account)

    @staticmethod
    @discreet
    def resolve_run_outs(root: Member, info: Any) -> Any:
        """Promise what runs out when."""
        return resolve_run_outs(info, root.account)

    @staticmethod
    @discreet
    def resolve_customer(root: Member, info: Any) -> Any:
        """Promise what is known of the customer, for those who manage customers."""
        require(info, "users")
        return resolve_customer(info, root.account)

    @staticmethod
    @discreet
    def resolve_feedback(root: Member, info: Any) -> Any:
        """Promise what is asked without an order."""
        return resolve_feedback(info, root.account)


class RetentionMemberConnection(paging.Connection):
    """Members, a page at a time."""

    class Meta:
        """Of members."""

        node = RetentionMember


def _all(info: Any, root: Member, *others: Any) -> Any:
    """Promise the member's program and other things."""
    return Promise.all([ProgramById.of(info).load(root.account.program_id), *others])


def _next_tier(account: Account, program: Program, value: int) -> RetentionNextTier | None:
    terms = Terms.of(program)
    progress = tiers.progress(terms.rules.ladder, account.tier or None, value)
    tier = progress.next_tier
    if tier is None or progress.missing is None:
        return None
    currency = terms.rules.reference_currency
    metric = terms.rules.ladder.metric
    return RetentionNextTier(
        slug=tier.slug,
        name=tier.name,
        missing=threshold_type(progress.missing, terms.rules),
        text=words.said(
            words.missing(
                metric, progress.missing, currency, terms.exponents.get(currency, 0), tier.name
            )
        ),
        benefits=benefit_types(tier, terms),
    )


def _currency_of(program: Program, places: Any) -> str | None:
    """Return the currency of the program's first channel that still exists."""
    refs = {place.channel_ref for place in program.channels.all()}
    return next((place.currency for place in places if place.ref in refs), None)
