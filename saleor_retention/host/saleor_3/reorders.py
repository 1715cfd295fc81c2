"""Opens checkouts of Saleor 3.x with goods that a customer buys again.

Saleor's own mutation ``checkoutCreate`` makes them, so all of its checks hold: what is sold in the
channel, what is in stock, how much of it one customer may have, and what apps are told.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.db import connection

from saleor_retention.engine.phrases import _, phrase
from saleor_retention.errors import Code, Refusal
from saleor_retention.host.contract import Lack

MARK = "retention.reorder"
"""The key in a checkout's private metadata, and then its order's, that says what it was for."""

ADDRESS = (
    "first_name",
    "last_name",
    "company_name",
    "street_address_1",
    "street_address_2",
    "city",
    "city_area",
    "postal_code",
    "country",
    "country_area",
    "phone",
)
"""What ``AddressInput`` has of an address, but for metadata."""

FORGET = """
UPDATE order_order SET private_metadata = private_metadata - %s::text
WHERE private_metadata ? %s::text
"""


class Counter:
    """Where the customer who asks opens checkouts; made for one request."""

    def __init__(self, info: Any) -> None:
        """Keep the request."""
        self._info = info
        self._user = info.context.user
        if self._user is None:
            raise Refusal(Code.LOGIN_REQUIRED, phrase(_("Log in to do this.")))
        self._addresses = self._usable_addresses()

    def lacks(self, channel_ref: str, goods: Mapping[str, int]) -> dict[str, Lack]:
        """Return which variants cannot be had in that number, each looked at for itself."""
        from saleor.core.utils.country import get_active_country
        from saleor.graphql.checkout.mutations.checkout_create import CheckoutCreate

        channel = _channel(channel_ref)
        country = get_active_country(
            channel,
            self._user.default_shipping_address if "shipping_address" in self._addresses else None,
            self._user.default_billing_address if "billing_address" in self._addresses else None,
        )
        found = {}
        for variant_ref, quantity in goods.items():
            lines = _lines({variant_ref: quantity})
            try:
                CheckoutCreate.clean_checkout_lines(self._info, lines, country, channel)
            except ValidationError as error:
                found[variant_ref] = _lack(error)
        return found

    def open(self, channel_ref: str, goods: Mapping[str, int], mark: str) -> str:
        """Open a checkout with these units of variants and return it, marked; or ``Refusal``."""
        from saleor.checkout.models import CheckoutMetadata
        from saleor.core.exceptions import InsufficientStock
        from saleor.graphql.checkout.mutations.checkout_create import CheckoutCreate

        wanted = {
            "channel": _channel(channel_ref).slug,
            "lines": _lines(goods),
            "email": self._user.email,
            "language_code": self._user.language_code,
        }
        for name, address in self._addresses.items():
            wanted |= {name: dict(address), f"save_{name}": False}  # they are in his book already
        try:
            made = CheckoutCreate.perform_mutation(None, self._info, input=wanted)
        except ValidationError as error:
            raise Refusal(Code.INVALID, " ".join(error.messages)) from error
        except InsufficientStock as error:
            message = _("Somebody else has bought the last of it just now; try again.")
            raise Refusal(Code.INVALID, phrase(message)) from error
        checkout = made.checkout.node
        storage = CheckoutMetadata.objects.get(checkout=checkout)
        storage.private_metadata = {**storage.private_metadata, MARK: mark}
        storage.save(update_fields=["private_metadata"])
        return str(checkout.pk)

    def _usable_addresses(self) -> dict[str, dict[str, Any]]:
        """Return the default addresses that the shop takes as they are; others are left out."""
        from saleor.graphql.checkout.mutations.checkout_create import CheckoutCreate

        found = {}
        for kind in ("shipping", "billing"):
            address = getattr(self._user, f"default_{kind}_address")
            if address is None:
                continue
            kept = address.as_data()
            data = {name: kept[name] for name in ADDRESS} | {"phone": str(kept["phone"] or "")}
            try:
                CheckoutCreate.validate_address(dict(data), address_type=kind, info=self._info)
            except ValidationError:
                continue
            found[f"{kind}_address"] = data
        return found


def checkouts_marked(user_ref: str, channel_ref: str, mark: str) -> dict[str, frozenset[str]]:
    """Return a customer's checkouts of that mark, newest first, with their variants."""
    from saleor.checkout.models import CheckoutLine

    lines = CheckoutLine.objects.filter(
        checkout__user=int(user_ref),
        checkout__channel=int(channel_ref),
        checkout__metadata_storage__private_metadata__contains={MARK: mark},
    ).order_by("-checkout__created_at", "checkout_id")
    found: dict[str, frozenset[str]] = {}
    for token, variant in lines.values_list("checkout_id", "variant_id"):
        found[str(token)] = found.get(str(token), frozenset()) | {str(variant)}
    return found


def forget_orders() -> int:
    """Remove the mark from the orders that such checkouts became; return of how many."""
    with connection.cursor() as cursor:
        cursor.execute(FORGET, [MARK, MARK])
        return int(cursor.rowcount)


def _channel(channel_ref: str) -> Any:
    from saleor.channel.models import Channel

    channel = Channel.objects.filter(pk=int(channel_ref)).first()
    if channel is None:
        raise Refusal(Code.NOT_FOUND, phrase(_("There is no such channel.")), "channel")
    return channel


def _lines(goods: Mapping[str, int]) -> list[dict[str, Any]]:
    from graphene import Node

    return [
        {"variant_id": Node.to_global_id("ProductVariant", ref), "quantity": quantity}
        for ref, quantity in goods.items()
    ]


def _lack(error: ValidationError) -> Lack:
    """Return why Saleor does not take a line, by the code of its error."""
    from saleor.checkout.error_codes import CheckoutErrorCode

    errors = itertools.chain.from_iterable(error.update_error_dict({}).values())
    codes = {each.code for each in errors}
    if CheckoutErrorCode.INSUFFICIENT_STOCK.value in codes:
        return Lack.OUT_OF_STOCK
    if CheckoutErrorCode.QUANTITY_GREATER_THAN_LIMIT.value in codes:
        return Lack.OVER_LIMIT
    return Lack.UNAVAILABLE
