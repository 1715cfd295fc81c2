"""How often one customer is written to, and how much a campaign gives out in all."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

from saleor_retention.engine.campaigns.terms import Cap


def is_over_cap(cap: Cap | None, sent_at: Iterable[dt.datetime], now: dt.datetime) -> bool:
    """Tell whether one message more would be too many within the cap's days, before ``now``.

    A message that is exactly so many days old does not count any more.
    """
    if cap is None:
        return False
    since = now - dt.timedelta(days=cap.days)
    return sum(1 for at in sent_at if at > since) >= cap.messages


@dataclass(slots=True)
class Budget:
    """What is left of a campaign's budget; None where it has no end."""

    sends: int | None = None
    points: int | None = None

    def take(self, points: int) -> bool:
        """Take one message more with so many points; False, and nothing taken, if it is too much.

        >>> budget = Budget(sends=2, points=70)
        >>> budget.take(50), budget.take(50), budget.take(20), budget.take(0)
        (True, False, True, False)
        """
        if self.sends is not None and self.sends < 1:
            return False
        if self.points is not None and self.points < points:
            return False
        if self.sends is not None:
            self.sends -= 1
        if self.points is not None:
            self.points -= points
        return True
