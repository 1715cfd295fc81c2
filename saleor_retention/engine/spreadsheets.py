"""CSV that a spreadsheet opens as data and never as a formula."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from decimal import Decimal

Cell = str | int | Decimal

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")


def safe(cell: Cell) -> str:
    """Return a cell as it is written; text that a spreadsheet would compute gets an apostrophe.

    Numbers are numbers and stay as they are, also negative ones.

    >>> safe("=1+1"), safe("Club"), safe(-5)
    ("'=1+1", 'Club', '-5')
    """
    if isinstance(cell, Decimal):
        return f"{cell:f}"
    if isinstance(cell, int):
        return str(cell)
    is_formula = cell.lstrip(" ").startswith(FORMULA_STARTS)
    return f"'{cell}" if is_formula else cell


def plain(text: str) -> str:
    """Return the text that ``safe`` has written.

    >>> plain("'=1+1"), plain("'tis"), plain("Club")
    ('=1+1', "'tis", 'Club')
    """
    return text[1:] if text.startswith("'") and safe(text[1:]) == text else text


def table(header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> str:
    """Return a header and rows as CSV (RFC 4180: CRLF, quotes where they are needed)."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow([safe(name) for name in header])
    writer.writerows([safe(cell) for cell in row] for row in rows)
    return text.getvalue()
