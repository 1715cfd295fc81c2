"""A checkout of 2.10.1 as the engine prices it, read together with its standing in one statement.

2.10.1 stores no prices on checkouts: a line costs what its variant costs now, less the sales that
are running. Saleor reads those once per request and hands them to the price hooks, and so to here.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

from prices import Money
from saleor.core.taxes import quantize_price
from saleor.discount import DiscountInfo
from saleor.discount.utils import calculate_discounted_price

from saleor_retention import conf
from saleor_retention.engine.facts import BasketFacts, BasketLine, GoodsFacts
from saleor_retention.engine.money import to_minor
from saleor_retention.selectors.standing import Standing, lookup, standing_of

from .conflicts import AVATAX, price_plugins_after_ours
from .shop import CHANNEL_REF, exponent_of

# Money is committed by a payment that took any, or that waits for the shopper to confirm it.
SOURCE = """
    SELECT checkout.token::text AS ref, checkout.user_id::text AS user_ref,
           COALESCE(buyer.is_active, false) AS is_confirmed,
           %(channel_ref)s AS channel_ref,
           COALESCE(plugin.active, true) AND %(has_no_conflict)s AND NOT EXISTS (
               SELECT 1 FROM plugins_pluginconfiguration
               WHERE identifier = %(avatax)s AND active)
           AS is_active,
           EXISTS (SELECT 1 FROM payment_payment payment
                   WHERE payment.checkout_id = checkout.token AND payment.is_active
                     AND (payment.to_confirm OR payment.captured_amount > 0
                          OR EXISTS (SELECT 1 FROM payment_transaction item
                                     WHERE item.payment_id = payment.id AND item.is_success
                                       AND item.kind = 'auth')))
           AS is_money_committed,
           checkout.shipping_method_id,
           jsonb_build_object(
               'currency', checkout.currency,
               'voucher_code', checkout.voucher_code,
               'has_hold', EXISTS (SELECT 1 FROM saleor_retention_hold hold
                                   WHERE hold.checkout_ref = checkout.token::text
                                     AND hold.state = 'placed'),
               'lines', (
               SELECT jsonb_agg(jsonb_build_object(
                   'ref', line.id::text, 'quantity', line.quantity,
                   'variant', variant.id, 'product', product.id, 'category', product.category_id,
                   'price', COALESCE(variant.price_override_amount, product.price_amount)::text,
                   'categories', (
                       SELECT jsonb_agg(above.id::text)
                       FROM product_category own
                       JOIN product_category above ON above.tree_id = own.tree_id
                            AND above.lft <= own.lft AND above.rght >= own.rght
                       WHERE own.id = product.category_id),
                   'collections', (
                       SELECT jsonb_agg(place.collection_id)
                       FROM product_collectionproduct place
                       WHERE place.product_id = product.id)
               ) ORDER BY line.id)
               FROM checkout_checkoutline line
               JOIN product_productvariant variant ON variant.id = line.variant_id
               JOIN product_product product ON product.id = variant.product_id
               WHERE line.checkout_id = checkout.token)) AS extra
    FROM checkout_checkout checkout
    LEFT JOIN account_user buyer ON buyer.id = checkout.user_id
    LEFT JOIN plugins_pluginconfiguration plugin ON plugin.identifier = %(plugin_id)s
    WHERE checkout.token = %(token)s::uuid
"""

DELIVERY = """
    SELECT method.price_amount FROM shipping_shippingmethod method
    WHERE method.id = source.shipping_method_id
"""


def look(checkout_ref: str) -> Standing | None:
    """Return where the checkout stands, its lines in ``extra``; None when it is gone.

    Beside a plugin that ours cannot price with it is as if ours were switched off.
    """
    token = token_of(checkout_ref)
    if token is None:
        return None
    params = {
        "token": token,
        "channel_ref": CHANNEL_REF,
        "plugin_id": conf.PLUGIN_ID,
        "has_no_conflict": not price_plugins_after_ours(),
        "avatax": AVATAX,
    }
    return standing_of(lookup(SOURCE, DELIVERY), params)


def token_of(checkout_ref: str) -> str | None:
    """Return the reference as the key it should be, or None."""
    try:
        return str(uuid.UUID(checkout_ref))
    except ValueError:
        return None


def basket_of(standing: Standing, sales: Iterable[DiscountInfo]) -> BasketFacts:
    """Return the basket that came with the standing, at the prices of these sales."""
    currency = standing.extra["currency"]
    exponent = exponent_of(currency)
    found = list(sales)
    return BasketFacts(
        ref=standing.checkout_ref,
        channel_ref=standing.channel_ref,
        currency=currency,
        exponent=exponent,
        user_ref=standing.user_ref,
        lines=tuple(
            _line(line, currency, exponent, found) for line in standing.extra["lines"] or ()
        ),
    )


def _line(
    line: Mapping[str, Any], currency: str, exponent: int, sales: list[DiscountInfo]
) -> BasketLine:
    list_price = Money(Decimal(line["price"]), currency)
    collections = line["collections"] or ()
    unit = calculate_discounted_price(
        product=SimpleNamespace(id=line["product"], category_id=line["category"]),
        price=list_price,
        collections=[SimpleNamespace(id=pk) for pk in collections],
        discounts=sales,
    )
    total = quantize_price(line["quantity"] * unit, currency)
    return BasketLine(
        ref=line["ref"],
        goods=GoodsFacts(
            variant_ref=str(line["variant"]),
            product_ref=str(line["product"]),
            category_refs=frozenset(line["categories"] or ()),
            collection_refs=frozenset(str(pk) for pk in collections),
        ),
        quantity=line["quantity"],
        unit_minor=to_minor(quantize_price(list_price, currency).amount, exponent),
        total_minor=to_minor(total.amount, exponent),
    )
