"""The check behind each search of a process notes down what it finds, and hides nothing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from saleor_retention.engine.offers import quoting
from saleor_retention.engine.offers.best import best_offers
from saleor_retention.engine.offers.checker import Refused
from saleor_retention.engine.offers.kinds import MemberPrice
from tests.checked_quotes import PROVED, REFUSED, check_in_this_process, noted_in
from tests.unit.builders import basket
from tests.unit.offers.builders import offer, percent, products, situation


def test_a_price_that_is_wrong_is_noted_and_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A line for each search; a wrong saving comes out as it does from the checker."""
    log = tmp_path / "quotes.log"
    tenth = offer("1", MemberPrice(products(1), percent(10)))

    def wrong(*facts: Any, **options: Any) -> Any:
        quote = best_offers(*facts, **options)
        return replace(quote, saving_minor=quote.saving_minor + 1)

    monkeypatch.setattr(quoting, "best_offers", best_offers)
    check_in_this_process(log)
    quoting.best_offers(basket(1000), (tenth,), situation())
    monkeypatch.setattr(quoting, "best_offers", wrong)
    check_in_this_process(log)
    with pytest.raises(Refused):
        quoting.best_offers(basket(1000), (tenth,), situation())

    first, second = noted_in(log)
    assert first == PROVED
    assert second.startswith(REFUSED)
