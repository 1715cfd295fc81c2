"""What the engine answers: the best price, what became of every offer, and the proof."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

from saleor_retention.engine.quote import Allocation


class Finding(StrEnum):
    """The stable codes of verdicts and of the conditions that an offer misses."""

    APPLIED = "APPLIED"
    NOT_STARTED = "NOT_STARTED"
    EXPIRED = "EXPIRED"
    OTHER_WEEKDAY = "OTHER_WEEKDAY"
    NOT_A_MEMBER = "NOT_A_MEMBER"
    OTHER_TIER = "OTHER_TIER"
    OTHER_SEGMENT = "OTHER_SEGMENT"
    OTHER_TAG = "OTHER_TAG"
    NOT_NEW = "NOT_NEW"
    NOT_RETURNING = "NOT_RETURNING"
    NOT_GRANTED = "NOT_GRANTED"
    LIMIT_PER_ORDER = "LIMIT_PER_ORDER"  # zero uses allowed
    LIMIT_PER_CUSTOMER = "LIMIT_PER_CUSTOMER"
    LIMIT_IN_TOTAL = "LIMIT_IN_TOTAL"
    NO_MATCHING_GOODS = "NO_MATCHING_GOODS"
    NOT_OPENED = "NOT_OPENED"  # the goods that open it are missing
    SUBTOTAL_TOO_HIGH = "SUBTOTAL_TOO_HIGH"
    UNITS_MISSING = "UNITS_MISSING"
    AMOUNT_MISSING = "AMOUNT_MISSING"
    STAMPS_MISSING = "STAMPS_MISSING"
    GIFT_TO_CHOOSE = "GIFT_TO_CHOOSE"
    NO_GIFT_LEFT = "NO_GIFT_LEFT"
    NO_EFFECT = "NO_EFFECT"  # the goods are there, and nothing would come off
    BEATEN = "BEATEN"
    CONFLICT = "CONFLICT"  # another offer of its exclusion group applies


@dataclass(frozen=True, slots=True)
class Miss:
    """One condition that an offer fails, with the gap where it can be counted."""

    code: Finding
    missing: int | None = None  # units, minor units, stamps: as the code says
    wanted: tuple[str, ...] = ()  # the tiers, segments or tags, one of which would do


@dataclass(frozen=True, slots=True)
class OfferVerdict:
    """What became of one offer.

    ``by`` names the offers that won the goods (BEATEN) or the group (CONFLICT), and ``by_minor``
    says how much dearer the basket would be with this offer: exactly that where ``is_exact``, else
    at least that.
    """

    offer_id: str
    code: Finding
    amount_minor: int = 0
    uses: int = 0
    misses: tuple[Miss, ...] = ()  # all of them, the first one is the code
    by: tuple[str, ...] = ()
    by_minor: int | None = None
    is_exact: bool = False


@dataclass(frozen=True, slots=True)
class NearMiss:
    """What would bring an offer, or its next step: so many units, so much money, so many stamps."""

    offer_id: str
    code: Finding  # UNITS_MISSING, AMOUNT_MISSING or STAMPS_MISSING
    missing: int
    part: int | None = None  # position of the bundle's part that lacks the units
    step: int | None = None  # position of the step that is reached then


@dataclass(frozen=True, slots=True)
class GiftChoice:
    """A gift that the shopper may have and has not put into the basket."""

    offer_id: str
    variant_refs: tuple[str, ...]
    quantity: int


@dataclass(frozen=True, slots=True)
class Application:
    """One use of a goods-lane offer on some units, and what it takes off each line's units."""

    offer_id: str
    units: tuple[tuple[str, int], ...]  # (line reference, units)
    amounts: tuple[tuple[str, int], ...]  # (line reference, minor units)


@dataclass(frozen=True, slots=True)
class Proof:
    """Prices that bound one case: which offer of each group is admitted, which steps are reached.

    For every way that an offer can use units, the prices of these units (and of the limits it
    draws on) add up to at least what the way saves. So no choice of ways saves more than all units
    and limits are worth at these prices. Where lines have a price of pairs, a way pays for as many
    pairs as its units of these lines make, and there are as many as all their units make.
    """

    picks: tuple[tuple[str, str], ...]  # (group, offer id)
    steps: tuple[tuple[str, int], ...]  # (offer id, position of its step) in the order lane
    line_prices: tuple[tuple[str, Fraction], ...]
    use_prices: tuple[tuple[str, Fraction], ...] = ()  # by offer id: one use of a limit
    step_prices: tuple[tuple[str, Fraction], ...] = ()  # by offer id: a minor unit of its basis
    pair_prices: tuple[tuple[tuple[str, ...], Fraction], ...] = ()  # lines: two units of them
    declined: tuple[str, ...] = ()  # member prices that this case does without


@dataclass(frozen=True, slots=True)
class Certificate:
    """All that a checker needs, beside basket, offers and situation, to verify the result."""

    applications: tuple[Application, ...]
    order_steps: tuple[tuple[str, int], ...]  # the order lane as applied: (offer id, step)
    saving_minor: int  # goods, member and order lane, and shipping
    bound_minor: int  # no combination saves more
    proofs: tuple[Proof, ...]
    declined: tuple[str, ...] = ()  # member prices left out, for a threshold that is worth more


@dataclass(frozen=True, slots=True)
class OfferQuote:
    """The lowest price that the offers allow, explained and proved."""

    allocations: tuple[Allocation, ...]
    verdicts: tuple[OfferVerdict, ...]
    near_misses: tuple[NearMiss, ...]
    gifts: tuple[GiftChoice, ...]
    saving_minor: int  # all allocations, and the shipping that became free
    bound_minor: int
    has_free_shipping: bool
    certificate: Certificate
    nodes: int  # of the search

    @property
    def is_optimal(self) -> bool:
        """Return whether it is proved that no combination saves more."""
        return self.saving_minor == self.bound_minor

    @property
    def gap_minor(self) -> int:
        """Return how much more another combination could save at most."""
        return self.bound_minor - self.saving_minor
