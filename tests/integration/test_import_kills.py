"""The process that imports is killed amid it; a second run books the rest and nothing twice."""

from __future__ import annotations

import csv
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from saleor_retention.models import Account, Program, Transaction
from saleor_retention.selectors.verification import breaches
from tests import importers, ledger
from tests.factories.current import factories
from tests.factories.loyalty import make_program
from tests.workers import wait_for

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

CUSTOMERS = 20
ROWS = 2000
REJECTED_EACH = 50
BATCH = 5  # so that there are some hundred places to be killed at
BATCHES_BEFORE = 3
SECONDS_MAX = 120


@pytest.fixture
def program() -> Program:
    """A program whose customers have no accounts yet."""
    make = factories()
    for number in range(CUSTOMERS):
        make.make_user(f"c{number}@shop.example")
    return make_program(make.make_channel())


def file_of(folder: Path) -> tuple[Path, dict[str, int]]:
    """Write a file; return it and the points of its rows that are fit, by key, in their order."""
    path, fit = folder / "old.csv", {}
    with path.open("w", newline="") as target:
        writer = csv.writer(target)
        writer.writerow(("external_id", "email", "points"))
        for number in range(1, ROWS + 1):
            is_fit = number % REJECTED_EACH > 0
            name = f"c{number % CUSTOMERS}" if is_fit else "nobody"
            writer.writerow((number, f"{name}@shop.example", number))
            if is_fit:
                fit[f"import:{number}"] = number
    return path, fit


def keys(program: Program) -> list[str]:
    """Return the keys of what is booked, in the order of booking."""
    posted = Transaction.objects.filter(program=program).order_by("pk")
    return list(posted.values_list("key", flat=True))


def test_an_import_that_is_killed_is_finished_by_the_next(program: Program, tmp_path: Path) -> None:
    """Whole batches stand, in the order of the file; in the end each row is booked once."""
    # given: a process that is killed when some batches are committed
    path, fit = file_of(tmp_path)
    run = importers.start(path, program.slug, "--apply", f"--batch-size={BATCH}")
    wait_for(lambda: len(keys(program)) >= BATCHES_BEFORE * BATCH, SECONDS_MAX, "rows", run.said)
    run.kill()
    stood = keys(program)

    # when
    out = StringIO()
    with pytest.raises(CommandError, match=f"{ROWS // REJECTED_EACH} rows rejected"):
        call_command(
            "retention_import", str(path), "--program", program.slug, "--apply", stdout=out
        )

    # then
    assert 0 < len(stood) < len(fit)
    assert stood == list(fit)[: len(stood)]
    assert f"{len(fit) - len(stood)} booked" in out.getvalue()
    assert f"{len(stood)} booked already" in out.getvalue()
    assert keys(program) == list(fit)
    accounts = Account.objects.filter(program=program)
    assert sum(ledger.balances(account)[0] for account in accounts) == sum(fit.values())
    assert len(accounts) == CUSTOMERS
    with Path(f"{path}.rejected.csv").open(newline="") as report:
        lines = [int(row["line"]) for row in csv.DictReader(report)]
    assert lines == [n + 1 for n in range(REJECTED_EACH, ROWS + 1, REJECTED_EACH)]
    assert breaches() == []
