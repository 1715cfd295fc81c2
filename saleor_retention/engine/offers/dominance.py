"""Whether one offer always beats another, so that the other one is of no use.

Only what documents say is compared, so that ``beats`` being False may mean that it cannot be told.
Gifts and punch cards beat nothing: a second one is a second gift and a second card.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from saleor_retention.engine.offers.kinds import Audience
from saleor_retention.engine.offers.terms import (
    AddOnTerms,
    Amounts,
    BundleTerms,
    CutTerms,
    FreeShippingTerms,
    Limits,
    MemberPriceTerms,
    OfferTerms,
    OpeningTerms,
    QuantityTerms,
    ThresholdTerms,
)
from saleor_retention.engine.selections import includes

T = TypeVar("T")


def beats(offer: OfferTerms, other: OfferTerms) -> bool:
    """Return whether wherever ``other`` applies, ``offer`` does too and takes off at least as much.

    It must be of the same kind and without limits, hold for the same goods, customers, channels and
    times or for more, and stand in no other exclusion group, which could keep it out.
    """
    return (
        offer.kind is other.kind
        and offer.limits == Limits()
        and offer.group in ("", other.group)
        and _any_or_all(offer.channels, other.channels)
        and _any_or_all(offer.weekdays, other.weekdays)
        and _is_window_wider(offer, other)
        and _is_audience_wider(offer.audience, other.audience)
        and _at_most(offer.floor_minor, other.floor_minor)
        and _gives_more(offer, other)
    )


def _any_or_all(wider: frozenset[Any], narrower: frozenset[Any]) -> bool:
    """Compare sets of which an empty one means everything."""
    return not wider or (bool(narrower) and narrower <= wider)


def _is_window_wider(offer: OfferTerms, other: OfferTerms) -> bool:
    starts, ends = offer.starts_at, offer.ends_at
    if starts is not None and (other.starts_at is None or other.starts_at < starts):
        return False
    return ends is None or (other.ends_at is not None and other.ends_at <= ends)


def _is_audience_wider(wider: Audience, narrower: Audience) -> bool:
    return (
        not wider.is_granted_only  # given to others than those to whom the other one is
        and (not wider.is_members_only or narrower.is_members_only or bool(narrower.tiers))
        and _any_or_all(wider.tiers, narrower.tiers)
        and _any_or_all(wider.segments, narrower.segments)
        and _any_or_all(wider.tags, narrower.tags)
        and wider.novelty in (None, narrower.novelty)
    )


def _gives_more(offer: OfferTerms, other: OfferTerms) -> bool:  # noqa: PLR0911 - a kind each
    own, theirs = offer.benefit, other.benefit
    if isinstance(own, BundleTerms) and isinstance(theirs, BundleTerms):
        return _is_bundle_better(own, theirs)
    if isinstance(own, AddOnTerms) and isinstance(theirs, AddOnTerms):
        return _is_add_on_better(own, theirs)
    if not includes(offer.selections[0], other.selections[0]):
        return False
    if isinstance(own, QuantityTerms) and isinstance(theirs, QuantityTerms):
        return own.units_max is None and _each_is_met(
            own.steps, theirs.steps, lambda a, b: a.quantity <= b.quantity
        )
    if isinstance(own, ThresholdTerms) and isinstance(theirs, ThresholdTerms):
        # Goods that one of them does not want would let both apply, each to its own.
        return own.selection == theirs.selection and _each_is_met(
            own.steps, theirs.steps, lambda a, b: _at_most(a.from_minor, b.from_minor)
        )
    if isinstance(own, FreeShippingTerms) and isinstance(theirs, FreeShippingTerms):
        return _at_most(own.from_minor, theirs.from_minor)
    return (
        isinstance(own, MemberPriceTerms)
        and isinstance(theirs, MemberPriceTerms)
        and _takes_more(own.cut, theirs.cut)
    )


def _is_add_on_better(own: AddOnTerms, theirs: AddOnTerms) -> bool:
    """Compare add-ons of the same goods: with others the subtotal that opens them is another.

    One that main items open gives so many units only, and the other one may give the next.
    """
    return (
        own.selection == theirs.selection
        and own.opening.main is None
        and _opens_sooner(own.opening, theirs.opening)
        and _takes_more(own.cut, theirs.cut)
    )


def _is_bundle_better(own: BundleTerms, theirs: BundleTerms) -> bool:
    """Compare sets part by part, in the order of the documents; a percentage needs equal goods.

    With other goods to choose from the units may be others, but never less comes off: the engine
    takes the best ones.
    """
    if len(own.parts) != len(theirs.parts):
        return False
    if not all(
        mine.quantity == their.quantity and includes(mine.selection, their.selection)
        for mine, their in zip(own.parts, theirs.parts, strict=True)
    ):
        return False
    if own.cut is None or theirs.cut is None:
        return own.cut is theirs.cut and own.free_units >= theirs.free_units
    return _takes_more(own.cut, theirs.cut)


def _each_is_met(
    own: Sequence[T], theirs: Sequence[T], is_reached_sooner: Callable[[T, T], bool]
) -> bool:
    """Return whether for each of their steps an own one is reached as soon and takes as much."""
    return all(
        any(is_reached_sooner(a, b) and _takes_more(_cut(a), _cut(b)) for a in own) for b in theirs
    )


def _cut(step: Any) -> CutTerms:
    cut: CutTerms = step.cut
    return cut


def _takes_more(cut: CutTerms, other: CutTerms) -> bool:
    if cut.percent is not None and other.percent is not None:
        return cut.percent >= other.percent
    if cut.amount_minor and other.amount_minor:
        own = dict(cut.amount_minor)
        return all(own.get(currency, -1) >= minor for currency, minor in other.amount_minor)
    if cut.price_minor and other.price_minor:
        return {c for c, _ in other.price_minor} <= {c for c, _ in cut.price_minor} and _at_most(
            cut.price_minor, other.price_minor
        )
    return False


def _opens_sooner(own: OpeningTerms, theirs: OpeningTerms) -> bool:
    """Compare subtotals; main items that open the other one are a condition more."""
    ends, other = dict(own.below_minor), dict(theirs.below_minor)
    is_open_longer = all(other.get(currency, 10**20) <= minor for currency, minor in ends.items())
    is_open_longer &= own.below_offer in ("", theirs.below_offer)
    return is_open_longer and _at_most(own.from_minor, theirs.from_minor)


def _at_most(own: Amounts, theirs: Amounts) -> bool:
    """Return whether own amounts are nowhere larger; one that is absent is nothing."""
    other = dict(theirs)
    return all(minor <= other.get(currency, 0) for currency, minor in own)
