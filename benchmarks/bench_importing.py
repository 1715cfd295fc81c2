"""Importing points from a file by ``retention_import``, in a process of its own: rate and memory.

Files of a hundredth, a tenth and all of ``ROWS`` rows, each for a program of its own, checked and
booked. One row in a hundred is rejected, for one of six reasons, one in ten has a note; one
customer in a hundred has no account yet. The memory of each run is the most that was resident at
once. The booking of the longest file is killed (SIGKILL) about halfway and run again. Afterwards
the ledger is held against the file: each row once, with its points, and against its invariants.
"""

from __future__ import annotations

import csv
import datetime as dt
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import world
from benchmarks.world import rows

ROWS = world.size("ROWS", 1_000_000)
CUSTOMERS = world.size("CUSTOMERS", 100_000)
REJECTED_EACH = 100  # one row in so many
NEW_EACH = 100  # one customer in so many
NOTE_EACH = 10  # one row in so many
SECONDS_MAX = 7200
LOOK_SECONDS = 0.1
GROWTH_MAX = 32 * 1024 * 1024  # bytes that a file of a hundred times the rows may take beyond
MEGABYTE = 1024 * 1024
ACCOUNTS = """
    INSERT INTO saleor_retention_account (
        program_id, user_id, state, pseudonym, member_number, email_hash, joined_at,
        last_activity_at, available, pending, held, deficit, tier, is_tier_manual
    )
    SELECT %s, id, 'member', gen_random_uuid(), %s || id, '', %s, %s, 0, 0, 0, 0, '', false
    FROM account_user WHERE email ILIKE '%%@example.com' AND id %% %s > 0
"""
HEADER = ("external_id", "email", "points", "expires_at", "note")


@dataclass
class File:
    """A file, and what it should become."""

    path: Path
    slug: str
    program: Any
    length: int
    booked: int = 0
    points: int = 0
    numbers: int = 0  # the sum of the rows' numbers times their points: no row for another
    rejected: list[int] = field(default_factory=list)  # lines

    @property
    def report(self) -> Path:
        """Return where rejected rows go."""
        return Path(f"{self.path}.rejected.csv")


def email_of(number: int) -> str:
    """Return a customer's address as the shop has it; one in fifty with a capital letter."""
    name = "Customer" if number % 50 == 7 else "customer"
    return f"{name}{number}@example.com"


def make_customers() -> None:
    """Make confirmed customers."""
    from django.contrib.auth import get_user_model

    user = get_user_model()
    confirmed = {"is_confirmed": True} if hasattr(user, "is_confirmed") else {}
    people = (user(email=email_of(n), is_active=True, **confirmed) for n in range(CUSTOMERS))
    user.objects.bulk_create(people, batch_size=5000)
    rows("ANALYZE account_user")


def make_program(slug: str) -> Any:
    """Make a program that all customers are in but for some."""
    from saleor_retention.models import ProgramChannel

    program = world.make_program(slug)
    ProgramChannel.objects.create(program=program, channel_ref=slug)
    rows(ACCOUNTS, program.pk, f"{slug}-", world.LAUNCH, world.LAUNCH, NEW_EACH)
    rows("ANALYZE saleor_retention_account")
    return program


def write(file: File) -> None:
    """Write the rows, and note down what they should become."""
    with file.path.open("w", encoding="utf-8", newline="") as target:
        writer = csv.writer(target)
        writer.writerow(HEADER)
        for number, (cells, is_fit) in enumerate(_rows(file.length), start=1):
            writer.writerow(cells)
            if is_fit:
                points = int(cells[2])
                file.booked += 1
                file.points += points
                file.numbers += number * points
            else:
                file.rejected.append(number + 1)


def _rows(count: int) -> Iterator[tuple[tuple[str, ...], bool]]:
    """Yield each row, and whether it can be booked."""
    later = f"{dt.datetime.now(dt.UTC) + dt.timedelta(days=400):%Y-%m-%d}"
    for number in range(1, count + 1):
        email = email_of(number * 7919 % CUSTOMERS)  # neighbors in the file are not so in the shop
        note = "" if number % NOTE_EACH else "from the old club"
        fit = (f"old-{number}", email.lower(), str(1 + number % 500), later, note)
        if number % REJECTED_EACH:
            yield fit, True
            continue
        name, _email, points, end, _note = fit
        kinds = (
            (name, f"nobody{number}@example.com", points, end, note),
            (name, email, "some", end, note),
            (name, email, points, "2020-01-31", note),
            (name, email, points, "soon", note),
            ("", email, points, end, note),
            (f"old-{number - 1}", email, points, end, "other words"),
        )
        yield kinds[number // REJECTED_EACH % len(kinds)], False


def timed(file: File, *options: str) -> tuple[float, int]:
    """Run an import to its end; return the seconds, and the bytes resident at most."""
    from tests import importers

    start = time.perf_counter()
    run = importers.start(file.path, file.slug, *options)
    code = run.ended(SECONDS_MAX)
    seconds = time.perf_counter() - start
    assert code == bool(file.rejected), run.said()
    return seconds, run.peak_bytes


def killed(file: File) -> tuple[float, int]:
    """Begin to book a file and kill that halfway; return the seconds, and the rows that stand."""
    from tests import importers

    halfway = _last_posting() + file.booked // 2
    start = time.perf_counter()
    run = importers.start(file.path, file.slug, "--apply")
    while _last_posting() < halfway:
        assert time.perf_counter() - start < SECONDS_MAX, run.said()
        time.sleep(LOOK_SECONDS)
    run.kill()
    return time.perf_counter() - start, booked(file)[0]


def _last_posting() -> int:
    return int(rows("SELECT coalesce(max(id), 0) FROM saleor_retention_transaction")[0][0])


def booked(file: File) -> tuple[int, ...]:
    """Return how many rows are booked, their points, and the sum that tells rows apart."""
    statement = """
        SELECT count(*), coalesce(sum(entry.points), 0),
               coalesce(sum(substr(transaction.key, 12)::bigint * entry.points), 0)
        FROM saleor_retention_transaction AS transaction
        JOIN saleor_retention_entry AS entry ON entry.transaction_id = transaction.id
        WHERE transaction.program_id = %s AND transaction.key LIKE 'import:old-%%'
          AND entry.account_id IS NOT NULL
    """
    return tuple(int(found) for found in rows(statement, file.program.pk)[0])


def reported(file: File) -> list[int]:
    """Return the lines that the report names."""
    with file.report.open(newline="", encoding="utf-8") as report:
        return [int(row["line"]) for row in csv.DictReader(report)]


def check(file: File) -> bool:
    """Print the correctness row: what is in the ledger and the report is what is in the file."""
    from saleor_retention.models import Transaction

    problems = world.ledger_problems(file.program, file.points)
    expected = (file.booked, file.points, file.numbers)
    if booked(file) != expected:
        problems.append(f"rows, points and their sum are {booked(file)}, not {expected}")
    postings = Transaction.objects.filter(program=file.program).count()
    if postings != file.booked:
        problems.append(f"{postings} postings, not {file.booked}")
    if reported(file) != file.rejected:
        problems.append("the report names other lines than those that are unfit")
    return world.verdict(f"{file.length:,} rows", problems)


def show(name: str, file: File, seconds: float, peak: int) -> None:
    """Print a run."""
    cells = (f"{file.length / seconds:,.0f}", f"{seconds:.1f}", f"{peak / MEGABYTE:.0f}")
    world.line(f"{file.length:,} rows, {name}", *cells)


def main() -> int:
    """Measure and print; 1 when a row is lost or doubled, or memory grows with the file."""
    with world.fresh_database(), tempfile.TemporaryDirectory(prefix="importing-") as folder:
        make_customers()
        files = []
        for length in (ROWS // 100, ROWS // 10, ROWS):
            slug = f"club{length}"
            path = Path(folder) / f"{slug}.csv"
            files.append(File(path, slug, make_program(slug), length))
            write(files[-1])
        print(f"\n{CUSTOMERS:,} customers; one row in {REJECTED_EACH} is rejected")
        world.line("", "rows/s", "seconds", "MB at most")
        peaks = []
        for file in files:
            is_longest = file is files[-1]
            seconds, checked = timed(file)
            show("checked", file, seconds, checked)
            if is_longest:
                seconds, stood = killed(file)
                world.line(f"  killed when {stood:,} were booked", "", f"{seconds:.1f}")
            seconds, peak = timed(file, "--apply")
            show("run again and booked" if is_longest else "booked", file, seconds, peak)
            peaks.append(max(checked, peak))
        print("\ncorrectness")
        results = [check(file) for file in files]
        growth = peaks[-1] - peaks[0]
        problems = [] if growth <= GROWTH_MAX else [f"{growth / MEGABYTE:.0f} MB more"]
        results.append(world.verdict("memory of the longest file", problems))
        return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
