"""Secrets of the local shop: made up once, kept in the ignored folder, never in the repository."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

HERE = Path(
    os.environ.get("RETENTION_SECRETS") or Path(__file__).parent.parent / ".sandbox/secrets"
)


def keepsake(name: str, length: int = 12) -> str:
    """Return the secret of a name, making it up the first time."""
    file = HERE / name
    if not file.exists():
        HERE.mkdir(parents=True, exist_ok=True, mode=0o700)
        unfinished = HERE / f"{name}.{os.getpid()}"
        unfinished.write_text(secrets.token_urlsafe(length))
        unfinished.chmod(0o600)
        unfinished.replace(file)
    return file.read_text()
