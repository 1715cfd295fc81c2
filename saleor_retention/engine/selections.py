"""Which goods a selection of variants, products, categories or collections means."""

from __future__ import annotations

from saleor_retention.engine.facts import GoodsFacts
from saleor_retention.engine.rules import Selection


def is_everything(selection: Selection) -> bool:
    """Return whether the selection names nothing, which means all goods."""
    return not (
        selection.variants or selection.products or selection.categories or selection.collections
    )


def matches(selection: Selection, goods: GoodsFacts) -> bool:
    """Return whether ``goods`` are among the selected ones.

    One reference in common is enough: the four lists are joined by *or*, because a merchant who
    names a product beside a category means to add it. ``goods.category_refs`` holds the ancestors
    too, so a selected category includes its children.
    """
    if is_everything(selection):
        return True
    return (
        goods.variant_ref in selection.variants
        or goods.product_ref in selection.products
        or not goods.category_refs.isdisjoint(selection.categories)
        or not goods.collection_refs.isdisjoint(selection.collections)
    )


def includes(wider: Selection, narrower: Selection) -> bool:
    """Return whether all that is named by one selection is named by another.

    By names alone: that a product lies in a category is not known here, so that False may only
    mean that it cannot be told.
    """
    if is_everything(wider):
        return True
    if is_everything(narrower):
        return False
    return (
        narrower.variants <= wider.variants
        and narrower.products <= wider.products
        and narrower.categories <= wider.categories
        and narrower.collections <= wider.collections
    )
