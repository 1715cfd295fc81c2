"""The figures of the printed report that no other query has: costs, campaigns, experiments."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import graphene

from saleor_retention import host
from saleor_retention.engine.experiments.intervals import Difference
from saleor_retention.engine.experiments.samples import Sample
from saleor_retention.engine.experiments.verdict import verdict_on, words
from saleor_retention.engine.measures.costs import Costs
from saleor_retention.engine.measures.sheet import rounded
from saleor_retention.engine.money import round_half_up, to_minor
from saleor_retention.errors import Code, Refusal
from saleor_retention.graphql.context import moment, require
from saleor_retention.graphql.enums import described
from saleor_retention.graphql.errors import discreet
from saleor_retention.graphql.host_types import Date, Decimal, Money, money
from saleor_retention.graphql.lookups import program_of
from saleor_retention.graphql.scalars import RetentionPoints
from saleor_retention.graphql.segment_rules import RetentionRecencyBand
from saleor_retention.graphql.words import said
from saleor_retention.models import Program
from saleor_retention.reporting.sheets import Sheet
from saleor_retention.reporting.sheets import sheet as sheet_of
from saleor_retention.selectors.campaign_results import WINDOW_DAYS, CampaignResult
from saleor_retention.selectors.costs import OfferCost
from saleor_retention.selectors.programs import rules_of
from saleor_retention.selectors.report import Facts, Tried, facts
from saleor_retention.selectors.segments import Money as SpendMoney
from saleor_retention.selectors.segments import money_of

ACQUISITION_MAX = 1_000_000_000
DECIMALS_MAX = 20
"""More are no amount in any currency, and exact arithmetic would have to carry them."""


RetentionReportSheet = described(
    "RetentionReportSheet",
    Sheet,
    "Which of the report's tables.",
    {
        Sheet.BANDS: "Customers by last order.",
        Sheet.TIERS: "Members by tier.",
        Sheet.COSTS: "What the program costs; empty where that is not known.",
        Sheet.OFFERS: "What offers took off, and on which orders.",
        Sheet.CAMPAIGNS: "What campaigns gave, and the orders put down to them.",
        Sheet.EXPERIMENTS: "What experiments have shown.",
        Sheet.PERIODS: "Whether customers come back, by month.",
        Sheet.COHORTS: "Cohorts by month of first orders.",
        Sheet.SECOND_ORDERS: "Time to the second order.",
        Sheet.COMPARISON: "Before the program against after; no row on its first day.",
    },
)


class RetentionReportBand(graphene.ObjectType):
    """Customers whose last order is about as long ago; each is in one band."""

    band = graphene.Field(RetentionRecencyBand, description="Which one.", required=True)
    customers = graphene.Int(description="How many.", required=True)
    orders = graphene.Int(description="All orders they ever made.", required=True)
    revenue = graphene.Field(Money, description="What is kept of those.")


class RetentionReportTier(graphene.ObjectType):
    """A tier and its members."""

    name = graphene.String(description="What the tier is called.", required=True)
    members = graphene.Int(description="How many are in it.", required=True)


class RetentionReportOffer(graphene.ObjectType):
    """What an offer took off in one currency, and what is kept of the orders that used it."""

    slug = graphene.String(description="The offer's slug.", required=True)
    name = graphene.String(description="The offer's name.", required=True)
    uses = graphene.Int(description="Sets, units or orders, as its kind counts.", required=True)
    orders = graphene.Int(description="Orders that used it.", required=True)
    customers = graphene.Int(description="Customers of those.", required=True)
    discount = graphene.Field(Money, description="What it took off them.", required=True)
    revenue = graphene.Field(
        Money, description="What is kept of them; an order stands with each offer it used."
    )


class RetentionReportCampaign(graphene.ObjectType):
    """What a campaign gave, and the orders that are put down to it.

    An order belongs to the campaign that reached its customer last, within the window before it: a
    convention, which shows no cause. Who gets messages would have bought too.
    """

    slug = graphene.String(description="The campaign's slug.", required=True)
    name = graphene.String(description="The campaign's name.", required=True)
    sent = graphene.Int(description="Messages, and benefits without one.", required=True)
    reached = graphene.Int(description="Customers who got them.", required=True)
    points = graphene.Field(RetentionPoints, description="Points it gave.", required=True)
    coupons = graphene.Int(description="Coupons it gave.", required=True)
    coupon_uses = graphene.Int(
        description="How often orders have used those until now.", required=True
    )
    coupon_uses_estimated = graphene.Int(
        description="Uses of them that count at their coupon's amount, because what they took off "
        "was not kept then.",
        required=True,
    )
    offers = graphene.Int(description="Offers it gave to members.", required=True)
    offer_uses = graphene.Int(
        description="How often orders have used those until now.", required=True
    )
    cost = graphene.Field(
        Money,
        description="Points at their value, coupons and offers at what they took off: what it "
        "costs at most. Null where that is not known of a use, or points have no value.",
    )
    customers = graphene.Int(description="Customers of the orders put down to it.", required=True)
    orders = graphene.Int(description="Orders put down to it.", required=True)
    revenue = graphene.Field(Money, description="What is kept of those.")


class RetentionReportCosts(graphene.ObjectType):
    """What the program took off prices, beside what it costs to win a customer; a description."""

    redeemed = graphene.Field(
        Money, description="Points used less given back, at point value.", required=True
    )
    discounts = graphene.Field(Money, description="What offers took off.", required=True)
    tier_prices = graphene.Field(
        Money,
        description="What tier prices took off; nothing of orders from before it was kept.",
        required=True,
    )
    coupons = graphene.Field(
        Money, description="What coupons took off, as far as it is known.", required=True
    )
    coupon_uses_estimated = graphene.Int(
        description="Uses in that which count at their coupon's amount, because what they took "
        "off was not kept then.",
        required=True,
    )
    coupon_uses_unknown = graphene.Int(
        description="Uses that are not in it: per cent of what was not kept then.", required=True
    )
    total = graphene.Field(Money, description="All of it together.", required=True)
    per_returning_customer = graphene.Field(
        Money, description="That for each customer who came back."
    )
    per_returning_revenue = graphene.Field(
        Decimal, description="That / revenue of returning orders."
    )
    acquisition_cost = graphene.Field(
        Money, description="What winning one customer costs: as asked, else as the rules say."
    )
    acquired = graphene.Field(
        Money, description="The stated cost of winning one customer x first orders."
    )
    times = graphene.Field(
        Decimal, description="The stated cost / the cost for each customer who came back."
    )


class RetentionReportArm(graphene.ObjectType):
    """The customers of one side of an experiment whose window is over."""

    customers = graphene.Int(description="How many.", required=True)
    buyers = graphene.Int(description="Of them: with an order within the window.", required=True)
    share = graphene.Field(Decimal, description="Buyers / customers.")
    spent = graphene.Field(Money, description="What each of them spent on average.")


class RetentionReportInterval(graphene.ObjectType):
    """A difference, treated less held out, with its 95 % interval."""

    estimate = graphene.Field(Decimal, description="The difference.", required=True)
    low = graphene.Field(Decimal, description="Where the interval begins.", required=True)
    high = graphene.Field(Decimal, description="Where it ends.", required=True)


class RetentionReportMoneyInterval(graphene.ObjectType):
    """A difference in money, treated less held out, with its 95 % interval."""

    estimate = graphene.Field(Money, description="The difference.", required=True)
    low = graphene.Field(Money, description="Where the interval begins.", required=True)
    high = graphene.Field(Money, description="Where it ends.", required=True)


class RetentionReportExperiment(graphene.ObjectType):
    """An experiment with a holdout, by intent to treat."""

    name = graphene.String(description="What it is called.", required=True)
    window_days = graphene.Int(
        description="Orders count for so many days after the assignment.", required=True
    )
    treated = graphene.Field(RetentionReportArm, description="For whom it was done.", required=True)
    held_out = graphene.Field(
        RetentionReportArm, description="From whom it was withheld.", required=True
    )
    waiting = graphene.Int(
        description="Customers whose window is open; not counted yet.", required=True
    )
    shares = graphene.Field(
        RetentionReportInterval,
        description="Difference of the shares of buyers; null with fewer than 30 customers on a "
        "side.",
    )
    smallest_share = graphene.Field(
        Decimal,
        description="The smallest difference of shares that so many customers would show four "
        "times of five.",
    )
    spent = graphene.Field(
        RetentionReportMoneyInterval,
        description="Difference in what each customer spent; null like the other, and where the "
        "program has no one currency.",
    )
    smallest_spent = graphene.Field(
        Money,
        description="The smallest difference of that which so many would show four times of five.",
    )
    text = graphene.String(description="What it shows, in sentences.", required=True)


class RetentionReport(graphene.ObjectType):
    """What the printed report tells besides measures and liability."""

    window_days = graphene.Int(
        description="Orders count for a campaign for so many days after its message.", required=True
    )
    bands = graphene.List(
        graphene.NonNull(RetentionReportBand), description="By last order, now.", required=True
    )
    tiers = graphene.List(
        graphene.NonNull(RetentionReportTier), description="Members by tier, now.", required=True
    )
    redeemed_points = graphene.Field(
        RetentionPoints, description="Points used less given back.", required=True
    )
    offers = graphene.List(
        graphene.NonNull(RetentionReportOffer), description="The dearest first.", required=True
    )
    campaigns = graphene.List(
        graphene.NonNull(RetentionReportCampaign),
        description="Those that gave something in the days or are given orders of them, by slug.",
        required=True,
    )
    costs = graphene.Field(
        RetentionReportCosts,
        description="Null where the program has no one currency, or its points no value in it.",
    )
    experiments = graphene.List(
        graphene.NonNull(RetentionReportExperiment),
        description="The newest 20, whatever the days.",
        required=True,
    )
    csv = graphene.String(
        description="One of the tables as CSV.",
        sheet=graphene.Argument(
            RetentionReportSheet, description="Which one; COSTS when left out."
        ),
        required=True,
    )

    @staticmethod
    def resolve_bands(root: Facts, _info: Any) -> list[RetentionReportBand]:
        """Return the bands, the newest customers first."""
        return [
            RetentionReportBand(
                band=band.value,
                customers=group.customers,
                orders=group.orders,
                revenue=_money(group.spend_minor, root.money.currency),
            )
            for band, group in root.bands.items()
        ]

    @staticmethod
    def resolve_tiers(root: Facts, _info: Any) -> list[RetentionReportTier]:
        """Return the ladder from the lowest tier up."""
        return [RetentionReportTier(name=name, members=count) for name, count in root.tiers]

    @staticmethod
    def resolve_offers(root: Facts, _info: Any) -> list[RetentionReportOffer]:
        """Return what offers took off."""
        return [_offer(offer, root.money.currency) for offer in root.offers]

    @staticmethod
    def resolve_campaigns(root: Facts, _info: Any) -> list[RetentionReportCampaign]:
        """Return what campaigns gave."""
        return [_campaign(each, root.money.currency) for each in root.campaigns]

    @staticmethod
    def resolve_costs(root: Facts, _info: Any) -> RetentionReportCosts | None:
        """Return what all of it cost."""
        return None if root.costs is None else _costs(root.costs, root.money.currency)

    @staticmethod
    def resolve_experiments(root: Facts, _info: Any) -> list[RetentionReportExperiment]:
        """Return what experiments have shown."""
        return [experiment_type(tried, root.money) for tried in root.experiments]

    @staticmethod
    def resolve_csv(root: Facts, _info: Any, sheet: str | None = None) -> str:
        """Return one table."""
        return sheet_of(root, Sheet.COSTS if sheet is None else Sheet(sheet))


ARGUMENTS = {
    "program_id": graphene.ID(description="The program's id.", required=True),
    "since": graphene.Argument(
        Date, description="The first day, in the program's time zone.", required=True
    ),
    "until": graphene.Argument(
        Date, description="The last day, today at the latest; 36 months at most.", required=True
    ),
    "acquisition_cost": graphene.Argument(
        Decimal,
        description="What it costs to win one customer, in the program's currency; what the rules "
        "say when left out.",
    ),
    "window_days": graphene.Int(
        description="For how many days after a campaign's message orders count for it: from 1 to "
        "365, 7 when left out."
    ),
}


@discreet
def resolve_report(_root: Any, info: Any, **arguments: Any) -> Facts:
    """Return the report's figures, for those who manage customers and discounts."""
    require(info, "users", "discounts")
    program = program_of(arguments["program_id"], "programId")
    if program.current_version_id is None:
        raise Refusal(Code.NOT_FOUND, "The program has no rules yet.", "programId")
    days = arguments.get("window_days")
    return facts(
        program,
        first_day=arguments["since"],
        last_day=arguments["until"],
        now=moment(info),
        acquisition_minor=_acquisition(program, arguments.get("acquisition_cost")),
        window_days=WINDOW_DAYS if days is None else days,
    )


def _acquisition(program: Program, amount: Any) -> int | None:
    if amount is None:
        return None
    field = "acquisitionCost"
    currency = money_of(rules_of(program.current_version_id)).currency
    if not currency:
        message = "The program has no one currency for all orders."
        raise Refusal(Code.INVALID, message, field)
    is_sane = amount.is_finite() and -int(amount.as_tuple().exponent) <= DECIMALS_MAX
    if not (is_sane and 0 <= amount <= ACQUISITION_MAX):
        message = f"Winning a customer costs from 0 to {ACQUISITION_MAX}."
        raise Refusal(Code.INVALID, message, field)
    try:
        return to_minor(amount, host.current().currency_exponent(currency))
    except ValueError as error:
        raise Refusal(Code.INVALID, str(error), field) from None


def _offer(offer: OfferCost, currency: str) -> RetentionReportOffer:
    return RetentionReportOffer(
        slug=offer.slug,
        name=offer.name,
        uses=offer.uses,
        orders=offer.orders,
        customers=offer.customers,
        discount=money(offer.discount_minor, offer.currency),
        revenue=_money(offer.revenue_minor, currency),
    )


def _campaign(each: CampaignResult, currency: str) -> RetentionReportCampaign:
    return RetentionReportCampaign(
        slug=each.slug,
        name=each.name,
        sent=each.sent,
        reached=each.reached,
        points=each.points,
        coupons=each.coupons.given,
        coupon_uses=each.coupons.uses,
        coupon_uses_estimated=each.coupons.estimated,
        offers=each.offers.given,
        offer_uses=each.offers.uses,
        cost=_money(each.cost_minor, currency),
        customers=each.buyers,
        orders=each.orders,
        revenue=_money(each.revenue_minor, currency),
    )


def _costs(costs: Costs, currency: str) -> RetentionReportCosts:
    return RetentionReportCosts(
        redeemed=money(costs.redeemed_minor, currency),
        discounts=money(costs.discount_minor, currency),
        tier_prices=money(costs.tier_minor, currency),
        coupons=money(costs.coupon_minor, currency),
        coupon_uses_estimated=costs.coupons_estimated,
        coupon_uses_unknown=costs.coupons_unknown,
        total=money(costs.program_minor, currency),
        per_returning_customer=_money(costs.per_returning_customer, currency),
        per_returning_revenue=rounded(costs.per_returning_revenue),
        acquisition_cost=_money(costs.acquisition_minor, currency),
        acquired=_money(costs.acquired_minor, currency),
        times=rounded(costs.times),
    )


def experiment_type(tried: Tried, unit: SpendMoney) -> RetentionReportExperiment:
    """Return what an experiment has shown as GraphQL gives it out."""
    currency = unit.currency
    verdict = verdict_on(tried.outcome.treated, tried.outcome.held_out)
    sentences = words(verdict, currency, unit.exponent)
    return RetentionReportExperiment(
        name=tried.name,
        window_days=tried.window_days,
        treated=_arm(verdict.treated, currency),
        held_out=_arm(verdict.held_out, currency),
        waiting=tried.outcome.waiting,
        shares=_interval(verdict.shares),
        smallest_share=rounded(verdict.smallest_share),
        spent=_money_interval(verdict.means, currency),
        smallest_spent=_money(verdict.smallest_mean, currency),
        text=" ".join(said(sentence) for sentence in sentences),
    )


def _arm(arm: Sample, currency: str) -> RetentionReportArm:
    return RetentionReportArm(
        customers=arm.customers,
        buyers=arm.buyers,
        share=rounded(arm.share) if arm.customers else None,
        spent=_money(arm.mean, currency) if arm.customers else None,
    )


def _interval(difference: Difference | None) -> RetentionReportInterval | None:
    if difference is None:
        return None
    return RetentionReportInterval(
        estimate=rounded(difference.estimate),
        low=rounded(difference.low),
        high=rounded(difference.high),
    )


def _money_interval(
    difference: Difference | None, currency: str
) -> RetentionReportMoneyInterval | None:
    if difference is None or not currency:
        return None
    return RetentionReportMoneyInterval(
        estimate=_money(difference.estimate, currency),
        low=_money(difference.low, currency),
        high=_money(difference.high, currency),
    )


def _money(minor: int | Fraction | None, currency: str) -> Any:
    if minor is None or not currency:
        return None
    return money(round_half_up(Fraction(minor)), currency)
