"""The processes of the shop under test: Saleor's own server, and a back room beside it.

Both work on a database that is copied for the run and dropped after it; the server listens on a
free port of the loopback interface. The plugin is found through its entry point, as in any shop:
nothing here names it.
"""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sandbox import paths, processes

START_SECONDS_MAX = 120
LOG_TAIL = 6000


class ShopFault(AssertionError):
    """A process of the shop failed; carries the end of its log."""


@dataclass(slots=True)
class BackRoom:
    """A process in Saleor's environment that seeds, runs tasks, and counts rows."""

    process: subprocess.Popen[str]
    log: Path

    def call(self, name: str, **arguments: Any) -> Any:
        """Run a function of ``tests.acceptance.backroom`` there and return its answer."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps({"name": name, "arguments": arguments}) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise ShopFault(f"the back room ended during {name}\n{tail(self.log)}")
        result = json.loads(answer)
        if "fault" in result:
            raise ShopFault(f"{name} failed in the back room\n{result['fault']}")
        return result["answer"]


@dataclass(slots=True)
class Processes:
    """Everything that runs for the stories."""

    url: str
    log: Path
    server: subprocess.Popen[bytes]
    backroom: BackRoom
    environment: dict[str, str] = field(repr=False)


def run_command(shop: Processes, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a management command in the shop's environment, in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "django", *arguments],
        env=shop.environment,
        cwd=paths.ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


def log_of(name: str) -> Path:
    """Return where a process of this host's last run logs."""
    return paths.LOGS / f"acceptance-{os.environ.get('RETENTION_HOST', '')}-{name}.log"


def tail(log: Path, characters: int = LOG_TAIL) -> str:
    """Return the end of a log, its JSON lines as a person reads them."""
    if not log.exists():
        return ""
    text = [_readable(line) for line in log.read_text(errors="replace").splitlines()]
    return "\n".join(text)[-characters:]


def _readable(line: str) -> str:
    try:
        entry = json.loads(line)
    except ValueError:
        return line
    keys = ("asctime", "levelname", "name", "message", "exc_info")
    return " ".join(str(entry[key]) for key in keys if entry.get(key))


def environment(database_url: str, settings: str, port: int) -> dict[str, str]:
    """Return what the shop's processes run in: the test run's environment, another database."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    return {
        **kept,
        "DATABASE_URL": database_url,
        "DJANGO_SETTINGS_MODULE": settings,
        "ACCEPTANCE_SECRET_KEY": secrets.token_urlsafe(48),
        "ACCEPTANCE_PORT": str(port),
        "ACCEPTANCE_WRITER_LOG": str(log_of("writer")),
        "ACCEPTANCE_QUOTE_LOG": str(log_of("quotes")),
        "PYTHONUNBUFFERED": "1",
    }


@contextmanager
def running(env: dict[str, str], command: list[str], probe: str) -> Iterator[Processes]:
    """Start both processes, wait for the server, and end them with all that they started."""
    port = env["ACCEPTANCE_PORT"]
    log, backroom_log = log_of("server"), log_of("backroom")
    for old in (log, backroom_log, log_of("writer"), log_of("quotes")):
        old.unlink(missing_ok=True)
    server = processes.start(command, log, cwd=paths.ROOT, env=env)
    room = _start_backroom(env, backroom_log)
    try:
        _wait_until_up(f"http://127.0.0.1:{port}{probe}", server, log)
        yield Processes(
            url=f"http://127.0.0.1:{port}/graphql/",
            log=log,
            server=server,
            backroom=BackRoom(room, backroom_log),
            environment=env,
        )
    finally:
        assert room.stdin is not None
        room.stdin.close()
        processes.stop(room)
        processes.stop(server)


def _start_backroom(env: dict[str, str], log: Path) -> subprocess.Popen[str]:
    with log.open("ab") as errors:
        return subprocess.Popen(
            [sys.executable, "-m", "tests.acceptance.backroom"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            cwd=paths.ROOT,
            env=env,
            start_new_session=True,
            preexec_fn=processes.die_with_parent(),  # noqa: PLW1509 - it calls one prctl
        )


def _wait_until_up(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + START_SECONDS_MAX
    while time.monotonic() < until and server.poll() is None:
        try:
            urllib.request.urlopen(url, timeout=30).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise ShopFault(f"the server did not come up\n{tail(log)}")
