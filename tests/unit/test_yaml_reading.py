"""YAML as plain data: what its text says, not what YAML makes of it."""

from __future__ import annotations

import pytest

from saleor_retention.errors import Refusals
from saleor_retention.services.setting_up.yaml_reading import read

yaml = pytest.importorskip("yaml")


def test_keys_that_are_words_for_true_and_false_are_those_words() -> None:
    """The day of a campaign is ``on`` and not true; a value is still true or false."""
    found = read("trigger: {kind: once, on: 2030-12-01}\nno: yes\n7: x")

    assert found.content == {"trigger": {"kind": "once", "on": "2030-12-01"}, "no": True, 7: "x"}
    assert found.line_of("trigger.on") == 1


def test_such_a_key_twice_is_a_problem() -> None:
    """As every other one is."""
    with pytest.raises(Refusals) as caught:
        read("on: 1\non: 2")

    assert [refusal.message for refusal in caught.value.refusals] == [
        "line 2: the key on stands there twice."
    ]


def test_numbers_with_a_point_stay_text_and_days_become_it() -> None:
    """Nothing is rounded on the way."""
    assert read("a: 5.10\nb: 2030-12-01\nc: 7").content == {"a": "5.10", "b": "2030-12-01", "c": 7}
