"""An order's state now, read afresh from the default database in a constant number of statements.

Events only say when to look: hooks may come twice, late, with a stale object, or never. What was
paid, returned and refunded is therefore read from Saleor's own records of it.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.db import connection
from django.db.models import Count, OuterRef, Q, Subquery, Sum
from saleor.order import (
    FulfillmentStatus,
    OrderEvents,
    OrderGrantedRefundStatus,
    OrderOrigin,
    OrderStatus,
)
from saleor.order.models import (
    FulfillmentLine,
    Order,
    OrderEvent,
    OrderGrantedRefund,
    OrderGrantedRefundLine,
    OrderLine,
)
from saleor.payment import TransactionEventType, TransactionKind
from saleor.payment.models import Transaction, TransactionEvent, TransactionItem

from saleor_retention.engine.facts import GoodsFacts, OrderFacts, OrderState, Origin
from saleor_retention.engine.facts import OrderLine as LineFacts
from saleor_retention.host import goods
from saleor_retention.host.contract import PastOrder, Purchase
from saleor_retention.host.goods import goods_of_variants, numbers

from . import order_shares
from .basket import currency_exponent, minor
from .effects import is_uuid

ORIGINS = {
    OrderOrigin.CHECKOUT: Origin.CHECKOUT,
    OrderOrigin.DRAFT: Origin.DRAFT,
    OrderOrigin.REISSUE: Origin.REISSUE,
    OrderOrigin.BULK_CREATE: Origin.BULK,
}
STATES = {
    OrderStatus.DRAFT: OrderState.DRAFT,
    OrderStatus.UNCONFIRMED: OrderState.UNCONFIRMED,
    OrderStatus.CANCELED: OrderState.CANCELED,
    OrderStatus.EXPIRED: OrderState.CANCELED,
}
REFUND_EVENTS = (
    TransactionEventType.REFUND_REQUEST,
    TransactionEventType.REFUND_SUCCESS,
    TransactionEventType.REFUND_REVERSE,
    TransactionEventType.REFUND_FAILURE,
)
PAID_EVENTS = (OrderEvents.ORDER_FULLY_PAID, OrderEvents.ORDER_MARKED_AS_PAID)

# A replaced line is not a returned one: the customer keeps goods for that money, the replacement's
# order is a reissue, and a reissue earns nothing by default.
RETURNED = (
    FulfillmentStatus.RETURNED,
    FulfillmentStatus.REFUNDED,
    FulfillmentStatus.REFUNDED_AND_RETURNED,
)
NOT_SHIPPED = (FulfillmentStatus.CANCELED, FulfillmentStatus.WAITING_FOR_APPROVAL)


# The index on the customer gives the order; a customer's own orders are few to sort.
PAST = """
SELECT user_id::text, created_at, id::text
FROM order_order
WHERE user_id IS NOT NULL AND status <> 'draft' AND created_at < %(end_at)s
  AND channel_id = ANY(%(channel_ids)s::int[])
  AND (%(start_at)s::timestamptz IS NULL OR created_at >= %(start_at)s::timestamptz)
  AND (%(user_id)s::int IS NULL
       OR (user_id, created_at, id) > (%(user_id)s::int, %(created_at)s::timestamptz, %(id)s::uuid))
ORDER BY order_order.user_id, order_order.created_at, order_order.id
LIMIT %(limit)s
"""


# The key of a record's order, and NULL for a receipt of a till.
ORDER_ID = """
CASE WHEN record.order_ref ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'
     THEN record.order_ref::uuid END
""".strip()


@dataclass
class _Gathered:
    """What was read beside the orders themselves, by order or line key."""

    lines: dict[Any, list[OrderLine]] = field(default_factory=lambda: defaultdict(list))
    goods: dict[str, GoodsFacts] = field(default_factory=dict)
    returned: dict[Any, int] = field(default_factory=lambda: defaultdict(int))
    shipped: dict[Any, int] = field(default_factory=lambda: defaultdict(int))
    shipped_at: dict[Any, dt.datetime] = field(default_factory=dict)
    shipping_refunds: dict[Any, Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    grants: dict[Any, int] = field(default_factory=lambda: defaultdict(int))
    granted: dict[Any, Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    shipping_grants: set[Any] = field(default_factory=set)
    paid_back: dict[Any, Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    paid_at: dict[Any, dt.datetime] = field(default_factory=dict)
    last_shipment_at: dict[Any, dt.datetime] = field(default_factory=dict)
    shares: dict[Any, int] = field(default_factory=dict)


def order_facts(order_ref: str) -> OrderFacts | None:
    """Read one order; None when there is none."""
    return orders_facts([order_ref]).get(order_ref)


def orders_facts(order_refs: Sequence[str]) -> dict[str, OrderFacts]:
    """Read many orders; unknown ones are absent."""
    keys = [ref for ref in order_refs if is_uuid(ref)]
    orders = list(Order.objects.filter(pk__in=keys).select_related("user", "voucher"))
    if not orders:
        return {}
    found = _Gathered()
    _read_lines(orders, found)
    _read_fulfillments(orders, found)
    _read_grants(orders, found)
    _read_money(orders, found)
    _read_events(orders, found)
    found.shares = order_shares.of_orders(orders, found.lines)
    return {str(order.pk): _facts(order, found) for order in orders}


def order_refs_updated_since(at: dt.datetime, limit: int) -> list[tuple[str, dt.datetime]]:
    """Return up to ``limit`` (order ref, changed at) from ``at`` on, oldest first; no drafts."""
    changed = Order.objects.filter(updated_at__gte=at).exclude(status=OrderStatus.DRAFT)
    rows = changed.order_by("updated_at", "pk").values_list("pk", "updated_at")[:limit]
    return [(str(pk), updated_at) for pk, updated_at in rows]


def past_orders(
    channel_refs: Sequence[str],
    start_at: dt.datetime | None,
    end_at: dt.datetime,
    after: PastOrder | None,
    limit: int,
) -> list[PastOrder]:
    """Return customers' orders of a time, customer by customer, each customer's by creation."""
    parameters = {
        "channel_ids": numbers(channel_refs),
        "start_at": start_at,
        "end_at": end_at,
        "user_id": None if after is None else int(after.user_ref),
        "created_at": None if after is None else after.created_at,
        "id": None if after is None else after.ref,
        "limit": limit,
    }
    with connection.cursor() as cursor:
        cursor.execute(PAST, parameters)
        return [PastOrder(*row) for row in cursor.fetchall()]


def count_past_orders(
    channel_refs: Sequence[str], start_at: dt.datetime | None, end_at: dt.datetime
) -> tuple[int, int]:
    """Return how many orders of customers, and of guests, were created in that time."""
    orders = Order.objects.filter(channel__in=numbers(channel_refs), created_at__lt=end_at)
    if start_at is not None:
        orders = orders.filter(created_at__gte=start_at)
    orders = orders.exclude(status=OrderStatus.DRAFT).order_by()
    counted = orders.aggregate(all=Count("pk"), owned=Count("user"))
    return counted["owned"], counted["all"] - counted["owned"]


def purchases(
    variant_refs: Collection[str], channel_refs: Collection[str], user_refs: Collection[str]
) -> list[Purchase]:
    """Return what these customers ordered of these variants, oldest first; one statement."""
    over = (OrderStatus.DRAFT, OrderStatus.CANCELED, OrderStatus.EXPIRED)
    lines = OrderLine.objects.filter(
        variant__in=numbers(variant_refs),
        order__channel__in=numbers(channel_refs),
        order__user__in=numbers(user_refs),
    ).exclude(order__status__in=over)
    rows = lines.order_by("order__created_at", "pk").values_list(
        "order__user_id", "variant_id", "order__created_at", "quantity", "order__channel_id"
    )
    return [
        Purchase(str(user), str(variant), at, count, str(channel))
        for user, variant, at, count, channel in rows
    ]


def sold() -> str:
    """Return the condition that the order of ``record.order_ref`` has some goods at a price."""
    return goods.sold(ORDER_ID)


def order_counts(channel_refs: Collection[str], user_refs: Collection[str]) -> dict[str, int]:
    """Return how many orders these customers placed, by customer; one statement."""
    over = (OrderStatus.DRAFT, OrderStatus.CANCELED, OrderStatus.EXPIRED)
    orders = Order.objects.filter(channel__in=numbers(channel_refs), user__in=numbers(user_refs))
    orders = orders.exclude(status__in=over).order_by()
    counted = orders.values("user_id").annotate(count=Count("pk"))
    return {str(user): count for user, count in counted.values_list("user_id", "count")}


# --- reading --------------------------------------------------------------------------------------


def _read_lines(orders: Iterable[Order], found: _Gathered) -> None:
    lines = OrderLine.objects.filter(order__in=orders).order_by("created_at", "pk")
    for line in lines:
        found.lines[line.order_id].append(line)
    refs = {ref for rows in found.lines.values() for line in rows if (ref := _variant_ref(line))}
    found.goods = goods_of_variants(refs)


def _read_fulfillments(orders: Iterable[Order], found: _Gathered) -> None:
    rows = FulfillmentLine.objects.filter(fulfillment__order__in=orders).values_list(
        "order_line_id",
        "quantity",
        "fulfillment__status",
        "fulfillment__created_at",
        "fulfillment__order_id",
    )
    for line, quantity, status, created_at, order in rows:
        if status in RETURNED:
            found.returned[line] += quantity
        if status not in NOT_SHIPPED:
            found.shipped[line] += quantity
            found.shipped_at[order] = max(created_at, found.shipped_at.get(order, created_at))
    refunds = Order.objects.filter(pk__in=[order.pk for order in orders]).values_list(
        "pk", Sum("fulfillments__shipping_refund_amount")
    )
    for order, amount in refunds:
        found.shipping_refunds[order] += amount or 0


def _read_grants(orders: Iterable[Order], found: _Gathered) -> None:
    """Read granted refunds: how much was granted, and the goods of those whose money went back.

    One that is only granted takes nothing yet. The payment's last event says that the money went
    back; Saleor makes the refund's status of it, but only after the hooks that tell us.
    """
    last_event = (
        TransactionEvent.objects.filter(
            related_granted_refund=OuterRef("pk"),
            transaction=OuterRef("transaction_item"),
            type__in=REFUND_EVENTS,
        )
        .order_by("-created_at", "-pk")
        .values("type")[:1]
    )
    done = []
    refunds = OrderGrantedRefund.objects.filter(order__in=orders)
    for refund in refunds.annotate(last_event=Subquery(last_event)):
        found.granted[refund.order_id] += refund.amount_value
        if not _has_gone_back(refund):
            continue
        done.append(refund.pk)
        if refund.shipping_costs_included:
            found.shipping_grants.add(refund.order_id)
    lines = OrderGrantedRefundLine.objects.filter(granted_refund__in=done)
    for line, quantity in lines.values_list("order_line_id", "quantity"):
        found.grants[line] += quantity


def _has_gone_back(refund: Any) -> bool:
    if refund.last_event is None:
        return bool(refund.status == OrderGrantedRefundStatus.SUCCESS)
    return bool(refund.last_event == TransactionEventType.REFUND_SUCCESS)


def _read_money(orders: Iterable[Order], found: _Gathered) -> None:
    """Add up what went back: transactions, legacy payments, chargebacks."""
    sums = (
        TransactionItem.objects.filter(order__in=orders)
        .values("order_id")
        .annotate(amount=Sum("refunded_value")),
        Transaction.objects.filter(
            payment__order__in=orders, kind=TransactionKind.REFUND, is_success=True
        )
        .values("payment__order_id")
        .annotate(amount=Sum("amount")),
        TransactionEvent.objects.filter(
            transaction__order__in=orders,
            type=TransactionEventType.CHARGE_BACK,
            include_in_calculations=True,
        )
        .values("transaction__order_id")
        .annotate(amount=Sum("amount_value")),
    )
    for rows in sums:
        for row in rows.order_by():
            order, amount = row.values()
            found.paid_back[order] += amount or 0


def _read_events(orders: Iterable[Order], found: _Gathered) -> None:
    rows = OrderEvent.objects.filter(
        Q(type__in=PAID_EVENTS) | Q(type=OrderEvents.FULFILLMENT_FULFILLED_ITEMS),
        order__in=orders,
    ).values_list("order_id", "type", "date")
    for order, kind, date in rows:
        if kind in PAID_EVENTS:
            found.paid_at[order] = min(date, found.paid_at.get(order, date))
        else:
            found.last_shipment_at[order] = max(date, found.last_shipment_at.get(order, date))


# --- facts ----------------------------------------------------------------------------------------


def _facts(order: Order, found: _Gathered) -> OrderFacts:
    exponent = currency_exponent(order.currency)
    total_minor = minor(order.total_gross_amount, exponent)
    shipping_minor = minor(order.shipping_price_gross_amount, exponent)
    refunded_minor = _refunded_minor(order, found, exponent)
    lines = found.lines[order.pk]
    is_paid = _was_paid(order, found)
    return OrderFacts(
        ref=str(order.pk),
        number=str(order.number),
        checkout_ref=order.checkout_token or None,
        channel_ref=str(order.channel_id),
        currency=order.currency,
        exponent=exponent,
        origin=ORIGINS[order.origin],
        state=STATES.get(order.status, OrderState.OPEN),
        user_ref=str(order.user_id) if order.user_id else None,
        email=order.user_email or (order.user.email if order.user else ""),
        is_user_confirmed=bool(order.user and order.user.is_confirmed and order.user.is_active),
        created_at=order.created_at,
        paid_at=found.paid_at.get(order.pk, order.created_at) if is_paid else None,
        fulfilled_at=_fulfilled_at(order, lines, found),
        is_paid=is_paid,
        total_minor=total_minor,
        shipping_net_minor=minor(order.shipping_price_net_amount, exponent),
        shipping_gross_minor=shipping_minor,
        refunded_minor=refunded_minor,
        refunded_shipping_minor=min(
            refunded_minor, _refunded_shipping_minor(order, found, shipping_minor, exponent)
        ),
        lines=tuple(_line_facts(line, found, exponent) for line in lines),
        effective_share_ppm=found.shares[order.pk],
    )


def _line_facts(line: OrderLine, found: _Gathered, exponent: int) -> LineFacts:
    ref = _variant_ref(line)
    # The same unit may be returned and, apart from that, refunded; it is gone once.
    gone = max(found.returned[line.pk], found.grants[line.pk])
    return LineFacts(
        ref=str(line.pk),
        goods=found.goods.get(ref) or GoodsFacts(variant_ref=ref, product_ref=""),
        quantity=line.quantity,
        quantity_returned=min(line.quantity, gone),
        net_minor=minor(line.total_price_net_amount, exponent),
        gross_minor=minor(line.total_price_gross_amount, exponent),
        undiscounted_minor=minor(line.undiscounted_total_price_gross_amount, exponent),
        is_gift_card=line.is_gift_card,
    )


def _was_paid(order: Order, found: _Gathered) -> bool:
    """Tell whether what the order costs was fully paid, whatever was refunded since.

    An order that was edited to cost more than was paid is not, until the rest is; Saleor leaves
    the charge status as it was then, so that the amounts are compared, as Saleor itself does when
    money moves.
    """
    if order.status == OrderStatus.DRAFT:
        return False
    total, charged = _cost(order, found), order.total_charged_amount
    if not total:
        return True
    paid = charged + found.paid_back[order.pk]
    if not paid:
        return False
    is_paid_now = charged >= total - found.granted[order.pk]
    return bool(is_paid_now or (order.pk in found.paid_at and paid >= total))


def _cost(order: Order, found: _Gathered) -> Decimal:
    """Return what the order costs; its total is of before while staff have lines changed."""
    if not order.should_refresh_prices:
        return order.total_gross_amount
    lines = sum((line.total_price_gross_amount for line in found.lines[order.pk]), Decimal(0))
    return max(order.total_gross_amount, lines + order.shipping_price_gross_amount)


def _refunded_minor(order: Order, found: _Gathered, exponent: int) -> int:
    """Return what the shop no longer has of what the order costs.

    An overcharge that was given back is no refund: the shop still has the whole price.
    """
    missing = max(Decimal(0), order.total_gross_amount - order.total_charged_amount)
    return minor(min(missing, found.paid_back[order.pk]), exponent)


def _refunded_shipping_minor(
    order: Order, found: _Gathered, shipping_minor: int, exponent: int
) -> int:
    if order.pk in found.shipping_grants:
        return shipping_minor
    return min(shipping_minor, minor(found.shipping_refunds[order.pk], exponent))


def _fulfilled_at(order: Order, lines: Sequence[OrderLine], found: _Gathered) -> dt.datetime | None:
    """Return when the last goods left; None while anything has not."""
    if not lines or any(found.shipped[line.pk] < line.quantity for line in lines):
        return None
    return found.last_shipment_at.get(order.pk) or found.shipped_at.get(order.pk)


def _variant_ref(line: OrderLine) -> str:
    """Return the variant's key, also where the variant was deleted since."""
    if line.variant_id:
        return str(line.variant_id)
    from graphene import Node

    return Node.from_global_id(line.product_variant_id)[1] if line.product_variant_id else ""
