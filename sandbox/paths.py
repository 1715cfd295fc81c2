"""Where the sandbox keeps its things; the one place that names files and folders."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HERE = ROOT / "sandbox"
STATE = ROOT / ".sandbox"

VENV = STATE / "venv"  # Saleor 2.10.1
TOOLS = STATE / "tools"  # ruff and mypy, apart so that their needs never touch the shop's pins
PEERS = STATE / "peers"  # what benchmarks measure against
ORACLE = STATE / "oracle"  # OR-tools, which the offers' search is held against
ANALYSTS = STATE / "analysts"  # pandas and lifetimes, which sums of customers are held against
UV_HOME = STATE / "uv"
SCHEMAS = STATE / "schemas"  # dumps of migrated schemas, named after what they were made from
LOGS = STATE / "logs"
MEDIA = STATE / "media"
MAILS = STATE / "mails"  # what the last shops mailed, a file for each mail
REPORT = STATE / "report.html"  # the page of the two drawn years
POSTGRES = STATE / "postgres"


def python_of(venv: Path) -> Path:
    """Return the interpreter of a virtual environment."""
    return venv / "bin" / "python"
