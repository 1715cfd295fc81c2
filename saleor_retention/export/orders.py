"""What the customer bought: orders, receipts of tills, carts, and what they come to in all."""

from __future__ import annotations

import json
from dataclasses import asdict

from saleor_retention.engine.quote_payload import load_quote
from saleor_retention.export.values import Table, Told, day, many, values
from saleor_retention.models import CustomerRollup, OrderRecord, PosSale, StoredQuote, SurveyAnswer
from saleor_retention.selectors.holdings import Holding, Section
from saleor_retention.selectors.programs import rules_of


def _order(holding: Holding) -> Told:
    record: OrderRecord = holding.row
    text = (
        f"{day(record.created_at)}: order {record.number or record.order_ref} earned "
        f"{record.earned} points, of which {record.clawed} were taken back, and "
        f"{record.redeemed} points were spent on it, of which {record.restored} were given back."
    )
    return text, values(
        record,
        "order=order_ref number channel=channel_ref currency tier created_at paid_at goods earned "
        "clawed redeemed restored bonus spend_minor is_counted",
    )


def _survey(holding: Holding) -> Told:
    """Tell the answers under the words that were asked; keys stand for words that went."""
    row: SurveyAnswer = holding.row
    survey = rules_of(row.version_id).asked(row.survey)
    labels = {question.key: question.field.label for question in survey.questions}
    said = "; ".join(
        f"{labels.get(key, key)} {json.dumps(answer, ensure_ascii=False)}"
        for key, answer in sorted(row.answers.items())
    )
    if row.order_ref is None:
        text = f"{day(row.answered_at)}: answered to {row.survey}, {row.period}: {said}."
        return text, values(row, "survey period answered_at answers")
    text = (
        f"{day(row.answered_at)}: answered about order {holding.number or row.order_ref}: {said}; "
        f"{row.points} points."
    )
    return text, values(row, "order=order_ref answered_at answers points")


def _receipt(holding: Holding) -> Told:
    sale: PosSale = holding.row
    document = sale.document or {}
    sold_at = str(document.get("sold_at", ""))[:10] or day(sale.recorded_at)
    lines = len(document.get("lines", ()))
    text = (
        f"{sold_at}: receipt {sale.receipt} of till {sale.source}, {many(lines, 'line')}, "
        f"{many(len(sale.reversals), 'reversal')}."
    )
    return text, {
        **values(sale, "source receipt recorded_at"),
        "sale": document,
        **values(sale, "reversals actor=actor_ref"),
    }


def _cart(holding: Holding) -> Told:
    quote: StoredQuote = holding.row
    text = (
        f"{day(quote.priced_at)}: the benefits of cart {quote.checkout_ref}, "
        f"with {quote.points_applied} points spent."
    )
    return text, {
        **values(
            quote,
            "cart=checkout_ref order=order_ref priced_at tier points_applied has_free_shipping",
        ),
        "quote": asdict(load_quote(quote.payload)) if quote.payload else {},
    }


def _customer(holding: Holding) -> Told:
    rollup: CustomerRollup = holding.row
    text = (
        f"{many(rollup.orders, 'order')} on {many(rollup.order_days, 'day')} from "
        f"{rollup.first_on.isoformat()} to {rollup.last_on.isoformat()}."
    )
    return text, values(
        rollup,
        "first_order_at second_order_at last_order_at orders order_days spend_minor "
        "first_day_minor recency_score frequency_score monetary_score",
    )


DESCRIBED: Table = {
    Section.ORDER: _order,
    Section.SURVEY: _survey,
    Section.RECEIPT: _receipt,
    Section.CART: _cart,
    Section.CUSTOMER: _customer,
}
