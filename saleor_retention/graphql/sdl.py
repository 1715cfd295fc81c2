"""Prints what we add to Saleor's schema as SDL, with descriptions, the same on every host.

Only our own types are written out; the shop's types appear as ``extend type``. Everything is in
alphabetical order but enum values and input fields, whose order means something to readers.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator
from typing import Any

from graphql.type import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLObjectType,
    GraphQLScalarType,
    GraphQLSchema,
)

from saleor_retention.graphql import schema as additions

PREFIX = "Retention"
WIDTH = 92


def print_additions(schema: GraphQLSchema) -> str:
    """Return the SDL of everything in the built schema that is ours."""
    types = schema.get_type_map()
    own = sorted(name for name in types if name.startswith(PREFIX))
    definitions = [_definition(types[name]) for name in own]
    roots = [_extension(types[name], _is_own) for name in ("Query", "Mutation")]
    extensions = [_extension(types[name], _is_retention) for name in sorted(additions.EXTENSIONS)]
    return "\n\n".join([*roots, *extensions, *definitions]) + "\n"


def _is_own(name: str) -> bool:
    return name.startswith("retention")


def _is_retention(name: str) -> bool:
    return name == "retention"


def _extension(graphql_type: Any, is_own: Any) -> str:
    names = sorted(name for name in graphql_type.fields if is_own(name))
    fields = [_field(name, graphql_type.fields[name]) for name in names]
    return _braced(f"extend type {graphql_type.name}", fields)


def _definition(graphql_type: Any) -> str:
    head = _described(graphql_type.description, "")
    match graphql_type:
        case GraphQLScalarType():
            return f"{head}scalar {graphql_type.name}"
        case GraphQLEnumType():
            values = [
                f"{_described(value.description, '  ')}  {value.name}"
                for value in graphql_type.values
            ]
            return head + _braced(f"enum {graphql_type.name}", values)
        case GraphQLInputObjectType():
            inputs = [
                f"{_described(field.description, '  ')}  {name}: {field.type}"
                for name, field in graphql_type.fields.items()
            ]
            return head + _braced(f"input {graphql_type.name}", inputs)
        case GraphQLObjectType():
            fields = [_field(name, field) for name, field in graphql_type.fields.items()]
            return head + _braced(f"type {graphql_type.name}", fields)
    raise TypeError(f"{graphql_type.name} is of a kind that we do not add.")


def _field(name: str, field: Any) -> str:
    arguments = ""
    if field.args:
        lines = "\n".join(_argument(key, field.args[key]) for key in sorted(field.args))
        arguments = f"(\n{lines}\n  )"
    return f"{_described(field.description, '  ')}  {name}{arguments}: {field.type}"


def _argument(name: str, argument: Any) -> str:
    default = "" if argument.default_value is None else f" = {_literal(argument.default_value)}"
    return f"{_described(argument.description, '    ')}    {name}: {argument.type}{default}"


def _literal(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _described(text: str | None, indent: str) -> str:
    """Return a description as a block string before what it describes."""
    if not text:
        raise ValueError("Everything that we add to the schema says what it is.")
    lines = list(_wrapped(textwrap.dedent(text).strip().split("\n\n"), WIDTH - len(indent)))
    if len(lines) == 1:
        return f'{indent}"""{lines[0]}"""\n'
    body = "\n".join(f"{indent}{line}".rstrip() for line in lines)
    return f'{indent}"""\n{body}\n{indent}"""\n'


def _wrapped(paragraphs: Iterable[str], width: int) -> Iterator[str]:
    for index, paragraph in enumerate(paragraphs):
        if index:
            yield ""
        yield from textwrap.wrap(" ".join(paragraph.split()), width)


def _braced(head: str, members: Iterable[str]) -> str:
    body = "\n\n".join(members)
    return f"{head} {{\n{body}\n}}"
