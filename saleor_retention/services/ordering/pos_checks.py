"""What a point of sale may send, checked before anything is looked up or written."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from saleor_retention.engine.fields import MINOR_MAX, shown
from saleor_retention.engine.money import to_minor
from saleor_retention.errors import Code, Refusal, Refusals

SOURCE = re.compile(r"[A-Za-z0-9._-]{1,24}")
RECEIPT_LENGTH_MAX = 50
REVERSAL_LENGTH_MAX = 64
LINES_MAX = 500
QUANTITY_MAX = 1_000_000
CLOCK_SKEW = dt.timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class MemberKey:
    """How the till knows the member: exactly one of the three is given."""

    number: str = ""
    phone: str = ""
    email: str = ""


@dataclass(frozen=True, slots=True)
class SaleLine:
    """One line of a receipt: what the customer paid for all its units, after every discount."""

    ref: str  # the line's name within the receipt
    quantity: int
    gross: Decimal
    net: Decimal | None = None  # None: untaxed, the same as gross
    sku: str = ""  # a variant of the shop, for multipliers on goods; others earn at the base rate
    is_gift_card: bool = False


class Checks:
    """Gathers refusals, so that a till is told everything at once."""

    def __init__(self) -> None:
        self.refusals: list[Refusal] = []

    def note(self, code: Code, field: str, rule: str) -> None:
        """Note that a field breaks a rule."""
        self.refusals.append(Refusal(code, f"{field} {rule}", field))

    def end(self) -> None:
        """Raise what was found."""
        if self.refusals:
            raise Refusals(self.refusals)

    def receipt(self, source: str, receipt: str) -> None:
        """Check what identifies a sale."""
        self.source(source)
        self.text("receipt", receipt, RECEIPT_LENGTH_MAX)

    def source(self, source: str) -> None:
        """Check the name of who reports something."""
        if not SOURCE.fullmatch(source):
            rule = "must be 1 to 24 letters, digits, points, hyphens or underscores."
            self.note(Code.INVALID, "source", rule)

    def text(self, field: str, value: str, length_max: int) -> None:
        """Check a name of the till's choosing."""
        if not value.strip():
            self.note(Code.REQUIRED, field, "must not be empty.")
        elif value != value.strip() or len(value) > length_max or not value.isprintable():
            rule = f"must be at most {length_max} printable characters without spaces around them."
            self.note(Code.INVALID, field, rule)

    def member(self, member: MemberKey) -> None:
        """Check that the member is named in one way."""
        given = [key for key in ("number", "phone", "email") if getattr(member, key).strip()]
        if len(given) != 1:
            rule = "must be named by exactly one of number, phone and email."
            self.note(Code.REQUIRED, "member", rule)

    def sold_at(self, sold_at: dt.datetime, now: dt.datetime) -> None:
        """Check that the sale has happened."""
        self.happened("soldAt", sold_at, now)

    def happened(self, field: str, at: dt.datetime, now: dt.datetime) -> None:
        """Check that something has happened; others' clocks may be some minutes ahead."""
        if at.tzinfo is None:
            self.note(Code.INVALID, field, "must have a time zone.")
        elif at > now + CLOCK_SKEW:
            self.note(Code.INVALID, field, "must not lie in the future.")

    def lines(self, lines: Sequence[SaleLine], exponent: int) -> None:
        """Check a receipt's lines; ``exponent`` is the digits of the currency's minor unit."""
        if not lines:
            self.note(Code.REQUIRED, "lines", "must have at least one line.")
        if len(lines) > LINES_MAX:
            self.note(Code.INVALID, "lines", f"must have at most {LINES_MAX} lines.")
            return
        seen: set[str] = set()
        for index, line in enumerate(lines):
            path = f"lines.{index}"
            self.text(f"{path}.ref", line.ref, REVERSAL_LENGTH_MAX)
            if line.ref in seen:
                self.note(Code.UNIQUE, f"{path}.ref", f"is taken: {shown(line.ref)} stands above.")
            seen.add(line.ref)
            self.quantity(f"{path}.quantity", line.quantity)
            self._amounts(path, line, exponent)

    def quantity(self, field: str, quantity: object) -> None:
        """Check a number of units."""
        is_number = isinstance(quantity, int) and not isinstance(quantity, bool)
        if not is_number or quantity not in range(1, QUANTITY_MAX + 1):
            rule = f"must be a whole number from 1 to {QUANTITY_MAX}; it is {shown(quantity)}."
            self.note(Code.INVALID, field, rule)

    def amount(self, field: str, amount: Decimal, exponent: int) -> bool:
        """Check an amount of money and tell whether it is fine."""
        try:
            minor = to_minor(amount, exponent)
        except ValueError:
            rule = f"must be an amount with {exponent} decimals at most; it is {shown(amount)}."
            self.note(Code.INVALID, field, rule)
            return False
        if not 0 <= minor <= MINOR_MAX:
            rule = "must not be negative." if minor < 0 else "is far too large."
            self.note(Code.INVALID, field, rule)
            return False
        return True

    def _amounts(self, path: str, line: SaleLine, exponent: int) -> None:
        is_fine = self.amount(f"{path}.gross", line.gross, exponent)
        if line.net is None:
            return
        is_fine = self.amount(f"{path}.net", line.net, exponent) and is_fine
        if is_fine and line.net > line.gross:
            self.note(Code.INVALID, f"{path}.net", "must not be more than gross.")

    def reversal(self, reversal_id: str, lines: Mapping[str, int] | None) -> None:
        """Check what identifies a reversal, and its quantities."""
        self.text("reversalId", reversal_id, REVERSAL_LENGTH_MAX)
        if lines is None:
            return
        if not lines:
            self.note(Code.REQUIRED, "lines", "must have at least one line; leave it out for all.")
        if len(lines) > LINES_MAX:
            self.note(Code.INVALID, "lines", f"must have at most {LINES_MAX} lines.")
        for ref, quantity in lines.items():
            self.quantity(f"lines.{ref}.quantity", quantity)
