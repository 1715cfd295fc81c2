"""What no single field of an offer can break: what contradicts itself or can never happen.

Each check is a function of the terms to problems and names the sections it looks at. It is left out
where one of them could not be read, so that one mistake is not reported twice.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator
from zoneinfo import ZoneInfo

from saleor_retention.engine.offers.terms import (
    AddOnTerms,
    Amounts,
    BundleTerms,
    CutTerms,
    FreeShippingTerms,
    GiftTerms,
    Kind,
    LimitPeriod,
    MemberPriceTerms,
    OfferTerms,
    PunchCardTerms,
    QuantityTerms,
    ThresholdTerms,
)
from saleor_retention.engine.rules import RuleProblem
from saleor_retention.engine.selections import includes

Check = Callable[[OfferTerms], Iterable[RuleProblem]]

COUNTED_BY_ORDER = (Kind.QUANTITY, Kind.MEMBER_PRICE, Kind.THRESHOLD, Kind.FREE_SHIPPING)
"""Kinds whose uses are orders, so that one order uses them once at most."""

WEEK = 7


def incoherences(
    terms: OfferTerms, zone: ZoneInfo, found: Iterable[RuleProblem] = ()
) -> list[RuleProblem]:
    """Return what is wrong between the fields; ``found`` are the problems of single fields."""
    broken = {problem.field.split(".")[0] for problem in found if not problem.is_warning}
    kind = terms.kind.value
    checks: tuple[tuple[Check, tuple[str, ...]], ...] = (
        (_window, ("starts_at", "ends_at")),
        (lambda offer: _weekdays(offer, zone), ("starts_at", "ends_at", "weekdays")),
        (_limits, ("limits",)),
        (_bundle, (kind,)),
        (_steps, (kind,)),
        (_spend, (kind,)),
        (_opening, (kind,)),
        (_floor, (kind, "floor")),
    )
    return [
        problem
        for check, sections in checks
        if broken.isdisjoint(sections)
        for problem in check(terms)
    ]


def _window(terms: OfferTerms) -> Iterator[RuleProblem]:
    """Note a window without an instant."""
    if terms.starts_at and terms.ends_at and terms.ends_at <= terms.starts_at:
        yield _error("ends_at", "ENDS_BEFORE_START", "must be later than starts_at.")


def _weekdays(terms: OfferTerms, zone: ZoneInfo) -> Iterator[RuleProblem]:
    """Note weekdays of which none falls into the window."""
    if not terms.weekdays or not terms.starts_at or not terms.ends_at:
        return
    first = terms.starts_at.astimezone(zone).date()
    last = (terms.ends_at - dt.timedelta(seconds=1)).astimezone(zone).date()
    days = range(min((last - first).days + 1, WEEK))
    if not any((first + dt.timedelta(days=day)).weekday() in terms.weekdays for day in days):
        rule = "must have a day between starts_at and ends_at: none of them falls there."
        yield _error("weekdays", "NEVER_APPLIES", rule)


def _limits(terms: OfferTerms) -> Iterator[RuleProblem]:
    """Note limits that another one makes pointless, and periods that are of none."""
    limits = terms.limits
    is_of_total = limits.in_total is not None and limits.total_period is None
    is_of_one = limits.per_customer is not None or is_of_total
    if limits.period is not LimitPeriod.ALL_TIME and not is_of_one:
        rule = "has no effect without per_customer, or in_total without total_period: leave it out."
        yield _error("limits.period", "NO_EFFECT", rule)
    if limits.total_period is not None and limits.in_total is None:
        rule = "has no effect without in_total: leave it out."
        yield _error("limits.total_period", "NO_EFFECT", rule)
    if limits.per_order is not None and terms.kind in COUNTED_BY_ORDER:
        rule = f"has no effect: an offer of kind {terms.kind.value} is used once by an order."
        yield _warning("limits.per_order", "NO_EFFECT", rule)
    pairs = [("per_order", "per_customer"), ("per_order", "in_total")]
    if _lies_within(limits.period, limits.period_in_total):
        pairs.append(("per_customer", "in_total"))
    for smaller, larger in pairs:
        limit, other = getattr(limits, smaller), getattr(limits, larger)
        if limit is not None and other is not None and limit > other:
            rule = f"is {limit} and can never be reached: {larger} is {other}."
            yield _error(f"limits.{smaller}", "LIMIT_NEVER_REACHED", rule)


def _lies_within(period: LimitPeriod, other: LimitPeriod) -> bool:
    """Return whether a period never lies in two of the other; a week may, in two months."""
    if other in (period, LimitPeriod.ALL_TIME) or period is LimitPeriod.DAY:
        return True
    return period is LimitPeriod.MONTH and other is LimitPeriod.YEAR


def _bundle(terms: OfferTerms) -> Iterator[RuleProblem]:
    """Note a set of which everything would be free."""
    bundle = terms.benefit
    if not isinstance(bundle, BundleTerms) or not bundle.free_units:
        return
    units = sum(part.quantity for part in bundle.parts)
    if bundle.free_units >= units:
        rule = f"must be less than the {units} units of the set; it is {bundle.free_units}."
        yield _error("bundle.cheapest_free", "TOO_LARGE", rule)


def _steps(terms: OfferTerms) -> Iterator[RuleProblem]:
    """Note steps that do not ascend, or that give no more than the one before."""
    benefit = terms.benefit
    if not isinstance(benefit, QuantityTerms | ThresholdTerms):
        return
    froms: list[dict[str, int]] = (
        [{"": step.quantity} for step in benefit.steps]
        if isinstance(benefit, QuantityTerms)
        else [dict(step.from_minor) for step in benefit.steps]
    )
    cuts = [step.cut for step in benefit.steps]
    for index in range(1, len(cuts)):
        path = f"{terms.kind.value}.steps.{index}"
        for key, number in froms[index].items():
            if number <= froms[index - 1].get(key, -1):
                place = f"{path}.from.{key}" if key else f"{path}.from"
                yield _error(place, "NOT_ASCENDING", "must be more than that of the step before.")
        if not is_better(cuts[index], cuts[index - 1]):
            rule = "gives no more than the step before."
            yield _error(f"{path}.{_name(cuts[index])}", "STEP_GIVES_NO_MORE", rule)


def is_better(cut: CutTerms, other: CutTerms) -> bool:
    """Return whether a cut takes off more than another, or cannot be compared with it."""
    if cut.percent is not None and other.percent is not None:
        return cut.percent > other.percent
    pairs = [
        *_shared(cut.amount_minor, other.amount_minor),
        *((theirs, own) for own, theirs in _shared(cut.price_minor, other.price_minor)),
    ]
    return all(own > theirs for own, theirs in pairs)


def _spend(terms: OfferTerms) -> Iterator[RuleProblem]:
    """Note amounts off that are more than the sum they ask for."""
    if not isinstance(terms.benefit, ThresholdTerms):
        return
    for index, step in enumerate(terms.benefit.steps):
        froms = dict(step.from_minor)
        for currency, minor in step.cut.amount_minor:
            if 0 < froms.get(currency, 0) < minor:
                rule = "must not be more than the sum from which it comes off."
                path = f"threshold.steps.{index}.amount.{currency}"
                yield _error(path, "AMOUNT_ABOVE_SUM", rule)


def _opening(terms: OfferTerms) -> Iterator[RuleProblem]:
    """Note what can never open: an upper end below the lower, the offer's own goods."""
    if not isinstance(terms.benefit, AddOnTerms | GiftTerms):
        return
    opening, path = terms.benefit.opening, f"{terms.kind.value}.opens"
    lows = dict(opening.from_minor)
    for currency, below in opening.below_minor:
        if below <= lows.get(currency, -1):
            rule = "must be more than from: no subtotal lies between them."
            yield _error(f"{path}.below.{currency}", "NEVER_OPENS", rule)
    if opening.main is not None and includes(terms.selections[0], opening.main):
        rule = "names only goods of the offer itself, and these do not open it."
        yield _error(f"{path}.select", "NEVER_OPENS", rule)


def _floor(terms: OfferTerms) -> Iterator[RuleProblem]:
    """Note a floor above the price that the offer promises, and one that nothing can reach."""
    floors = {currency: minor for currency, minor in terms.floor_minor if minor}
    if not floors:
        return
    if isinstance(terms.benefit, FreeShippingTerms):
        yield _error("floor", "NO_EFFECT", "has no effect: the offer lowers no goods.")
    elif isinstance(terms.benefit, GiftTerms):
        yield _error("floor", "FLOOR_ABOVE_PRICE", "must be left out: a gift costs nothing.")
    for path, cut, units in _promised(terms):
        if cut.percent == 100:  # noqa: PLR2004
            rule = f"is above the price: {path}.percent of 100 makes it nothing."
            yield _error("floor", "FLOOR_ABOVE_PRICE", rule)
        for currency, price in cut.price_minor:
            if floors.get(currency, 0) * units > price:
                rule = f"is above the price that {path}.price promises, which it would prevent."
                yield _error(f"floor.{currency}", "FLOOR_ABOVE_PRICE", rule)


def _promised(terms: OfferTerms) -> Iterator[tuple[str, CutTerms, int]]:
    """Yield each cut of goods with its path and the number of units that it is spread over."""
    benefit, kind = terms.benefit, terms.kind.value
    if isinstance(benefit, BundleTerms) and benefit.cut is not None:
        yield kind, benefit.cut, sum(part.quantity for part in benefit.parts)
    elif isinstance(benefit, QuantityTerms):
        for index, step in enumerate(benefit.steps):
            yield f"{kind}.steps.{index}", step.cut, 1
    elif isinstance(benefit, AddOnTerms | PunchCardTerms | MemberPriceTerms):
        yield kind, benefit.cut, 1


def _shared(own: Amounts, theirs: Amounts) -> Iterator[tuple[int, int]]:
    other = dict(theirs)
    return ((minor, other[currency]) for currency, minor in own if currency in other)


def _name(cut: CutTerms) -> str:
    if cut.percent is not None:
        return "percent"
    return "amount" if cut.amount_minor else "price"


def _error(path: str, code: str, rule: str) -> RuleProblem:
    return RuleProblem(path, code, f"{path} {rule}")


def _warning(path: str, code: str, rule: str) -> RuleProblem:
    return RuleProblem(path, code, f"{path} {rule}", is_warning=True)
