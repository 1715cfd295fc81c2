"""Offers in the reader's language: the names that their sentences need, and the sentences."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from zoneinfo import ZoneInfo

from promise import Promise

from saleor_retention import host
from saleor_retention.engine.goods_names import spoken
from saleor_retention.engine.offers.terms import AddOnTerms, GiftTerms, OfferTerms, amounts_of
from saleor_retention.engine.offers.words import Vocabulary, sentence_of
from saleor_retention.engine.rules import ProgramRules
from saleor_retention.graphql import words
from saleor_retention.graphql.dataloaders.offers import NameOfGoods


def vocabulary(
    info: Any,
    terms: Iterable[OfferTerms],
    rules: ProgramRules,
    *,
    currency: str = "",
    offers: Mapping[str, str] | None = None,
    channels: Mapping[str, str] | None = None,
) -> Any:
    """Promise the names that sentences about these offers of a program need.

    ``currency`` is the one that is spoken of; all of an offer's without. ``offers`` are names by
    id, ``channels`` those of the program by reference, for a reader of all of them. Goods are read
    in one statement for each of their kinds.
    """
    said = list(terms)
    keys = sorted({key for each in said for key in _goods(each)})
    codes = {currency} | {
        code for each in said for _, pairs in amounts_of(each) for code, _ in pairs
    }
    shop = host.current()

    def named(names: list[str | None]) -> Vocabulary:
        return Vocabulary(
            exponents={code: shop.currency_exponent(code) for code in codes if code},
            currency=currency,
            goods={key: name for key, name in zip(keys, names, strict=True) if name is not None},
            tiers={tier.slug: tier.name for tier in rules.ladder.tiers},
            offers=offers or {},
            channels=channels or {},
            zone=ZoneInfo(rules.time_zone),
        )

    loaded = NameOfGoods.of(info).load_many(keys) if keys else Promise.resolve([])
    return loaded.then(named)


def sentence(terms: OfferTerms, spoken: Vocabulary) -> str:
    """Return what an offer gives and its conditions."""
    return words.said(sentence_of(terms, spoken))


def _goods(terms: OfferTerms) -> Iterator[tuple[str, str]]:
    """Yield the goods that are named one by one: those of short lists."""
    benefit = terms.benefit
    selections = list(terms.selections)
    if isinstance(benefit, AddOnTerms | GiftTerms) and benefit.opening.main is not None:
        selections.append(benefit.opening.main)
    for selection in selections:
        yield from spoken(selection)
