"""Typed input to the rules document, and the document's problems back to the input's fields.

``RULES`` says for each input field where it goes in the document; everything else follows from it.
A problem of the document is reported under the input field that its value came from.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from graphene.utils.str_converters import to_camel_case

from saleor_retention import host
from saleor_retention.errors import Code, Refusal, Refusals
from saleor_retention.graphql.scalars import WHOLE_MAX, NotWhole

GOODS = {
    "products": "Product",
    "variants": "ProductVariant",
    "categories": "Category",
    "collections": "Collection",
}
"""Kinds of goods in a selection and the host's GraphQL types of them."""


class Whole(dict[str, Any]):
    """A mapping that replaces the one before it instead of being merged into it."""


@dataclass(frozen=True, slots=True)
class Section:
    """An input object that is a mapping of the document."""

    key: str
    fields: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Rows:
    """A list of input objects that is a list of the document."""

    key: str
    fields: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Keyed:
    """A list of input objects that is a mapping of the document, by one of their fields."""

    key: str
    by: str
    value: str | Mapping[str, Any]  # one field, or all but ``by``


@dataclass(frozen=True, slots=True)
class Goods:
    """A selection of goods by global id."""

    key: str = "select"


@dataclass(frozen=True, slots=True)
class Ids:
    """A list of goods of one kind by global id."""

    key: str
    kind: str  # of ``GOODS``


@dataclass(frozen=True, slots=True)
class Id:
    """One of the goods of a kind by global id."""

    key: str
    kind: str  # of ``GOODS``


@dataclass(frozen=True, slots=True)
class Channels:
    """A list of channels by slug."""

    key: str = "channels"


TIER: Mapping[str, Any] = {
    "slug": "slug",
    "name": "name",
    "threshold": "threshold",
    "earn_multiplier": "earn_multiplier",
    "prices": Rows(
        "prices",
        {
            "percent": "percent",
            "amounts": Keyed("amount", "currency", "amount"),
            "select": Goods(),
        },
    ),
    "free_shipping": "free_shipping",
    "return_window_days": "return_window_days",
    "maturing_days": "maturing_days",
    "perks": Keyed("perks", "key", "text"),
}

ALLOWANCE: Mapping[str, Any] = {
    "points_max": "points_max",
    "points_per_day_max": "points_per_day_max",
}

SURVEY: Mapping[str, Any] = {
    "intro": "intro",
    "intros": Keyed("intros", "language", "text"),
    "questions": Rows(
        "questions",
        {
            "labels": Keyed("labels", "language", "text"),
            **{
                name: name
                for name in ("key", "label", "type", "options", "low", "high", "required")
            },
        },
    ),
}
FEEDBACK = Keyed("feedback", "survey", {"per": "per", **SURVEY})

RULES: Mapping[str, Any] = {
    "time_zone": "time_zone",
    "earn": Section(
        "earn",
        {
            "rates": Keyed("rates", "currency", {"points": "points", "per": "per"}),
            "include_tax": "include_tax",
            "include_shipping": "include_shipping",
            "include_drafts": "include_drafts",
            "include_reissues": "include_reissues",
            "include_bulk_orders": "include_bulk_orders",
            "points_per_order_max": "points_per_order_max",
            "points_per_day_max": "points_per_day_max",
            "points_per_month_max": "points_per_month_max",
            "points_per_member_max": "points_per_member_max",
        },
    ),
    "point_values": Keyed("point_value", "currency", "amount"),
    "acquisition_costs": Keyed("acquisition_cost", "currency", "amount"),
    "reference": Section(
        "reference", {"currency": "currency", "rates": Keyed("rates", "currency", "rate")}
    ),
    "multipliers": Rows(
        "multipliers",
        {
            "name": "name",
            "factor": "factor",
            "weekdays": "weekdays",
            "starts_on": "starts_on",
            "ends_on": "ends_on",
            "select": Goods(),
        },
    ),
    "welcome_points": "welcome_points",
    "first_order_points": "first_order_points",
    "enrolment": "enrolment",
    "maturing": Section("maturing", {"rule": "rule", "days": "days"}),
    "expiry": Section(
        "expiry",
        {"policy": "policy", "count": "count", "restore_grace_days": "restore_grace_days"},
    ),
    "redemption": Section(
        "redemption",
        {
            "enabled": "enabled",
            "minimum_points": "minimum_points",
            "block_points": "block_points",
            "order_share_max": "order_share_max",
            "hold_minutes": "hold_minutes",
            "points_per_day_max": "points_per_day_max",
            "points_per_month_max": "points_per_month_max",
        },
    ),
    "deficit": Section("deficit", {"policy": "policy", "goodwill_repays": "goodwill_repays"}),
    "grants": Section(
        "grants",
        {
            **ALLOWANCE,
            "groups": Keyed("groups", "name", ALLOWANCE),
            "apps": Keyed("apps", "name", ALLOWANCE),
        },
    ),
    "tiers": Section(
        "tiers",
        {
            "metric": "metric",
            "window": "window",
            "months": "months",
            "downgrade": "downgrade",
            "grace_days": "grace_days",
            "warning_days": "warning_days",
            "ladder": Rows("ladder", TIER),
        },
    ),
    "events": Keyed(
        "events",
        "kind",
        {
            name: name
            for name in (
                "points",
                "name",
                "maturing_days",
                "per_object_max",
                "per_day_max",
                "per_month_max",
                "per_member_max",
            )
        },
    ),
    "referral": Section(
        "referral",
        {
            name: name
            for name in ("advocate_points", "friend_points", "window_days", "per_month_max")
        },
    ),
    "survey": Section("survey", SURVEY),
    "feedback": FEEDBACK,
    "questions": Section(
        "questions",
        {
            "motive": "motive",
            "enrolment": "enrolment",
            "enrolment_orders": "enrolment_orders",
            "interests": "interests",
            "fields": Rows("fields", {name: name for name in ("key", "label", "type", "options")}),
            "attributes": Rows("attributes", {name: name for name in ("fact", "attribute")}),
            "consents": Rows(
                "consents",
                {
                    name: name
                    for name in (
                        "channel",
                        "purpose",
                        "version",
                        "text",
                        "motive",
                        "double_opt_in",
                    )
                },
            ),
        },
    ),
}


@dataclass(frozen=True, slots=True)
class Conversion:
    """The document made from an input, and which input field each part of it came from."""

    content: dict[str, Any]
    sources: dict[str, str]  # document path -> input path
    fields: Mapping[str, Any] = field(default_factory=lambda: RULES)  # how it was made

    def field_of(self, path: str | None, root: str) -> str | None:
        """Return the input field that a document path came from.

        What was not in the input (an update that clashes with rules it left alone) is named by its
        place in the rules, under ``root``.
        """
        if path is None:
            return None
        parts = path.split(".")
        for length in range(len(parts), 0, -1):
            source = self.sources.get(".".join(parts[:length]))
            if source is not None:
                return _join(source, *map(to_camel_case, parts[length:]))
        return _join(root, *_spelled(self.fields, parts))

    def refusal(self, refusal: Refusal, root: str) -> Refusal:
        """Return a refusal that names a document path as one that names an input field."""
        name = self.field_of(refusal.field, root)
        message = refusal.message
        if refusal.field and name and message.startswith(refusal.field):
            message = name + message[len(refusal.field) :]
        return Refusal(refusal.code, message, name)


def rules_document(given: Mapping[str, Any], root: str = "rules") -> Conversion:
    """Return the (partial) document that a ``RetentionRulesInput`` means.

    Raises ``Refusals`` for what the document cannot say: an item given twice, goods that do not
    exist, numbers that the API could not give out again. Everything else is left to the one
    validator.
    """
    return converted(RULES, given, root)


def tier_document(given: Mapping[str, Any]) -> Conversion:
    """Return the (partial) step of the ladder that a ``RetentionTierInput`` means."""
    return converted(TIER, given, "")


def converted(fields: Mapping[str, Any], given: Mapping[str, Any], root: str) -> Conversion:
    """Return the document of an input object whose fields go where ``fields`` says."""
    writer = _Writer()
    content = writer.section(fields, given, root, "")
    writer.check_goods()
    if writer.refusals:
        raise Refusals(writer.refusals)
    return Conversion(content, writer.sources, fields)


def overlaid(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``base`` with ``changes`` over it: sections merge, None removes, the rest replaces."""
    result = dict(base)
    for key, value in changes.items():
        if value is None:
            result.pop(key, None)
        elif isinstance(value, Mapping) and not isinstance(value, Whole):
            present = result.get(key)
            result[key] = overlaid(present if isinstance(present, Mapping) else {}, value)
        else:
            result[key] = value
    return result


def _spelled(fields: Any, parts: Sequence[str]) -> Iterator[str]:
    """Yield the parts of a document path as the input spells them."""
    for part in parts:
        names = fields.items() if isinstance(fields, Mapping) else ()
        name, spec = next(
            ((name, spec) for name, spec in names if _key_of(spec) == part), (part, fields)
        )
        yield to_camel_case(name)
        fields = getattr(spec, "fields", None) or getattr(spec, "value", None) or spec


def _key_of(spec: Any) -> str:
    return spec if isinstance(spec, str) else spec.key


class _Writer:
    """Writes the document, notes where each part came from, and gathers what cannot be written."""

    def __init__(self) -> None:
        self.sources: dict[str, str] = {}
        self.refusals: list[Refusal] = []
        self._goods: dict[str, list[tuple[str, str]]] = {}  # kind -> (ref, input path)

    def section(
        self, fields: Mapping[str, Any], given: Mapping[str, Any], source: str, place: str
    ) -> dict[str, Any]:
        content: dict[str, Any] = {}
        for name, value in given.items():
            spec = fields[name]
            key = _key_of(spec)
            at, where = _join(source, to_camel_case(name)), _join(place, key)
            self.sources[where] = at
            content[key] = None if value is None else self._value(spec, value, at, where)
        return content

    def check_goods(self) -> None:
        """Refuse ids of goods that do not exist, with one statement for each kind."""
        for kind, named in self._goods.items():
            there = host.current().goods_names(kind, {ref for ref, _ in named})
            self.refusals.extend(
                Refusal(Code.NOT_FOUND, f"There is no such {GOODS[kind]}.", path)
                for ref, path in named
                if ref not in there
            )

    def _value(  # noqa: PLR0911 - a case each
        self, spec: Any, value: Any, source: str, place: str
    ) -> Any:
        match spec:
            case Section():
                return self.section(spec.fields, value, source, place)
            case Rows():
                return [
                    self._item(spec.fields, item, f"{source}.{index}", f"{place}.{index}")
                    for index, item in enumerate(value)
                ]
            case Keyed():
                return self._keyed(spec, value, source, place)
            case Goods():
                return self._selection(value, source)
            case Ids():
                return self._refs(spec.kind, value, source)
            case Id():
                return self._ref(spec.kind, value, source)
            case Channels():
                return self._channels(value, source)
        if isinstance(value, NotWhole) and value.is_too_large:
            # The document allows more than the API could give out again.
            message = f"{value} is not a whole number of at most {WHOLE_MAX}."
            self.refusals.append(Refusal(Code.INVALID, message, source))
        return _plain(value)

    def _item(
        self, fields: Mapping[str, Any], item: Mapping[str, Any], source: str, place: str
    ) -> dict[str, Any]:
        """Return one row; nothing was there before, so null is the same as left out."""
        self.sources[place] = source
        given = {name: value for name, value in item.items() if value is not None}
        return self.section(fields, given, source, place)

    def _keyed(self, spec: Keyed, items: list[Mapping[str, Any]], source: str, place: str) -> Whole:
        content = Whole()
        for index, item in enumerate(items):
            key = item[spec.by]
            at, where = f"{source}.{index}", f"{place}.{key}"
            if key in content:
                message = f'"{key}" is given twice.'
                self.refusals.append(Refusal(Code.UNIQUE, message, f"{at}.{spec.by}"))
            elif isinstance(spec.value, str):
                self.sources[where] = f"{at}.{to_camel_case(spec.value)}"
                content[key] = _plain(item.get(spec.value))
            else:
                rest = {name: value for name, value in item.items() if name != spec.by}
                content[key] = self._item(spec.value, rest, at, where)
        return content

    def _selection(self, given: Mapping[str, Any], source: str) -> Whole:
        """Return the goods by reference; none at all is refused, because it would mean all."""
        content = Whole()
        if not any(given.values()):
            message = "Name some goods, or leave this out for all of them."
            self.refusals.append(Refusal(Code.REQUIRED, message, source))
        for kind, ids in given.items():
            refs = self._refs(kind, ids or (), f"{source}.{kind}")
            if refs:
                content[kind] = refs
        return content

    def _refs(self, kind: str, ids: Sequence[str], source: str) -> list[str]:
        """Return the references of goods, and note them to be looked for."""
        found = [
            self._ref(kind, global_id, f"{source}.{index}") for index, global_id in enumerate(ids)
        ]
        return [ref for ref in found if ref is not None]

    def _ref(self, kind: str, global_id: str, path: str) -> str | None:
        ref = host.current().from_global_id(global_id, GOODS[kind])
        if ref is None:
            message = f'"{global_id}" is not the id of a {GOODS[kind]}.'
            self.refusals.append(Refusal(Code.NOT_FOUND, message, path))
            return None
        self._goods.setdefault(kind, []).append((ref, path))
        return ref

    def _channels(self, slugs: Sequence[str], source: str) -> list[str]:
        by_slug = {place.slug: place.ref for place in host.current().channels()}
        self.refusals.extend(
            Refusal(Code.NOT_FOUND, f'There is no channel "{slug}".', f"{source}.{index}")
            for index, slug in enumerate(slugs)
            if slug not in by_slug
        )
        return [by_slug[slug] for slug in slugs if slug in by_slug]


def _plain(value: Any) -> Any:
    """Return a value as the document writes it: exact numbers as text."""
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, dt.date):
        return value.isoformat()
    if isinstance(value, NotWhole):
        return value.text
    return value


def _join(*parts: str) -> str:
    return ".".join(part for part in parts if part)
