"""Offers that meet all conditions, put to the basket: what of it they touch, and how often."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import combinations

from saleor_retention.engine.facts import BasketFacts
from saleor_retention.engine.offers.eligibility import conditions_missed, uses_max
from saleor_retention.engine.offers.kinds import (
    AddOn,
    Bundle,
    Cut,
    Gift,
    Offer,
    Opening,
    PunchCard,
    QuantitySteps,
    first_come,
)
from saleor_retention.engine.offers.result import Finding, GiftChoice, Miss, NearMiss
from saleor_retention.engine.offers.shelf import Shelf, merged, shelve
from saleor_retention.engine.offers.situation import Situation
from saleor_retention.engine.rules import Selection

OPENED = (AddOn, Gift)


@dataclass(slots=True, eq=False)
class Live:
    """An offer with the rows that each of its selections matches."""

    offer: Offer
    rank: int  # 1 is the first to prefer between equal prices
    rows: list[tuple[int, ...]]
    uses_max: int | None = None  # ways (units, for prices per unit) in this order
    is_limited: bool = False
    cuts: tuple[Cut, ...] = ()  # of prices per unit: any of them, of steps those that are reached


@dataclass(slots=True)
class Field:
    """The basket and the offers that may apply to it, and why the others may not."""

    shelf: Shelf
    live: list[Live]  # by rank
    misses: dict[str, tuple[Miss, ...]] = field(default_factory=dict)
    near: list[NearMiss] = field(default_factory=list)
    gifts: list[GiftChoice] = field(default_factory=list)
    ranked: list[Offer] = field(default_factory=list)  # all offers
    goods_minor: int = 0  # of all rows


def lay_out(basket: BasketFacts, offers: Sequence[Offer], situation: Situation) -> Field:
    """Judge every offer; two of one id raise ``ValueError``."""
    if len({offer.id for offer in offers}) != len(offers):
        raise ValueError("Two offers have the same id.")
    ranked = sorted(offers, key=first_come)
    misses = {offer.id: conditions_missed(offer, situation) for offer in ranked}
    open_offers = [offer for offer in ranked if not misses[offer.id]]
    wanted = [selections_of(offer, situation) for offer in open_offers]
    shelf = shelve(basket, [selection for each in wanted for selection in each])
    found = Field(
        shelf,
        live=[],
        misses={key: value for key, value in misses.items() if value},
        ranked=ranked,
        goods_minor=sum([row.total_minor for row in shelf.rows]),
    )
    matched = iter(shelf.matched)
    for offer, selections in zip(open_offers, wanted, strict=True):
        rows = [next(matched) for _selection in selections]
        limit = uses_max(offer, situation)
        live = Live(offer, len(found.live) + 1, rows, limit, is_limited=limit is not None)
        missed = _put_to_basket(live, found, situation)
        if missed:
            found.misses[offer.id] = tuple(missed)
        else:
            found.live.append(live)
    if len(found.live) < len(open_offers):
        _forget_the_others(found)
    return found


def _forget_the_others(found: Field) -> None:
    """Merge the rows that only offers tell apart that do not apply."""
    shelf = Shelf(found.shelf.rows, tuple([rows for live in found.live for rows in live.rows]))
    found.shelf = merged(shelf)
    matched = iter(found.shelf.matched)
    for live in found.live:
        live.rows = [next(matched) for _rows in live.rows]


def selections_of(offer: Offer, situation: Situation) -> list[Selection]:
    """Return the selections of an offer: its goods first, then what opens it."""
    benefit = offer.benefit
    if isinstance(benefit, Bundle):
        return [part.selection for part in benefit.parts]
    if isinstance(benefit, Gift):
        goods = Selection(variants=gift_variants(offer.id, benefit, situation))
        return [goods, *_main(benefit.opening)]
    if isinstance(benefit, AddOn):
        return [benefit.selection, *_main(benefit.opening)]
    return [benefit.selection]


def gift_variants(offer_id: str, gift: Gift, situation: Situation) -> frozenset[str]:
    """Return what may be given: in stock, not had before, and what the shopper chose.

    The others are shut when as many are chosen as may be had. Where nothing may be given, a
    reference that no goods have: an empty selection would mean everything.
    """
    left = gift.choices - situation.gifts_had - situation.out_of_stock
    chosen = left & situation.gift_choices.get(offer_id, frozenset())
    if len(chosen) >= gift.quantity:
        left = chosen
    return left or frozenset([""])


def _main(opening: Opening) -> list[Selection]:
    return [] if opening.main is None else [opening.main]


def _put_to_basket(live: Live, found: Field, situation: Situation) -> list[Miss]:
    benefit = live.offer.benefit
    if isinstance(benefit, Bundle):
        return _bundle(live, benefit, found)
    if isinstance(benefit, QuantitySteps):
        return _steps(live, benefit, found)
    if isinstance(benefit, OPENED):
        return _opened(live, benefit, found, situation)
    if isinstance(benefit, PunchCard):
        return _punch_card(live, benefit, found, situation)
    return [] if live.rows[0] else [Miss(Finding.NO_MATCHING_GOODS)]


def _bundle(live: Live, bundle: Bundle, found: Field) -> list[Miss]:
    """Count what is missing to one set, by Hall's theorem: some parts want more than they have."""
    if not any(live.rows):
        return [Miss(Finding.NO_MATCHING_GOODS)]
    rows = found.shelf.rows
    missing = 0
    lacking: tuple[int, ...] = ()
    positions = range(len(bundle.parts))
    for size in range(1, len(bundle.parts) + 1):
        for some in combinations(positions, size):
            wanted = sum([bundle.parts[position].quantity for position in some])
            own = {row for part in some for row in live.rows[part]}
            there = sum([rows[row].quantity for row in own])
            if wanted - there > missing:
                missing, lacking = wanted - there, some
    if not missing:
        return []
    part = lacking[0] if len(lacking) == 1 else None
    found.near.append(NearMiss(live.offer.id, Finding.UNITS_MISSING, missing, part))
    return [Miss(Finding.UNITS_MISSING, missing)]


def _steps(live: Live, benefit: QuantitySteps, found: Field) -> list[Miss]:
    bought = sum([found.shelf.rows[row].quantity for row in live.rows[0]])
    if not bought:
        return [Miss(Finding.NO_MATCHING_GOODS)]
    steps = sorted(benefit.steps, key=lambda step: step.quantity)
    for step in steps:
        if bought < step.quantity:
            missing, position = step.quantity - bought, benefit.steps.index(step)
            near = NearMiss(live.offer.id, Finding.UNITS_MISSING, missing, step=position)
            found.near.append(near)
            break
        live.cuts += (step.cut,)
    live.uses_max = benefit.units_max  # the offer's own limits count orders
    return [] if live.cuts else [Miss(Finding.UNITS_MISSING, steps[0].quantity - bought)]


def _opened(live: Live, benefit: AddOn | Gift, found: Field, situation: Situation) -> list[Miss]:
    opening, own, rows = benefit.opening, set(live.rows[0]), found.shelf.rows
    subtotal = found.goods_minor - sum([rows[row].total_minor for row in own])
    misses = []
    if subtotal < opening.from_minor:
        missing = opening.from_minor - subtotal
        misses.append(Miss(Finding.AMOUNT_MISSING, missing))
        found.near.append(NearMiss(live.offer.id, Finding.AMOUNT_MISSING, missing))
    if opening.below_minor is not None and subtotal >= opening.below_minor:
        misses.append(Miss(Finding.SUBTOTAL_TOO_HIGH))
    times = None
    if opening.main is not None:
        there = sum(rows[row].quantity for row in live.rows[1] if row not in own)
        times = there // opening.main_quantity
        if not times:
            missing = opening.main_quantity - there
            misses.append(Miss(Finding.NOT_OPENED, missing))
            found.near.append(NearMiss(live.offer.id, Finding.UNITS_MISSING, missing))
    if isinstance(benefit, AddOn):
        live.cuts = (benefit.cut,)
        limit = None if times is None else times * benefit.units_each
        if not own:
            misses.append(Miss(Finding.NO_MATCHING_GOODS))
    else:
        live.cuts, limit = (Cut(price_minor=0),), benefit.quantity
        if not misses:
            misses += _gift_to_choose(live, benefit, found, situation)
    live.uses_max = min((x for x in (live.uses_max, limit) if x is not None), default=None)
    return misses


def _gift_to_choose(live: Live, gift: Gift, found: Field, situation: Situation) -> list[Miss]:
    """Offer as a choice what is not in the basket yet."""
    there = sum(found.shelf.rows[row].quantity for row in live.rows[0])
    limits = (gift.quantity, live.uses_max)
    quantity = min(limit for limit in limits if limit is not None) - there
    variants = gift_variants(live.offer.id, gift, situation) - {""}
    if not variants:
        return [Miss(Finding.NO_GIFT_LEFT)]
    if quantity > 0:
        found.gifts.append(GiftChoice(live.offer.id, tuple(sorted(variants)), quantity))
    return [] if there else [Miss(Finding.GIFT_TO_CHOOSE, quantity)]


def _punch_card(live: Live, card: PunchCard, found: Field, situation: Situation) -> list[Miss]:
    """Count the full cards of earlier orders: what this one adds counts from the next."""
    stamps = situation.stamps.get(live.offer.id, 0)
    rewards, live.cuts = max(0, stamps) // card.stamps, (card.cut,)
    live.uses_max = min((x for x in (live.uses_max, rewards) if x is not None), default=None)
    misses = []
    if not rewards:
        missing = card.stamps - stamps
        misses.append(Miss(Finding.STAMPS_MISSING, missing))
        found.near.append(NearMiss(live.offer.id, Finding.STAMPS_MISSING, missing))
    if not live.rows[0]:
        misses.append(Miss(Finding.NO_MATCHING_GOODS))
    return misses
