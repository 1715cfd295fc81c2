"""``make bench``: run the scripts in benchmarks/, one after the other, on the newest Saleor.

A script named ``bench_<subject>.py`` runs in that Saleor's environment with the settings of the
tests; ``tests.database.set_up()`` gives it a migrated database. ARGS names subjects to choose some.
What a subject is measured against is installed into an environment of its own, whose interpreter
the script finds in ``RETENTION_PEERS``, a solver in ``RETENTION_ORACLE``, pandas in
``RETENTION_ANALYSTS``.
"""

from __future__ import annotations

from collections.abc import Sequence

from sandbox import bootstrap, hosts, paths, pytest_on, schemas, suite
from sandbox.console import SandboxError, say

PEERS = (paths.PEERS, paths.HERE / "requirements-bench.txt", "RETENTION_PEERS")
ORACLE = (paths.ORACLE, paths.HERE / "requirements-oracle.txt", "RETENTION_ORACLE")
ANALYSTS = (paths.ANALYSTS, paths.HERE / "requirements-customers.txt", "RETENTION_ANALYSTS")
NEEDS = {"posting": [PEERS], "offers": [PEERS, ORACLE], "rollup": [ANALYSTS]}


def run(arguments: Sequence[str]) -> int:
    """Run the benchmarks; 0 when every one of them got its results right."""
    names, subjects = suite.chosen(arguments, "make bench")
    scripts = sorted(
        script
        for script in (paths.ROOT / "benchmarks").glob("bench_*.py")
        if not subjects or script.stem.removeprefix("bench_") in subjects
    )
    if not scripts:
        raise SandboxError(f"no benchmark {' or '.join(subjects) or 'at all'} in benchmarks/")
    found = hosts.select(names)
    host = found[0] if names or len(found) == 1 else found[1]  # the first is 2.10.1
    hosts.prepare(host)
    server = schemas.server_url()
    schemas.ensure_base(host, server)
    failed = []
    for script in scripts:
        subject = script.stem.removeprefix("bench_")
        say(f"\n=== {subject}, on Saleor {host.version} ===")
        env = hosts.environment(host, server, pytest_on.settings_of(host))
        for venv, requirements, name in NEEDS.get(subject, []):
            bootstrap.install(venv, [requirements])
            env[name] = str(paths.python_of(venv))
        if hosts.call(host, [str(script)], env) != 0:
            failed.append(script.stem)
    say(f"\n{len(scripts) - len(failed)} benchmarks right, {len(failed)} wrong: {failed or 'none'}")
    return 1 if failed else 0
