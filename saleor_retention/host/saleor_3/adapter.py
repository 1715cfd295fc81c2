"""The ``Host`` protocol on Saleor 3.x: one line for each method, saying where it is done.

Saleor's models are imported with the modules, so this class is made only when Django is set up.
"""

from __future__ import annotations

from saleor import __version__

from saleor_retention.host import goods, persons

from . import (
    attributes,
    basket,
    catalog,
    checkouts,
    comparing,
    coupons,
    effects,
    gift_lines,
    graph,
    hooks,
    mail,
    metadata,
    orders,
    people,
    reorders,
    seam,
    tested,
)


class Saleor3:
    """Saleor 3.21, 3.22 or 3.23."""

    name = "3"
    version = __version__
    tested_versions: tuple[str, ...] = tested.VERSIONS

    # --- at start ----------------------------------------------------------------------------
    @staticmethod
    def install() -> object:
        """Put the price seam in, and begin to look at codes that checkouts take."""
        coupons.install()
        return seam.install()

    plugin_mixin = staticmethod(hooks.plugin_mixin)
    seam_status = staticmethod(seam.status)

    # --- facts -------------------------------------------------------------------------------
    order_facts = staticmethod(orders.order_facts)
    orders_facts = staticmethod(orders.orders_facts)
    order_refs_updated_since = staticmethod(orders.order_refs_updated_since)
    past_orders = staticmethod(orders.past_orders)
    count_past_orders = staticmethod(orders.count_past_orders)
    purchases = staticmethod(orders.purchases)
    sold = staticmethod(orders.sold)
    order_counts = staticmethod(orders.order_counts)
    order_ref_of_checkout = staticmethod(checkouts.order_ref_of_checkout)
    checkout_facts = staticmethod(checkouts.checkout_facts)
    lock_checkout = staticmethod(checkouts.lock_checkout)
    existing_checkouts = staticmethod(checkouts.existing_checkouts)
    channels = staticmethod(catalog.channels)
    has_tax_in_prices = staticmethod(catalog.has_tax_in_prices)
    currency_exponent = staticmethod(basket.currency_exponent)
    users = staticmethod(people.users)
    find_user_refs = staticmethod(persons.find_user_refs)
    find_user_by_email = staticmethod(people.find_user_by_email)
    find_users_by_phone = staticmethod(persons.find_users_by_phone)
    phones_of = staticmethod(persons.phones_of)
    places_of = staticmethod(persons.places_of)
    has_ordered = staticmethod(people.has_ordered)
    group_names = staticmethod(persons.group_names)
    app_name = staticmethod(persons.app_name)
    resolve_slugs = staticmethod(goods.resolve_slugs)
    slugs_of = staticmethod(goods.slugs_of)
    goods_names = staticmethod(goods.goods_names)
    published_since = staticmethod(catalog.published_since)
    goods_of_variants = staticmethod(goods.goods_of_variants)
    shelf_prices = staticmethod(catalog.shelf_prices)
    sold_of = staticmethod(catalog.sold_of)
    variants_of_products = staticmethod(catalog.variants_of_products)
    in_stock = staticmethod(gift_lines.in_stock)
    checkouts_marked = staticmethod(reorders.checkouts_marked)

    # --- effects -----------------------------------------------------------------------------
    reprice = staticmethod(hooks.reprice)
    reprice_channels = staticmethod(hooks.reprice_channels)
    dispatch = staticmethod(effects.dispatch)
    notify = staticmethod(effects.notify)
    hears_notify = staticmethod(effects.hears_notify)
    mail_server = staticmethod(mail.mail_server)
    customer_attributes = staticmethod(attributes.customer_attributes)
    set_customer_attributes = staticmethod(attributes.set_customer_attributes)
    users_with_metadata = staticmethod(metadata.users_with_metadata)
    take_metadata = staticmethod(metadata.take_metadata)
    writer = staticmethod(effects.writer)
    strip_own_rows = staticmethod(effects.strip_own_rows)
    forget_orders = staticmethod(reorders.forget_orders)
    add_goods = staticmethod(gift_lines.add_goods)
    remove_line = staticmethod(gift_lines.remove_line)
    open_voucher = staticmethod(coupons.open_voucher)
    list_vouchers = staticmethod(coupons.list_vouchers)
    has_voucher = staticmethod(coupons.has_voucher)
    add_codes = staticmethod(coupons.add_codes)
    lock_codes = staticmethod(coupons.lock_codes)
    set_codes = staticmethod(coupons.set_codes)
    coupon_minor = staticmethod(coupons.coupon_minor)

    # --- GraphQL -----------------------------------------------------------------------------
    requestor = staticmethod(graph.requestor)
    node = staticmethod(graph.node)
    graphql_types = staticmethod(graph.graphql_types)
    wrap_checkout = staticmethod(graph.wrap_checkout)
    mutation_context = staticmethod(graph.mutation_context)
    from_global_id = staticmethod(graph.from_global_id)
    to_global_id = staticmethod(graph.to_global_id)
    counter = staticmethod(reorders.Counter)
    channel_slug = staticmethod(graph.channel_slug)
    checkout_prices = staticmethod(graph.checkout_prices)
    code_totals = staticmethod(comparing.code_totals)
    register_query_costs = staticmethod(graph.register_query_costs)

    # --- capabilities ------------------------------------------------------------------------

    @staticmethod
    def refusal_of(capability: str) -> str | None:
        """Return why this Saleor cannot do ``capability``, or None."""
        if capability == "customer_attributes":
            return attributes.refusal()
        return seam.refusal_of(capability)
