"""What a coupon gives: per cent or an amount off the order or its shipping, from an amount on.

The document is what is stored and never changes for a code that was issued. Amounts are whole
minor units by currency; the percentage is a decimal number as text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from saleor_retention.engine.money import to_minor

NAME_LENGTH_MAX = 100
USES_MAX = 1_000_000
MINOR_MAX = 10**9 - 1  # with three decimals still within the shop's own columns
PERCENT_MAX = 100
DIGITS_MAX = 20
HUNDREDTH = Decimal("0.01")

_CURRENCY = re.compile(r"[A-Z]{3}")
_KEYS = frozenset({"name", "percent", "amounts", "minimums", "shipping", "uses"})


class InvalidTerms(ValueError):
    """Everything that is wrong with terms, as (field, sentence)."""

    def __init__(self, problems: list[tuple[str, str]]) -> None:
        """Keep the problems in the order of the fields."""
        super().__init__("; ".join(sentence for _field, sentence in problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class CouponTerms:
    """What one code gives; exactly one of ``percent`` and ``amounts`` is there."""

    name: str  # what shoppers read beside the discount
    percent: Decimal | None = None
    amounts: tuple[tuple[str, int], ...] = ()  # (currency, minor units), by currency
    minimums: tuple[tuple[str, int], ...] = ()  # of goods; not usable in other currencies then
    is_for_shipping: bool = False
    uses: int = 1  # orders that one code may be used for

    def document(self) -> dict[str, Any]:
        """Return the terms as they are stored; ``parse`` reads them back."""
        made: dict[str, Any] = {"name": self.name, "uses": self.uses}
        if self.percent is not None:
            made["percent"] = format(self.percent.normalize(), "f")
        for key, pairs in (("amounts", self.amounts), ("minimums", self.minimums)):
            if pairs:
                made[key] = dict(pairs)
        if self.is_for_shipping:
            made["shipping"] = True
        return made

    def fits(self, currency: str) -> bool:
        """Tell whether the code can be used where prices are in this currency."""
        has_amount = self.percent is not None or currency in dict(self.amounts)
        return has_amount and (not self.minimums or currency in dict(self.minimums))


def parse(document: Mapping[str, Any]) -> CouponTerms:
    """Read terms; raises ``InvalidTerms`` with every problem, named by field.

    >>> parse({"name": "Ten off", "percent": "10"}).percent
    Decimal('10')
    """
    problems: list[tuple[str, str]] = [
        (str(key), f"There is no {key} among the terms of a coupon.")
        for key in document
        if key not in _KEYS
    ]
    name = document.get("name", "")
    if not isinstance(name, str) or not name.strip():
        problems.append(("name", "Say what shoppers read beside the discount."))
    elif len(name.strip()) > NAME_LENGTH_MAX:
        problems.append(("name", f"A name has {NAME_LENGTH_MAX} characters at most."))
    percent = _percent(document.get("percent"), problems)
    amounts = _by_currency("amounts", document.get("amounts"), problems)
    minimums = _by_currency("minimums", document.get("minimums"), problems)
    if ("percent" in document) == bool(document.get("amounts")):
        problems.append(("percent", "Give either percent or amounts."))
    shipping = document.get("shipping", False)
    if not isinstance(shipping, bool):
        problems.append(("shipping", "shipping is true or false."))
    uses = document.get("uses", 1)
    if isinstance(uses, bool) or not isinstance(uses, int) or not 1 <= uses <= USES_MAX:
        problems.append(("uses", f"uses is a whole number from 1 to {USES_MAX}."))
    if problems:
        raise InvalidTerms(problems)
    return CouponTerms(name.strip(), percent, amounts, minimums, shipping, uses)


def minor_of(amount: Decimal, exponent: int) -> int:
    """Return an amount that somebody typed in minor units; ``ValueError`` for what is no amount.

    A number with an endless exponent is none: exact arithmetic with it would take forever.

    >>> minor_of(Decimal("5.00"), 2)
    500
    """
    if not amount.is_finite() or abs(amount.adjusted()) > DIGITS_MAX:
        raise ValueError(f"This is no amount of up to {DIGITS_MAX} digits.")
    return to_minor(amount, exponent)


def _percent(value: Any, problems: list[tuple[str, str]]) -> Decimal | None:
    if value is None:
        return None
    try:
        is_number = isinstance(value, str | int | Decimal) and not isinstance(value, bool)
        number = Decimal(value) if is_number else None
    except InvalidOperation:
        number = None
    if number is None or not number.is_finite() or not 0 < number <= PERCENT_MAX:
        problems.append(("percent", "percent is above 0 and at most 100."))
        return None
    if number != number.quantize(HUNDREDTH):
        problems.append(("percent", "percent has 2 decimals at most."))
        return None
    return number


def _by_currency(
    field: str, value: Any, problems: list[tuple[str, str]]
) -> tuple[tuple[str, int], ...]:
    if value is None:
        return ()
    if not isinstance(value, Mapping):
        problems.append((field, f"{field} are amounts by currency."))
        return ()
    for currency, minor in value.items():
        if not isinstance(currency, str) or not _CURRENCY.fullmatch(currency):
            problems.append((field, f"{field}: {currency} is no code of a currency."))
        if isinstance(minor, bool) or not isinstance(minor, int) or not 0 < minor <= MINOR_MAX:
            sentence = f"{field}: an amount is above zero and at most {MINOR_MAX} minor units."
            problems.append((f"{field}.{currency}", sentence))
    return tuple(sorted(value.items(), key=lambda pair: str(pair[0])))
