"""Child processes that never outlive us.

Each long-running child leads a process group of its own, so that stopping it stops what it started.
On Linux the kernel is told as well to stop it when we are killed without a chance to clean up.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import pwd
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from sandbox.console import SandboxError

PR_SET_PDEATHSIG = 1
STOP_SECONDS_MAX = 15


def die_with_parent(signal_number: int = signal.SIGTERM) -> Callable[[], None] | None:
    """Return a function for ``preexec_fn`` that ties a child's life to ours, or None off Linux."""
    if not sys.platform.startswith("linux"):
        return None
    prctl = ctypes.CDLL(None, use_errno=True).prctl  # looked up here: a fork must not import
    parent = os.getpid()

    def tie() -> None:
        prctl(PR_SET_PDEATHSIG, int(signal_number), 0, 0, 0)
        if os.getppid() != parent:  # the parent was gone before the tie was made
            os.kill(os.getpid(), signal_number)

    return tie


def unprivileged() -> dict[str, Any]:
    """Return what makes ``subprocess`` run as ``nobody`` when we are root, else nothing."""
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def start(command: Sequence[str | Path], log: Path, **options: Any) -> subprocess.Popen[bytes]:
    """Start a long-running child in its own process group, its output in ``log``."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        return subprocess.Popen(
            [str(part) for part in command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=die_with_parent(options.pop("death_signal", signal.SIGTERM)),
            **options,
        )


def stop(process: subprocess.Popen[bytes], signal_number: int = signal.SIGTERM) -> None:
    """Stop a child and everything in its group; kill what does not go by itself."""
    if process.poll() is None:
        _signal_group(process.pid, signal_number)
        try:
            process.wait(STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            _signal_group(process.pid, signal.SIGKILL)
            process.wait()


def _signal_group(group: int, signal_number: int) -> None:
    try:
        os.killpg(group, signal_number)
    except ProcessLookupError:
        return


def is_alive(pid: int) -> bool:
    """Tell whether a process exists (also when it belongs to somebody else)."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def wait_gone(pid: int, seconds: float) -> bool:
    """Wait until a process has ended, our child or not; False when it is still there."""
    until = time.monotonic() + seconds
    while is_alive(pid):
        with contextlib.suppress(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)  # an ended child of ours stays until somebody asks for it
        if time.monotonic() > until:
            return False
        time.sleep(0.02)
    return True


def run(
    command: Sequence[str | Path],
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    failure: str,
) -> None:
    """Run a command in silence; on failure raise ``failure`` with the end of what it printed."""
    result = subprocess.run(
        [str(part) for part in command],
        env=env,
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        preexec_fn=die_with_parent(),
    )
    if result.returncode != 0:
        raise SandboxError(f"{failure}\n{result.stdout[-3000:]}")


def exit_on_signals() -> None:
    """Make SIGTERM and SIGHUP an orderly exit, so that ``finally`` blocks run as on Ctrl-C.

    Ctrl-C itself is set as well: a shell that starts us in the background has it ignored.
    """

    def leave(signal_number: int, _frame: object) -> None:
        raise SystemExit(128 + signal_number)

    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, leave)
    signal.signal(signal.SIGHUP, leave)
