"""Translations: every message that a shopper may read has one, and what ships is up to date."""

from __future__ import annotations

import ast
import gettext
import re
from collections import Counter
from pathlib import Path

import pytest

import saleor_retention
from saleor_retention.engine import phrases, sentences
from saleor_retention.engine.offers.kinds import Part
from saleor_retention.engine.offers.result import Finding, NearMiss
from saleor_retention.engine.offers.terms import (
    BundleTerms,
    CutTerms,
    FreeShippingTerms,
    Kind,
    LimitPeriod,
    Limits,
    OfferTerms,
)
from saleor_retention.engine.offers.verdict_words import near_miss_text
from saleor_retention.engine.offers.words import Vocabulary, sentence_of
from saleor_retention.engine.rules import Selection
from saleor_retention.engine.segments import words as segment_words
from saleor_retention.engine.segments.rules import All, AnyOf, Between, Not, Number, OneOf, Word
from sandbox import catalogs
from tests.unit.builders import rules

PACKAGE = Path(saleor_retention.__file__).parent
LOCALE = PACKAGE / "locale"
MARKS = {"_", "gettext", "ngettext"}
TRANSLATED = ("zh_Hans", "zh_Hant")


def source(language: str) -> Path:
    """Return the file that a translator writes."""
    return LOCALE / language / "LC_MESSAGES" / "django.po"


def marked() -> set[tuple[str, str]]:
    """Return every message of the package that is marked, with its plural or ""."""
    found = set()
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
                continue
            if node.func.id not in MARKS:
                continue
            texts = [
                each.value
                for argument in node.args
                for each in ast.walk(argument)
                if isinstance(each, ast.Constant) and isinstance(each.value, str)
            ]
            if node.func.id == "ngettext" and texts:
                found.add((texts[0], texts[1]))
            else:
                found.update((text, "") for text in texts)
    return found


def placeholders(text: str) -> Counter[str]:
    """Return what ``%`` fills in, and how many signs of per cent stay."""
    return Counter(re.findall(r"%\(\w+\)s|%%", text))


@pytest.mark.parametrize("language", ["en", *TRANSLATED])
def test_a_catalog_has_every_message_and_no_other(language: str) -> None:
    """What is said in the code is what translators see, each message once."""
    entries = [(entry.msgid, entry.msgid_plural) for entry in catalogs.read(source(language))]

    assert len(marked()) > 200
    assert Counter(entries) == Counter({("", ""): 1, **dict.fromkeys(marked(), 1)})


@pytest.mark.parametrize("language", TRANSLATED)
def test_nothing_is_left_in_english(language: str) -> None:
    """Each message has its translation in the language's one form, with the same parameters."""
    wrong = [
        entry.msgid
        for entry in catalogs.read(source(language))
        if entry.msgid
        and not (
            len(entry.texts) == 1
            and entry.is_translated
            and placeholders(entry.texts[0]) == placeholders(entry.msgid_plural or entry.msgid)
        )
    ]

    assert wrong == []


@pytest.mark.parametrize("language", TRANSLATED)
def test_what_ships_is_what_was_translated(language: str) -> None:
    """`make messages` has run since the last change of the translation."""
    path = source(language)

    assert path.with_suffix(".mo").read_bytes() == catalogs.compiled(catalogs.read(path))


def test_a_catalog_that_is_not_understood_is_refused(tmp_path: Path) -> None:
    """Nothing is dropped in silence."""
    path = tmp_path / "django.po"
    path.write_text('msgid "a"\nmsgctxt "b"\nmsgstr "c"\n')

    with pytest.raises(catalogs.SandboxError, match=r"django\.po:2: not understood: msgctxt"):
        catalogs.read(path)


def said(phrase: phrases.Phrase | phrases.Sentence, language: str) -> str:
    """Return a phrase as Python's own gettext translates it by the file that ships."""
    catalog = gettext.translation("django", LOCALE, [language])
    return phrases.render(phrase, catalog.gettext, catalog.ngettext)


@pytest.mark.parametrize(
    ("language", "rule", "set_", "near"),
    [
        (
            "zh_Hant",
            "每消費 1.00 USD 可獲得 1 點。",
            "Tea任選 3 件\uff0c特價 20.00 USD\uff08限星期二\u3001每筆訂單最多使用 1 次\uff09。",
            "再消費 12.30 USD\uff0c即可享免運費",
        ),
        (
            "zh_Hans",
            "每消费 1.00 USD 可获得 1 积分。",
            "Tea任选 3 件\uff0c特价 20.00 USD\uff08限星期二\u3001每笔订单最多使用 1 次\uff09。",
            "再消费 12.30 USD\uff0c即可享免运费",
        ),
    ],
)
def test_sentences_in_chinese(language: str, rule: str, set_: str, near: str) -> None:
    """A rule, an offer and a near miss, with parts that are translated by themselves."""
    words = Vocabulary({"USD": 2}, "USD", goods={("products", "7"): "Tea"})
    tea = Selection(products=frozenset({"7"}))
    three = BundleTerms((Part(tea, 3),), CutTerms(price_minor=(("USD", 2000),)))
    bundle = OfferTerms(Kind.BUNDLE, three, weekdays=frozenset({1}), limits=Limits(per_order=1))
    shipping = OfferTerms(Kind.FREE_SHIPPING, FreeShippingTerms((("USD", 5000),)))
    missing = NearMiss("1", Finding.AMOUNT_MISSING, 1230)

    assert said(next(iter(sentences.sentences(rules(), {"USD": 2}))), language) == rule
    assert said(sentence_of(bundle, words), language) == set_
    assert said(near_miss_text(missing, shipping, words), language) == near


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("zh_Hant", "免運費\uff08每位顧客每月最多使用 1 次\u3001總共限用 1000 次\uff09。"),
        ("zh_Hans", "免运费\uff08每位顾客每月最多使用 1 次\u3001总共限用 1000 次\uff09。"),
    ],
)
def test_limits_of_two_periods_in_chinese(language: str, text: str) -> None:
    """Each with the time that it begins anew with."""
    limits = Limits(None, 1, 1000, LimitPeriod.MONTH, LimitPeriod.ALL_TIME)
    offer = OfferTerms(Kind.FREE_SHIPPING, FreeShippingTerms(), limits=limits)

    assert said(sentence_of(offer, Vocabulary({})), language) == text


@pytest.mark.parametrize(
    ("language", "text"),
    [
        (
            "zh_Hant",
            (
                "符合以下條件的顧客\uff1a有 2 至 5 筆訂單\uff0c且不符合「\uff08等級為 gold或vip"
                "\uff0c或最近一次下單在 3 至 6 個月前\uff09」\uff0c且生日在 2 月或12 月。"
            ),
        ),
        (
            "zh_Hans",
            (
                "符合以下条件的顾客\uff1a有 2 至 5 笔订单\uff0c且不符合“\uff08等级为 gold或vip"
                "\uff0c或最近一次下单在 3 至 6 个月前\uff09”\uff0c且生日在 2 月或12 月。"
            ),
        ),
    ],
)
def test_a_segment_in_chinese(language: str, text: str) -> None:
    """A tree with brackets, an opposite, names, units and months."""
    rule = All(
        (
            Between(Number.ORDERS, 2, 5),
            Not(
                AnyOf(
                    (
                        OneOf(Word.TIER, frozenset({"vip", "gold"})),
                        OneOf(Word.BAND, frozenset({"sleeping"})),
                    )
                )
            ),
            OneOf(Word.BIRTH_MONTH, frozenset({"12", "2"})),
        )
    )

    assert said(segment_words.sentence(rule, "USD", 2), language) == text
