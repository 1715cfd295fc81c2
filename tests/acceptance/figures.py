"""What the figures must be, by plain arithmetic that shares nothing with the code under test.

All rounding is to the cent, halves up, as an invoice is rounded.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import ROUND_FLOOR, ROUND_HALF_UP, Decimal
from typing import Any

CENT = Decimal("0.01")


def cents(amount: Decimal) -> Decimal:
    """Round to the cent, halves up."""
    return amount.quantize(CENT, ROUND_HALF_UP)


@dataclass(frozen=True, slots=True)
class Taxed:
    """An amount without and with tax."""

    net: Decimal
    gross: Decimal

    @property
    def tax(self) -> Decimal:
        """The difference."""
        return self.gross - self.net

    def __add__(self, other: Taxed) -> Taxed:
        """Add both."""
        return Taxed(self.net + other.net, self.gross + other.gross)


ZERO = Taxed(Decimal(0), Decimal(0))


def from_net(net: Decimal | str | int, percent: int) -> Taxed:
    """Add tax to a net amount."""
    amount = Decimal(net)
    return Taxed(amount, cents(amount * (100 + percent) / 100))


def from_gross(gross: Decimal | str | int, percent: int) -> Taxed:
    """Take the tax out of a gross amount."""
    amount = Decimal(gross)
    return Taxed(cents(amount * 100 / (100 + percent)), amount)


def total(amounts: Iterable[Taxed]) -> Taxed:
    """Add amounts up, each rounded on its own line."""
    return sum(amounts, ZERO)


def percent_off(unit: Decimal | str | int, quantity: int, percent: Decimal | str | int) -> Decimal:
    """Return what a per cent reduction takes off a line: rounded per unit, times the quantity."""
    return quantity * cents(Decimal(unit) * Decimal(percent) / 100)


def apportion(amount: Decimal | str | int, over: Sequence[Decimal | str | int]) -> list[Decimal]:
    """Share an amount in proportion as the plugin says: cents go to the largest remainders."""
    weights = [Decimal(weight) for weight in over]
    exact = [Decimal(amount) * weight / sum(weights) for weight in weights]
    shares = [share.quantize(CENT, ROUND_FLOOR) for share in exact]
    by_rest = sorted(range(len(over)), key=lambda at: shares[at] - exact[at])
    for at in by_rest[: int((Decimal(amount) - sum(shares, Decimal(0))) / CENT)]:
        shares[at] += CENT
    return shares


def spread(amount: Decimal | str | int, over: Sequence[Decimal | str | int]) -> list[Decimal]:
    """Share an amount in proportion as Saleor does: to the cent, the last takes what is left."""
    weights = [Decimal(weight) for weight in over]
    shares = [cents(Decimal(amount) * weight / sum(weights)) for weight in weights[:-1]]
    return [*shares, Decimal(amount) - sum(shares, Decimal(0))]


def points(basis: Decimal, rate: Decimal | str | int = 1) -> int:
    """Return the points that an order earns: the whole basis times the rate, rounded down once."""
    return int((basis * Decimal(rate)).to_integral_value(ROUND_FLOOR))


def shown(price: dict[str, Any]) -> Taxed:
    """Read a price from the API and make sure that its tax is the difference."""
    taxed = Taxed(Decimal(price["net"]["amount"]), Decimal(price["gross"]["amount"]))
    if "tax" in price:
        assert Decimal(price["tax"]["amount"]) == taxed.tax
    return taxed
