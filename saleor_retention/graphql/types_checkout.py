"""What a checkout earns, what points take off it, and why each rule applies or not."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import graphene
from promise import Promise

from saleor_retention import host
from saleor_retention.engine import pricing, redemption
from saleor_retention.engine.accrual import EarnTerms, quoted
from saleor_retention.engine.money import round_half_up
from saleor_retention.engine.quote import Quote, Verdict
from saleor_retention.engine.rules import Enrolment, ProgramRules
from saleor_retention.graphql import enums
from saleor_retention.graphql.context import may, moment, requestor
from saleor_retention.graphql.dataloaders.checkouts import AccountById, HoldOfCheckout
from saleor_retention.graphql.dataloaders.members import BalanceOf, MetricOf
from saleor_retention.graphql.errors import discreet, harmless
from saleor_retention.graphql.host_types import DateTime, Money, money
from saleor_retention.graphql.scalars import RetentionPoints
from saleor_retention.graphql.types_checkout_offers import CheckoutOffers, RetentionCheckoutOffers
from saleor_retention.graphql.types_code import RetentionCodeComparison, code_comparison
from saleor_retention.graphql.types_program import RetentionThreshold, threshold_type
from saleor_retention.graphql.words import said
from saleor_retention.host.contract import PricedCheckout
from saleor_retention.models import Account, AccountState, Hold
from saleor_retention.selectors.programs import rules_of
from saleor_retention.services.checkout.pricing import reason_of, redeemable_base

PPM = redemption.PPM


@dataclass(frozen=True, slots=True)
class Checkout:
    """A priced checkout under a program."""

    priced: PricedCheckout
    rules: ProgramRules
    quote: Quote

    @property
    def currency(self) -> str:
        """Return the checkout's currency."""
        return self.priced.basket.currency

    @property
    def point_value(self) -> Fraction | None:
        """Return what a point is worth in the checkout's currency, in minor units."""
        return self.rules.point_values.get(self.currency)


class RetentionDiscount(graphene.ObjectType):
    """What one rule takes off one line."""

    line_id = graphene.ID(
        description="The checkout line; null for what no line's price can express (Saleor 2.10)."
    )
    rule_key = graphene.String(description="The rule, stable for programs.", required=True)
    name = graphene.String(description="The rule's name, as the shopper reads it.", required=True)
    text = graphene.String(description="The reason in words.", required=True)
    amount = graphene.Field(Money, description="How much.", required=True)


class RetentionVerdict(graphene.ObjectType):
    """What became of one rule at this checkout, and why."""

    rule_key = graphene.String(description="The rule, stable for programs.", required=True)
    code = enums.RetentionVerdictCode(description="What became of it.", required=True)
    text = graphene.String(description="The reason in words.", required=True)
    amount = graphene.Field(Money, description="What it takes off.", required=True)
    gap = graphene.Field(
        RetentionThreshold, description="What the member is missing, where that is the reason."
    )


class RetentionRedemption(graphene.ObjectType):
    """Points that a checkout is paid with."""

    points = graphene.Field(RetentionPoints, description="Points set aside for it.", required=True)
    effective_points = graphene.Field(
        RetentionPoints,
        description="Points that the order will burn: worth exactly what the total falls by. Fewer "
        "than set aside where a voucher or promotion of the shop applies on top.",
        required=True,
    )
    value = graphene.Field(
        Money,
        description="What they take off, as the channel enters prices (with or without tax).",
        required=True,
    )
    gross_value = graphene.Field(
        Money,
        description="What they take off the total with tax; each line rounded by itself.",
        required=True,
    )
    lapses_at = graphene.Field(
        DateTime,
        description="When the points are free again unless the checkout changes or is paid.",
        required=True,
    )


class RetentionCheckout(graphene.ObjectType):
    """A checkout's points and benefits, with its prices as they are now."""

    earns = graphene.Field(
        RetentionPoints,
        description="Points that the goods would earn, after all discounts.",
        required=True,
    )
    redeemable_max = graphene.Field(
        RetentionPoints,
        description="The most points that can be set for it now. Zero for anyone but its customer "
        "and those who may set them on the customer's behalf, because it tells of the balance.",
        required=True,
    )
    redeemable_value = graphene.Field(
        Money, description="What that many points would take off.", required=True
    )
    redemption = graphene.Field(RetentionRedemption, description="The points that are set.")
    discounts = graphene.List(
        graphene.NonNull(RetentionDiscount),
        description="Each discount of the program with its reason.",
        required=True,
    )
    verdicts = graphene.List(
        graphene.NonNull(RetentionVerdict),
        description="Each rule with what became of it: applied, or why not.",
        required=True,
    )
    saving = graphene.Field(
        Money, description="What the program takes off the goods in all.", required=True
    )
    free_shipping = graphene.Boolean(
        description="Whether the program makes shipping free.", required=True
    )
    offers = graphene.Field(
        RetentionCheckoutOffers,
        description="The offers that the price has, what little is missing, and what may be "
        "chosen.",
        required=True,
    )
    compare_code = graphene.Field(
        RetentionCodeComparison,
        description="What the checkout costs with a voucher code and without any; nothing is "
        "changed. Both prices are computed anew, so ask for it when the shopper does.",
        required=True,
        code=graphene.String(description="The voucher's code.", required=True),
    )

    @staticmethod
    @discreet
    def resolve_earns(root: Checkout, info: Any) -> Any:
        """Promise the points that it would earn its customer."""
        customer = root.priced.standing.customer
        if customer is None:
            return _earns(root, info, None)
        return (
            AccountById.of(info)
            .load(customer.account_id)
            .then(lambda account: _earns(root, info, account))
        )

    @staticmethod
    @discreet
    def resolve_redeemable_max(root: Checkout, info: Any) -> Any:
        """Promise the most points that can be set."""
        return _redeemable(root, info).then(lambda clamped: clamped.points)

    @staticmethod
    @discreet
    def resolve_redeemable_value(root: Checkout, info: Any) -> Any:
        """Promise what the most points would take off."""
        return _redeemable(root, info).then(
            lambda clamped: money(clamped.value_minor, root.currency)
        )

    @staticmethod
    @discreet
    def resolve_redemption(root: Checkout, info: Any) -> Any:
        """Promise the points that are set; null when none are."""
        if not root.priced.standing.points_held:
            return None
        hold = HoldOfCheckout.of(info).load(root.priced.basket.ref)
        return hold.then(lambda found: _redemption(root, found))

    @staticmethod
    def resolve_discounts(root: Checkout, _info: Any) -> list[RetentionDiscount]:
        """Return each discount with its reason."""
        shop = host.current()
        return [
            RetentionDiscount(
                line_id=shop.to_global_id("CheckoutLine", item.line_ref) if item.line_ref else None,
                rule_key=item.rule_key,
                name=item.name,
                text=reason_of(item, root.quote),
                amount=money(item.amount_minor, root.currency),
            )
            for item in root.quote.allocations
        ]

    @staticmethod
    @discreet
    def resolve_verdicts(root: Checkout, info: Any) -> Any:
        """Promise each rule's verdict, with what a member is missing to a tier."""
        customer = root.priced.standing.customer
        is_asked = any(
            verdict.code == pricing.Finding.TIER_TOO_LOW for verdict in root.quote.verdicts
        )

        def with_gap(value: int) -> list[RetentionVerdict]:
            return [_verdict(root, verdict, value) for verdict in root.quote.verdicts]

        if customer is None or not is_asked:
            return with_gap(0)  # nothing counts yet for a customer without an account
        account = AccountById.of(info).load(customer.account_id)
        return account.then(MetricOf.of(info).load).then(with_gap)

    @staticmethod
    def resolve_saving(root: Checkout, _info: Any) -> Any:
        """Return what all discounts come to."""
        return money(root.quote.discount_minor, root.currency)

    @staticmethod
    def resolve_free_shipping(root: Checkout, _info: Any) -> bool:
        """Return whether shipping is free."""
        return root.quote.has_free_shipping

    @staticmethod
    @discreet
    def resolve_offers(root: Checkout, info: Any) -> CheckoutOffers:
        """Return the offers at the checkout."""
        return CheckoutOffers(root, info)

    @staticmethod
    @discreet
    def resolve_compare_code(root: Checkout, _info: Any, code: str) -> RetentionCodeComparison:
        """Return what a code would do to the total."""
        return code_comparison(root.priced.basket.ref, root.currency, code)


@harmless
def resolve_checkout_retention(root: Any, info: Any) -> Any:
    """Promise the checkout's points and benefits; null where no program runs, or it is empty."""
    return Promise.resolve(host.current().checkout_prices(info, root)).then(_under_program)


def _under_program(priced: PricedCheckout | None) -> Checkout | None:
    if priced is None or priced.decision.quote is None:
        return None
    version_id = priced.decision.version_id or priced.standing.version_id
    if version_id is None:
        return None
    with host.current().writer():
        return Checkout(priced, rules_of(version_id), priced.decision.quote)


def _earns(root: Checkout, info: Any, account: Account | None) -> int:
    """Return the points of the cart, for a member, or for a guest whose points would wait."""
    if account is not None and account.state != AccountState.MEMBER:
        return 0
    if account is None and root.rules.enrolment is Enrolment.OPT_IN:
        return 0
    paid = {line.ref: line for line in root.priced.paid}
    has_tax = root.rules.earns_on_tax
    lines = [
        (line, paid[line.ref].gross_minor if has_tax else paid[line.ref].net_minor)
        for line in root.priced.basket.lines
        if line.ref in paid
    ]
    terms = EarnTerms(root.rules, root.priced.decision.tier)
    return quoted(lines, root.currency, moment(info), terms)


def _redeemable(root: Checkout, info: Any) -> Any:
    """Promise what all of the member's points would come to at this checkout."""
    standing = root.priced.standing
    customer = standing.customer
    none = redemption.Clamped(0, 0)
    if customer is None or not _may_redeem(root, info):
        return Promise.resolve(none)
    if standing.is_money_committed:
        value = redemption.value_of(standing.points_held, root.point_value or Fraction(0))
        return Promise.resolve(redemption.Clamped(standing.points_held, value))

    def clamped(balance: Any) -> redemption.Clamped:
        if balance.deficit:
            return none
        base = redeemable_base(root.priced.basket, standing, customer, root.rules)
        points = balance.available + standing.points_held
        return redemption.clamp(points, points, base, root.point_value, root.rules.redemption)

    return BalanceOf.of(info).load(customer.account_id).then(clamped)


def _may_redeem(root: Checkout, info: Any) -> bool:
    asks = requestor(info)
    is_owner = asks.app_ref is None and asks.user_ref == root.priced.standing.user_ref
    return is_owner or may(info, "checkouts", "users")


def _redemption(root: Checkout, hold: Hold | None) -> RetentionRedemption | None:
    if hold is None:
        return None
    quote = root.quote
    share = root.priced.outer_share_ppm
    taken = [item for item in quote.allocations if item.rule_key == pricing.POINTS_RULE]
    value_minor = sum(item.amount_minor for item in taken)
    effective = redemption.effective_points(
        quote.points_applied, value_minor, share, root.point_value or Fraction(1)
    )
    part = Fraction(share, PPM)
    gross_minor = sum(
        round_half_up(item.amount_minor * part * _tax_factor(root, item.line_ref)) for item in taken
    )
    return RetentionRedemption(
        points=hold.points,
        effective_points=effective,
        value=money(value_minor * share // PPM, root.currency),
        gross_value=money(gross_minor, root.currency),
        lapses_at=hold.lapses_at,
    )


def _tax_factor(root: Checkout, line_ref: str) -> Fraction:
    """Return by how much a line costs more with tax than its price was entered."""
    if root.priced.has_tax_in_prices:
        return Fraction(1)
    lines = [line for line in root.priced.paid if line.net_minor > 0]
    own = [line for line in lines if line.ref == line_ref] or lines  # paid wholly: as the others
    net = sum(line.net_minor for line in own)
    return Fraction(sum(line.gross_minor for line in own), net) if net else Fraction(1)


def _verdict(root: Checkout, verdict: Verdict, metric_value: int) -> RetentionVerdict:
    tier = root.rules.tier(verdict.rule_key.partition(":")[2])
    gap = verdict.gap
    if gap is None and tier is not None and verdict.code == pricing.Finding.TIER_TOO_LOW:
        gap = max(0, tier.threshold - metric_value)
    return RetentionVerdict(
        rule_key=verdict.rule_key,
        code=verdict.code,
        text=said(verdict.phrase),
        amount=money(verdict.amount_minor, root.currency),
        gap=None if gap is None else threshold_type(gap, root.rules),
    )
