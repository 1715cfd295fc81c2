"""Messages over real sockets: a mail server, a provider of SMS, and workers that compete."""

from __future__ import annotations

import datetime as dt
import json
import smtplib
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from saleor_retention.engine.campaigns.terms import Channel, Message, Texts, Via
from saleor_retention.models import Dispatch, DispatchState
from saleor_retention.services.campaigning import campaign_planning, campaigns, sending
from saleor_retention.services.campaigning.messages import Rendered
from saleor_retention.services.campaigning.providers import (
    HttpSms,
    Mail,
    NotTaken,
    Outgoing,
    provider_of,
)
from tests import ledger, mails
from tests.campaigns import QUESTIONS, campaign_of, outcome, reader
from tests.fakes import at
from tests.ledger import Shop
from tests.mails import Catcher, free_port
from tests.threads import at_once

pytest.importorskip("aiosmtpd")

NOW = at("2026-06-10 12:00")
ONCE = {"kind": "once", "on": "2026-06-10"}
WORDS = Rendered("Grüße", "Hello\nyou", "<p>Hello</p>", "en")


@pytest.fixture
def catcher(settings: Any) -> Iterator[Catcher]:
    """A mail server on the loopback interface that Django's SMTP backend is told of."""
    with mails.catching() as (handler, port):
        mails.use(settings, port)
        yield handler


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Shop:
    """A shop with a program."""
    return ledger.open_shop(monkeypatch, questions=QUESTIONS)


def outgoing(**changes: Any) -> Outgoing:
    """Return a mail to Ada."""
    content = {"to": "ada@example.com", "words": WORDS, "key": "hello-1", **changes}
    return Outgoing(**content)


def test_a_mail_arrives_as_it_was_meant(catcher: Catcher) -> None:
    """Sender, recipient, subject, both bodies, and the headers of RFC 8058."""
    Mail().send(outgoing(unsubscribe_url="https://api.example.com/u/1"))

    (mail,) = catcher.mails
    assert (mail["From"], mail["To"], mail["Subject"]) == (
        "club@example.com",
        "ada@example.com",
        "Grüße",
    )
    text, html = mail.get_body(("plain",)), mail.get_body(("html",))
    assert text is not None
    assert html is not None
    assert text.get_content().splitlines() == ["Hello", "you"]
    assert html.get_content().strip() == "<p>Hello</p>"
    assert mail["List-Unsubscribe"] == "<https://api.example.com/u/1>"
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert mail["X-Retention-Key"] == "hello-1"


@pytest.mark.parametrize(
    ("answer", "passes"), [("550 no such user", False), ("450 try later", True)]
)
def test_what_a_mail_server_refuses_was_not_taken(
    catcher: Catcher, answer: str, *, passes: bool
) -> None:
    """A recipient or a message that is refused: for ever, or for now."""
    catcher.recipient_answers = [answer]
    with pytest.raises(NotTaken) as refused:
        Mail().send(outgoing())
    catcher.answers = [answer]
    with pytest.raises(NotTaken) as refused_data:
        Mail().send(outgoing())

    assert (refused.value.passes, refused_data.value.passes) == (passes, passes)
    assert catcher.mails == []


def test_a_mail_server_that_is_not_there_may_come_back(catcher: Catcher, settings: Any) -> None:
    """Nothing was handed over."""
    settings.EMAIL_PORT = free_port()

    with pytest.raises(NotTaken) as refused:
        Mail().send(outgoing())
    assert refused.value.passes
    assert catcher.mails == []


def test_a_connection_torn_after_the_mail_was_handed_over_says_nothing(catcher: Catcher) -> None:
    """The server has it and its answer is lost: that is no refusal."""
    catcher.dies_after_data = True

    with pytest.raises((smtplib.SMTPServerDisconnected, ConnectionError)):
        Mail().send(outgoing())
    assert len(catcher.mails) == 1


@pytest.mark.django_db
def test_a_campaign_arrives_over_smtp_and_a_torn_one_is_unknown(
    catcher: Catcher, shop: Shop
) -> None:
    """The whole way; the second mail's answer is lost, and it is not sent again."""
    ada, ben = reader(shop, "ada"), reader(shop, "ben")
    campaign = campaigns.start_campaign(campaign_of(shop.program, ONCE), NOW)
    campaign_planning.plan(campaign, NOW)

    assert sending.send_due(limit=1, now=NOW) == 1
    catcher.dies_after_data = True
    for _ in range(3):
        sending.send_due(now=NOW)

    assert outcome(campaign) == {ada.pk: "sent", ben.pk: "unknown"}
    assert [mail["To"] for mail in catcher.mails] == ["ada@example.com", "ben@example.com"]


class _Sms(BaseHTTPRequestHandler):
    """A provider that takes messages in, or answers as a test wants."""

    taken: list[tuple[dict[str, str], dict[str, Any]]]
    answers: list[int]

    def do_POST(self) -> None:
        """Take one."""
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        status = self.answers.pop(0) if self.answers else 202
        self.taken.append((dict(self.headers.items()), body))
        self.send_response(status)
        self.end_headers()

    def log_message(self, *_args: Any) -> None:
        """Say nothing."""


@pytest.fixture
def sms() -> Iterator[tuple[type[_Sms], str]]:
    """A provider of SMS on the loopback interface, and its address."""
    handler = type("Handler", (_Sms,), {"taken": [], "answers": []})
    server = HTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield handler, f"http://127.0.0.1:{server.server_port}/messages"
    server.shutdown()
    thread.join()
    server.server_close()


def test_sms_over_http(sms: tuple[type[_Sms], str], settings: Any) -> None:
    """One JSON document with the token, and the key that the provider may know it again by."""
    handler, url = sms
    settings.RETENTION_SMS_URL, settings.RETENTION_SMS_TOKEN = url, "secret"
    message = Message(Channel.SMS, "marketing", (("en", Texts("", "Hi")),), Via.MAIL)

    provider_of(message).send(outgoing(to="+12025550123"))

    ((headers, body),) = handler.taken
    assert body == {"to": "+12025550123", "text": "Hello\nyou", "key": "hello-1"}
    assert headers["Authorization"] == "Bearer secret"
    assert headers["Idempotency-Key"] == "hello-1"


@pytest.mark.parametrize(("status", "passes"), [(400, False), (429, True)])
def test_sms_that_were_refused(sms: tuple[type[_Sms], str], status: int, *, passes: bool) -> None:
    """An answer of 4xx was not taken."""
    handler, url = sms
    handler.answers.append(status)

    with pytest.raises(NotTaken) as refused:
        HttpSms(url, "").send(outgoing())
    assert refused.value.passes is passes


def test_sms_that_nobody_knows_of(sms: tuple[type[_Sms], str]) -> None:
    """An answer of 5xx may have been taken; a provider that is not reached has taken nothing."""
    handler, url = sms
    handler.answers.append(500)

    with pytest.raises(OSError, match="500"):
        HttpSms(url, "").send(outgoing())
    with pytest.raises(NotTaken) as refused:
        HttpSms(f"http://127.0.0.1:{free_port()}/", "").send(outgoing())
    assert refused.value.passes
    with pytest.raises(ValueError, match="RETENTION_SMS_URL"):
        HttpSms("file:///tmp/x", "")


def test_sms_to_a_name_that_is_not_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody was reached: it was not taken, and may be tried again."""

    def not_found(*_arguments: Any, **_options: Any) -> None:
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    monkeypatch.setattr(socket, "getaddrinfo", not_found)
    with pytest.raises(NotTaken) as refused:
        HttpSms("http://sms.example/", "secret").send(outgoing())
    assert (refused.value.why, refused.value.passes) == ("SMS provider: not reached", True)


@pytest.mark.django_db(transaction=True)
def test_workers_share_and_nobody_gets_two(catcher: Catcher, shop: Shop) -> None:
    """Four workers plan and send at once: each of thirty members gets exactly one mail."""
    members = [reader(shop, f"m{number}") for number in range(30)]
    campaign = campaigns.start_campaign(
        campaign_of(shop.program, ONCE, benefit={"points": 10}), NOW
    )

    def work(_number: int) -> int:
        campaign_planning.plan(campaign, NOW)
        done = 0
        while count := sending.send_due(limit=4, now=NOW):
            done += count
        return done

    done = at_once(work, 4)
    campaign_planning.plan(campaign, NOW)
    done.append(work(0))

    assert sum(done) == 30
    assert set(outcome(campaign).values()) == {"sent"}
    assert sorted(mail["To"] for mail in catcher.mails) == sorted(
        f"m{number}@example.com" for number in range(30)
    )
    for member in members:
        member.refresh_from_db()
        assert member.available == 10


@pytest.mark.django_db(transaction=True)
def test_the_cap_holds_when_campaigns_come_at_the_same_moment(catcher: Catcher, shop: Shop) -> None:
    """Six campaigns to one member at once, one message a week: one mail, five left out."""
    ada = reader(shop, "ada")
    limits = {"cap": {"messages": 1, "days": 7}}
    for number in range(6):
        draft = campaign_of(shop.program, ONCE, slug=f"c{number}", limits=limits)
        campaign_planning.plan(campaigns.start_campaign(draft, NOW), NOW)

    at_once(lambda _number: sending.send_due(limit=1, now=NOW), 6)

    states = list(Dispatch.objects.filter(account=ada).values_list("state", flat=True))
    assert states.count(DispatchState.SENT) == 1
    assert states.count(DispatchState.SKIPPED) == 5
    assert len(catcher.mails) == 1


@pytest.mark.django_db
def test_a_claim_that_has_run_out_is_another_workers(
    catcher: Catcher, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker that wakes up after its claim was taken over does not send."""
    ada = reader(shop, "ada")
    campaign = campaigns.start_campaign(campaign_of(shop.program, ONCE), NOW)
    campaign_planning.plan(campaign, NOW)
    render = sending.render
    later = NOW + sending.CLAIM + dt.timedelta(seconds=1)

    def slow(*args: Any) -> Rendered:
        monkeypatch.setattr(sending, "render", render)
        assert sending.send_due(now=later) == 1  # meanwhile, by another worker
        return render(*args)

    monkeypatch.setattr(sending, "render", slow)
    sending.send_due(now=NOW)

    assert outcome(campaign) == {ada.pk: "sent"}
    assert len(catcher.mails) == 1
