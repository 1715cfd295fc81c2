"""Where points earned in one currency gain by being spent in another.

Rates are stored per currency and there is no live conversion; the merchant states reference rates.
By them a point should be worth about the same wherever it is spent.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from saleor_retention.engine.money import round_half_up
from saleor_retention.engine.rules import ProgramRules, RuleProblem

TOLERANCE = Fraction(1, 10)


def uneven_rates(
    rules: ProgramRules, exponents: Mapping[str, int], tolerance: Fraction = TOLERANCE
) -> list[RuleProblem]:
    """Return a warning for each currency where points gain more than ``tolerance``.

    Each is compared with the currency where a point is worth least among those that earn, which
    is where a clever customer would buy. Currencies without a reference rate cannot be compared
    and are left out.
    """
    worth = {
        currency: value
        for currency in rules.point_values
        if (value := _reference_value(rules, currency, exponents)) is not None
    }
    earning = [
        currency
        for currency in worth
        if currency in rules.earn_rates and rules.earn_rates[currency].points
    ]
    if not earning:
        return []
    least = min(earning, key=lambda currency: (worth[currency], currency))
    return [
        RuleProblem(
            field=f"point_value.{currency}",
            code="UNEVEN_RATES",
            message=(
                f"point_value.{currency} is high: a point earned in {least} buys "
                f"{round_half_up((value / worth[least] - 1) * 100)} % more when it is spent in "
                f"{currency}, at the reference rates."
            ),
            is_warning=True,
        )
        for currency, value in sorted(worth.items())
        if value > worth[least] * (1 + tolerance)
    ]


def _reference_value(
    rules: ProgramRules, currency: str, exponents: Mapping[str, int]
) -> Fraction | None:
    """Return what a point is worth there, in major units of the reference currency."""
    rate = rules.reference_rates.get(currency)
    if currency == rules.reference_currency:
        rate = Fraction(1)
    if rate is None or currency not in exponents:
        return None
    scale: int = 10 ** exponents[currency]
    return rules.point_values[currency] / scale * rate
