"""The plugin hooks that concern prices on Saleor 3.x, taken in by the plugin class.

They do what the price pass cannot see: a checkout that changed hands without a recalculation, and
a price that changed between the last look and the order. None of them prices anything itself.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from saleor_retention.engine.phrases import _, phrase
from saleor_retention.errors import Code, Refusal
from saleor_retention.host import codes
from saleor_retention.host.guard import never_raises
from saleor_retention.host.refusing import refused
from saleor_retention.services.checkout.pricing import Decision

from . import effects, gift_lines, price_pass, seam, vouchers

logger = logging.getLogger(__name__)

CHANGED = phrase(
    _("Member prices of this cart have changed. Please review the new total and try again.")
)
CHARGED = phrase(_("A gift of this cart is not free any more and was taken off. Please try again."))


def plugin_mixin() -> type:
    """Return what the plugin class takes in on this host, before its own hooks."""
    return PriceHooks


class PriceHooks:
    """Identity changes, priming of tax apps, holds, and the last look before an order."""

    def checkout_created(self, checkout: Any, previous_value: Any = None, **_kwargs: Any) -> Any:
        """Have our rows in the database before Saleor tells a tax app of the lines."""
        _prime(checkout)
        return previous_value

    def checkout_updated(self, checkout: Any, previous_value: Any = None, **_kwargs: Any) -> Any:
        """Let prices expire that were computed for somebody else, and fit points to the cart."""
        _keep_up(checkout)
        return previous_value

    def preprocess_order_creation(
        self, checkout_info: Any, lines: Sequence[Any], previous_value: Any
    ) -> Any:
        """Refuse an order at prices that are not ours any more; the next look shows new ones."""
        checkout = checkout_info.checkout
        is_outdated, decision = _last_look(lines)
        if is_outdated:
            _refresh(str(checkout.pk))
            raise refused(CHANGED, checkout)
        _refuse_charged_gifts(checkout, lines, decision)
        codes.reserve(checkout)
        _reserve(checkout, decision)
        return previous_value


@never_raises
def _prime(checkout: Any) -> None:
    if not seam.status().is_sound or not seam.needs_priming():
        return
    _recalculate(checkout)


@never_raises
def _keep_up(checkout: Any) -> None:
    checkout_ref = str(checkout.pk)
    if not seam.status().is_sound:
        effects.strip_own_rows([checkout_ref])
        return
    has_changed_hands, has_hold, has_gift = effects.catch_up(checkout_ref)
    if has_gift:
        from saleor_retention.services.offering import gifts

        gifts.keep_gifts(checkout_ref)
    if has_hold:
        from saleor_retention.services.checkout import redeeming

        redeeming.fit_hold(checkout_ref)
    if has_changed_hands and seam.needs_priming():
        _recalculate(checkout)


def _refresh(checkout_ref: str) -> None:
    if seam.status().is_sound:
        effects.reprice(checkout_ref)
    else:
        effects.strip_own_rows([checkout_ref])


def reprice(checkout_ref: str) -> None:
    """Make the checkout compute its prices afresh when next read.

    On 3.21 and 3.22 our rows are brought up to date at once: a tax app is told of the lines before
    that next read computes them.
    """
    effects.reprice(checkout_ref)
    if seam.status().is_sound and seam.needs_priming():
        _prime_again(checkout_ref)


def reprice_channels(channel_refs: Sequence[str], after_ref: str, limit: int) -> str | None:
    """Do the same for up to ``limit`` checkouts; return the last ref, or None when that was all."""
    refs = effects.expire_channels(channel_refs, after_ref, limit)
    if seam.status().is_sound and seam.needs_priming():
        for checkout_ref in refs:
            _prime_again(checkout_ref)
    return refs[-1] if len(refs) == limit else None


@never_raises
def _prime_again(checkout_ref: str) -> None:
    from saleor.checkout.models import Checkout

    with price_pass.shield():
        checkout = Checkout.objects.filter(pk=checkout_ref).first()
        if checkout is not None:
            _recalculate(checkout)


def _recalculate(checkout: Any) -> None:
    """Write Saleor's rows and ours now, as Saleor itself would a moment later."""
    from saleor.checkout.fetch import fetch_checkout_lines
    from saleor.discount.utils import checkout as seam_module

    lines_info, _unavailable = fetch_checkout_lines(checkout)
    if lines_info:
        seam_module.create_checkout_line_discount_objects_for_catalogue_promotions(lines_info)
        vouchers.refresh_primed(checkout, lines_info)


def _last_look(lines: Sequence[Any]) -> tuple[bool, Decision | None]:
    """Tell whether an engine or tier of now would price these lines otherwise, and how.

    A fault of ours does not stop an order: its rows are those the shopper saw.
    """
    try:
        with price_pass.shield():
            found = price_pass.look(lines) if lines else None
        if found is None:
            return False, None
        return not price_pass.is_up_to_date(lines, *found), found[1]
    except Exception:
        logger.exception("Could not look at the price of an order once more.")
        return False, None


def _refuse_charged_gifts(checkout: Any, lines: Sequence[Any], decision: Decision | None) -> None:
    """Take off what was added for a gift and would be paid for; nothing after a fault of ours."""
    charged = [] if decision is None else gift_lines.charged(lines, decision.quote)
    if charged:
        with price_pass.shield():
            gift_lines.take_off(str(checkout.pk), charged)
        raise refused(CHARGED, checkout)


def _reserve(checkout: Any, decision: Decision | None) -> None:
    """Set aside what the price uses of its offers; where one is used up, show the price without.

    Nothing is asked for a price without offers; after a fault of ours the stored one says which
    there are. A price that money was authorized on is honored no longer when an offer of it has
    gone: no order passes a limit. See ``services.offering.offer_uses`` for faults.
    """
    from saleor_retention.services.offering import offer_uses

    if decision is not None and decision.quote is None:
        return
    quote = None if decision is None else decision.quote
    checkout_ref = str(checkout.pk)
    try:
        with effects.writer():
            offer_uses.reserve_for(checkout_ref, currency=checkout.currency, quote=quote)
    except Refusal as refusal:
        if refusal.code is not Code.BUSY:
            effects.strip_own_rows([checkout_ref])
        raise refused(refusal.phrase or refusal.message, checkout) from refusal
