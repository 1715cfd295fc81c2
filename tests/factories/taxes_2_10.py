"""A tax plugin for Saleor 2.10.1 that works like its Vatlayer plugin, without asking anybody."""

# ruff: noqa: ARG002 - so are the hooks called
from __future__ import annotations

from decimal import Decimal
from typing import Any, ClassVar

from prices import Money, TaxedMoney
from saleor.plugins.base_plugin import BasePlugin

RATE = Decimal("0.20")
CENT = Decimal("0.01")


class FlatTax(BasePlugin):
    """20 % on goods and shipping, from list prices and per unit, whatever was computed before."""

    PLUGIN_ID = "tests.flat-tax"
    PLUGIN_NAME = "Flat tax"
    DEFAULT_ACTIVE = True
    is_included: ClassVar[bool] = True

    def calculate_checkout_line_total(
        self, checkout_line: Any, discounts: Any, previous_value: TaxedMoney
    ) -> TaxedMoney:
        """Tax the unit and multiply."""
        return self._taxed(checkout_line.variant.get_price(discounts)) * checkout_line.quantity

    def calculate_checkout_shipping(
        self, checkout: Any, lines: Any, discounts: Any, previous_value: TaxedMoney
    ) -> TaxedMoney:
        """Tax the method's price."""
        method = checkout.shipping_method
        return previous_value if method is None else self._taxed(method.price)

    def calculate_order_line_unit(self, order_line: Any, previous_value: TaxedMoney) -> TaxedMoney:
        """Tax the list price that Saleor has just put on the line."""
        return self._taxed(order_line.unit_price.gross)

    def calculate_order_shipping(self, order: Any, previous_value: TaxedMoney) -> TaxedMoney:
        """Tax the method's price."""
        return self._taxed(order.shipping_method.price)

    def _taxed(self, price: Money) -> TaxedMoney:
        if self.is_included:
            return TaxedMoney(net=(price / (1 + RATE)).quantize(CENT), gross=price)
        return TaxedMoney(net=price, gross=(price * (1 + RATE)).quantize(CENT))
