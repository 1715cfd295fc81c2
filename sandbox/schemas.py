"""Saleor's own schema on the server: it is there, or it is restored, or it is made.

Made only once, from the models or, on demand, by all migrations. A server of ours that lost its
data gets the schema back from a dump; a server of yours keeps it as a database.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from sandbox import databases, hosts, locks, paths, postgres, processes
from sandbox.console import SandboxError, step


def server_url() -> str:
    """Return the server's address, starting the sandbox's own unless DATABASE_URL names one."""
    return os.environ.get("DATABASE_URL") or postgres.acquire().url


def database_url(server: str, name: str) -> str:
    """Return the address of a database on a server."""
    return urlunsplit(urlsplit(server)._replace(path=f"/{name}"))


@contextmanager
def administrator(server: str) -> Iterator[Any]:
    """Give a cursor in autocommit mode on the server's maintenance database."""
    import psycopg2  # here: not in the interpreter that only bootstraps

    try:
        connection = psycopg2.connect(server)
    except psycopg2.OperationalError as error:
        raise SandboxError(f"The PostgreSQL server cannot be used: {error}") from error
    connection.autocommit = True
    try:
        with connection.cursor() as cursor:
            yield cursor
    finally:
        connection.close()


def ensure_base(host: hosts.Host, server: str) -> str:
    """Make sure that the server has this host's own schema; return the database's name."""
    key = hosts.schema_key(host)
    name = databases.base_name(key)
    with (
        locks.exclusive(
            paths.STATE / f"schema-{host.name}.lock", f"it makes the schema of {host.name}"
        ),
        administrator(server) as cursor,
    ):
        if "DATABASE_URL" not in os.environ:
            databases.prune_tests(cursor)
        databases.prune_templates(cursor, key)
        if databases.exists(cursor, name):
            return name
        new = f"{databases.PREFIX}new_{host.name.replace('.', '_')}_{os.getpid()}"
        databases.create(cursor, new)
        if databases.dump_file(key).exists() and "DATABASE_URL" not in os.environ:
            _restore(databases.dump_file(key), new)
        else:
            _make(host, server, new)
        databases.rename(cursor, new, name)
    return name


def _make(host: hosts.Host, server: str, name: str) -> None:
    settings = "sandbox.bare_settings" if host.is_saleor_2 else "tests.settings.bare3"
    from_models = hosts.made_from_models()
    how = "its models" if from_models else "its migrations, minutes"
    env = hosts.environment(host, database_url(server, name), settings)
    with step(f"making the schema of Saleor {host.version} once ({how})"):
        processes.run(
            [host.python, "-m", "sandbox.make_schema", "--from-models" if from_models else ""],
            env=env,
            cwd=paths.ROOT,
            failure=f"The schema of Saleor {host.version} could not be made.",
        )
    if "DATABASE_URL" not in os.environ:
        _dump(name, databases.dump_file(hosts.schema_key(host)))


def _dump(name: str, file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    unfinished = file.with_suffix(f".{os.getpid()}")
    command = [*_client("pg_dump", name), "--no-owner", "--file", str(unfinished)]
    processes.run(command, failure="The schema could not be dumped.")
    unfinished.replace(file)


def _restore(file: Path, name: str) -> None:
    command = [*_client("psql", name), "--quiet", "--no-psqlrc", "--set", "ON_ERROR_STOP=1"]
    with file.open("rb") as source:
        result = subprocess.run(
            [*command, "--single-transaction"],
            stdin=source,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            check=False,
        )
    if result.returncode != 0:
        raise SandboxError(
            f"The cached schema could not be restored.\n{result.stderr.decode()[-2000:]}"
        )


def _client(program: str, name: str) -> list[str]:
    server = postgres.running()
    if server is None:
        raise SandboxError("the sandbox's PostgreSQL is not running")
    where = ["-h", "127.0.0.1", "-p", str(server.port), "-U", postgres.USER, "-d", name]
    return [str(Path(server.binaries) / program), *where]
