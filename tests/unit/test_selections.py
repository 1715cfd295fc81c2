"""Which goods a selection means."""

from __future__ import annotations

import pytest

from saleor_retention.engine.facts import GoodsFacts
from saleor_retention.engine.rules import Selection
from saleor_retention.engine.selections import is_everything, matches

SHIRT = GoodsFacts(
    variant_ref="v1",
    product_ref="p1",
    category_refs=frozenset({"shirts", "clothes"}),
    collection_refs=frozenset({"summer", "sale"}),
)


@pytest.mark.parametrize(
    ("selection", "is_selected"),
    [
        (Selection(), True),
        (Selection(variants=frozenset({"v1"})), True),
        (Selection(variants=frozenset({"p1"})), False),
        (Selection(products=frozenset({"p1", "p2"})), True),
        (Selection(products=frozenset({"v1"})), False),
        (Selection(categories=frozenset({"clothes"})), True),  # an ancestor
        (Selection(categories=frozenset({"shoes"})), False),
        (Selection(collections=frozenset({"winter", "sale"})), True),
        (Selection(collections=frozenset({"winter"})), False),
        (Selection(products=frozenset({"p9"}), categories=frozenset({"shirts"})), True),
        (Selection(products=frozenset({"p9"}), categories=frozenset({"shoes"})), False),
    ],
)
def test_matching(selection: Selection, *, is_selected: bool) -> None:
    """One reference in common is enough; a selection that names nothing means everything."""
    assert matches(selection, SHIRT) is is_selected


def test_everything() -> None:
    """Only a selection that names nothing at all is everything."""
    assert is_everything(Selection())
    assert not is_everything(Selection(variants=frozenset({"v1"})))
    assert not is_everything(Selection(products=frozenset({"p1"})))
    assert not is_everything(Selection(categories=frozenset({"c1"})))
    assert not is_everything(Selection(collections=frozenset({"k1"})))
