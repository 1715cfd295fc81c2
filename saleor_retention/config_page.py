"""The few basics on the plugin's configuration page: a first program without YAML or GraphQL.

The page shows the one program there is and writes through ``services.setting_up.programs``, so that
it has the same validation and makes versions like any other way. Without a program, saving it
creates one in all channels; with several it changes none of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from saleor_retention import host
from saleor_retention.engine.fields import decimal_text
from saleor_retention.engine.rules import ProgramRules
from saleor_retention.errors import Code, Refusal, Refusals
from saleor_retention.models import Program
from saleor_retention.selectors.programs import rules_of
from saleor_retention.services.setting_up import programs

RATE = "points_per_unit"
VALUE = "point_value"
WELCOME = "welcome_points"
REDEEMS = "redemption"
MINIMUM = "minimum_points"

FIRST_SLUG = "points"
FIRST_NAME = "Points"

_AMOUNT = re.compile(r"(?:(?P<currency>[A-Z]{3})\s+)?(?P<number>\d+(?:\.\d+)?)")

STRUCTURE: dict[str, dict[str, str]] = {
    RATE: {
        "type": "String",
        "label": "Points for each unit of money",
        "help_text": "One number for all currencies, or by currency: USD 1, EUR 1.1.",
    },
    VALUE: {
        "type": "String",
        "label": "Value of a point",
        "help_text": "What a point pays at the checkout: 0.01, or by currency: USD 0.01, EUR 0.01.",
    },
    WELCOME: {
        "type": "String",
        "label": "Welcome points",
        "help_text": "Given once to every new member.",
    },
    REDEEMS: {
        "type": "Boolean",
        "label": "Points can be spent",
        "help_text": "Whether shoppers may pay a part of their cart with points.",
    },
    MINIMUM: {
        "type": "String",
        "label": "Fewest points to spend at once",
        "help_text": "Tiers, multipliers, expiry and all else are set by GraphQL or a YAML file.",
    },
}

DEFAULTS: list[dict[str, Any]] = [
    {"name": RATE, "value": ""},
    {"name": VALUE, "value": ""},
    {"name": WELCOME, "value": "0"},
    {"name": REDEEMS, "value": True},
    {"name": MINIMUM, "value": "1"},
]


def present() -> dict[str, Any]:
    """Return what the page shows: the one program's basics, or the defaults."""
    program = _only_program()
    if program is None:
        return {item["name"]: item["value"] for item in DEFAULTS}
    return _shown(rules_of(program.current_version_id))


def apply(given: Iterable[Mapping[str, Any]], actor_ref: str = "") -> Program | None:
    """Write the fields that differ from what the page shows; return the program, if one changed.

    Only fields that are given count. Raises ``Refusals`` whose fields are names of the page.
    """
    shown = present()
    wanted = {item["name"]: _value(item) for item in given if item["name"] in STRUCTURE}
    changed = {
        name: value for name, value in wanted.items() if value is not None and value != shown[name]
    }
    if not changed:
        return None
    if _count() > 1:
        message = "There are several programs; change them by GraphQL or retention_program."
        raise Refusals([Refusal(Code.INVALID, message, next(iter(changed)))])
    program = _only_program()
    page = _Page(changed, _currencies(program))
    if page.refusals:
        raise Refusals(page.refusals)
    try:
        if program is not None:
            return programs.update_program(
                program=program, changes=page.document, actor_ref=actor_ref
            )
        return programs.create_program(
            slug=FIRST_SLUG,
            name=FIRST_NAME,
            channels=[channel.ref for channel in host.current().channels()],
            document=page.document,
            actor_ref=actor_ref,
        )
    except Refusals as found:
        raise Refusals([_on_page(refusal) for refusal in found.refusals]) from None


def _value(item: Mapping[str, Any]) -> Any:
    """Return a field's value; a flag comes as text from GraphQL."""
    value = item.get("value")
    if item["name"] == REDEEMS and isinstance(value, str):
        return value.lower() == "true"
    return value


class _Page:
    """Turns fields of the page into changes of a rules document."""

    def __init__(self, changed: Mapping[str, Any], currencies: tuple[str, ...]) -> None:
        self.currencies = currencies
        self.refusals: list[Refusal] = []
        self.document: dict[str, Any] = {}
        for name, value in changed.items():
            if name == RATE:
                rates = self._by_currency(name, value)
                per_unit = {code: {"points": rate, "per": "1"} for code, rate in rates.items()}
                self.document["earn"] = {"rates": per_unit}
            elif name == VALUE:
                self.document["point_value"] = self._by_currency(name, value)
            elif name == WELCOME:
                self.document["welcome_points"] = value or 0
            elif name == REDEEMS:
                self.document.setdefault("redemption", {})["enabled"] = bool(value)
            else:
                self.document.setdefault("redemption", {})["minimum_points"] = value or 1

    def _by_currency(self, name: str, value: Any) -> dict[str, str]:
        """Read "1" (for all currencies) or "USD 1, EUR 1.1"."""
        numbers: dict[str, str] = {}
        for part in filter(None, (part.strip() for part in str(value or "").split(","))):
            found = _AMOUNT.fullmatch(part)
            if found is None:
                message = (
                    f'{STRUCTURE[name]["label"]}: "{part}" is neither a number nor like USD 1.'
                )
                self.refusals.append(Refusal(Code.INVALID, message, name))
                continue
            currency = found["currency"]
            numbers |= dict.fromkeys([currency] if currency else self.currencies, found["number"])
        return numbers


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a path of the document stands on the page."""

    prefix: str
    name: str


_PLACES = (
    _Place("earn.rates", RATE),
    _Place("point_value", VALUE),
    _Place("welcome_points", WELCOME),
    _Place("redemption.minimum_points", MINIMUM),
    _Place("redemption", REDEEMS),
)


def _on_page(refusal: Refusal) -> Refusal:
    path = refusal.field or ""
    name = next((place.name for place in _PLACES if path.startswith(place.prefix)), RATE)
    return Refusal(refusal.code, refusal.message, name)


def _programs() -> Any:
    return Program.objects.filter(retired_at=None)


def _count() -> int:
    return int(_programs().count())


def _only_program() -> Program | None:
    found = list(_programs()[:2])
    return found[0] if len(found) == 1 else None


def _currencies(program: Program | None) -> tuple[str, ...]:
    """Return the currencies that one number stands for."""
    in_shop = {channel.currency for channel in host.current().channels()}
    if program is None:
        return tuple(sorted(in_shop))
    return tuple(sorted(rules_of(program.current_version_id).earn_rates))


def _shown(rules: ProgramRules) -> dict[str, Any]:
    shop = host.current()
    scales = {code: 10 ** shop.currency_exponent(code) for code in rules.earn_rates}
    scales |= {code: 10 ** shop.currency_exponent(code) for code in rules.point_values}
    rates = {
        code: rate.points * scales[code] / rate.per_minor for code, rate in rules.earn_rates.items()
    }
    values = {code: value / scales[code] for code, value in rules.point_values.items()}
    return {
        RATE: _text(rates),
        VALUE: _text(values),
        WELCOME: str(rules.welcome_points),
        REDEEMS: rules.redemption.is_enabled,
        MINIMUM: str(rules.redemption.minimum_points),
    }


def _text(numbers: Mapping[str, Fraction]) -> str:
    """Return one number where all currencies have the same, otherwise one for each."""
    texts = {code: _number(number) for code, number in sorted(numbers.items())}
    if len(set(texts.values())) == 1:
        return next(iter(texts.values()))
    return ", ".join(f"{code} {text}" for code, text in texts.items())


def _number(number: Fraction) -> str:
    """Return a rate as text; one without end (1 for 3.00) as the fraction it is."""
    try:
        return decimal_text(number)
    except ValueError:
        return str(number)
