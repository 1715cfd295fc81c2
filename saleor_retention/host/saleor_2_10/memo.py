"""Remembers prices for the length of a request, and not one statement longer than they are true.

2.10.1 asks for the price of each line some fifteen times in one request, and rebuilds the plugin's
instance for each. Nothing may be kept on the instance, and nothing in the process: another request
may have changed the cart. So it is kept beside the thread's database connection, from the start of
a request to its end, and forgotten as soon as that connection writes anything, or a transaction or
savepoint ends. Outside of a request nothing is kept.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Hashable
from contextlib import ExitStack
from typing import Any, TypeVar

from django.core.signals import request_finished, request_started
from django.db import connection

ENTRIES_MAX = 64

Value = TypeVar("Value")

_READS = re.compile(r"\s*(SELECT|WITH|SAVEPOINT|RELEASE)\b", re.IGNORECASE)
_WRITES = re.compile(r"\b(INSERT\s+INTO|UPDATE|DELETE\s+FROM)\b", re.IGNORECASE)
_ABSENT = object()


class Memo:
    """What one request knows; also the wrapper that sees each of its statements."""

    def __init__(self) -> None:
        """Start empty."""
        self._entries: dict[Hashable, Any] = {}
        self._transaction: object = None

    def __call__(
        self,
        execute: Callable[..., Any],
        sql: Any,
        params: Any,
        many: bool,  # noqa: FBT001 - Django calls it so
        context: Any,
    ) -> Any:
        """Run a statement; one that may change anything empties the memo first."""
        if not is_read(sql):
            self._entries.clear()
        return execute(sql, params, many, context)

    def get(self, key: Hashable, compute: Callable[[], Value]) -> Value:
        """Return what is known under the key, or compute it.

        Django replaces its list of commit hooks whenever a transaction ends or a savepoint is
        rolled back, so its identity tells whether what was read then can still be trusted.
        """
        if self._transaction is not connection.run_on_commit:
            self._entries.clear()
        found = self._entries.get(key, _ABSENT)
        if found is not _ABSENT:
            return found
        value = compute()
        if len(self._entries) >= ENTRIES_MAX:
            self._entries.clear()
        self._transaction = connection.run_on_commit
        self._entries[key] = value
        return value


class _Request(threading.local):
    memo: Memo | None = None
    stack: ExitStack | None = None


_request = _Request()


def is_read(sql: Any) -> bool:
    """Tell whether a statement surely changes nothing.

    >>> is_read("SELECT 1"), is_read("WITH a AS (INSERT INTO b VALUES (1)) SELECT 1")
    (True, False)
    """
    text = sql if isinstance(sql, str) else ""
    return bool(_READS.match(text)) and not _WRITES.search(text)


def recall(key: Hashable, compute: Callable[[], Value]) -> Value:
    """Return what this request knows under the key, or compute it; outside of one, compute it."""
    memo = _request.memo
    return compute() if memo is None else memo.get(key, compute)


def install() -> None:
    """Begin and end with Django's requests."""
    request_started.connect(_begin, dispatch_uid="saleor_retention.memo")
    request_finished.connect(_end, dispatch_uid="saleor_retention.memo")


def _begin(**_: Any) -> None:
    _end()
    _request.memo = Memo()
    _request.stack = ExitStack()
    _request.stack.enter_context(connection.execute_wrapper(_request.memo))


def _end(**_: Any) -> None:
    stack, _request.stack, _request.memo = _request.stack, None, None
    if stack is not None:
        stack.close()
