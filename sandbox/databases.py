"""Databases that are copied, not migrated: a fresh one takes a fraction of a second.

    retention_base_<key>            Saleor's own schema, made once for each version
    retention_tpl_<key>_<digest>    the same with our migrations applied, made once for each state
    of them retention_test_<host>_<pid>     what a test run writes to

All functions take a cursor of a connection in autocommit mode to some other database of the server.
They work with psycopg 2 and 3, so that the runner and the tests share them.
"""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path
from typing import Any

from sandbox import paths, processes

PREFIX = "retention_"
EXTENSIONS = ("hstore", "pg_trgm", "btree_gin", "pgcrypto")
TEMPLATES_KEPT = 3
HAS_STRATEGIES = 150000  # PostgreSQL 15


def base_name(key: str) -> str:
    """Name the database with Saleor's own schema."""
    return f"{PREFIX}base_{key}"


def template_name(key: str) -> str:
    """Name the database with our migrations applied on top, for the migrations as they are now."""
    return f"{PREFIX}tpl_{key}_{migrations_digest()}"


def test_name(host: str) -> str:
    """Name the database of this process's test run."""
    return f"{PREFIX}test_{host.replace('.', '_')}_{os.getpid()}"


def migrations_digest() -> str:
    """Digest everything our migrations are made of."""
    package = paths.ROOT / "saleor_retention"
    digest = hashlib.sha256()
    for file in sorted([*package.glob("migrations/**/*"), *package.glob("sql/**/*")]):
        if file.suffix in {".py", ".sql"}:
            digest.update(f"{file.name}\n".encode() + file.read_bytes())
    return digest.hexdigest()[:8]


def exists(cursor: Any, name: str) -> bool:
    """Tell whether a database is there."""
    cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name])
    return cursor.fetchone() is not None


def create(cursor: Any, name: str, template: str = "template0") -> None:
    """Create a database as a copy of another, replacing an older one of the same name."""
    drop(cursor, name)
    # FILE_COPY is several times faster than the default for copies of this size where nothing is
    # synced to disk.
    strategy = " STRATEGY file_copy" if _server_version(cursor) >= HAS_STRATEGIES else ""
    cursor.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}" ENCODING \'UTF8\'{strategy}')


def drop(cursor: Any, name: str) -> None:
    """Drop a database, ending sessions that still hang on it."""
    cursor.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def rename(cursor: Any, old: str, new: str) -> None:
    """Give a finished database its final name; readers never see a half-made one under it."""
    cursor.execute(f'ALTER DATABASE "{old}" RENAME TO "{new}"')


def prune_tests(cursor: Any) -> None:
    """Drop databases of processes that ended here; not for a server that other machines use."""
    cursor.execute("SELECT datname FROM pg_database WHERE datname ~ %s", [f"^{PREFIX}(test|new)_"])
    for (name,) in cursor.fetchall():
        owner = re.search(r"_(\d+)$", name)
        if owner and not processes.is_alive(int(owner.group(1))):
            drop(cursor, name)


def prune_templates(cursor: Any, key: str) -> None:
    """Drop old templates of a host, those of migrations that have changed since."""
    pattern = f"^{PREFIX}tpl_{key}_"
    cursor.execute(
        "SELECT datname FROM pg_database WHERE datname ~ %s ORDER BY oid DESC OFFSET %s",
        [pattern, TEMPLATES_KEPT],
    )
    for (name,) in cursor.fetchall():
        drop(cursor, name)


def _server_version(cursor: Any) -> int:
    cursor.execute("SHOW server_version_num")
    return int(cursor.fetchone()[0])


def dump_file(key: str) -> Path:
    """Return where the dump of a base schema is cached."""
    return paths.SCHEMAS / f"{key}.sql"
