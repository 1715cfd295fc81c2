"""The merchant's order desk: shipping goods, taking them back, refunding money, canceling."""

from __future__ import annotations

import datetime as dt
import itertools
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from tests.acceptance.figures import Taxed
from tests.acceptance.shop import Channel, Shop
from tests.acceptance.storefront import line_of, read_order

_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Desk:
    """What staff do with one order, and what the payment service reports about its money."""

    shop: Shop
    order: str
    transaction: str | None = None

    def read(self) -> dict[str, Any]:
        """Return the order as it is now."""
        return read_order(self.shop, self.order)

    def fulfill(self, **quantities: int) -> dict[str, Any]:
        """Ship goods by name; everything when none is named."""
        order = self.read()
        rows = (
            [(line_of(order, name)["id"], count) for name, count in quantities.items()]
            if quantities
            else [(row["id"], row["quantity"]) for row in order["lines"]]
        )
        self.shop.owner.do(
            """mutation ($id: ID!, $input: OrderFulfillInput!) {
              orderFulfill(order: $id, input: $input) { errors { field message code } }
            }""",
            id=self.order,
            input={
                "notifyCustomer": False,
                "lines": [
                    {
                        "orderLineId": line,
                        "stocks": [{"quantity": count, "warehouse": self.shop.warehouse}],
                    }
                    for line, count in rows
                ],
            },
        )
        return self.read()

    def take_back(self, **quantities: int) -> dict[str, Any]:
        """Record goods by name as returned; no money moves."""
        shipped = {
            row["orderLine"]["productSku"]: row["id"]
            for fulfillment in self.read()["fulfillments"]
            if fulfillment["status"] == "FULFILLED"
            for row in fulfillment["lines"]
        }
        self.shop.owner.do(
            """mutation ($id: ID!, $input: OrderReturnProductsInput!) {
              orderFulfillmentReturnProducts(order: $id, input: $input) {
                errors { field message code }
              }
            }""",
            id=self.order,
            input={
                "refund": False,
                "fulfillmentLines": [
                    {"fulfillmentLineId": shipped[name], "quantity": count}
                    for name, count in quantities.items()
                ],
            },
        )
        return self.read()

    def promise_refund(
        self, *, amount: Decimal | None = None, shipping: bool = False, **quantities: int
    ) -> tuple[str, Decimal]:
        """Promise money for goods by name, for shipping, or an amount; none moves yet."""
        order = self.read()
        value: dict[str, Any] = {
            "transactionId": self.transaction,
            "grantRefundForShipping": shipping,
            "lines": [
                {"id": line_of(order, name)["id"], "quantity": count}
                for name, count in quantities.items()
            ],
        }
        if amount is not None:
            value["amount"] = amount
        payload = self.shop.owner.do(
            """mutation ($id: ID!, $input: OrderGrantRefundCreateInput!) {
              orderGrantRefundCreate(id: $id, input: $input) {
                grantedRefund { id amount { amount } } errors { field message code }
              }
            }""",
            id=self.order,
            input=value,
        )
        granted = payload["grantedRefund"]
        return granted["id"], granted["amount"]["amount"]

    def refund(
        self, *, amount: Decimal | None = None, shipping: bool = False, **quantities: int
    ) -> Decimal:
        """Promise money back and have the payment service pay it; return how much."""
        granted, paid = self.promise_refund(amount=amount, shipping=shipping, **quantities)
        self.shop.owner.do(
            """mutation ($granted: ID!) {
              transactionRequestRefundForGrantedRefund(grantedRefundId: $granted) {
                errors { field message code }
              }
            }""",
            granted=granted,
        )
        return paid

    def report_refund(self, amount: Decimal, reference: str | None = None) -> None:
        """Have the payment service report that this much was paid back, unasked."""
        self._report("REFUND_SUCCESS", amount, reference)

    def report_refund_reversed(self, amount: Decimal, reference: str | None = None) -> None:
        """Have the payment service report that a refund came back."""
        self._report("REFUND_REVERSE", amount, reference)

    def _report(self, event: str, amount: Decimal, reference: str | None) -> None:
        self.shop.payments.do(
            """mutation ($id: ID!, $type: TransactionEventTypeEnum!, $amount: PositiveDecimal!,
                         $reference: String!) {
              transactionEventReport(
                id: $id, type: $type, amount: $amount, pspReference: $reference
              ) { errors { field message code } }
            }""",
            id=self.transaction,
            type=event,
            amount=amount,
            reference=reference or f"event-{next(_numbers)}",
        )

    def replace(self, name: str) -> Desk:
        """Have goods replaced; return the desk of the replacement's draft."""
        (line,) = [
            row["id"]
            for fulfillment in self.read()["fulfillments"]
            for row in fulfillment["lines"]
            if row["orderLine"]["productSku"] == name
        ]
        payload = self.shop.owner.do(
            """mutation ($id: ID!, $line: ID!) {
              orderFulfillmentReturnProducts(
                order: $id
                input: {
                  refund: false
                  fulfillmentLines: [{fulfillmentLineId: $line, quantity: 1, replace: true}]
                }
              ) { replaceOrder { id } errors { field message code } }
            }""",
            id=self.order,
            line=line,
        )
        desk = Desk(self.shop, payload["replaceOrder"]["id"])
        desk.choose_shipping()
        return desk

    def choose_shipping(self) -> None:
        """Choose the first way of shipping for a draft."""
        answer = self.shop.owner.ask(
            "query ($id: ID!) { order(id: $id) { shippingMethods { id } } }", id=self.order
        )
        self.shop.owner.do(
            """mutation ($id: ID!, $method: ID) {
              orderUpdateShipping(order: $id, input: {shippingMethod: $method}) {
                errors { field message code }
              }
            }""",
            id=self.order,
            method=answer["order"]["shippingMethods"][0]["id"],
        )

    def complete_draft(self) -> None:
        """Turn a draft into an order."""
        self._do("draftOrderComplete")

    def cancel(self) -> dict[str, Any]:
        """Cancel the order; its money is another matter."""
        self._do("orderCancel")
        return self.read()

    def confirm(self) -> dict[str, Any]:
        """Confirm an order of a channel that does not do so by itself."""
        self._do("orderConfirm")
        return self.read()

    def mark_as_paid(self) -> dict[str, Any]:
        """Note that the money came in some other way."""
        self._do("orderMarkAsPaid")
        return self.read()

    def _do(self, mutation: str) -> None:
        self.shop.owner.do(
            f"""mutation ($id: ID!) {{
              {mutation}(id: $id) {{ errors {{ field message code }} }}
            }}""",
            id=self.order,
        )


def draft_order(shop: Shop, channel: Channel, user: str, **quantities: int) -> Desk:
    """Enter an order for a customer by name of goods, as staff do on the phone."""
    payload = shop.owner.do(
        """mutation ($input: DraftOrderCreateInput!) {
          draftOrderCreate(input: $input) {
            order { id } errors { field message code }
          }
        }""",
        input={
            "channelId": channel.id,
            "user": user,
            "billingAddress": channel.address,
            "shippingAddress": channel.address,
            "lines": [
                {"variantId": shop.variants[name], "quantity": count}
                for name, count in quantities.items()
            ],
        },
    )
    desk = Desk(shop, payload["order"]["id"])
    desk.choose_shipping()
    desk.complete_draft()
    return desk


def bulk_order(
    shop: Shop,
    channel: Channel,
    *,
    user: str,
    name: str,
    quantity: int,
    price: Taxed,
    days_ago: int = 0,
) -> Desk:
    """Import a paid order of one kind of goods from another system.

    Saleor 3.21 asks for tax classes, and looks for stock where none is touched.
    """
    amounts = {"net": price.net, "gross": price.gross}
    payload = shop.owner.do(
        """mutation { taxClassCreate(input: {name: "Imported"}) {
          taxClass { id } errors { field message code }
        } }"""
    )
    tax_class = payload["taxClass"]["id"]
    created_at = (dt.datetime.now(dt.UTC) - dt.timedelta(days_ago)).isoformat()
    payload = shop.owner.ask(
        """mutation ($order: OrderBulkCreateInput!) {
          orderBulkCreate(orders: [$order], stockUpdatePolicy: SKIP) {
            results { order { id } errors { path message code } }
          }
        }""",
        order={
            "channel": channel.slug,
            "createdAt": created_at,
            "status": "UNFULFILLED",
            "user": {"id": user},
            "billingAddress": channel.address,
            "currency": channel.currency,
            "languageCode": "EN",
            "deliveryMethod": {
                "warehouseId": shop.warehouse,  # Saleor 3.21 takes no shipping method here
                "warehouseName": "Main",
                "shippingPrice": {"net": 0, "gross": 0},
                "shippingTaxClassId": tax_class,
            },
            "lines": [
                {
                    "variantId": shop.variants[name],
                    "createdAt": created_at,
                    "isShippingRequired": True,
                    "isGiftCard": False,
                    "quantity": quantity,
                    "totalPrice": amounts,
                    "undiscountedTotalPrice": amounts,
                    "warehouse": shop.warehouse,
                    "taxClassId": tax_class,
                }
            ],
            "transactions": [
                {
                    "name": "Old system",
                    "amountCharged": {"amount": price.gross, "currency": channel.currency},
                }
            ],
        },
    )
    (result,) = payload["orderBulkCreate"]["results"]
    assert not result["errors"], result["errors"]
    return Desk(shop, result["order"]["id"])
