"""Whose codes a checkout may take: asked when a code is put on it, and before it becomes an order.

Neither Saleor calls a plugin when a code is added, so its own saving of the checkout is listened
to: an error there is the error of the mutation, and nothing is saved.
"""

from __future__ import annotations

import logging
from collections.abc import Collection
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models.signals import pre_save

from saleor_retention import host
from saleor_retention.errors import Refusal
from saleor_retention.host.refusing import refused, said

logger = logging.getLogger(__name__)

NOT_APPLICABLE = "voucher_not_applicable"  # an error code of every Saleor's checkouts


def listen(checkout_model: type) -> None:
    """Begin to look at the codes that checkouts of this model take; a second time changes nothing.

    Switching the plugin off does not make a personal code everybody's.
    """
    pre_save.connect(_look, sender=checkout_model, dispatch_uid="saleor_retention.codes")


def reserve(checkout: Any) -> None:
    """Set a use of the checkout's coupon aside; ``ValidationError`` where it may not be used."""
    if not checkout.voucher_code:
        return
    from saleor_retention.services.couponing import coupon_uses

    try:
        with host.current().writer():
            coupon_uses.reserve_for(
                str(checkout.pk), code=checkout.voucher_code, user_ref=_user_ref(checkout)
            )
    except Refusal as refusal:
        raise refused(refusal.phrase or refusal.message, checkout) from refusal


def _look(instance: Any, update_fields: Collection[str] | None = None, **_more: Any) -> None:
    if not update_fields or "voucher_code" not in update_fields or not instance.voucher_code:
        return
    if "price_expiration" in update_fields:  # prices are being stored, nobody adds a code
        return
    refusal = _refusal_of(instance)
    if refusal is not None and not _is_on_already(instance):
        message = said(refusal.phrase or refusal.message, instance)
        error = ValidationError(message, code=NOT_APPLICABLE)
        raise ValidationError({"promo_code": error})


def _refusal_of(checkout: Any) -> Refusal | None:
    """Return why not; a fault of ours stops nobody, the last look comes before the order."""
    from saleor_retention.services.couponing import coupon_uses

    try:
        with host.current().writer():
            return coupon_uses.refusal_of(
                str(checkout.pk), code=checkout.voucher_code, user_ref=_user_ref(checkout)
            )
    except Exception:
        logger.exception("Could not look at the code of checkout %s.", checkout.pk)
        return None


def _is_on_already(checkout: Any) -> bool:
    """Tell a code that is saved once more, which is left to the last look, from one put on now."""
    stored = type(checkout).objects.filter(pk=checkout.pk, voucher_code=checkout.voucher_code)
    with host.current().writer():
        return bool(stored.exists())


def _user_ref(checkout: Any) -> str | None:
    return None if checkout.user_id is None else str(checkout.user_id)
