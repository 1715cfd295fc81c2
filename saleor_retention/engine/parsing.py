"""Turns a rules document into frozen rules, or into everything that is wrong with it.

The one validator: a YAML file, GraphQL input and a stored version all pass here, in one shape.
Amounts are in major units of their currency, as text or numbers. ``dump_program`` is the inverse.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from saleor_retention.engine.coherence import incoherences
from saleor_retention.engine.dumping import dump_program
from saleor_retention.engine.engagement_documents import read_events, read_referral
from saleor_retention.engine.feedback_documents import read_feedback
from saleor_retention.engine.fields import (
    MINOR_MAX,
    POINTS_MAX,
    Fields,
    did_you_mean,
    shown,
)
from saleor_retention.engine.question_documents import read_questions
from saleor_retention.engine.readers import (
    amounts_in,
    by_currency,
    percent_in,
    selection_in,
    weekdays_in,
)
from saleor_retention.engine.rules import (
    EarnCaps,
    EarnRate,
    Expiry,
    ExpiryPolicy,
    GrantAllowance,
    Ladder,
    Maturing,
    MaturingRule,
    Metric,
    Multiplier,
    PriceBenefit,
    ProgramRules,
    RedemptionLimits,
    RuleProblem,
    Tier,
    Window,
)
from saleor_retention.engine.survey_documents import read_survey

__all__ = ["dump_program", "parse_program"]

NAME_LENGTH_MAX = 100
SLUG_LENGTH_MAX = 64
PERK_LENGTH_MAX = 500
GROUP_NAME_LENGTH_MAX = 150  # Django's, for groups; names of apps are bounded by it as well
CURRENCIES_MAX = 200
MULTIPLIERS_MAX = 100
TIERS_MAX = 20
PRICES_MAX = 50
PERKS_MAX = 50
ALLOWANCES_MAX = 100
DAYS_MAX = 3650
COUNT_MAX = 3650
MONTHS_MAX = 120
ORDERS_MAX = 100_000
HOLD_MINUTES_MAX = 7 * 24 * 60
FACTOR_MAX = Fraction(1000)
RATE_MAX = Fraction(10**6)

_DEFAULT = ProgramRules()


def parse_program(
    document: Mapping[str, Any], exponents: Mapping[str, int]
) -> tuple[ProgramRules | None, list[RuleProblem]]:
    """Return the rules that a document means, and every problem found in it.

    ``exponents`` gives the digits of the minor unit of each currency of the shop; other
    currencies are problems. The rules are None when any problem is more than a warning. Nothing is
    rounded: an amount with more decimals than its currency has is a problem.
    """
    problems: list[RuleProblem] = []
    top = Fields(document, "", problems)
    reader = _Reader(top, exponents)
    rules = reader.rules()
    top.close()
    problems += incoherences(rules, exponents, problems)
    if any(not problem.is_warning for problem in problems):
        return None, problems
    return rules, problems


class _Reader:
    """Reads one document; each method reads one section."""

    def __init__(self, top: Fields, exponents: Mapping[str, int]) -> None:
        self.top = top
        self.exponents = exponents

    def rules(self) -> ProgramRules:
        """Read the whole document."""
        top = self.top
        earn = top.section("earn")
        deficit = top.section("deficit")
        grants = top.section("grants")
        reference_currency, reference_rates = self._reference()
        rules = ProgramRules(
            time_zone=self._time_zone(),
            earn_rates=self._earn_rates(earn),
            point_values=self._point_values(),
            acquisition_costs=dict(amounts_in(top, "acquisition_cost", self.exponents)),
            reference_currency=reference_currency,
            reference_rates=reference_rates,
            earns_on_tax=earn.flag("include_tax", default=_DEFAULT.earns_on_tax),
            earns_on_shipping=earn.flag("include_shipping", default=_DEFAULT.earns_on_shipping),
            earns_on_drafts=earn.flag("include_drafts", default=_DEFAULT.earns_on_drafts),
            earns_on_reissues=earn.flag("include_reissues", default=_DEFAULT.earns_on_reissues),
            earns_on_bulk_orders=earn.flag(
                "include_bulk_orders", default=_DEFAULT.earns_on_bulk_orders
            ),
            earn_caps=EarnCaps(
                per_order=earn.limit("points_per_order_max"),
                per_day=earn.limit("points_per_day_max"),
                per_month=earn.limit("points_per_month_max"),
                per_member=earn.limit("points_per_member_max"),
            ),
            multipliers=self._multipliers(),
            welcome_points=top.whole("welcome_points", _DEFAULT.welcome_points),
            first_order_points=top.whole("first_order_points", _DEFAULT.first_order_points),
            enrolment=top.choice("enrolment", _DEFAULT.enrolment),
            maturing=self._maturing(),
            expiry=self._expiry(),
            redemption=self._redemption(),
            deficit=deficit.choice("policy", _DEFAULT.deficit),
            goodwill_repays_deficit=deficit.flag(
                "goodwill_repays", default=_DEFAULT.goodwill_repays_deficit
            ),
            grant_points_max=grants.whole("points_max", _DEFAULT.grant_points_max),
            grant_points_per_day_max=grants.limit("points_per_day_max"),
            grant_groups=_allowances(grants, "groups"),
            grant_apps=_allowances(grants, "apps"),
            ladder=self._ladder(reference_currency),
            questions=read_questions(top),
            events=read_events(top),
            referral=read_referral(top),
            survey=read_survey(top),
            feedback=read_feedback(top),
        )
        for section in (earn, deficit, grants):
            section.close()
        return rules

    # --- money and currencies ------------------------------------------------------------------

    def _time_zone(self) -> str:
        name = self.top.text("time_zone", NAME_LENGTH_MAX)
        if not name:
            return _DEFAULT.time_zone
        try:
            ZoneInfo(name)
        except (KeyError, ValueError, OSError):
            hint = did_you_mean(name, available_timezones())
            rule = f"must be a time zone such as Europe/Paris; it is {shown(name)}{hint}"
            self.top.note("time_zone", "UNKNOWN_TIME_ZONE", rule)
            return _DEFAULT.time_zone
        return name

    def _earn_rates(self, earn: Fields) -> dict[str, EarnRate]:
        rates = {}
        for currency, value in by_currency(earn, "rates", self.exponents):
            rate = Fields(value, earn.at(f"rates.{currency}"), earn.problems)
            rate.require("points", "how many points are earned per amount")
            rate.require("per", f"the amount in {currency} that earns the points")
            points = rate.fraction(
                "points", Fraction(0), low=Fraction(0), high=Fraction(POINTS_MAX)
            )
            per_minor = rate.money("per", rate.take("per"), self.exponents[currency], low_minor=1)
            rate.close()
            rates[currency] = EarnRate(points, per_minor or 1)
        return rates

    def _point_values(self) -> dict[str, Fraction]:
        values = {}
        for currency, value in by_currency(self.top, "point_value", self.exponents):
            key = f"point_value.{currency}"
            scale: int = 10 ** self.exponents[currency]
            high = Fraction(MINOR_MAX, scale)
            number = self.top.number(key, value)
            if value is None:
                self.top.note(key, "REQUIRED", f"is required: what a point is worth in {currency}.")
            if number is not None and self.top.is_within(
                key, number, Fraction(0), high, is_low_open=True
            ):
                values[currency] = number * scale
        return values

    def _reference(self) -> tuple[str, dict[str, Fraction]]:
        reference = self.top.section("reference")
        currency = reference.text("currency", 3)
        if currency and currency not in self.exponents:
            hint = did_you_mean(currency, self.exponents)
            rule = f"must be a currency that this shop sells in; it is {shown(currency)}{hint}"
            reference.note("currency", "UNKNOWN_CURRENCY", rule)
            currency = ""
        rates = {}
        for other, value in by_currency(reference, "rates", self.exponents):
            key = f"rates.{other}"
            number = reference.number(key, value)
            if other == currency:
                rule = "must be left out: it is the reference currency itself."
                reference.note(key, "REFERENCE_RATE_OF_ITSELF", rule)
            elif number is not None and reference.is_within(
                key, number, Fraction(0), RATE_MAX, is_low_open=True
            ):
                rates[other] = number
        reference.close()
        return currency, rates

    # --- earning -------------------------------------------------------------------------------

    def _multipliers(self) -> tuple[Multiplier, ...]:
        multipliers = []
        for index, item in enumerate(self.top.rows("multipliers", MULTIPLIERS_MAX)):
            fields = Fields(item, self.top.at(f"multipliers.{index}"), self.top.problems)
            fields.require("name", "what the multiplier is called")
            fields.require("factor", "by what points are multiplied")
            multipliers.append(
                Multiplier(
                    name=fields.text("name", NAME_LENGTH_MAX),
                    factor=fields.fraction("factor", Fraction(1), low=Fraction(0), high=FACTOR_MAX),
                    selection=selection_in(fields),
                    starts_on=fields.date("starts_on"),
                    ends_on=fields.date("ends_on"),
                    weekdays=weekdays_in(fields),
                )
            )
            fields.close()
        return tuple(multipliers)

    def _maturing(self) -> Maturing:
        fields = self.top.section("maturing")
        rule = fields.choice("rule", _DEFAULT.maturing.rule)
        waits_days = rule in (
            MaturingRule.DAYS_AFTER_PAYMENT,
            MaturingRule.DAYS_AFTER_FULFILMENT,
        )
        if waits_days:
            fields.require("days", "after how many days points become available")
        days = fields.whole("days", 0, low=1 if waits_days else 0, high=DAYS_MAX)
        if days and not waits_days and fields.is_clean("rule"):
            fields.note(
                "days", "NO_EFFECT", f"has no effect with the rule {rule.value}: leave it out."
            )
        fields.close()
        return Maturing(rule, days)

    def _expiry(self) -> Expiry:
        fields = self.top.section("expiry")
        policy = fields.choice("policy", _DEFAULT.expiry.policy)
        needs_days = policy in (ExpiryPolicy.DAYS, ExpiryPolicy.INACTIVITY)
        if needs_days:
            fields.require("count", "after how many days points expire")
        count = fields.whole("count", 0, low=1 if needs_days else 0, high=COUNT_MAX)
        if count and policy is ExpiryPolicy.NEVER and fields.is_clean("policy"):
            fields.note(
                "count", "NO_EFFECT", "has no effect when points never expire: leave it out."
            )
        grace_days = fields.whole(
            "restore_grace_days", _DEFAULT.expiry.restore_grace_days, high=DAYS_MAX
        )
        fields.close()
        return Expiry(policy, count, grace_days)

    # --- redeeming -----------------------------------------------------------------------------

    def _redemption(self) -> RedemptionLimits:
        fields = self.top.section("redemption")
        default = _DEFAULT.redemption
        block = fields.whole("block_points", default.block_points, low=1)
        limits = RedemptionLimits(
            is_enabled=fields.flag("enabled", default=default.is_enabled),
            block_points=block,
            minimum_points=fields.whole("minimum_points", block, low=1),
            order_share_max=fields.fraction(
                "order_share_max",
                default.order_share_max,
                low=Fraction(0),
                high=Fraction(1),
                is_low_open=True,
            ),
            hold_minutes=fields.whole(
                "hold_minutes", default.hold_minutes, low=1, high=HOLD_MINUTES_MAX
            ),
            points_per_day_max=fields.limit("points_per_day_max"),
            points_per_month_max=fields.limit("points_per_month_max"),
        )
        fields.close()
        return limits

    # --- tiers ---------------------------------------------------------------------------------

    def _ladder(self, reference_currency: str) -> Ladder:
        fields = self.top.section("tiers")
        default = _DEFAULT.ladder
        metric = fields.choice("metric", default.metric)
        window = fields.choice("window", default.window)
        months = fields.whole("months", default.window_months, low=1, high=MONTHS_MAX)
        is_rolling = window is Window.ROLLING_MONTHS or not fields.is_clean("window")
        if months != default.window_months and not is_rolling:
            fields.note("months", "NO_EFFECT", f"has no effect with the window {window.value}.")
        tiers = []
        for index, item in enumerate(fields.rows("ladder", TIERS_MAX)):
            step = Fields(item, fields.at(f"ladder.{index}"), fields.problems)
            tiers.append(self._tier(step, metric, reference_currency))
            step.close()
        ladder = Ladder(
            metric=metric,
            window=window,
            window_months=months,
            downgrade=fields.choice("downgrade", default.downgrade),
            grace_days=fields.whole("grace_days", default.grace_days, high=DAYS_MAX),
            warning_days=fields.whole("warning_days", default.warning_days, high=DAYS_MAX),
            tiers=tuple(tiers),
        )
        fields.close()
        return ladder

    def _tier(self, fields: Fields, metric: Metric, reference_currency: str) -> Tier:
        fields.require("slug", "a short name that never changes")
        fields.require("name", "what the tier is called")
        fields.require("threshold", "from what sum on the tier is reached")
        prices = []
        for index, item in enumerate(fields.rows("prices", PRICES_MAX)):
            price = Fields(item, fields.at(f"prices.{index}"), fields.problems)
            prices.append(self._price(price))
            price.close()
        return Tier(
            slug=fields.slug("slug", SLUG_LENGTH_MAX),
            name=fields.text("name", NAME_LENGTH_MAX),
            threshold=self._threshold(fields, metric, reference_currency),
            earn_multiplier=fields.fraction(
                "earn_multiplier", Fraction(1), low=Fraction(0), high=FACTOR_MAX, is_low_open=True
            ),
            prices=tuple(prices),
            has_free_shipping=fields.flag("free_shipping", default=False),
            return_window_days=_optional_days(fields, "return_window_days"),
            maturing_days=_optional_days(fields, "maturing_days"),
            perks=_perks(fields),
        )

    def _threshold(self, fields: Fields, metric: Metric, reference_currency: str) -> int:
        if metric is Metric.SPEND:
            exponent = self.exponents.get(reference_currency, 3)  # its absence is noted elsewhere
            return fields.money("threshold", fields.take("threshold"), exponent) or 0
        high = ORDERS_MAX if metric is Metric.ORDERS else POINTS_MAX
        return fields.whole("threshold", 0, high=high)

    def _price(self, fields: Fields) -> PriceBenefit:
        if fields.has("percent") == fields.has("amount"):
            rule = "must have either percent or amount, and not both."
            fields.problems.append(
                RuleProblem(fields.path, "PERCENT_OR_AMOUNT", f"{fields.path} {rule}")
            )
        return PriceBenefit(
            percent=percent_in(fields),
            amount_minor=amounts_in(fields, "amount", self.exponents, low_minor=1),
            selection=selection_in(fields),
        )


def _allowances(grants: Fields, key: str) -> tuple[tuple[str, GrantAllowance], ...]:
    """Read what groups or apps may grant, by their names."""
    entries = grants.keyed(key)
    if len(entries) > ALLOWANCES_MAX:
        rule = f"must have at most {ALLOWANCES_MAX} names; it has {len(entries)}."
        grants.note(key, "TOO_MANY", rule, max=ALLOWANCES_MAX)
        return ()
    allowances = []
    for name, value in entries:
        known_problems = len(grants.problems)
        fields = Fields(value, grants.at(f"{key}.{name}"), grants.problems)
        allowance = GrantAllowance(fields.limit("points_max"), fields.limit("points_per_day_max"))
        fields.close()
        if allowance == GrantAllowance() and len(grants.problems) == known_problems:
            rule = "must say points_max or points_per_day_max."
            grants.note(f"{key}.{name}", "EMPTY", rule)
        grants.text_of(f"{key}.{name}", name, GROUP_NAME_LENGTH_MAX)
        allowances.append((name, allowance))
    return tuple(sorted(allowances, key=lambda item: item[0]))


def _optional_days(fields: Fields, key: str) -> int | None:
    if fields.take(key) is None:
        return None
    return fields.whole(key, 0, high=DAYS_MAX)


def _perks(fields: Fields) -> tuple[tuple[str, str], ...]:
    perks = []
    entries = fields.keyed("perks")
    if len(entries) > PERKS_MAX:
        rule = f"must have at most {PERKS_MAX} items; it has {len(entries)}."
        fields.note("perks", "TOO_MANY", rule, max=PERKS_MAX)
        return ()
    for name, value in entries:
        text = fields.text_of(f"perks.{name}", value, PERK_LENGTH_MAX)
        if text:
            perks.append((name, text))
    return tuple(sorted(perks))
