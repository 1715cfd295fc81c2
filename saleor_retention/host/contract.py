"""What a host adapter offers the rest of the plugin: facts in, effects out.

Services, selectors, tasks and GraphQL reach Saleor through this protocol only. The price path
itself (the seam on 3.x, the line hook on 2.10) is inside each adapter and calls
``services.checkout.pricing``.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol

from saleor_retention.engine.facts import BasketFacts, GoodsFacts, OrderFacts
from saleor_retention.engine.rules import Selection

if TYPE_CHECKING:
    from saleor_retention.selectors.standing import Standing
    from saleor_retention.services.checkout.pricing import Decision


@dataclass(frozen=True, slots=True)
class ChannelFacts:
    """A sales channel; 2.10 has exactly one, made up from its settings."""

    ref: str
    slug: str
    name: str
    currency: str


@dataclass(frozen=True, slots=True)
class CheckoutFacts:
    """A checkout for the redemption services: its basket before our rows, and its state."""

    basket: BasketFacts
    is_money_committed: bool  # something is authorized or charged
    outer_share_ppm: int  # share of a line discount that will reach the total, in millionths
    standing: Standing | None = None  # as it was read with the basket


@dataclass(frozen=True, slots=True)
class PaidLine:
    """What the shopper pays for a checkout line now, after every discount."""

    ref: str
    net_minor: int
    gross_minor: int


@dataclass(frozen=True, slots=True)
class PricedCheckout:
    """A checkout whose prices are up to date, for what GraphQL says of it."""

    basket: BasketFacts  # before our discounts
    standing: Standing
    decision: Decision  # made now, from basket and standing
    paid: tuple[PaidLine, ...]
    outer_share_ppm: int  # as in CheckoutFacts
    has_tax_in_prices: bool = True  # the channel's prices are entered with tax


@dataclass(frozen=True, slots=True)
class CodeTotals:
    """What a checkout costs with tax, before gift cards, in minor units of its currency."""

    without_minor: int  # without any voucher
    with_minor: int | None  # with the code; None where it cannot be used on this checkout


@dataclass(frozen=True, slots=True)
class VoucherSpec:
    """The voucher behind coupons, as the shop has to know it; money in minor units."""

    name: str
    channels: tuple[ChannelFacts, ...]  # that it can be used in
    start_at: dt.datetime
    end_at: dt.datetime
    uses: int  # of one code
    percent: Decimal | None = None
    amounts: Mapping[str, int] = field(default_factory=dict)  # by currency; without a percentage
    minimums: Mapping[str, int] = field(default_factory=dict)
    is_for_shipping: bool = False


@dataclass(frozen=True, slots=True)
class ShelfPrice:
    """What one unit of a variant costs in a channel before any member price."""

    goods: GoodsFacts
    currency: str
    exponent: int
    list_minor: int  # without the shop's own promotions
    unit_minor: int  # with them, for everybody; in the channel's entered-price basis
    is_gift_card: bool = False


@dataclass(frozen=True, slots=True)
class PastOrder:
    """A customer's order among all past ones: also the place to go on after."""

    user_ref: str
    created_at: dt.datetime
    ref: str


@dataclass(frozen=True, slots=True)
class Purchase:
    """So many units of a variant that a customer ordered at once."""

    user_ref: str
    variant_ref: str
    at: dt.datetime
    quantity: int
    channel_ref: str


class Lack(StrEnum):
    """Why goods cannot be put into a checkout."""

    UNAVAILABLE = "unavailable"  # not sold in the channel, or not any more
    OUT_OF_STOCK = "out_of_stock"  # or fewer than asked for
    OVER_LIMIT = "over_limit"  # more than the shop sells to one customer


class Counter(Protocol):
    """Opens checkouts of the customer who asks, with the host's own checks."""

    def lacks(self, channel_ref: str, goods: Mapping[str, int]) -> dict[str, Lack]:
        """Return which variants cannot be had in that number, each looked at for itself."""

    def open(self, channel_ref: str, goods: Mapping[str, int], mark: str) -> str:
        """Open a checkout with these units of variants and return it, marked; or ``Refusal``.

        With the customer's e-mail, and his default addresses as far as the shop takes them.
        """


@dataclass(frozen=True, slots=True)
class UserFacts:
    """A shop user as search results and point of sale show them."""

    ref: str
    email: str
    first_name: str
    last_name: str
    is_confirmed: bool
    joined_at: dt.datetime


@dataclass(frozen=True, slots=True)
class MailServer:
    """A mail server that the shop keeps elsewhere than in Django's settings."""

    host: str
    port: str
    username: str
    password: str = field(repr=False)
    use_tls: bool
    use_ssl: bool
    sender: str  # as in the header From
    channel: str  # the slug of the channel that it is kept for


@dataclass(frozen=True, slots=True)
class Requestor:
    """Who asks: a user, an app, or nobody."""

    user_ref: str | None
    app_ref: str | None
    permissions: frozenset[str]  # of {"discounts", "users", "orders", "checkouts"}

    @property
    def actor_ref(self) -> str:
        """Return "user:<pk>", "app:<pk>" or ""."""
        if self.app_ref is not None:
            return f"app:{self.app_ref}"
        return f"user:{self.user_ref}" if self.user_ref is not None else ""

    def can(self, permission: str) -> bool:
        """Tell whether the requestor holds it: "discounts" for programs, "users" for members."""
        return permission in self.permissions


class PriceStatus(Protocol):
    """Whether prices pass through the plugin, in sentences; any problem: it prices nothing."""

    @property
    def problems(self) -> tuple[str, ...]:
        """Return why not."""

    @property
    def warnings(self) -> tuple[str, ...]:
        """Return what differs from what was tested."""


class Host(Protocol):
    """One Saleor generation."""

    name: str  # "3" or "2.10"
    version: str  # "3.23.28", "2.10.1"
    tested_versions: tuple[str, ...]  # that the price path was tested on

    # --- at start --------------------------------------------------------------------------
    def seam_status(self) -> PriceStatus:
        """Return what the checks of the price path found, without asking the database."""

    def install(self) -> object:
        """Do once at start what prices need, before Saleor builds its schema."""

    # --- facts -----------------------------------------------------------------------------
    def order_facts(self, order_ref: str) -> OrderFacts | None:
        """Read an order afresh from the default database; None when there is none."""

    def orders_facts(self, order_refs: Sequence[str]) -> dict[str, OrderFacts]:
        """Read many orders in a constant number of statements."""

    def order_refs_updated_since(
        self, at: dt.datetime, limit: int
    ) -> list[tuple[str, dt.datetime]]:
        """Return up to ``limit`` (order ref, changed at) from ``at`` on, oldest first."""

    def past_orders(
        self,
        channel_refs: Sequence[str],
        start_at: dt.datetime | None,
        end_at: dt.datetime,
        after: PastOrder | None,
        limit: int,
    ) -> list[PastOrder]:
        """Return up to ``limit`` customers' orders created on [start, end), after one of them.

        Customer by customer, each customer's by creation, in one statement whatever came before;
        drafts and guests' orders are left out.
        """

    def count_past_orders(
        self, channel_refs: Sequence[str], start_at: dt.datetime | None, end_at: dt.datetime
    ) -> tuple[int, int]:
        """Return how many orders of customers, and of guests, were created on [start, end)."""

    def purchases(
        self,
        variant_refs: Collection[str],
        channel_refs: Collection[str],
        user_refs: Collection[str],
    ) -> list[Purchase]:
        """Return what these customers ordered of these variants, oldest first, in one statement.

        Without drafts and orders that were canceled; what came back of the others is in it.
        """

    def sold(self) -> str:
        """Return the condition that the order of ``record.order_ref`` has some goods at a price.

        For statements over ``saleor_retention_orderrecord AS record``; true or false, never NULL.
        Its parameters are the goods' references, four ``text[]``: variants, products, categories
        with all below them, collections, as the shop sorts its goods now. Goods that the shop has
        deleted are none of them.
        """

    def order_counts(
        self, channel_refs: Collection[str], user_refs: Collection[str]
    ) -> dict[str, int]:
        """Return how many orders these customers placed, by customer, in one statement.

        Without drafts and orders that were canceled; absent for who placed none.
        """

    def order_ref_of_checkout(self, checkout_ref: str) -> str | None:
        """Return the order made from that checkout, if any."""

    def checkout_facts(self, checkout_ref: str) -> CheckoutFacts | None:
        """Read a checkout; None when it is gone."""

    def lock_checkout(self, checkout_ref: str) -> bool:
        """Lock the checkout's row for this database transaction; False when it is gone."""

    def existing_checkouts(self, checkout_refs: Iterable[str]) -> set[str]:
        """Return those that still exist."""

    def channels(self) -> list[ChannelFacts]:
        """Return every channel of the shop."""

    def has_tax_in_prices(self, channel_ref: str) -> bool:
        """Tell whether the channel's prices are entered with tax; False for no such channel."""

    def currency_exponent(self, currency: str) -> int:
        """Return the digits of the currency's minor unit as the shop rounds."""

    def users(self, user_refs: Iterable[str]) -> dict[str, UserFacts]:
        """Return shop users by reference in one statement."""

    def find_user_refs(self, text: str, limit: int) -> list[str]:
        """Return users whose e-mail or name contains ``text`` (member search)."""

    def find_user_by_email(self, email: str) -> str | None:
        """Return the confirmed, active user of exactly that address (case-insensitive)."""

    def find_users_by_phone(self, phone: str) -> list[str]:
        """Return the users with that E.164 phone number on a default address."""

    def phones_of(self, user_refs: Iterable[str]) -> dict[str, str]:
        """Return the E.164 numbers on users' default addresses; users without one are absent."""

    def users_with_metadata(self, key: str, limit: int) -> list[str]:
        """Return up to ``limit`` confirmed, active users whose public metadata has a key."""

    def places_of(self, user_refs: Iterable[str]) -> dict[str, frozenset[str]]:
        """Return the homes and phone numbers in users' address books, in one statement.

        As keys to compare and not to read; users without any are absent.
        """

    def has_ordered(self, user_ref: str) -> bool:
        """Tell whether the user has an order that was placed and not called off."""

    def group_names(self, user_ref: str) -> set[str]:
        """Return the names of the permission groups that a member of staff is in."""

    def app_name(self, app_ref: str) -> str | None:
        """Return what an app is called; None when it is gone."""

    def resolve_slugs(self, kind: str, slugs: Iterable[str]) -> dict[str, str]:
        """Map slugs (SKUs for ``variants``) of ``kind`` to references; unknown ones are absent."""

    def slugs_of(self, kind: str, refs: Iterable[str]) -> dict[str, str]:
        """Map references back to slugs: the inverse of ``resolve_slugs``."""

    def goods_names(self, kind: str, refs: Iterable[str]) -> dict[str, str]:
        """Map references of ``kind`` to what shoppers read, in one statement; gone: absent."""

    def published_since(
        self, kind: str, ref: str, channel_refs: Collection[str]
    ) -> dt.datetime | None:
        """Return from when on shoppers see a product or variant in any of these channels.

        Long ago where nobody dated it, in the future where it will come; None while it is hidden.
        """

    def goods_of_variants(self, variant_refs: Iterable[str]) -> dict[str, GoodsFacts]:
        """Return the selection facts of variants in a constant number of statements."""

    def in_stock(self, variant_refs: Iterable[str], checkout_ref: str) -> set[str]:
        """Return those that are sold to a checkout and of which it can have one unit more."""

    def checkouts_marked(
        self, user_ref: str, channel_ref: str, mark: str
    ) -> dict[str, frozenset[str]]:
        """Return a customer's checkouts of that mark, newest first, with their variants."""

    # --- effects ---------------------------------------------------------------------------
    def reprice(self, checkout_ref: str) -> None:
        """Make the checkout compute its prices afresh when next read."""

    def reprice_channels(
        self, channel_refs: Sequence[str], after_ref: str, limit: int
    ) -> str | None:
        """Do the same for up to ``limit`` open checkouts of the channels, in order of reference.

        Returns the last reference, to go on after, or None when that was all.
        """

    def dispatch(self, task_name: str, *args: Any) -> None:
        """Run the task of ``saleor_retention.tasks`` after commit, on a worker if there is one."""

    def notify(self, event: str, payload: Mapping[str, Any]) -> bool:
        """Have the mail providers of the shop told of an event; False where none listens."""

    def hears_notify(self) -> bool:
        """Tell whether anybody listens to what ``notify`` tells."""

    def mail_server(self, channel_refs: Collection[str]) -> MailServer | None:
        """Return the server that mails customers of these channels; None: Django's settings say."""

    def customer_attributes(self, slugs: Collection[str]) -> dict[str, str]:
        """Return the input types of those of the shop's customer attributes that are there."""

    def set_customer_attributes(self, user_ref: str, values: Mapping[str, Any]) -> None:
        """Have a user's attributes, by slug, hold these values; None holds nothing.

        A value is as its input type wants it: text, a day (``date``), a whole number, true or
        false, or several texts. What the user's customer type does not have is left out.
        """

    def take_metadata(self, user_ref: str, key: str) -> Any:
        """Lock a user, remove a key of the public metadata and return what it had, or None."""

    def writer(self) -> AbstractContextManager[Any]:
        """Allow writes to the default database within (queries, tasks)."""

    def strip_own_rows(self, checkout_refs: Iterable[str] | None = None) -> int:
        """Delete own rows (all, or of some checkouts), expire their prices, return how many."""

    def forget_orders(self) -> int:
        """Remove what is kept on the shop's own orders for our sake; return of how many."""

    def add_goods(
        self, checkout_ref: str, variant_ref: str, quantity: int, *, offer_id: str
    ) -> str:
        """Add a line for a gift and return it; ``Refusal`` where the shop does not sell that.

        The caller holds the checkout's row and has it priced afresh.
        """

    def remove_line(self, checkout_ref: str, line_ref: str) -> bool:
        """Take a line off that ``add_goods`` added and nobody changed since; tell whether."""

    def open_voucher(self, spec: VoucherSpec) -> str:
        """Write what many codes have in common; return its reference, "" where there is nothing."""

    def list_vouchers(self, specs: Mapping[str, VoucherSpec]) -> None:
        """Let vouchers hold in the channels of these specs too, by what ``open_voucher`` returned.

        Those that are gone are left out; where one holds already nothing is changed.
        """

    def has_voucher(self, voucher_ref: str) -> bool:
        """Tell whether what ``open_voucher`` wrote is there still."""

    def add_codes(self, voucher_ref: str, spec: VoucherSpec, codes: Sequence[str]) -> None:
        """Let checkouts know these codes; ``IntegrityError`` where the shop has one already."""

    def lock_codes(self, codes: Sequence[str]) -> None:
        """Lock what the shop keeps of these codes for the transaction, in their order."""

    def set_codes(
        self, codes: Sequence[str], *, is_open: bool, end_at: dt.datetime, uses: int | None = None
    ) -> None:
        """Let checkouts take these codes, or no longer; ``uses`` is what their orders used.

        Codes that the shop has deleted since are left out.
        """

    def coupon_minor(self, order_ref: str, code: str) -> int | None:
        """Return what a code took off an order, in minor units; None where that is not known."""

    # --- GraphQL -----------------------------------------------------------------------------
    def requestor(self, info: Any) -> Requestor:
        """Return who asks."""

    def node(self, root: Any) -> Any:
        """Return the model behind a resolver's root (3.x wraps checkouts, orders, products)."""

    def graphql_types(self) -> Mapping[str, type]:
        """Return the host's classes by name.

        ``User Checkout Order Product ProductVariant Queries Mutations Money DateTime Date Decimal
        JSONString OrderDirection``.
        """

    def wrap_checkout(self, checkout: Any) -> Any:
        """Return what a resolver must return for a field of type Checkout."""

    def mutation_context(self, info: Any) -> AbstractContextManager[Any]:
        """Do what the host's own mutations do before writing."""

    def from_global_id(self, global_id: str, type_name: str) -> str | None:
        """Return the primary key as text, or None when the id is not of that type."""

    def to_global_id(self, type_name: str, ref: str) -> str:
        """Return the host's GraphQL id."""

    def counter(self, info: Any) -> Counter:
        """Return where the customer who asks opens checkouts; ``Refusal`` where nobody can."""

    def channel_slug(self, root: Any) -> str | None:
        """Return the channel that the query around a resolver's root named (3.x products)."""

    def checkout_prices(self, info: Any, root: Any) -> Any:
        """Return, or promise, the ``PricedCheckout`` of a resolver's root; None when it is gone.

        Prices that have run out are computed first, as for the host's own price fields.
        """

    def code_totals(self, checkout_ref: str, code: str) -> CodeTotals | None:
        """Return what a checkout costs without a voucher and with this one; None when it is gone.

        The host computes both, and nothing is changed: neither rows, nor events, nor tasks.
        """

    def shelf_prices(self, variant_refs: Iterable[str], channel_ref: str) -> dict[str, ShelfPrice]:
        """Return prices of variants in a constant number of statements; unlisted: absent."""

    def sold_of(self, selection: Selection, channel_ref: str, limit: int) -> list[str]:
        """Return variants of a selection that a channel sells, so many of the cheapest first."""

    def variants_of_products(
        self, product_refs: Iterable[str], channel_ref: str
    ) -> dict[str, list[str]]:
        """Return the variants that each product sells in a channel, in one statement."""

    def register_query_costs(self, costs: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> None:
        """Tell the host's query cost validator, where it has one, what our fields cost."""

    # --- capabilities ------------------------------------------------------------------------
    def refusal_of(self, capability: str) -> str | None:
        """Return why this host cannot do something, in a sentence, or None.

        That is ``line_discounts``, ``free_shipping``, ``gifts`` and ``punch_cards`` of offers, or
        ``coupon_prefixes``, ``notify``, ``reorders`` and ``customer_attributes``.
        """
