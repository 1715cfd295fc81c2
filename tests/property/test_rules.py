"""Rules survive being written, read and said; bad documents never raise."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from saleor_retention.engine.parsing import dump_program, parse_program
from saleor_retention.engine.phrases import render
from saleor_retention.engine.rules import Metric, ProgramRules, Selection
from saleor_retention.engine.sentences import sentences
from tests.property.strategies import programs
from tests.unit.builders import EXPONENTS
from tests.unit.test_parsing import FULL

KEYS = [*FULL, "rates", "USD", "points", "per", "name", "factor", "select", "products", "rule"]
KEYS += ["days", "policy", "count", "ladder", "slug", "threshold", "prices", "percent", "amount"]
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**40), 10**40),
    st.floats(),
    st.decimals(allow_nan=True),
    st.text(max_size=6),
    st.dates(),
    st.sampled_from(["spend", "days", "never", "mon", "0.5", "1e9", "Europe/Paris", "USD"]),
)
keys = st.one_of(st.sampled_from(KEYS), st.text(max_size=4), st.booleans(), st.integers())
documents = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(keys, inner, max_size=5)),
    max_leaves=25,
)


@given(rules=programs())
def test_what_is_written_is_read(rules: ProgramRules) -> None:
    """parse(dump(rules)) == rules, through JSON, without any problem but warnings."""
    stored = json.loads(json.dumps(dump_program(rules, EXPONENTS)))

    read, problems = parse_program(stored, EXPONENTS)

    assert [problem for problem in problems if not problem.is_warning] == []
    assert read == rules
    assert dump_program(read, EXPONENTS) == dump_program(rules, EXPONENTS)


@given(rules=programs())
def test_every_rule_can_be_said(rules: ProgramRules) -> None:
    """Whole sentences, one a rule, with no placeholder left, whatever the merchant's names are."""
    said = sentences(rules, EXPONENTS)

    assert len({item.rule_key for item in said}) == len(said)
    texts = [render(item) for item in said]
    assert all(text.endswith(".") for text in texts)
    merchants_words = {item.name for item in rules.multipliers}
    merchants_words |= {word for tier in rules.ladder.tiers for perk in tier.perks for word in perk}
    if not any("%(" in word for word in merchants_words):
        assert not [text for text in texts if "%(" in text]


@given(document=documents)
def test_any_document_is_answered(document: Any) -> None:
    """Rules, or problems with path, code and sentence; never an exception."""
    rules, problems = parse_program(document, EXPONENTS)

    assert (rules is None) == any(not problem.is_warning for problem in problems)
    for problem in problems:
        assert problem.code
        assert problem.code == problem.code.upper()
        assert problem.message.endswith((".", "?"))
        assert len(problem.message) < 2000


@given(data=st.data(), value=documents)
def test_any_value_anywhere_is_answered(data: st.DataObject, value: Any) -> None:
    """One value of a valid document replaced by anything: an answer, and its path in problems."""
    document = json.loads(json.dumps(FULL, default=str))
    node, path = document, []
    while isinstance(node, dict | list) and node:
        steps = sorted(node) if isinstance(node, dict) else range(len(node))
        step = data.draw(st.sampled_from(list(steps)))
        path.append(step)
        if not isinstance(node[step], dict | list) or data.draw(st.booleans()):
            node[step] = value
            break
        node = node[step]

    rules, problems = parse_program(document, EXPONENTS)

    assert (rules is None) == any(not problem.is_warning for problem in problems)
    assert all(problem.field for problem in problems)


@given(rules=programs())
def test_accepted_rules_make_sense(rules: ProgramRules) -> None:
    """What the parser lets through has the order and the limits that the engine relies on."""
    read, _ = parse_program(dump_program(rules, EXPONENTS), EXPONENTS)

    assert read is not None
    thresholds = [tier.threshold for tier in read.ladder.tiers]
    assert thresholds == sorted(set(thresholds))
    assert read.redemption.block_points <= read.redemption.minimum_points
    assert all(value > 0 for value in read.point_values.values())
    if read.ladder.tiers and read.ladder.metric is Metric.SPEND:
        assert set(read.earn_rates) <= {read.reference_currency, *read.reference_rates}
    for tier in read.ladder.tiers:
        for benefit in tier.prices:
            assert (benefit.percent is None) == bool(benefit.amount_minor)
            assert isinstance(benefit.selection, Selection)
