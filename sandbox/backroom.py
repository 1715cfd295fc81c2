"""The shop's back room: what staff and the hourly jobs do at a terminal, on the shop's database.

The story's own process becomes one of the shop's: it gets the settings of the server and talks to
the same database. Jobs take the instant that they act at, so that the story need not wait a year.
"""

from __future__ import annotations

import datetime as dt
import os
import sys
from collections.abc import Mapping
from io import StringIO
from typing import Any

from sandbox import two_years
from sandbox.console import SandboxError
from sandbox.two_years import Plan


def enter(env: Mapping[str, str]) -> None:
    """Make this process one of the shop's, with the environment of its server."""
    sys.pycache_prefix = env["PYTHONPYCACHEPREFIX"]  # where the server's process has it
    sys.dont_write_bytecode = False
    import django

    os.environ.update(env)
    django.setup()


def command(name: str, *arguments: str) -> list[str]:
    """Run a command of the plugin; return the lines that it printed, raise what it refused."""
    from django.core.management import CommandError, call_command

    printed = StringIO()
    try:
        call_command(name, *arguments, stdout=printed)
    except CommandError as error:
        raise SandboxError(f"{name} {' '.join(arguments)}: {error}") from None
    return printed.getvalue().splitlines()


def work(slug: str, at: dt.datetime) -> None:
    """Do for one campaign what the periodic jobs do at an instant: plan it, and send."""
    from saleor_retention.services.campaigning import campaign_planning, sending

    campaign_planning.plan(_campaign(slug), at)
    while sending.send_due(now=at):
        pass


def fates(slug: str) -> dict[str, str]:
    """Return what became of a campaign's messages by address: the state, or why it was left out."""
    from saleor_retention.models import Dispatch, SkippedSend

    rows = Dispatch.objects.filter(campaign__slug=slug).select_related("account__user")
    reasons = dict(
        SkippedSend.objects.filter(dispatch__campaign__slug=slug).values_list("dispatch", "reason")
    )
    return {row.account.user.email: reasons.get(row.pk, row.state) for row in rows}


def lot_drawn_with(slug: str) -> tuple[bytes, str, dict[str, int]]:
    """Return what decides who is held out: the secret, the key, and accounts by address."""
    from saleor_retention.models import Account

    campaign = _campaign(slug)
    members = Account.objects.filter(program=campaign.program, user__isnull=False)
    accounts = {account.user.email: account.pk for account in members.select_related("user")}
    return bytes.fromhex(campaign.secret), campaign.slug, accounts


def history(slug: str) -> Plan:
    """Draw once more what a program of this name was written from when the shop was stocked."""
    from saleor_retention.models import Program

    launched = Program.objects.get(slug=slug).created_at.date()
    return two_years.drawn(two_years.end_of(launched))


def _campaign(slug: str) -> Any:
    from saleor_retention.models import Campaign

    return Campaign.objects.select_related("program").get(slug=slug)
