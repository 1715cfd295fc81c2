"""A mail server on the loopback interface that keeps what it gets, or answers as a test wants."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any


def free_port() -> int:
    """Return a port of the loopback interface that nobody listens on just now."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Catcher:
    """Takes mail in, or answers as a test wants."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.answers: list[str] = []  # to the next messages, in place of taking them
        self.recipient_answers: list[str] = []
        self.dies_after_data = False

    async def handle_RCPT(  # noqa: N802 (aiosmtpd names it)
        self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any
    ) -> str:
        """Take the recipient, or answer something else."""
        if self.recipient_answers:
            return self.recipient_answers.pop(0)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802
        """Keep the mail."""
        if self.answers:
            return self.answers.pop(0)
        mail = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(mail, EmailMessage)
        self.mails.append(mail)
        if self.dies_after_data:
            server.transport.abort()
        return "250 OK"


@contextmanager
def catching() -> Iterator[tuple[Catcher, int]]:
    """Run a mail server; give what it keeps and its port. Needs ``aiosmtpd``."""
    from aiosmtpd.controller import Controller

    handler, port = Catcher(), free_port()
    server = Controller(handler, hostname="127.0.0.1", port=port)
    server.start()
    try:
        yield handler, port
    finally:
        server.stop()


def use(settings: Any, port: int) -> None:
    """Have Django send its mail to that port, from a shop that mails can link to."""
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", port
    settings.EMAIL_HOST_USER = settings.EMAIL_HOST_PASSWORD = ""
    settings.EMAIL_USE_TLS = settings.EMAIL_USE_SSL = False
    settings.DEFAULT_FROM_EMAIL = "club@example.com"
    settings.RETENTION_PUBLIC_URL = "https://api.example.com"
