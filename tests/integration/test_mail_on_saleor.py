"""How mail leaves a Saleor 3.x shop: by the server of its User emails plugin, else by Django's."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import pytest
from django.utils import timezone

from saleor_retention import host
from saleor_retention.diagnosis import Level, diagnose
from saleor_retention.errors import Code, Refusal
from saleor_retention.host.contract import MailServer
from saleor_retention.models import Account, Campaign, Dispatch
from saleor_retention.services.campaigning import campaign_planning, campaigns, sending
from saleor_retention.services.consenting import consents
from tests import mails
from tests.campaigns import PURPOSE, QUESTIONS, campaign_of
from tests.factories.current import factories
from tests.factories.loyalty import make_member, make_program
from tests.mails import Catcher, free_port

pytest.importorskip("aiosmtpd")

pytestmark = [pytest.mark.saleor3, pytest.mark.django_db(transaction=True, databases="__all__")]

PLUGIN = "mirumee.notifications.user_email"
SECRET = "open-sesame"


@pytest.fixture
def catcher(settings: Any) -> Iterator[tuple[Catcher, int]]:
    """A mail server that Django's settings say nothing of, as without ``EMAIL_URL``."""
    settings.EMAIL_BACKEND = settings.EMAIL_HOST = settings.EMAIL_PORT = ""
    settings.RETENTION_PUBLIC_URL = "https://api.example.com"
    with mails.catching() as caught:
        yield caught


@pytest.fixture
def ada() -> Account:
    """A member who agreed to e-mails."""
    make = factories()
    member = make_member(
        make_program(make.make_channel(), questions=QUESTIONS), make.make_user("ada@shop.example")
    )
    consents.give(member, channel="email", purpose=PURPOSE, text_version="1")
    return member


def set_up(port: int | str = "", *, channel: str = "main", is_on: bool = True, **more: Any) -> Any:
    """Save the plugin's configuration in a channel as the dashboard does, without its test."""
    from saleor.plugins.models import PluginConfiguration

    values = {
        "host": "127.0.0.1",
        "port": str(port),
        "username": None,
        "password": None,
        "sender_name": "Club",
        "sender_address": "club@shop.example",
        "use_tls": False,
        "use_ssl": False,
        **more,
    }
    return PluginConfiguration.objects.create(
        identifier=PLUGIN,
        name="User emails",
        channel=factories().make_channel(channel),
        active=is_on,
        configuration=[{"name": name, "value": value} for name, value in values.items()],
    )


def draft_of(member: Account) -> Campaign:
    """Return a campaign of today."""
    today = timezone.now().date().isoformat()
    return campaign_of(member.program, {"kind": "once", "on": today})


def test_a_campaign_goes_out_by_the_server_of_the_plugin(
    catcher: tuple[Catcher, int], ada: Account
) -> None:
    """With its sender; Django's settings know of no mail at all."""
    handler, port = catcher
    set_up(port)

    campaign = campaigns.start_campaign(draft_of(ada))
    campaign_planning.plan(campaign)
    sending.send_due()

    (mail,) = handler.mails
    assert (mail["From"], mail["To"]) == ("Club <club@shop.example>", "ada@shop.example")
    assert Dispatch.objects.get().state == "sent"


@pytest.mark.usefixtures("catcher")
def test_a_campaign_does_not_start_where_no_mail_is_set_up(ada: Account) -> None:
    """Neither now nor later, and it stays a draft; a plugin that is off sets up nothing."""
    set_up(25, is_on=False)
    campaign = draft_of(ada)

    for begin in (
        lambda: campaigns.start_campaign(campaign),
        lambda: campaigns.schedule_campaign(campaign, starts_at=timezone.now()),
    ):
        with pytest.raises(Refusal) as refused:
            begin()
        assert (refused.value.code, refused.value.field) == (Code.INVALID, "message.channel")
        assert "No mail is set up" in str(refused.value.message)
    campaign.refresh_from_db()
    assert campaign.state == "draft"


def test_mail_that_is_gone_meanwhile_burns_nobody(
    catcher: tuple[Catcher, int], ada: Account
) -> None:
    """It waits, and goes out when there is a server again."""
    handler, port = catcher
    plugin = set_up(port)
    campaign = campaigns.start_campaign(draft_of(ada))
    campaign_planning.plan(campaign)
    plugin.delete()

    sending.send_due()

    row = Dispatch.objects.get()
    assert (row.state, row.attempts, row.note) == ("planned", 1, "mail server: ImportError")
    set_up(port)
    sending.send_due(now=row.not_before)
    assert len(handler.mails) == 1
    assert Dispatch.objects.get().state == "sent"


@pytest.mark.usefixtures("catcher")
def test_what_the_plugin_leaves_open_comes_from_its_address(settings: Any) -> None:
    """As Saleor completes it from ``USER_EMAIL_URL``; the password shows nowhere."""
    settings.USER_EMAIL_HOST, settings.USER_EMAIL_PORT = "mail.shop.example", "587"
    settings.USER_EMAIL_HOST_USER, settings.USER_EMAIL_HOST_PASSWORD = "shop", SECRET
    settings.USER_EMAIL_USE_TLS = True
    ref = str(factories().make_channel().pk)
    assert host.current().mail_server([ref]) is None
    set_up("", host=None, sender_name="")

    server = host.current().mail_server([ref])

    assert server == MailServer(
        host="mail.shop.example",
        port="587",
        username="shop",
        password=SECRET,
        use_tls=True,
        use_ssl=False,
        sender="club@shop.example",
        channel="main",
    )
    assert SECRET not in repr(server)
    assert host.current().mail_server([]) is None


@pytest.mark.usefixtures("catcher")
def test_of_several_channels_the_first_one_that_can_send_is_taken() -> None:
    """By slug; those of other programs, and those without a server or a sender, are none."""
    make = factories()
    refs = [str(make.make_channel(slug).pk) for slug in ("one", "two", "three", "four")]
    set_up(1, channel="one", host="")
    set_up(2, channel="two")
    set_up(3, channel="three", sender_address=None)
    set_up(4, channel="four")

    server = host.current().mail_server(refs[:3])

    assert server is not None
    assert (server.channel, server.port) == ("two", "2")


def test_a_server_that_refuses_the_password_is_tried_again_and_the_log_keeps_it(
    catcher: tuple[Catcher, int], ada: Account, caplog: pytest.LogCaptureFixture
) -> None:
    """The password and the user are in no note and in no line."""
    handler, port = catcher
    set_up(port, username="shop", password=SECRET)
    campaign = campaigns.start_campaign(draft_of(ada))
    campaign_planning.plan(campaign)

    with caplog.at_level(logging.DEBUG):
        sending.send_due()

    row = Dispatch.objects.get()
    assert (row.state, row.attempts, handler.mails) == ("planned", 1, [])
    assert SECRET not in row.note + caplog.text


@pytest.mark.parametrize("wrong", [{"use_tls": True, "use_ssl": True}, {"port": "smtp?"}])
@pytest.mark.usefixtures("catcher")
def test_a_configuration_that_cannot_be_was_surely_not_taken(
    ada: Account, wrong: dict[str, Any]
) -> None:
    """Whatever is wrong with it, nothing was handed over."""
    set_up(**{"port": free_port(), **wrong})
    campaign = campaigns.start_campaign(draft_of(ada))
    campaign_planning.plan(campaign)

    sending.send_due()

    assert Dispatch.objects.get().state == "planned"


@pytest.mark.usefixtures("catcher", "ada")
def test_the_doctor_says_how_mail_leaves() -> None:
    """Not at all, or by the plugin of a channel."""

    def said() -> list[tuple[Level, str]]:
        return [(each.level, each.message) for each in diagnose() if each.subject == "mail"]

    assert said() == [
        (Level.WARNING, 'No mail of the program "club-main" leaves: No mail is set up.')
    ]
    set_up(25)
    assert said() == [
        (Level.OK, 'The program "club-main" mails by the User emails plugin of main.')
    ]
