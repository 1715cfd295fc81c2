"""The budget of a campaign: what is spoken for or was given counts, whatever became of messages."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from saleor_retention.models import Account, Campaign, Dispatch, DispatchState, SkippedSend
from saleor_retention.services.campaigning import campaign_planning, campaigns, sending
from saleor_retention.services.campaigning.providers import NotTaken
from tests.campaigns import MESSAGE, NOW, campaign_of, open_mailing_shop, reader, run, started
from tests.ledger import Shop

pytestmark = pytest.mark.django_db

DAY = dt.timedelta(days=1)
TWICE: dict[str, Any] = {"kind": "holiday", "holiday": "own", "days": ["2026-06-10", "2026-06-20"]}


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch, settings: Any) -> Shop:
    """A shop that can send mail."""
    return open_mailing_shop(monkeypatch, settings)


def available() -> int:
    """Return how many points all members have."""
    return sum(Account.objects.values_list("available", flat=True))


def reread(campaign: Campaign) -> Campaign:
    """Return a campaign as it is in the database."""
    return Campaign.objects.get(pk=campaign.pk)


def reasons() -> list[str]:
    """Return the reasons of all that was left out, oldest first."""
    return list(SkippedSend.objects.order_by("pk").values_list("reason", flat=True))


def test_who_gets_points_without_a_message_spends_the_budget(shop: Shop) -> None:
    """Two who never agreed take it all in the first cycle: nobody gets anything in the second."""
    for name in ("ada", "ben"):
        shop.member(name)
    campaign = started(shop, TWICE, benefit={"points": 50}, limits={"points_max": 149})
    preview = campaign_planning.preview(campaign, NOW)
    run(campaign, NOW)
    rows = Dispatch.objects.values_list("state", "points_given", "benefit_given_at")
    assert list(rows) == [("skipped", 50, NOW)] * 2
    assert (preview.would, preview.would_not, preview.benefit_alone) == (0, {"consent": 2}, 2)

    foreseen = campaign_planning.preview(reread(campaign), NOW + 10 * DAY)
    run(campaign, NOW + 10 * DAY)

    assert (foreseen.would_not, foreseen.benefit_alone) == ({"budget": 2}, 0)
    assert reasons() == ["consent", "consent", "budget", "budget"]
    assert available() == 100


def test_a_benefit_that_needs_the_message_is_not_spent_without_it(shop: Shop) -> None:
    """Left out before it was given: its place is free in the next cycle."""
    ada, ben = shop.member("ada"), reader(shop, "ben")
    benefit = {"points": 50, "with_message_only": True}
    campaign = started(shop, TWICE, benefit=benefit, limits={"points_max": 150})
    run(campaign, NOW)
    assert (reasons(), available()) == (["consent"], 50)

    assert campaign_planning.preview(reread(campaign), NOW + 10 * DAY).benefit_alone == 0
    run(campaign, NOW + 10 * DAY)

    assert list(Dispatch.objects.filter(account=ben).values_list("state", flat=True)) == [
        "sent",
        "sent",
    ]
    assert (reasons(), available()) == (["consent", "consent"], 100)
    assert not Dispatch.objects.filter(account=ada).exclude(benefit_given_at=None).exists()


def test_a_message_that_fails_keeps_its_place(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """The mail server takes it for no address at all; the points are given and counted."""
    reader(shop, "ada")

    class Refusing:
        def send(self, _message: Any) -> None:
            raise NotTaken("mail server: 550", passes=False)

    monkeypatch.setattr(sending, "provider_of", lambda _message: Refusing())
    campaign = started(shop, TWICE, benefit={"points": 50}, limits={"sends_max": 1})
    run(campaign, NOW)
    assert Dispatch.objects.get().state == DispatchState.FAILED

    run(campaign, NOW + 10 * DAY)

    assert (reasons(), available()) == (["budget"], 50)


def test_what_is_refused_is_not_spent(shop: Shop) -> None:
    """More than the program lets be granted: failed, and nothing counts as given."""
    reader(shop, "ada")
    campaign = started(shop, TWICE, benefit={"points": 50_000}, limits={"points_max": 50_000})
    run(campaign, NOW)

    row = Dispatch.objects.get()
    assert (row.state, row.benefit_given_at, row.points_given) == ("failed", None, 0)
    assert campaign_planning.preview(reread(campaign), NOW + 10 * DAY).would == 1


def test_points_count_as_they_were_given_and_promised(shop: Shop) -> None:
    """50 given and 50 promised of 130 under one version: the next one has 30 left, for three."""
    ada, ben = reader(shop, "ada"), reader(shop, "ben")
    document = {"trigger": {"kind": "welcome"}, "message": MESSAGE, "benefit": {"points": 50}}
    campaign = started(shop, **document, limits={"points_max": 130})
    for account, hours in ((ada, 0), (ben, 1)):
        Account.objects.filter(pk=account.pk).update(joined_at=NOW + dt.timedelta(hours=hours))
    run(campaign, NOW)
    campaign_planning.plan(reread(campaign), NOW + dt.timedelta(hours=1))
    changed = {**document, "benefit": {"points": 10}, "limits": {"points_max": 130}}
    campaigns.update_campaign(campaign, document=changed, now=NOW)
    for number in range(5):
        account = reader(shop, f"m{number}")
        Account.objects.filter(pk=account.pk).update(joined_at=NOW + dt.timedelta(hours=2))

    run(campaign, NOW + dt.timedelta(hours=2))

    assert (reasons(), available()) == (["budget", "budget"], 130)


def test_sends_are_counted_beside_points(shop: Shop) -> None:
    """The smaller one of both budgets ends it."""
    for number in range(5):
        reader(shop, f"m{number}")
    limits = {"points_max": 1000, "sends_max": 3}
    run(started(shop, TWICE, benefit={"points": 50}, limits=limits), NOW)

    assert (reasons(), available()) == (["budget", "budget"], 150)


def test_a_campaign_without_points_has_no_budget_of_them(shop: Shop) -> None:
    """The limit of points says nothing of messages alone."""
    reader(shop, "ada")
    campaign = campaign_of(shop.program, TWICE, limits={"points_max": 1})

    assert campaign_planning.preview(campaign, NOW).would == 1
