"""What is said in words: every message can be translated, and is said in the reader's language."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from saleor_retention.engine.rules import Metric
from saleor_retention.graphql import words
from saleor_retention.models import TransactionKind

PACKAGE = Path(words.__file__).parent.parent
CATALOG = PACKAGE / "locale" / "en" / "LC_MESSAGES" / "django.po"
SOURCES = ("engine/sentences.py", "graphql/words.py")
MARKS = {"_", "gettext", "ngettext"}


def marked(path: str) -> set[str]:
    """Return every message of a module that is marked for translation."""
    tree = ast.parse((PACKAGE / path).read_text())
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    return {
        argument.value
        for call in calls
        if isinstance(call.func, ast.Name) and call.func.id in MARKS
        for argument in call.args
        if isinstance(argument, ast.Constant) and isinstance(argument.value, str)
    }


def in_catalog() -> set[str]:
    """Return every message of the English catalog, singular and plural."""
    entries = re.findall(r'^msgid(?:_plural)? ((?:".*"\n)+)', CATALOG.read_text(), re.MULTILINE)
    return {"".join(ast.literal_eval(line) for line in entry.splitlines()) for entry in entries}


def test_the_catalog_has_every_message_and_no_other() -> None:
    """A translator who fills it has translated everything.

    ``xgettext -L Python -k_ -kgettext -kngettext:1,2 --no-location --sort-output`` over the
    sources writes the entries anew.
    """
    messages = set().union(*(marked(path) for path in SOURCES))

    assert len(messages) > 50
    assert in_catalog() - {""} == messages


@pytest.mark.parametrize("kind", list(TransactionKind))
def test_every_movement_has_a_reason(kind: TransactionKind) -> None:
    """With and without an order."""
    for number in ("", "21"):
        text = words.reason(kind.value, "", number)
        assert text.endswith(".")
        assert "%" not in text


def test_a_reason_names_the_order_or_the_rule() -> None:
    """The order where there is one; the rule where that says more."""
    assert words.reason("earn", "base", "21") == "Earned by order 21."
    assert words.reason("earn", "base", "") == "Earned by a purchase."
    assert words.reason("bonus", "welcome", "") == "Welcome points."
    assert words.reason("bonus", "first_order", "21") == "Points for the first order."
    assert words.reason("grant", "import", "") == "Brought over from your former account."
    assert words.reason("grant", "", "") == "Granted by the shop."


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
    assert words.missing(metric, value, "USD", 2, "VIP") == text


def test_the_readers_language_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    """Messages go through gettext when they are said, not when the module is loaded."""
    german = {"Granted by the shop.": "Vom Laden gutgeschrieben."}
    monkeypatch.setattr(words, "gettext", lambda message: german.get(message, message))

    assert words.reason("grant", "", "") == "Vom Laden gutgeschrieben."
