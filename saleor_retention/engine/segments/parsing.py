"""Turns the document of a segment's rule into the rule, or into everything that is wrong with it.

A rule is a mapping of one key: ``all`` or ``any`` with a list of rules, ``not`` with a rule, or one
condition, such as ``{orders: {from: 2}}``, ``{last_order: {before: 2026-01-01}}`` or
``{band: [sleeping, at_risk]}``. Money is in major units of the program's reference currency.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from saleor_retention.engine.fields import LIMIT_MAX, POINTS_MAX, Fields, did_you_mean, shown
from saleor_retention.engine.profiles import Gender, is_language, read_answer
from saleor_retention.engine.questions import ConsentChannel, FieldQuestion, FieldType, Questions
from saleor_retention.engine.readers import GOODS_KINDS, selection_in
from saleor_retention.engine.rules import RuleProblem
from saleor_retention.engine.segments.bands import Band
from saleor_retention.engine.segments.rfm import SCORE_MAX
from saleor_retention.engine.segments.rules import (
    Agreed,
    All,
    Answered,
    AnyOf,
    Between,
    Bought,
    Day,
    Not,
    Novelty,
    Number,
    OneOf,
    Rule,
    Within,
    Word,
    answer_text,
)
from saleor_retention.engine.segments.stages import Stage

DEPTH_MAX = 6
RULES_MAX = 50
NAMES_MAX = 100
NAME_LENGTH_MAX = 64
DAYS_MAX = 36_500
TOP = "rule"

ALL, ANY, NOT = "all", "any", "not"
CONSENT, FIELD, BOUGHT = "consent", "field", "bought"
SCORES = (Number.RECENCY, Number.FREQUENCY, Number.MONETARY)
DAY_COUNTS = (Number.DAYS_SINCE_LAST_ORDER, Number.DAYS_SINCE_FIRST_ORDER)
FIXED_NAMES: Mapping[Word, type[StrEnum]] = {
    Word.BAND: Band,
    Word.STAGE: Stage,
    Word.NOVELTY: Novelty,
    Word.GENDER: Gender,
}
MONTHS = tuple(str(month) for month in range(1, 13))
KEYS = (ALL, ANY, NOT, *Number, *Day, *Word, CONSENT, FIELD, BOUGHT)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a program lends to a rule. None: whether such a name is known is not asked.

    ``currency`` is "" where the program has no one currency for all orders.
    """

    currency: str = ""
    exponent: int = 0
    tiers: Collection[str] | None = None
    lists: Collection[str] | None = None  # slugs of explicit lists
    questions: Questions | None = None
    goods: Mapping[str, Collection[str]] | None = None  # references by kind
    may_use_tags: bool = True


def parse_rule(document: Any, around: Surroundings) -> tuple[Rule | None, list[RuleProblem]]:
    """Return what a document means and every problem in it; the rule is None where there is one."""
    problems: list[RuleProblem] = []
    rule = _Reader(problems, around).rule(document, TOP, 1)
    return (None if problems else rule), problems


class _Reader:
    """Reads one document; counts its rules as it goes."""

    def __init__(self, problems: list[RuleProblem], around: Surroundings) -> None:
        self.problems = problems
        self.around = around
        self.count = 0

    def rule(self, content: Any, path: str, depth: int) -> Rule | None:
        """Read one rule with all below it."""
        self.count += 1
        if self._is_too_large(path, depth):
            return None
        key = self._key(content, path)
        if key is None:
            return None
        fields = Fields(content, path, self.problems)
        if key in (ALL, ANY):
            return self._several(fields, key, depth)
        if key == NOT:
            inner = self.rule(fields.take(NOT), fields.at(NOT), depth + 1)
            return None if inner is None else Not(inner)
        return self._condition(fields, key)

    def _is_too_large(self, path: str, depth: int) -> bool:
        if depth > DEPTH_MAX:
            self._refuse(path, "TOO_DEEP", f"lies deeper than {DEPTH_MAX} rules.")
        elif self.count == RULES_MAX + 1:
            self._refuse(path, "TOO_MANY", f"is one too many: a rule has {RULES_MAX} parts.")
        return depth > DEPTH_MAX or self.count > RULES_MAX

    def _key(self, content: Any, path: str) -> str | None:
        """Return the one key of a rule."""
        if not isinstance(content, Mapping) or len(content) != 1:
            is_it = shown(content)
            if isinstance(content, Mapping):
                is_it = f"a mapping of {len(content)}"
            rule = f"must be a mapping of one key, such as all, any, not or orders; it is {is_it}."
            self._refuse(path, "NOT_A_RULE", rule)
            return None
        (key,) = content
        if isinstance(key, str) and key in KEYS:
            return key
        hint = did_you_mean(key, KEYS)
        self._refuse(f"{path}.{key}", "UNKNOWN_KEY", f"is no condition{hint}")
        return None

    def _condition(self, fields: Fields, key: str) -> Rule | None:
        if key == CONSENT:
            return self._agreed(fields)
        if key == FIELD:
            return self._answered(fields)
        if key == BOUGHT:
            return self._bought(fields)
        if key in tuple(Number):
            return self._between(fields, Number(key))
        if key in tuple(Day):
            return self._within(fields, Day(key))
        return self._one_of(fields, Word(key))

    def _agreed(self, fields: Fields) -> Rule | None:
        asked = fields.section(CONSENT)
        asked.require("channel", "email, sms or profiling")
        asked.require("purpose", "what the consent is for")
        channel = asked.choice("channel", ConsentChannel.EMAIL)
        purpose = asked.text("purpose", NAME_LENGTH_MAX)
        asked.close()
        questions = self.around.questions
        if not purpose or questions is None or not asked.is_clean("channel"):
            return Agreed(channel.value, purpose)
        known = [one.purpose for one in questions.consents if one.channel is channel]
        if purpose not in known:
            rule = f"must be one of {', '.join(sorted(known)) or 'none: there is none'}"
            rule += f"; it is {shown(purpose)}{did_you_mean(purpose, known)}"
            asked.note("purpose", "UNKNOWN_CHOICE", rule, known=tuple(sorted(known)))
        return Agreed(channel.value, purpose)

    def _answered(self, fields: Fields) -> Rule | None:
        asked = fields.section(FIELD)
        asked.require("key", "the question")
        asked.require("values", "the answers")
        key = asked.text("key", NAME_LENGTH_MAX)
        items = asked.rows("values", NAMES_MAX)
        asked.close()
        if asked.has("values") and not items and asked.is_clean("values"):
            asked.note("values", "EMPTY", "must name at least one.")
        question = self._question(asked, key)
        values = [
            item if question is None else _answer(asked, f"values.{index}", question, item)
            for index, item in enumerate(items)
        ]
        return Answered(key, frozenset(answer_text(value) for value in values))

    def _bought(self, fields: Fields) -> Rule:
        asked = fields.section(BOUGHT)
        asked.require("select", "the goods")
        selection = selection_in(asked)
        days = asked.whole("days", 1, low=1, high=DAYS_MAX) if asked.has("days") else None
        asked.close()
        known = self.around.goods
        for kind in GOODS_KINDS:
            gone = sorted(getattr(selection, kind).difference((known or {}).get(kind, ())))
            if gone and known is not None:
                rule = f"names goods that the shop does not have: {', '.join(gone[:5])}."
                asked.note(f"select.{kind}", "NOT_FOUND", rule)
        return Bought(selection, days)

    def _question(self, asked: Fields, key: str) -> FieldQuestion | None:
        """Return the question of a key, whose answers can then be read; note one that is none."""
        questions = self.around.questions
        if questions is None or not key:
            return None
        question = questions.field(key)
        if question is None:
            known = [each.key for each in questions.fields]
            rule = f"is not a field that this program asks for; it is {shown(key)}"
            asked.note("key", "UNKNOWN_KEY", f"{rule}{did_you_mean(key, known)}")
        return question

    def _several(self, fields: Fields, key: str, depth: int) -> Rule:
        items = fields.rows(key, RULES_MAX)
        if not items and fields.is_clean(key):
            fields.note(key, "EMPTY", "must have at least one rule.")
        read = [
            self.rule(item, fields.at(f"{key}.{index}"), depth + 1)
            for index, item in enumerate(items)
        ]
        rules = tuple(each for each in read if each is not None)
        return All(rules) if key == ALL else AnyOf(rules)

    def _between(self, fields: Fields, of: Number) -> Rule:
        ends = fields.section(of)
        low, high = (self._number(ends, key, of) for key in ("from", "to"))
        ends.close()
        self._require_end(fields, ends, of, ("from", "to"))
        if low is not None and high is not None and low > high:
            ends.note("to", "TOO_SMALL", "must not be less than from.")
        return Between(of, low, high)

    def _number(self, ends: Fields, key: str, of: Number) -> int | None:
        if of is Number.SPEND:
            return self._money(ends, key)
        if not ends.has(key):
            return None
        low, high = (1, SCORE_MAX) if of in SCORES else (0, LIMIT_MAX)
        if of is Number.POINTS:
            high = POINTS_MAX
        if of in DAY_COUNTS:
            high = DAYS_MAX
        return ends.whole(key, low, low=low, high=high)

    def _money(self, ends: Fields, key: str) -> int | None:
        value = ends.take(key)
        if value is None:
            return None
        if not self.around.currency:
            rule = "needs a reference currency in the program's rules, that orders are counted in."
            ends.note(key, "NO_CURRENCY", rule)
            return None
        return ends.money(key, value, self.around.exponent)

    def _within(self, fields: Fields, of: Day) -> Rule:
        ends = fields.section(of)
        since, before = ends.date("from"), ends.date("before")
        ends.close()
        self._require_end(fields, ends, of, ("from", "before"))
        if since is not None and before is not None and since >= before:
            ends.note("before", "TOO_SMALL", "must be later than from.")
        return Within(of, since, before)

    def _require_end(self, fields: Fields, ends: Fields, key: str, names: Sequence[str]) -> None:
        is_asked = any(ends.has(name) for name in names)
        if not is_asked and not any(each.field.startswith(ends.path) for each in self.problems):
            fields.note(key, "REQUIRED", f"needs {' or '.join(names)}.")

    def _one_of(self, fields: Fields, of: Word) -> Rule:
        if of is Word.TAG and not self.around.may_use_tags:
            rule = "cannot be asked by a segment that gives a tag itself."
            fields.note(of, "TAG_IN_TAG", rule)
        items = fields.rows(of, NAMES_MAX)
        if not items and fields.is_clean(of):
            fields.note(of, "EMPTY", "must name at least one.")
        names = set()
        for index, item in enumerate(items):
            name = fields.text_of(f"{of}.{index}", _text(of, item), NAME_LENGTH_MAX)
            if name and self._is_known(fields, f"{of}.{index}", of, name):
                names.add(name)
        return OneOf(of, frozenset(names))

    def _is_known(self, fields: Fields, key: str, of: Word, name: str) -> bool:
        if of is Word.LANGUAGE and not is_language(name):
            rule = f"must be a language code such as en or zh-hant; it is {shown(name)}."
            fields.note(key, "NOT_A_LANGUAGE", rule)
            return False
        known = self._known(of)
        if known is None or name in known:
            return True
        if of is Word.BIRTH_MONTH:
            rule = f"must be a month from 1 to 12; it is {shown(name)}."
            fields.note(key, "UNKNOWN_CHOICE", rule)
            return False
        names = ", ".join(sorted(known)) if of is not Word.SEGMENT else "the explicit lists"
        hint = did_you_mean(name, known)
        rule = f"must be one of {names or 'none: there is none'}; it is {shown(name)}{hint}"
        fields.note(key, "UNKNOWN_CHOICE", rule, known=tuple(sorted(known)))
        return False

    def _known(self, of: Word) -> Collection[str] | None:
        """Return the names that there are; None where any may be asked."""
        around = self.around
        if of in FIXED_NAMES:
            return [member.value for member in FIXED_NAMES[of]]
        return {
            Word.TIER: around.tiers,
            Word.SEGMENT: around.lists,
            Word.INTEREST: None if around.questions is None else around.questions.interests,
            Word.BIRTH_MONTH: MONTHS,
        }.get(of)

    def _refuse(self, path: str, code: str, rule: str) -> None:
        self.problems.append(RuleProblem(path, code, f"{path} {rule}"))


def _text(of: Word, item: Any) -> Any:
    """Return a month's number as text, and the code of a language in lower case."""
    if of is Word.BIRTH_MONTH and isinstance(item, int) and not isinstance(item, bool):
        return str(item)
    return item.lower() if of is Word.LANGUAGE and isinstance(item, str) else item


def _answer(asked: Fields, path: str, question: FieldQuestion, item: Any) -> Any:
    """Return one answer as the profile holds it; of several choices, one of them.

    Numbers and yes or no may be given as text, which is all that the API takes.
    """
    if question.type is FieldType.CHOICES:
        question = replace(question, type=FieldType.CHOICE)
    if question.type is FieldType.YES_NO and item in ("true", "false"):
        item = item == "true"
    return read_answer(asked, path, question, item)
