"""The CSV file that brings points from another system, read row by row and checked by itself.

What a row says is checked here; what the shop and the ledger say to it, in ``importing``.
A file of any length is read in constant memory: what rows came before is remembered on disk.
"""

from __future__ import annotations

import csv
import datetime as dt
import hashlib
import re
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TextIO
from zoneinfo import ZoneInfo

from saleor_retention.engine.periods import end_of_local_day, start_of_local_day
from saleor_retention.engine.spreadsheets import plain
from saleor_retention.errors import Code, Refusal

REQUIRED = ("external_id", "points")
WHO = ("email", "user_id")
OPTIONAL = ("valid_from", "expires_at", "note")
ADDED = ("line", "reason")  # by a report of rejected rows, which may be mended and read again
NEVER = "never"

EXTERNAL_ID_LENGTH_MAX = 100
NOTE_LENGTH_MAX = 1000
POINTS_MAX = 2**31 - 1  # what GraphQL can show
WHOLE = re.compile(r"[+-]?[0-9]+")
USER_ID = re.compile(r"[0-9]{1,9}")


@dataclass(frozen=True, slots=True)
class Row:
    """One balance or lot of one member, as the other system has it."""

    line: int
    cells: Mapping[str, str]
    external_id: str
    email: str  # "" where only the user's key is given
    user_ref: str  # "" where only the address is given
    points: int
    valid_from: dt.datetime | None  # None: from now on
    expires_at: dt.datetime | None  # None: as the program says, or for ever
    is_for_ever: bool
    note: str

    @property
    def key(self) -> str:
        """Return the idempotency key of the row's posting."""
        return f"import:{self.external_id}"

    @property
    def content(self) -> str:
        """Return what makes two rows of one key the same; the words only as a digest."""
        expires_at = NEVER if self.is_for_ever else _text(self.expires_at)
        words = hashlib.sha256(self.note.encode()).hexdigest()
        return f"{self.points}|{_text(self.valid_from)}|{expires_at}|{words}"


@dataclass(frozen=True, slots=True)
class Rejected:
    """One row that brings nothing, and why."""

    line: int
    cells: Mapping[str, str]
    reason: str


@dataclass(slots=True)
class Seen:
    """What stood in the file before, in a temporary database on disk."""

    _rows: sqlite3.Connection = field(default_factory=lambda: sqlite3.connect(""))

    def __post_init__(self) -> None:
        self._rows.execute(
            "CREATE TABLE seen (name TEXT PRIMARY KEY, line INTEGER, digest BLOB) WITHOUT ROWID"
        )

    def first_line(self, name: str, line: int, content: str = "") -> tuple[int, bool]:
        """Remember a name; return the line it first stood in and whether that one said the same."""
        digest = hashlib.sha256(content.encode()).digest()
        self._rows.execute("INSERT OR IGNORE INTO seen VALUES (?, ?, ?)", (name, line, digest))
        found = self._rows.execute("SELECT line, digest FROM seen WHERE name = ?", (name,))
        first, known = found.fetchone()
        return first, known == digest


class _Unfit(Exception):
    """A cell says what cannot be; the message names column and rule."""


def open_reader(file: TextIO) -> csv.DictReader[str]:
    """Return a reader whose header was checked.

    Refusals: REQUIRED (a column is missing), INVALID (a column that nobody knows or that stands
    there twice; text that cannot be read).
    """
    reader = csv.DictReader(file, strict=True)
    try:
        names = list(reader.fieldnames or ())
    except (csv.Error, UnicodeDecodeError) as error:
        raise _unreadable(1, error) from None
    missing = [name for name in REQUIRED if name not in names]
    if missing or not set(WHO) & set(names):
        column = missing[0] if missing else " or ".join(WHO)
        message = f"The column {column} is missing; the first line names the columns."
        raise Refusal(Code.REQUIRED, message, column)
    unknown = [name for name in names if name not in (*REQUIRED, *WHO, *OPTIONAL, *ADDED)]
    if unknown:
        raise Refusal(Code.INVALID, f'The column "{unknown[0]}" is unknown.', unknown[0])
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise Refusal(Code.INVALID, f"The column {twice} stands there twice.", twice)
    return reader


def read(reader: csv.DictReader[str], time_zone: str) -> Iterator[Row | Rejected]:
    """Yield each row, or why it cannot be one.

    Days and times without an offset are the program's: a day begins in the first column and ends in
    the second. A mended report of rejected rows is read as what it was made of. Raises
    ``Refusal(INVALID)`` where the file ends to be CSV in UTF-8.
    """
    is_report = set(ADDED) <= set(reader.fieldnames or ())
    while True:
        try:
            record = next(reader, None)
        except (csv.Error, UnicodeDecodeError) as error:
            raise _unreadable(reader.line_num + 1, error) from None
        if record is None:
            return
        extra = record.pop(None, None)
        cells = {name: (text or "").strip() for name, text in record.items()}
        if is_report:
            cells = {name: plain(text) for name, text in cells.items()}
        try:
            yield _row(reader.line_num, cells, time_zone, is_too_long=extra is not None)
        except _Unfit as unfit:
            yield Rejected(reader.line_num, cells, str(unfit))


def count(file: TextIO) -> int:
    """Return how many rows a file has, as far as it is CSV; for progress, so nothing is refused."""
    rows = -1  # the header
    try:
        for record in csv.reader(file, strict=True):
            rows += bool(record)
    except csv.Error:
        pass
    return max(rows, 0)


def report_columns(names: Sequence[str]) -> list[str]:
    """Return the columns of a report: those of the file, the line and the reason."""
    return [*(name for name in names if name not in ADDED), *ADDED]


def _row(line: int, cells: Mapping[str, str], time_zone: str, *, is_too_long: bool) -> Row:
    if is_too_long:
        raise _Unfit("It has more cells than there are columns.")
    if any("\0" in text for text in cells.values()):
        raise _Unfit("It holds a zero byte.")
    email, user_ref = cells.get("email", ""), cells.get("user_id", "")
    if not email and not user_ref:
        raise _Unfit("email: Neither an e-mail address nor a user_id says whose points these are.")
    if user_ref and not USER_ID.fullmatch(user_ref):
        raise _Unfit(f'user_id: "{user_ref}" is not the number of a user.')
    valid_from = _instant(cells, "valid_from", time_zone)
    is_for_ever = cells.get("expires_at", "").lower() == NEVER
    expires_at = None if is_for_ever else _instant(cells, "expires_at", time_zone)
    if valid_from is not None and expires_at is not None and expires_at <= valid_from:
        raise _Unfit("expires_at: The points would expire before they are valid.")
    note = cells.get("note", "")
    if len(note) > NOTE_LENGTH_MAX:
        raise _Unfit(f"note: It has {NOTE_LENGTH_MAX} characters at most.")
    return Row(
        line=line,
        cells=cells,
        external_id=_external_id(cells["external_id"]),
        email=email,
        user_ref=str(int(user_ref)) if user_ref else "",
        points=_points(cells["points"]),
        valid_from=valid_from,
        expires_at=expires_at,
        is_for_ever=is_for_ever,
        note=note,
    )


def _external_id(text: str) -> str:
    if not text:
        raise _Unfit("external_id: It is empty.")
    if len(text) > EXTERNAL_ID_LENGTH_MAX:
        raise _Unfit(f"external_id: It has {EXTERNAL_ID_LENGTH_MAX} characters at most.")
    if "@" in text:
        raise _Unfit(
            "external_id: It looks like an e-mail address, and the ledger keeps it for ever; "
            "name the row by a number."
        )
    return text


def _points(text: str) -> int:
    if not WHOLE.fullmatch(text):
        raise _Unfit(f'points: "{text}" is not a whole number.')
    digits = text.lstrip("+-").lstrip("0")
    if not digits:
        raise _Unfit("points: Zero points bring nothing.")
    if text.startswith("-"):
        raise _Unfit(f"points: {text} is negative.")
    if len(digits) > len(str(POINTS_MAX)) or int(digits) > POINTS_MAX:
        raise _Unfit(f"points: {POINTS_MAX} is the most that one row can bring.")
    return int(digits)


def _instant(cells: Mapping[str, str], column: str, time_zone: str) -> dt.datetime | None:
    text = cells.get(column, "")
    if not text:
        return None
    day_at = end_of_local_day if column == "expires_at" else start_of_local_day
    try:
        try:
            return day_at(dt.date.fromisoformat(text), time_zone)
        except ValueError:
            at = dt.datetime.fromisoformat(text)
        aware = at.replace(tzinfo=ZoneInfo(time_zone)) if at.tzinfo is None else at
        return aware.astimezone(dt.UTC)
    except (ValueError, OverflowError):
        message = f'{column}: "{text}" is neither a day (2026-12-31) nor a time in ISO 8601.'
        raise _Unfit(message) from None


def _text(at: dt.datetime | None) -> str:
    return "" if at is None else at.isoformat()


def _unreadable(line: int, error: Exception) -> Refusal:
    return Refusal(Code.INVALID, f"Line {line} is not CSV in UTF-8: {error}.")
