"""``retention_import`` in a process of its own, on the database of this one.

Shared by the test that kills it and by the benchmark.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from django.db import connection

from sandbox import paths, processes, schemas

LOOK_SECONDS = 0.05


@dataclass
class Importer:
    """A running import; what it says goes to a file."""

    process: subprocess.Popen[bytes]
    log: Path
    peak_bytes: int = 0  # the most memory that was resident at once, on Linux; 0 elsewhere

    def ended(self, seconds: float) -> int:
        """Wait for its end and return the exit code."""
        until = time.monotonic() + seconds
        while self.process.poll() is None:
            assert time.monotonic() < until, self.said()
            self._look()
            time.sleep(LOOK_SECONDS)
        return self.process.returncode

    def kill(self) -> None:
        """Kill it, as a machine that goes down does."""
        assert self.process.poll() is None, self.said()
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def said(self) -> str:
        """Return what it wrote, progress included."""
        return self.log.read_text(errors="replace")

    def _look(self) -> None:
        """Read the kernel's high-water mark.

        Not ``getrusage`` of children: that counts what this process had when it began them.
        """
        try:
            status = Path(f"/proc/{self.process.pid}/status").read_text()
        except OSError:
            return
        for line in status.splitlines():
            if line.startswith("VmHWM:"):
                self.peak_bytes = int(line.split()[1]) * 1024


def start(file: Path, slug: str, *options: str) -> Importer:
    """Start an import of a file into a program."""
    log = file.with_name(f"{file.name}.log")
    log.unlink(missing_ok=True)
    name = connection.settings_dict["NAME"]
    kept = {key: text for key, text in os.environ.items() if not key.startswith("PYTEST_")}
    command = [sys.executable, "-m", "django", "retention_import", str(file), "--program", slug]
    process = processes.start(
        [*command, *options],
        log,
        env={**kept, "DATABASE_URL": schemas.database_url(os.environ["DATABASE_URL"], name)},
        cwd=paths.ROOT,
        death_signal=signal.SIGKILL,
    )
    return Importer(process, log)
