"""What decides about offers apart from the basket: the clock, the shopper, the uses so far."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Shopper:
    """What an audience looks at. A guest is no member and has no tier."""

    is_member: bool = False
    tier: str | None = None
    segments: frozenset[str] = frozenset()
    tags: frozenset[str] = frozenset()
    orders_count: int = 0  # earlier orders; none means new
    granted: frozenset[str] = frozenset()  # ids of offers that were given to the shopper


@dataclass(frozen=True, slots=True)
class UsesLeft:
    """How often an offer may still be used; None means without a limit."""

    by_customer: int | None = None
    in_total: int | None = None


@dataclass(frozen=True, slots=True)
class Situation:
    """Everything given that is neither basket nor offer; mappings are by offer id."""

    at: dt.datetime  # in the program's time zone, which decides the weekday
    shopper: Shopper = Shopper()
    uses_left: Mapping[str, UsesLeft] = field(default_factory=dict)
    stamps: Mapping[str, int] = field(default_factory=dict)  # of punch cards, less those spent
    gifts_had: frozenset[str] = frozenset()  # variants that this customer was given before
    out_of_stock: frozenset[str] = frozenset()  # variants that cannot be given
    gift_choices: Mapping[str, frozenset[str]] = field(default_factory=dict)  # what was chosen
    shipping_minor: int = 0  # price of the delivery that is chosen; 0 where none is yet
