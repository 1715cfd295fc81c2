"""What the suite found on each Saleor: read from pytest's report, shown, kept in a file."""

from __future__ import annotations

import datetime as dt
import json
import subprocess
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

from sandbox import paths

TESTED = paths.ROOT / "docs" / "tested.json"
LEFT_OUT = "left out"
FAULTS = ("failure", "error")
TESTS_FAILED = 1  # pytest's exit code for that; anything above says that the run itself went wrong
ABOUT = ("commit", "date")


@dataclass(frozen=True, slots=True)
class Result:
    """The counts of one run on one Saleor."""

    version: str
    passed: int
    failed: int
    left_out: int
    skipped: int
    seconds: int
    exit_code: int
    failures: tuple[str, ...] = ()  # a line each: the test and the first line of what it said

    @property
    def is_good(self) -> bool:
        """Whether everything that ran passed."""
        return self.exit_code == 0 and self.failed == 0


def read(report: Path, version: str, seconds: float, exit_code: int) -> Result:
    """Count the outcomes in a JUnit report; a run that died before writing one failed once."""
    if not report.exists():
        return Result(version, 0, 1, 0, 0, round(seconds), exit_code or 1)
    passed = left_out = skipped = 0
    failures = []
    for case in ET.parse(report).getroot().iter("testcase"):
        skip = case.find("skipped")
        fault = next((part for part in case if part.tag in FAULTS), None)
        if fault is not None:
            failures.append(_line(case, fault))
        elif skip is None:
            passed += 1
        elif LEFT_OUT in skip.get("message", ""):
            left_out += 1
        else:
            skipped += 1
    failed = len(failures)
    if exit_code > TESTS_FAILED:  # interrupted, misused, or nothing was found to run
        failed += 1
    counts = (passed, failed, left_out, skipped, round(seconds))
    return Result(version, *counts, exit_code, tuple(failures))


def _line(case: ET.Element, fault: ET.Element) -> str:
    said = (fault.get("message") or "").strip().splitlines()
    return f"{case.get('classname')}::{case.get('name')}: {said[0] if said else fault.tag}"


def table(results: Sequence[Result]) -> str:
    """Render the results, one Saleor a row."""
    rows: list[tuple[str, ...]] = [("Saleor", "passed", "failed", "left out", "skipped", "seconds")]
    for result in results:
        counts = (result.passed, result.failed, result.left_out, result.skipped, result.seconds)
        rows.append((result.version, *map(str, counts)))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = [
        "  ".join(
            cell.ljust(width) if column == 0 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    ]
    return "\n".join([lines[0], "-" * len(lines[0]), *lines[1:]])


def failures(results: Sequence[Result]) -> list[str]:
    """Say of each test that failed which it was, on which Saleor, and the first line of why.

    Where several Saleors run at once, what pytest said of it is far above the end.
    """
    return [f"failed on {result.version}: {line}" for result in results for line in result.failures]


def summary(results: Sequence[Result]) -> str:
    """Render the sums in one line, for machines."""
    passed = sum(result.passed for result in results)
    failed = sum(result.failed for result in results)
    skipped = sum(result.left_out + result.skipped for result in results)
    return f"{passed} passed, {failed} failed, {skipped} skipped"


def keep(results: Sequence[Result]) -> None:
    """Record full runs in docs/tested.json; versions that were not run keep what they had."""
    known = {row["version"]: row for row in load()}
    about = {"commit": _commit(), "date": dt.datetime.now(dt.UTC).date().isoformat()}
    for result in results:
        row = asdict(result)
        del row["exit_code"], row["seconds"], row["failures"]
        known[result.version] = row | about
    rows = sorted(known.values(), key=lambda row: _order(row["version"]), reverse=True)
    TESTED.parent.mkdir(exist_ok=True)
    TESTED.write_text(json.dumps(rows, indent=2) + "\n")


def stale() -> list[str]:
    """Say which recorded runs are older than the last change of what differs between hosts."""
    parts = [f"saleor_retention/{name}" for name in ("host", "plugin.py", "graphql")]
    last = _git("log", "-1", "--format=%h", "--", *parts)
    notices = []
    for row in load():
        tested = str(row["commit"]).removesuffix("+")
        if last and _git("rev-list", "-1", f"{tested}..{last}", "--", *parts):
            notices.append(
                f"note: Saleor {row['version']} was last tested at {tested}; the host adapters, "
                f"the plugin or its GraphQL changed since, last in {last}"
            )
    return notices


def markdown() -> str:
    """Render the recorded runs as the table that the README shows."""
    if not load():
        return "No full run is recorded yet."
    lines = ["| Saleor | passed | left out | at commit | on |", "|---|---|---|---|---|"]
    lines += [
        f"| {' | '.join(str(row[name]) for name in ('version', 'passed', 'left_out', *ABOUT))} |"
        for row in load()
    ]
    return "\n".join(lines)


def load() -> list[dict[str, Any]]:
    """Return the recorded runs, newest Saleor first."""
    return json.loads(TESTED.read_text()) if TESTED.exists() else []


def _order(version: str) -> list[int]:
    return [int(part) for part in version.split(".") if part.isdigit()]


def _commit() -> str:
    head = _git("rev-parse", "--short", "HEAD")
    is_changed = _git("status", "--porcelain", "--", "saleor_retention", "tests")
    return f"{head}+" if is_changed else head


def _git(*arguments: str) -> str:
    """Return what git says, nothing where it cannot answer (no history, a shallow clone)."""
    answer = subprocess.run(
        ["git", "-C", str(paths.ROOT), *arguments], capture_output=True, text=True, check=False
    )
    return answer.stdout.strip() if answer.returncode == 0 else ""
