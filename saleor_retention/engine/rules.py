"""A program's rules as frozen data: what a stored version means.

The same shape is read from a YAML file, from GraphQL input and from the stored version; there is
one parser (``engine.parsing``) and one validator for all three. A version never changes once
stored, so a parsed ``ProgramRules`` may be cached by its version's id for ever.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from typing import Any

from saleor_retention.engine.engagement import NO_REFERRALS, EventRule, ReferralRules
from saleor_retention.engine.feedback import Feedback
from saleor_retention.engine.questions import NOTHING, Questions
from saleor_retention.engine.surveys import NO_SURVEY, Survey


class MaturingRule(StrEnum):
    """When earned points become available."""

    AT_ONCE = "at_once"
    ON_FULFILMENT = "on_fulfilment"
    DAYS_AFTER_PAYMENT = "days_after_payment"
    DAYS_AFTER_FULFILMENT = "days_after_fulfilment"


class ExpiryPolicy(StrEnum):
    """When points that were not spent die."""

    NEVER = "never"
    DAYS = "days"  # end of the local day, N days later
    END_OF_MONTH = "end_of_month"  # end of the month, N months later
    END_OF_YEAR = "end_of_year"  # end of the year, N years later
    INACTIVITY = "inactivity"  # N days without activity; activity lengthens


class DeficitPolicy(StrEnum):
    """What happens to clawed-back points that were spent already."""

    DEFICIT = "deficit"  # later accruals repay it first
    WRITE_OFF = "write_off"


class Enrolment(StrEnum):
    """Who has an account."""

    EVERY_CUSTOMER = "every_customer"
    OPT_IN = "opt_in"


class Metric(StrEnum):
    """What a tier ladder counts."""

    SPEND = "spend"
    ORDERS = "orders"
    POINTS = "points"


class Window(StrEnum):
    """Over which time a ladder counts."""

    LIFETIME = "lifetime"
    CALENDAR_YEAR = "calendar_year"
    ROLLING_MONTHS = "rolling_months"
    MEMBERSHIP_YEAR = "membership_year"


class Downgrade(StrEnum):
    """How far a member falls at evaluation."""

    ONE_STEP = "one_step"
    RECOMPUTE = "recompute"


@dataclass(frozen=True, slots=True)
class Selection:
    """Some goods by reference; empty means everything."""

    variants: frozenset[str] = frozenset()
    products: frozenset[str] = frozenset()
    categories: frozenset[str] = frozenset()
    collections: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class EarnRate:
    """``points`` for each ``per_minor`` spent in one currency."""

    points: Fraction
    per_minor: int


@dataclass(frozen=True, slots=True)
class EarnCaps:
    """The most points that orders earn; None: as many as they come to.

    Days and months are local ones of the payment. Bonuses, grants and imports do not count.
    """

    per_order: int | None = None
    per_day: int | None = None
    per_month: int | None = None
    per_member: int | None = None

    @property
    def look_at_other_orders(self) -> bool:
        """Return whether what an order may earn depends on the member's other orders."""
        return not (self.per_day is self.per_month is self.per_member is None)


@dataclass(frozen=True, slots=True)
class Multiplier:
    """Times ``factor`` on some goods, within dates and on weekdays (member day)."""

    name: str
    factor: Fraction
    selection: Selection = Selection()
    starts_on: dt.date | None = None
    ends_on: dt.date | None = None  # inclusive
    weekdays: frozenset[int] = frozenset()  # 0 is Monday; empty: every day


@dataclass(frozen=True, slots=True)
class Maturing:
    """The maturing rule and its days."""

    rule: MaturingRule = MaturingRule.AT_ONCE
    days: int = 0


@dataclass(frozen=True, slots=True)
class Expiry:
    """The expiry policy and its count of days, months or years."""

    policy: ExpiryPolicy = ExpiryPolicy.NEVER
    count: int = 0
    restore_grace_days: int = 30  # life of points that come back after their lot died


@dataclass(frozen=True, slots=True)
class RedemptionLimits:
    """How points may be spent at a checkout."""

    is_enabled: bool = True
    minimum_points: int = 1
    block_points: int = 1  # only multiples of this
    order_share_max: Fraction = Fraction(1)  # of the goods total
    hold_minutes: int = 60
    points_per_day_max: int | None = None  # by member, local day; None: no limit
    points_per_month_max: int | None = None


@dataclass(frozen=True, slots=True)
class PriceBenefit:
    """A member price: per cent or amount off, on some goods. Exactly one of the two is set."""

    percent: Decimal | None = None
    amount_minor: tuple[tuple[str, int], ...] = ()  # (currency, minor units off each unit)
    selection: Selection = Selection()


@dataclass(frozen=True, slots=True)
class Tier:
    """One step of the ladder and what it gives."""

    slug: str
    name: str
    threshold: int  # minor units of the reference currency, orders, or points
    earn_multiplier: Fraction = Fraction(1)
    prices: tuple[PriceBenefit, ...] = ()
    has_free_shipping: bool = False
    return_window_days: int | None = None
    maturing_days: int | None = None  # shortens the program's
    perks: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Ladder:
    """How members climb and fall."""

    metric: Metric = Metric.SPEND
    window: Window = Window.LIFETIME
    window_months: int = 12
    downgrade: Downgrade = Downgrade.RECOMPUTE
    grace_days: int = 0
    warning_days: int = 30
    tiers: tuple[Tier, ...] = ()  # ascending thresholds


@dataclass(frozen=True, slots=True)
class GrantAllowance:
    """What a permission group, or an app, may grant; None: as everybody of the staff."""

    points_max: int | None = None  # at once
    points_per_day_max: int | None = None  # by each of its members


@dataclass(frozen=True, slots=True)
class ProgramRules:
    """Everything a program version says."""

    time_zone: str = "UTC"
    earn_rates: dict[str, EarnRate] = field(default_factory=dict)  # by currency
    point_values: dict[str, Fraction] = field(default_factory=dict)  # minor units per point
    acquisition_costs: dict[str, int] = field(default_factory=dict)
    """Minor units that winning one new customer costs the merchant, by currency; never shown."""
    reference_currency: str = ""
    reference_rates: dict[str, Fraction] = field(default_factory=dict)
    """Units of the reference currency for one unit of each other, as the merchant states."""
    earns_on_tax: bool = True
    earns_on_shipping: bool = False
    earns_on_drafts: bool = True
    earns_on_reissues: bool = False
    earns_on_bulk_orders: bool = False
    earn_caps: EarnCaps = EarnCaps()
    multipliers: tuple[Multiplier, ...] = ()
    welcome_points: int = 0
    first_order_points: int = 0
    enrolment: Enrolment = Enrolment.EVERY_CUSTOMER
    maturing: Maturing = Maturing()
    expiry: Expiry = Expiry()
    redemption: RedemptionLimits = RedemptionLimits()
    deficit: DeficitPolicy = DeficitPolicy.DEFICIT
    goodwill_repays_deficit: bool = False
    grant_points_max: int = 10_000  # most that staff may grant at once
    grant_points_per_day_max: int | None = None  # by member of staff or app; None: no limit
    grant_groups: tuple[tuple[str, GrantAllowance], ...] = ()  # by the group's name, sorted
    grant_apps: tuple[tuple[str, GrantAllowance], ...] = ()  # by the app's name, sorted
    ladder: Ladder = Ladder()
    questions: Questions = NOTHING
    events: tuple[EventRule, ...] = ()  # by kind, sorted
    referral: ReferralRules = NO_REFERRALS
    survey: Survey = NO_SURVEY
    feedback: tuple[Feedback, ...] = ()  # by slug, sorted

    def tier(self, slug: str | None) -> Tier | None:
        """Return the tier of that slug, or None."""
        return next((tier for tier in self.ladder.tiers if tier.slug == slug), None)

    def event(self, kind: str) -> EventRule | None:
        """Return the rule for events of a kind, or None."""
        return next((rule for rule in self.events if rule.kind == kind), None)

    def questionnaire(self, slug: str) -> Feedback | None:
        """Return the questionnaire of that slug, or None."""
        return next((each for each in self.feedback if each.slug == slug), None)

    def asked(self, slug: str) -> Survey:
        """Return what a questionnaire asks, nothing where there is none; "": about an order."""
        if not slug:
            return self.survey
        found = self.questionnaire(slug)
        return NO_SURVEY if found is None else found.survey


@dataclass(frozen=True, slots=True)
class RuleProblem:
    """Why a rules document is refused (or warned of): a value, gathered, never raised.

    ``field`` is a dotted path into the document, ``code`` a stable upper-case name.
    """

    field: str
    code: str
    message: str
    is_warning: bool = False
    params: tuple[tuple[str, Any], ...] = ()
