"""A campaign to many members: how fast worker processes send it, and that nobody gets two.

``WORKERS`` real Celery workers of one process each, on the Saleor that the benchmark runs on, a
program with ``RECIPIENTS`` members who agreed to mails, and a mail server on the loopback interface
that counts what it takes. The planner is dispatched once and the sender as often as beat would, and
the database is watched until everything is sent. The same mails sent by bare Django, one after the
other with a connection for each, say what of the time is the mail's own.
"""

from __future__ import annotations

import os
import re
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import world
from sandbox.console import SandboxError

RECIPIENTS = world.size("RECIPIENTS", 100_000)
WORKERS = world.size("WORKERS", 2)
BARE = min(RECIPIENTS, 2_000)
SECONDS_MAX = 7200
LOOK_SECONDS = 1.0
BEAT_SECONDS = 300
KEY = re.compile(rb"^X-Retention-Key: (\S+)", re.MULTILINE)
TEXTS = {"subject": "Hello {{ first_name }}", "text": "Dear {{ email }}", "html": "<p>Hello</p>"}


class Counting:
    """Takes every mail and counts it by its key."""

    def __init__(self) -> None:
        self.taken: Counter[bytes] = Counter()

    async def handle_DATA(  # noqa: N802 (aiosmtpd names it)
        self, _server: Any, _session: Any, envelope: Any
    ) -> str:
        """Count a mail."""
        found = KEY.search(envelope.content)
        self.taken[found[1] if found else b""] += 1
        return "250 OK"


def main() -> int:
    """Measure and print; 1 when a mail is lost or doubled, or a worker had no share."""
    with world.fresh_database(), mail_server() as (counting, port):
        from saleor_retention.models import Campaign, Dispatch
        from tests import workers

        names = [f"bench{number}" for number in range(1, WORKERS + 1)]
        start = time.perf_counter()
        make_recipients()
        print(f"\n{RECIPIENTS:,} members made in {time.perf_counter() - start:.0f} s")
        with workers.workers(*names, batch=1000) as fleet:
            fleet.wait_until_up()
            campaign = start_campaign()
            world.line("", "done", "seconds", "a second")
            start = time.perf_counter()
            fleet.send("plan_campaigns")
            wait(fleet, lambda: Campaign.objects.get(pk=campaign.pk).planned_until is not None)
            told("planned", RECIPIENTS, time.perf_counter() - start)
            start = time.perf_counter()
            send_all(fleet)
            told(f"sent by {WORKERS} workers", RECIPIENTS, time.perf_counter() - start)
            shares = [fleet.did(name)["send_messages"] for name in names]
        campaigns_mails = dict(counting.taken)
        told(f"bare Django, {BARE:,} mails, one process", BARE, bare_seconds(port))
        world.line("messages, by each worker", *(f"{share:,}" for share in shares))
        states = Counter(Dispatch.objects.values_list("state", flat=True))
        problems = [] if states == {"sent": RECIPIENTS} else [f"states: {dict(states)}"]
        if len(campaigns_mails) != RECIPIENTS or set(campaigns_mails.values()) != {1}:
            problems.append(f"{sum(campaigns_mails.values())} mails, {len(campaigns_mails)} keys")
        if not all(shares):
            problems.append("a worker without a share")
        print("\ncorrectness")
        return 0 if world.verdict("campaigns", problems) else 1


@contextmanager
def mail_server() -> Iterator[tuple[Counting, int]]:
    """Run a mail server, and tell the workers of it."""
    from aiosmtpd.controller import Controller

    from tests.mails import free_port

    counting, port = Counting(), free_port()
    server = Controller(counting, hostname="127.0.0.1", port=port)
    server.start()
    os.environ["WORKERS_MAIL_PORT"] = str(port)
    try:
        yield counting, port
    finally:
        server.stop()


def make_recipients() -> None:
    """Make users with confirmed addresses, their accounts, and their consents."""
    from django.db import transaction

    from saleor_retention.models import Account, ConsentEntry
    from tests.campaigns import PURPOSE, QUESTIONS
    from tests.factories.current import factories

    program = world.make_program("club", questions=QUESTIONS)
    make_user, batch = factories().make_user, {"batch_size": 5000}
    with transaction.atomic():
        users = [make_user(f"bench{number}@shop.example").pk for number in range(RECIPIENTS)]
    Account.objects.bulk_create(
        (
            Account(
                program=program,
                user_id=pk,
                member_number=f"B-{pk}",
                joined_at=world.LAUNCH,
                last_activity_at=world.LAUNCH,
            )
            for pk in users
        ),
        **batch,
    )
    ConsentEntry.objects.bulk_create(
        (
            ConsentEntry(
                account_id=pk,
                channel="email",
                purpose=PURPOSE,
                state="given",
                source="staff",
                at=world.LAUNCH,
                text_version="1",
            )
            for pk in Account.objects.values_list("pk", flat=True)
        ),
        **batch,
    )


def start_campaign() -> Any:
    """Start a campaign to everybody, due since midnight."""
    from django.test import override_settings
    from django.utils import timezone

    from saleor_retention.models import Program
    from saleor_retention.services.campaigning import campaigns

    document = {
        "trigger": {"kind": "once", "on": timezone.now().date().isoformat()},
        "message": {"channel": "email", "texts": {"en": TEXTS}},
        "limits": {"send_at": "00:00", "cap": {"messages": 3, "days": 7}},
    }
    campaign = campaigns.create_campaign(
        Program.objects.get(), slug="bench", name="Bench", document=document
    )
    with override_settings(RETENTION_PUBLIC_URL="https://api.example.com"):
        return campaigns.start_campaign(campaign)


def send_all(fleet: Any) -> None:
    """Dispatch the sender as beat does until nothing is left to send, and say how far it is."""
    from django.utils import timezone

    from saleor_retention.models import Dispatch
    from saleor_retention.selectors import due

    begun, beats = time.perf_counter(), 0
    while True:
        left = due.messages_to_send(timezone.now()).count()
        if not left and not Dispatch.objects.filter(state="sending").exists():
            return
        seconds = time.perf_counter() - begun
        assert seconds < SECONDS_MAX, fleet.said()
        if seconds >= beats * BEAT_SECONDS:
            fleet.send("send_messages")
            beats += 1
        if sys.stdout.isatty():
            print(f"  {RECIPIENTS - left:,} of {RECIPIENTS:,} after {seconds:.0f} s", end="\r")
        time.sleep(LOOK_SECONDS)


def bare_seconds(port: int) -> float:
    """Return how long bare Django takes for some mails, with a connection for each."""
    from django.core.mail import EmailMultiAlternatives
    from django.test import override_settings

    start = time.perf_counter()
    with override_settings(
        EMAIL_BACKEND="django.core.mail.backends.smtp.EmailBackend",
        EMAIL_HOST="127.0.0.1",
        EMAIL_PORT=port,
        EMAIL_USE_TLS=False,
        EMAIL_USE_SSL=False,
        EMAIL_HOST_USER="",
        EMAIL_HOST_PASSWORD="",
    ):
        for number in range(BARE):
            mail = EmailMultiAlternatives("Hello", "Dear", to=[f"bench{number}@shop.example"])
            mail.attach_alternative("<p>Hello</p>", "text/html")
            mail.send()
    return time.perf_counter() - start


def wait(fleet: Any, is_so: Any) -> None:
    """Wait until something is so."""
    from tests import workers

    workers.wait_for(is_so, SECONDS_MAX, "the planner", fleet.said)


def told(name: str, count: int, seconds: float) -> None:
    """Print one measurement."""
    world.line(name, f"{count:,}", f"{seconds:.1f}", f"{count / seconds:,.0f}")


if __name__ == "__main__":
    try:
        sys.exit(main())
    except SandboxError as error:
        print(f"left out: no broker for worker processes here ({error})")
