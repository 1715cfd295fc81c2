"""How a message leaves the shop: by mail, Saleor's notify event, and providers of SMS.

A provider says one of three things. It returns: the message was taken. It raises ``NotTaken``: the
message was surely not taken, and may be tried again if the fault passes. It raises anything else:
nobody knows, and the message is never sent a second time.
"""

from __future__ import annotations

import json
import smtplib
import socket
import urllib.error
import urllib.request
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from django.core.mail import EmailMultiAlternatives
from django.core.mail.message import BadHeaderError

from saleor_retention import conf, host
from saleor_retention.engine.campaigns.terms import Channel, Message, Via
from saleor_retention.errors import Code, Refusal
from saleor_retention.models import Program
from saleor_retention.services.campaigning import mail_servers
from saleor_retention.services.campaigning.messages import Rendered

TIMEOUT_SECONDS = 30
ADVICE = "Set EMAIL_URL, or on Saleor 3 the plugin User emails in a channel of the program."
UNHEARD = (
    "Nobody listens to Saleor's notify event: install an app with a webhook of NOTIFY_USER and the "
    "permission to manage users, or send with via: mail."
)
NOTIFY_EVENT = "retention_campaign"
SERVER_ERROR = 500
TOO_MANY = 429
PASSING_SMTP = range(400, 500)


class NotTaken(Exception):
    """A message that was surely not taken; ``passes`` where a later try may do better."""

    def __init__(self, why: str, *, passes: bool) -> None:
        """Say why, in words without addresses."""
        super().__init__(why)
        self.why = why
        self.passes = passes


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One message to one address, complete."""

    to: str
    words: Rendered
    key: str  # of the campaign, the customer and the cycle: the same when it is tried again
    unsubscribe_url: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)


class Provider(Protocol):
    """One way out."""

    def send(self, message: Outgoing) -> None:
        """Hand a message over, as the module says."""


class Mail:
    """Mail as the shop has set it up, with headers to unsubscribe in one click."""

    def __init__(self, program: Program | None = None) -> None:
        """Send for a program, by the server that its channels have; else as Django is set up."""
        self._program = program

    def send(self, message: Outgoing) -> None:
        """Send an e-mail; what the server refuses is not taken, nor is what never got there."""
        try:
            connection, sender = mail_servers.connection_of(self._program)
            connection.open()
        except Exception as error:
            raise NotTaken(f"mail server: {type(error).__name__}", passes=True) from error
        mail = EmailMultiAlternatives(
            message.words.subject,
            message.words.text,
            from_email=sender,
            to=[message.to],
            headers=_headers(message),
            connection=connection,
        )
        if message.words.html:
            mail.attach_alternative(message.words.html, "text/html")
        try:
            mail.send()
        except BadHeaderError as error:
            raise NotTaken("a header with a line break", passes=False) from error
        except smtplib.SMTPRecipientsRefused as error:
            codes = [code for code, _text in error.recipients.values()]
            raise _refused(max(codes, default=0)) from error
        except smtplib.SMTPResponseException as error:  # also of the sender, and of the data
            raise _refused(error.smtp_code) from error
        finally:
            with suppress(OSError, smtplib.SMTPException):  # the message was answered for already
                connection.close()


class Notify:
    """Saleor's notify event, so that a mail provider's app or plugin writes the e-mail."""

    def send(self, message: Outgoing) -> None:
        """Tell of the message; whoever listens answers for the rest."""
        payload = {
            "recipient_email": message.to,
            "subject": message.words.subject,
            "text": message.words.text,
            "html": message.words.html,
            "language": message.words.language,
            "unsubscribe_url": message.unsubscribe_url,
            "headers": _headers(message),
            "key": message.key,
            "facts": dict(message.facts),
        }
        if not host.current().notify(NOTIFY_EVENT, payload):
            raise NotTaken("nobody listens to the notify event", passes=True)


class HttpSms:
    """A provider of text messages that takes JSON: ``RETENTION_SMS_URL``, ``RETENTION_SMS_TOKEN``.

    Sends ``{"to", "text", "key"}`` with the token as a bearer, and ``Idempotency-Key``.
    """

    def __init__(self, url: str, token: str) -> None:
        """Send to this address of the provider's, which must be http(s)."""
        if not url.startswith(("https://", "http://")):
            raise ValueError("RETENTION_SMS_URL must begin with https:// or http://.")
        self._url = url
        self._token = token

    def send(self, message: Outgoing) -> None:
        """Post it; an answer of 4xx was not taken, one of 5xx may have been."""
        body = {"to": message.to, "text": message.words.text, "key": message.key}
        request = urllib.request.Request(  # noqa: S310 (the scheme is looked at above)
            self._url,
            data=json.dumps(body).encode(),
            method="POST",
            headers={
                "Content-Type": "application/json",
                "Authorization": f"Bearer {self._token}",
                "Idempotency-Key": message.key,
            },
        )
        try:
            urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS).close()  # noqa: S310
        except urllib.error.HTTPError as error:
            error.close()
            if error.code < SERVER_ERROR:
                passes = error.code == TOO_MANY
                raise NotTaken(f"SMS provider: {error.code}", passes=passes) from error
            raise
        except urllib.error.URLError as error:
            if isinstance(error.reason, (ConnectionRefusedError, socket.gaierror)):
                raise NotTaken("SMS provider: not reached", passes=True) from error
            raise


class FileSms:
    """Text messages written to a file, a line of JSON each: for tests and for a first look."""

    def __init__(self, path: Path) -> None:
        """Write to this file."""
        self._path = path

    def send(self, message: Outgoing) -> None:
        """Append it."""
        line = {"to": message.to, "text": message.words.text, "key": message.key}
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line, ensure_ascii=False) + "\n")


def provider_of(message: Message, program: Program | None = None) -> Provider:
    """Return the way out of a campaign's message; ``ValueError`` where no SMS is set up."""
    if message.channel is Channel.EMAIL:
        return Mail(program) if message.via is Via.MAIL else Notify()
    if url := str(conf.get("SMS_URL")):
        return HttpSms(url, str(conf.get("SMS_TOKEN")))
    if path := str(conf.get("SMS_FILE")):
        return FileSms(Path(path))
    raise ValueError("No provider of SMS is set up: set RETENTION_SMS_URL or RETENTION_SMS_FILE.")


def require_way_out(message: Message, program: Program) -> None:
    """Refuse INVALID, by the document's field, a message that could not leave the shop now."""
    try:
        provider_of(message, program)
    except ValueError as error:
        raise Refusal(Code.INVALID, str(error), "message.channel") from None
    if message.channel is not Channel.EMAIL:
        return
    if message.via is Via.NOTIFY and not host.current().hears_notify():
        raise Refusal(Code.INVALID, UNHEARD, "message.via")
    if message.via is Via.MAIL:
        problem = mail_servers.problem_of(program)
        if problem:
            raise Refusal(Code.INVALID, f"{problem} {ADVICE}", "message.channel")


def _headers(message: Outgoing) -> dict[str, str]:
    headers = {"X-Retention-Key": message.key, "Content-Language": message.words.language}
    if message.unsubscribe_url:
        headers["List-Unsubscribe"] = f"<{message.unsubscribe_url}>"
        headers["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    return headers


def _refused(code: int) -> NotTaken:
    return NotTaken(f"mail server: {code}", passes=code in PASSING_SMTP)
