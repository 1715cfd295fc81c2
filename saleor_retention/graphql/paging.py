"""Relay connections paged by keyset: a page costs the same however deep it is.

A cursor holds the sort values of its row and the row's id, so that rows added or removed meanwhile
neither repeat nor hide others. Nothing is counted unless the client asks for ``totalCount``.
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import graphene
from django.db.models import Model, Q, QuerySet
from graphql.error import GraphQLError

from saleor_retention import conf, host
from saleor_retention.graphql.texts import unstorable_in

ID_MAX = 2**63

ARGUMENTS: Mapping[str, Any] = {
    "first": graphene.Int(description="Return the first n elements from the list, 100 at most."),
    "after": graphene.String(description="Return the elements that come after this cursor."),
    "last": graphene.Int(description="Return the last n elements from the list, 100 at most."),
    "before": graphene.String(description="Return the elements that come before this cursor."),
}
"""The arguments of every connection."""


class Connection(graphene.relay.Connection):
    """A connection with a count that is made only when it is asked for."""

    class Meta:
        """Only its subclasses are types."""

        abstract = True

    total_count = graphene.Int(description="How many elements there are in all.")

    @classmethod
    def __init_subclass_with_meta__(cls, node: Any = None, **options: Any) -> None:
        """Make edges and nodes non-null, as in Saleor's own connections."""
        super().__init_subclass_with_meta__(node=node, **options)
        name = node._meta.name  # noqa: SLF001 - graphene's only way to it

        class EdgeMeta:
            description = f"A `{name}` and its place in the list."

        members = {
            "Meta": EdgeMeta,
            "node": graphene.Field(node, description="The element.", required=True),
            "cursor": graphene.String(description="The element's place.", required=True),
        }
        cls.Edge = type(cls.Edge._meta.name, (graphene.ObjectType,), members)  # noqa: SLF001
        cls._meta.fields["edges"] = graphene.Field(
            graphene.NonNull(graphene.List(graphene.NonNull(cls.Edge))),
            description="The elements of this page.",
        )

    @staticmethod
    def resolve_total_count(root: Any, _info: Any) -> int | None:
        """Count now, or say nothing where a count is not offered."""
        count: Callable[[], int] | None = getattr(root, "count", None)
        if count is None:
            return None
        with host.current().writer():
            return count()


@dataclass(frozen=True, slots=True)
class Window:
    """Which part of a list is asked for."""

    limit: int
    position: tuple[Any, ...] | None  # what the cursor holds
    is_backward: bool  # from the end of the list

    @classmethod
    def of(cls, name: str, arguments: Mapping[str, Any], *readers: Callable[[Any], Any]) -> Window:
        """Return the window that the arguments of a connection mean; ``GraphQLError`` if none.

        ``readers`` make the values of a cursor, and raise ``ValueError`` for what is none.
        """
        first, last = arguments.get("first"), arguments.get("last")
        if (first is None) == (last is None):
            raise GraphQLError(
                f"You must provide either a `first` or a `last` value to page the `{name}` "
                "connection."
            )
        word = "last" if first is None else "first"
        limit: int = arguments[word]
        limit_max = conf.get("PAGE_SIZE_MAX")
        if limit < 1:
            raise GraphQLError(f"Argument `{word}` must be a positive integer.")
        if limit > limit_max:
            raise GraphQLError(
                f"Requesting {limit} records on the `{name}` connection exceeds the `{word}` "
                f"limit of {limit_max} records."
            )
        other = "before" if last is None else "after"
        if arguments.get(other):
            raise GraphQLError(f"Argument `{word}` cannot be combined with `{other}`.")
        cursor = arguments.get("after" if last is None else "before")
        position = decoded(cursor, *readers) if cursor else None
        return cls(limit, position, is_backward=last is not None)


@dataclass(frozen=True, slots=True)
class Order:
    """A column that is never null, and the direction; the id is always added to it."""

    column: str
    is_descending: bool = False


def page(
    connection: type[Connection],
    queryset: QuerySet[Any],
    order: Order,
    window: Window,
    node_of: Callable[[Any], Any] = lambda row: row,
) -> Connection:
    """Return one page of a queryset as a connection, in one statement."""
    is_descending = order.is_descending is not window.is_backward
    if window.position is not None:
        value, last_id = window.position
        beyond = "lt" if is_descending else "gt"
        queryset_page = queryset.filter(
            Q(**{f"{order.column}__{beyond}": value})
            | Q(**{order.column: value, f"id__{beyond}": last_id})
        )
    else:
        queryset_page = queryset
    sign = "-" if is_descending else ""
    rows = list(queryset_page.order_by(f"{sign}{order.column}", f"{sign}id")[: window.limit + 1])

    def cursor_of(row: Model) -> str:
        return encoded(getattr(row, order.column), row.pk)

    return connection_of(connection, rows, window, cursor_of, count=queryset.count, node_of=node_of)


def connection_of(
    connection: type[Connection],
    rows: Sequence[Any],
    window: Window,
    cursor_of: Callable[[Any], str],
    *,
    count: Callable[[], int] | None = None,
    node_of: Callable[[Any], Any] = lambda row: row,
) -> Connection:
    """Return rows, read in the window's direction with one more than asked for, as a connection."""
    has_more = len(rows) > window.limit
    rows = list(rows[: window.limit])
    if window.is_backward:
        rows.reverse()
    edges = [connection.Edge(node=node_of(row), cursor=cursor_of(row)) for row in rows]
    info = graphene.relay.PageInfo(
        has_next_page=window.position is not None if window.is_backward else has_more,
        has_previous_page=has_more if window.is_backward else window.position is not None,
        start_cursor=edges[0].cursor if edges else None,
        end_cursor=edges[-1].cursor if edges else None,
    )
    made = connection(edges=edges, page_info=info)
    made.count = count
    return made


def promised(
    connection: type[Connection], pages: Any, window: Window, found: QuerySet[Any], owner_id: int
) -> Any:
    """Promise a page of ``found``, the rows of one owner, from their loader."""
    return pages.load((owner_id, window)).then(
        lambda rows: connection_of(
            connection, rows, window, lambda row: encoded(row.pk), count=found.count
        )
    )


def encoded(*values: Any) -> str:
    """Return values as an opaque cursor."""
    plain = [value.isoformat() if isinstance(value, dt.date) else value for value in values]
    return base64.urlsafe_b64encode(json.dumps(plain).encode()).decode()


def decoded(cursor: str, *readers: Callable[[Any], Any]) -> tuple[Any, ...]:
    """Return a cursor's values; ``GraphQLError`` for one that we did not make."""
    try:
        values = _storable(list(json.loads(base64.urlsafe_b64decode(cursor.encode()))))
        return tuple(read(value) for read, value in zip(readers, values, strict=True))
    except (ValueError, TypeError, OverflowError, RecursionError, binascii.Error) as fault:
        raise GraphQLError("Received cursor is invalid.") from fault


def _storable(values: list[Any]) -> list[Any]:
    if unstorable_in(values) is not None:
        raise ValueError(values)
    return values


def instant(value: Any) -> dt.datetime:
    """Return an instant from a cursor, in UTC."""
    at = dt.datetime.fromisoformat(value)
    if at.tzinfo is None:
        raise ValueError(value)
    return at.astimezone(dt.UTC)


def day(value: Any) -> dt.date:
    """Return a day from a cursor."""
    return dt.date.fromisoformat(value)


def row_id(value: Any) -> int:
    """Return an id or a number of points from a cursor."""
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) >= ID_MAX:
        raise ValueError(value)
    return value
