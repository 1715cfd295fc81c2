"""A whole number that a client can get wrong and be told so.

``Int`` cuts 1.5 to 1 when it comes as a variable, and fails without a field or code on a number
beyond 32 bits. Points are money's worth: whoever asks for 1.5 of them must hear it. So this scalar
lets every number through and marks the ones that are no whole number; ``whole`` refuses them.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

import graphene
from graphql.language import ast

from saleor_retention.errors import Code, Refusal

WHOLE_MAX = 2**31 - 1
"""The largest whole number that the API takes; what is given out as ``Int`` has the same limit."""


@dataclass(frozen=True, slots=True)
class NotWhole:
    """A number that was given where a whole one belongs, as it was written."""

    text: str

    @property
    def is_too_large(self) -> bool:
        """Return whether its size is what is wrong with it."""
        try:
            return not abs(Decimal(self.text)) <= WHOLE_MAX
        except InvalidOperation:
            return False

    def __str__(self) -> str:
        """Return it as it was written, for the rules' parser to refuse by field."""
        return self.text


class RetentionWholeNumber(graphene.Scalar):
    """A whole number of at most 2147483647. A fraction is refused by name and never cut."""

    @staticmethod
    def serialize(value: Any) -> int:
        """Return the number itself."""
        return int(value)

    @staticmethod
    def parse_value(value: Any) -> int | NotWhole | None:
        """Return a number from a variable; None (a query error) for what is no number at all."""
        if isinstance(value, bool) or not isinstance(value, int | float | NotWhole):
            return None
        return value if isinstance(value, NotWhole) else _read(str(value))

    @staticmethod
    def parse_literal(node: Any) -> int | NotWhole | None:
        """Return a number written into the query."""
        if isinstance(node, ast.IntValue | ast.FloatValue):
            return _read(node.value)
        return None


class RetentionPoints(graphene.Scalar):
    """A whole number of points of any size: balances and sums may be more than `Int` can hold."""

    @staticmethod
    def serialize(value: Any) -> int:
        """Return the number itself."""
        return int(value)

    @staticmethod
    def parse_value(_value: Any) -> None:
        """Take none: it is only given out."""

    @staticmethod
    def parse_literal(_node: Any) -> None:
        """Take none: it is only given out."""


def whole(value: Any, field: str, *, minimum: int | None = None) -> int:
    """Return the number, or raise ``Refusal`` naming the field and what it must be."""
    if isinstance(value, NotWhole) or not isinstance(value, int):
        text = f"{value} is not a whole number of at most {WHOLE_MAX}."
        raise Refusal(Code.INVALID, text, field)
    if minimum is not None and value < minimum:
        raise Refusal(Code.INVALID, f"This must be at least {minimum}, not {value}.", field)
    return value


def _read(text: str) -> int | NotWhole:
    try:
        number = Decimal(text)
    except InvalidOperation:
        return NotWhole(text)
    if not number.is_finite() or abs(number) > WHOLE_MAX or number != number.to_integral_value():
        return NotWhole(text)
    return int(number)
