"""Random requests to our part of the schema, made from the schema itself.

Whatever field, argument or input is added is covered without a word here. Three of four values are
such as a client might send, so that requests come past the types and reach the services; the rest
is what breaks programs.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from graphql.type import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
)
from graphql.type.definition import get_named_type, is_leaf_type
from hypothesis import strategies as st

from saleor_retention.graphql.schema import EXTENSIONS

PREFIX = "retention"
DEPTH_MAX = 6

TEXTS = (
    "",
    " ",
    "\x00",
    "a\x00b",
    "\ud800",
    "\u202eabc\u2066",
    "e\u0301\U0001f600",
    "'; DROP TABLE saleor_retention_account; --",
    "100%_\\",
    "x" * 1500,
    "9" * 40,
    "../../etc/passwd",
    "{{ 7 * 7 }}",
    "\r\nX-Header: 1",
    "W10=",
    base64.urlsafe_b64encode(b'["\\u0000", 1]').decode(),
    base64.urlsafe_b64encode(b'["9999-12-31T23:59:59-12:00", 9223372036854775807]').decode(),
    base64.urlsafe_b64encode(b"[" * 1200).decode(),
)
NUMBERS = (0, 1, -1, 2, 100, 101, 2**31 - 1, 2**31, -(2**31) - 1, 2**63, 10**30, 0.5, -0.0, 1e308)
INTS = (0, 1, -1, 101, 2**31 - 1, -(2**31), 0.5, None)
"""``Int`` itself fails on larger ones before a field of anybody's is asked, in all of Saleor."""
AMOUNTS = ("0", "1", "0.01", "-1", "10.005", "NaN", "Infinity", "1e999", "9" * 50, 1, 0.1, 1e308)
DATES = ("2026-02-30", "0001-01-01", "9999-12-31", "2026-01-01", "today", "2026-1-1", 0)
"""``Date`` itself fails on an empty text before a field of anybody's is asked, in all of Saleor."""
MOMENTS = (
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59-12:00",
    "2026-01-01T00:00:00",
    "2026-01-01T00:00:00Z",
    "2026-01-01T00:00:00.123456789+00:00",
    "1969-12-31T23:59:59Z",
    "yesterday",
    "\x00",
)
JUNK = (None, True, 0, "", [], {}, [[[[[]]]]], {"a": {"b": {}}}, "\x00", 10**400)


@dataclass(frozen=True)
class Operation:
    """One root field of ours, or ours on a type of Saleor's."""

    kind: str  # "query" or "mutation"
    path: tuple[str, ...]
    field: Any
    root: Any = None  # Saleor's field around ours, where it takes arguments

    @property
    def name(self) -> str:
        """Return the field's own name."""
        return ".".join(self.path)


@dataclass(frozen=True)
class Request:
    """A query with its variables."""

    query: str
    variables: dict[str, Any]


@dataclass(frozen=True)
class Pool:
    """What exists in the shop, so that some of the requests meet it."""

    ids: tuple[str, ...]
    texts: Mapping[str, tuple[str, ...]]  # by argument's name
    there: Mapping[str, tuple[str, ...]]  # ids of what is there, or tokens, by Saleor's type


def operations(schema: Any) -> list[Operation]:
    """Return every operation of ours that the schema has."""
    roots = (("query", schema.get_query_type()), ("mutation", schema.get_mutation_type()))
    found = [
        Operation(kind, (name,), root.fields[name])
        for kind, root in roots
        for name in root.fields
        if name.startswith(PREFIX)
    ]
    user = schema.get_type_map()["User"].fields[PREFIX]
    return [*found, Operation("query", ("me", PREFIX), user)]


def extensions(schema: Any, pool: Pool) -> list[Operation]:
    """Return our fields on types of Saleor's but the user, each below a query of Saleor's."""
    roots = schema.get_query_type().fields
    types = {name: schema.get_type_map()[name] for name in EXTENSIONS if name != "User"}
    return [
        Operation("query", (root, PREFIX), types[kind].fields[PREFIX], roots[root])
        for kind, root in ((kind, kind[0].lower() + kind[1:]) for kind in types)
        if pool.there.get(kind)
    ]


# --- values ---------------------------------------------------------------------------------------


def value_of(draw: Callable[..., Any], kind: Any, name: str, pool: Pool, depth: int = 0) -> Any:
    """Draw a value for an input type; now and then one of a wrong type."""
    if str(kind) not in ("Int", "Date") and draw(st.integers(0, 39)) == 39:
        return draw(st.sampled_from(JUNK))
    if isinstance(kind, GraphQLNonNull):
        return value_of(draw, kind.of_type, name, pool, depth)
    if isinstance(kind, GraphQLList):
        return _list_of(draw, kind.of_type, name, pool, depth)
    if isinstance(kind, GraphQLInputObjectType):
        return _object_of(draw, kind, pool, depth)
    if isinstance(kind, GraphQLEnumType):
        return draw(st.sampled_from([value.name for value in kind.values]))
    return draw(_scalars(str(kind), name, pool))


def _list_of(draw: Callable[..., Any], kind: Any, name: str, pool: Pool, depth: int) -> list[Any]:
    count = draw(st.sampled_from((0, 1, 1, 1, 2, 2, 3, 20 if depth else 400)))
    if count < 4:
        return [value_of(draw, kind, name, pool, depth + 1) for _ in range(count)]
    return [value_of(draw, kind, name, pool, depth + 1)] * count


def _object_of(draw: Callable[..., Any], kind: Any, pool: Pool, depth: int) -> dict[str, Any]:
    chance = 3 if depth < 3 else 1
    return {
        name: value_of(draw, member.type, name, pool, depth + 1)
        for name, member in kind.fields.items()
        if isinstance(member.type, GraphQLNonNull) or draw(st.integers(0, 5)) < chance
    }


def _scalars(  # noqa: PLR0911 - a case each
    kind: str, name: str, pool: Pool
) -> st.SearchStrategy[Any]:
    match kind:
        case "ID":
            return st.one_of(st.sampled_from(pool.ids), st.sampled_from((*pool.ids, *TEXTS)))
        case "String":
            known = pool.texts.get(name, ("a", "b-1"))
            return st.one_of(
                st.sampled_from(known), st.sampled_from(known), st.sampled_from(TEXTS), st.text()
            )
        case "Boolean":
            return st.booleans()
        case "Int":
            return st.one_of(st.integers(1, 100), st.sampled_from(INTS))
        case "RetentionWholeNumber":
            return st.one_of(st.integers(1, 100), st.sampled_from(NUMBERS))
        case "Date":
            return st.one_of(st.dates().map(str), st.sampled_from(DATES))
        case "DateTime":
            near = ("2026-01-01T00:00:00Z", "2030-01-01T00:00:00Z")
            return st.one_of(st.sampled_from(near), st.sampled_from(MOMENTS))
    return st.one_of(st.integers(1, 100), st.sampled_from(AMOUNTS), st.sampled_from(NUMBERS))


# --- requests -------------------------------------------------------------------------------------


@dataclass
class _Composer:
    draw: Callable[..., Any]
    pool: Pool
    declared: list[str] = field(default_factory=list)
    variables: dict[str, Any] = field(default_factory=dict)

    def call(self, name: str, member: Any, depth: int) -> str:
        """Return a field with its arguments and everything below it."""
        kind = get_named_type(member.type)
        below = "" if is_leaf_type(kind) else self.selection(kind, depth - 1)
        return f"{name}{self.arguments(member)} {below}"

    def arguments(self, member: Any) -> str:
        given = []
        for name, argument in member.args.items():
            needed = isinstance(argument.type, GraphQLNonNull) or name == "first"
            if not needed and self.draw(st.integers(0, 2)) != 2:
                continue
            variable = f"v{len(self.variables)}"
            self.declared.append(f"${variable}: {argument.type}")
            self.variables[variable] = value_of(self.draw, argument.type, name, self.pool)
            given.append(f"{name}: ${variable}")
        return f"({', '.join(given)})" if given else ""

    def found(self, root: Any) -> str:
        """Return the arguments by which Saleor finds something that is there."""
        key = "id" if "id" in root.args else "token"
        given = {key: self.draw(st.sampled_from(self.pool.there[str(root.type)]))}
        if "channel" in root.args:
            given["channel"] = self.pool.texts["channel"][0]
        for name, value in given.items():
            self.declared.append(f"$root_{name}: {root.args[name].type}")
            self.variables[f"root_{name}"] = value
        return f"({', '.join(f'{name}: $root_{name}' for name in given)})"

    def selection(self, kind: Any, depth: int) -> str:
        """Return all the fields of a type that are of ours, down to a depth."""
        if not isinstance(kind, GraphQLObjectType):
            return "{ __typename }"
        calls = ["__typename"]
        is_ours = kind.name.startswith("Retention")
        for name, member in kind.fields.items():
            if is_leaf_type(get_named_type(member.type)):
                if is_ours or not member.args:
                    calls.append(self.call(name, member, depth))
            elif depth > 0 and (is_ours or name == PREFIX):
                calls.append(self.call(name, member, depth))
        return "{ " + " ".join(calls) + " }"


@st.composite
def requests(draw: Callable[..., Any], operation: Operation, pool: Pool) -> Request:
    """Draw a request of an operation."""
    composer = _Composer(draw, pool)
    depth = draw(st.integers(1, DEPTH_MAX))
    *around, name = operation.path
    text = composer.call(name, operation.field, depth)
    for step in reversed(around):
        found = composer.found(operation.root) if operation.root else ""
        text = f"{step}{found} {{ {text} }}"
    declared = f"({', '.join(composer.declared)})" if composer.declared else ""
    return Request(f"{operation.kind} {declared} {{ {text} }}", composer.variables)


# --- the plainest request -------------------------------------------------------------------------

PLAIN = {
    "Boolean": False,
    "Int": 1,
    "RetentionWholeNumber": 1,
    "Date": "2026-01-01",
    "DateTime": "2026-01-01T00:00:00Z",
    "String": "a",
}


def plain(  # noqa: PLR0911 - a case each
    kind: Any, name: str, an_id: str, pool: Pool, around: tuple[str, ...] = ()
) -> Any:
    """Return the plainest value of an input type, with ``an_id`` wherever it holds an id.

    A type that holds itself (``around``: those it stands in) is not gone into again.
    """
    if isinstance(kind, GraphQLNonNull):
        return plain(kind.of_type, name, an_id, pool, around)
    if isinstance(kind, GraphQLList):
        return [plain(kind.of_type, name, an_id, pool, around)]
    if isinstance(kind, GraphQLEnumType):
        return kind.values[0].name
    if isinstance(kind, GraphQLInputObjectType):
        return {
            key: plain(member.type, key, an_id, pool, (*around, kind.name))
            for key, member in kind.fields.items()
            if isinstance(member.type, GraphQLNonNull)
            or (
                (get_named_type(member.type).name not in (*around, kind.name))
                and has_ids(member.type)
            )
        }
    if str(kind) == "ID":
        return an_id
    if str(kind) == "String":
        return pool.texts.get(name, ("a",))[0]
    return PLAIN.get(str(kind), "1")


def has_ids(kind: Any, seen: tuple[str, ...] = ()) -> bool:
    """Return whether an id stands anywhere in an input type."""
    named = get_named_type(kind)
    if isinstance(named, GraphQLInputObjectType) and named.name not in seen:
        members = named.fields.values()
        return any(has_ids(member.type, (*seen, named.name)) for member in members)
    return str(named) == "ID"


def with_id(operation: Operation, an_id: str, pool: Pool) -> list[Request]:
    """Return a request for each argument that holds ids, the others being as plain as can be."""
    made = []
    for chosen, asked in operation.field.args.items():
        if not has_ids(asked.type):
            continue
        declared, given, variables = [], [], {}
        for name, argument in operation.field.args.items():
            is_needed = isinstance(argument.type, GraphQLNonNull) or name in (chosen, "first")
            if not is_needed:
                continue
            declared.append(f"${name}: {argument.type}")
            given.append(f"{name}: ${name}")
            variables[name] = plain(argument.type, name, an_id, pool)
        kind = get_named_type(operation.field.type)
        below = " ".join(
            name if name != "errors" else "errors { field message code }"
            for name, member in kind.fields.items()
            if name == "errors" or is_leaf_type(get_named_type(member.type))
        )
        text = f"{operation.path[0]}({', '.join(given)}) {{ __typename {below} }}"
        query = f"{operation.kind} ({', '.join(declared)}) {{ {text} }}"
        made.append(Request(query, variables))
    return made
