"""The shop's HTTP server: Saleor 2.10.1 on a free port of the loopback interface."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from subprocess import Popen

from sandbox import hosts, paths, postgres, processes
from sandbox.console import SandboxError, step
from sandbox.graphql_client import ApiError, Client

LOG = paths.LOGS / "server.log"
START_SECONDS_MAX = 90


@contextmanager
def running(host: hosts.Host, env: Mapping[str, str], port: int | None = None) -> Iterator[Client]:
    """Start the server, give an anonymous client once it answers, and stop it at the end."""
    port = port or postgres.free_port()
    LOG.unlink(missing_ok=True)
    command: list[str | Path] = [
        host.python,
        "-m",
        "django",
        "runserver",
        "--noreload",
        f"127.0.0.1:{port}",
    ]
    process = processes.start(command, LOG, cwd=paths.ROOT, env=dict(env))
    client = Client(f"http://127.0.0.1:{port}/graphql/")
    try:
        with step("opening the shop"):
            _wait(client, process)
        yield client
    finally:
        processes.stop(process)


def _wait(client: Client, process: Popen[bytes]) -> None:
    until = time.monotonic() + START_SECONDS_MAX
    while process.poll() is None and time.monotonic() < until:
        try:
            client.ask("{ shop { name } }")
        except (OSError, ValueError, ApiError):
            time.sleep(0.1)
        else:
            return
    raise SandboxError(f"The shop did not open.\n{LOG.read_text(errors='replace')[-3000:]}")
