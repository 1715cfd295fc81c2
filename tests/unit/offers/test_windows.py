"""When an offer opens or closes by the clock alone."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest

from saleor_retention.engine.offers.parsing import parse_offer
from saleor_retention.engine.offers.windows import has_turned
from tests.unit.builders import instant

PARIS = ZoneInfo("Europe/Paris")


@pytest.mark.parametrize(
    ("common", "since", "until", "turned"),
    [
        ({}, "2026-05-01 00:00", "2027-05-01 00:00", False),
        ({"starts_at": "2026-05-01T02:00"}, "2026-04-30 23:59", "2026-05-01 00:00", True),
        ({"starts_at": "2026-05-01T02:00"}, "2026-05-01 00:00", "2026-05-01 00:05", False),
        ({"starts_at": "2026-05-01T02:00"}, "2026-04-30 23:00", "2026-04-30 23:59", False),
        ({"ends_at": "2026-05-01T02:00"}, "2026-04-30 23:55", "2026-05-01 00:00", True),
        # Tuesday begins at 22:00 UTC of Monday, the 4th
        ({"weekdays": ["tue"]}, "2026-05-04 21:55", "2026-05-04 22:00", True),
        ({"weekdays": ["tue"]}, "2026-05-04 22:00", "2026-05-05 21:59", False),
        ({"weekdays": ["tue"]}, "2026-05-05 21:55", "2026-05-05 22:00", True),
        ({"weekdays": ["mon", "tue"]}, "2026-05-04 21:55", "2026-05-04 22:00", False),
        ({"weekdays": ["tue"]}, "2026-05-04 12:00", "2026-05-06 12:00", True),
        ({"weekdays": ["tue"]}, "2026-05-06 12:00", "2026-06-10 12:00", True),
    ],
)
def test_an_offer_turns_at_its_window_and_its_days(
    common: dict[str, str], since: str, until: str, *, turned: bool
) -> None:
    """The instant itself belongs to the later time; days are those of the program's zone."""
    document = {"kind": "member_price", "member_price": {"percent": 5}, **common}
    terms, _problems = parse_offer(document, {"USD": 2}, "Europe/Paris")
    assert terms is not None

    assert has_turned(terms, PARIS, instant(since), instant(until)) is turned
