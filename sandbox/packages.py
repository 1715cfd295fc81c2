"""Pinned packages into an environment: with a fast installer, or with pip where that fails.

Nothing is resolved and nothing compiled: every list is complete, and the compiler is hidden so that
a build gives the same result wherever it is done.
"""

from __future__ import annotations

import os
import ssl
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from sandbox import paths, processes
from sandbox.console import SandboxError, say, step

UV = "uv==0.13.9"
CONSTRAINTS = paths.HERE / "build-constraints.txt"
CERTIFICATES = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt")


def create_environment(python: str, folder: Path) -> None:
    """Make an empty virtual environment, replacing what was there."""
    command: list[str | Path] = [python, "-m", "venv", "--clear", "--without-pip", folder]
    processes.run(command, failure="The virtual environment could not be made.")


def install(python: Path, lists: Sequence[Path], target: Path | None = None) -> None:
    """Install pinned lists for an interpreter, into its environment or into a folder apart."""
    files = [str(part) for file in lists for part in ("-r", file)]
    where = ["--target", str(target)] if target else []
    try:
        uv: list[str | Path] = [
            ensure_uv(),
            "pip",
            "install",
            "--quiet",
            "--no-deps",
            "--python",
            python,
        ]
        uv += ["--build-constraints", CONSTRAINTS]
        processes.run([*uv, *where, *files], env=_uv_environment(), failure="uv failed.")
    except SandboxError as error:
        say(f"  the fast installer got nowhere, pip takes over ({_last_line(error)})")
        pip: list[str | Path] = [
            *pip_command(),
            "--python",
            python,
            "install",
            "--quiet",
            "--no-deps",
        ]
        pip += ["--ignore-requires-python"]
        processes.run(
            [*pip, *where, *files],
            env=_environment() | {"PIP_CONSTRAINT": str(CONSTRAINTS)},
            failure="The pinned packages could not be installed.",
        )


def ensure_uv() -> Path:
    """Return the pinned installer, fetched with pip into a folder of its own on first use."""
    folder = paths.UV_HOME / UV
    if not (folder / "bin" / "uv").exists():
        with step(f"fetching the installer {UV}"):
            processes.run(
                [*pip_command(), "install", "--quiet", "--target", folder, UV],
                failure=f"pip could not fetch {UV}.",
            )
    return folder / "bin" / "uv"


def pip_command() -> list[str]:
    """Return how to call pip, from the interpreter that the person started us with."""
    for python in dict.fromkeys([sys.executable, "python3", "/usr/bin/python3"]):
        try:
            found = subprocess.run(
                [python, "-m", "pip", "--version"], capture_output=True, check=False
            )
        except OSError:
            continue
        if found.returncode == 0:
            return [python, "-m", "pip", "--no-input", "--disable-pip-version-check"]
    raise SandboxError(
        "pip is needed and python3 has none (Debian and Ubuntu: apt install python3-pip)."
    )


def _environment() -> dict[str, str]:
    return {**os.environ, "CC": "/bin/false", "CXX": "/bin/false"}


def _uv_environment() -> dict[str, str]:
    """Tell uv what pip was told about certificates and the index."""
    env = _environment()
    if "PIP_CERT" in env:
        env.setdefault("SSL_CERT_FILE", env["PIP_CERT"])
    if "PIP_INDEX_URL" in env:
        env.setdefault("UV_DEFAULT_INDEX", env["PIP_INDEX_URL"])
    known = (*CERTIFICATES, ssl.get_default_verify_paths().openssl_cafile)
    if any(Path(file).exists() for file in known):
        env.setdefault("UV_SYSTEM_CERTS", "true")
    return env


def _last_line(error: SandboxError) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1]
