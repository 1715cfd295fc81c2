"""``make soak``: simulate faults on the newest Saleor, for as long as one likes (tests/soak)."""

from __future__ import annotations

from collections.abc import Sequence

from sandbox import hosts, pytest_on, schemas, suite
from sandbox.console import say


def run(arguments: Sequence[str]) -> int:
    """Run the simulation; 0 when every promise was kept."""
    names, theirs = suite.chosen(arguments, "make soak")
    found = hosts.select(names)
    host = found[0] if names or len(found) == 1 else found[1]  # the first is 2.10.1
    hosts.prepare(host)
    server = schemas.server_url()
    schemas.ensure_base(host, server)
    say(f"\n=== faults, on Saleor {host.version} ===")
    env = hosts.environment(host, server, pytest_on.settings_of(host))
    return hosts.call(host, ["-m", "tests.soak", *theirs], env)
