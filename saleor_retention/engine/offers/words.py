"""Says in one plain sentence what an offer gives, and when, for whom and how often.

As ``engine.sentences`` does for a program's rules: the phrases made here are translated when they
are rendered (``engine.phrases``). The names of segments and tags are the merchant's own and never
said. ``engine.offers.verdict_words`` says what became of an offer in a basket.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction

from saleor_retention.engine.fields import decimal_text
from saleor_retention.engine.goods_names import GoodsNames, names_of
from saleor_retention.engine.money import money_text
from saleor_retention.engine.offers.kinds import Audience, Novelty, Part
from saleor_retention.engine.offers.terms import (
    AddOnTerms,
    Amounts,
    BundleTerms,
    CutTerms,
    FreeShippingTerms,
    GiftTerms,
    LimitPeriod,
    MemberPriceTerms,
    OfferTerms,
    OpeningTerms,
    PunchCardTerms,
    QuantityTerms,
    ThresholdTerms,
)
from saleor_retention.engine.phrases import Phrase, Value, _, counted, ngettext, phrase
from saleor_retention.engine.rules import Selection
from saleor_retention.engine.selections import is_everything

WEEKDAYS = (
    _("Monday"),
    _("Tuesday"),
    _("Wednesday"),
    _("Thursday"),
    _("Friday"),
    _("Saturday"),
    _("Sunday"),
)


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The names and the currency that sentences are made with."""

    exponents: Mapping[str, int]
    currency: str = ""  # "": every currency that the offer has, as a merchant reads it
    goods: GoodsNames = field(default_factory=dict)
    tiers: Mapping[str, str] = field(default_factory=dict)  # names by slug
    offers: Mapping[str, str] = field(default_factory=dict)  # names by id
    channels: Mapping[str, str] = field(default_factory=dict)
    """Names of the program's channels by reference; without them no channel is said."""
    zone: dt.tzinfo = dt.UTC

    def money(self, amounts: Amounts) -> str:
        """Return an amount in the currency, or in all of them."""
        return " / ".join(
            money_text(minor, currency, self.exponents[currency])
            for currency, minor in amounts
            if self.currency in ("", currency)
        )

    def goods_of(self, selection: Selection, *, is_first: bool = False) -> Value:
        """Return the names of what is selected, as a list; "chosen goods" where that is long.

        ``is_first`` where a sentence begins with it.
        """
        return names_of(selection, self.goods, is_first=is_first)

    def tiers_of(self, slugs: frozenset[str] | tuple[str, ...]) -> Value:
        """Return the names of tiers, as a list."""
        return tuple(phrase("%(name)s", name=self.tiers.get(slug, slug)) for slug in sorted(slugs))

    def moment(self, at: dt.datetime) -> str:
        """Return a local date, with the time of day where that is not midnight."""
        local = at.astimezone(self.zone)
        return f"{local:%Y-%m-%d}" if local.time() == dt.time() else f"{local:%Y-%m-%d %H:%M}"

    def last_moment(self, ends_at: dt.datetime) -> str:
        """Return the last day of a window that ends at midnight; else when it ends."""
        local = ends_at.astimezone(self.zone)
        if local.time() == dt.time():
            return f"{local - dt.timedelta(days=1):%Y-%m-%d}"
        return self.moment(ends_at)


def sentence_of(terms: OfferTerms, vocabulary: Vocabulary) -> Phrase:
    """Return what the offer gives and its conditions, as one sentence.

    >>> from saleor_retention.engine.offers.terms import Kind
    >>> from saleor_retention.engine.phrases import render
    >>> tea = Selection(products=frozenset({"7"}))
    >>> three = BundleTerms((Part(tea, 3),), CutTerms(price_minor=(("USD", 2000),)))
    >>> words = Vocabulary({"USD": 2}, goods={("products", "7"): "Tea"})
    >>> render(sentence_of(OfferTerms(Kind.BUNDLE, three, weekdays=frozenset({1})), words))
    'Any 3 of Tea for 20.00 USD (on Tuesday).'
    """
    what = benefit_of(terms, vocabulary)
    clauses = tuple(_clauses(terms, vocabulary))
    if clauses:
        return phrase(_("%(offer)s (%(clauses)s)."), offer=what, clauses=clauses)
    return phrase(_("%(offer)s."), offer=what)


def benefit_of(terms: OfferTerms, vocabulary: Vocabulary) -> Phrase:  # noqa: PLR0911 - a kind each
    """Return what the offer gives, without its conditions and without a full stop."""
    match terms.benefit:
        case BundleTerms() as bundle:
            return _bundle(bundle, vocabulary)
        case QuantityTerms() as quantity:
            return _quantity(quantity, vocabulary)
        case AddOnTerms() as add_on:
            return phrase(
                _("%(goods)s at %(cut)s%(main)s%(amounts)s"),
                goods=vocabulary.goods_of(add_on.selection, is_first=True),
                cut=unit_cut(add_on.cut, vocabulary),
                **_opening(add_on.opening, vocabulary),
            )
        case GiftTerms() as gift:
            return _gift(gift, vocabulary)
        case PunchCardTerms() as card:
            return _punch_card(card, vocabulary)
        case MemberPriceTerms() as price:
            return phrase(
                _("%(goods)s at %(cut)s"),
                goods=vocabulary.goods_of(price.selection, is_first=True),
                cut=unit_cut(price.cut, vocabulary),
            )
        case ThresholdTerms() as threshold:
            return _threshold(threshold, vocabulary)
        case FreeShippingTerms() as shipping:
            return _free_shipping(shipping, vocabulary)


def unit_cut(cut: CutTerms, vocabulary: Vocabulary) -> Phrase:
    """Return how the price of each unit is lowered, as it follows "at"."""
    if cut.percent is not None:
        if cut.percent == 100:  # noqa: PLR2004 - per cent
            return phrase(_("no charge"))
        return phrase(_("%(percent)s %% off each"), percent=_percent(cut))
    if cut.amount_minor:
        return phrase(_("%(money)s off each"), money=vocabulary.money(cut.amount_minor))
    return phrase(_("%(money)s each"), money=vocabulary.money(cut.price_minor))


def sum_cut(cut: CutTerms, vocabulary: Vocabulary) -> Phrase:
    """Return how a sum is lowered, by per cent or by an amount."""
    if cut.percent is not None:
        return phrase(_("%(percent)s %% off"), percent=_percent(cut))
    return phrase(_("%(money)s off"), money=vocabulary.money(cut.amount_minor))


def is_some(amounts: Amounts) -> bool:
    """Return whether an amount is above zero in any currency."""
    return any(minor for _currency, minor in amounts)


def weekdays_of(days: frozenset[int]) -> tuple[Phrase, ...]:
    """Return the names of weekdays, from Monday."""
    return tuple(phrase(WEEKDAYS[day]) for day in sorted(days))


def _percent(cut: CutTerms) -> str:
    return decimal_text(Fraction(cut.percent or 0))


def _bundle(bundle: BundleTerms, vocabulary: Vocabulary) -> Phrase:
    units = _set(bundle.parts, vocabulary)
    if bundle.cut is None:
        free = ngettext(
            "%(set)s: the cheapest one is free",
            "%(set)s: the cheapest %(number)s are free",
            bundle.free_units,
        )
        return counted(bundle.free_units, free, set=units)
    if bundle.cut.price_minor:
        money = vocabulary.money(bundle.cut.price_minor)
        return phrase(_("%(set)s for %(money)s"), set=units, money=money)
    return phrase(_("%(set)s: %(cut)s"), set=units, cut=sum_cut(bundle.cut, vocabulary))


def _set(parts: tuple[Part, ...], vocabulary: Vocabulary) -> Phrase:
    if len(parts) == 1:
        (part,) = parts
        goods = vocabulary.goods_of(part.selection)
        return phrase(_("Any %(number)s of %(goods)s"), number=f"{part.quantity}", goods=goods)
    each = tuple(
        phrase(
            _("%(number)s of %(goods)s"),
            number=f"{part.quantity}",
            goods=vocabulary.goods_of(part.selection),
        )
        for part in parts
    )
    return phrase(_("%(parts)s together"), parts=each)


def _quantity(quantity: QuantityTerms, vocabulary: Vocabulary) -> Phrase:
    steps = tuple(
        phrase(
            _("%(number)s or more at %(cut)s"),
            number=f"{step.quantity}",
            cut=unit_cut(step.cut, vocabulary),
        )
        for step in quantity.steps
    )
    goods = vocabulary.goods_of(quantity.selection, is_first=True)
    if quantity.units_max is None:
        return phrase(_("%(goods)s: %(steps)s"), goods=goods, steps=steps)
    units = ngettext(
        "%(goods)s: %(steps)s, for up to %(number)s unit in an order",
        "%(goods)s: %(steps)s, for up to %(number)s units in an order",
        quantity.units_max,
    )
    return counted(quantity.units_max, units, goods=goods, steps=steps)


def _opening(opening: OpeningTerms, vocabulary: Vocabulary) -> dict[str, Value]:
    """Return the parameters ``main`` and ``amounts``: what has to be in the basket besides."""
    main: Value = ""
    if opening.main is not None:
        main = phrase(
            _(" with every %(number)s of %(goods)s"),
            number=f"{opening.main_quantity}",
            goods=vocabulary.goods_of(opening.main),
        )
    amounts: Value = ""
    least = vocabulary.money(opening.from_minor) if is_some(opening.from_minor) else ""
    below = vocabulary.money(opening.below_minor)
    if least and opening.below_offer:
        said = _(" when the other goods come to %(least)s or more, but to less than ships for free")
        amounts = phrase(said, least=least)
    elif opening.below_offer:
        amounts = phrase(_(" when the other goods come to less than ships for free"))
    elif least and below:
        said = _(" when the other goods come to %(least)s or more, but less than %(below)s")
        amounts = phrase(said, least=least, below=below)
    elif least:
        amounts = phrase(_(" when the other goods come to %(least)s or more"), least=least)
    elif below:
        amounts = phrase(_(" when the other goods come to less than %(below)s"), below=below)
    return {"main": main, "amounts": amounts}


def _gift(gift: GiftTerms, vocabulary: Vocabulary) -> Phrase:
    goods = vocabulary.goods_of(Selection(variants=gift.choices))
    opening = _opening(gift.opening, vocabulary)
    if len(gift.choices) == 1:
        free = ngettext(
            "A free gift%(main)s%(amounts)s: %(goods)s",
            "%(number)s free gifts%(main)s%(amounts)s: %(goods)s",
            gift.quantity,
        )
    else:
        free = ngettext(
            "A free gift of your choice%(main)s%(amounts)s: %(goods)s",
            "%(number)s free gifts of your choice%(main)s%(amounts)s: %(goods)s",
            gift.quantity,
        )
    return counted(gift.quantity, free, goods=goods, **opening)


def _punch_card(card: PunchCardTerms, vocabulary: Vocabulary) -> Phrase:
    params: dict[str, Value] = {
        "number": f"{card.stamps}",
        "goods": vocabulary.goods_of(card.selection),
    }
    if card.cut.percent == 100:  # noqa: PLR2004 - per cent
        return phrase(_("Buy %(number)s of %(goods)s, the next one is free"), **params)
    if card.cut.price_minor:
        params["money"] = vocabulary.money(card.cut.price_minor)
        return phrase(_("Buy %(number)s of %(goods)s, the next one for %(money)s"), **params)
    params["cut"] = sum_cut(card.cut, vocabulary)
    return phrase(_("Buy %(number)s of %(goods)s, the next one at %(cut)s"), **params)


def _threshold(threshold: ThresholdTerms, vocabulary: Vocabulary) -> Phrase:
    goods = vocabulary.goods_of(threshold.selection)
    steps = [
        (vocabulary.money(step.from_minor), sum_cut(step.cut, vocabulary))
        for step in threshold.steps
    ]
    if len(steps) == 1:
        ((money, cut),) = steps
        if is_everything(threshold.selection):
            return phrase(_("From %(money)s spent, %(cut)s"), money=money, cut=cut)
        return phrase(
            _("From %(money)s spent on %(goods)s, %(cut)s"), money=money, goods=goods, cut=cut
        )
    each = tuple(phrase(_("from %(money)s %(cut)s"), money=money, cut=cut) for money, cut in steps)
    return phrase(_("By what is spent on %(goods)s: %(steps)s"), goods=goods, steps=each)


def _free_shipping(shipping: FreeShippingTerms, vocabulary: Vocabulary) -> Phrase:
    goods, everything = vocabulary.goods_of(shipping.selection), is_everything(shipping.selection)
    if not is_some(shipping.from_minor):
        if everything:
            return phrase(_("Free shipping"))
        return phrase(_("Free shipping with %(goods)s"), goods=goods)
    money = vocabulary.money(shipping.from_minor)
    if everything:
        return phrase(_("Free shipping from %(money)s spent"), money=money)
    return phrase(_("Free shipping from %(money)s spent on %(goods)s"), money=money, goods=goods)


def _clauses(terms: OfferTerms, vocabulary: Vocabulary) -> Iterator[Phrase]:
    yield from audience_of(_audience(terms), vocabulary)
    yield from _channels(terms, vocabulary)
    if terms.weekdays:
        yield phrase(_("on %(days)s"), days=weekdays_of(terms.weekdays))
    first = "" if terms.starts_at is None else vocabulary.moment(terms.starts_at)
    last = "" if terms.ends_at is None else vocabulary.last_moment(terms.ends_at)
    if first and last:
        yield phrase(_("from %(first)s to %(last)s"), first=first, last=last)
    elif first:
        yield phrase(_("from %(first)s on"), first=first)
    elif last:
        yield phrase(_("until %(last)s"), last=last)
    benefit = terms.benefit
    if isinstance(benefit, AddOnTerms) and benefit.units_each > 1:
        units = ngettext(
            "%(number)s unit each time", "%(number)s units each time", benefit.units_each
        )
        yield counted(benefit.units_each, units)
    if isinstance(benefit, GiftTerms):
        yield phrase(_("no gift twice to one customer"))
    if isinstance(benefit, PunchCardTerms):
        yield phrase(_("counted over earlier orders"))
    yield from _limits(terms)
    if terms.group:
        yield phrase(_("not together with some other offers"))
    if is_some(terms.floor_minor):
        money = vocabulary.money(terms.floor_minor)
        yield phrase(_("no unit below %(money)s"), money=money)


def _audience(terms: OfferTerms) -> Audience:
    """Return who the offer is for; a gift, which nobody gets twice, is for members."""
    if isinstance(terms.benefit, GiftTerms):
        return replace(terms.audience, is_members_only=True)
    return terms.audience


def _channels(terms: OfferTerms, vocabulary: Vocabulary) -> Iterator[Phrase]:
    """Yield in which channels the offer runs, where these are not all of the program's."""
    places = {ref: name for ref, name in vocabulary.channels.items() if ref in terms.channels}
    if places and len(places) < len(vocabulary.channels):
        names = tuple(phrase("%(name)s", name=name) for name in places.values())
        yield phrase(_("only in %(channels)s"), channels=names)


def audience_of(audience: Audience, vocabulary: Vocabulary) -> Iterator[Phrase]:
    """Yield for whom an offer is, one phrase a condition."""
    if audience.tiers:
        yield phrase(_("for %(tiers)s"), tiers=vocabulary.tiers_of(audience.tiers))
    elif audience.is_members_only:
        yield phrase(_("for members"))
    if audience.segments or audience.tags:
        yield phrase(_("for chosen customers"))
    if audience.novelty is Novelty.NEW:
        yield phrase(_("on the first order"))
    elif audience.novelty is Novelty.RETURNING:
        yield phrase(_("for those who have ordered before"))
    if audience.is_granted_only:
        yield phrase(_("for those who were given it"))


_BY_CUSTOMER = {
    LimitPeriod.ALL_TIME: _("%(times)s at most for each customer"),
    LimitPeriod.DAY: _("%(times)s a day at most for each customer"),
    LimitPeriod.WEEK: _("%(times)s a week at most for each customer"),
    LimitPeriod.MONTH: _("%(times)s a month at most for each customer"),
    LimitPeriod.YEAR: _("%(times)s a year at most for each customer"),
}
_IN_TOTAL = {
    LimitPeriod.ALL_TIME: _("%(times)s in all"),
    LimitPeriod.DAY: _("%(times)s a day in all"),
    LimitPeriod.WEEK: _("%(times)s a week in all"),
    LimitPeriod.MONTH: _("%(times)s a month in all"),
    LimitPeriod.YEAR: _("%(times)s a year in all"),
}


def _limits(terms: OfferTerms) -> Iterator[Phrase]:
    limits = terms.limits
    if limits.per_order is not None:
        yield phrase(_("%(times)s at most in an order"), times=_times(limits.per_order))
    if limits.per_customer is not None:
        yield phrase(_BY_CUSTOMER[limits.period], times=_times(limits.per_customer))
    if limits.in_total is not None:
        yield phrase(_IN_TOTAL[limits.period_in_total], times=_times(limits.in_total))


def _times(number: int) -> Phrase:
    return counted(number, ngettext("%(number)s time", "%(number)s times", number))
