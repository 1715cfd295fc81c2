"""What the story expects, worked out with a pencil from the price list and the program's rules.

These are written down a second time on purpose: they share nothing with the code that is checked.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
from dataclasses import dataclass
from decimal import Decimal

from sandbox import bargains

# The price list, and what the program says about it.
PRICES = {
    "House Blend": Decimal(20),
    "Single Origin": Decimal(30),
    "Decaf": Decimal(10),
    "Grinder": Decimal(80),
    "Kettle": Decimal(50),
    "Cup": Decimal(5),
}
SHIPPING = Decimal(5)
WELCOME = 100
PICKS = {"Grinder", "Kettle"}
MEMBER_OFF_PICKS = Decimal(5)
VIP_FROM = Decimal(150)
VIP_OFF = Decimal("0.10")
VIP_TIMES = 2
POINT_VALUE = Decimal("0.01")

# What Ada buys, and how many points she pays with in the end.
FIRST = {"House Blend": 2, "Cup": 2}
SECOND = {"Grinder": 1, "Kettle": 1}
THIRD = {"House Blend": 2, "Decaf": 1}
POINTS_USED = 250


@dataclass(frozen=True, slots=True)
class GivenBack:
    """What returning one of the House Blend bags comes to."""

    before: int  # Ada's points
    total: Decimal  # what she had paid
    bag: Decimal
    lost: int
    returned: int

    @property
    def after(self) -> int:
        """Ada's points afterwards."""
        return self.before - self.lost + self.returned


def cost(goods: dict[str, int]) -> Decimal:
    """Add up a shopping list at shelf prices."""
    return sum((PRICES[name] * many for name, many in goods.items()), Decimal(0))


def balance_as_member() -> int:
    """Work out Ada's points before she first pays as VIP: one point for each dollar."""
    second = cost(SECOND) - len(PICKS) * MEMBER_OFF_PICKS
    return WELCOME + int(cost(FIRST)) + int(second)


def giving_back() -> GivenBack:
    """Work out the return: a bag costs the VIP price less its share of what the points paid."""
    full = cost(THIRD) * (1 - VIP_OFF)
    total = full - POINTS_USED * POINT_VALUE
    bag = PRICES["House Blend"] * (1 - VIP_OFF) * total / full
    return GivenBack(
        before=balance_as_member() - POINTS_USED + int(total * VIP_TIMES),
        total=total,
        bag=bag,
        lost=int(bag * VIP_TIMES),
        returned=int(POINTS_USED * bag / total),
    )


def balance_in_the_end() -> int:
    """Work out Ada's points after all her orders; the last one is that of the offers."""
    return giving_back().after + int(bargains.BEST_WITH_MORE * VIP_TIMES)


def lost_on(last_order: dt.date) -> dt.date:
    """Return the first day on which a customer last ordered more than twelve months ago."""
    day = last_order
    while _year_before(day) <= last_order:
        day += dt.timedelta(days=1)
    return day


def _year_before(day: dt.date) -> dt.date:
    try:
        return day.replace(year=day.year - 1)
    except ValueError:
        return day.replace(year=day.year - 1, day=28)


def is_left_out(secret: bytes, key: str, account: int, share: Decimal) -> bool:
    """Draw the lot of one customer, as docs/algorithms/experiments.md describes it."""
    digest = hmac.digest(secret, f"{len(key)}:{key}:{account}".encode(), hashlib.sha256)
    return Decimal(int.from_bytes(digest[:8], "big")) < share * 2**64
