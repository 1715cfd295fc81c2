"""What differs between two documents, in words.

Steps of a ladder are told apart by their slug and multipliers by their name, not by their place, so
that one step put in between is one difference.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

NAMES = ("slug", "name")


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Return one line for each value that is other, new or gone, in the order of the documents.

    >>> differences({"a": {"b": 1}, "c": "x"}, {"a": {"b": 2}, "d": [1, 2]})
    ['a.b changes from 1 to 2', 'c is removed (it was x)', 'd is new: 1, 2']
    """
    return list(_mapping("", before, after))


def _mapping(path: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    for key in dict.fromkeys([*before, *after]):
        inner = f"{path}.{key}" if path else str(key)
        if key not in after:
            yield f"{inner} is removed (it was {_shown(before[key])})"
        elif key not in before:
            yield f"{inner} is new: {_shown(after[key])}"
        else:
            yield from _value(inner, before[key], after[key])


def _value(path: str, before: Any, after: Any) -> Iterator[str]:
    if before == after:
        return
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        yield from _mapping(path, before, after)
        return
    named = [_by_name(value) for value in (before, after)]
    if named[0] is not None and named[1] is not None:
        yield from _mapping(path, named[0], named[1])
        return
    yield f"{path} changes from {_shown(before)} to {_shown(after)}"


def _by_name(rows: Any) -> dict[str, Any] | None:
    """Return a list of named mappings by their names; None for any other value."""
    if not isinstance(rows, list) or not all(isinstance(row, Mapping) for row in rows):
        return None
    for key in NAMES:
        if all(key in row for row in rows):
            return {str(row[key]): row for row in rows}
    return None


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ", ".join(_shown(item) for item in value) or "nothing"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {_shown(item)}" for key, item in value.items()) + "}"
    return str(value)
