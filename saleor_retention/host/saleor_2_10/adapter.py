"""The ``Host`` protocol on Saleor 2.10.1; each method is one call into a module of this package."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from django.db import transaction

from saleor_retention.engine.facts import GoodsFacts, OrderFacts
from saleor_retention.engine.rules import Selection
from saleor_retention.errors import Code, Refusal
from saleor_retention.host import goods, persons
from saleor_retention.host.contract import (
    ChannelFacts,
    CheckoutFacts,
    CodeTotals,
    Counter,
    PastOrder,
    Purchase,
    Requestor,
    ShelfPrice,
    UserFacts,
    VoucherSpec,
)

from . import (
    catalog,
    checkouts,
    comparing,
    conflicts,
    coupons,
    graph,
    memo,
    orders,
    people,
    shop,
    sold,
)

logger = logging.getLogger(__name__)

NOT_HERE = {
    "channels": "Saleor 2.10 has one channel and one currency.",
    "returns": "Saleor 2.10 knows refunds of money only, no returns of goods.",
    "shipping_refunds": "Saleor 2.10 does not say whether refunded money was for shipping.",
    "draft_prices": "Staff drafts keep list prices on Saleor 2.10; their orders earn.",
    "gifts": "Goods cannot cost nothing on Saleor 2.10; gifts of offers are not given.",
    "punch_cards": "Goods cannot cost nothing on Saleor 2.10; full punch cards give nothing.",
    "coupon_prefixes": "A code has 12 characters on Saleor 2.10, which leaves none for a prefix.",
    "notify": "Saleor 2.10 has no notify event for mail providers; send with via: mail.",
    "reorders": "A customer has one open checkout on Saleor 2.10; no second one is made beside it.",
    "customer_attributes": "Customers have attributes from Saleor 3.23 on.",
    "line_reasons": "Saleor 2.10 keeps no reason for a discount on order lines.",
}


class Saleor210:
    """Saleor 2.10.1, the one that the package registry has."""

    name = "2.10"
    version = "2.10.1"
    tested_versions: tuple[str, ...] = ("2.10.1",)

    def seam_status(self) -> conflicts.PriceStatus:
        """Return which plugins stand in the way, as the settings list them."""
        return conflicts.status()

    def install(self) -> None:
        """Begin to remember prices and to hear of deletions; called once, when the app is ready."""
        from . import deletions

        memo.install()
        deletions.install()
        coupons.install()

    def plugin_mixin(self) -> type:
        """Return what the plugin class takes in on this host, before its own hooks."""
        from .hooks import PriceHooks

        return PriceHooks

    # --- facts -----------------------------------------------------------------------------
    def order_facts(self, order_ref: str) -> OrderFacts | None:
        """Read an order afresh; None when there is none."""
        return orders.orders_facts([order_ref]).get(order_ref)

    def orders_facts(self, order_refs: Sequence[str]) -> dict[str, OrderFacts]:
        """Read many orders in a constant number of statements."""
        return orders.orders_facts(order_refs)

    def order_refs_updated_since(
        self, at: dt.datetime, limit: int
    ) -> list[tuple[str, dt.datetime]]:
        """Return orders that changed from ``at`` on, drafts left out, oldest change first."""
        return orders.order_refs_updated_since(at, limit)

    def past_orders(
        self,
        channel_refs: Sequence[str],
        start_at: dt.datetime | None,
        end_at: dt.datetime,
        after: PastOrder | None,
        limit: int,
    ) -> list[PastOrder]:
        """Return customers' orders created on [start, end), customer by customer."""
        return orders.past_orders(channel_refs, start_at, end_at, after, limit)

    def count_past_orders(
        self, channel_refs: Sequence[str], start_at: dt.datetime | None, end_at: dt.datetime
    ) -> tuple[int, int]:
        """Return how many orders of customers, and of guests, were created on [start, end)."""
        return orders.count_past_orders(channel_refs, start_at, end_at)

    def purchases(
        self,
        variant_refs: Collection[str],
        channel_refs: Collection[str],
        user_refs: Collection[str],
    ) -> list[Purchase]:
        """Return what these customers ordered of these variants."""
        return orders.purchases(variant_refs, channel_refs, user_refs)

    def sold(self) -> str:
        """Return the condition that the order of ``record.order_ref`` has some goods."""
        return orders.sold()

    def order_counts(
        self, channel_refs: Collection[str], user_refs: Collection[str]
    ) -> dict[str, int]:
        """Return how many orders these customers placed."""
        return orders.order_counts(channel_refs, user_refs)

    def order_ref_of_checkout(self, checkout_ref: str) -> str | None:
        """Return the order made from that checkout, if any."""
        return orders.order_ref_of_checkout(checkout_ref)

    def checkout_facts(self, checkout_ref: str) -> CheckoutFacts | None:
        """Read a checkout; None when it is gone."""
        return checkouts.checkout_facts(checkout_ref)

    def lock_checkout(self, checkout_ref: str) -> bool:
        """Lock the checkout's row for this database transaction; False when it is gone."""
        return checkouts.lock_checkout(checkout_ref)

    def existing_checkouts(self, checkout_refs: Iterable[str]) -> set[str]:
        """Return those that still exist."""
        return checkouts.existing_checkouts(checkout_refs)

    def channels(self) -> list[ChannelFacts]:
        """Return the shop as its only channel."""
        return shop.channels()

    def has_tax_in_prices(self, channel_ref: str) -> bool:
        """Tell whether the shop's prices are entered with tax."""
        return shop.has_tax_in_prices(channel_ref)

    def currency_exponent(self, currency: str) -> int:
        """Return the digits of the currency's minor unit as the shop rounds."""
        return shop.exponent_of(currency)

    def users(self, user_refs: Iterable[str]) -> dict[str, UserFacts]:
        """Return shop users by reference in one statement."""
        return people.users(user_refs)

    def find_user_refs(self, text: str, limit: int) -> list[str]:
        """Return users whose e-mail or name contains ``text``."""
        return persons.find_user_refs(text, limit)

    def find_user_by_email(self, email: str) -> str | None:
        """Return the confirmed, active user of exactly that address."""
        return people.find_user_by_email(email)

    def find_users_by_phone(self, phone: str) -> list[str]:
        """Return the users with that E.164 phone number on a default address."""
        return persons.find_users_by_phone(phone)

    def phones_of(self, user_refs: Iterable[str]) -> dict[str, str]:
        """Return the E.164 numbers on users' default addresses."""
        return persons.phones_of(user_refs)

    def places_of(self, user_refs: Iterable[str]) -> dict[str, frozenset[str]]:
        """Return the homes and phone numbers in users' address books."""
        return persons.places_of(user_refs)

    def has_ordered(self, user_ref: str) -> bool:
        """Tell whether the user has an order that was placed and not called off."""
        return people.has_ordered(user_ref)

    def group_names(self, user_ref: str) -> set[str]:
        """Return the names of the permission groups that a member of staff is in."""
        return persons.group_names(user_ref)

    def app_name(self, app_ref: str) -> str | None:
        """Return what an app is called; None when it is gone."""
        return persons.app_name(app_ref)

    def resolve_slugs(self, kind: str, slugs: Iterable[str]) -> dict[str, str]:
        """Map slugs (SKUs for ``variants``) of ``kind`` to references."""
        return goods.resolve_slugs(kind, slugs)

    def slugs_of(self, kind: str, refs: Iterable[str]) -> dict[str, str]:
        """Map references of ``kind`` to slugs."""
        return goods.slugs_of(kind, refs)

    def goods_names(self, kind: str, refs: Iterable[str]) -> dict[str, str]:
        """Map references of ``kind`` to what shoppers read."""
        return goods.goods_names(kind, refs)

    def published_since(
        self, kind: str, ref: str, channel_refs: Collection[str]
    ) -> dt.datetime | None:
        """Return from when on shoppers see a product or variant; None while it is hidden."""
        return catalog.published_since(kind, ref, channel_refs)

    def goods_of_variants(self, variant_refs: Iterable[str]) -> dict[str, GoodsFacts]:
        """Return the selection facts of variants in one statement."""
        return goods.goods_of_variants(variant_refs)

    def in_stock(self, variant_refs: Iterable[str], checkout_ref: str) -> set[str]:
        """Return those of which a checkout can have one unit more, in three statements."""
        return catalog.in_stock(variant_refs, checkout_ref)

    def checkouts_marked(
        self,
        user_ref: str,  # noqa: ARG002
        channel_ref: str,  # noqa: ARG002
        mark: str,  # noqa: ARG002
    ) -> dict[str, frozenset[str]]:
        """Return nothing: no checkout is opened on this host."""
        return {}

    # --- effects ---------------------------------------------------------------------------
    def reprice(self, checkout_ref: str) -> None:
        """Bring what is kept of the checkout's price up to date: its voucher's discount."""
        checkouts.reprice(checkout_ref)

    def reprice_channels(
        self, channel_refs: Sequence[str], after_ref: str, limit: int
    ) -> str | None:
        """Do the same for open checkouts with a voucher; all others are priced when looked at."""
        return checkouts.reprice_some(channel_refs, after_ref, limit)

    def dispatch(self, task_name: str, *args: Any) -> None:
        """Run the task after commit: on a worker if there is a broker, otherwise here and now.

        The same task asked for twice in a transaction runs once. A broker that is down is logged:
        reconcile catches up.
        """
        call = (task_name, args)
        pending = (func for _, func in transaction.get_connection().run_on_commit)
        if not any(getattr(func, "call", None) == call for func in pending):
            transaction.on_commit(_Dispatch(call))

    def users_with_metadata(self, _key: str, _limit: int) -> list[str]:
        """Return nobody: registering takes no metadata on 2.10."""
        return []

    def take_metadata(self, _user_ref: str, _key: str) -> None:
        """Return None: registering takes no metadata on 2.10."""
        return

    def notify(self, _event: str, _payload: Mapping[str, Any]) -> bool:
        """Tell nobody: this host has no events for mail providers."""
        return False

    def hears_notify(self) -> bool:
        """Return False: there is nothing to hear."""
        return False

    def mail_server(self, _channel_refs: Collection[str]) -> None:
        """Return None: Django's settings say how mail leaves."""
        return

    def writer(self) -> AbstractContextManager[Any]:
        """Allow writes; this host never forbids them."""
        return nullcontext()

    def strip_own_rows(self, checkout_refs: Iterable[str] | None = None) -> int:
        """Forget the quotes of open checkouts; there are no rows of ours in Saleor's tables."""
        return checkouts.forget_quotes(checkout_refs)

    def forget_orders(self) -> int:
        """Remove what orders were sold for from their private metadata."""
        return sold.forget()

    def add_goods(
        self,
        checkout_ref: str,  # noqa: ARG002
        variant_ref: str,  # noqa: ARG002
        quantity: int,  # noqa: ARG002
        *,
        offer_id: str,  # noqa: ARG002
    ) -> str:
        """Refuse: no gift is given on this host."""
        raise Refusal(Code.NOT_SUPPORTED, NOT_HERE["gifts"], "checkoutId")

    def remove_line(self, checkout_ref: str, line_ref: str) -> bool:  # noqa: ARG002
        """Find nothing to take off: ``add_goods`` adds nothing here."""
        return False

    def open_voucher(self, spec: VoucherSpec) -> str:  # noqa: ARG002
        """Return "": a voucher has one code here, so codes have nothing in common."""
        return ""

    def customer_attributes(self, slugs: Collection[str]) -> dict[str, str]:  # noqa: ARG002
        """Return none: customers have no attributes here."""
        return {}

    def set_customer_attributes(
        self,
        user_ref: str,  # noqa: ARG002 - as the protocol has it
        values: Mapping[str, Any],  # noqa: ARG002 - likewise
    ) -> None:
        """Refuse: there is nothing to hold them."""
        raise Refusal(Code.NOT_SUPPORTED, NOT_HERE["customer_attributes"])

    def list_vouchers(self, specs: Mapping[str, VoucherSpec]) -> None:
        """Do nothing: there is one channel."""

    def has_voucher(self, voucher_ref: str) -> bool:
        """Return whether it is "": nothing was written that could be gone."""
        return not voucher_ref

    def add_codes(
        self,
        voucher_ref: str,  # noqa: ARG002
        spec: VoucherSpec,
        codes: Sequence[str],
    ) -> None:
        """Write a voucher for each code."""
        coupons.add_codes(spec, codes)

    def lock_codes(self, codes: Sequence[str]) -> None:
        """Lock the vouchers of these codes."""
        coupons.lock_codes(codes)

    def set_codes(
        self, codes: Sequence[str], *, is_open: bool, end_at: dt.datetime, uses: int | None = None
    ) -> None:
        """Let vouchers end as they were meant to, or now."""
        coupons.set_codes(codes, is_open=is_open, end_at=end_at, uses=uses)

    def coupon_minor(self, order_ref: str, code: str) -> int | None:
        """Return what a code took off an order, from the order's discount."""
        return coupons.coupon_minor(order_ref, code)

    # --- GraphQL -----------------------------------------------------------------------------
    def requestor(self, info: Any) -> Requestor:
        """Return who asks."""
        return graph.requestor(info)

    def node(self, root: Any) -> Any:
        """Return the model behind a resolver's root, which is the root itself."""
        return root

    def graphql_types(self) -> Mapping[str, type]:
        """Return the host's classes by name."""
        return graph.types()

    def wrap_checkout(self, checkout: Any) -> Any:
        """Return the checkout as it is."""
        return checkout

    def mutation_context(
        self,
        info: Any,  # noqa: ARG002
    ) -> AbstractContextManager[Any]:
        """Do nothing before a mutation writes."""
        return nullcontext()

    def from_global_id(self, global_id: str, type_name: str) -> str | None:
        """Return the primary key as text, or None when the id is not of that type."""
        return graph.from_global_id(global_id, type_name)

    def to_global_id(self, type_name: str, ref: str) -> str:
        """Return the host's GraphQL id."""
        return graph.to_global_id(type_name, ref)

    def counter(self, info: Any) -> Counter:  # noqa: ARG002
        """Refuse: a customer's checkout is what he is filling."""
        raise Refusal(Code.NOT_SUPPORTED, NOT_HERE["reorders"])

    def channel_slug(self, root: Any) -> str | None:  # noqa: ARG002
        """Return the only channel's slug."""
        return shop.CHANNEL_SLUG

    def checkout_prices(self, info: Any, root: Any) -> Any:
        """Promise the ``PricedCheckout`` of a resolver's root; None when it is gone."""
        return checkouts.checkout_prices(info, root)

    def code_totals(self, checkout_ref: str, code: str) -> CodeTotals | None:
        """Return what a checkout costs without a voucher and with this one; None: it is gone."""
        return comparing.code_totals(checkout_ref, code)

    def shelf_prices(self, variant_refs: Iterable[str], channel_ref: str) -> dict[str, ShelfPrice]:
        """Return prices of published variants in a constant number of statements."""
        return catalog.shelf_prices(variant_refs, channel_ref)

    def sold_of(self, selection: Selection, channel_ref: str, limit: int) -> list[str]:
        """Return the cheapest published variants of a selection."""
        return catalog.sold_of(selection, channel_ref, limit)

    def variants_of_products(
        self, product_refs: Iterable[str], channel_ref: str
    ) -> dict[str, list[str]]:
        """Return the variants of each product, in one statement."""
        return catalog.variants_of_products(product_refs, channel_ref)

    def register_query_costs(self, costs: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> None:
        """Do nothing: this host does not count the cost of queries."""

    # --- capabilities ------------------------------------------------------------------------
    def refusal_of(self, capability: str) -> str | None:
        """Return why this host cannot do ``capability``, or None."""
        if capability in ("line_discounts", "free_shipping"):
            return conflicts.refusal()
        return NOT_HERE.get(capability)


class _Dispatch:
    """A task to run after commit, comparable with the others that wait."""

    def __init__(self, call: tuple[str, tuple[Any, ...]]) -> None:
        self.call = call

    def __call__(self) -> None:
        from saleor_retention import tasks

        name, args = self.call
        try:
            getattr(tasks, name).delay(*args)
        except Exception:
            logger.exception("Could not dispatch %s%r.", name, args)
