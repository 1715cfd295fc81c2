"""Checkouts for the services: facts, locks, and what has to be computed afresh."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils import timezone
from saleor.checkout.models import Checkout
from saleor.core.taxes import include_taxes_in_prices
from saleor.discount import DiscountInfo, VoucherType
from saleor.discount.models import Voucher
from saleor.discount.utils import fetch_discounts

from saleor_retention.engine.money import to_minor
from saleor_retention.engine.pricing import POINTS_RULE
from saleor_retention.host.contract import CheckoutFacts, PaidLine, PricedCheckout
from saleor_retention.models import StoredQuote

from . import prices, vouchers
from .basket import token_of
from .shop import CHANNEL_REF


def checkout_facts(checkout_ref: str) -> CheckoutFacts | None:
    """Read a checkout and its standing in one statement, and its sales in four.

    A voucher takes one more, and one on specific products five.
    """
    found = prices.look(checkout_ref, fetch_discounts(timezone.now()))
    if found is None:
        return None
    return CheckoutFacts(
        basket=found.basket,
        is_money_committed=found.standing.is_money_committed,
        outer_share_ppm=_outer_share_ppm(found, _voucher(found)),
        standing=found.standing,
    )


def lock_checkout(checkout_ref: str) -> bool:
    """Lock the checkout's row until the transaction ends; False when it is gone."""
    token = token_of(checkout_ref)
    found = Checkout.objects.select_for_update().filter(pk=token).values_list("pk")
    return token is not None and bool(found.order_by())


def existing_checkouts(checkout_refs: Iterable[str]) -> set[str]:
    """Return those that still exist."""
    tokens = [token for token in map(token_of, checkout_refs) if token]
    found = Checkout.objects.filter(pk__in=tokens).order_by().values_list("pk", flat=True)
    return {str(pk) for pk in found}


def reprice(checkout_ref: str) -> None:
    """Bring the voucher's discount up to date: the one price that 2.10.1 keeps on a checkout."""
    checkout = Checkout.objects.filter(pk=token_of(checkout_ref), voucher_code__isnull=False)
    if checkout.exists():
        prices.price_of(checkout_ref, fetch_discounts(timezone.now()))


def reprice_some(channel_refs: Sequence[str], after_ref: str, limit: int) -> str | None:
    """Reprice up to ``limit`` checkouts with a voucher, by reference after ``after_ref``.

    Returns the last one to go on after, or None when that was all.
    """
    if CHANNEL_REF not in channel_refs:
        return None
    found = Checkout.objects.filter(voucher_code__isnull=False)
    if after_ref:
        found = found.filter(pk__gt=after_ref)
    sales = fetch_discounts(timezone.now())
    refs = [str(pk) for pk in found.order_by("pk").values_list("pk", flat=True)[:limit]]
    for ref in refs:
        prices.price_of(ref, sales)
    return refs[-1] if len(refs) == limit else None


def forget_quotes(checkout_refs: Iterable[str] | None) -> int:
    """Delete the stored quotes of open checkouts (of all, or of these); return how many.

    Quotes of checkouts that became orders stay: orders are settled under them.
    """
    quotes = StoredQuote.objects.filter(order_ref="")
    if checkout_refs is not None:
        quotes = quotes.filter(checkout_ref__in=list(checkout_refs))
    forgotten = 0
    for ref in existing_checkouts(quotes.values_list("checkout_ref", flat=True)):
        count, _ = StoredQuote.objects.filter(checkout_ref=ref, order_ref="").delete()
        forgotten += count
        reprice(ref)
    return forgotten


def checkout_prices(info: Any, checkout: Checkout) -> Any:
    """Promise what each line costs the shopper, its part of voucher and remainder taken off."""
    from saleor.graphql.discount.dataloaders import DiscountsByDateTimeLoader

    context = info.context
    sales = DiscountsByDateTimeLoader(context).load(context.request_time)
    return sales.then(lambda found: _priced(context.plugins, checkout, found))


def _priced(
    manager: Any, checkout: Checkout, sales: Sequence[DiscountInfo]
) -> PricedCheckout | None:
    ref = str(checkout.pk)
    remainder = prices.price_of(ref, sales).remainder_minor  # first: it stores what it decides
    found = prices.look(ref, sales)
    if found is None:
        return None
    voucher = _voucher(found)
    discount = _OrderDiscount(
        minor=to_minor(checkout.discount_amount, found.basket.exponent) + remainder,
        is_on_shipping=voucher is not None and voucher.type == VoucherType.SHIPPING,
    )
    return PricedCheckout(
        basket=found.basket,
        standing=found.standing,
        decision=found.decision,
        paid=_paid(manager, checkout, found.basket.exponent, sales, discount),
        outer_share_ppm=_outer_share_ppm(found, voucher),
        has_tax_in_prices=include_taxes_in_prices(),
    )


@dataclass(frozen=True, slots=True)
class _OrderDiscount:
    """What is taken off the whole checkout: the voucher's discount and our remainder."""

    minor: int
    is_on_shipping: bool


def _paid(
    manager: Any,
    checkout: Checkout,
    exponent: int,
    sales: Sequence[DiscountInfo],
    discount: _OrderDiscount,
) -> tuple[PaidLine, ...]:
    """Return what each line costs by the hooks of all plugins, less its part of the discount."""
    lines = list(
        checkout.lines.select_related("variant__product").prefetch_related(
            "variant__product__collections"
        )
    )
    totals = [manager.calculate_checkout_line_total(line, sales) for line in lines]
    gross = [to_minor(total.gross.amount, exponent) for total in totals]
    method = checkout.shipping_method
    off, _ = vouchers.spread(
        discount.minor,
        gross,
        0 if method is None else to_minor(method.get_total().amount, exponent),
        is_on_shipping=discount.is_on_shipping,
    )
    return tuple(
        PaidLine(
            ref=str(line.pk),
            net_minor=max(0, to_minor(total.net.amount, exponent) - part),
            gross_minor=to_minor(total.gross.amount, exponent) - part,
        )
        for line, total, part in zip(lines, totals, off, strict=True)
    )


def _voucher(found: prices.Look) -> Voucher | None:
    """Return the voucher on the checkout while it is valid."""
    code = found.standing.extra["voucher_code"]
    return Voucher.objects.active(timezone.now()).filter(code=code).first() if code else None


def _outer_share_ppm(found: prices.Look, voucher: Voucher | None) -> int:
    """Return how much of the points' discount the voucher lets through."""
    if voucher is None:
        return vouchers.PPM
    variants = [line.goods.variant_ref for line in found.basket.lines]
    terms = vouchers.terms_of(voucher, variants, found.basket.exponent)
    return vouchers.share_ppm(
        terms, _units(found, with_points=False), _units(found, with_points=True)
    )


def _units(found: prices.Look, *, with_points: bool) -> list[vouchers.Units]:
    """Return units at our prices, with what points take off them or without."""
    quote = found.decision.quote
    off: dict[str, int] = {}
    for item in quote.allocations if quote else ():
        if with_points or item.rule_key != POINTS_RULE:
            off[item.line_ref] = off.get(item.line_ref, 0) + item.amount_minor
    return [
        vouchers.Units(
            variant_ref=line.goods.variant_ref,
            quantity=line.quantity,
            unit_minor=(line.total_minor - off.get(line.ref, 0)) // line.quantity,
        )
        for line in found.basket.lines
        if line.quantity
    ]
