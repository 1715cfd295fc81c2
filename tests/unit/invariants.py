"""What holds for every quote, as one check that tests put behind every call of pricing."""

from __future__ import annotations

from collections import Counter

from saleor_retention.engine.facts import BasketFacts
from saleor_retention.engine.pricing import basket_fingerprint
from saleor_retention.engine.quote import Quote


def check_quote(basket: BasketFacts, quote: Quote) -> None:
    """Check the invariants of a quote against its basket."""
    lines = {line.ref: line for line in basket.lines}
    off: Counter[str] = Counter()
    for allocation in quote.allocations:
        assert allocation.amount_minor > 0, "an allocation of nothing"
        off[allocation.line_ref] += allocation.amount_minor
    for ref, amount_minor in off.items():
        assert amount_minor <= lines[ref].total_minor, "a line below zero"
        assert not lines[ref].is_gift, "a discount on a gift"
        assert not lines[ref].is_gift_card, "a discount on a gift card"
    rows = Counter((item.line_ref, item.rule_key) for item in quote.allocations)
    assert not rows or max(rows.values()) == 1, "two rows of one rule on one line"
    assert 0 <= quote.points_applied <= quote.points_held, "points applied that are not held"
    keys = [verdict.rule_key for verdict in quote.verdicts]
    assert len(keys) == len(set(keys)), "two verdicts of one rule"
    applied = {verdict.rule_key: verdict.amount_minor for verdict in quote.verdicts}
    by_rule: Counter[str] = Counter()
    for allocation in quote.allocations:
        by_rule[allocation.rule_key] += allocation.amount_minor
    for rule_key, amount_minor in by_rule.items():
        assert applied[rule_key] == amount_minor, "a verdict that is not what was allocated"
    assert quote.basket_fingerprint == basket_fingerprint(basket)
