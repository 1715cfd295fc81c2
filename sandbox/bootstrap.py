"""From a bare machine to an interpreter that has Saleor 2.10.1; then hand over to the sandbox.

Runs on whatever ``python3`` the system has, with the standard library alone: it looks for a Python
that the pinned list works on, brings a fast installer with pip, and builds ``.sandbox/venv``.

    python3 -m sandbox.bootstrap <command> [arguments]
"""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

from sandbox import locks, packages, paths, processes
from sandbox.console import SandboxError, fail, step

PYTHONS = ((3, 11), (3, 12), (3, 13))
GLIBC_MIN = (2, 34)
NEED_TEST_TOOLS = {"test", "unit", "pytest", "bench", "soak"}
NEED_DEMO_TOOLS = {"demo", "shop", *NEED_TEST_TOOLS}


def main(arguments: list[str]) -> int:  # noqa: RET503  (execv does not return)
    """Prepare the environment for a command, then become the sandbox running it."""
    processes.exit_on_signals()
    try:
        with locks.exclusive(paths.STATE / "bootstrap.lock", "it is installing the sandbox"):
            venv = ensure_for(arguments[0] if arguments else "")
    except SandboxError as error:
        return fail(error)
    except KeyboardInterrupt:
        return 130
    python = str(paths.python_of(venv))
    os.chdir(paths.ROOT)
    os.execv(python, [python, "-m", "sandbox", *arguments])


def ensure_for(command: str) -> Path:
    """Build or refresh, when a pin changed, the environment that a command runs in; return it."""
    if command in {"lint", "readme"}:
        install(paths.TOOLS, [paths.HERE / "requirements-lint.txt"])
        return paths.TOOLS
    lists = [paths.HERE / "requirements.txt"]
    if "DATABASE_URL" not in os.environ:
        require_glibc()
        lists.append(paths.HERE / "requirements-postgres.txt")
    if command in NEED_DEMO_TOOLS:
        lists.append(paths.HERE / "requirements-demo.txt")
    if command in NEED_TEST_TOOLS:
        lists.append(paths.HERE / "requirements-test.txt")
    install(paths.VENV, lists)
    return paths.VENV


def install(venv: Path, lists: list[Path]) -> None:
    """Install pinned lists into a virtual environment unless its stamps say that it has them."""
    missing = [entry for entry in lists if not _is_stamped(venv, entry)]
    if not missing:
        return
    python = paths.python_of(venv)
    is_stale = any((venv / "stamps" / entry.name).exists() for entry in missing)
    with step(f"installing {', '.join(entry.name for entry in missing)}"):
        if is_stale or not python.exists():  # what an older list left behind must go
            packages.create_environment(find_python(), venv)
            missing = lists
        packages.install(python, missing)
        (venv / "stamps").mkdir(exist_ok=True)
        for entry in missing:
            (venv / "stamps" / entry.name).write_text(digest(entry, packages.CONSTRAINTS))


def _is_stamped(venv: Path, entry: Path) -> bool:
    stamp = venv / "stamps" / entry.name
    if not (paths.python_of(venv).exists() and stamp.exists()):
        return False
    return stamp.read_text() == digest(entry, packages.CONSTRAINTS)


def digest(*files: Path) -> str:
    """Return a short name for the contents of some files."""
    return hashlib.sha256(b"\0".join(file.read_bytes() for file in files)).hexdigest()[:16]


def find_python() -> str:
    """Return the absolute path of a Python the pinned list works on.

    Tried in this order: $PYTHON, the one running this, pyenv's 3.12, 3.13 and 3.11, then
    python3.12, python3.13 and python3.11 on PATH. A name alone is not enough: under pyenv it may be
    a shim that refuses to run.
    """
    candidates = [os.environ.get("PYTHON", ""), sys.executable]
    for minor in (12, 13, 11):
        candidates += [_pyenv_python(f"3.{minor}"), f"python3.{minor}", f"/usr/bin/python3.{minor}"]
    for candidate in filter(None, candidates):
        found = _ask(candidate)
        if found is not None:
            return found
    raise SandboxError(
        "Python 3.11, 3.12 or 3.13 is needed and none was found. "
        "Install one, or name it: make demo PYTHON=/path/to/python3.12"
    )


def _pyenv_python(version: str) -> str:
    if shutil.which("pyenv") is None:
        return ""
    found = subprocess.run(
        ["pyenv", "prefix", version], capture_output=True, text=True, check=False
    )
    return f"{found.stdout.strip()}/bin/python" if found.returncode == 0 else ""


def _ask(candidate: str) -> str | None:
    question = "import sys, venv; print(*sys.version_info[:2], sys.executable)"
    try:
        answer = subprocess.run(
            [candidate, "-c", question], capture_output=True, text=True, check=False
        )
    except OSError:
        return None
    if answer.returncode != 0:
        return None
    major, minor, executable = answer.stdout.split(maxsplit=2)
    return executable.strip() if (int(major), int(minor)) in PYTHONS else None


def require_glibc() -> None:
    """Refuse early, with the way out, where the PostgreSQL wheel cannot run."""
    name, version = platform.libc_ver()
    too_old = name == "glibc" and tuple(map(int, version.split(".")[:2])) < GLIBC_MIN
    if sys.platform.startswith("linux") and name == "glibc" and not too_old:
        return
    found = f"{name} {version}".strip() or f"{platform.system()} without glibc"
    raise SandboxError(
        f"The bundled PostgreSQL needs Linux with glibc {GLIBC_MIN[0]}.{GLIBC_MIN[1]} or newer; "
        f"this is {found}.\nUse a server of yours instead (extensions hstore, pg_trgm, btree_gin, "
        "pgcrypto; a user that may create databases):\n"
        "  DATABASE_URL=postgres://user:password@localhost:5432/postgres make demo"
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
