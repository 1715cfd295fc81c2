"""A second PostgreSQL beside the sandbox's own, for whoever has to crash one.

It uses the binaries of the running server of the sandbox and a data directory of its own, which
goes when it is closed. Unlike the shared one it is set as a shop's server is: what was committed
has to survive a crash.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path

from sandbox import paths, postgres, processes
from sandbox.console import SandboxError

LOG = paths.LOGS / "postgres-spare.log"
PREFIX = "spare-"
SPACE = {"max_connections": "100", "shared_buffers": "64MB", "jit": "off"}
HASTY = SPACE | {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
DURABLE = SPACE | {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}


class SpareServer:
    """A server that can be crashed and started again, on the same port."""

    def __init__(self) -> None:
        """Make its data directory beside the sandbox server's."""
        shared = postgres.running()
        if shared is None:
            raise SandboxError("the sandbox's PostgreSQL is not running")
        self.binaries = Path(shared.binaries)
        beside = Path(shared.data).parent
        _prune(beside)
        self.data = beside / f"{PREFIX}{os.getpid()}"
        self.port = postgres.free_port()
        self._process: subprocess.Popen[bytes] | None = None
        postgres.initialize(self.binaries, self.data)

    @property
    def url(self) -> str:
        """The address of its maintenance database."""
        return f"postgres://{postgres.USER}@127.0.0.1:{self.port}/postgres"

    def start(self, settings: Mapping[str, str]) -> None:
        """Start it; after a crash it recovers from its log first. Returns when it answers."""
        self._process = postgres.launch(self.binaries, self.data, self.port, settings, LOG)

    def crash(self) -> None:
        """Shut it down at once: sessions die, memory is lost, nothing is written any more."""
        self._end(signal.SIGQUIT)

    def stop(self) -> None:
        """Shut it down in order."""
        self._end(signal.SIGINT)

    def close(self) -> None:
        """End it and remove its data."""
        self.crash()
        shutil.rmtree(self.data, ignore_errors=True)

    def copy(self, source_url: str, database: str) -> None:
        """Copy a database of another server into a new one of the same name."""
        where = ["-h", "127.0.0.1", "-p", str(self.port), "-U", postgres.USER]
        processes.run(
            [self.binaries / "createdb", *where, "-T", "template0", database],
            failure="The spare database could not be made.",
        )
        dump = subprocess.Popen(
            [self.binaries / "pg_dump", "--no-owner", source_url], stdout=subprocess.PIPE
        )
        restore: list[str | Path] = [self.binaries / "psql", *where, "-d", database, "-X", "-q"]
        restored = subprocess.run(
            [*restore, "-1", "-v", "ON_ERROR_STOP=1"],
            stdin=dump.stdout,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            check=False,
        )
        if dump.wait() or restored.returncode:
            said = restored.stderr.decode()[-2000:]
            raise SandboxError(f"The schema could not be copied to the spare server.\n{said}")

    def _end(self, how: signal.Signals) -> None:
        if self._process is not None:
            processes.stop(self._process, how)
            self._process = None


def _prune(folder: Path) -> None:
    """Remove what processes left behind that were killed."""
    for data in folder.glob(f"{PREFIX}*"):
        owner = data.name.removeprefix(PREFIX)
        if owner.isdigit() and not processes.is_alive(int(owner)):
            shutil.rmtree(data, ignore_errors=True)
