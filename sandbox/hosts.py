"""The Saleors the package is tested on: 2.10.1 in the sandbox, and every 3.x that the machine has.

A Saleor 3.x is a checkout with its own virtual environment, ``$SALEOR_HOME/<version>/.venv``.
Nothing is ever written there: test tools and our package's metadata (which is how Saleor 3.x
discovers a plugin) lie in a folder of the sandbox that is put before it on the path; the code
itself is always that of this tree.
"""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sandbox import bootstrap, locks, packages, paths, processes
from sandbox.console import SandboxError, step

SALEOR_2 = "2.10"
TOOLS = [paths.HERE / "requirements-demo.txt", paths.HERE / "requirements-test.txt"]
PACKAGE = paths.ROOT / "saleor_retention" / "__init__.py"

# What a shop's shell may have set and would change what the tests see.
NOT_INHERITED = ("PYTHON", "PYTEST_", "DJANGO_", "CELERY_", "CACHE_", "REDIS_", "RETENTION_")


@dataclass(frozen=True, slots=True)
class Host:
    """One Saleor: its short name, its interpreter, and its source unless that is installed."""

    name: str
    python: Path
    source: Path | None

    @property
    def is_saleor_2(self) -> bool:
        """Whether this is the Saleor of the package registry."""
        return self.name == SALEOR_2

    @property
    def version(self) -> str:
        """The exact version, read from the source without importing it."""
        if self.source is None:
            return "2.10.1"
        return _version_in(self.source / "saleor" / "__init__.py")

    @property
    def overlay(self) -> Path:
        """The folder with test tools and our metadata for this host."""
        return paths.STATE / f"overlay-{self.name}-{bootstrap.digest(*TOOLS)}"


def home() -> Path:
    """Return the folder that may hold Saleor 3.x checkouts."""
    return Path(os.environ.get("SALEOR_HOME") or "~/saleor").expanduser()


def discover() -> list[Host]:
    """Return 2.10.1 and then every Saleor 3.x found, newest first."""
    found = [
        Host(folder.name, folder / ".venv" / "bin" / "python", folder)
        for folder in home().glob("3.*")
        if (folder / ".venv" / "bin" / "python").exists() and (folder / "saleor").is_dir()
    ]
    found.sort(key=lambda host: [int(part) for part in re.findall(r"\d+", host.name)], reverse=True)
    return [Host(SALEOR_2, paths.python_of(paths.VENV), None), *found]


def select(names: Sequence[str]) -> list[Host]:
    """Return the hosts with these names (all when none is named), or say which are there."""
    there = {host.name: host for host in discover()}
    unknown = [name for name in names if name not in there]
    if unknown:
        raise SandboxError(
            f"no Saleor {', '.join(unknown)} here; found: {', '.join(there)} "
            f"(3.x is looked for as {home()}/<version>/.venv, set SALEOR_HOME to change that)"
        )
    return [there[name] for name in names] if names else list(there.values())


def prepare(host: Host) -> None:
    """Build or refresh the overlay of a 3.x host; 2.10.1 has everything in its environment.

    A folder is never changed under a run that uses it: other tools make another folder.
    """
    if host.is_saleor_2:
        return
    with locks.exclusive(paths.STATE / f"overlay-{host.name}.lock", f"it prepares {host.name}"):
        if not host.overlay.exists():
            unfinished = host.overlay.with_name(f"{host.overlay.name}.{os.getpid()}")
            with step(f"preparing the tests for Saleor {host.version}"):
                packages.install(host.python, TOOLS, unfinished)
            unfinished.rename(host.overlay)
        _write_metadata(host.overlay)


def _write_metadata(overlay: Path) -> None:
    """Write what an installation of our package leaves behind, so that entry points are found."""
    import tomllib  # here: bootstrap.py, which shares this folder, runs on older Pythons too

    project = tomllib.loads((paths.ROOT / "pyproject.toml").read_text())["project"]
    name, version = project["name"], _version_in(PACKAGE)
    lines = []
    for group, points in project["entry-points"].items():
        lines.append(f"[{group}]")
        lines += [f"{point} = {target}" for point, target in points.items()]
    info = overlay / f"{name.replace('-', '_')}.dist-info"
    info.mkdir(exist_ok=True)
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    for file, text in (("METADATA", metadata), ("entry_points.txt", "\n".join(lines) + "\n")):
        unfinished = info / f"{file}.{os.getpid()}"
        unfinished.write_text(text)
        unfinished.replace(info / file)


def _version_in(file: Path) -> str:
    found = re.search(r'^__version__ = "([^"]+)"', file.read_text(), re.MULTILINE)
    if found is None:
        raise SandboxError(f"{file} names no version")
    return found.group(1)


def environment(host: Host, database_url: str, settings: str) -> dict[str, str]:
    """Return the environment in which a process of this host runs our code."""
    path = [paths.ROOT] if host.source is None else [paths.ROOT, host.overlay, host.source]
    kept = {name: value for name, value in os.environ.items() if not name.startswith(NOT_INHERITED)}
    return {
        **kept,
        "PYTHONPATH": os.pathsep.join(map(str, path)),
        "PYTHONPYCACHEPREFIX": str(paths.STATE / "bytecode"),  # not beside the checkouts' sources
        "PYTHONUNBUFFERED": "1",
        "DATABASE_URL": database_url,
        "DJANGO_SETTINGS_MODULE": settings,
        "RETENTION_HOST": host.name,
        "RETENTION_SCHEMA": schema_key(host),
        "RETENTION_SECRETS": str(paths.STATE / "secrets"),
    }


def schema_key(host: Host) -> str:
    """Name the schema of a host: the version and a digest of what decides it.

    For 2.10.1 that is the pinned list; for 3.x the names of Saleor's migrations, which change with
    every change of a model; for both, how the tables are made.
    """
    digest = hashlib.sha256((paths.HERE / "make_schema.py").read_bytes())
    if host.source is None:
        digest.update((paths.HERE / "requirements.txt").read_bytes())
    else:
        for file in sorted(host.source.glob("saleor/*/migrations/[0-9]*.py")):
            digest.update(f"{file.parent.parent.name}/{file.name}\n".encode())
    how = "" if made_from_models() else "_full"
    return f"{host.version.replace('.', '_')}_{digest.hexdigest()[:8]}{how}"


def made_from_models() -> bool:
    """Tell whether tables come from the models instead of the migrations (see make_schema.py)."""
    return os.environ.get("SCHEMA") != "migrations"


def call(host: Host, command: Sequence[str], env: dict[str, str]) -> int:
    """Run a Python command of a host in the foreground and return its exit code."""
    process = subprocess.Popen(
        [str(host.python), *command],
        cwd=paths.ROOT,
        env=env,
        preexec_fn=processes.die_with_parent(),
    )
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:
            continue  # the child got it too, and says itself what was running
