"""``make demo`` and ``make shop``: open the real shop, tell the story in it or leave it open.

The stocked shop is a template database too, so that the second start is a copy and not a migration.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from sandbox import (
    backroom,
    bootstrap,
    databases,
    errands,
    hosts,
    mailbox,
    paths,
    postgres,
    processes,
    schemas,
    seed,
    server,
    story,
)
from sandbox.console import say, step
from sandbox.graphql_client import Client
from sandbox.keepsakes import keepsake
from sandbox.premises import Premises

QUERIES = (
    "{ retentionProgram { name sentences { text } tiers { name benefits { text } } } }",
    "{ me { retention { number balance { available } tier { name } nextTier { text } } } }",
    "{ products(first: 9) { edges { node { name retention { memberPrice { amount } earns } } } } }",
)


def demo(_arguments: Sequence[str]) -> int:
    """Tell the story; 0 when every figure was the expected one."""
    started = time.monotonic()
    with open_shop(aside=backroom.enter) as premises:
        failures = story.tell(premises)
    say(f"{time.monotonic() - started:.1f} s in all")
    return 1 if failures else 0


def shop(_arguments: Sequence[str]) -> int:
    """Leave the shop open, with a program set up, until Ctrl-C."""
    with open_shop() as premises:
        client, mails = premises.client, premises.mailbox
        visit = story.visit(premises)
        story.opening(visit.teller, visit)
        password = keepsake("shopper_password")
        shopper = errands.sign_in(visit, seed.SHOPPER_EMAIL, password)
        say(f"\nThe shop is open: {client.url}")
        say(f"  admin    {seed.ADMIN_EMAIL}  {keepsake('admin_password')}")
        say(f"  shopper  {seed.SHOPPER_EMAIL}  {password}")
        say("\nThree questions of the shopper's, to paste into another terminal:")
        say(f"\nTOKEN='{shopper.token}'")
        for query in QUERIES:
            say(f"\n{as_curl(shopper, query)}")
        say(f"\nWhat the shop mails lies in {mails.folder}, a file for each mail.")
        mails.on_letter = announce
        say("\nFor this machine only: Saleor 2.10.1 is end of life. Ctrl-C closes the shop.")
        while True:
            time.sleep(3600)


def announce(letter: mailbox.Letter) -> None:
    """Say that the shop sent a mail, and where to read it."""
    say(f"- a mail to {letter.header('To')}: {letter.header('Subject')} ({letter.file})")


def as_curl(client: Client, query: str) -> str:
    """Return a shell command that asks what the holder of $TOKEN would ask."""
    return (
        f"curl -s {client.url} -H 'Content-Type: application/json' "
        f"""-H "Authorization: JWT $TOKEN" -d '{json.dumps({"query": query})}'"""
    )


@contextmanager
def open_shop(aside: Callable[[Mapping[str, str]], object] | None = None) -> Iterator[Premises]:
    """Open a freshly stocked shop with a database of its own, and clear it away at the end.

    ``aside`` is called with the shop's environment while its server comes up.
    """
    (host,) = hosts.select([hosts.SALEOR_2])
    hosts.prepare(host)
    address = schemas.server_url()
    template = _stocked(host, address)
    name = databases.test_name("demo")
    with schemas.administrator(address) as cursor:
        databases.create(cursor, name, template)
    port = postgres.free_port()
    try:
        with mailbox.opened() as mails:
            env = {
                **hosts.environment(host, schemas.database_url(address, name), "sandbox.settings"),
                "SANDBOX_SMTP_PORT": str(mails.port),
                "SANDBOX_URL": f"http://127.0.0.1:{port}",
            }
            with ThreadPoolExecutor(1) as pool:
                done = pool.submit(aside, env) if aside else None
                with server.running(host, env, port) as client:
                    if done:
                        done.result()
                    yield Premises(client, mails, env)
    finally:
        with schemas.administrator(address) as cursor:
            databases.drop(cursor, name)


def _stocked(host: hosts.Host, address: str) -> str:
    """Return a migrated and stocked database, made once for each state of both."""
    base = schemas.ensure_base(host, address)
    key = f"shop_{hosts.schema_key(host)}"
    sources = (paths.HERE / name for name in ("seed.py", "two_years.py", "settings.py"))
    digest = bootstrap.digest(*sources)
    template = f"{databases.template_name(key)}_{digest[:8]}"
    with schemas.administrator(address) as cursor:
        if databases.exists(cursor, template):
            return template
        new = f"{databases.PREFIX}new_shop_{os.getpid()}"
        databases.create(cursor, new, base)
        env = hosts.environment(host, schemas.database_url(address, new), "sandbox.settings")
        with step("migrating the plugin and stocking the shop"):
            processes.run(
                [host.python, "-m", "sandbox.seed"],
                env=env,
                cwd=paths.ROOT,
                failure="The shop could not be stocked.",
            )
        databases.rename(cursor, new, template)
        databases.prune_templates(cursor, key)
    return template
