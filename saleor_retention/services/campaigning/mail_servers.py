"""Which server a program's mail leaves by: the one that the host keeps, else Django's settings."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django.conf import settings
from django.core.mail import get_connection
from django.utils.module_loading import import_string

from saleor_retention import host
from saleor_retention.models import Program

SMTP = "django.core.mail.backends.smtp.EmailBackend"
TIMEOUT_SECONDS = 30
NOTHING = "No mail is set up."


def connection_of(program: Program | None) -> tuple[Any, str | None]:
    """Return a connection, not opened yet, and its sender (None: Django's); raises what is wrong.

    Asked for each message: staff may change the server while a campaign is sent.
    """
    timeout = getattr(settings, "EMAIL_TIMEOUT", None) or TIMEOUT_SECONDS
    server = host.current().mail_server(_channels(program))
    if server is None:
        return get_connection(timeout=timeout), None
    connection = get_connection(
        SMTP,
        host=server.host,
        port=server.port,
        username=server.username,
        password=server.password,
        use_tls=server.use_tls,
        use_ssl=server.use_ssl,
        timeout=timeout,
    )
    return connection, server.sender


def problem_of(program: Program) -> str:
    """Return why no mail of a program leaves, in a sentence; "" where a way is set up."""
    if host.current().mail_server(_channels(program)) is not None:
        return ""
    backend = str(settings.EMAIL_BACKEND or "")
    if not backend or (backend == SMTP and not settings.EMAIL_HOST):
        return NOTHING
    try:
        import_string(backend)
    except ImportError:
        return f"The mail backend {backend} cannot be imported."
    return ""


def way_of(program: Program) -> str:
    """Return by what a program mails, in words for staff."""
    server = host.current().mail_server(_channels(program))
    if server is not None:
        return f"the User emails plugin of {server.channel}"
    return f"Django's mail ({str(settings.EMAIL_BACKEND).rsplit('.', 2)[-2]})"


def _channels(program: Program | None) -> Collection[str]:
    return [] if program is None else list(program.channels.values_list("channel_ref", flat=True))
