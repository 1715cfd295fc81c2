"""What every test gets: the name of the Saleor it runs on, and a freshly copied database.

The environment comes from ``sandbox/pytest_on.py`` (``make test``). Tests under ``unit`` and
``property`` need none of it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from typing import Any

import pytest

HOST = os.environ.get("RETENTION_HOST", "")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave out what the running Saleor cannot do; the run's last table counts these."""
    for item in items:
        if item.get_closest_marker("saleor2") and HOST.startswith("3."):
            item.add_marker(
                pytest.mark.skip(reason=f"left out: only on Saleor 2.10.1, this is {HOST}")
            )
        if item.get_closest_marker("saleor3") and not HOST.startswith("3."):
            item.add_marker(
                pytest.mark.skip(reason=f"left out: only on Saleor 3.x, this is {HOST}")
            )


@pytest.fixture(scope="session")
def host() -> str:
    """The short version of the Saleor the tests run on: "2.10", "3.23" ..."""
    return HOST


@pytest.fixture(scope="session")
def django_db_setup(django_db_blocker: Any) -> Iterator[None]:
    """Give the run a database of its own with our migrations applied."""
    from tests import database

    with django_db_blocker.unblock():
        database.set_up()
    yield
    with django_db_blocker.unblock():
        database.tear_down()


@pytest.fixture
def make() -> Any:
    """The factories of this Saleor, with a shop that ships for 10.00."""
    from tests.factories.current import factories

    module = factories()
    module.make_channel()
    return module


@pytest.fixture(autouse=True)
def _forget_rules() -> Iterator[None]:
    """Forget versions and prices: the next test's database may number its own with the same ids."""
    yield
    for module, function in (
        ("programs", "rules_of"),
        ("terms", "inactivity_since"),
        ("punch_cards", "cards_of"),
    ):
        loaded = sys.modules.get(f"saleor_retention.selectors.{module}")
        if loaded is not None:
            getattr(loaded, function).cache_clear()
    for module in (
        "engine.offers.best",
        "selectors.offers",
        "services.checkout.pricing",
        "services.campaigning.campaigns",
    ):
        if f"saleor_retention.{module}" in sys.modules:
            sys.modules[f"saleor_retention.{module}"].forget()


@pytest.fixture(autouse=True)
def _check_each_quote(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the separate checker verify every price that is searched for a basket in this process."""
    from saleor_retention.engine.offers import quoting
    from tests.checked_quotes import checked

    monkeypatch.setattr(quoting, "best_offers", checked(quoting.best_offers))
