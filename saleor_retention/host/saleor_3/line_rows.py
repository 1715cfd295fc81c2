"""The discount rows that a quote asks for: on each line one for its prices, and one for points.

What each offer and the member's price take off a line is in the stored quote. Saleor reads the rows
of a cart several times in a request, so that what a line costs less is one row there, with the
reasons of all, joined as Saleor joins them. Points have a row of their own: of those the order has
to know what it was paid with.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from saleor_retention.engine.money import from_minor
from saleor_retention.engine.pricing import POINTS_RULE
from saleor_retention.engine.quote import Allocation, Quote
from saleor_retention.services.checkout import pricing

from .basket import currency_exponent, own_row_id
from .rows import OwnRow

PRICES_RULE = "prices"  # of a line that more than one rule lowers
SHIPPING_RULE = "shipping"
NAME_MAX = 255  # of Saleor's column
_AND = " & "  # between reasons, as Saleor itself joins those of several rows

Taken = tuple[str, str]  # reference of the line, rule


def rows_of(lines_info: Sequence[Any], quote: Quote | None) -> list[OwnRow]:
    """Return the discount rows that a quote asks for, in the order in which lanes apply.

    Free shipping is a row of no amount on the first line: it travels with the checkout's lines to
    wherever Saleor prices shipping, costs no statement, and leaves with our other rows.
    """
    if quote is None or not pricing.has_benefit(quote):
        return []
    lines = {str(info.line.pk): info.line for info in lines_info}
    points = [item for item in quote.allocations if item.rule_key == POINTS_RULE]
    prices = [item for item in quote.allocations if item.rule_key != POINTS_RULE]
    by_line = pricing.allocations_by_line(prices)
    wanted = [_prices_row(lines[ref], items, quote) for ref, items in by_line.items()]
    wanted += [_row(lines[item.line_ref], item, quote) for item in points]
    if quote.has_free_shipping:
        wanted.append(_shipping_row(min(lines.values(), key=lambda line: line.pk)))
    return wanted


def takings(rows: Iterable[Any], line_refs: Mapping[uuid.UUID, str]) -> dict[Taken, Decimal]:
    """Return by line and rule what rows take off; of prices all together, however many rows.

    An earlier version wrote a row for each rule: its rows and ours take off the same.
    """
    found: dict[Taken, Decimal] = {}
    for row in rows:
        ref = line_refs[row.line_id]
        apart = [rule for rule in (POINTS_RULE, SHIPPING_RULE) if row.id == own_row_id(ref, rule)]
        taken = ref, apart[0] if apart else PRICES_RULE
        found[taken] = found.get(taken, Decimal(0)) + row.amount_value
    return found


def _prices_row(line: Any, items: Sequence[Allocation], quote: Quote) -> OwnRow:
    """Return the row of a line's prices: that of the rule, or one for all rules together.

    Its value is per unit then: what Saleor shows of a line with several discounts.
    """
    if len(items) == 1:
        return _row(line, items[0], quote)
    exponent = currency_exponent(line.currency)
    amount = from_minor(sum([item.amount_minor for item in items]), exponent)
    return OwnRow(
        id=own_row_id(str(line.pk), PRICES_RULE),
        line_id=line.pk,
        value_type="fixed",
        value=(amount / line.quantity).quantize(amount),
        amount_value=amount,
        currency=line.currency,
        name=_AND.join([item.name for item in items])[:NAME_MAX],
        reason=_AND.join([pricing.reason_of(item, quote) for item in items]),
    )


def _row(line: Any, item: Allocation, quote: Quote) -> OwnRow:
    return OwnRow(
        id=own_row_id(item.line_ref, item.rule_key),
        line_id=line.pk,
        value_type=item.value_type,
        value=Decimal(item.value),
        amount_value=from_minor(item.amount_minor, currency_exponent(line.currency)),
        currency=line.currency,
        name=item.name,
        reason=pricing.reason_of(item, quote),
    )


def _shipping_row(line: Any) -> OwnRow:
    return OwnRow(
        id=own_row_id(str(line.pk), SHIPPING_RULE),
        line_id=line.pk,
        value_type="fixed",
        value=Decimal(0),
        amount_value=Decimal(0),
        currency=line.currency,
        name="Free shipping",
        reason="Free shipping",
    )
