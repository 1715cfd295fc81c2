"""Messages to who has been asked for his consent and has not confirmed it yet: they wait for it."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.core import mail

from saleor_retention.models import Account, Campaign, Dispatch
from saleor_retention.services.campaigning import campaign_planning, sending
from saleor_retention.services.consenting import consents
from tests.campaigns import NOW, PURPOSE, QUESTIONS, open_mailing_shop, outcome, run, started
from tests.ledger import Shop

pytestmark = pytest.mark.django_db

HOUR = dt.timedelta(hours=1)
DAY = dt.timedelta(days=1)
WELCOME: dict[str, Any] = {"kind": "welcome"}
DOUBLE: dict[str, Any] = {
    "consents": [{**question, "double_opt_in": True} for question in QUESTIONS["consents"][:1]]
}


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch, settings: Any) -> Shop:
    """A shop in which a consent counts when the link of a mail was followed."""
    return open_mailing_shop(monkeypatch, settings, questions=DOUBLE)


def joins(shop: Shop, name: str) -> tuple[Account, str]:
    """Have somebody join now and ask for mails; return the token of his link too."""
    account = shop.member(name)
    Account.objects.filter(pk=account.pk).update(joined_at=NOW)
    consents.give(account, channel="email", purpose=PURPOSE, text_version="1", now=NOW)
    return account, shop.host.notified[-1][1]["token"]


def send(campaign: Campaign, now: dt.datetime) -> dict[int, str]:
    """Send what is due; return what became of everybody."""
    while sending.send_due(now=now):
        pass
    return outcome(campaign)


def test_a_welcome_waits_for_the_link(shop: Shop) -> None:
    """Planned before it was followed, asked again each hour, sent after it."""
    campaign = started(shop, WELCOME)
    ada, token = joins(shop, "ada")

    assert run(campaign, NOW) == {ada.pk: "planned"}
    assert Dispatch.objects.get().not_before == NOW + HOUR
    assert send(campaign, NOW + HOUR) == {ada.pk: "planned"}
    consents.confirm(token, now=NOW + HOUR + HOUR / 2)

    assert send(campaign, NOW + 2 * HOUR) == {ada.pk: "sent"}
    assert [message.to for message in mail.outbox] == [["ada@example.com"]]


def test_who_never_follows_it_is_left_out_in_the_end(shop: Shop) -> None:
    """With the reason, an hour at most before the message is of no more use; nobody else waits."""
    campaign = started(shop, WELCOME, limits={"useful_days": 0})
    ada, _token = joins(shop, "ada")
    ben = shop.member("ben")
    Account.objects.filter(pk=ben.pk).update(joined_at=NOW)
    preview = campaign_planning.preview(campaign, NOW)
    run(campaign, NOW)
    for hours in range(1, 11):
        states = send(campaign, NOW + hours * HOUR)
        assert states == {ada.pk: "planned", ben.pk: "consent"}

    assert send(campaign, NOW + 11 * HOUR) == {ada.pk: "consent", ben.pk: "consent"}
    assert (preview.would, preview.later, preview.would_not) == (0, 0, {"consent": 2})
    assert mail.outbox == []


def test_who_withdraws_meanwhile_does_not_wait(shop: Shop) -> None:
    """There is nothing to wait for any more."""
    campaign = started(shop, WELCOME)
    ada, _token = joins(shop, "ada")
    run(campaign, NOW)
    consents.withdraw(ada, channel="email", purpose=PURPOSE, now=NOW)

    assert send(campaign, NOW + HOUR) == {ada.pk: "consent"}


@pytest.mark.parametrize(("tied", "at_once"), [(False, 25), (True, 0)])
def test_a_benefit_does_not_wait_unless_it_comes_with_the_message(
    shop: Shop, at_once: int, *, tied: bool
) -> None:
    """Consent is about messages; either way the benefit comes once."""
    benefit = {"points": 25, "with_message_only": tied}
    campaign = started(shop, WELCOME, benefit=benefit, limits={"points_max": 25})
    ada, token = joins(shop, "ada")
    run(campaign, NOW)
    ada.refresh_from_db()
    assert ada.available == at_once

    consents.confirm(token, now=NOW + HOUR)
    assert send(campaign, NOW + HOUR) == {ada.pk: "sent"}
    ada.refresh_from_db()
    assert (ada.available, Dispatch.objects.get().points_given) == (25, 25)
    assert "25 points." in mail.outbox[0].body
