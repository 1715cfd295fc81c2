"""What a program asks after a purchase, and what the answers come to. Declared in its rules.

Questions have the types of all others (``engine.questions``); a number is a rating on a scale.
Words may be given in several languages: the plain ones are for everybody else.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from saleor_retention.engine.questions import FieldQuestion, FieldType

Words = tuple[tuple[str, str], ...]
"""(language, text), such as ("zh-hant", ...)."""

YES, NO = "yes", "no"


@dataclass(frozen=True, slots=True)
class SurveyQuestion:
    """One question about an order; a number is a rating from ``low`` to ``high``."""

    field: FieldQuestion
    low: int = 1
    high: int = 5
    is_required: bool = False
    labels: Words = ()

    @property
    def key(self) -> str:
        """Return the stable name."""
        return self.field.key

    @property
    def is_rating(self) -> bool:
        """Tell whether it has a scale."""
        return self.field.type is FieldType.NUMBER

    def label_in(self, language: str) -> str:
        """Return what a customer of a language reads."""
        return words_in(self.labels, language) or self.field.label


@dataclass(frozen=True, slots=True)
class Survey:
    """What is asked about an order, once."""

    intro: str = ""
    intros: Words = ()
    questions: tuple[SurveyQuestion, ...] = ()

    @property
    def is_on(self) -> bool:
        """Tell whether anything is asked."""
        return bool(self.questions)

    def intro_in(self, language: str) -> str:
        """Return what stands before the questions for a customer of a language."""
        return words_in(self.intros, language) or self.intro


NO_SURVEY = Survey()


@dataclass(frozen=True, slots=True)
class Share:
    """One possible answer, how many gave it, and what part of all that answered the question."""

    value: str
    count: int
    share: Fraction


@dataclass(frozen=True, slots=True)
class Figures:
    """What the answers to one question come to; a text has a count alone."""

    question: SurveyQuestion
    count: int
    average: Fraction | None = None  # of ratings
    shares: tuple[Share, ...] = ()


def words_in(words: Words, language: str) -> str:
    """Return the text of a language, or of the language that it is a kind of; "" for none.

    >>> words_in((("zh-hant", "x"), ("de", "y")), "de-at"), words_in((("de", "y"),), "fr")
    ('y', '')
    """
    by_language = dict(words)
    code = language.lower()
    while code:
        if code in by_language:
            return by_language[code]
        code = code.rpartition("-")[0]
    return ""


def figures_of(question: SurveyQuestion, counted: Iterable[tuple[Any, int]]) -> Figures:
    """Return what answers come to; ``counted`` has each different answer and how many gave it.

    Answers that the question as it is now does not allow (its scale or options were others) are
    left out. Who chose several options counts once in each of their shares.

    >>> stars = SurveyQuestion(FieldQuestion("stars", "Stars?", FieldType.NUMBER))
    >>> figures_of(stars, [(5, 3), (2, 1), (9, 7)]).average
    Fraction(17, 4)
    """
    given = [(_chosen(question, value), count) for value, count in counted]
    fitting = [(chosen, count) for chosen, count in given if chosen is not None]
    total = sum(count for _values_of_it, count in fitting)
    average = None
    if total and question.is_rating:
        average = Fraction(sum(int(value) * count for (value,), count in fitting), total)
    shares = [_share(value, fitting, total) for value in _values(question)] if total else []
    return Figures(question, total, average, tuple(shares))


def _share(value: str, given: Iterable[tuple[tuple[str, ...], int]], total: int) -> Share:
    count = sum(number for chosen, number in given if value in chosen)
    return Share(value, count, Fraction(count, total))


def _values(question: SurveyQuestion) -> tuple[str, ...]:
    """Return what may be answered, where that can be listed."""
    match question.field.type:
        case FieldType.NUMBER:
            return tuple(str(number) for number in range(question.low, question.high + 1))
        case FieldType.YES_NO:
            return (YES, NO)
        case FieldType.CHOICE | FieldType.CHOICES:
            return question.field.options
        case _:
            return ()


def _chosen(question: SurveyQuestion, value: Any) -> tuple[str, ...] | None:
    """Return which of the values an answer names; None where it is none to the question."""
    match question.field.type, value:
        case FieldType.TEXT | FieldType.DATE, _:
            return ()
        case FieldType.YES_NO, bool():
            return (YES if value else NO,)
        case FieldType.NUMBER, int() if not isinstance(value, bool):
            return (str(value),) if question.low <= value <= question.high else None
        case FieldType.CHOICE, str():
            return (value,) if value in question.field.options else None
        case FieldType.CHOICES, list():
            return tuple(each for each in value if each in question.field.options) or None
    return None
