"""Reads YAML into plain data and remembers on which line everything stands.

PyYAML's own loader forgets lines, keeps the last of two equal keys, and makes binary floats of
amounts. Here a repeated key is a problem, and a number with a point stays the text it is, as do
keys that are words for true and false, such as the ``on`` of a campaign's day.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Any

from saleor_retention.errors import Code, Refusal, Refusals

LENGTH_MAX = 2_000_000
NODES_MAX = 200_000
DEPTH_MAX = 50


@dataclass
class Read:
    """A YAML file's content, and the line of each dotted path in it."""

    content: Any
    lines: dict[str, int] = field(default_factory=dict)

    def line_of(self, path: str) -> int | None:
        """Return the line of a path, or of the nearest thing around it that is there."""
        while path:
            if path in self.lines:
                return self.lines[path]
            path = path.rpartition(".")[0]
        return self.lines.get("")


def read(text: str) -> Read:
    """Return what a YAML text says; mappings, lists, text, integers, booleans, dates as text.

    Raises ``Refusals``: NOT_SUPPORTED without PyYAML, INVALID where it is no YAML, too large, or
    names a key twice (with the line).
    """
    try:
        import yaml
    except ImportError:
        message = 'Reading YAML needs PyYAML: pip install "saleor-retention[yaml]".'
        raise Refusals([Refusal(Code.NOT_SUPPORTED, message)]) from None
    if len(text) > LENGTH_MAX:
        message = f"The file has more than {LENGTH_MAX} characters."
        raise Refusals([Refusal(Code.INVALID, message)])
    try:
        loader = yaml.SafeLoader(text)
        node = loader.get_single_node()
        if node is None:
            raise Refusals([Refusal(Code.INVALID, "The file is empty.")])
        reader = _Reader(loader)
        content = reader.value(node, "", 0)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"line {mark.line + 1}: " if mark is not None else ""
        what = getattr(error, "problem", None) or str(error)
        raise Refusals([Refusal(Code.INVALID, f"{where}this is no YAML: {what}.")]) from error
    if reader.problems:
        raise Refusals(reader.problems)
    return Read(content, reader.lines)


class _Reader:
    """Turns nodes into data."""

    def __init__(self, loader: Any) -> None:
        self.loader = loader
        self.lines: dict[str, int] = {}
        self.problems: list[Refusal] = []
        self.count = 0

    def value(self, node: Any, path: str, depth: int) -> Any:
        """Return the data of a node; aliases are followed, within bounds."""
        self.count += 1
        if self.count > NODES_MAX or depth > DEPTH_MAX:
            raise Refusals([Refusal(Code.INVALID, "The file is nested or repeated too much.")])
        self.lines.setdefault(path, node.start_mark.line + 1)
        kind = node.id
        if kind == "mapping":
            return self._mapping(node, path, depth)
        if kind == "sequence":
            items = enumerate(node.value)
            return [self.value(item, _join(path, index), depth + 1) for index, item in items]
        if node.tag == "tag:yaml.org,2002:float":
            return node.value
        value = self.loader.construct_object(node)
        return value.isoformat() if isinstance(value, dt.date) else value

    def _mapping(self, node: Any, path: str, depth: int) -> dict[Any, Any]:
        result: dict[Any, Any] = {}
        for key_node, value_node in node.value:
            key = self._key(key_node)
            inner = _join(path, key)
            line = key_node.start_mark.line + 1
            if key in result:
                message = f"line {line}: the key {inner} stands there twice."
                self.problems.append(Refusal(Code.INVALID, message, inner))
            self.lines.setdefault(inner, line)
            result[key] = self.value(value_node, inner, depth + 1)
        return result

    def _key(self, node: Any) -> Any:
        """Return a key; one that YAML takes for true or false is the word that stands there."""
        if node.id != "scalar":
            return "?"
        if node.tag == "tag:yaml.org,2002:bool":
            return node.value
        return self.loader.construct_object(node)


def _join(path: str, key: object) -> str:
    return f"{path}.{key}" if path else str(key)
