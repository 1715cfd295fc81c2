"""The sandbox's own judgment: how a run is counted, which Saleors are found, what is too old."""

from __future__ import annotations

import platform
import sys
from pathlib import Path

import pytest

from sandbox import bootstrap, hosts, postgres, readme, reports
from sandbox.console import SandboxError

REPORT = """<testsuites><testsuite>
<testcase name="a"/><testcase name="b"/>
<testcase classname="tests.x" name="c"><failure message="no&#10;E  1 != 2"/></testcase>
<testcase classname="tests.x" name="d"><error message=""/></testcase>
<testcase name="e"><skipped message="left out: only on Saleor 3.x, this is 2.10"/></testcase>
<testcase name="f"><skipped message="no broker"/></testcase>
</testsuite></testsuites>"""


def test_a_report_is_counted(tmp_path: Path) -> None:
    """Errors are failures; what another host has to run is left out and not merely skipped."""
    report = tmp_path / "report.xml"
    report.write_text(REPORT)

    result = reports.read(report, "3.23.28", 12.4, 1)

    said = ("tests.x::c: no", "tests.x::d: error")
    assert result == reports.Result("3.23.28", 2, 2, 1, 1, 12, 1, said)
    assert reports.failures([result]) == [f"failed on 3.23.28: {line}" for line in said]
    assert not result.is_good


def test_a_run_that_died_is_a_failure(tmp_path: Path) -> None:
    """Without a report, or with a report of an interrupted run, nothing has passed silently."""
    died = reports.read(tmp_path / "none.xml", "2.10.1", 3.0, 139)
    report = tmp_path / "report.xml"
    report.write_text("<testsuites><testsuite><testcase name='a'/></testsuite></testsuites>")
    interrupted = reports.read(report, "2.10.1", 3.0, 2)

    assert (died.passed, died.failed, died.is_good) == (0, 1, False)
    assert (interrupted.passed, interrupted.failed, interrupted.is_good) == (1, 1, False)


def test_the_last_line_adds_up_all_hosts() -> None:
    """Left out and skipped are one number there; the table above has them apart."""
    results = [
        reports.Result("2.10.1", 10, 0, 4, 1, 9, 0),
        reports.Result("3.23.28", 14, 1, 1, 0, 20, 1),
    ]

    assert reports.summary(results) == "24 passed, 1 failed, 6 skipped"
    assert reports.table(results).splitlines() == [
        "Saleor   passed  failed  left out  skipped  seconds",
        "---------------------------------------------------",
        "2.10.1       10       0         4        1        9",
        "3.23.28      14       1         1        0       20",
    ]


def test_saleors_are_found_newest_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """3.100 is newer than 3.23; a folder without an environment is no Saleor."""
    for name in ("3.9", "3.100", "3.23"):
        (tmp_path / name / ".venv" / "bin").mkdir(parents=True)
        (tmp_path / name / ".venv" / "bin" / "python").touch()
        (tmp_path / name / "saleor").mkdir()
        version = f'__version__ = "{name}.7"\n'
        (tmp_path / name / "saleor" / "__init__.py").write_text(version)
    (tmp_path / "3.24" / "saleor").mkdir(parents=True)
    monkeypatch.setenv("SALEOR_HOME", str(tmp_path))

    found = hosts.discover()

    assert [host.version for host in found] == ["2.10.1", "3.100.7", "3.23.7", "3.9.7"]


def test_an_unknown_saleor_is_named_with_those_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The message says what there is, and where it was looked for."""
    monkeypatch.setenv("SALEOR_HOME", str(tmp_path))

    with pytest.raises(SandboxError) as caught:
        hosts.select(["3.23"])

    assert str(caught.value) == (
        "no Saleor 3.23 here; found: 2.10 (3.x is looked for as "
        f"{tmp_path}/<version>/.venv, set SALEOR_HOME to change that)"
    )


def test_an_old_glibc_is_told_the_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before anything is downloaded, and with the variable to set."""
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(platform, "libc_ver", lambda: ("glibc", "2.31"))

    with pytest.raises(SandboxError, match=r"needs Linux with glibc 2\.34 or newer; this is glibc"):
        bootstrap.require_glibc()

    monkeypatch.setattr(platform, "libc_ver", lambda: ("glibc", "2.34"))
    bootstrap.require_glibc()


def test_data_outlives_a_server_that_could_not_reach_it(tmp_path: Path) -> None:
    """Root's clone in a closed home lends its data to each server; without any, nothing happens."""
    home, lent = tmp_path / "data", tmp_path / "lent"
    postgres.move(home, lent)
    assert not lent.exists()

    home.mkdir()
    (home / "PG_VERSION").write_text("15")
    postgres.move(home, lent)
    assert (lent / "PG_VERSION").read_text() == "15"
    assert not home.exists()

    postgres.move(lent, home)
    assert (home / "PG_VERSION").read_text() == "15"


def test_data_that_cannot_be_renamed_stays(tmp_path: Path) -> None:
    """As on another file system, nothing is copied by halves."""
    home, taken = tmp_path / "data", tmp_path / "taken"
    home.mkdir()
    taken.mkdir()
    (taken / "file").touch()

    postgres.move(home, taken)

    assert home.exists()


def test_parts_of_the_readme_are_replaced() -> None:
    """Only what stands between the markers changes, as often as one likes."""
    text = "a\n<!-- x:start -->\nold\n<!-- x:end -->\nb\n"

    once = readme.between(text, "x", "new")

    assert once == "a\n<!-- x:start -->\n\nnew\n\n<!-- x:end -->\nb\n"
    assert readme.between(once, "x", "new") == once
    with pytest.raises(SandboxError, match="no part <!-- y:start -->"):
        readme.between(text, "y", "new")
