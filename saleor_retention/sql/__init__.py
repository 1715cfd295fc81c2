"""Named SQL statements: one posting in one round trip, and set-based work on many rows.

Each file opens with what it does and which Python function is its specification; a test holds
the two equal.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

FOLDER = Path(__file__).parent


@lru_cache(maxsize=64)
def load(name: str) -> str:
    """Return the text of ``<name>.sql``."""
    return (FOLDER / f"{name}.sql").read_text(encoding="utf-8")
