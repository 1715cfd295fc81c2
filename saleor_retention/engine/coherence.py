"""Rules that no single field can break: what contradicts, overlaps or can never happen.

Each check is a function of the rules to problems and names the sections it looks at. It is left
out where one of them could not be read, so that one mistake is not reported twice.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import pairwise

from saleor_retention.engine.exchange import uneven_rates
from saleor_retention.engine.fields import decimal_text
from saleor_retention.engine.rules import (
    MaturingRule,
    Metric,
    Multiplier,
    ProgramRules,
    RuleProblem,
)

Check = Callable[[ProgramRules], Iterable[RuleProblem]]


def incoherences(
    rules: ProgramRules, exponents: Mapping[str, int], found: Iterable[RuleProblem] = ()
) -> list[RuleProblem]:
    """Return what is wrong between the fields; ``found`` are the problems of single fields."""
    broken = {problem.field.split(".")[0] for problem in found if not problem.is_warning}
    problems = [
        problem
        for check, sections in _CHECKS
        if not broken.intersection(sections)
        for problem in check(rules)
    ]
    if broken.isdisjoint(("earn", "point_value", "reference")):
        problems += uneven_rates(rules, exponents)
    return problems


def _currencies(rules: ProgramRules) -> Iterator[RuleProblem]:
    """Note currencies in which points are earned and have no value, or the other way round."""
    if rules.redemption.is_enabled:
        for currency in rules.earn_rates:
            if currency not in rules.point_values:
                yield _error(
                    f"point_value.{currency}",
                    "CURRENCY_WITHOUT_VALUE",
                    f"is required: points are earned in {currency}, and redemption is enabled.",
                )
    for currency in rules.point_values:
        if currency not in rules.earn_rates:
            yield _error(
                f"earn.rates.{currency}",
                "CURRENCY_WITHOUT_RATE",
                f"is required: points have a value in {currency}. Give a rate (of 0 points, where "
                "nothing is earned in it).",
            )


def _reference(rules: ProgramRules) -> Iterator[RuleProblem]:
    """Note what a ladder that counts spend needs to count every currency that earns."""
    if not rules.ladder.tiers or rules.ladder.metric is not Metric.SPEND:
        return
    if not rules.reference_currency:
        yield _error(
            "reference.currency",
            "REQUIRED",
            "is required: the tiers count spend, and this is the currency of their thresholds.",
        )
        return
    for currency in rules.earn_rates:
        if currency != rules.reference_currency and currency not in rules.reference_rates:
            yield _error(
                f"reference.rates.{currency}",
                "REFERENCE_RATE_MISSING",
                f"is required: the tiers count spend in {rules.reference_currency}, and orders in "
                f"{currency} earn too.",
            )


def _rates_to_compare(rules: ProgramRules) -> Iterator[RuleProblem]:
    """Warn where nobody can tell whether points gain from currency to currency."""
    is_counting = bool(rules.ladder.tiers) and rules.ladder.metric is Metric.SPEND
    if len(rules.point_values) <= 1 or is_counting:
        return
    for currency in rules.point_values:
        if currency != rules.reference_currency and currency not in rules.reference_rates:
            yield _warning(
                f"reference.rates.{currency}",
                "REFERENCE_RATE_MISSING",
                f"is missing: what points gain between {currency} and the other currencies "
                "cannot be checked.",
            )


def _multipliers(rules: ProgramRules) -> Iterator[RuleProblem]:
    """Note multipliers of one name, and those that have no day on which they apply."""
    names: set[str] = set()
    for index, multiplier in enumerate(rules.multipliers):
        path = f"multipliers.{index}"
        if multiplier.name in names:
            yield _error(
                f"{path}.name", "DUPLICATE_NAME", f"is taken: {multiplier.name} stands above."
            )
        names.add(multiplier.name)
        starts_on, ends_on = multiplier.starts_on, multiplier.ends_on
        if starts_on is not None and ends_on is not None and ends_on < starts_on:
            yield _error(
                f"{path}.ends_on",
                "ENDS_BEFORE_START",
                f"must not be before starts_on; it is {ends_on}, and starts_on is {starts_on}.",
            )
        elif not _has_a_day(multiplier):
            yield _error(
                f"{path}.weekdays",
                "NEVER_APPLIES",
                f"must have a day between {starts_on} and {ends_on}: none of them falls there.",
            )


def _has_a_day(multiplier: Multiplier) -> bool:
    if not multiplier.weekdays or multiplier.starts_on is None or multiplier.ends_on is None:
        return True
    days = min((multiplier.ends_on - multiplier.starts_on).days + 1, 7)
    first = multiplier.starts_on
    return any(
        (first + dt.timedelta(days=day)).weekday() in multiplier.weekdays for day in range(days)
    )


def _redemption(rules: ProgramRules) -> Iterator[RuleProblem]:
    """Note a minimum that cannot be paid in whole blocks."""
    minimum, block = rules.redemption.minimum_points, rules.redemption.block_points
    if block > minimum:
        yield _error(
            "redemption.block_points",
            "BLOCK_ABOVE_MINIMUM",
            f"must not be more than minimum_points; it is {block}, and the minimum is {minimum}.",
        )
    elif minimum % block:
        least = minimum + block - minimum % block
        yield _warning(
            "redemption.minimum_points",
            "MINIMUM_NOT_IN_BLOCKS",
            f"is {minimum}, but in blocks of {block} the fewest that can be spent are {least}.",
        )


def _steps(rules: ProgramRules) -> Iterator[RuleProblem]:
    """Note tiers that overlap: equal slugs, names or thresholds, or out of order."""
    slugs: set[str] = set()
    names: set[str] = set()
    for index, tier in enumerate(rules.ladder.tiers):
        path = f"tiers.ladder.{index}"
        if tier.slug in slugs:
            yield _error(f"{path}.slug", "DUPLICATE_SLUG", f"is taken: {tier.slug} stands above.")
        if tier.name in names:
            yield _error(f"{path}.name", "DUPLICATE_NAME", f"is taken: {tier.name} stands above.")
        slugs.add(tier.slug)
        names.add(tier.name)
    for index, (below, above) in enumerate(pairwise(rules.ladder.tiers), start=1):
        path = f"tiers.ladder.{index}.threshold"
        if above.threshold == below.threshold:
            yield _error(
                path,
                "DUPLICATE_THRESHOLD",
                f"must be more than that of {below.name}: they are equal, so nobody could be "
                f"{below.name}.",
            )
        elif above.threshold < below.threshold:
            yield _error(
                path,
                "NOT_ASCENDING",
                f"must be more than that of {below.name}, which stands above it in the ladder.",
            )


def _reachable(rules: ProgramRules) -> Iterator[RuleProblem]:
    """Note a ladder that nobody can climb, as it counts points and nothing earns any."""
    if rules.ladder.metric is not Metric.POINTS:
        return
    if any(rate.points for rate in rules.earn_rates.values()):
        return
    for index, tier in enumerate(rules.ladder.tiers):
        if tier.threshold > 0:
            yield _error(
                f"tiers.ladder.{index}.threshold",
                "UNREACHABLE",
                "cannot be reached: the tiers count points that orders earn, and no currency "
                "earns any.",
            )


def _benefits(rules: ProgramRules) -> Iterator[RuleProblem]:
    """Warn of a higher tier that gives less, and of amounts off that miss a currency."""
    for index, tier in enumerate(rules.ladder.tiers):
        for number, benefit in enumerate(tier.prices):
            named = dict(benefit.amount_minor)
            for currency in rules.earn_rates if named else ():
                if currency not in named:
                    yield _warning(
                        f"tiers.ladder.{index}.prices.{number}.amount.{currency}",
                        "PRICE_WITHOUT_CURRENCY",
                        f"is missing: {tier.name} takes nothing off in {currency}.",
                    )
    for index, (below, above) in enumerate(pairwise(rules.ladder.tiers), start=1):
        path = f"tiers.ladder.{index}"
        if above.earn_multiplier < below.earn_multiplier:
            yield _warning(
                f"{path}.earn_multiplier",
                "HIGHER_TIER_GIVES_LESS",
                f"is {decimal_text(above.earn_multiplier)}, less than the "
                f"{decimal_text(below.earn_multiplier)} of {below.name}.",
            )
        if below.has_free_shipping and not above.has_free_shipping:
            yield _warning(
                f"{path}.free_shipping",
                "HIGHER_TIER_GIVES_LESS",
                f"is false, and {below.name} has free shipping.",
            )


def _maturing(rules: ProgramRules) -> Iterator[RuleProblem]:
    """Warn of a tier's maturing days that shorten nothing."""
    waits_days = rules.maturing.rule in (
        MaturingRule.DAYS_AFTER_PAYMENT,
        MaturingRule.DAYS_AFTER_FULFILMENT,
    )
    for index, tier in enumerate(rules.ladder.tiers):
        days = tier.maturing_days
        if days is not None and (not waits_days or days >= rules.maturing.days):
            yield _warning(
                f"tiers.ladder.{index}.maturing_days",
                "NO_EFFECT",
                f"has no effect: it can only shorten days that maturing waits, and {days} "
                "shortens none.",
            )


def _error(path: str, code: str, rule: str) -> RuleProblem:
    return RuleProblem(path, code, f"{path} {rule}")


def _warning(path: str, code: str, rule: str) -> RuleProblem:
    return RuleProblem(path, code, f"{path} {rule}", is_warning=True)


_CHECKS: tuple[tuple[Check, tuple[str, ...]], ...] = (
    (_currencies, ("earn", "point_value", "redemption")),
    (_reference, ("earn", "reference", "tiers")),
    (_rates_to_compare, ("point_value", "reference", "tiers")),
    (_multipliers, ("multipliers",)),
    (_redemption, ("redemption",)),
    (_steps, ("tiers",)),
    (_reachable, ("earn", "tiers")),
    (_benefits, ("earn", "tiers")),
    (_maturing, ("maturing", "tiers")),
)
