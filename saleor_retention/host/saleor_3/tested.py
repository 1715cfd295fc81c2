"""The Saleor source that the price path was tested against.

Digests of the functions that the seam wraps and of those whose behaviour it builds on. Another
digest is no error: the seam checks what would break a price. It says where to look after an
upgrade.
"""

from __future__ import annotations

import hashlib
import importlib
import inspect

VERSIONS = ("3.21.69", "3.22.67", "3.23.28")

SOURCES: dict[tuple[str, str], frozenset[str | None]] = {
    (
        "saleor.discount.utils.checkout",
        "create_checkout_line_discount_objects_for_catalogue_promotions",
    ): frozenset({"c520290a8d0fcef9"}),
    (
        "saleor.discount.utils.checkout",
        "create_or_update_discount_objects_from_promotion_for_checkout",
    ): frozenset({"c85f09a033c6f6f7"}),
    ("saleor.discount.utils.voucher", "get_the_cheapest_line"): frozenset({"46a35a2a33ec5207"}),
    (
        "saleor.discount.utils.checkout",
        "create_checkout_discount_objects_for_order_promotions",
    ): frozenset({"50c11e8acfec69dd"}),
    ("saleor.checkout.utils", "recalculate_checkout_discounts"): frozenset({"ac5172697091f523"}),
    (
        "saleor.checkout.utils",
        "get_valid_internal_shipping_methods_for_checkout_info",
    ): frozenset({"e79976849b7c3dd6", None}),  # gone in 3.23
    ("saleor.checkout.utils", "invalidate_checkout_prices"): frozenset({"c1e2ab645a66fdda"}),
    ("saleor.checkout.calculations", "recalculate_discounts"): frozenset(
        {"b2c2e8071ba89ca0", "33e7428c9d22f399"}
    ),
    ("saleor.checkout.base_calculations", "calculate_base_line_total_price"): frozenset(
        {"9a802191a6aaeb39"}
    ),
    (
        "saleor.checkout.base_calculations",
        "_propagate_checkout_discount_on_checkout_lines_prices",
    ): frozenset({"0bde6a4556a72e95"}),
    ("saleor.checkout.base_calculations", "base_checkout_delivery_price"): frozenset(
        {"3e6c19d75624bbc7"}
    ),
    ("saleor.checkout.complete_checkout", "_create_order_line_discounts"): frozenset(
        {"7e6a2526d26f0be1"}
    ),
    ("saleor.checkout.complete_checkout", "_create_line_for_order"): frozenset(
        {"49f14e7dfd136d10", "f7f486d5eb1564cf", "a8b177ee8e201167"}
    ),
    ("saleor.checkout.complete_checkout", "_process_shipping_data_for_order"): frozenset(
        {"6f7241200f1fdfd9", "83dc5c9629b35023"}
    ),
}


def changed_sources(version: str) -> list[str]:
    """Return a sentence for each function whose source is none of the tested ones."""
    return [
        f"{module}.{name} of Saleor {version} is not the one that was tested "
        f"(with Saleor {', '.join(VERSIONS)})."
        for (module, name), digests in SOURCES.items()
        if source_digest(module, name) not in digests
    ]


def source_digest(module: str, name: str) -> str | None:
    """Return a digest of a function's source text, None where there is no such function."""
    function = getattr(importlib.import_module(module), name, None)
    if function is None:
        return None
    return hashlib.sha256(inspect.getsource(function).encode()).hexdigest()[:16]
