"""What pricing a basket yields: the frozen answer that is stored and later joined by the order."""

from __future__ import annotations

from dataclasses import dataclass

from saleor_retention.engine.phrases import Phrase, render

ENGINE_VERSION = 1

TIER_RULE = "member:"
"""What rule keys of a tier's own prices begin with; the tier's slug follows."""


@dataclass(frozen=True, slots=True)
class Allocation:
    """What one rule takes off one line."""

    line_ref: str  # "": the whole order, for what a host's line prices cannot express
    rule_key: str  # "member:<tier>", "points", "offer:<id>"
    amount_minor: int
    name: str  # shown to the shopper
    value_type: str = "fixed"  # or "percentage"
    value: str = ""  # decimal text of the per cent, or of the amount


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one rule, and why: applied, or the condition that it failed."""

    rule_key: str
    code: str  # APPLIED, NOT_A_MEMBER, TIER_TOO_LOW, NO_MATCHING_GOODS, NO_REDEMPTION, ...
    phrase: Phrase  # its parameters are text
    amount_minor: int = 0
    gap: int | None = None  # what is missing: minor units, orders, points or units

    @property
    def message(self) -> str:
        """Return the sentence in English."""
        return render(self.phrase)


@dataclass(frozen=True, slots=True)
class AppliedOffer:
    """An offer that the price has, as the order will be held to it."""

    offer_id: str
    version_id: int
    uses: int  # sets, units or orders, as the kind counts them
    amount_minor: int
    gift_refs: tuple[str, ...] = ()  # variants given, one for each unit

    @property
    def rule_key(self) -> str:
        """Return the key of the offer's allocations."""
        return f"offer:{self.offer_id}"


@dataclass(frozen=True, slots=True)
class Quote:
    """A priced basket."""

    basket_fingerprint: str  # lines, quantities, prices, currency, user
    fingerprint: str  # the basket and everything else that decided: version, tier, points held
    allocations: tuple[Allocation, ...]
    verdicts: tuple[Verdict, ...]
    points_held: int = 0
    points_applied: int = 0  # fewest points worth the amount that was placed
    has_free_shipping: bool = False
    applied: tuple[AppliedOffer, ...] = ()
    gap_minor: int = 0  # how much lower the price might be; 0: proved to be the lowest
    engine_version: int = ENGINE_VERSION

    @property
    def is_optimal(self) -> bool:
        """Tell whether no choice of offers gives a lower price."""
        return self.gap_minor == 0

    @property
    def discount_minor(self) -> int:
        """Return all that the quote takes off, in minor units."""
        return sum(allocation.amount_minor for allocation in self.allocations)
