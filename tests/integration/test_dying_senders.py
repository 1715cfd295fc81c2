"""A worker is killed while it sends: what became of the message is visible, and nobody gets two."""

from __future__ import annotations

import datetime as dt
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from saleor_retention.models import Account, Campaign, Dispatch
from saleor_retention.services.campaigning import campaign_planning, campaigns, sending
from sandbox import paths, schemas
from tests import mails
from tests.campaigns import QUESTIONS, agree, campaign_of, outcome
from tests.factories.current import factories
from tests.factories.loyalty import make_member, make_program
from tests.mails import Catcher

pytest.importorskip("aiosmtpd")
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

SECONDS_MAX = 120
MINUTE = dt.timedelta(minutes=1)


@pytest.fixture
def server(settings: Any) -> Iterator[tuple[Catcher, int]]:
    """A mail server that both processes send to."""
    with mails.catching() as (handler, port):
        mails.use(settings, port)
        yield handler, port


def running_campaign() -> tuple[Campaign, Account]:
    """Return a planned campaign that gives ten points, and the member whom it reaches."""
    make = factories()
    program = make_program(make.make_channel(), questions=QUESTIONS)
    member = agree(make_member(program, make.make_user("ada@example.com")))
    campaign = campaigns.start_campaign(
        campaign_of(program, {"kind": "welcome"}, benefit={"points": 10}),
        timezone.now() - dt.timedelta(hours=1),
    )
    assert campaign_planning.plan(campaign).planned == 1
    return campaign, member


def send_and_die(when: str, port: int) -> None:
    """Let another process send on this test's database, and see that it was killed."""
    name = connection.settings_dict["NAME"]
    kept = {key: value for key, value in os.environ.items() if not key.startswith("PYTEST_")}
    ended = subprocess.run(
        [sys.executable, "-m", "tests.dying_sender", when, str(port)],
        env={**kept, "DATABASE_URL": schemas.database_url(os.environ["DATABASE_URL"], name)},
        cwd=paths.ROOT,
        capture_output=True,
        text=True,
        timeout=SECONDS_MAX,
        check=False,
    )
    assert ended.returncode == -signal.SIGKILL, ended.stdout + ended.stderr


@pytest.mark.parametrize(
    ("when", "left", "afterwards", "mails_then", "mails_in_all"),
    [
        ("claimed", "planned", "sent", 0, 1),
        ("sending", "sending", "unknown", 0, 0),
        ("sent", "sending", "unknown", 1, 1),
    ],
)
def test_a_worker_that_is_killed(
    server: tuple[Catcher, int],
    when: str,
    left: str,
    afterwards: str,
    mails_then: int,
    mails_in_all: int,
) -> None:
    """Before it was written down: another worker sends it. After: nobody does, and it says so."""
    catcher, port = server
    campaign, member = running_campaign()

    send_and_die(when, port)
    assert outcome(campaign) == {member.pk: left}
    assert len(catcher.mails) == mails_then
    assert sending.send_due() == 0  # it is still the dead worker's

    for minutes in (5, 11, 20, 60, 24 * 60):
        now = timezone.now() + minutes * MINUTE
        campaign_planning.plan(campaign, now)
        sending.find_lost(now)
        sending.send_due(now=now)

    assert outcome(campaign) == {member.pk: afterwards}
    assert len(catcher.mails) == mails_in_all
    assert Dispatch.objects.count() == 1
    member.refresh_from_db()
    assert member.available == 10
