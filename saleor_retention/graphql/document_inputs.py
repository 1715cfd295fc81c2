"""Documents back to the typed input that means them, for ready ones that staff begin with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from graphene.utils.str_converters import to_camel_case

from saleor_retention.graphql.documents import Keyed, Rows, Section
from saleor_retention.graphql.enums import Weekday

CHOICES = {"band", "channel", "kind", "novelty", "per", "period", "type"}
"""Fields of the input that are enums, whose names are the document's values in capitals."""


def input_of(document: Mapping[str, Any], fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the input object that means a document; references stay as they are.

    ``fields`` are those of the input, as ``documents.converted`` takes them.

    >>> input_of({"kind": "free_shipping"}, {"kind": "kind"})
    {'kind': 'FREE_SHIPPING'}
    """
    by_key = {spec if isinstance(spec, str) else spec.key: name for name, spec in fields.items()}
    return {
        to_camel_case(by_key[key]): _input_value(by_key[key], fields[by_key[key]], value)
        for key, value in document.items()
    }


def _input_value(name: str, spec: Any, value: Any) -> Any:
    match spec:
        case Section():
            return input_of(value, spec.fields)
        case Rows():
            return [input_of(item, spec.fields) for item in value]
        case Keyed():
            return [{spec.by: key, **_keyed(spec.value, item)} for key, item in value.items()]
    if name == "weekdays":
        return [Weekday(day).name for day in value]
    return value.upper() if name in CHOICES else value


def _keyed(spec: str | Mapping[str, Any], value: Any) -> dict[str, Any]:
    return {spec: value} if isinstance(spec, str) else input_of(value, spec)
