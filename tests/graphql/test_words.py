"""Why points moved and what is missing to a tier, in words and in the reader's language."""

from __future__ import annotations

import pytest

from saleor_retention.engine.rules import Metric
from saleor_retention.graphql import words
from saleor_retention.models import TransactionKind


@pytest.mark.parametrize("kind", list(TransactionKind))
def test_every_movement_has_a_reason(kind: TransactionKind) -> None:
    """With and without an order."""
    for number in ("", "21"):
        text = words.said(words.reason(kind.value, "", number))
        assert text.endswith(".")
        assert "%" not in text


def test_a_reason_names_the_order_or_the_rule() -> None:
    """The order where there is one; the rule where that says more."""
    assert words.said(words.reason("earn", "base", "21")) == "Earned by order 21."
    assert words.said(words.reason("earn", "base", "")) == "Earned by a purchase."
    assert words.said(words.reason("bonus", "welcome", "")) == "Welcome points."
    assert words.said(words.reason("bonus", "first_order", "21")) == "Points for the first order."
    assert (
        words.said(words.reason("grant", "import", "")) == "Brought over from your former account."
    )
    assert words.said(words.reason("grant", "", "")) == "Granted by the shop."


@pytest.mark.parametrize(
    ("metric", "value", "text"),
    [
        (Metric.SPEND, 5050, "Spend 50.50 USD more to reach VIP."),
        (Metric.ORDERS, 1, "1 more order to reach VIP."),
        (Metric.ORDERS, 3, "3 more orders to reach VIP."),
        (Metric.POINTS, 1, "Earn 1 more point to reach VIP."),
        (Metric.POINTS, 250, "Earn 250 more points to reach VIP."),
    ],
)
def test_what_is_missing_to_a_tier(metric: Metric, value: int, text: str) -> None:
    """In the unit that the ladder counts."""
    assert words.said(words.missing(metric, value, "USD", 2, "VIP")) == text


def test_the_readers_language_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    """Messages go through gettext when they are said, not when the module is loaded."""
    german = {"Granted by the shop.": "Vom Laden gutgeschrieben."}
    monkeypatch.setattr(words.translation, "gettext", lambda message: german.get(message, message))

    assert words.said(words.reason("grant", "", "")) == "Vom Laden gutgeschrieben."
