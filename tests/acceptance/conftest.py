"""One server, one database and one stock of goods for a run; customers are each story's own."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from tests.acceptance import server
from tests.acceptance.shop import Shop, open_for_business


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark everything in this folder."""
    for item in items:
        if "/acceptance/" in str(item.path):
            item.add_marker(pytest.mark.acceptance)


@pytest.fixture(scope="session")
def processes(request: pytest.FixtureRequest, django_db_blocker: Any) -> Iterator[server.Processes]:
    """The running Saleor, on a copy of the migrated schema."""
    from sandbox import databases, postgres, schemas
    from tests.database import administrator

    request.getfixturevalue("django_db_setup")  # makes the template
    host = os.environ["RETENTION_HOST"].replace(".", "_")
    name = f"{databases.PREFIX}test_acceptance_{host}_{os.getpid()}"
    with django_db_blocker.unblock(), administrator() as cursor:
        databases.create(cursor, name, databases.template_name(os.environ["RETENTION_SCHEMA"]))
    port = postgres.free_port()
    env = server.environment(
        schemas.database_url(os.environ["DATABASE_URL"], name),
        "tests.acceptance.settings3",
        port,
    )
    command = [sys.executable, "-m", "uvicorn", "saleor.asgi:application"]
    command += ["--host", "127.0.0.1", "--port", str(port), "--lifespan", "off", "--ws", "none"]
    try:
        with server.running(env, [*command, "--log-level", "warning"], "/health/") as started:
            yield started
    finally:
        with django_db_blocker.unblock(), administrator() as cursor:
            databases.drop(cursor, name)


@pytest.fixture(scope="session")
def shop(processes: server.Processes) -> Shop:
    """The shop with its goods, its staff and its owner signed in."""
    return open_for_business(processes)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Any:
    """Show what the server logged during a story that failed."""
    report = yield
    processes = getattr(item, "funcargs", {}).get("shop")
    if report.when == "call" and report.failed and isinstance(processes, Shop):
        log = server.tail(processes.processes.log)
        if log:
            report.sections.append(("server log", log))
    return report
