"""Messages to who has been asked for his consent and has not confirmed it yet: they wait for it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from django.core import mail
from django.utils import timezone

from saleor_retention.errors import Code, Refusal
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


Follow = Callable[[str, dt.datetime], None]


@pytest.fixture
def follow(monkeypatch: pytest.MonkeyPatch) -> Follow:
    """How somebody follows the link of a mail at an instant, which it is then on every worker."""

    def run_at(token: str, now: dt.datetime) -> None:
        monkeypatch.setattr(timezone, "now", lambda: now)
        consents.confirm(token, now=now)

    return run_at


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


def test_a_welcome_waits_for_the_link(shop: Shop, follow: Follow) -> None:
    """Planned before it was followed, asked again each hour, sent once when it is."""
    campaign = started(shop, WELCOME)
    ada, token = joins(shop, "ada")

    assert run(campaign, NOW) == {ada.pk: "planned"}
    assert Dispatch.objects.get().not_before == NOW + HOUR
    assert send(campaign, NOW + HOUR) == {ada.pk: "planned"}
    assert Dispatch.objects.get().note == "consent"
    follow(token, NOW + HOUR + HOUR / 2)

    assert outcome(campaign) == {ada.pk: "sent"}
    follow(token, NOW + HOUR + HOUR / 2)
    assert send(campaign, NOW + 2 * HOUR) == {ada.pk: "sent"}
    assert Dispatch.objects.get().sending_at == NOW + HOUR + HOUR / 2
    assert Dispatch.objects.get().note == ""
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
    shop: Shop, follow: Follow, at_once: int, *, tied: bool
) -> None:
    """Consent is about messages; either way the benefit comes once."""
    benefit = {"points": 25, "with_message_only": tied}
    campaign = started(shop, WELCOME, benefit=benefit, limits={"points_max": 25})
    ada, token = joins(shop, "ada")
    run(campaign, NOW)
    ada.refresh_from_db()
    assert ada.available == at_once

    follow(token, NOW + HOUR / 2)
    assert outcome(campaign) == {ada.pk: "sent"}
    ada.refresh_from_db()
    assert (ada.available, Dispatch.objects.get().points_given) == (25, 25)
    assert "25 points." in mail.outbox[0].body


def test_what_is_woken_keeps_quiet_hours(shop: Shop, follow: Follow) -> None:
    """It waits until they are over, whatever is followed in between."""
    quiet = {"quiet": {"from": "12:10", "to": "15:00"}}
    campaign = started(shop, WELCOME, limits=quiet)
    ada, token = joins(shop, "ada")
    run(campaign, NOW)

    follow(token, NOW + HOUR / 2)

    assert outcome(campaign) == {ada.pk: "planned"}
    row = Dispatch.objects.get()
    assert (row.not_before, row.note) == (NOW + 3 * HOUR, "")
    follow(token, NOW + HOUR)
    assert Dispatch.objects.get().not_before == NOW + 3 * HOUR
    assert send(campaign, NOW + 3 * HOUR) == {ada.pk: "sent"}


def test_what_is_woken_keeps_the_cap(shop: Shop, follow: Follow) -> None:
    """Of two that waited for the same link, one goes."""
    cap = {"cap": {"messages": 1, "days": 1}}
    first = started(shop, WELCOME, limits=cap)
    second = started(shop, WELCOME, slug="again", limits=cap)
    ada, token = joins(shop, "ada")
    run(first, NOW)
    run(second, NOW)

    follow(token, NOW + HOUR / 2)

    assert (outcome(first), outcome(second)) == ({ada.pk: "sent"}, {ada.pk: "cap"})
    assert len(mail.outbox) == 1


def test_what_waits_for_its_hour_is_not_woken(shop: Shop, follow: Follow) -> None:
    """Nor what waits for another customer's link."""
    campaign = started(shop, WELCOME)
    ada, token = joins(shop, "ada")
    ben, _token = joins(shop, "ben")
    run(campaign, NOW)
    Dispatch.objects.filter(account=ada).update(note="", not_before=NOW + HOUR)

    follow(token, NOW + HOUR / 2)

    assert outcome(campaign) == {ada.pk: "planned", ben.pk: "planned"}
    assert set(Dispatch.objects.values_list("not_before", flat=True)) == {NOW + HOUR}


def test_a_link_that_is_followed_while_a_worker_decides(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it read before holds no more once it has the lock: the message goes at once."""
    campaign = started(shop, WELCOME)
    ada, token = joins(shop, "ada")
    lock = sending.lock_name

    def confirmed_before(name: str) -> None:
        monkeypatch.setattr(sending, "lock_name", lock)
        consents.confirm(token, now=NOW)
        lock(name)

    monkeypatch.setattr(sending, "lock_name", confirmed_before)

    assert run(campaign, NOW) == {ada.pk: "sent"}
    assert len(mail.outbox) == 1


def test_a_lock_that_stays_taken_puts_a_message_off(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is no fault of the message."""
    campaign = started(shop, WELCOME)
    ada, _token = joins(shop, "ada")

    def taken(_name: str) -> None:
        raise Refusal(Code.BUSY, "The same is being done twice at once; try again.")

    with monkeypatch.context() as patch:
        patch.setattr(sending, "lock_name", taken)
        assert run(campaign, NOW) == {ada.pk: "planned"}

    row = Dispatch.objects.get()
    assert (row.claim, row.not_before) == (None, NOW + dt.timedelta(minutes=5))
