"""The host's own classes, looked up when Saleor's schema is built and not when we are imported."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from prices import Money as Amount

from saleor_retention import host
from saleor_retention.engine.money import from_minor


def host_type(name: str) -> Callable[[], Any]:
    """Return a lazy reference to one of the host's classes, as graphene takes them."""
    return lambda: host.current().graphql_types()[name]


Money = host_type("Money")
DateTime = host_type("DateTime")
Date = host_type("Date")
Decimal = host_type("Decimal")
JSONString = host_type("JSONString")
OrderDirection = host_type("OrderDirection")
User = host_type("User")
Checkout = host_type("Checkout")


def money(minor: int, currency: str) -> Amount:
    """Return minor units as the amount that the host's ``Money`` type prints."""
    exponent = host.current().currency_exponent(currency)
    return Amount(from_minor(minor, exponent), currency)
