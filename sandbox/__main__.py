"""The sandbox's commands; ``make`` calls them through ``sandbox.bootstrap``, which equips them."""

from __future__ import annotations

import sys
from collections.abc import Callable

from sandbox import (
    bench,
    catalogs,
    demo,
    hosts,
    lint,
    paths,
    postgres,
    processes,
    pytest_on,
    readme,
    schemas,
    soak,
    suite,
)
from sandbox.console import SandboxError, fail, say


def pytest(arguments: list[str]) -> int:
    """Run pytest on one host: ``pytest 3.23 tests/… -x``."""
    if not arguments:
        raise SandboxError("name a Saleor version first: python3 sandbox/pytest_on.py 3.23 tests/")
    (host,) = hosts.select(arguments[:1])
    return pytest_on.run(host, schemas.server_url(), arguments[1:])


def manage(arguments: list[str]) -> int:
    """Run a Django command on one host: ``manage 3.23 makemigrations saleor_retention``."""
    if not arguments:
        raise SandboxError("name a Saleor version first: python3 sandbox/manage_on.py 3.23 check")
    (host,) = hosts.select(arguments[:1])
    hosts.prepare(host)
    settings = "sandbox.settings" if host.is_saleor_2 else "tests.settings.saleor3"
    server = schemas.server_url()
    name = schemas.ensure_base(host, server)
    env = hosts.environment(host, schemas.database_url(server, name), settings)
    return hosts.call(host, ["-m", "django", *arguments[1:]], env)


def pg(_arguments: list[str]) -> int:
    """Start PostgreSQL and leave it running for the runs to come."""
    paths.POSTGRES.mkdir(parents=True, exist_ok=True)
    postgres.keep()
    say(f"PostgreSQL stays at {postgres.acquire().url} until `make clean`.")
    return 0


def clean(_arguments: list[str]) -> int:
    """Stop PostgreSQL unless a run is using it."""
    if postgres.discard():
        say("PostgreSQL is stopped.")
        return 0
    say("PostgreSQL is in use by another run and stops with it.")
    return 0


COMMANDS: dict[str, Callable[[list[str]], int]] = {
    "demo": demo.demo,
    "shop": demo.shop,
    "test": suite.run,
    "unit": suite.unit,
    "bench": bench.run,
    "soak": soak.run,
    "lint": lint.run,
    "readme": readme.run,
    "messages": catalogs.run,
    "pytest": pytest,
    "manage": manage,
    "pg": pg,
    "clean": clean,
}


def main(arguments: list[str]) -> int:
    """Run one command and return its exit code."""
    processes.exit_on_signals()
    name, *rest = arguments or [""]
    if name not in COMMANDS:
        return fail(SandboxError(f"no command {name!r}; there are: {', '.join(COMMANDS)}"))
    try:
        return COMMANDS[name](rest)
    except SandboxError as error:
        return fail(error)
    except KeyboardInterrupt:
        say("\nstopped")
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
