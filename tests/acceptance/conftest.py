"""One server, one database and one stock of goods for a run; customers are each story's own."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from tests.acceptance import server
from tests.acceptance.client import Client
from tests.acceptance.retention import IN_ZLOTY_TOO, open_program
from tests.acceptance.services import Services
from tests.acceptance.shop import Channel, Shop, open_for_business
from tests.acceptance.stage import Stage
from tests.acceptance.worlds import World, World2, World3, sign_in


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
def shop(processes: server.Processes) -> Iterator[Shop]:
    """The shop with its goods, its staff, the services it calls, and its owner signed in."""
    services = Services()
    yield open_for_business(processes, services)
    services.close()


@pytest.fixture
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    """A shop of the running Saleor, whichever it is."""
    if os.environ["RETENTION_HOST"].startswith("3."):
        shop = request.getfixturevalue("shop")
        yield World3(shop, shop.open_channel())
        return
    from sandbox import demo, seed
    from sandbox.keepsakes import keepsake

    with demo.open_shop() as opened:
        anonymous = Client(opened.url)
        owner = sign_in(anonymous, seed.ADMIN_EMAIL, keepsake("admin_password"))
        channel = Channel("", "default-channel", "USD", "US")
        yield World2(owner, channel, anonymous)


@pytest.fixture(scope="session")
def stage(shop: Shop) -> Stage:
    """The standard program in two channels; C has 20 off by a promotion of the shop in both."""
    net = shop.open_channel()
    gross = shop.open_channel(currency="PLN", country="PL", is_gross=True)
    for channel in (net, gross):
        shop.catalogue_promotion(channel, "C", "20")
    return Stage(shop, net, gross, open_program(shop, [net, gross], IN_ZLOTY_TOO))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Any:
    """Show what the server logged during a story that failed."""
    report = yield
    arguments = getattr(item, "funcargs", {})
    running = arguments.get("shop") or getattr(arguments.get("stage"), "shop", None)
    if report.failed and isinstance(running, Shop):
        log = server.tail(running.processes.log)
        if log:
            report.sections.append(("server log", log))
    return report
