"""Reads a document key by key and gathers every problem, as the parser of rules needs it.

A reader never raises on bad content: it notes the problem with its dotted path and goes on with
the default, so that one pass finds everything that is wrong. Numbers may come as text, integers,
decimals or (from YAML and JSON) floats; a float is taken by its shortest text, which is what a
person wrote, and never calculated with.
"""

from __future__ import annotations

import datetime as dt
import difflib
import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from saleor_retention.engine.rules import RuleProblem

POINTS_MAX = 10**12
LIMIT_MAX = 2**31 - 1  # the largest whole number of the API
MINOR_MAX = 10**12
DECIMALS_MAX = 12
NUMBER_LENGTH_MAX = 40
SHOWN_LENGTH_MAX = 40
YEARS = range(2000, 3000)

_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?\Z")
_INSTANT = re.compile(
    r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2})?(Z|[+-]\d{2}:\d{2}(:\d{2})?)?\Z", re.ASCII
)
_SLUG = re.compile(r"[a-z0-9]+(?:[-_][a-z0-9]+)*\Z")

_Choice = TypeVar("_Choice", bound=Enum)


class Fields:
    """One mapping of the document: ``take`` marks its key as known, ``close`` reports the rest."""

    def __init__(
        self,
        content: Any,
        path: str,
        problems: list[RuleProblem],
        *,
        what: str = "the rules document",
    ) -> None:
        """Read ``content`` at ``path``; ``what`` names it in problems where it has no path."""
        self.path = path
        self.what = path or what
        self.problems = problems
        self._known: list[str] = []
        self._content: Mapping[Any, Any] = {}
        if isinstance(content, Mapping):
            self._content = content
        elif content is not None:
            what = self.path or self.what[:1].upper() + self.what[1:]
            self._note(
                path, "NOT_A_MAPPING", f"{what} must be a mapping of keys; it is {shown(content)}."
            )

    def at(self, key: str) -> str:
        """Return the dotted path of a key."""
        return f"{self.path}.{key}" if self.path else key

    def note(self, key: str, code: str, rule: str, **params: Any) -> None:
        """Note a problem of a key; ``rule`` completes the sentence that begins with its path."""
        self._note(self.at(key), code, f"{self.at(key)} {rule}", **params)

    def is_clean(self, key: str) -> bool:
        """Return whether no problem of the key was noted, so that more may be said about it."""
        return all(problem.field != self.at(key) for problem in self.problems)

    def take(self, key: str) -> Any:
        """Return the raw value, or None where the key is absent or empty."""
        self._known.append(key)
        return self._content.get(key)

    def require(self, key: str, hint: str) -> None:
        """Note a problem when the key is absent."""
        if self._content.get(key) is None:
            self.note(key, "REQUIRED", f"is required: {hint}.")

    def close(self) -> None:
        """Note every key that nobody asked for, with the nearest known one."""
        for key in self._content:
            if key in self._known:
                continue
            where = f"of {self.what}"
            if not isinstance(key, str):
                path = self.at(str(key))
                message = f"{path} must be text: put the key {shown(key)} in quotes."
                self._note(path, "KEY_NOT_TEXT", message)
                continue
            message = f"{self.at(key)} is not a known key {where}{did_you_mean(key, self._known)}"
            self._note(self.at(key), "UNKNOWN_KEY", message, known=tuple(sorted(self._known)))

    # --- nested content ------------------------------------------------------------------------

    def section(self, key: str) -> Fields:
        """Return the mapping under a key; an absent one reads as empty."""
        return Fields(self.take(key), self.at(key), self.problems)

    def keyed(self, key: str) -> list[tuple[str, Any]]:
        """Return the entries of a mapping whose keys are names of the merchant's choosing."""
        content = self.take(key)
        if content is None:
            return []
        if not isinstance(content, Mapping):
            self.note(key, "NOT_A_MAPPING", f"must be a mapping of keys; it is {shown(content)}.")
            return []
        entries = []
        for name, value in content.items():
            if isinstance(name, str):
                entries.append((name, value))
            else:
                rule = f"must be text: put the key {shown(name)} in quotes."
                self.note(f"{key}.{name}", "KEY_NOT_TEXT", rule)
        return entries

    def rows(self, key: str, count_max: int) -> list[Any]:
        """Return the items of a list; an absent one reads as empty."""
        content = self.take(key)
        if content is None:
            return []
        if not isinstance(content, list | tuple):
            self.note(key, "NOT_A_LIST", f"must be a list; it is {shown(content)}.")
            return []
        if len(content) > count_max:
            rule = f"must have at most {count_max} items; it has {len(content)}."
            self.note(key, "TOO_MANY", rule, max=count_max)
            return []
        return list(content)

    # --- single values -------------------------------------------------------------------------

    def whole(self, key: str, default: int, *, low: int = 0, high: int = POINTS_MAX) -> int:
        """Read a whole number from ``low`` to ``high``."""
        number = self.number(key, self.take(key))
        if number is None:
            return default
        if number.denominator != 1:
            self.note(key, "NOT_WHOLE", f"must be a whole number; it is {decimal_text(number)}.")
            return default
        return (
            int(number) if self.is_within(key, number, Fraction(low), Fraction(high)) else default
        )

    def limit(self, key: str, *, low: int = 0) -> int | None:
        """Read a limit, a whole number of points; an absent one is none."""
        return self.whole(key, low, low=low, high=LIMIT_MAX) if self.has(key) else None

    def has(self, key: str) -> bool:
        """Return whether a key has a value; it is known from then on."""
        return self.take(key) is not None

    def fraction(
        self,
        key: str,
        default: Fraction,
        *,
        low: Fraction,
        high: Fraction,
        is_low_open: bool = False,
    ) -> Fraction:
        """Read an exact number; ``is_low_open`` leaves ``low`` itself out."""
        number = self.number(key, self.take(key))
        if number is None or not self.is_within(key, number, low, high, is_low_open=is_low_open):
            return default
        return number

    def money(self, key: str, value: Any, exponent: int, *, low_minor: int = 0) -> int | None:
        """Read an amount in major units as minor units; nothing is rounded."""
        number = self.number(key, value)
        if number is None:
            return None
        scale: int = 10**exponent
        low, high = Fraction(low_minor, scale), Fraction(MINOR_MAX, scale)
        if not self.is_within(key, number, low, high):
            return None
        minor = number * scale
        if minor.denominator != 1:
            rule = f"may have {exponent} decimals at most; it is {decimal_text(number)}."
            self.note(key, "TOO_MANY_DECIMALS", rule, max=exponent)
            return None
        return int(minor)

    def flag(self, key: str, *, default: bool) -> bool:
        """Read true or false."""
        value = self.take(key)
        if value is None:
            return default
        if not isinstance(value, bool):
            self.note(key, "NOT_A_FLAG", f"must be true or false; it is {shown(value)}.")
            return default
        return value

    def text(self, key: str, length_max: int) -> str:
        """Read text that is not blank; an absent one reads as empty."""
        return self.text_of(key, self.take(key), length_max)

    def text_of(self, key: str, value: Any, length_max: int) -> str:
        """Read a value taken before as text that is not blank."""
        if value is None:
            return ""
        if not isinstance(value, str):
            self.note(key, "NOT_TEXT", f"must be text; it is {shown(value)}.")
            return ""
        if not value.strip():
            self.note(key, "BLANK", "must not be blank.")
            return ""
        if len(value) > length_max:
            rule = f"must have at most {length_max} characters; it has {len(value)}."
            self.note(key, "TOO_LONG", rule, max=length_max)
            return ""
        return value

    def slug(self, key: str, length_max: int) -> str:
        """Read a slug: lower-case letters and digits, joined by single hyphens or underscores."""
        return self.slug_of(key, self.take(key), length_max)

    def slug_of(self, key: str, value: Any, length_max: int) -> str:
        """Read a value taken before as a slug."""
        value = self.text_of(key, value, length_max)
        if value and not _SLUG.match(value):
            rule = f"must be lower-case letters, digits and hyphens; it is {shown(value)}."
            self.note(key, "NOT_A_SLUG", rule)
            return ""
        return str(value)

    def choice(self, key: str, default: _Choice) -> _Choice:
        """Read one member of the default's enumeration by its value."""
        value = self.take(key)
        if value is None:
            return default
        kind = type(default)
        names = [member.value for member in kind]
        if isinstance(value, str) and value in names:
            return kind(value)
        rule = f"must be one of {', '.join(names)}; it is {shown(value)}"
        self.note(key, "UNKNOWN_CHOICE", f"{rule}{did_you_mean(value, names)}", known=tuple(names))
        return default

    def date(self, key: str) -> dt.date | None:
        """Read a day as YYYY-MM-DD, or as the date that YAML makes of it."""
        value = self.take(key)
        if isinstance(value, dt.date) and not isinstance(value, dt.datetime):
            return value
        if isinstance(value, str) and re.match(r"\d{4}-\d{2}-\d{2}\Z", value, re.ASCII):
            try:
                return dt.date.fromisoformat(value)
            except ValueError:
                pass
        if value is not None:
            self.note(key, "NOT_A_DATE", f"must be a day as YYYY-MM-DD; it is {shown(value)}.")
        return None

    def instant(self, key: str, zone: ZoneInfo) -> dt.datetime | None:
        """Read a day and a time, in the zone unless an offset is given; return it in UTC."""
        value = self.take(key)
        at = value if isinstance(value, dt.datetime) else _instant_of(value)
        if at is not None and at.microsecond == 0 and at.year in YEARS:
            return (at if at.tzinfo else at.replace(tzinfo=zone)).astimezone(dt.UTC)
        if value is not None:
            rule = f"must be a day and a time as YYYY-MM-DDTHH:MM; it is {shown(value)}."
            self.note(key, "NOT_AN_INSTANT", rule)
        return None

    # --- numbers -------------------------------------------------------------------------------

    def number(self, key: str, value: Any) -> Fraction | None:
        """Read any finite number exactly, or note why it is none; None reads as None."""
        if value is None:
            return None
        decimal = _decimal_of(value)
        if decimal is None:
            rule = f"must be a number, with a point before decimals; it is {shown(value)}."
            self.note(key, "NOT_A_NUMBER", rule)
            return None
        if decimal and decimal.adjusted() > NUMBER_LENGTH_MAX:
            self.note(key, "TOO_LARGE", f"is far too large: {shown(value)}.", max=POINTS_MAX)
            return None
        exponent = int(decimal.as_tuple().exponent)
        is_endless = -exponent > 4 * NUMBER_LENGTH_MAX
        number = Fraction(0) if is_endless or not decimal else Fraction(decimal)
        if is_endless or 10**DECIMALS_MAX % number.denominator:
            rule = f"may have {DECIMALS_MAX} decimals at most; it is {shown(value)}."
            self.note(key, "TOO_MANY_DECIMALS", rule, max=DECIMALS_MAX)
            return None
        return number

    def is_within(
        self,
        key: str,
        number: Fraction,
        low: Fraction,
        high: Fraction,
        *,
        is_low_open: bool = False,
    ) -> bool:
        """Return whether a number lies between the bounds, or note which one it breaks."""
        it_is = f"it is {decimal_text(number)}"
        if number < 0 and low >= 0:
            self.note(key, "NEGATIVE", f"must not be negative; {it_is}.")
        elif is_low_open and number <= low:
            self.note(key, "TOO_SMALL", f"must be more than {decimal_text(low)}; {it_is}.")
        elif number < low:
            self.note(key, "TOO_SMALL", f"must be at least {decimal_text(low)}; {it_is}.")
        elif number > high:
            rule = f"must be at most {decimal_text(high)}; {it_is}."
            self.note(key, "TOO_LARGE", rule, max=decimal_text(high))
        else:
            return True
        return False

    def _note(self, path: str, code: str, message: str, **params: Any) -> None:
        self.problems.append(RuleProblem(path, code, message, params=tuple(sorted(params.items()))))


def decimal_text(number: Fraction) -> str:
    """Return a number with finitely many decimals as text, exactly and without padding.

    Raises ``ValueError`` for one that decimals cannot hold, such as a third.

    >>> decimal_text(Fraction(3, 2)), decimal_text(Fraction(-1, 8)), decimal_text(Fraction(1000))
    ('1.5', '-0.125', '1000')
    """
    places = 0
    rest = number.denominator
    while rest % 10 == 0:
        rest //= 10
        places += 1
    for factor in (2, 5):
        while rest % factor == 0:
            rest //= factor
            places += 1
    if rest != 1:
        raise ValueError(f"{number} has no end of decimals.")
    scaled = abs(number.numerator) * 10**places // number.denominator
    text = str(scaled).rjust(places + 1, "0")
    sign = "-" if number < 0 else ""
    if not places:
        return sign + text
    return f"{sign}{text[:-places]}.{text[-places:]}"


def shown(value: Any) -> str:
    """Return a value as a message shows it: short, whatever was sent."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        return "a mapping"
    if isinstance(value, list | tuple | set | frozenset):
        return "a list"
    if isinstance(value, int) and value.bit_length() > 4 * SHOWN_LENGTH_MAX:
        return "an enormous number"
    text = f"'{value}'" if isinstance(value, str) else str(value)
    return text if len(text) <= SHOWN_LENGTH_MAX else f"{text[:SHOWN_LENGTH_MAX]}..."


def nearest(word: Any, known: Iterable[str]) -> str | None:
    """Return the known word that is most like ``word``, or None where none is near."""
    if not isinstance(word, str):
        return None
    by_lower = {name.lower(): name for name in known}
    found = difflib.get_close_matches(word.lower(), by_lower, n=1, cutoff=0.6)
    return by_lower[found[0]] if found else None


def did_you_mean(word: Any, known: Iterable[str]) -> str:
    """Return the end of a sentence: a question where a known word is near, else the full stop."""
    near = nearest(word, known)
    return f"; did you mean {near}?" if near else "."


def _instant_of(value: Any) -> dt.datetime | None:
    if not isinstance(value, str) or not _INSTANT.match(value):
        return None
    try:
        return dt.datetime.fromisoformat(value)
    except ValueError:
        return None


def _decimal_of(value: Any) -> Decimal | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return Decimal(value) if value.bit_length() < 4 * NUMBER_LENGTH_MAX else Decimal("1E+99")
    if isinstance(value, float):
        value = Decimal(repr(value))
    if isinstance(value, Decimal):
        return value if value.is_finite() else None
    if isinstance(value, str) and _NUMBER.match(value.strip()):
        text = value.strip()
        return Decimal(text) if len(text) <= 4 * NUMBER_LENGTH_MAX else Decimal("1E+99")
    return None
