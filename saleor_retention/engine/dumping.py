"""Writes rules back as the document that ``parsing`` reads: the stored form and the export."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import Any

from saleor_retention.engine.engagement import NO_REFERRALS
from saleor_retention.engine.engagement_documents import events_document, referral_document
from saleor_retention.engine.feedback_documents import feedback_document
from saleor_retention.engine.fields import decimal_text
from saleor_retention.engine.money import from_minor
from saleor_retention.engine.question_documents import questions_document
from saleor_retention.engine.questions import NOTHING
from saleor_retention.engine.rules import (
    ExpiryPolicy,
    GrantAllowance,
    Ladder,
    Metric,
    Multiplier,
    PriceBenefit,
    ProgramRules,
    Selection,
    Tier,
    Window,
)
from saleor_retention.engine.survey_documents import survey_document

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def dump_program(rules: ProgramRules, exponents: Mapping[str, int]) -> dict[str, Any]:
    """Return the document of the rules; parsing it gives equal rules.

    Only text, integers, booleans, lists and mappings, so that it can be stored as JSON. Every
    setting is written out, even where it is the default: a stored version must not change its
    meaning when a default does. A rate that decimals cannot hold raises ``ValueError``; the
    parser lets none in.
    """
    document: dict[str, Any] = {
        "time_zone": rules.time_zone,
        "earn": _earn(rules, exponents),
        "welcome_points": rules.welcome_points,
        "first_order_points": rules.first_order_points,
        "enrolment": rules.enrolment.value,
        "maturing": {"rule": rules.maturing.rule.value},
        "expiry": _expiry(rules),
        "redemption": {
            "enabled": rules.redemption.is_enabled,
            "minimum_points": rules.redemption.minimum_points,
            "block_points": rules.redemption.block_points,
            "order_share_max": decimal_text(rules.redemption.order_share_max),
            "hold_minutes": rules.redemption.hold_minutes,
            **_given(
                points_per_day_max=rules.redemption.points_per_day_max,
                points_per_month_max=rules.redemption.points_per_month_max,
            ),
        },
        "deficit": {
            "policy": rules.deficit.value,
            "goodwill_repays": rules.goodwill_repays_deficit,
        },
        "grants": {
            "points_max": rules.grant_points_max,
            **_given(points_per_day_max=rules.grant_points_per_day_max),
            **_allowances("groups", rules.grant_groups),
            **_allowances("apps", rules.grant_apps),
        },
        "tiers": _ladder(rules, exponents),
    }
    if rules.maturing.days:
        document["maturing"]["days"] = rules.maturing.days
    if rules.point_values:
        document["point_value"] = {
            currency: decimal_text(_major(value, exponents[currency]))
            for currency, value in rules.point_values.items()
        }
    if rules.acquisition_costs:
        document["acquisition_cost"] = {
            currency: decimal_text(_major(Fraction(minor), exponents[currency]))
            for currency, minor in rules.acquisition_costs.items()
        }
    if rules.reference_currency or rules.reference_rates:
        document["reference"] = _reference(rules)
    if rules.multipliers:
        document["multipliers"] = [_multiplier(multiplier) for multiplier in rules.multipliers]
    return document | _engagement(rules)


def _engagement(rules: ProgramRules) -> dict[str, Any]:
    """Return what is asked of customers and rewarded besides orders."""
    document: dict[str, Any] = {}
    if rules.questions != NOTHING:
        document["questions"] = questions_document(rules.questions)
    if rules.events:
        document["events"] = events_document(rules.events)
    if rules.referral != NO_REFERRALS:
        document["referral"] = referral_document(rules.referral)
    if rules.survey.is_on:
        document["survey"] = survey_document(rules.survey)
    if rules.feedback:
        document["feedback"] = feedback_document(rules.feedback)
    return document


def _earn(rules: ProgramRules, exponents: Mapping[str, int]) -> dict[str, Any]:
    earn: dict[str, Any] = {
        "include_tax": rules.earns_on_tax,
        "include_shipping": rules.earns_on_shipping,
        "include_drafts": rules.earns_on_drafts,
        "include_reissues": rules.earns_on_reissues,
        "include_bulk_orders": rules.earns_on_bulk_orders,
        **_given(
            points_per_order_max=rules.earn_caps.per_order,
            points_per_day_max=rules.earn_caps.per_day,
            points_per_month_max=rules.earn_caps.per_month,
            points_per_member_max=rules.earn_caps.per_member,
        ),
    }
    if rules.earn_rates:
        earn["rates"] = {
            currency: {
                "points": decimal_text(rate.points),
                "per": f"{from_minor(rate.per_minor, exponents[currency]):f}",
            }
            for currency, rate in rules.earn_rates.items()
        }
    return earn


def _given(**limits: int | None) -> dict[str, int]:
    """Return the limits that there are."""
    return {key: limit for key, limit in limits.items() if limit is not None}


def _allowances(
    key: str, allowances: tuple[tuple[str, GrantAllowance], ...]
) -> dict[str, dict[str, Any]]:
    """Return what groups or apps may grant, where any is named."""
    named = {
        name: _given(
            points_max=allowance.points_max, points_per_day_max=allowance.points_per_day_max
        )
        for name, allowance in allowances
    }
    return {key: named} if named else {}


def _reference(rules: ProgramRules) -> dict[str, Any]:
    reference: dict[str, Any] = {}
    if rules.reference_currency:
        reference["currency"] = rules.reference_currency
    if rules.reference_rates:
        reference["rates"] = {
            currency: decimal_text(rate) for currency, rate in rules.reference_rates.items()
        }
    return reference


def _expiry(rules: ProgramRules) -> dict[str, Any]:
    expiry: dict[str, Any] = {
        "policy": rules.expiry.policy.value,
        "restore_grace_days": rules.expiry.restore_grace_days,
    }
    if rules.expiry.policy is not ExpiryPolicy.NEVER:
        expiry["count"] = rules.expiry.count
    return expiry


def _multiplier(multiplier: Multiplier) -> dict[str, Any]:
    document: dict[str, Any] = {"name": multiplier.name, "factor": decimal_text(multiplier.factor)}
    if multiplier.starts_on is not None:
        document["starts_on"] = multiplier.starts_on.isoformat()
    if multiplier.ends_on is not None:
        document["ends_on"] = multiplier.ends_on.isoformat()
    if multiplier.weekdays:
        document["weekdays"] = [WEEKDAYS[day] for day in sorted(multiplier.weekdays)]
    return document | select_document(multiplier.selection)


def select_document(selection: Selection) -> dict[str, Any]:
    """Return the key ``select`` for a selection; nothing for one that means everything."""
    kinds = {
        "variants": sorted(selection.variants),
        "products": sorted(selection.products),
        "categories": sorted(selection.categories),
        "collections": sorted(selection.collections),
    }
    named = {kind: refs for kind, refs in kinds.items() if refs}
    return {"select": named} if named else {}


def amounts_document(
    amounts: Iterable[tuple[str, int]], exponents: Mapping[str, int]
) -> dict[str, str]:
    """Return amounts in minor units as text in major units, by currency."""
    return {currency: f"{from_minor(minor, exponents[currency]):f}" for currency, minor in amounts}


def _ladder(rules: ProgramRules, exponents: Mapping[str, int]) -> dict[str, Any]:
    ladder = rules.ladder
    document: dict[str, Any] = {
        "metric": ladder.metric.value,
        "window": ladder.window.value,
        "downgrade": ladder.downgrade.value,
        "grace_days": ladder.grace_days,
        "warning_days": ladder.warning_days,
    }
    if ladder.window is Window.ROLLING_MONTHS:
        document["months"] = ladder.window_months
    if ladder.tiers:
        document["ladder"] = [
            _tier(tier, ladder, rules.reference_currency, exponents) for tier in ladder.tiers
        ]
    return document


def _tier(
    tier: Tier, ladder: Ladder, reference_currency: str, exponents: Mapping[str, int]
) -> dict[str, Any]:
    threshold: int | str = tier.threshold
    if ladder.metric is Metric.SPEND:
        threshold = f"{from_minor(tier.threshold, exponents[reference_currency]):f}"
    document: dict[str, Any] = {
        "slug": tier.slug,
        "name": tier.name,
        "threshold": threshold,
        "earn_multiplier": decimal_text(tier.earn_multiplier),
        "free_shipping": tier.has_free_shipping,
    }
    if tier.prices:
        document["prices"] = [_price(benefit, exponents) for benefit in tier.prices]
    if tier.return_window_days is not None:
        document["return_window_days"] = tier.return_window_days
    if tier.maturing_days is not None:
        document["maturing_days"] = tier.maturing_days
    if tier.perks:
        document["perks"] = dict(tier.perks)
    return document


def _price(benefit: PriceBenefit, exponents: Mapping[str, int]) -> dict[str, Any]:
    document: dict[str, Any] = {}
    if benefit.percent is not None:
        document["percent"] = f"{benefit.percent:f}"
    if benefit.amount_minor:
        document["amount"] = amounts_document(benefit.amount_minor, exponents)
    return document | select_document(benefit.selection)


def _major(value: Fraction, exponent: int) -> Fraction:
    scale: int = 10**exponent
    return value / scale
