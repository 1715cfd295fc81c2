"""What the document of an offer means, in every currency that it names.

The engine works in one currency: ``in_currency`` gives the offer as it is there. Terms never change
once they are stored, so they may be kept by the id of their version for ever.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum

from saleor_retention.engine.offers import kinds
from saleor_retention.engine.offers.kinds import Audience, Offer, Part
from saleor_retention.engine.rules import Selection

EVERYBODY = Audience()

Amounts = tuple[tuple[str, int], ...]
"""(currency, minor units), by currency; empty where the document is silent."""


class Kind(StrEnum):
    """What an offer gives; also the name of its section in the document."""

    BUNDLE = "bundle"
    QUANTITY = "quantity"
    ADD_ON = "add_on"
    GIFT = "gift"
    PUNCH_CARD = "punch_card"
    MEMBER_PRICE = "member_price"
    THRESHOLD = "threshold"
    FREE_SHIPPING = "free_shipping"


class LimitPeriod(StrEnum):
    """After what time a limit by customer or in total begins anew, in the program's zone."""

    DAY = "day"
    WEEK = "week"  # from Monday
    MONTH = "month"
    YEAR = "year"
    ALL_TIME = "all_time"  # it never does


@dataclass(frozen=True, slots=True)
class Limits:
    """How often an offer may be used; None means without a limit."""

    per_order: int | None = None
    per_customer: int | None = None
    in_total: int | None = None
    period: LimitPeriod = LimitPeriod.ALL_TIME
    """Of ``per_customer``, and of ``in_total`` where that has none of its own."""
    total_period: LimitPeriod | None = None

    @property
    def period_in_total(self) -> LimitPeriod:
        """Return after what time the limit in total begins anew."""
        return self.total_period or self.period


@dataclass(frozen=True, slots=True)
class CutTerms:
    """How a price is lowered; exactly one of the three is given."""

    percent: Decimal | None = None
    amount_minor: Amounts = ()
    price_minor: Amounts = ()


@dataclass(frozen=True, slots=True)
class BundleTerms:
    """Units of several parts together: a cut on their sum, or the cheapest of them free."""

    parts: tuple[Part, ...]
    cut: CutTerms | None = None
    free_units: int = 0


@dataclass(frozen=True, slots=True)
class QuantityStepTerms:
    """From so many units bought, each is lowered by the cut."""

    quantity: int
    cut: CutTerms


@dataclass(frozen=True, slots=True)
class QuantityTerms:
    """A price per unit by the number bought."""

    selection: Selection
    steps: tuple[QuantityStepTerms, ...]
    units_max: int | None = None


@dataclass(frozen=True, slots=True)
class OpeningTerms:
    """What opens an add-on price or a gift."""

    main: Selection | None = None
    main_quantity: int = 1
    from_minor: Amounts = ()
    below_minor: Amounts = ()
    below_offer: str = ""  # slug of an offer of free shipping: below what it asks for


@dataclass(frozen=True, slots=True)
class AddOnTerms:
    """A price for goods that other goods, or a subtotal, open."""

    selection: Selection
    cut: CutTerms
    opening: OpeningTerms
    units_each: int = 1


@dataclass(frozen=True, slots=True)
class GiftTerms:
    """Free units from a list of variants."""

    choices: frozenset[str]
    opening: OpeningTerms = OpeningTerms()
    quantity: int = 1


@dataclass(frozen=True, slots=True)
class PunchCardTerms:
    """After so many units bought in earlier orders, one is lowered."""

    selection: Selection
    stamps: int
    cut: CutTerms = CutTerms(percent=Decimal(100))


@dataclass(frozen=True, slots=True)
class MemberPriceTerms:
    """A price per unit for those in the audience."""

    selection: Selection
    cut: CutTerms


@dataclass(frozen=True, slots=True)
class SpendStepTerms:
    """From so much spent, the cut (per cent or amount) comes off."""

    from_minor: Amounts
    cut: CutTerms


@dataclass(frozen=True, slots=True)
class ThresholdTerms:
    """Something off when enough is spent on some goods."""

    steps: tuple[SpendStepTerms, ...]
    selection: Selection = kinds.EVERYTHING


@dataclass(frozen=True, slots=True)
class FreeShippingTerms:
    """Shipping at no price when enough is spent on some goods."""

    from_minor: Amounts = ()
    selection: Selection = kinds.EVERYTHING


BenefitTerms = (
    BundleTerms
    | QuantityTerms
    | AddOnTerms
    | GiftTerms
    | PunchCardTerms
    | MemberPriceTerms
    | ThresholdTerms
    | FreeShippingTerms
)


@dataclass(frozen=True, slots=True)
class OfferTerms:
    """Everything that a version of an offer says."""

    kind: Kind
    benefit: BenefitTerms
    channels: frozenset[str] = frozenset()  # references; empty: all channels of the program
    starts_at: dt.datetime | None = None  # in UTC
    ends_at: dt.datetime | None = None  # the first instant at which it is over
    weekdays: frozenset[int] = frozenset()  # in the program's zone; 0 is Monday, empty: every day
    audience: Audience = EVERYBODY
    limits: Limits = Limits()
    group: str = ""
    floor_minor: Amounts = ()
    priority: int = 0

    @property
    def below_offer(self) -> str:
        """Return the slug of the offer below whose amount this one opens; "" for none."""
        benefit = self.benefit
        return benefit.opening.below_offer if isinstance(benefit, AddOnTerms | GiftTerms) else ""

    @property
    def selections(self) -> tuple[Selection, ...]:
        """Return the goods that the offer may lower, those of each part of a bundle."""
        benefit = self.benefit
        if isinstance(benefit, BundleTerms):
            return tuple(part.selection for part in benefit.parts)
        if isinstance(benefit, GiftTerms):
            return (Selection(variants=benefit.choices),)
        return (benefit.selection,)


def in_currency(terms: OfferTerms, *, offer_id: str, name: str, currency: str) -> Offer | None:
    """Return the offer as the engine takes it; None where an amount lacks this currency.

    What refers to another offer is ``followed`` first; else its amount is lacking.
    """
    if terms.below_offer or any(
        currency not in dict(amounts) for _path, amounts in amounts_of(terms)
    ):
        return None
    return Offer(
        id=offer_id,
        name=name,
        benefit=_benefit(terms.benefit, currency),
        starts_at=terms.starts_at,
        ends_at=terms.ends_at,
        weekdays=terms.weekdays,
        audience=_audience(terms),
        uses_per_order=terms.limits.per_order,
        group=terms.group,
        floor_minor=dict(terms.floor_minor).get(currency, 0),
        priority=terms.priority,
    )


def followed(terms: OfferTerms, others: Mapping[str, OfferTerms]) -> OfferTerms:
    """Return terms with the amount of the offer of free shipping that they refer to by its slug.

    Where that is not among the others, or asks for nothing, the terms stay as they are.
    """
    other, benefit = others.get(terms.below_offer), terms.benefit
    if other is None or not isinstance(other.benefit, FreeShippingTerms):
        return terms
    below_minor = tuple(pair for pair in other.benefit.from_minor if pair[1] > 0)
    if not below_minor or not isinstance(benefit, AddOnTerms | GiftTerms):
        return terms
    opening = replace(benefit.opening, below_offer="", below_minor=below_minor)
    return replace(terms, benefit=replace(benefit, opening=opening))


def _audience(terms: OfferTerms) -> Audience:
    """Return who the offer is for.

    A limit by customer counts for members, and so does who is new or returning: the orders of a
    guest, or of one who has not joined, are nobody's. A gift is never given twice, which nobody
    could hold to where nobody knows who had it.
    """
    is_counted = terms.limits.per_customer is not None or isinstance(terms.benefit, GiftTerms)
    if is_counted or terms.audience.novelty is not None:
        return replace(terms.audience, is_members_only=True)
    return terms.audience


def amounts_of(terms: OfferTerms) -> Iterator[tuple[str, Amounts]]:
    """Yield every amount that the document gives, with its dotted path there."""
    for path, amounts in _all_amounts(terms):
        if amounts:
            yield path, amounts


def _all_amounts(terms: OfferTerms) -> Iterator[tuple[str, Amounts]]:
    kind, benefit = terms.kind.value, terms.benefit
    if isinstance(benefit, QuantityTerms | ThresholdTerms):
        steps: tuple[QuantityStepTerms | SpendStepTerms, ...] = benefit.steps
        for index, step in enumerate(steps):
            path = f"{kind}.steps.{index}"
            if isinstance(step, SpendStepTerms):
                yield f"{path}.from", step.from_minor
            yield from _cut_amounts(path, step.cut)
    elif isinstance(benefit, FreeShippingTerms):
        yield f"{kind}.from", benefit.from_minor
    elif not isinstance(benefit, GiftTerms) and benefit.cut is not None:
        yield from _cut_amounts(kind, benefit.cut)
    if isinstance(benefit, AddOnTerms | GiftTerms):
        yield f"{kind}.opens.from", benefit.opening.from_minor
        yield f"{kind}.opens.below", benefit.opening.below_minor
    yield "floor", terms.floor_minor


def _cut_amounts(path: str, cut: CutTerms) -> Iterator[tuple[str, Amounts]]:
    yield f"{path}.amount", cut.amount_minor
    yield f"{path}.price", cut.price_minor


def _benefit(terms: BenefitTerms, currency: str) -> kinds.Benefit:  # noqa: PLR0911 - a kind each
    match terms:
        case BundleTerms(parts, cut, free_units):
            return kinds.Bundle(parts, None if cut is None else _cut(cut, currency), free_units)
        case QuantityTerms(selection, steps, units_max):
            return kinds.QuantitySteps(
                selection,
                tuple(
                    kinds.QuantityStep(each.quantity, _cut(each.cut, currency)) for each in steps
                ),
                units_max,
            )
        case AddOnTerms(selection, cut, opening, units_each):
            return kinds.AddOn(
                selection, _cut(cut, currency), _opening(opening, currency), units_each
            )
        case GiftTerms(choices, opening, quantity):
            return kinds.Gift(choices, _opening(opening, currency), quantity)
        case PunchCardTerms(selection, stamps, cut):
            return kinds.PunchCard(selection, stamps, _cut(cut, currency))
        case MemberPriceTerms(selection, cut):
            return kinds.MemberPrice(selection, _cut(cut, currency))
        case ThresholdTerms(spend_steps, selection):
            return kinds.SpendThreshold(
                tuple(
                    kinds.SpendStep(dict(each.from_minor)[currency], _cut(each.cut, currency))
                    for each in spend_steps
                ),
                selection,
            )
        case FreeShippingTerms(from_minor, selection):
            return kinds.FreeShipping(dict(from_minor).get(currency, 0), selection)


def _cut(cut: CutTerms, currency: str) -> kinds.Cut:
    return kinds.Cut(
        cut.percent, dict(cut.amount_minor).get(currency), dict(cut.price_minor).get(currency)
    )


def _opening(opening: OpeningTerms, currency: str) -> kinds.Opening:
    return kinds.Opening(
        opening.main,
        opening.main_quantity,
        dict(opening.from_minor).get(currency, 0),
        dict(opening.below_minor).get(currency),
    )
