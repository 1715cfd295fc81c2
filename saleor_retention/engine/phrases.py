"""Puts sentences together from messages that can be translated, each with its parameters.

The engine does not know the reader's language. A sentence is a message id with parameters, which
may be phrases with message ids of their own; ``render`` puts them together with whatever
``gettext`` and ``ngettext`` it is given, in English without any. Money and numbers are text with a
decimal point.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

from saleor_retention.engine.fields import decimal_text


@dataclass(frozen=True, slots=True)
class Phrase:
    """A message id with its parameters; with a plural where a count decides the form."""

    msgid: str
    params: tuple[tuple[str, Value], ...] = ()
    msgid_plural: str = ""
    count: int = 0


Value = str | Phrase | tuple[Phrase, ...]
"""Text that needs no translation, a phrase, or several phrases as a list."""


@dataclass(frozen=True, slots=True)
class Sentence:
    """One rule in words. ``rule_key`` is the path of the rule in the document."""

    rule_key: str
    phrase: Phrase


Translate = Callable[[str], str]
TranslatePlural = Callable[[str, str, int], str]


def _plural_of_english(singular: str, plural: str, count: int) -> str:
    return singular if count == 1 else plural


def render(
    sentence: Sentence | Phrase,
    gettext: Translate = str,
    ngettext: TranslatePlural = _plural_of_english,
) -> str:
    """Return the sentence as text, translated by the functions given."""
    phrase = sentence.phrase if isinstance(sentence, Sentence) else sentence
    params = {name: _rendered(value, gettext, ngettext) for name, value in phrase.params}
    if phrase.msgid_plural:
        return ngettext(phrase.msgid, phrase.msgid_plural, phrase.count) % params
    return gettext(phrase.msgid) % params


# The two names below are those that message extraction looks for.


def _(msgid: str) -> str:
    return msgid


def ngettext(singular: str, plural: str, count: int) -> tuple[str, str, int]:
    """Mark a plural for translation and hand its parts on."""
    return singular, plural, count


def phrase(msgid: str, **params: Value) -> Phrase:
    """Return a message with its parameters."""
    return Phrase(msgid, tuple(sorted(params.items())))


def counted(number: int | Fraction, forms: tuple[str, str, int], **params: Value) -> Phrase:
    """Return a message whose form follows a count; its ``%(number)s`` is the number."""
    singular, plural, count = forms
    every = {**params, "number": decimal_text(Fraction(number))}
    return Phrase(singular, tuple(sorted(every.items())), plural, count)


LIST_COMMA = _(", ")


def _rendered(value: Value, gettext: Translate, ngettext: TranslatePlural) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, Phrase):
        return render(value, gettext, ngettext)
    return gettext(LIST_COMMA).join(render(each, gettext, ngettext) for each in value)
