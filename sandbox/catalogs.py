"""``make messages``: compile the translations that the package ships, without gettext's tools.

Reads what the catalogs here use of the PO format: comments, ``msgid``, ``msgid_plural``,
``msgstr``, and strings over several lines.
"""

from __future__ import annotations

import ast
import re
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sandbox import paths
from sandbox.console import SandboxError, say

LOCALE = paths.ROOT / "saleor_retention" / "locale"
KEYWORD = re.compile(r'(msgid_plural|msgid|msgstr)(?:\[\d+\])? (".*")$')
MAGIC = 0x950412DE
HEADER_BYTES = 28


@dataclass(slots=True)
class Entry:
    """One message of a catalog; ``texts`` are its translations by plural form."""

    msgid: str = ""
    msgid_plural: str = ""
    texts: list[str] = field(default_factory=list)

    @property
    def is_translated(self) -> bool:
        """Return whether no form is missing."""
        return bool(self.texts) and all(self.texts)


def run(_arguments: Sequence[str]) -> int:
    """Compile every catalog that holds translations; those of the sources' language hold none."""
    for source in sorted(LOCALE.glob("*/LC_MESSAGES/*.po")):
        entries = read(source)
        if any(entry.is_translated for entry in entries if entry.msgid):
            source.with_suffix(".mo").write_bytes(compiled(entries))
            say(f"{source.parent.parent.name}: {len(entries) - 1} messages")
    return 0


def read(source: Path) -> list[Entry]:
    """Return the entries of a catalog, its header first; refuse what is not understood."""
    entries: list[Entry] = []
    target = ""
    for number, line in enumerate(source.read_text(encoding="utf-8").splitlines(), 1):
        if not line or line.startswith("#"):
            continue
        keyword = KEYWORD.match(line)
        if keyword is None and not (target and line.startswith('"')):
            raise SandboxError(f"{source}:{number}: not understood: {line}")
        if keyword is not None:
            target = keyword[1]
            if target == "msgid":
                entries.append(Entry())
            elif target == "msgstr":
                entries[-1].texts.append("")
        _lengthen(entries[-1], target, ast.literal_eval(line if keyword is None else keyword[2]))
    return entries


def _lengthen(entry: Entry, target: str, text: str) -> None:
    if target == "msgid":
        entry.msgid += text
    elif target == "msgid_plural":
        entry.msgid_plural += text
    else:
        entry.texts[-1] += text


def compiled(entries: Sequence[Entry]) -> bytes:
    """Return a catalog in the binary format that Python's ``gettext`` reads."""
    pairs = sorted(_pairs(entries))
    offset = HEADER_BYTES + 16 * len(pairs)
    tables: list[list[int]] = [[], []]
    body = b""
    for column, table in enumerate(tables):
        for pair in pairs:
            table += [len(pair[column]), offset + len(body)]
            body += pair[column] + b"\0"
    head = (MAGIC, 0, len(pairs), HEADER_BYTES, HEADER_BYTES + 8 * len(pairs), 0, offset)
    numbers = [*head, *tables[0], *tables[1]]
    return struct.pack(f"<{len(numbers)}I", *numbers) + body


def _pairs(entries: Sequence[Entry]) -> Iterator[tuple[bytes, bytes]]:
    for entry in entries:
        if entry.is_translated:
            key = f"{entry.msgid}\0{entry.msgid_plural}" if entry.msgid_plural else entry.msgid
            yield key.encode(), "\0".join(entry.texts).encode()
