"""What each process asked for and what it was told, on disk before anything else happens.

One file a process, one JSON object a line, each flushed to the disk. The last line of a process
that was killed may be cut off: it was then not acknowledged to anybody.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any


class Journal:
    """The journal of one process."""

    def __init__(self, folder: Path, name: str) -> None:
        """Begin a new file."""
        self._file = os.open(folder / f"{name}.jsonl", os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def write(self, said: str, **what: Any) -> None:
        """Add a line; it is on the disk when this returns."""
        self.count(said, **what)
        os.fsync(self._file)

    def count(self, said: str, **what: Any) -> None:
        """Add a line that only statistics are made of."""
        os.write(self._file, (json.dumps({"said": said, **what}) + "\n").encode())


def read(folder: Path) -> Iterator[dict[str, Any]]:
    """Yield all lines of all processes, file by file, each file in its order."""
    for file in sorted(folder.glob("*.jsonl")):
        for text in file.read_text().splitlines():
            try:
                yield json.loads(text)
            except ValueError:
                continue  # cut off by a kill
