"""What an offer is: one frozen class per kind, and what all kinds have in common.

Amounts are in minor units of the basket's currency: whoever reads an offer from its rules picks
the currency first. References in selections are the host's primary keys as text.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from saleor_retention.engine.money import percent_of
from saleor_retention.engine.rules import Selection

EVERYTHING = Selection()


@dataclass(frozen=True, slots=True)
class Cut:
    """How a price is lowered; exactly one of the three is set."""

    percent: Decimal | None = None
    amount_minor: int | None = None
    price_minor: int | None = None

    def __post_init__(self) -> None:
        given = [x for x in (self.percent, self.amount_minor, self.price_minor) if x is not None]
        if len(given) != 1:
            raise ValueError("A cut has exactly one of percent, amount_minor and price_minor.")
        if given[0] < 0 or (self.percent is not None and self.percent > 100):  # noqa: PLR2004
            raise ValueError("A cut is not negative, and at most 100 per cent.")

    def off(self, minor: int) -> int:
        """Return what is taken off a price, never more than the price.

        >>> Cut(percent=Decimal(10)).off(999), Cut(amount_minor=300).off(200)
        (100, 200)
        >>> Cut(price_minor=450).off(600), Cut(price_minor=450).off(400)
        (150, 0)
        """
        if self.percent is not None:
            return percent_of(minor, self.percent)
        if self.amount_minor is not None:
            return min(minor, self.amount_minor)
        return max(0, minor - (self.price_minor or 0))


@dataclass(frozen=True, slots=True)
class Part:
    """So many units of a bundle, any of a selection."""

    selection: Selection
    quantity: int


@dataclass(frozen=True, slots=True)
class QuantityStep:
    """From so many units bought, each is lowered by the cut."""

    quantity: int
    cut: Cut


@dataclass(frozen=True, slots=True)
class SpendStep:
    """From so much spent, the cut (per cent or amount) comes off the goods that count."""

    from_minor: int
    cut: Cut


@dataclass(frozen=True, slots=True)
class Opening:
    """What opens an add-on price or a gift.

    Goods that the offer itself lowers neither open it nor count in the subtotal: putting the add-on
    into the basket must not take its price away. Opening is a condition: a unit that opens one
    offer may serve another.
    """

    main: Selection | None = None  # each ``main_quantity`` units of it open the offer once
    main_quantity: int = 1
    from_minor: int = 0  # list value of the other goods: at least this ...
    below_minor: int | None = None  # ... and less than this


# --- goods lane -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Bundle:
    """Units of several parts together: a cut on their sum, or the cheapest of them free."""

    parts: tuple[Part, ...]
    cut: Cut | None = None
    free_units: int = 0  # so many of the cheapest; exactly one of ``cut`` and this


@dataclass(frozen=True, slots=True)
class QuantitySteps:
    """A price per unit by the number bought, of one product or a set.

    The number bought is what the basket holds of the selection, also units that serve another
    offer: those count, and are not lowered twice.
    """

    selection: Selection
    steps: tuple[QuantityStep, ...]
    units_max: int | None = None  # lowered units in one order


@dataclass(frozen=True, slots=True)
class AddOn:
    """A price for goods that other goods, or a subtotal, open."""

    selection: Selection
    cut: Cut
    opening: Opening
    units_each: int = 1  # units for each time it is opened


@dataclass(frozen=True, slots=True)
class Gift:
    """Free units from a list of variants: of goods in the basket, or offered as a choice."""

    choices: frozenset[str]  # variant references
    opening: Opening = Opening()
    quantity: int = 1  # in one order


@dataclass(frozen=True, slots=True)
class PunchCard:
    """After so many units bought in earlier orders, one is lowered (free unless said)."""

    selection: Selection
    stamps: int
    cut: Cut = Cut(percent=Decimal(100))


# --- member lane ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class MemberPrice:
    """A price per unit for those in the audience; on what the goods lane leaves of the unit."""

    selection: Selection
    cut: Cut


# --- order lane -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SpendThreshold:
    """Something off when what the other lanes leave of some goods reaches a step."""

    steps: tuple[SpendStep, ...]
    selection: Selection = EVERYTHING


@dataclass(frozen=True, slots=True)
class FreeShipping:
    """Shipping at no price, when what the other lanes leave of some goods reaches an amount."""

    from_minor: int = 0
    selection: Selection = EVERYTHING


GoodsBenefit = Bundle | QuantitySteps | AddOn | Gift | PunchCard
Benefit = GoodsBenefit | MemberPrice | SpendThreshold | FreeShipping
ORDER_LANE = (SpendThreshold, FreeShipping)
OTHER_LANES = (MemberPrice, *ORDER_LANE)


class Novelty(StrEnum):
    """Whether an offer is for those who have ordered before."""

    NEW = "new"
    RETURNING = "returning"


@dataclass(frozen=True, slots=True)
class Audience:
    """Who an offer is for; an empty set asks for nothing, of a filled one any element will do."""

    is_members_only: bool = False
    tiers: frozenset[str] = frozenset()
    segments: frozenset[str] = frozenset()
    tags: frozenset[str] = frozenset()
    novelty: Novelty | None = None
    is_granted_only: bool = False  # only for those to whom this offer was given


@dataclass(frozen=True, slots=True)
class Offer:
    """One offer: its benefit, when and for whom it is, and how often it may be used."""

    id: str
    name: str
    benefit: Benefit
    starts_at: dt.datetime | None = None
    ends_at: dt.datetime | None = None  # the first instant at which it is over
    weekdays: frozenset[int] = frozenset()  # 0 is Monday; empty: every day
    audience: Audience = Audience()
    uses_per_order: int | None = None
    group: str = ""  # of the offers of one exclusion group at most one applies
    floor_minor: int = 0  # no unit that the offer lowers ends below this
    priority: int = 0  # decides between equal prices, and nothing else

    @property
    def rule_key(self) -> str:
        """Return the key of the offer's allocations and verdict."""
        return f"offer:{self.id}"


def first_come(offer: Offer) -> tuple[int, int, str]:
    """Return the key by which offers are ranked: higher priority, then lower id.

    Identifiers that are numbers sort as numbers: "9" before "10".
    """
    return (-offer.priority, len(offer.id), offer.id)
