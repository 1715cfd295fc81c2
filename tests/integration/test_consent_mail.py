"""The mail of a double opt-in where the storefront's page is known: the plugin sends it."""

from __future__ import annotations

import logging
import smtplib
from typing import Any

import pytest
from django.core import mail
from django.core.mail.backends.locmem import EmailBackend
from django.test import override_settings

from saleor_retention.models import Account
from saleor_retention.services.consenting import consents
from saleor_retention.services.membership import profiles
from tests import fakes
from tests.fakes import FakeHost
from tests.members import NOON, make_member, make_program

pytestmark = pytest.mark.django_db

NEWS = {"channel": "email", "purpose": "news"}
QUESTIONS = {"consents": [{**NEWS, "version": "v1", "text": "Write to me.", "double_opt_in": True}]}
PAGE = "https://shop.example/yes?token={token}"


class Unwilling(EmailBackend):
    """A mail server that refuses the sender for now."""

    def send_messages(self, messages: Any) -> int:
        """Refuse."""
        raise smtplib.SMTPSenderRefused(451, b"later", messages[0].from_email)


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch, settings: Any) -> FakeHost:
    """A shop in memory that nobody listens to and that can send mail."""
    made = fakes.use(monkeypatch)
    made.is_heard = False
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    settings.RETENTION_CONSENT_CONFIRM_URL = PAGE
    mail.outbox = []
    return made


@pytest.fixture
def ann(shop: FakeHost) -> Account:
    """A member of a program that asks with a double opt-in."""
    return make_member(shop, make_program(questions=QUESTIONS))


def token_in(text: str) -> str:
    """Return what stands in the place of the token."""
    return text.partition(PAGE.removesuffix("{token}"))[2].partition("\n")[0]


def test_the_link_of_the_mail_confirms(shop: FakeHost, ann: Account) -> None:
    """To the customer's address, with the words agreed to; following the link is the consent."""
    consents.give(ann, **NEWS, text_version="v1", now=NOON)

    (letter,) = mail.outbox
    assert letter.to == [shop.users([str(ann.user_id)])[str(ann.user_id)].email]
    assert letter.subject == f"Please confirm: {ann.program.name}"
    assert letter.body.startswith("Write to me.\n\nFollow this link to agree:\n\nhttps://")
    assert consents.may_send(ann.pk, **NEWS, at=NOON).reason == "not_confirmed"
    consents.confirm(token_in(letter.body), now=NOON)
    assert consents.may_send(ann.pk, **NEWS, at=NOON).reason is None


@pytest.mark.usefixtures("shop")
@pytest.mark.parametrize(
    ("language", "subject", "header"),
    [("zh-TW", "請確認", "zh-hant"), ("zh-CN", "请确认", "zh-hans"), ("fr", "Please", "en")],
)
def test_the_mail_is_in_the_language_of_the_customer(
    ann: Account, language: str, subject: str, header: str
) -> None:
    """Chinese in both scripts; English for all others."""
    profiles.update(ann, {"language": language}, now=NOON)
    consents.give(ann, **NEWS, text_version="v1", now=NOON)

    (letter,) = mail.outbox
    assert letter.subject.startswith(subject)
    assert letter.extra_headers["Content-Language"] == header


def test_nobody_is_mailed_without_a_page_to_lead_to(
    ann: Account, caplog: pytest.LogCaptureFixture
) -> None:
    """The request stays, and the log says that nobody was told."""
    with override_settings(RETENTION_CONSENT_CONFIRM_URL=""), caplog.at_level(logging.WARNING):
        entry = consents.give(ann, **NEWS, text_version="v1", now=NOON)

    assert mail.outbox == []
    assert f"Nobody mailed the link of consent {entry.pk}." in caplog.messages


def test_a_mail_server_that_refuses_does_not_undo_the_answer(
    ann: Account, caplog: pytest.LogCaptureFixture
) -> None:
    """The request stays, to be mailed again when the customer asks again; no token is logged."""
    backend = f"{__name__}.Unwilling"
    with override_settings(EMAIL_BACKEND=backend), caplog.at_level(logging.WARNING):
        entry = consents.give(ann, **NEWS, text_version="v1", now=NOON)

    assert (entry.state, mail.outbox) == ("requested", [])
    assert caplog.messages == [
        f"The link of consent {entry.pk} was not taken: mail server: 451",
        f"Nobody mailed the link of consent {entry.pk}.",
    ]
