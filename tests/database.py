"""The database of a test run: copied from a template, and again after each test that commits.

Django would empty some two hundred tables after such a test, which takes seconds, loses the rows
that migrations made, and is refused by the ledger's append-only triggers.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.management import call_command
from django.db import connection, connections
from django.test import TransactionTestCase

from sandbox import databases, locks, paths

HOST = os.environ["RETENTION_HOST"]
KEY = os.environ["RETENTION_SCHEMA"]
NAME = databases.test_name(HOST)


def set_up() -> None:
    """Create the run's database and point every connection at it."""
    if HOST.startswith("3."):
        _share_one_transaction_with_the_replica()
    TransactionTestCase._fixture_teardown = _start_afresh
    _ensure_template()
    _copy()


def tear_down() -> None:
    """Drop the run's database."""
    connections.close_all()
    with administrator() as cursor:
        databases.drop(cursor, NAME)


@contextmanager
def administrator() -> Iterator[Any]:
    """Give a cursor in autocommit mode on another database of the same server."""
    with connection._nodb_cursor() as cursor:
        yield cursor


def use(name: str) -> None:
    """Point every alias, in this thread and in those to come, at a database."""
    connections.close_all()
    for alias in connections.databases:
        connections.databases[alias]["NAME"] = name


def _copy() -> None:
    use(NAME)
    with administrator() as cursor:
        databases.create(cursor, NAME, databases.template_name(KEY))


def _start_afresh(_case: TransactionTestCase) -> None:
    _copy()


def _ensure_template() -> None:
    """Apply our migrations to a copy of Saleor's schema, once for each state of them."""
    template = databases.template_name(KEY)
    with (
        locks.exclusive(paths.STATE / f"template-{HOST}.lock", f"it migrates {HOST}"),
        administrator() as cursor,
    ):
        if databases.exists(cursor, template):
            return
        new = NAME.replace("_test_", "_new_")
        databases.create(cursor, new, databases.base_name(KEY))
        use(new)
        call_command("migrate", "saleor_retention", verbosity=0, interactive=False)
        connections.close_all()
        databases.rename(cursor, new, template)


def _share_one_transaction_with_the_replica() -> None:
    """Let the replica alias see what a test has not committed, as Saleor's own suite does."""
    from saleor.tests.utils import prepare_test_db_connections

    TransactionTestCase.databases = {"default", "replica"}
    prepare_test_db_connections()
