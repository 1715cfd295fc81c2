"""``make lint``: layout, rules and types; needs neither a database nor Saleor."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from sandbox import paths
from sandbox.console import say


def run(arguments: Sequence[str]) -> int:
    """Check everything and return 0 when nothing is amiss; ``--fix`` rewrites the layout first."""
    bin_ = Path(sys.executable).parent
    ruff = [str(bin_ / "ruff")]
    os.environ["RUFF_CACHE_DIR"] = str(paths.STATE / "ruff")
    if "--fix" in arguments:
        subprocess.run([*ruff, "check", "--quiet", "--fix-only", "."], cwd=paths.ROOT, check=False)
        return subprocess.run([*ruff, "format", "."], cwd=paths.ROOT, check=False).returncode
    checks = [
        ("layout", [*ruff, "format", "--check", "--quiet", "--output-format=concise", "."]),
        ("rules", [*ruff, "check", "--output-format=concise", "--quiet", "."]),
        ("types", [sys.executable, "-m", "mypy"]),
    ]
    failed = []
    for name, command in checks:
        say(f"- {name}")
        if subprocess.run(command, cwd=paths.ROOT, check=False).returncode != 0:
            failed.append(name)
    say(f"lint: {'failed in ' + ', '.join(failed) if failed else 'nothing amiss'}")
    return 1 if failed else 0
