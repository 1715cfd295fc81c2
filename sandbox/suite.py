"""``make test``: the whole suite on every Saleor there is, and a table at the end.

python3 -m sandbox.bootstrap test --hosts "3.23,2.10" -- tests/integration -k redeem
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from functools import partial

from sandbox import hosts, parallel, paths, pytest_on, reports, schemas
from sandbox.console import say

INTERRUPTED = 2


def run(arguments: Sequence[str]) -> int:
    """Run the suite and return 0 when it passed everywhere."""
    names, theirs = chosen(arguments, "make test")
    found = hosts.select(names)
    server = schemas.server_url()  # held here: those beside each other share it to the end
    count = parallel.jobs(len(found))
    results = _at_once(count, found, theirs) if count > 1 else _one_by_one(server, found, theirs)
    _report(found, results, is_full=not names and not theirs)
    return 0 if all(result.is_good for result in results) else 1


def _one_by_one(
    server: str, found: Sequence[hosts.Host], arguments: list[str]
) -> list[reports.Result]:
    results = []
    for host in found:
        say(f"\n=== Saleor {host.version} ===")
        results.append(_result_of(host, partial(pytest_on.run, host, server), arguments))
        if results[-1].exit_code == INTERRUPTED:
            break
    return results


def _at_once(count: int, found: Sequence[hosts.Host], arguments: list[str]) -> list[reports.Result]:
    versions = ", ".join(host.version for host in found)
    say(f"\n=== Saleor {versions}: {count} at a time, see the mark before each line ===")
    runs, results = parallel.Runs(), dict[str, reports.Result]()

    def run_on(host: hosts.Host) -> None:
        results[host.name] = _result_of(host, partial(runs.pytest, host.name), arguments)

    runs.each(count, run_on, found)
    return [results[host.name] for host in found if host.name in results]


def chosen(arguments: Sequence[str], program: str) -> tuple[list[str], list[str]]:
    """Return the versions named with --hosts, and everything after ``--``."""
    ours, theirs = _split(arguments)
    parser = argparse.ArgumentParser(prog=program)
    parser.add_argument("--hosts", default="", help="comma-separated versions; all when empty")
    return parser.parse_args(ours).hosts.replace(",", " ").split(), theirs


def _split(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    arguments = list(arguments)
    if "--" not in arguments:
        return arguments, []
    at = arguments.index("--")
    return arguments[:at], arguments[at + 1 :]


def _result_of(
    host: hosts.Host, command: Callable[[list[str]], int], arguments: list[str]
) -> reports.Result:
    report = paths.STATE / f"report-{host.name}.xml"
    report.unlink(missing_ok=True)
    started = time.monotonic()
    code = command(["-q", f"--junit-xml={report}", *arguments])
    return reports.read(report, host.version, time.monotonic() - started, code)


def _report(
    found: Sequence[hosts.Host], results: Sequence[reports.Result], *, is_full: bool
) -> None:
    say(f"\n{reports.table(results)}\n")
    if all(host.is_saleor_2 for host in found):
        say(
            f"No Saleor 3.x was tested: none under {hosts.home()} was asked for or found. Left out "
            "are all tests of the 3.x price path, channels, tax strategies and transactions. "
            "Set SALEOR_HOME to a folder of <version>/.venv."
        )
    if is_full and all(result.is_good for result in results):
        reports.keep(results)
    for notice in reports.stale():
        say(notice)
    for line in reports.failures(results):
        say(line)
    say(reports.summary(results))


def unit(arguments: Sequence[str]) -> int:
    """Run the tests that need neither a database nor Django."""
    (host,) = hosts.select([hosts.SALEOR_2])
    wanted = _split(arguments)[1]
    if not any((paths.ROOT / name.partition("::")[0]).exists() for name in wanted):
        wanted = ["tests/test_tidy.py", "tests/unit", "tests/property", *wanted]
    command = ["-m", "pytest", "-q", "-p", "_hypothesis_pytestplugin"]
    command += ["-o", f"cache_dir={paths.STATE}/pytest-unit"]
    env = hosts.environment(host, "", "") | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    return hosts.call(host, [*command, *wanted], env)
