"""A shop in memory with a member who buys, for complaints about other programs."""

from __future__ import annotations

import pytest

from saleor_retention.models import Account
from tests import ledger
from tests.ledger import Shop


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Shop:
    """A point for a dollar, a point being a cent, for ever."""
    return ledger.open_shop(monkeypatch)


@pytest.fixture
def ann(shop: Shop) -> Account:
    """A member without points."""
    return shop.member("ann")
