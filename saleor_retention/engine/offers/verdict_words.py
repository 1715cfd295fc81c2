"""Says what became of an offer in a basket, and what little is missing for it.

Amounts are in the currency of the vocabulary, which has to name one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from saleor_retention.engine.offers.result import Finding, Miss, NearMiss, OfferVerdict
from saleor_retention.engine.offers.terms import (
    AddOnTerms,
    Amounts,
    BundleTerms,
    FreeShippingTerms,
    GiftTerms,
    OfferTerms,
    PunchCardTerms,
    QuantityTerms,
    ThresholdTerms,
)
from saleor_retention.engine.offers.words import (
    Vocabulary,
    sum_cut,
    unit_cut,
    weekdays_of,
)
from saleor_retention.engine.phrases import Phrase, Value, _, counted, ngettext, phrase


def verdict_text(verdict: OfferVerdict, terms: OfferTerms, vocabulary: Vocabulary) -> Phrase:
    """Return what became of the offer, as a sentence; of several conditions missed, all of them.

    A guest has nothing left of a limit by customer, and is not told that it is used up.
    """
    match verdict.code:
        case Finding.APPLIED if isinstance(terms.benefit, FreeShippingTerms):
            return phrase(_("Shipping is free."))
        case Finding.APPLIED:
            return phrase(_("%(money)s off."), money=_money(verdict.amount_minor, vocabulary))
        case Finding.BEATEN:
            return _beaten(verdict, vocabulary)
        case Finding.CONFLICT:
            return phrase(
                _("Not together with %(offers)s, which is better here."),
                offers=_offers(verdict, vocabulary),
            )
        case Finding.NO_EFFECT:
            return phrase(_("It would take nothing off these goods at their prices."))
    misses = verdict.misses or (Miss(verdict.code),)
    is_outside = any(miss.code is Finding.NOT_A_MEMBER for miss in misses)
    reasons = tuple(
        phrase(_("its uses are counted for each member"))
        if is_outside and miss.code is Finding.LIMIT_PER_CUSTOMER
        else _miss(miss, terms, vocabulary)
        for miss in misses
    )
    return phrase(_("Not here: %(reasons)s."), reasons=reasons)


def near_miss_text(near: NearMiss, terms: OfferTerms, vocabulary: Vocabulary) -> Phrase:
    """Return how little is missing for what, without a full stop.

    >>> from saleor_retention.engine.offers.terms import Kind
    >>> from saleor_retention.engine.phrases import render
    >>> terms = OfferTerms(Kind.FREE_SHIPPING, FreeShippingTerms((("USD", 5000),)))
    >>> near = NearMiss("1", Finding.AMOUNT_MISSING, 1230)
    >>> render(near_miss_text(near, terms, Vocabulary({"USD": 2}, "USD")))
    '12.30 USD more for free shipping'
    """
    gain = _gain(terms, vocabulary, near.step)
    if near.code is Finding.AMOUNT_MISSING:
        money = _money(near.missing, vocabulary)
        return phrase(_("%(money)s more for %(gain)s"), money=money, gain=gain)
    goods = _goods_missing(near, terms, vocabulary)
    if goods is None:
        more = ngettext("one more for %(gain)s", "%(number)s more for %(gain)s", near.missing)
        return counted(near.missing, more, gain=gain)
    more = ngettext(
        "one more of %(goods)s for %(gain)s",
        "%(number)s more of %(goods)s for %(gain)s",
        near.missing,
    )
    return counted(near.missing, more, gain=gain, goods=goods)


def _money(minor: int, vocabulary: Vocabulary) -> str:
    return vocabulary.money(((vocabulary.currency, minor),))


def _offers(verdict: OfferVerdict, vocabulary: Vocabulary) -> Value:
    return tuple(
        phrase("%(name)s", name=vocabulary.offers.get(offer_id, offer_id))
        for offer_id in verdict.by
    )


def _beaten(verdict: OfferVerdict, vocabulary: Vocabulary) -> Phrase:
    """Return what is better, and by how much where that is known."""
    by: Value = _offers(verdict, vocabulary) or phrase(_("another combination of offers"))
    if not verdict.by_minor:
        return phrase(_("Less is paid with %(offers)s."), offers=by)
    money = _money(verdict.by_minor, vocabulary)
    if verdict.is_exact:
        return phrase(_("%(money)s less is paid with %(offers)s."), money=money, offers=by)
    return phrase(_("At least %(money)s less is paid with %(offers)s."), money=money, offers=by)


def _gain(terms: OfferTerms, vocabulary: Vocabulary, step: int | None) -> Phrase:
    """Return what the offer gives, or one of its steps, as it follows "for"."""
    benefit = terms.benefit
    if isinstance(benefit, FreeShippingTerms):
        return phrase(_("free shipping"))
    if isinstance(benefit, GiftTerms):
        return phrase(_("a free gift"))
    if isinstance(benefit, BundleTerms):
        return phrase(_("the set"))
    if isinstance(benefit, PunchCardTerms):
        return phrase(_("the reward"))
    if isinstance(benefit, AddOnTerms):
        goods, cut = vocabulary.goods_of(benefit.selection), unit_cut(benefit.cut, vocabulary)
        return phrase(_("%(goods)s at %(cut)s"), goods=goods, cut=cut)
    if isinstance(benefit, ThresholdTerms):
        cuts = [sum_cut(each.cut, vocabulary) for each in benefit.steps]
    elif isinstance(benefit, QuantityTerms):
        cuts = [unit_cut(each.cut, vocabulary) for each in benefit.steps]
    else:
        cuts = []
    position = 0 if len(cuts) == 1 else step
    return phrase(_("the next step of the offer")) if position is None else cuts[position]


def _goods_missing(near: NearMiss, terms: OfferTerms, vocabulary: Vocabulary) -> Value | None:
    """Return the goods of which units are missing; None where they go without saying."""
    benefit = terms.benefit
    if isinstance(benefit, BundleTerms) and near.part is not None and len(benefit.parts) > 1:
        return vocabulary.goods_of(benefit.parts[near.part].selection)
    if isinstance(benefit, AddOnTerms | GiftTerms) and benefit.opening.main is not None:
        return vocabulary.goods_of(benefit.opening.main)
    return None


_SIMPLE: Mapping[Finding, str] = {
    Finding.NOT_A_MEMBER: _("only for members"),
    Finding.OTHER_SEGMENT: _("only for chosen customers"),
    Finding.OTHER_TAG: _("only for chosen customers"),
    Finding.NOT_NEW: _("only on the first order"),
    Finding.NOT_RETURNING: _("only for those who have ordered before"),
    Finding.NOT_GRANTED: _("only for those who were given it"),
    Finding.LIMIT_PER_ORDER: _("no order can use it"),
    Finding.LIMIT_PER_CUSTOMER: _("no use of it is left for this customer"),
    Finding.LIMIT_IN_TOTAL: _("all uses of it are taken"),
    Finding.NO_MATCHING_GOODS: _("none of its goods is in the basket"),
    Finding.GIFT_TO_CHOOSE: _("the gift is still to be chosen"),
    Finding.NO_GIFT_LEFT: _("every gift was given before or is out of stock"),
}


def _miss(miss: Miss, terms: OfferTerms, vocabulary: Vocabulary) -> Phrase:
    """Return one condition that the offer misses."""
    if miss.code in _SIMPLE:
        return phrase(_SIMPLE[miss.code])
    return _COUNTED[miss.code](miss, terms, vocabulary)


def _not_started(_miss: Miss, terms: OfferTerms, vocabulary: Vocabulary) -> Phrase:
    at = "" if terms.starts_at is None else vocabulary.moment(terms.starts_at)
    return phrase(_("it starts on %(at)s"), at=at)


def _expired(_miss: Miss, terms: OfferTerms, vocabulary: Vocabulary) -> Phrase:
    last = "" if terms.ends_at is None else vocabulary.last_moment(terms.ends_at)
    return phrase(_("it was valid until %(last)s"), last=last)


def _other_weekday(_miss: Miss, terms: OfferTerms, _vocabulary: Vocabulary) -> Phrase:
    return phrase(_("only on %(days)s"), days=weekdays_of(terms.weekdays))


def _other_tier(miss: Miss, _terms: OfferTerms, vocabulary: Vocabulary) -> Phrase:
    return phrase(_("only for %(tiers)s"), tiers=vocabulary.tiers_of(miss.wanted))


def _not_opened(miss: Miss, terms: OfferTerms, vocabulary: Vocabulary) -> Phrase:
    benefit, number = terms.benefit, miss.missing or 0
    if not isinstance(benefit, AddOnTerms | GiftTerms) or benefit.opening.main is None:
        return _units(miss, terms, vocabulary)
    forms = ngettext(
        "%(number)s more of %(goods)s is missing",
        "%(number)s more of %(goods)s are missing",
        number,
    )
    return counted(number, forms, goods=vocabulary.goods_of(benefit.opening.main))


def _units(miss: Miss, _terms: OfferTerms, _vocabulary: Vocabulary) -> Phrase:
    number = miss.missing or 0
    forms = ngettext("%(number)s more unit is missing", "%(number)s more units are missing", number)
    return counted(number, forms)


def _amount(miss: Miss, _terms: OfferTerms, vocabulary: Vocabulary) -> Phrase:
    money = _money(miss.missing or 0, vocabulary)
    return phrase(_("%(money)s more has to be spent"), money=money)


def _stamps(miss: Miss, _terms: OfferTerms, _vocabulary: Vocabulary) -> Phrase:
    return phrase(_("%(number)s more to buy before the reward"), number=f"{miss.missing or 0}")


def _too_high(_miss: Miss, terms: OfferTerms, vocabulary: Vocabulary) -> Phrase:
    benefit = terms.benefit
    below: Amounts = ()
    if isinstance(benefit, AddOnTerms | GiftTerms):
        below = benefit.opening.below_minor
    return phrase(
        _("only while the other goods come to less than %(below)s"), below=vocabulary.money(below)
    )


_COUNTED: Mapping[Finding, Callable[[Miss, OfferTerms, Vocabulary], Phrase]] = {
    Finding.NOT_STARTED: _not_started,
    Finding.EXPIRED: _expired,
    Finding.OTHER_WEEKDAY: _other_weekday,
    Finding.OTHER_TIER: _other_tier,
    Finding.NOT_OPENED: _not_opened,
    Finding.SUBTOTAL_TOO_HIGH: _too_high,
    Finding.UNITS_MISSING: _units,
    Finding.AMOUNT_MISSING: _amount,
    Finding.STAMPS_MISSING: _stamps,
}
