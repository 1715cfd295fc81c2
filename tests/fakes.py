"""An in-memory host: facts of orders, checkouts and users that a test sets, effects to look at.

Everything that services and selectors ask of Saleor goes through ``host.current()``; ``use`` puts a
``FakeHost`` there. Orders are real ``OrderFacts``, made with ``order``, changed in the host.
"""

from __future__ import annotations

import datetime as dt
import json
import sys
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

import pytest

from saleor_retention import host as hosts
from saleor_retention.engine.facts import (
    BasketFacts,
    BasketLine,
    GoodsFacts,
    OrderFacts,
    OrderLine,
    OrderState,
    Origin,
)
from saleor_retention.engine.rules import Selection
from saleor_retention.engine.selections import matches
from saleor_retention.host.contract import (
    ChannelFacts,
    CheckoutFacts,
    MailServer,
    PastOrder,
    Purchase,
    Requestor,
    ShelfPrice,
    UserFacts,
    VoucherSpec,
)
from saleor_retention.selectors import offers, programs, terms

NOBODY = Requestor(None, None, frozenset())
CHANNEL = "1"
EXPONENTS = {"JPY": 0, "KWD": 3}


def at(text: str) -> dt.datetime:
    """Return the instant of an ISO text in UTC: ``at("2026-03-01 10:00")``."""
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


@dataclass
class FakeHost:
    """A shop in memory; a test changes its dictionaries and calls the service."""

    name: str = "fake"
    version: str = "0"
    tested_versions: tuple[str, ...] = ("0",)
    problems: tuple[str, ...] = ()  # of the price seam
    net_channels: frozenset[str] = frozenset()  # whose prices are entered without tax
    warnings: tuple[str, ...] = ()
    orders: dict[str, OrderFacts] = field(default_factory=dict)
    orders_changed_at: dict[str, dt.datetime] = field(default_factory=dict)
    checkouts: dict[str, CheckoutFacts] = field(default_factory=dict)
    people: dict[str, UserFacts] = field(default_factory=dict)
    metadata: dict[tuple[str, str], Any] = field(default_factory=dict)  # (user ref, key)
    phones: dict[str, list[str]] = field(default_factory=dict)
    places: dict[str, frozenset[str]] = field(default_factory=dict)
    shop_channels: list[ChannelFacts] = field(
        default_factory=lambda: [ChannelFacts(CHANNEL, "main", "Main", "USD")]
    )
    groups: dict[str, set[str]] = field(default_factory=dict)  # user ref -> names
    apps: dict[str, str] = field(default_factory=dict)  # app ref -> name
    slugs: dict[str, dict[str, str]] = field(default_factory=dict)  # kind -> slug -> ref
    goods: dict[str, GoodsFacts] = field(default_factory=dict)
    published: dict[str, dt.datetime] = field(default_factory=dict)  # since when, by reference
    prices: dict[tuple[str, str], ShelfPrice] = field(default_factory=dict)  # (channel, variant)
    attributes: dict[str, str] = field(default_factory=dict)  # slug -> input type
    attribute_values: dict[str, dict[str, Any]] = field(default_factory=dict)  # by user ref
    refusals: dict[str, str] = field(default_factory=dict)  # capability -> reason
    requests: Requestor = NOBODY
    sold_out: set[str] = field(default_factory=set)  # variants that cannot be given
    vouchers: list[VoucherSpec] = field(default_factory=list)
    codes: dict[str, bool] = field(default_factory=dict)  # code -> whether it can be used
    coupon_amounts: dict[tuple[str, str], int] = field(default_factory=dict)  # by order and code
    opened: dict[str, tuple[str, str, str, dict[str, int]]] = field(default_factory=dict)
    repriced: list[str] = field(default_factory=list)
    stripped: list[str] | None = None
    orders_kept_on: int = 0  # the shop's own orders that have something of ours
    dispatched: list[tuple[str, tuple[Any, ...]]] = field(default_factory=list)
    notified: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    is_heard: bool = True  # somebody listens to ``notify``
    server: MailServer | None = None  # of mail, beside Django's settings
    reads: list[str] = field(default_factory=list)  # order refs asked for, one by one

    def put_order(self, facts: OrderFacts, changed_at: dt.datetime | None = None) -> OrderFacts:
        """Make ``facts`` the order's state now."""
        self.orders[facts.ref] = facts
        self.orders_changed_at[facts.ref] = changed_at or facts.created_at
        return facts

    def change_order(self, ref: str, **changes: Any) -> OrderFacts:
        """Change some of an order's facts."""
        return self.put_order(replace(self.orders[ref], **changes), self.orders_changed_at[ref])

    def return_units(self, ref: str, line_ref: str, quantity: int) -> OrderFacts:
        """Return units of one line in all (not in addition), with no money moved."""
        lines = tuple(
            replace(line, quantity_returned=quantity) if line.ref == line_ref else line
            for line in self.orders[ref].lines
        )
        return self.change_order(ref, lines=lines)

    def put_user(
        self,
        ref: str,
        email: str = "",
        *,
        is_confirmed: bool = True,
        joined_at: dt.datetime | None = None,
    ) -> UserFacts:
        """Make somebody a user of the shop (facts only; accounts refer to Django's user table)."""
        self.people[ref] = UserFacts(
            ref=ref,
            email=email or f"user{ref}@example.com",
            first_name="",
            last_name="",
            is_confirmed=is_confirmed,
            joined_at=joined_at or at("2025-01-01"),
        )
        return self.people[ref]

    def put_checkout(
        self,
        ref: str,
        total_minor: int,
        *,
        user_ref: str | None,
        currency: str = "USD",
        channel_ref: str = CHANNEL,
        is_money_committed: bool = False,
        outer_share_ppm: int = 1_000_000,
        lines: Sequence[BasketLine] | None = None,
    ) -> CheckoutFacts:
        """Make a checkout of one line (or of ``lines``) the present one of that reference."""
        basket = BasketFacts(
            ref=ref,
            channel_ref=channel_ref,
            currency=currency,
            exponent=self.currency_exponent(currency),
            user_ref=user_ref,
            lines=tuple(lines) if lines is not None else (_basket_line(total_minor),),
        )
        self.checkouts[ref] = CheckoutFacts(basket, is_money_committed, outer_share_ppm)
        return self.checkouts[ref]

    def put_price(
        self,
        variant_ref: str,
        unit_minor: int,
        *,
        channel_ref: str = CHANNEL,
        product_ref: str = "",
    ) -> ShelfPrice:
        """Sell a variant in a channel at a price."""
        channel = next(place for place in self.shop_channels if place.ref == channel_ref)
        goods = GoodsFacts(variant_ref, product_ref or f"p-{variant_ref}")
        self.goods[variant_ref] = goods
        exponent = self.currency_exponent(channel.currency)
        price = ShelfPrice(goods, channel.currency, exponent, unit_minor, unit_minor)
        self.prices[channel_ref, variant_ref] = price
        return price

    def seam_status(self) -> FakeHost:
        """Return what the test says of the price seam."""
        return self

    # --- facts -----------------------------------------------------------------------------
    def order_facts(self, order_ref: str) -> OrderFacts | None:
        """Return the order's state now."""
        self.reads.append(order_ref)
        return self.orders.get(order_ref)

    def orders_facts(self, order_refs: Sequence[str]) -> dict[str, OrderFacts]:
        """Return the state of those that exist."""
        return {ref: self.orders[ref] for ref in order_refs if ref in self.orders}

    def order_refs_updated_since(
        self, at: dt.datetime, limit: int
    ) -> list[tuple[str, dt.datetime]]:
        """Return what changed, oldest first."""
        changed = [item for item in self.orders_changed_at.items() if item[1] >= at]
        return sorted(changed, key=lambda item: (item[1], item[0]))[:limit]

    def past_orders(
        self,
        channel_refs: Sequence[str],
        start_at: dt.datetime | None,
        end_at: dt.datetime,
        after: PastOrder | None,
        limit: int,
    ) -> list[PastOrder]:
        """Return customers' orders of a time, customer by customer."""
        found = [
            (int(facts.user_ref), facts.created_at, facts.ref)
            for facts in self._past(channel_refs, start_at, end_at)
            if facts.user_ref is not None
        ]
        if after is not None:
            place = (int(after.user_ref), after.created_at, after.ref)
            found = [item for item in found if item > place]
        return [PastOrder(str(user), at, ref) for user, at, ref in sorted(found)[:limit]]

    def count_past_orders(
        self, channel_refs: Sequence[str], start_at: dt.datetime | None, end_at: dt.datetime
    ) -> tuple[int, int]:
        """Return how many of them are customers' and guests'."""
        owners = [facts.user_ref for facts in self._past(channel_refs, start_at, end_at)]
        guests = owners.count(None)
        return len(owners) - guests, guests

    def _past(
        self, channel_refs: Sequence[str], start_at: dt.datetime | None, end_at: dt.datetime
    ) -> list[OrderFacts]:
        return [
            facts
            for facts in self.orders.values()
            if facts.channel_ref in channel_refs
            and facts.state is not OrderState.DRAFT
            and facts.created_at < end_at
            and (start_at is None or facts.created_at >= start_at)
        ]

    def goods_names(self, kind: str, refs: Iterable[str]) -> dict[str, str]:
        """Name the variants that are known."""
        assert kind == "variants"
        return {ref: f"Goods {ref}" for ref in refs if ref in self.goods}

    def published_since(
        self, _kind: str, ref: str, _channel_refs: Collection[str]
    ) -> dt.datetime | None:
        """Return from when on goods are seen."""
        return self.published.get(ref)

    def purchases(
        self,
        variant_refs: Collection[str],
        channel_refs: Collection[str],
        user_refs: Collection[str],
    ) -> list[Purchase]:
        """Return what these customers ordered of these variants."""
        found = [
            Purchase(
                facts.user_ref,
                item.goods.variant_ref,
                facts.created_at,
                item.quantity,
                facts.channel_ref,
            )
            for facts in self.orders.values()
            if facts.user_ref in user_refs
            and facts.channel_ref in channel_refs
            and facts.state not in (OrderState.DRAFT, OrderState.CANCELED)
            for item in facts.lines
            if item.goods.variant_ref in variant_refs
        ]
        return sorted(found, key=lambda purchase: purchase.at)

    def sold(self) -> str:
        """Return the condition over the lines of the orders that there are now."""
        lines = [
            {
                "order_ref": facts.ref,
                "variant": line.goods.variant_ref,
                "product": line.goods.product_ref,
                "categories": sorted(line.goods.category_refs),
                "collections": sorted(line.goods.collection_refs),
            }
            for facts in self.orders.values()
            for line in facts.lines
        ]
        return (
            f"EXISTS (SELECT 1 FROM jsonb_to_recordset('{json.dumps(lines)}') AS line (order_ref"
            " text, variant text, product text, categories text[], collections text[])"
            " WHERE line.order_ref = record.order_ref AND (line.variant = ANY(%s::text[])"
            " OR line.product = ANY(%s::text[]) OR line.categories && %s::text[]"
            " OR line.collections && %s::text[]))"
        )

    def order_counts(
        self, channel_refs: Collection[str], user_refs: Collection[str]
    ) -> dict[str, int]:
        """Return how many orders these customers placed."""
        return dict(
            Counter(
                facts.user_ref
                for facts in self.orders.values()
                if facts.user_ref in user_refs
                and facts.channel_ref in channel_refs
                and facts.state not in (OrderState.DRAFT, OrderState.CANCELED)
            )
        )

    def order_ref_of_checkout(self, checkout_ref: str) -> str | None:
        """Return the order made from that checkout."""
        found = (facts.ref for facts in self.orders.values() if facts.checkout_ref == checkout_ref)
        return next(found, None)

    def checkout_facts(self, checkout_ref: str) -> CheckoutFacts | None:
        """Return the checkout as it is now."""
        return self.checkouts.get(checkout_ref)

    def lock_checkout(self, checkout_ref: str) -> bool:
        """Lock nothing; tell whether it is there."""
        return checkout_ref in self.checkouts

    def existing_checkouts(self, checkout_refs: Iterable[str]) -> set[str]:
        """Return those that are there."""
        return {ref for ref in checkout_refs if ref in self.checkouts}

    def channels(self) -> list[ChannelFacts]:
        """Return the shop's channels."""
        return self.shop_channels

    def currency_exponent(self, currency: str) -> int:
        """Return 2, but for two currencies that have other minor units."""
        return EXPONENTS.get(currency, 2)

    def users_with_metadata(self, key: str, limit: int) -> list[str]:
        """Return confirmed users with a key."""
        found = [ref for (ref, name) in self.metadata if name == key]
        return [ref for ref in found if self.people[ref].is_confirmed][:limit]

    def take_metadata(self, user_ref: str, key: str) -> Any:
        """Remove a key and return what it had."""
        return self.metadata.pop((user_ref, key), None)

    def users(self, user_refs: Iterable[str]) -> dict[str, UserFacts]:
        """Return those that are known."""
        return {ref: self.people[ref] for ref in user_refs if ref in self.people}

    def find_user_refs(self, text: str, limit: int) -> list[str]:
        """Return users by a part of their address."""
        return [ref for ref, user in self.people.items() if text in user.email][:limit]

    def find_user_by_email(self, email: str) -> str | None:
        """Return the confirmed user of exactly that address."""
        for ref, user in self.people.items():
            if user.is_confirmed and user.email.casefold() == email.strip().casefold():
                return ref
        return None

    def find_users_by_phone(self, phone: str) -> list[str]:
        """Return the users with that number."""
        return self.phones.get(phone, [])

    def phones_of(self, user_refs: Iterable[str]) -> dict[str, str]:
        """Return a number that leads to each of the users."""
        wanted = set(user_refs)
        pairs = [(ref, number) for number, refs in self.phones.items() for ref in refs]
        return {ref: number for ref, number in pairs if ref in wanted}

    def places_of(self, user_refs: Iterable[str]) -> dict[str, frozenset[str]]:
        """Return what a test says of their homes."""
        return {ref: self.places[ref] for ref in user_refs if ref in self.places}

    def has_ordered(self, user_ref: str) -> bool:
        """Tell whether an order is the user's."""
        return any(facts.user_ref == user_ref for facts in self.orders.values())

    def group_names(self, user_ref: str) -> set[str]:
        """Return the groups of a member of staff."""
        return self.groups.get(user_ref, set())

    def app_name(self, app_ref: str) -> str | None:
        """Return an app's name."""
        return self.apps.get(app_ref)

    def resolve_slugs(self, kind: str, slugs: Iterable[str]) -> dict[str, str]:
        """Map slugs to references."""
        known = self.slugs.get(kind, {})
        return {slug: known[slug] for slug in slugs if slug in known}

    def has_tax_in_prices(self, channel_ref: str) -> bool:
        """Return whether prices are entered with tax there."""
        return channel_ref not in self.net_channels

    def slugs_of(self, kind: str, refs: Iterable[str]) -> dict[str, str]:
        """Map references to slugs."""
        known = {ref: slug for slug, ref in self.slugs.get(kind, {}).items()}
        return {ref: known[ref] for ref in refs if ref in known}

    def shelf_prices(self, variant_refs: Iterable[str], channel_ref: str) -> dict[str, ShelfPrice]:
        """Return the prices of those that the channel sells."""
        found = {ref: self.prices.get((channel_ref, ref)) for ref in variant_refs}
        return {ref: price for ref, price in found.items() if price is not None}

    def sold_of(self, selection: Selection, channel_ref: str, limit: int) -> list[str]:
        """Return the cheapest variants of a selection that the channel sells."""
        found = [
            (price.unit_minor, ref)
            for (channel, ref), price in self.prices.items()
            if channel == channel_ref and matches(selection, price.goods)
        ]
        return [ref for _minor, ref in sorted(found)][:limit]

    def variants_of_products(
        self, product_refs: Iterable[str], channel_ref: str
    ) -> dict[str, list[str]]:
        """Return the variants that each product sells in the channel."""
        wanted = set(product_refs)
        found: dict[str, list[str]] = {}
        for (channel, variant_ref), price in self.prices.items():
            if channel == channel_ref and price.goods.product_ref in wanted:
                found.setdefault(price.goods.product_ref, []).append(variant_ref)
        return found

    def goods_of_variants(self, variant_refs: Iterable[str]) -> dict[str, GoodsFacts]:
        """Return what selections look at."""
        return {ref: self.goods[ref] for ref in variant_refs if ref in self.goods}

    def in_stock(self, variant_refs: Iterable[str], checkout_ref: str) -> set[str]:  # noqa: ARG002
        """Return all but what the test has sold out."""
        return set(variant_refs) - self.sold_out

    def checkouts_marked(
        self, user_ref: str, channel_ref: str, mark: str
    ) -> dict[str, frozenset[str]]:
        """Return the checkouts that a counter opened and that still exist, newest first."""
        return {
            ref: frozenset(goods)
            for ref, (*of, goods) in reversed(self.opened.items())
            if of == [user_ref, channel_ref, mark] and ref in self.checkouts
        }

    # --- effects ---------------------------------------------------------------------------
    def add_goods(
        self,
        checkout_ref: str,
        variant_ref: str,
        quantity: int,
        *,
        offer_id: str,  # noqa: ARG002
    ) -> str:
        """Put a line of 10.00 a unit into the checkout."""
        found = self.checkouts[checkout_ref]
        ref = f"gift-{variant_ref}"
        goods = self.goods.get(variant_ref) or GoodsFacts(variant_ref, f"product-{variant_ref}")
        added = BasketLine(ref, goods, quantity, 1000, 1000 * quantity)
        basket = replace(found.basket, lines=(*found.basket.lines, added))
        self.checkouts[checkout_ref] = replace(found, basket=basket)
        return ref

    def remove_line(self, checkout_ref: str, line_ref: str) -> bool:
        """Take a line off."""
        found = self.checkouts[checkout_ref]
        lines = tuple(line for line in found.basket.lines if line.ref != line_ref)
        is_there = len(lines) < len(found.basket.lines)
        basket = replace(found.basket, lines=lines)
        self.checkouts[checkout_ref] = replace(found, basket=basket)
        return is_there

    def open_voucher(self, spec: VoucherSpec) -> str:
        """Keep the voucher."""
        self.vouchers.append(spec)
        return str(len(self.vouchers))

    def list_vouchers(self, specs: Mapping[str, VoucherSpec]) -> None:
        """Add the channels."""
        for ref, spec in specs.items():
            kept = self.vouchers[int(ref) - 1]
            places = {place.slug: place for place in (*kept.channels, *spec.channels)}
            channels = tuple(places[slug] for slug in sorted(places))
            self.vouchers[int(ref) - 1] = replace(kept, channels=channels)

    def has_voucher(self, voucher_ref: str) -> bool:
        """Tell whether it was opened."""
        return 0 < int(voucher_ref) <= len(self.vouchers)

    def add_codes(self, voucher_ref: str, spec: VoucherSpec, codes: Sequence[str]) -> None:
        """Keep the codes, open."""
        assert self.vouchers[int(voucher_ref) - 1] == spec
        self.codes.update(dict.fromkeys(codes, True))

    def lock_codes(self, codes: Sequence[str]) -> None:
        """Lock nothing."""

    def set_codes(
        self,
        codes: Sequence[str],
        *,
        is_open: bool,
        end_at: dt.datetime,  # noqa: ARG002
        uses: int | None = None,  # noqa: ARG002
    ) -> None:
        """Open or close the codes."""
        self.codes.update({code: is_open for code in codes if code in self.codes})

    def coupon_minor(self, order_ref: str, code: str) -> int | None:
        """Return what the test says that a code took off an order."""
        return self.coupon_amounts.get((order_ref, code))

    def reprice(self, checkout_ref: str) -> None:
        """Remember it."""
        self.repriced.append(checkout_ref)

    def reprice_channels(
        self, channel_refs: Sequence[str], after_ref: str, limit: int
    ) -> str | None:
        """Remember the checkouts of these channels."""
        refs = sorted(
            ref
            for ref, checkout in self.checkouts.items()
            if checkout.basket.channel_ref in channel_refs and ref > after_ref
        )
        self.repriced += refs[:limit]
        return refs[limit - 1] if len(refs) > limit else None

    def dispatch(self, task_name: str, *args: Any) -> None:
        """Run the task at once, as a shop without a broker does, if there are tasks at all."""
        self.dispatched.append((task_name, args))
        from importlib.util import find_spec

        if find_spec("saleor_retention.tasks") is None:
            return
        from saleor_retention import tasks

        getattr(tasks, task_name).run(*args)  # without the guard of a real worker

    def notify(self, event: str, payload: Mapping[str, Any]) -> bool:
        """Remember what a mail provider was told, if there is one."""
        if self.is_heard:
            self.notified.append((event, dict(payload)))
        return self.is_heard

    def hears_notify(self) -> bool:
        """Tell what the test set."""
        return self.is_heard

    def mail_server(self, _channel_refs: Collection[str]) -> MailServer | None:
        """Return the server that the test set."""
        return self.server

    def customer_attributes(self, slugs: Collection[str]) -> dict[str, str]:
        """Return those that the test set."""
        return {slug: self.attributes[slug] for slug in slugs if slug in self.attributes}

    def set_customer_attributes(self, user_ref: str, values: Mapping[str, Any]) -> None:
        """Remember what they hold."""
        held = self.attribute_values.setdefault(user_ref, {})
        for slug, value in values.items():
            held.pop(slug, None)
            if value is not None:
                held[slug] = value

    def writer(self) -> Any:
        """Allow what is allowed anyway."""
        return nullcontext()

    def strip_own_rows(self, checkout_refs: Iterable[str] | None = None) -> int:
        """Remember it."""
        self.stripped = None if checkout_refs is None else list(checkout_refs)
        return 0

    def forget_orders(self) -> int:
        """Forget them once."""
        count, self.orders_kept_on = self.orders_kept_on, 0
        return count

    # --- GraphQL -----------------------------------------------------------------------------
    def requestor(self, _info: Any) -> Requestor:
        """Return who the test says asks."""
        return self.requests

    def node(self, root: Any) -> Any:
        """Return the root itself."""
        return root

    def graphql_types(self) -> Mapping[str, type]:
        """Return nothing: there is no schema to mount on."""
        return {}

    def wrap_checkout(self, checkout: Any) -> Any:
        """Return it bare."""
        return checkout

    def mutation_context(self, _info: Any) -> Any:
        """Do nothing around a mutation."""
        return nullcontext()

    def from_global_id(self, global_id: str, type_name: str) -> str | None:
        """Take ``Type:pk`` apart."""
        kind, _, ref = global_id.partition(":")
        return ref if kind == type_name and ref else None

    def to_global_id(self, type_name: str, ref: str) -> str:
        """Return ``Type:pk``."""
        return f"{type_name}:{ref}"

    def refusal_of(self, capability: str) -> str | None:
        """Return the reason that the test set."""
        return self.refusals.get(capability)


def use(monkeypatch: pytest.MonkeyPatch, shop: FakeHost | None = None) -> FakeHost:
    """Make a fake the current host for the rest of the test, wherever ``current`` was imported.

    What the process remembers of versions by their id is forgotten: a fresh database counts anew.
    """
    shop = shop or FakeHost()
    offers.forget()
    programs.rules_of.cache_clear()
    terms.inactivity_since.cache_clear()
    genuine = hosts.current
    for name, module in list(sys.modules.items()):
        if name.startswith("saleor_retention") and getattr(module, "current", None) is genuine:
            monkeypatch.setattr(module, "current", lambda: shop)
    monkeypatch.setattr(hosts, "current", lambda: shop)
    return shop


@contextmanager
def in_use(shop: FakeHost | None = None) -> Iterator[FakeHost]:
    """Make a fake the current host within a block, for threads and scripts."""
    with pytest.MonkeyPatch.context() as patch:
        yield use(patch, shop)


def line(
    ref: str,
    gross_minor: int,
    *,
    quantity: int = 1,
    returned: int = 0,
    net_minor: int | None = None,
    undiscounted_minor: int | None = None,
    goods: GoodsFacts | None = None,
    is_gift_card: bool = False,
) -> OrderLine:
    """Return an order line of untaxed goods."""
    return OrderLine(
        ref=ref,
        goods=goods or GoodsFacts(variant_ref=f"v-{ref}", product_ref=f"p-{ref}"),
        quantity=quantity,
        quantity_returned=returned,
        net_minor=gross_minor if net_minor is None else net_minor,
        gross_minor=gross_minor,
        undiscounted_minor=gross_minor if undiscounted_minor is None else undiscounted_minor,
        is_gift_card=is_gift_card,
    )


def order(
    ref: str,
    *lines: OrderLine,
    user_ref: str | None = None,
    created_at: dt.datetime | None = None,
    shipping_minor: int = 0,
    is_paid: bool = True,
    **facts: Any,
) -> OrderFacts:
    """Return a checkout's order, paid when it was created unless said otherwise."""
    created = created_at or at("2026-03-01 10:00")
    given: dict[str, Any] = {
        "ref": ref,
        "number": ref,
        "checkout_ref": None,
        "channel_ref": CHANNEL,
        "currency": "USD",
        "exponent": 2,
        "origin": Origin.CHECKOUT,
        "state": OrderState.OPEN,
        "user_ref": user_ref,
        "email": f"{ref}@example.com",
        "is_user_confirmed": user_ref is not None,
        "created_at": created,
        "paid_at": created if is_paid else None,
        "fulfilled_at": None,
        "is_paid": is_paid,
        "total_minor": sum(item.gross_minor for item in lines) + shipping_minor,
        "shipping_net_minor": shipping_minor,
        "shipping_gross_minor": shipping_minor,
        "refunded_minor": 0,
        "refunded_shipping_minor": 0,
        "lines": lines,
    }
    return OrderFacts(**(given | facts))


def minor(amount: str) -> int:
    """Return an amount of a two-digit currency in minor units: ``minor("15.00")``."""
    return int(Decimal(amount) * 100)


def _basket_line(total_minor: int) -> BasketLine:
    return BasketLine(
        ref="line-1",
        goods=GoodsFacts(variant_ref="v-1", product_ref="p-1"),
        quantity=1,
        unit_minor=total_minor,
        total_minor=total_minor,
    )
