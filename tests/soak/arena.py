"""Where the simulation takes place: a server of its own that can crash, or a borrowed one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from django.db import connection, connections

from sandbox import postgres, schemas, spare_postgres
from sandbox.spare_postgres import DURABLE, HASTY, SpareServer
from tests import database

# What a shop must not do: tell a customer before the commit is on the disk.
FORGETFUL = DURABLE | {"synchronous_commit": "off", "wal_writer_delay": "10s"}


@dataclass(slots=True)
class Arena:
    """A migrated database; ``server`` is None where it must not be crashed."""

    server: SpareServer | None
    settings: dict[str, str]

    def keep(self) -> None:
        """Have what was set up survive any crash, also where nothing else does."""
        if self.server is not None:
            with connection.cursor() as cursor:
                cursor.execute("CHECKPOINT")

    def crash(self) -> None:
        """Crash the server and let it recover."""
        assert self.server is not None
        self.server.crash()
        self.server.start(self.settings)


@contextmanager
def opened(*, may_crash: bool, is_durable: bool = True) -> Iterator[Arena]:
    """Give an arena and clear it away; the shared server of the sandbox is never disturbed."""
    database.set_up()
    server = None
    was = {alias: dict(settings) for alias, settings in connections.databases.items()}
    try:
        if not may_crash or not is_ours(os.environ["DATABASE_URL"]):
            yield Arena(None, {})
            return
        server = SpareServer()
        server.start(HASTY)
        server.copy(schemas.database_url(os.environ["DATABASE_URL"], database.NAME), database.NAME)
        server.stop()
        settings = DURABLE if is_durable else FORGETFUL
        server.start(settings)
        point({alias: {"HOST": "127.0.0.1", "PORT": str(server.port)} for alias in was})
        yield Arena(server, settings)
    finally:
        point(was)
        if server is not None:
            server.close()
        database.tear_down()


def is_ours(server_url: str) -> bool:
    """Tell the sandbox's server from a foreign one."""
    shared = postgres.running()
    return shared is not None and urlsplit(shared.url).netloc == urlsplit(server_url).netloc


def point(settings_by_alias: dict[str, Any]) -> None:
    """Point every connection, in this process and in those to come, somewhere."""
    connections.close_all()
    for alias, settings in settings_by_alias.items():
        connections.databases[alias].update(settings)


def log() -> str:
    """Name the log of the server that crashes."""
    return str(spare_postgres.LOG)
