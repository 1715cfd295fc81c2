"""The short version of the simulation, and the proof that it can fail.

Each run is a process of its own, with workers that it forks and, where the server is the sandbox's,
a PostgreSQL of its own that it crashes. The long version is ``make soak``.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from sandbox import paths
from tests.soak.journal import read
from tests.soak.plan import CRASH, DROP, KILL, STALL
from tests.soak.sabotage import SIGNS

pytestmark = pytest.mark.slow

SEED = 6  # its first five faults are of all kinds
SECONDS_MAX = 300


def soak(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the simulation in a process of its own."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    return subprocess.run(
        [sys.executable, "-m", "tests.soak", "--seed", str(SEED), *arguments],
        env=kept,
        cwd=paths.ROOT,
        capture_output=True,
        text=True,
        timeout=SECONDS_MAX,
        check=False,
    )


def is_server_ours() -> bool:
    """Tell whether the server may be crashed beside (a foreign one has no binaries here)."""
    from tests.soak.arena import is_ours

    return is_ours(os.environ["DATABASE_URL"])


def test_every_promise_is_kept() -> None:
    """Processes are killed and stalled, connections dropped, the server crashes; all is kept."""
    ended = soak("--seconds", "5", "--workers", "8")

    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "every promise was kept" in ended.stdout
    befell = re.search(r"^faults +(.+)$", ended.stdout, re.MULTILINE)
    assert befell is not None
    kinds = {text.split()[1] for text in befell.group(1).split(", ")}
    assert kinds == {KILL, DROP, STALL} | ({CRASH} if is_server_ours() else set())
    counted = re.search(r"^orders, postings +(\d+), (\d+)$", ended.stdout, re.MULTILINE)
    assert counted is not None
    assert int(counted.group(1)) > 5  # many more, unless the machine is busy
    assert int(counted.group(2)) > 20
    if not is_server_ours():
        assert "The server was not crashed" in ended.stdout


@pytest.mark.saleor2  # what is broken has no Saleor in it: once is enough
@pytest.mark.parametrize(("broken", "seconds"), [("lock", "4"), ("key", "5"), ("durability", "4")])
def test_broken_services_are_found(broken: str, seconds: str) -> None:
    """No lock, keys that nobody finds again, commits that are not on the disk: each fails.

    It ends as soon as the sign of what is broken is found, and only of that.
    """
    if broken == "durability" and not is_server_ours():
        pytest.skip("left out: only a server of the sandbox can be crashed")
    spares = () if broken == "durability" else ("--spare-server",)
    ended = soak("--seconds", seconds, "--workers", "8", "--break", broken, *spares)

    assert ended.returncode == 1, ended.stdout + ended.stderr
    assert f"promises broken (seed {SEED})" in ended.stdout
    assert re.search(SIGNS[broken], ended.stdout), ended.stdout


def test_a_line_that_was_cut_off_was_never_said(tmp_path: Path) -> None:
    """A process that is killed while it writes leaves half a line; the whole ones count."""
    (tmp_path / "00-001.jsonl").write_text('{"said": "acknowledged", "key": "a"}\n{"said": "ackn')

    assert list(read(tmp_path)) == [{"said": "acknowledged", "key": "a"}]
