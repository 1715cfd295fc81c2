"""Reads Saleor's checkout lines as the basket that the engine prices.

Saleor hands the same ``CheckoutLineInfo`` objects to every recalculation, with everything loaded;
only the ancestors of categories are missing, which come with the standing (see ``pass_``).
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from decimal import ROUND_FLOOR, ROUND_HALF_UP, Decimal
from functools import lru_cache
from typing import Any

from saleor_retention.engine.facts import BasketFacts, BasketLine, GoodsFacts
from saleor_retention.selectors.standing import Standing

NAMESPACE = uuid.UUID("6f2f3d0e-6f0a-5d5c-9a33-7c1f2a5b0f43")
"""Makes the ids of own discount rows; changing it would orphan the rows of open checkouts."""


@lru_cache(maxsize=4096)
def own_row_id(line_ref: str, rule_key: str) -> uuid.UUID:
    """Return the id of the discount row of a rule on a checkout line."""
    return uuid.uuid5(NAMESPACE, f"{line_ref}:{rule_key}")


def currency_exponent(currency: str) -> int:
    """Return the digits that Saleor rounds the currency to."""
    from babel.numbers import get_currency_precision

    return int(get_currency_precision(currency))


def category_ids(lines_info: Iterable[Any]) -> list[int]:
    """Return the categories of the lines' products."""
    return sorted({info.product.category_id for info in lines_info} - {None})


def basket_of(
    standing: Standing,
    currency: str,
    lines_info: Iterable[Any],
    own_row_ids: Iterable[uuid.UUID],
) -> BasketFacts:
    """Return the basket as it is before our own rows.

    The standing's ``extra`` gives a category's own and upper ids by its id as text.
    """
    exponent = currency_exponent(currency)
    own = frozenset(own_row_ids)
    return BasketFacts(
        ref=standing.checkout_ref,
        channel_ref=standing.channel_ref,
        currency=currency,
        exponent=exponent,
        user_ref=standing.user_ref,
        lines=tuple(_basket_line(info, exponent, standing.extra, own) for info in lines_info),
    )


def goods_of(info: Any, ancestors: Mapping[str, Sequence[int]]) -> GoodsFacts:
    """Return what selections look at on a line."""
    category_id = info.product.category_id
    above = ancestors.get(str(category_id), () if category_id is None else (category_id,))
    return GoodsFacts(
        variant_ref=str(info.variant.pk),
        product_ref=str(info.product.pk),
        category_refs=frozenset(str(pk) for pk in above),
        collection_refs=frozenset(str(collection.pk) for collection in info.collections),
    )


def minor(amount: Decimal, exponent: int, rounding: str = ROUND_HALF_UP) -> int:
    """Return an amount of Saleor in minor units; its columns may hold more digits than that."""
    return int(amount.scaleb(exponent).to_integral_value(rounding))


def _basket_line(
    info: Any,
    exponent: int,
    ancestors: Mapping[str, Sequence[int]],
    own_row_ids: frozenset[uuid.UUID],
) -> BasketLine:
    from saleor.product import ProductTypeKind

    unit = info.undiscounted_unit_price.amount
    total = unit * info.line.quantity - sum(
        discount.amount_value for discount in info.discounts if discount.id not in own_row_ids
    )
    return BasketLine(
        ref=str(info.line.pk),
        goods=goods_of(info, ancestors),
        quantity=info.line.quantity,
        unit_minor=minor(unit, exponent),
        # Rounded down, so that taking all of it off never leaves less than nothing.
        total_minor=max(0, minor(total, exponent, ROUND_FLOOR)),
        is_gift=info.line.is_gift,
        is_gift_card=info.product_type.kind == ProductTypeKind.GIFT_CARD,
    )
