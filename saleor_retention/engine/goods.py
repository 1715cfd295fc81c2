"""An order's goods as they were when it was created, kept as data.

Categories and collections are the shop's to change at any time; the multipliers of an order are
frozen when it is created (semantics, Numbers). What a multiplier looks at is therefore kept with
the order, and a product that moves later changes neither what the order earned nor what a return
takes back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from saleor_retention.engine.facts import GoodsFacts, OrderFacts
from saleor_retention.engine.rules import ProgramRules
from saleor_retention.engine.selections import is_everything


def dump_goods(goods: GoodsFacts) -> dict[str, Any]:
    """Return goods as JSON data, in a stable order.

    >>> dump_goods(GoodsFacts("7", "3", category_refs=frozenset({"9", "1"})))
    {'variant': '7', 'product': '3', 'categories': ['1', '9'], 'collections': []}
    """
    return {
        "variant": goods.variant_ref,
        "product": goods.product_ref,
        "categories": sorted(goods.category_refs),
        "collections": sorted(goods.collection_refs),
    }


def load_goods(data: Mapping[str, Any]) -> GoodsFacts:
    """Return the goods that ``dump_goods`` wrote."""
    return GoodsFacts(
        variant_ref=data["variant"],
        product_ref=data["product"],
        category_refs=frozenset(data["categories"]),
        collection_refs=frozenset(data["collections"]),
    )


def unseen(
    order: OrderFacts,
    seen: Mapping[str, Any],
    rules: ProgramRules,
    *,
    looks_at_goods: bool = False,
) -> dict[str, Any]:
    """Return the goods to keep that are not kept yet, by line reference.

    None where no rule looks at goods, and nothing else does: most programs keep nothing.
    """
    rules_do = any(not is_everything(multiplier.selection) for multiplier in rules.multipliers)
    if not rules_do and not looks_at_goods:
        return {}
    return {line.ref: dump_goods(line.goods) for line in order.lines if line.ref not in seen}


def with_goods(order: OrderFacts, kept: Mapping[str, Any]) -> OrderFacts:
    """Return the order with the goods that were kept; other lines have those of today."""
    if not kept:
        return order
    lines = tuple(
        replace(line, goods=load_goods(kept[line.ref])) if line.ref in kept else line
        for line in order.lines
    )
    return replace(order, lines=lines)
