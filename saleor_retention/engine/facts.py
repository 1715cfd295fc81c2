"""The frozen facts that the engine decides on.

A host adapter reads its Saleor and fills these; nothing else of a host reaches the engine.
Money is an integer in the currency's minor unit (``*_minor``), points are integers, instants
are aware datetimes (``*_at``). References (``*_ref``) are the host's primary keys as text,
because Saleor 2.10 has integer order keys where 3.x has UUIDs.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from enum import StrEnum

Minor = int
Points = int


class Origin(StrEnum):
    """Where an order came from; a program says which origins earn."""

    CHECKOUT = "checkout"
    DRAFT = "draft"
    REISSUE = "reissue"  # a replacement for goods of an earlier order: never earns twice
    BULK = "bulk_create"
    POS = "pos"


class OrderState(StrEnum):
    """What the engine needs of a host's order status."""

    DRAFT = "draft"
    UNCONFIRMED = "unconfirmed"
    OPEN = "open"
    CANCELED = "canceled"  # canceled or expired: nothing is kept


@dataclass(frozen=True, slots=True)
class GoodsFacts:
    """What a selection of products, categories or collections looks at."""

    variant_ref: str
    product_ref: str
    category_refs: frozenset[str] = frozenset()  # own category and all its ancestors
    collection_refs: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class BasketLine:
    """One checkout line, in the channel's entered-price basis (net or gross as the shop enters)."""

    ref: str
    goods: GoodsFacts
    quantity: int
    unit_minor: Minor  # list price of one unit
    total_minor: Minor  # of all units, after the shop's own line discounts, before ours
    is_gift: bool = False  # put there by the shop or by an offer at no price
    is_gift_card: bool = False


@dataclass(frozen=True, slots=True)
class BasketFacts:
    """A checkout as the engine prices it."""

    ref: str
    channel_ref: str
    currency: str
    exponent: int  # digits of the minor unit: 0, 2 or 3
    user_ref: str | None
    lines: tuple[BasketLine, ...]


@dataclass(frozen=True, slots=True)
class CustomerFacts:
    """The member behind a basket or an order."""

    account_id: int
    tier: str | None  # slug of the tier in force
    available: Points = 0
    pending: Points = 0
    held: Points = 0
    deficit: Points = 0


@dataclass(frozen=True, slots=True)
class OrderLine:
    """One order line as the customer paid it, after every discount."""

    ref: str
    goods: GoodsFacts
    quantity: int
    quantity_returned: int  # returned, or refunded by line
    net_minor: Minor
    gross_minor: Minor
    undiscounted_minor: Minor  # gross list value; weighs lines that cost nothing
    is_gift_card: bool = False


@dataclass(frozen=True, slots=True)
class OrderFacts:
    """An order's state now, read afresh; events only say when to look."""

    ref: str
    number: str
    checkout_ref: str | None
    channel_ref: str
    currency: str
    exponent: int
    origin: Origin
    state: OrderState
    user_ref: str | None
    email: str  # for the keyed hash of a guest; never stored in clear
    is_user_confirmed: bool  # Saleor attached the order to a user with a confirmed address
    created_at: dt.datetime
    paid_at: dt.datetime | None  # None: not known or not yet fully paid
    fulfilled_at: dt.datetime | None  # when the last goods left; None until then
    is_paid: bool  # what it costs was fully paid, whatever was refunded since
    total_minor: Minor  # gross, with shipping
    shipping_net_minor: Minor
    shipping_gross_minor: Minor
    refunded_minor: Minor  # money returned so far, with shipping
    refunded_shipping_minor: Minor
    lines: tuple[OrderLine, ...]
    effective_share_ppm: int = 1_000_000
    """Share of a line discount that reached the total, in millionths: below one million where a
    percentage voucher or promotion of the shop applied on top of the lines."""
