"""Checkouts for the redemption services and for what GraphQL says of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from saleor.checkout.fetch import fetch_checkout_lines
from saleor.checkout.lock_objects import checkout_qs_select_for_update
from saleor.checkout.models import Checkout
from saleor.order.models import Order

from saleor_retention.host.contract import CheckoutFacts, PaidLine, PricedCheckout

from . import basket, price_pass, shares
from .effects import is_uuid


def lock_checkout(checkout_ref: str) -> bool:
    """Lock the checkout's row for this database transaction; False when it is gone."""
    if not is_uuid(checkout_ref):
        return False
    found = checkout_qs_select_for_update().filter(pk=checkout_ref)
    return bool(found.values_list("pk", flat=True))


def existing_checkouts(checkout_refs: Iterable[str]) -> set[str]:
    """Return those that still exist."""
    keys = [ref for ref in checkout_refs if is_uuid(ref)]
    return {str(pk) for pk in Checkout.objects.filter(pk__in=keys).values_list("pk", flat=True)}


def order_ref_of_checkout(checkout_ref: str) -> str | None:
    """Return the order made from that checkout, if any."""
    found = Order.objects.filter(checkout_token=checkout_ref).exclude(status="draft")
    pk = found.order_by("created_at").values_list("pk", flat=True).first()
    return str(pk) if pk else None


def checkout_facts(checkout_ref: str) -> CheckoutFacts | None:
    """Read a checkout from the default database; None when it is gone or empty of lines."""
    checkout = Checkout.objects.filter(pk=checkout_ref).first() if is_uuid(checkout_ref) else None
    if checkout is None:
        return None
    lines_info, _unavailable = fetch_checkout_lines(checkout)
    found = price_pass.survey(checkout.pk, checkout.currency, lines_info)
    if found is None:
        return None
    standing, facts = found
    return CheckoutFacts(
        basket=facts,
        is_money_committed=standing.is_money_committed,
        outer_share_ppm=shares.of_checkout(checkout, lines_info),
        standing=standing,
    )


def priced_checkout(checkout_info: Any, lines_info: Sequence[Any]) -> PricedCheckout | None:
    """Return what GraphQL says of a checkout whose prices were just brought up to date."""
    checkout = checkout_info.checkout
    found = price_pass.survey(checkout.pk, checkout.currency, lines_info)
    if found is None:
        return None
    standing, facts = found
    exponent = facts.exponent
    return PricedCheckout(
        basket=facts,
        standing=standing,
        decision=price_pass.decide(facts, standing),
        paid=tuple(
            PaidLine(
                ref=str(info.line.pk),
                net_minor=basket.minor(info.line.total_price_net_amount, exponent),
                gross_minor=basket.minor(info.line.total_price_gross_amount, exponent),
            )
            for info in lines_info
        ),
        outer_share_ppm=shares.of_checkout(checkout, lines_info),
        has_tax_in_prices=checkout_info.tax_configuration.prices_entered_with_tax,
    )
