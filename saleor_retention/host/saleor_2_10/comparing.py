"""What a checkout would cost with a voucher code: computed by Saleor itself, and undone.

Saleor prices what is stored, so the code is put on the checkout in a savepoint that is always
rolled back; nothing that waits for a commit is done.
"""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from saleor.checkout.calculations import checkout_total
from saleor.checkout.models import Checkout
from saleor.checkout.utils import add_voucher_code_to_checkout, remove_voucher_from_checkout
from saleor.discount.utils import fetch_discounts

from saleor_retention.engine.money import to_minor
from saleor_retention.host.contract import CodeTotals

from .basket import token_of
from .shop import exponent_of


def code_totals(checkout_ref: str, code: str) -> CodeTotals | None:
    """Return the totals of a checkout without a voucher and with this one; None when it is gone."""
    token = token_of(checkout_ref)
    if token is None or not Checkout.objects.filter(pk=token).exists():
        return None
    without = _total(token, None)
    try:
        total = _total(token, code)
    except ValidationError:  # no such code, or not for this checkout
        return CodeTotals(without_minor=without, with_minor=None)
    return CodeTotals(without_minor=without, with_minor=total)


def _total(token: str, code: str | None) -> int:
    """Return what is to be paid with tax, in minor units, before gift cards."""
    with transaction.atomic():
        checkout = Checkout.objects.get(pk=token)
        sales = fetch_discounts(timezone.now())
        lines = list(checkout)
        if checkout.voucher_code:
            remove_voucher_from_checkout(checkout)
        if code is not None:
            add_voucher_code_to_checkout(checkout, lines, code, sales)
        total = checkout_total(checkout=checkout, lines=lines, discounts=sales)
        transaction.set_rollback(True)
    return to_minor(total.gross.amount, exponent_of(total.currency))
