"""Keeps the amount of a voucher on the whole order true when our rows change without a cart change.

Saleor computes that amount in cart mutations only and stores it. When prices are refreshed because
a tier or a redemption changed, the old amount would come off the new subtotal: 20 % of a price that
nobody pays any more.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Any

from . import price_pass

logger = logging.getLogger(__name__)


def refresh(checkout_info: Any, lines_info: Sequence[Any]) -> None:
    """Recompute the stored amount of an order-level voucher if our rows just changed; never raises.

    Whether the voucher still applies is Saleor's to decide, with the next cart change, as ever.
    """
    if not lines_info or not price_pass.take_changed(lines_info):
        return
    _refresh_safely(checkout_info.checkout, lines_info, lambda: checkout_info.voucher)


def refresh_primed(checkout: Any, lines_info: Sequence[Any]) -> None:
    """Do the same where our rows were written before Saleor looks at the checkout; never raises."""
    if not checkout.voucher_code or not price_pass.take_changed(lines_info):
        return
    from saleor.checkout.utils import get_voucher_for_checkout

    _refresh_safely(
        checkout, lines_info, lambda: get_voucher_for_checkout(checkout, checkout.channel.slug)[0]
    )


def _refresh_safely(
    checkout: Any, lines_info: Sequence[Any], voucher_of: Callable[[], Any]
) -> None:
    from saleor.discount.utils.voucher import is_order_level_voucher

    try:
        with price_pass.shield():
            voucher = voucher_of()
            if is_order_level_voucher(voucher):
                _refresh(checkout, voucher, lines_info)
    except Exception:
        logger.exception("The voucher of checkout %s was not refreshed.", checkout.pk)


def _refresh(checkout: Any, voucher: Any, lines_info: Sequence[Any]) -> None:
    from saleor.checkout.base_calculations import base_checkout_subtotal
    from saleor.checkout.models import Checkout

    channel = checkout.channel
    subtotal = base_checkout_subtotal(lines_info, channel, checkout.currency)
    discount = min(voucher.get_discount_amount_for(subtotal, channel), subtotal)
    if discount == checkout.discount:
        return
    checkout.discount = discount
    Checkout.objects.filter(pk=checkout.pk).update(discount_amount=discount.amount)
