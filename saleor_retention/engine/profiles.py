"""What customers tell of themselves: typed, checked against what the program asks.

A change names some facts only; those that are not named stay. A fact is known by a name:
``birthday``, ``gender``, ``interests``, ``time_zone``, ``language``, or ``custom.<key>`` for a
field of the merchant's own. Values are as JSON holds them; None clears a fact.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from saleor_retention.engine.birthdays import is_day
from saleor_retention.engine.fields import Fields, did_you_mean, shown
from saleor_retention.engine.questions import CUSTOM, FieldQuestion, FieldType, Questions
from saleor_retention.engine.rules import RuleProblem

TEXT_LENGTH_MAX = 500
ZONE_LENGTH_MAX = 64
NUMBER_MAX = 2**31 - 1
YEAR_MIN = 1900

_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*\Z")


class Gender(StrEnum):
    """What a customer says of it; nothing is known of those who say nothing."""

    FEMALE = "female"
    MALE = "male"
    OTHER = "other"


def read_changes(
    changes: Mapping[str, Any], questions: Questions, today: dt.date
) -> tuple[dict[str, Any], list[RuleProblem]]:
    """Return the facts that a change gives, by name, and every problem found in it.

    ``today`` is the program's local day: nobody is born after it.
    """
    problems: list[RuleProblem] = []
    top = Fields(changes, "", problems, what="the profile")
    facts: dict[str, Any] = {}
    readers: dict[str, Callable[[], Any]] = {
        "birthday": lambda: _birthday(top, today),
        "gender": lambda: top.choice("gender", Gender.OTHER).value,
        "interests": lambda: _chosen(top, "interests", questions.interests),
        "time_zone": lambda: _time_zone(top),
        "language": lambda: _language(top),
    }
    for name, read in readers.items():
        has_value = top.has(name)
        if name in changes:
            facts[name] = read() if has_value else None
    facts |= _custom(top, questions)
    top.close()
    return facts, problems


def _birthday(top: Fields, today: dt.date) -> dict[str, int]:
    fields = top.section("birthday")
    fields.require("month", "1 to 12")
    fields.require("day", "1 to 31")
    month = fields.whole("month", 1, low=1, high=12)
    day = fields.whole("day", 1, low=1, high=31)
    birthday = {"month": month, "day": day}
    if fields.is_clean("month") and fields.is_clean("day") and not is_day(month, day):
        fields.note("day", "NO_SUCH_DAY", f"must be a day of the month; it is {day}.")
        return birthday
    if fields.has("year"):
        year = fields.whole("year", YEAR_MIN, low=YEAR_MIN, high=today.year)
        birthday["year"] = year
        if fields.is_clean("year") and not _is_past(year, month, day, today):
            rule = f"must make a day that was; it is {year}."
            fields.note("year", "NO_SUCH_DAY", rule)
    fields.close()
    return birthday


def _is_past(year: int, month: int, day: int, today: dt.date) -> bool:
    try:
        return dt.date(year, month, day) <= today
    except ValueError:  # 29 February of a year without one
        return False


def _chosen(top: Fields, key: str, options: tuple[str, ...]) -> list[str]:
    """Read some of the options, in the options' order."""
    found = set()
    for index, value in enumerate(top.rows(key, max(len(options), 1))):
        if value in options:
            found.add(value)
            continue
        rule = f"must be one of {', '.join(options) or 'none'}; it is {shown(value)}"
        hint = did_you_mean(value, options)
        top.note(f"{key}.{index}", "UNKNOWN_CHOICE", f"{rule}{hint}")
    return [option for option in options if option in found]


def _time_zone(top: Fields) -> str:
    name = top.text("time_zone", ZONE_LENGTH_MAX)
    try:
        if name:
            ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        hint = did_you_mean(name, available_timezones())
        rule = f"must be a time zone such as Europe/Paris; it is {shown(name)}{hint}"
        top.note("time_zone", "UNKNOWN_TIME_ZONE", rule)
    return name


def _language(top: Fields) -> str:
    code = top.text("language", ZONE_LENGTH_MAX)
    if code and not is_language(code):
        rule = f"must be a language code such as en or zh-hant; it is {shown(code)}."
        top.note("language", "NOT_A_LANGUAGE", rule)
    return code


def is_language(code: str) -> bool:
    """Tell whether a text has the form of a language's code."""
    return _LANGUAGE.match(code) is not None


def _custom(top: Fields, questions: Questions) -> dict[str, Any]:
    facts: dict[str, Any] = {}
    known = [field.key for field in questions.fields]
    for key, value in top.keyed("custom"):
        field = questions.field(key)
        path = f"custom.{key}"
        if field is None:
            rule = f"is not a field that this program asks for{did_you_mean(key, known)}"
            top.note(path, "UNKNOWN_KEY", rule)
            continue
        facts[CUSTOM + key] = None if value is None else read_answer(top, path, field, value)
    return facts


def read_answer(top: Fields, path: str, field: FieldQuestion, value: Any) -> Any:
    """Return the answer to a question, as JSON holds it; a problem is noted under ``path``."""
    answer = Fields({path: value}, top.path, top.problems, what=top.what)
    match field.type:
        case FieldType.TEXT:
            return answer.text(path, TEXT_LENGTH_MAX)
        case FieldType.NUMBER:
            return answer.whole(path, 0, low=-NUMBER_MAX, high=NUMBER_MAX)
        case FieldType.YES_NO:
            return answer.flag(path, default=False)
        case FieldType.DATE:
            day = answer.date(path)
            return None if day is None else day.isoformat()
        case FieldType.CHOICES:
            return _chosen(answer, path, field.options)
        case FieldType.CHOICE:
            found = _chosen(Fields({path: [value]}, "", []), path, field.options)
            if not found:
                rule = f"must be one of {', '.join(field.options)}; it is {shown(value)}"
                top.note(path, "UNKNOWN_CHOICE", rule + did_you_mean(value, field.options))
            return found[0] if found else None
