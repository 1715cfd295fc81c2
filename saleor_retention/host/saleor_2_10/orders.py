"""An order of 2.10.1 as the engine sees it, read afresh.

2.10.1 keeps unit prices and one discount for the whole order, payments instead of transactions, and
no returns. So goods are never returned by line: what comes back is money, and only money refunded
beyond the price of the goods can be told to be shipping. There is no column for the last change
either; it is put together from what an order's events leave behind.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
from decimal import Decimal
from itertools import accumulate
from typing import TYPE_CHECKING

from django.db import connection
from django.db.models import Count, Prefetch
from saleor.discount import VoucherType
from saleor.order import FulfillmentStatus, OrderStatus
from saleor.order.models import Fulfillment, Order
from saleor.order.models import OrderLine as SaleorLine
from saleor.payment import TransactionKind

from saleor_retention.engine.facts import GoodsFacts, OrderFacts, OrderLine, OrderState, Origin
from saleor_retention.engine.money import allocate, to_minor
from saleor_retention.engine.pricing import POINTS_RULE
from saleor_retention.engine.quote_payload import allocations_of
from saleor_retention.host import goods
from saleor_retention.host.contract import PastOrder, Purchase
from saleor_retention.host.goods import goods_of_variants, numbers
from saleor_retention.models import StoredQuote

from . import vouchers
from .shop import CHANNEL_REF, exponent_of

if TYPE_CHECKING:
    from saleor.payment.models import Payment

# Order events tell of most changes; a refund or capture through the payment mutations leaves none,
# but changes the payment. Events and transactions have no index on their date: this reads them all.
CHANGED = """
SELECT changed.order_id::text, max(changed.at) AS at
FROM (
    SELECT id AS order_id, created AS at FROM order_order WHERE created >= %(at)s
    UNION ALL
    SELECT order_id, date FROM order_orderevent WHERE date >= %(at)s
    UNION ALL
    SELECT order_id, created FROM order_fulfillment WHERE created >= %(at)s
    UNION ALL
    SELECT order_id, modified FROM payment_payment WHERE modified >= %(at)s
    UNION ALL
    SELECT payment.order_id, item.created
    FROM payment_transaction item JOIN payment_payment payment ON payment.id = item.payment_id
    WHERE item.created >= %(at)s
) changed
JOIN order_order ON order_order.id = changed.order_id AND order_order.status <> 'draft'
GROUP BY changed.order_id
ORDER BY at, changed.order_id
LIMIT %(limit)s
"""

# The key of a record's order, and NULL for a receipt of a till.
ORDER_ID = """
CASE WHEN record.order_ref ~ '^[1-9][0-9]{0,8}$' THEN record.order_ref::integer END
""".strip()

# The index on the customer gives the order; a customer's own orders are few to sort.
PAST = """
SELECT user_id::text, created, id::text
FROM order_order
WHERE user_id IS NOT NULL AND status <> 'draft' AND created < %(end_at)s
  AND (%(start_at)s::timestamptz IS NULL OR created >= %(start_at)s::timestamptz)
  AND (%(user_id)s::int IS NULL
       OR (user_id, created, id) > (%(user_id)s::int, %(created)s::timestamptz, %(id)s::int))
ORDER BY order_order.user_id, order_order.created, order_order.id
LIMIT %(limit)s
"""


def orders_facts(order_refs: Sequence[str]) -> dict[str, OrderFacts]:
    """Return orders by reference in six statements; unknown ones are absent.

    A voucher on specific products takes four more.
    """
    orders = list(
        Order.objects.filter(pk__in=numbers(order_refs))
        .select_related("user", "voucher")
        .prefetch_related(
            Prefetch("lines", SaleorLine.objects.select_related("variant__product")),
            "payments__transactions",
            Prefetch(
                "fulfillments", Fulfillment.objects.filter(status=FulfillmentStatus.FULFILLED)
            ),
        )
    )
    lines = [line for order in orders for line in order.lines.all() if line.variant_id]
    goods = goods_of_variants(str(line.variant_id) for line in lines) if lines else {}
    return {str(order.pk): _facts(order, goods) for order in orders}


def order_refs_updated_since(at: dt.datetime, limit: int) -> list[tuple[str, dt.datetime]]:
    """Return orders changed from ``at`` on with the instant of their last change, oldest first."""
    with connection.cursor() as cursor:
        cursor.execute(CHANGED, {"at": at, "limit": limit})
        return [(ref, changed_at) for ref, changed_at in cursor.fetchall()]


def past_orders(
    channel_refs: Sequence[str],
    start_at: dt.datetime | None,
    end_at: dt.datetime,
    after: PastOrder | None,
    limit: int,
) -> list[PastOrder]:
    """Return customers' orders of a time, customer by customer; none in another channel."""
    if CHANNEL_REF not in channel_refs:
        return []
    parameters = {
        "start_at": start_at,
        "end_at": end_at,
        "user_id": None if after is None else int(after.user_ref),
        "created": None if after is None else after.created_at,
        "id": None if after is None else int(after.ref),
        "limit": limit,
    }
    with connection.cursor() as cursor:
        cursor.execute(PAST, parameters)
        return [PastOrder(*row) for row in cursor.fetchall()]


def count_past_orders(
    channel_refs: Sequence[str], start_at: dt.datetime | None, end_at: dt.datetime
) -> tuple[int, int]:
    """Return how many orders of customers, and of guests, were created in that time."""
    if CHANNEL_REF not in channel_refs:
        return 0, 0
    orders = Order.objects.exclude(status=OrderStatus.DRAFT).filter(created__lt=end_at)
    if start_at is not None:
        orders = orders.filter(created__gte=start_at)
    counted = orders.aggregate(all=Count("pk"), owned=Count("user"))
    return counted["owned"], counted["all"] - counted["owned"]


def purchases(
    variant_refs: Collection[str], channel_refs: Collection[str], user_refs: Collection[str]
) -> list[Purchase]:
    """Return what these customers ordered of these variants, oldest first; one statement."""
    if CHANNEL_REF not in channel_refs:
        return []
    lines = SaleorLine.objects.filter(
        variant__in=numbers(variant_refs), order__user__in=numbers(user_refs)
    ).exclude(order__status__in=(OrderStatus.DRAFT, OrderStatus.CANCELED))
    rows = lines.order_by("order__created", "pk").values_list(
        "order__user_id", "variant_id", "order__created", "quantity"
    )
    return [
        Purchase(str(user), str(variant), at, count, CHANNEL_REF)
        for user, variant, at, count in rows
    ]


def sold() -> str:
    """Return the condition that the order of ``record.order_ref`` has some goods at a price."""
    return goods.sold(ORDER_ID)


def order_counts(channel_refs: Collection[str], user_refs: Collection[str]) -> dict[str, int]:
    """Return how many orders these customers placed, by customer; one statement."""
    if CHANNEL_REF not in channel_refs:
        return {}
    orders = Order.objects.filter(user__in=numbers(user_refs))
    orders = orders.exclude(status__in=(OrderStatus.DRAFT, OrderStatus.CANCELED)).order_by()
    counted = orders.values("user_id").annotate(count=Count("pk"))
    return {str(user): count for user, count in counted.values_list("user_id", "count")}


def order_ref_of_checkout(checkout_ref: str) -> str | None:
    """Return the order made from the checkout; a draft has none."""
    orders = (
        Order.objects.filter(checkout_token=checkout_ref) if checkout_ref else Order.objects.none()
    )
    pk = orders.order_by("pk").values_list("pk", flat=True).first()
    return None if pk is None else str(pk)


def _facts(order: Order, goods: dict[str, GoodsFacts]) -> OrderFacts:
    exponent = exponent_of(order.currency)
    total = to_minor(order.total_gross_amount, exponent)
    lines, shipping_net, shipping_gross, share = _prices(order, goods, exponent)
    paid_at, refunded = _payments(order, total, exponent)
    return OrderFacts(
        ref=str(order.pk),
        number=str(order.pk),
        checkout_ref=order.checkout_token or None,
        channel_ref=CHANNEL_REF,
        currency=order.currency,
        exponent=exponent,
        origin=Origin.CHECKOUT if order.checkout_token else Origin.DRAFT,
        state=_state(order),
        user_ref=None if order.user_id is None else str(order.user_id),
        email=order.get_customer_email(),
        is_user_confirmed=order.user is not None and order.user.is_active,
        created_at=order.created,
        paid_at=paid_at,
        fulfilled_at=_fulfilled_at(order),
        is_paid=paid_at is not None,
        total_minor=total,
        shipping_net_minor=shipping_net,
        shipping_gross_minor=shipping_gross,
        refunded_minor=refunded,
        refunded_shipping_minor=max(0, refunded - max(0, total - shipping_gross)),
        lines=lines,
        effective_share_ppm=share,
    )


def _state(order: Order) -> OrderState:
    if order.status == OrderStatus.DRAFT:
        return OrderState.DRAFT
    return OrderState.CANCELED if order.status == OrderStatus.CANCELED else OrderState.OPEN


def _fulfilled_at(order: Order) -> dt.datetime | None:
    if order.status != OrderStatus.FULFILLED:
        return None
    return max((fulfillment.created for fulfillment in order.fulfillments.all()), default=None)


def _prices(
    order: Order, goods: dict[str, GoodsFacts], exponent: int
) -> tuple[tuple[OrderLine, ...], int, int, int]:
    """Return the lines and the shipping (net, gross) after the order's discount, and the share."""
    found = list(order.lines.all())
    gross = [line.quantity * to_minor(line.unit_price_gross_amount, exponent) for line in found]
    net = [line.quantity * to_minor(line.unit_price_net_amount, exponent) for line in found]
    shipping_gross = to_minor(order.shipping_price_gross_amount, exponent)
    shipping_net = to_minor(order.shipping_price_net_amount, exponent)
    off, off_shipping = vouchers.spread(
        to_minor(order.discount_amount, exponent),
        gross,
        shipping_gross,
        is_on_shipping=order.voucher is not None and order.voucher.type == VoucherType.SHIPPING,
    )
    lines = tuple(
        OrderLine(
            ref=str(line.pk),
            goods=goods.get(str(line.variant_id), GoodsFacts("", "")),
            quantity=line.quantity,
            quantity_returned=0,
            net_minor=max(0, net[index] - off[index]),  # 2.10.1 takes one amount off both
            gross_minor=gross[index] - off[index],
            undiscounted_minor=max(gross[index], _list_minor(line, exponent)),
        )
        for index, line in enumerate(found)
    )
    share = _share_ppm(order, found, exponent)
    return lines, max(0, shipping_net - off_shipping), shipping_gross - off_shipping, share


def _list_minor(line: SaleorLine, exponent: int) -> int:
    """Return today's list price of the line's goods: 2.10.1 does not keep that of the day."""
    if line.variant is None:
        return 0
    return line.quantity * to_minor(line.variant.base_price.amount, exponent)


def _share_ppm(order: Order, lines: list[SaleorLine], exponent: int) -> int:
    """Return the share of the points' discount that the voucher left, as the order was created."""
    placed = _points_minor(order) if order.voucher is not None and lines else 0
    if not placed:
        return vouchers.PPM
    after = [
        vouchers.Units(
            str(line.variant_id), line.quantity, to_minor(line.unit_price_gross_amount, exponent)
        )
        for line in lines
    ]
    # The quote names checkout lines, which are gone; it spread the points by price, and so do we.
    weights = [unit.total_minor for unit in after]
    if not sum(weights):
        weights = [_list_minor(line, exponent) for line in lines]
    before = [
        vouchers.Units(unit.variant_ref, unit.quantity, unit.unit_minor + part // unit.quantity)
        for unit, part in zip(after, allocate(placed, weights), strict=True)
    ]
    terms = vouchers.terms_of(order.voucher, [unit.variant_ref for unit in after], exponent)
    return vouchers.share_ppm(terms, before, after)


def _points_minor(order: Order) -> int:
    """Return what points took off the order, by the quote that it was made from."""
    if not order.checkout_token:
        return 0
    quote = StoredQuote.objects.filter(checkout_ref=order.checkout_token).first()
    if quote is None or not quote.points_applied:
        return 0
    return sum(
        item.amount_minor for item in allocations_of(quote.payload) if item.rule_key == POINTS_RULE
    )


def _payments(order: Order, total: int, exponent: int) -> tuple[dt.datetime | None, int]:
    """Return when all was paid for the first time (None: not yet), and the money refunded since."""
    paid: list[tuple[dt.datetime, int]] = [(order.created, 0)]
    refunded = 0
    for payment in order.payments.all():
        captures, returns = _movements(payment, exponent)
        paid += captures
        refunded += returns
    paid.sort()
    for (at, _), sum_paid in zip(paid, accumulate(amount for _, amount in paid), strict=True):
        if sum_paid >= total:
            return max(at, order.created), refunded
    return None, refunded


def _movements(payment: Payment, exponent: int) -> tuple[list[tuple[dt.datetime, int]], int]:
    """Return a payment's captures with their instants, and the sum of its refunds.

    A payment that was marked as paid by hand has money but no captures: it counts from when it was
    created.
    """
    done = [
        item for item in payment.transactions.all() if item.is_success and not item.action_required
    ]
    captures = [
        (item.created, to_minor(item.amount, exponent))
        for item in done
        if item.kind in (TransactionKind.CAPTURE, TransactionKind.CONFIRM)
    ]
    returns = sum(
        to_minor(item.amount, exponent) for item in done if item.kind == TransactionKind.REFUND
    )
    by_hand = (
        to_minor(Decimal(payment.captured_amount), exponent)
        + returns
        - sum(amount for _, amount in captures)
    )
    if by_hand > 0:
        captures.append((payment.created, by_hand))
    return captures, returns
