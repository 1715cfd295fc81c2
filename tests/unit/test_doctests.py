"""The examples in the engine's docstrings are true."""

from __future__ import annotations

import doctest
import importlib
import pkgutil

import pytest

from saleor_retention import engine
from tests.unit import builders

PREFIX = "saleor_retention.engine."
MODULES = [module.name for module in pkgutil.walk_packages(engine.__path__, PREFIX)]
BUILDERS = ("order", "returned", "refunded", "rules", "basket", "basket_line", "member", "tier")


@pytest.mark.parametrize("name", MODULES)
def test_examples_of_module(name: str) -> None:
    """Every doctest passes, with the builders of the unit tests at hand."""
    module = importlib.import_module(name)
    at_hand = {builder: getattr(builders, builder) for builder in BUILDERS}
    at_hand["ladder"] = builders.ladder

    result = doctest.testmod(module, extraglobs=at_hand)

    assert result.failed == 0


def test_there_are_examples() -> None:
    """The modules that count money or points show at least one example each."""
    without = []
    for name in ("money", "redemption", "accrual", "settlement", "pricing"):
        module = importlib.import_module(f"{PREFIX}{name}")
        if not any(test.examples for test in doctest.DocTestFinder().find(module)):
            without.append(name)

    assert without == []
