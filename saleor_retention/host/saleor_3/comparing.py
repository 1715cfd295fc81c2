"""What a checkout would cost with a voucher code: computed by Saleor itself, and undone.

Saleor prices what is stored, so the code is put on the checkout in a savepoint that is always
rolled back. Webhooks and tasks wait for a commit that never comes; only a tax app is asked, as it
is for any price.
"""

from __future__ import annotations

from inspect import signature
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from promise import is_thenable
from saleor.checkout import calculations
from saleor.checkout.fetch import fetch_checkout_info, fetch_checkout_lines
from saleor.checkout.models import Checkout
from saleor.checkout.utils import add_voucher_code_to_checkout, remove_voucher_from_checkout
from saleor.plugins.manager import get_plugins_manager

from saleor_retention.host.contract import CodeTotals

from .basket import currency_exponent, minor
from .effects import is_uuid, writer

_total_of = getattr(calculations, "calculate_checkout_total", None) or calculations.checkout_total
"""Saleor's own, by its name of 3.22 and later or of 3.21."""


def code_totals(checkout_ref: str, code: str) -> CodeTotals | None:
    """Return the totals of a checkout without a voucher and with this one; None when it is gone."""
    if not is_uuid(checkout_ref):
        return None
    with writer():
        if not Checkout.objects.filter(pk=checkout_ref).exists():
            return None
        without = _total(checkout_ref, None)
        try:
            total = _total(checkout_ref, code)
        except ValidationError:  # no such code, or not for this checkout
            total = None
    return CodeTotals(without_minor=without, with_minor=total)


def _total(checkout_ref: str, code: str | None) -> int:
    """Return what is to be paid with tax, in minor units, before gift cards."""
    with transaction.atomic():
        checkout = Checkout.objects.get(pk=checkout_ref)
        manager = get_plugins_manager(allow_replica=False)
        if checkout.voucher_code:
            remove_voucher_from_checkout(checkout)
        if code is not None:
            add_voucher_code_to_checkout(manager, *_loaded(checkout, manager), code)
        info, lines = _loaded(Checkout.objects.get(pk=checkout_ref), manager)
        total = _calculated(manager, info, lines)
        transaction.set_rollback(True)
    return minor(total.gross.amount, currency_exponent(total.currency))


def _loaded(checkout: Any, manager: Any) -> tuple[Any, Any]:
    """Return the checkout and its lines as Saleor's functions take them."""
    lines, _unavailable = fetch_checkout_lines(checkout)
    return fetch_checkout_info(checkout, lines, manager), lines


def _calculated(manager: Any, info: Any, lines: Any) -> Any:
    given = {"manager": manager, "checkout_info": info, "lines": lines, "force_update": True}
    if "address" in signature(_total_of).parameters:  # up to 3.22
        given["address"] = info.shipping_address or info.billing_address
    total = _total_of(**given)
    return total.get() if is_thenable(total) else total
