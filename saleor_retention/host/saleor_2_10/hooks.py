"""The price hooks of 2.10.1, which the plugin class takes in before its own on this host.

Each is a few lines: ask for our price, and hand on what was given where there is none. 2.10.1 calls
every plugin, switched on or not, so each asks ``self.active`` first. Drafts of staff keep list
prices: they were not made from a checkout, so there is nothing that they were sold for.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Iterable
from fractions import Fraction
from typing import TYPE_CHECKING, Any, TypeVar

from prices import Money, TaxedMoney
from saleor.core.taxes import zero_taxed_money
from saleor.discount import DiscountInfo

from saleor_retention.engine.money import from_minor, round_half_up
from saleor_retention.errors import Refusal
from saleor_retention.host import codes
from saleor_retention.host.refusing import refused

from . import prices, sold
from .shop import exponent_of
from .units import LinePrice

if TYPE_CHECKING:
    from saleor.checkout.models import Checkout, CheckoutLine
    from saleor.order.models import Order
    from saleor.order.models import OrderLine as SaleorLine

logger = logging.getLogger(__name__)

Hook = TypeVar("Hook", bound=Callable[..., Any])


def _if_active(hook: Hook) -> Hook:
    """Hand on the previous value where the plugin is switched off, and after a fault of ours."""

    @functools.wraps(hook)
    def guarded(self: Any, *args: Any, previous_value: Any) -> Any:
        if not self.active:
            return previous_value
        try:
            return hook(self, *args, previous_value=previous_value)
        except Exception:
            logger.exception("%s failed.", hook.__name__)
            return previous_value

    return guarded  # type: ignore[return-value]


class PriceHooks:
    """Member prices, points and free shipping in checkouts."""

    active: bool

    @_if_active
    def calculate_checkout_line_total(
        self,
        checkout_line: CheckoutLine,
        discounts: Iterable[DiscountInfo],
        previous_value: TaxedMoney,
    ) -> TaxedMoney:
        """Return what the line costs with our discounts: a whole price per unit, times units."""
        price = prices.price_of(str(checkout_line.checkout_id), discounts)
        line = price.lines.get(str(checkout_line.pk))
        if line is None:
            return previous_value
        if line.quantity != checkout_line.quantity:
            logger.warning("Checkout line %s changed while it was priced.", checkout_line.pk)
            return previous_value
        return _scaled(previous_value, line)

    @_if_active
    def calculate_checkout_subtotal(
        self,
        checkout: Checkout,
        lines: Iterable[CheckoutLine],
        discounts: Iterable[DiscountInfo],
        previous_value: TaxedMoney,
    ) -> TaxedMoney:
        """Let the caller see the voucher's discount as it is now before it computes the total."""
        if prices.price_of(str(checkout.pk), discounts).is_voucher_renewed:
            checkout.refresh_from_db(fields=prices.VOUCHER_FIELDS)
        return previous_value

    @_if_active
    def calculate_checkout_shipping(
        self,
        checkout: Checkout,
        lines: Iterable[CheckoutLine],
        discounts: Iterable[DiscountInfo],
        previous_value: TaxedMoney,
    ) -> TaxedMoney:
        """Return nothing to pay for shipping where the member's tier has it free."""
        if prices.price_of(str(checkout.pk), discounts).has_free_shipping:
            return zero_taxed_money(previous_value.currency)
        return previous_value

    @_if_active
    def calculate_checkout_total(
        self,
        checkout: Checkout,
        lines: Iterable[CheckoutLine],
        discounts: Iterable[DiscountInfo],
        previous_value: TaxedMoney,
    ) -> TaxedMoney:
        """Take off the remainder, which the prices of units could not express."""
        remainder = prices.price_of(str(checkout.pk), discounts).remainder_minor
        if not remainder:
            return previous_value
        currency = previous_value.currency
        off = Money(from_minor(remainder, exponent_of(currency)), currency)
        return max(previous_value - off, zero_taxed_money(currency))

    @_if_active
    def calculate_order_line_unit(
        self, order_line: SaleorLine, previous_value: TaxedMoney
    ) -> TaxedMoney:
        """Keep what a unit was sold for when 2.10.1 prices a placed order afresh."""
        line = sold.unit_of(order_line)
        return previous_value if line is None else _scaled(previous_value, line)

    @_if_active
    def calculate_order_shipping(self, order: Order, previous_value: TaxedMoney) -> TaxedMoney:
        """Keep shipping free that was sold free."""
        if sold.has_free_shipping(order):
            return zero_taxed_money(previous_value.currency)
        return previous_value

    def preprocess_order_creation(
        self, checkout: Checkout, discounts: Iterable[DiscountInfo], previous_value: Any
    ) -> Any:
        """Set aside what the price uses of its offers, and its coupon; refuse what is used up."""
        if self.active:
            from saleor_retention.services.offering import offer_uses

            codes.reserve(checkout)
            try:
                offer_uses.reserve_for(str(checkout.pk), currency=checkout.currency)
            except Refusal as refusal:
                raise refused(refusal.phrase or refusal.message, checkout) from refusal
        return previous_value

    def order_created(self, order: Order, previous_value: Any) -> Any:
        """Keep what the order was sold for, then do what the plugin does on every host."""
        if self.active:
            sold.record(order)
        return super().order_created(order, previous_value)  # type: ignore[misc]


def _scaled(given: TaxedMoney, line: LinePrice) -> TaxedMoney:
    """Return the line's price with each side brought down as its entered price was.

    Net or gross, whichever prices are entered in, becomes the exact unit price; the other follows
    in proportion, rounded half up per unit.
    """
    if not line.total_minor:
        return given
    share = Fraction(line.unit_minor, line.total_minor)
    exponent = exponent_of(given.currency)

    def side(money: Money) -> Money:
        unit = round_half_up(Fraction(money.amount) * 10**exponent * share)
        return Money(from_minor(line.quantity * unit, exponent), money.currency)

    return TaxedMoney(net=side(given.net), gross=side(given.gross))
