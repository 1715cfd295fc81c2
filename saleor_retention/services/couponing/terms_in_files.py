"""A coupon's terms in a YAML file: amounts in whole units of their currency, as all of the file.

Stored, they are minor units. What is no amount is noted by its path; everything else of the terms
is left to the one parser of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from saleor_retention import host
from saleor_retention.engine.coupons.terms import MINOR_MAX
from saleor_retention.engine.fields import Fields
from saleor_retention.engine.money import from_minor
from saleor_retention.engine.rules import RuleProblem

AMOUNTS = ("amounts", "minimums")


def in_minor_units(terms: Any, path: str, problems: list[RuleProblem]) -> Any:
    """Return a file's terms as they are stored; what has another shape is left as it is."""

    def minor(name: str, currency: Any, amount: Any) -> Any:
        fields = Fields({}, f"{path}.{name}", problems)
        exponent = host.current().currency_exponent(str(currency))
        read = fields.money(str(currency), amount, exponent, low_minor=1)
        if read is not None and read > MINOR_MAX:
            most = from_minor(MINOR_MAX, exponent)
            fields.note(str(currency), "TOO_LARGE", f"must be at most {most:f}.")
        return read

    return _with_amounts(terms, minor)


def in_whole_units(terms: Mapping[str, Any]) -> dict[str, Any]:
    """Return stored terms as a file has them: amounts as text with their decimals."""

    def whole(_name: str, currency: Any, amount: Any) -> Any:
        return f"{from_minor(amount, host.current().currency_exponent(currency)):f}"

    return dict(_with_amounts(terms, whole))


def _with_amounts(terms: Any, change: Callable[[str, Any, Any], Any]) -> Any:
    if not isinstance(terms, Mapping):
        return terms
    made = dict(terms)
    for name in AMOUNTS:
        if isinstance(made.get(name), Mapping):
            made[name] = {code: change(name, code, value) for code, value in made[name].items()}
    return made
