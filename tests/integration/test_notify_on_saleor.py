"""Saleor 3.x's notify event: who hears it, and what becomes of a message that nobody hears."""

from __future__ import annotations

from typing import Any

import pytest
from django.core import mail
from django.utils import timezone

from saleor_retention import host
from saleor_retention.diagnosis import Level, diagnose
from saleor_retention.errors import Code, Refusal
from saleor_retention.models import Account, Campaign, Dispatch
from saleor_retention.services.campaigning import campaign_planning, campaigns, sending
from saleor_retention.services.consenting import consents
from tests.campaigns import MESSAGE, PURPOSE, QUESTIONS, campaign_of
from tests.factories.current import factories
from tests.factories.loyalty import make_member, make_program

pytestmark = [pytest.mark.saleor3, pytest.mark.django_db(transaction=True, databases="__all__")]

NEWS = {"channel": "email", "purpose": "news"}
DOUBLE = {**NEWS, "version": "v1", "text": "Write to me.", "double_opt_in": True}
PAGE = "https://shop.example/yes?token={token}"


@pytest.fixture(autouse=True)
def told(monkeypatch: pytest.MonkeyPatch, settings: Any) -> list[str]:
    """What apps are told, by what it is; nothing leaves the machine."""
    from saleor.plugins.webhook.plugin import WebhookPlugin

    heard: list[str] = []

    def remember(_plugin: Any, data: Any, *_args: Any, **_more: Any) -> None:
        heard.append(str(data))

    monkeypatch.setattr(WebhookPlugin, "trigger_webhooks_async", remember)
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    settings.RETENTION_PUBLIC_URL = "https://api.example.com"
    mail.outbox = []
    return heard


@pytest.fixture
def ada() -> Account:
    """A member who agreed to e-mails of the one purpose, of a program that asks twice for news."""
    make = factories()
    questions = {"consents": [*QUESTIONS["consents"], DOUBLE]}
    member = make_member(
        make_program(make.make_channel(), questions=questions), make.make_user("ada@shop.example")
    )
    consents.give(member, channel="email", purpose=PURPOSE, text_version="1")
    return member


def listen(event: str = "notify_user", *, is_permitted: bool = True, is_on: bool = True) -> Any:
    """Add an app whose webhook listens to an event."""
    from saleor.app.models import App
    from saleor.permission.models import Permission

    app = App.objects.create(name="Mailer", identifier="mailer", is_active=True, is_installed=True)
    if is_permitted:
        app.permissions.add(Permission.objects.get(codename="manage_users"))
    webhook = app.webhooks.create(name="all", target_url="http://127.0.0.1:9/", is_active=is_on)
    webhook.events.create(event_type=event)
    return webhook


def draft_of(member: Account) -> Campaign:
    """Return a campaign of today by the event."""
    today = timezone.now().date().isoformat()
    message = {**MESSAGE, "via": "notify"}
    return campaign_of(member.program, {"kind": "once", "on": today}, message=message)


def test_an_app_that_listens_hears_it(told: list[str]) -> None:
    """One with the permission and a webhook that is on; Saleor's own plugins are none."""
    shop = host.current()
    assert shop.hears_notify() is False
    assert shop.notify("retention_campaign", {"key": "a"}) is False
    webhook = listen()

    assert shop.hears_notify() is True
    assert shop.notify("retention_campaign", {"key": "b"}) is True
    (data,) = told
    assert '"retention_campaign"' in data
    webhook.is_active = False
    webhook.save()
    assert shop.hears_notify() is False


@pytest.mark.parametrize(
    "more", [{"is_on": False}, {"is_permitted": False}, {"event": "order_created"}]
)
def test_an_app_that_is_told_of_nothing_does_not_listen(more: dict[str, Any]) -> None:
    """Switched off, without the permission, or for another event."""
    listen(**more)

    assert host.current().hears_notify() is False


def test_a_campaign_that_nobody_would_hear_does_not_start(ada: Account) -> None:
    """It stays a draft, and starts once there is somebody."""
    campaign = draft_of(ada)

    with pytest.raises(Refusal) as refused:
        campaigns.start_campaign(campaign)

    assert (refused.value.code, refused.value.field) == (Code.INVALID, "message.via")
    assert "Nobody listens" in str(refused.value.message)
    campaign.refresh_from_db()
    assert campaign.state == "draft"
    listen()
    assert campaigns.start_campaign(campaign).state == "running"


def test_what_nobody_heard_is_tried_again(ada: Account, told: list[str]) -> None:
    """An app that is switched off for a while costs nobody the message."""
    webhook = listen()
    campaign = campaigns.start_campaign(draft_of(ada))
    campaign_planning.plan(campaign)
    webhook.is_active = False
    webhook.save()

    sending.send_due()

    row = Dispatch.objects.get()
    assert (row.state, row.attempts, told) == ("planned", 1, [])
    webhook.is_active = True
    webhook.save()
    sending.send_due(now=row.not_before)
    assert Dispatch.objects.get().state == "sent"
    assert len(told) == 1


def test_the_link_of_a_double_opt_in_is_mailed_where_its_page_is_known(
    ada: Account, told: list[str], settings: Any
) -> None:
    """By the shop's mail, also while an app listens; followed it is the consent."""
    listen()
    settings.RETENTION_CONSENT_CONFIRM_URL = PAGE

    consents.give(ada, **NEWS, text_version="v1")

    (letter,) = mail.outbox
    assert (letter.to, told) == (["ada@shop.example"], [])
    token = letter.body.partition("?token=")[2].partition("\n")[0]
    assert consents.confirm(token).state == "given"


def test_without_a_page_apps_are_told(ada: Account, told: list[str]) -> None:
    """The app mails the link."""
    listen()

    consents.give(ada, **NEWS, text_version="v1")

    assert mail.outbox == []
    (data,) = told
    assert '"retention_consent_requested"' in data


def test_the_doctor_says_that_nobody_mails_the_link(ada: Account, settings: Any) -> None:
    """Until there is a page or an app."""
    assert ada.program.slug == "club-main"

    def said() -> list[tuple[Level, str]]:
        return [(each.level, each.message) for each in diagnose() if each.subject == "opt-in"]

    assert said() == [
        (Level.WARNING, 'Nobody mails the link of a double opt-in of the program "club-main".')
    ]
    settings.RETENTION_CONSENT_CONFIRM_URL = PAGE
    assert said() == []
    settings.RETENTION_CONSENT_CONFIRM_URL = ""
    listen()
    assert said() == []
