"""Campaigns from document to mailbox: whom they reach, once, when, and why others get nothing."""

from __future__ import annotations

import datetime as dt
from io import StringIO
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth import get_user_model
from django.core import mail
from django.core.management import CommandError, call_command

from saleor_retention import tasks
from saleor_retention.engine.experiments.assignment import arm_of
from saleor_retention.engine.facts import GoodsFacts
from saleor_retention.errors import Code, Refusal, Refusals
from saleor_retention.models import (
    Account,
    AccountState,
    Campaign,
    CampaignState,
    Coupon,
    Dispatch,
    DispatchState,
    Experiment,
    ExperimentSubject,
    Offer,
    OfferGrant,
    Program,
    SegmentEvent,
    SkippedSend,
    SuppressionReason,
    TierChange,
    Transaction,
)
from saleor_retention.services.campaigning import (
    campaign_planning,
    campaign_trying,
    campaigns,
    experiments,
    messages,
    sending,
)
from saleor_retention.services.campaigning.holiday_dates import Packaged
from saleor_retention.services.consenting import consent_links, consents
from saleor_retention.services.membership import erasing, profiles, segments
from saleor_retention.services.membership.segments import Draft
from saleor_retention.services.offering.offer_grants import grant_offer
from tests import ledger
from tests.campaigns import (
    MESSAGE,
    NOW,
    PURPOSE,
    agree,
    campaign_of,
    open_mailing_shop,
    outcome,
    reader,
    run,
    started,
)
from tests.customers import record_order
from tests.fakes import at, line, order
from tests.ledger import Shop
from tests.members import counts_of_rows, give
from tests.offers import make_offer

pytestmark = pytest.mark.django_db

DAY = dt.timedelta(days=1)
PARIS = "Europe/Paris"
TIERS: dict[str, Any] = {
    "metric": "orders",
    "window": "lifetime",
    "ladder": [
        {"slug": "regular", "name": "Regular", "threshold": 0},
        {"slug": "vip", "name": "VIP", "threshold": 2},
    ],
}


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch, settings: Any) -> Shop:
    """A shop whose program counts in Paris, which can send mail."""
    return open_mailing_shop(monkeypatch, settings, time_zone=PARIS, tiers=TIERS)


def tell(account: Account, now: dt.datetime = ledger.LAUNCH, **facts: Any) -> None:
    """Have a customer tell facts of himself."""
    profiles.update(account, facts, now=now)


def withdraw(account: Account) -> None:
    """Have a customer agree no longer."""
    consents.withdraw(account, channel="email", purpose=PURPOSE, now=NOW)


def segment_of(shop: Shop, *accounts: Account, slug: str = "chosen") -> Any:
    """Put accounts on a list."""
    segment = segments.create_segment(shop.program, Draft(slug, slug.title()), now=NOW)
    segments.change_list(segment, add=[account.pk for account in accounts], now=NOW)
    return segment


ONCE = {"kind": "once", "on": "2026-06-10"}
TEN_OFF = {"name": "Ten off", "percent": 10}


# --- once, to whom and how ------------------------------------------------------------------------


def test_everybody_gets_it_once(shop: Shop) -> None:
    """Two members get the mail; planning and sending again changes nothing."""
    ada, ben = reader(shop, "ada"), reader(shop, "ben")
    campaign = started(shop, ONCE)

    assert run(campaign, NOW) == {ada.pk: "sent", ben.pk: "sent"}
    assert run(campaign, NOW + dt.timedelta(hours=1)) == {ada.pk: "sent", ben.pk: "sent"}

    assert [message.to for message in mail.outbox] == [["ada@example.com"], ["ben@example.com"]]


def test_what_a_mail_is_made_of(shop: Shop) -> None:
    """Subject, plain text and HTML, and the headers that unsubscribe with one click."""
    ada = reader(shop, "ada")
    run(started(shop, ONCE), NOW)

    (message,) = mail.outbox
    assert message.subject == "Hello you"
    assert message.body == "Dear ada@example.com,\n"
    assert [(part[0], part[1]) for part in message.alternatives] == [
        ("<p>Dear ada@example.com</p>", "text/html")
    ]
    path = consent_links.unsubscribe_path(
        ada.pk, channel="email", purpose=PURPOSE, address="ada@example.com"
    )
    assert message.extra_headers["List-Unsubscribe"] == f"<https://api.example.com{path}>"
    assert message.extra_headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


def test_each_in_his_language(shop: Shop) -> None:
    """Somebody from Taipei reads Traditional Chinese; who has none of ours reads the first."""
    ada, ben = reader(shop, "ada"), reader(shop, "ben")
    tell(ada, language="zh-TW")
    tell(ben, language="fr")
    run(started(shop, ONCE), NOW)

    assert [message.subject for message in mail.outbox] == ["您好", "Hello you"]


def test_the_audience(shop: Shop) -> None:
    """Those in the segment who are not in the other one, and nobody from outside."""
    ada, ben, _eve = reader(shop, "ada"), reader(shop, "ben"), reader(shop, "eve")
    segment_of(shop, ada, ben)
    segment_of(shop, ben, slug="not-these")
    campaign = started(shop, ONCE, audience={"segments": ["chosen"], "without": ["not-these"]})

    assert run(campaign, NOW) == {ada.pk: "sent"}


def test_an_audience_of_nobody(shop: Shop) -> None:
    """A campaign to an empty segment runs and does nothing."""
    reader(shop, "ada")
    segment_of(shop)
    campaign = started(shop, ONCE, audience={"segments": ["chosen"]})

    assert campaign_planning.preview(campaign, NOW).would == 0
    assert run(campaign, NOW) == {}


# --- why not ----------------------------------------------------------------------------------


def test_every_reason_is_stored(shop: Shop) -> None:
    """No consent or none any more, suppressed, no confirmed address: each with its reason."""
    ada, ben, eve = reader(shop, "ada"), reader(shop, "ben"), reader(shop, "eve")
    withdraw(ada)
    consents.suppress("ben@example.com", channel="email", reason=SuppressionReason.BOUNCED, now=NOW)
    silent = shop.member("silent")
    shop.host.put_user(str(eve.user_id), "eve@example.com", is_confirmed=False)
    campaign = started(shop, ONCE)

    assert run(campaign, NOW) == {
        ada.pk: "consent",
        ben.pk: "suppressed",
        eve.pk: "no_address",
        silent.pk: "consent",
    }
    assert mail.outbox == []


def test_who_unsubscribes_between_planning_and_sending_gets_nothing(shop: Shop) -> None:
    """Consent is asked when the message goes out."""
    ada, ben = reader(shop, "ada"), reader(shop, "ben")
    campaign = started(shop, ONCE)
    assert campaign_planning.plan(campaign, NOW).planned == 2

    path = consent_links.unsubscribe_path(
        ada.pk, channel="email", purpose=PURPOSE, address="ada@example.com"
    )
    link = consent_links.unsubscription_in(path.rpartition("/")[2])
    assert link is not None
    consents.unsubscribe(link, now=NOW)
    sending.send_due(now=NOW)

    assert outcome(campaign) == {ada.pk: "suppressed", ben.pk: "sent"}


def test_a_customer_who_is_deleted_or_erased_meanwhile_is_gone(shop: Shop) -> None:
    """Neither gets anything, and the others do."""
    ada, ben, eve = reader(shop, "ada"), reader(shop, "ben"), reader(shop, "eve")
    campaign = started(shop, {"kind": "once", "on": "2026-06-11"})
    campaign_planning.plan(campaign, NOW)
    del shop.host.people[str(ada.user_id)]
    get_user_model().objects.filter(pk=ada.user_id).delete()
    Account.objects.filter(pk=ben.pk).update(state=AccountState.LEFT)
    erasing.erase_deleted()

    assert run(campaign, NOW + DAY) == {ada.pk: "gone", ben.pk: "gone", eve.pk: "sent"}


def test_the_cap_counts_all_campaigns(shop: Shop) -> None:
    """One message in seven days: the second campaign is left out, and goes out after that."""
    ada = reader(shop, "ada")
    limits = {"cap": {"messages": 1, "days": 7}}
    first = started(shop, ONCE, slug="first")
    second = started(shop, ONCE, slug="second", limits=limits)
    third = started(shop, {"kind": "once", "on": "2026-06-17"}, slug="third", limits=limits)

    assert run(first, NOW) == {ada.pk: "sent"}
    assert run(second, NOW) == {ada.pk: "cap"}
    assert run(third, NOW + 7 * DAY) == {ada.pk: "sent"}


def test_quiet_hours_are_those_of_the_customer(shop: Shop) -> None:
    """At noon in UTC it is night in Auckland: that message waits until nine there."""
    ada, ben = reader(shop, "ada"), reader(shop, "ben")
    tell(ada, time_zone="Pacific/Auckland")
    campaign = started(shop, ONCE, limits={"quiet": {"from": "21:00", "to": "09:00"}})

    assert run(campaign, NOW) == {ada.pk: "planned", ben.pk: "sent"}
    assert Dispatch.objects.get(account=ada).not_before == at("2026-06-10 21:00")
    assert run(campaign, at("2026-06-10 20:59")) == {ada.pk: "planned", ben.pk: "sent"}
    assert run(campaign, at("2026-06-10 21:00")) == {ada.pk: "sent", ben.pk: "sent"}


def test_quiet_hours_beyond_the_use_of_a_message_leave_it_out(shop: Shop) -> None:
    """A message for today that could only go tomorrow is left out."""
    ada = reader(shop, "ada")
    tell(ada, time_zone="Pacific/Auckland")
    limits = {"quiet": {"from": "21:00", "to": "09:00"}, "useful_days": 0}
    campaign = started(shop, ONCE, limits=limits)

    assert run(campaign, at("2026-06-10 11:00")) == {ada.pk: "quiet_hours"}


def test_the_budget_ends(shop: Shop) -> None:
    """Points for two are given to two; the third is left out, also in the dry run."""
    accounts = [reader(shop, name) for name in ("ada", "ben", "eve")]
    campaign = started(shop, ONCE, benefit={"points": 50}, limits={"points_max": 149})

    preview = campaign_planning.preview(campaign, NOW)
    states = run(campaign, NOW)

    assert (preview.would, dict(preview.would_not)) == (2, {"budget": 1})
    assert sorted(states.values()) == ["budget", "sent", "sent"]
    for account in accounts:
        account.refresh_from_db()
    assert sorted(account.available for account in accounts) == [0, 50, 50]


def test_the_holdout_gets_neither_message_nor_benefit(shop: Shop) -> None:
    """Held out customers stay held out, and are written down as such."""
    accounts = [reader(shop, f"m{number}") for number in range(20)]
    ids = [account.pk for account in accounts]
    campaign = started(shop, ONCE, holdout_per_mille=500, benefit={"points": 10})
    foreseen = campaign_planning.preview(campaign, NOW)
    secret = bytes.fromhex(campaign.secret)
    arms = {pk: arm_of(secret, "hello", pk, held_out_per_mille=500) for pk in ids}
    expected = {pk: "holdout" if arm == "held_out" else "sent" for pk, arm in arms.items()}

    assert run(campaign, NOW) == expected
    assert len(mail.outbox) == list(expected.values()).count("sent")
    for account in accounts:
        account.refresh_from_db()
        assert account.available == (10 if expected[account.pk] == "sent" else 0)
    assert foreseen.would_not == {"holdout": list(expected.values()).count("holdout")}
    assert dict(ExperimentSubject.objects.values_list("account", "arm")) == arms


def test_a_holdout_stays_as_it_was_begun(shop: Shop) -> None:
    """Neither share nor window changes, nobody joins after the end; a taken slug is refused."""
    reader(shop, "ada")
    document = {"trigger": ONCE, "message": MESSAGE, "holdout_per_mille": 500}
    campaign = started(shop, **document)
    campaigns.update_campaign(campaign, document={**document, "holdout_per_mille": 400}, now=NOW)
    run(campaign, NOW)

    for changes in ({"holdout_per_mille": 500}, {"holdout_window_days": 60}):
        with pytest.raises(Refusals) as caught:
            campaigns.update_campaign(
                campaign, document={**document, "holdout_per_mille": 400, **changes}
            )
        assert [each.field for each in caught.value.refusals] == list(changes)
    campaigns.end_campaign(campaign, NOW + DAY)
    assert Experiment.objects.get().ended_at == NOW + DAY

    experiments.create_experiment(
        shop.program, slug="taken", name="Taken", held_out_per_mille=1, window_days=1
    )
    with pytest.raises(Refusal, match="experiment") as refused:
        started(shop, slug="taken", **document)
    assert (refused.value.code, refused.value.field) == (Code.UNIQUE, "slug")


def test_nobody_new_is_held_out_once_the_experiment_is_over(shop: Shop) -> None:
    """Ended by itself while the campaign goes on: who was held out stays so, the others get it."""
    old = [reader(shop, f"m{number}") for number in range(20)]
    days = ["2026-06-10", "2026-06-20"]
    campaign = started(
        shop, {"kind": "holiday", "holiday": "own", "days": days}, holdout_per_mille=500
    )
    first = run(campaign, NOW)
    experiments.end_experiment(Experiment.objects.get(), now=NOW)
    new = [reader(shop, f"m{number}") for number in range(20, 30)]
    campaign.refresh_from_db()

    foreseen = campaign_planning.preview(campaign, NOW + 10 * DAY)
    states = run(campaign, NOW + 10 * DAY)

    held_out = list(first.values()).count("holdout")
    assert {account.pk: states[account.pk] for account in old} == first
    assert {states[account.pk] for account in new} == {"sent"}
    assert (foreseen.would, foreseen.would_not) == (30 - held_out, {"holdout": held_out})


def test_the_dry_run_promises_what_sending_keeps(shop: Shop) -> None:
    """The same numbers and reasons; and it changes nothing."""
    ada, ben, eve = (reader(shop, name) for name in ("ada", "ben", "eve"))
    withdraw(ada)
    tell(ben, time_zone="Pacific/Auckland")
    campaign = started(shop, ONCE, limits={"quiet": {"from": "21:00", "to": "09:00"}})
    before = counts_of_rows()

    preview = campaign_planning.preview(campaign, NOW)

    assert (preview.would, preview.later) == (2, 1)
    assert preview.would_not == {"consent": 1}
    assert dict(preview.sample) == {
        ada.member_number: "consent",
        ben.member_number: "",
        eve.member_number: "",
    }
    assert counts_of_rows() == before
    assert run(campaign, NOW) == {ada.pk: "consent", ben.pk: "planned", eve.pk: "sent"}
    assert campaign_planning.preview(campaign, NOW).would == 0


# --- benefits -----------------------------------------------------------------------------------


def test_points_come_even_without_consent_to_mail(shop: Shop) -> None:
    """Consent is about messages; ``with_message_only`` says otherwise."""
    ada = reader(shop, "ada")
    withdraw(ada)
    kept = started(shop, ONCE, slug="kept", benefit={"points": 30})
    tied = started(shop, ONCE, slug="tied", benefit={"points": 5, "with_message_only": True})

    assert run(kept, NOW) == {ada.pk: "consent"}
    assert run(tied, NOW) == {ada.pk: "consent"}
    ada.refresh_from_db()
    assert ada.available == 30


def test_a_benefit_needs_no_message(shop: Shop) -> None:
    """Birthday points without a mail."""
    ada = reader(shop, "ada")
    campaign = started(shop, ONCE, message=None, benefit={"points": 30})

    assert run(campaign, NOW) == {ada.pk: "sent"}
    ada.refresh_from_db()
    assert (ada.available, mail.outbox) == (30, [])


def test_a_coupon_is_named_in_the_message(shop: Shop) -> None:
    """A personal one, valid for so many days of the program's calendar."""
    ada = reader(shop, "ada")
    campaign = started(
        shop,
        ONCE,
        message={"channel": "email", "texts": {"en": {"subject": "s", "text": "{{ coupon }}"}}},
        benefit={"coupon": {"kind": "personal", "terms": TEN_OFF, "valid_for_days": 14}},
    )
    run(campaign, NOW)

    coupon = Coupon.objects.get()
    assert [message.body for message in mail.outbox] == [coupon.code]
    assert (coupon.account, coupon.campaign, coupon.cause) == (ada, "hello", "campaign")
    assert coupon.valid_until == at("2026-06-24 22:00")  # the end of the 24th in Paris
    assert shop.host.codes == {coupon.code: True}


@pytest.mark.parametrize(
    ("coupon", "field"),
    [
        ({"kind": "golden", "terms": {"name": "Ten", "percent": 10}}, "kind"),
        ({"kind": "personal"}, "terms.name"),
        ({"kind": "personal", "terms": {"name": "Ten", "percent": 101}}, "terms.percent"),
        ({"kind": "personal", "terms": {"name": "Ten", "amounts": {"JPY": 5}}}, "terms.amounts"),
    ],
)
def test_a_coupon_that_could_not_be_issued_is_refused(
    shop: Shop, coupon: dict[str, Any], field: str
) -> None:
    """When the campaign is saved, by the field at fault."""
    with pytest.raises(Refusals) as caught:
        campaign_of(shop.program, ONCE, benefit={"coupon": coupon})

    assert caught.value.refusals[0].field == f"benefit.coupon.{field}"


def test_an_offer_is_given_to_each_member(shop: Shop) -> None:
    """Named in the message, had to the end of a day of the program's calendar, and given once."""
    ada = reader(shop, "ada")
    offer = make_offer(shop.program, "gift", audience={"granted_only": True})
    campaign = started(
        shop,
        ONCE,
        message={"channel": "email", "texts": {"en": {"subject": "s", "text": "{{ offer }}!"}}},
        benefit={"offer": {"slug": "gift", "valid_for_days": 14}},
    )
    run(campaign, NOW)
    row = Dispatch.objects.get()
    again = grant_offer(offer, ada, days=3, key=f"campaign:{row.pk}", now=NOW + DAY)

    assert [message.body for message in mail.outbox] == ["Gift!"]
    assert row.benefit_ref == "gift"
    grant = OfferGrant.objects.get()
    assert again == grant
    assert (grant.offer, grant.account, grant.campaign) == (offer, ada, campaign)
    assert grant.valid_until == at("2026-06-24 22:00")  # the end of the 24th in Paris


@pytest.mark.parametrize(
    ("slug", "code", "said"),
    [
        ("nothing", Code.NOT_FOUND, "no offer"),
        ("for-all", Code.INVALID, "granted_only"),
        ("gone", Code.INVALID, "retired"),
    ],
)
def test_an_offer_that_cannot_be_given_is_refused(
    shop: Shop, slug: str, code: Code, said: str
) -> None:
    """When the campaign is saved: unknown, for everybody anyway, or retired."""
    make_offer(shop.program, "for-all")
    gone = make_offer(shop.program, "gone", audience={"granted_only": True})
    Offer.objects.filter(pk=gone.pk).update(is_active=False, retired_at=NOW)

    with pytest.raises(Refusals) as caught:
        campaign_of(shop.program, ONCE, benefit={"offer": {"slug": slug}})

    (refusal,) = caught.value.refusals
    assert (refusal.code, refusal.field) == (code, "benefit.offer.slug")
    assert said in refusal.message


def test_an_offer_that_was_retired_meanwhile_gives_nothing(shop: Shop) -> None:
    """The message is written down as failed, with the reason, and nobody is promised anything."""
    reader(shop, "ada")
    offer = make_offer(shop.program, "gift", audience={"granted_only": True})
    campaign = started(shop, ONCE, benefit={"offer": {"slug": "gift"}})
    Offer.objects.filter(pk=offer.pk).update(is_active=False, retired_at=NOW)

    run(campaign, NOW)

    row = Dispatch.objects.get()
    assert (row.state, row.note) == ("failed", "benefit: INVALID")
    assert (OfferGrant.objects.count(), mail.outbox) == (0, [])


# --- triggers -----------------------------------------------------------------------------------


def test_a_birthday_comes_before_the_day_and_once_a_year(shop: Shop) -> None:
    """Seven days before 29 February, kept on the 28th; again the next year, and no second time."""
    ada = reader(shop, "ada")
    tell(ada, birthday={"month": 2, "day": 29})
    start = at("2026-02-01 09:00")
    campaign = started(shop, {"kind": "birthday", "days_before": 7}, start)

    assert run(campaign, at("2026-02-20 08:00")) == {}
    assert run(campaign, at("2026-02-21 09:30")) == {ada.pk: "sent"}
    # changed after it was rewarded
    tell(ada, at("2026-03-01 12:00"), birthday={"month": 6, "day": 30})
    run(campaign, at("2026-06-23 12:00"))

    cycles = Dispatch.objects.filter(campaign=campaign).values_list("cycle", flat=True)
    assert list(cycles) == ["birthday:2026"]
    assert len(mail.outbox) == 1


def test_a_birthday_changed_shortly_before_counts_next_year(shop: Shop) -> None:
    """Told 20 days before: written down as left out."""
    ada = reader(shop, "ada")
    tell(ada, at("2026-05-28 12:00"), birthday={"month": 6, "day": 17})
    campaign = started(shop, {"kind": "birthday", "days_before": 7})

    assert run(campaign, NOW) == {ada.pk: "recent_birthday"}


def test_in_kiritimati_a_birthday_begins_the_evening_before(shop: Shop) -> None:
    """UTC+14: ten o'clock on 11 June there is eight in the evening of 10 June in UTC."""
    ada, ben = reader(shop, "ada"), reader(shop, "ben")
    tell(ada, time_zone="Pacific/Kiritimati", birthday={"month": 6, "day": 11})
    tell(ben, birthday={"month": 6, "day": 11})
    campaign = started(shop, {"kind": "birthday"})

    assert run(campaign, at("2026-06-10 19:59")) == {ada.pk: "planned", ben.pk: "planned"}
    assert run(campaign, at("2026-06-10 20:00")) == {ada.pk: "sent", ben.pk: "planned"}
    assert run(campaign, at("2026-06-11 08:00")) == {ada.pk: "sent", ben.pk: "sent"}


def test_a_job_that_missed_three_days_catches_up(shop: Shop) -> None:
    """What is still of use goes out; what is over is written down as too late."""
    ada, ben = reader(shop, "ada"), reader(shop, "ben")
    tell(ada, birthday={"month": 6, "day": 13})
    tell(ben, birthday={"month": 6, "day": 16})
    campaign = started(shop, {"kind": "birthday", "days_before": 1})
    assert run(campaign, NOW) == {}

    assert run(campaign, NOW + 5 * DAY) == {ada.pk: "too_late", ben.pk: "sent"}


def test_points_that_expire(shop: Shop) -> None:
    """Reminded 7 days and 1 day before their last day, and on the first for all of next month."""
    ada = reader(shop, "ada")
    give(ada, 100, expires_at=at("2026-06-30 22:00"))  # the end of 30 June in Paris
    days = started(shop, {"kind": "points_expiring", "days_before": [7, 1]}, slug="days")
    month = started(
        shop, {"kind": "points_expiring_next_month"}, at("2026-05-01 07:00"), slug="month"
    )

    run(days, at("2026-06-22 09:00"))
    assert outcome(days) == {}
    run(days, at("2026-06-23 09:00"))
    run(days, at("2026-06-29 09:00"))
    run(month, at("2026-05-01 12:00"))

    rows = Dispatch.objects.order_by("cycle").values_list("cycle", "facts", "state")
    facts = {"expiring_points": "100", "expiring_on": "2026-06-30"}
    assert list(rows) == [
        ("expiring-in:2026-06", facts, "sent"),
        ("expiring:2026-06-30:1", facts, "sent"),
        ("expiring:2026-06-30:7", facts, "sent"),
    ]


def test_what_buyers_do(shop: Shop) -> None:
    """First anniversary, second purchase due, and the day on which somebody is lost."""
    old, new = reader(shop, "old"), reader(shop, "new")
    record_order(old, at("2025-06-10 12:00"), 1000)
    record_order(old, at("2025-06-09 12:00"), 1000)
    record_order(new, at("2026-05-11 12:00"), 1000)
    segments.nightly(shop.program, NOW)
    second = started(shop, {"kind": "second_purchase_due", "days_after": 30}, slug="second")
    birthday = started(
        shop,
        {"kind": "first_purchase_anniversary", "days_before": 1},
        slug="year",
        now=at("2026-06-08 07:00"),
    )
    lost = started(shop, {"kind": "win_back", "band": "lost"}, slug="lost")

    assert run(second, NOW) == {new.pk: "sent"}
    assert run(birthday, at("2026-06-08 12:00")) == {old.pk: "sent"}
    assert run(lost, NOW - DAY) == {}
    assert run(lost, NOW) == {old.pk: "planned"}  # it is the 11th already where days begin first
    assert run(lost, NOW + DAY) == {old.pk: "sent"}


def test_who_came_back_by_himself_is_not_asked_to(shop: Shop) -> None:
    """An order between planning and sending makes a reminder pointless."""
    ada, ben = reader(shop, "ada"), reader(shop, "ben")
    for account in (ada, ben):
        record_order(account, at("2026-05-12 12:00"), 1000)
    segments.nightly(shop.program, NOW)
    campaign = started(shop, {"kind": "second_purchase_due", "days_after": 30})
    assert run(campaign, NOW) == {ada.pk: "planned", ben.pk: "planned"}

    record_order(ada, NOW, 1000)
    segments.nightly(shop.program, NOW)

    assert run(campaign, NOW + DAY) == {ada.pk: "no_longer_due", ben.pk: "sent"}


def buys_tea(shop: Shop, member: Account, *days: str, quantity: int = 1) -> None:
    """Have a member order tea on some days; the fake host alone hears of it."""
    tea = GoodsFacts("tea", "p-tea")
    shop.host.goods["tea"] = tea
    for day in days:
        shop.host.put_order(
            order(
                f"{member.pk}-{day}",
                line("a", 1000, goods=tea, quantity=quantity),
                user_ref=str(member.user_id),
                created_at=at(f"{day} 12:00"),
            )
        )


def test_what_runs_out_by_the_customers_own_rhythm(shop: Shop) -> None:
    """Every 30 days, then two at once: on 9 June they last 60 days more, so 5 August is in time."""
    ada, ben = reader(shop, "ada"), reader(shop, "ben")
    buys_tea(shop, ada, "2026-03-11", "2026-04-10", "2026-05-10")
    buys_tea(shop, ada, "2026-06-09", quantity=2)
    buys_tea(shop, ben, "2026-05-10", "2026-06-09")  # too few to see a rhythm
    text = "{{ product }} {{ occasion_on }}{% if run_out_is_firm %} for sure{% endif %}"
    message = {"channel": "email", "texts": {"en": {"subject": "Tea", "text": text}}}
    campaign = started(
        shop, {"kind": "run_out", "variants": ["tea"], "days_before": 3}, message=message
    )

    assert run(campaign, at("2026-08-04 09:00")) == {}
    assert run(campaign, at("2026-08-05 09:00")) == {ada.pk: "sent"}
    assert run(campaign, at("2026-08-06 09:00")) == {ada.pk: "sent"}

    row = Dispatch.objects.get()
    assert row.cycle == "run-out:tea:2026-06-09"
    assert row.facts == {
        "product": "Goods tea",
        "variant_id": "ProductVariant:tea",
        "occasion_on": "2026-08-08",
        "run_out_from": "2026-08-08",
        "run_out_until": "2026-08-08",
        "run_out_is_firm": "",
    }
    assert [message.body for message in mail.outbox] == ["Goods tea 2026-08-08"]


def test_who_has_bought_it_again_is_not_reminded(shop: Shop) -> None:
    """Between planning and sending; a day's order of something else changes nothing."""
    ada, ben = reader(shop, "ada"), reader(shop, "ben")
    for member in (ada, ben):
        buys_tea(shop, member, "2026-03-14", "2026-04-13", "2026-05-13")
    campaign = started(shop, {"kind": "run_out", "variants": ["tea"], "days_before": 1})
    assert run(campaign, NOW) == {ada.pk: "planned", ben.pk: "planned"}

    buys_tea(shop, ada, "2026-06-11")
    shop.host.put_order(
        order("other", line("a", 1000), user_ref=str(ben.user_id), created_at=at("2026-06-11"))
    )

    assert run(campaign, NOW + DAY) == {ada.pk: "no_longer_due", ben.pk: "sent"}


def test_a_variant_that_is_not_there_does_not_run_out(shop: Shop) -> None:
    """Refused when it is saved, by field."""
    with pytest.raises(Refusals) as caught:
        campaign_of(shop.program, {"kind": "run_out", "variants": ["gone"]})
    assert [each.field for each in caught.value.refusals] == ["trigger.variants"]


def test_what_happens_to_members(shop: Shop) -> None:
    """Welcome, a tier reached, a tier about to be lost, and a segment entered and left."""
    joined = agree(shop.member("joined", now=NOW + dt.timedelta(hours=1)))
    Account.objects.filter(pk=joined.pk).update(joined_at=NOW + dt.timedelta(hours=1))
    ada = reader(shop, "ada")
    version = shop.program.current_version
    welcome = started(shop, {"kind": "welcome"}, slug="welcome")
    reached = started(shop, {"kind": "tier_reached"}, slug="reached")
    at_risk = started(shop, {"kind": "tier_at_risk"}, slug="at-risk")
    segment = segment_of(shop)
    entered = started(shop, {"kind": "segment_entered", "segment": "chosen"}, slug="in")
    left = started(shop, {"kind": "segment_left", "segment": "chosen"}, slug="out")
    later = NOW + dt.timedelta(hours=2)
    TierChange.objects.create(account=ada, kind="upgrade", to_tier="vip", at=later, version=version)
    Account.objects.filter(pk=ada.pk).update(tier_warned_at=later)
    segments.change_list(segment, add=[ada.pk], now=later)
    segments.change_list(segment, remove=[ada.pk], now=later)

    assert SegmentEvent.objects.filter(segment=segment).count() == 2
    assert run(welcome, later) == {joined.pk: "sent"}
    for campaign in (reached, at_risk, entered, left):
        assert run(campaign, later) == {ada.pk: "sent"}
        assert run(campaign, later + dt.timedelta(minutes=5)) == {ada.pk: "sent"}
    assert len(mail.outbox) == 5


def test_holidays_with_the_moon(shop: Shop) -> None:
    """Qixi of 2026 is on 19 August; three days before, everybody hears of it, once."""
    pytest.importorskip("borax")
    ada = reader(shop, "ada")
    campaign = started(shop, {"kind": "holiday", "holiday": "qixi", "days_before": 3})

    assert run(campaign, at("2026-08-15 09:00")) == {}
    assert run(campaign, at("2026-08-16 09:00")) == {ada.pk: "sent"}
    assert run(campaign, at("2026-08-19 09:00")) == {ada.pk: "sent"}
    assert Dispatch.objects.get().facts == {"occasion_on": "2026-08-19"}


def test_own_days_are_each_for_themselves(shop: Shop) -> None:
    """Two of the merchant's own days in one year are two messages."""
    ada = reader(shop, "ada")
    days = ["2026-06-10", "2026-06-20"]
    campaign = started(shop, {"kind": "holiday", "holiday": "own", "days": days})
    run(campaign, NOW)

    assert run(campaign, NOW + 10 * DAY) == {ada.pk: "sent"}
    assert len(mail.outbox) == 2


def test_two_tables_of_the_moon_agree() -> None:
    """Lunar New Year and Mid-Autumn of the two packages, from 2000 to 2080, are the same days."""
    pytest.importorskip("borax")
    chinese = pytest.importorskip("holidays.calendars.chinese")
    table = chinese._ChineseLunisolar()
    for year in range(2000, 2081):
        assert Packaged().lunar(year, 1, 1) == table.lunar_new_year_date(year)[0]
        assert Packaged().lunar(year, 8, 15) == table.mid_autumn_date(year)[0]


def test_public_holidays() -> None:
    """By the country's list; an unknown country is said."""
    pytest.importorskip("holidays")

    assert Packaged().public("US", "Independence Day", 2027) == (dt.date(2027, 7, 4),)
    assert Packaged().public("US", "Nobody's Day", 2027) == ()
    with pytest.raises(ValueError, match="XX"):
        Packaged().public("XX", "Independence Day", 2027)


# --- states, saving, trying out -------------------------------------------------------------------


def test_a_wrong_template_is_refused_with_its_line(shop: Shop) -> None:
    """An unknown name, an unknown tag, an unclosed block, a brace: all named, nothing saved."""
    texts = {
        "en": {
            "subject": "Hi {{ frist_name }}",
            "text": "one\ntwo\n{% load static %}",
            "html": "<p>\n{% if points %}\n</p>",
        },
        "zh-hans": {"subject": "ok", "text": "a\n{{ points \nb"},
    }
    before = counts_of_rows()

    with pytest.raises(Refusals) as caught:
        campaign_of(shop.program, ONCE, message={"channel": "email", "texts": texts})

    found = {each.field: each.message for each in caught.value.refusals}
    assert {path: text.split(": ")[0].rpartition(", ")[2] for path, text in found.items()} == {
        "message.texts.en.subject": "line 1",
        "message.texts.en.text": "line 3",
        "message.texts.en.html": "line 2",
        "message.texts.zh-hans.text": "line 2",
    }
    assert "frist_name is nothing" in found["message.texts.en.subject"]
    assert counts_of_rows() == before


@pytest.mark.parametrize(
    "source",
    [
        "{% debug %}",
        "{% include 'x' %}",
        "{% extends 'x' %}",
        "{% for a in points %}{% endfor %}",
        "{{ points|safe }}",
        "{{ points|center:999999999 }}",
        "{{ points.__class__ }}",
        "{{ request.user }}",
        "{% if settings.SECRET_KEY %}x{% endif %}",
        "{{ points|default:settings }}",
    ],
)
def test_the_sandbox(shop: Shop, source: str) -> None:
    """Nothing that loads, loops, grows, unescapes, or looks behind the names is let in."""
    texts = {"en": {"subject": "s", "text": source}}

    with pytest.raises(Refusals):
        campaign_of(shop.program, ONCE, message={"channel": "email", "texts": texts})


def test_a_name_cannot_write_html_or_headers(shop: Shop) -> None:
    """What customers call themselves is escaped in HTML and stays on one line."""
    texts = {"en": {"subject": "{{ tier }}", "text": "{{ tier }}", "html": "{{ tier }}"}}
    campaign = campaign_of(shop.program, ONCE, message={"channel": "email", "texts": texts})
    message = campaigns.terms_of(campaign).message
    assert message is not None

    words = messages.render(message, {"tier": "<b>\r\nBcc: x"}, "en")

    assert words.subject == "<b> Bcc: x"
    assert words.html == "&lt;b&gt;\r\nBcc: x"
    assert words.text == "<b>\r\nBcc: x"


def test_states(shop: Shop) -> None:
    """A draft is scheduled, starts and ends by the clock; what has ended stays so."""
    ada = reader(shop, "ada")
    campaign = campaign_of(shop.program, {"kind": "once", "on": "2026-06-11"})
    campaigns.schedule_campaign(campaign, starts_at=NOW, ends_at=NOW + DAY, now=NOW - DAY)

    assert campaigns.turn_campaigns(NOW - dt.timedelta(seconds=1)) == 0
    assert campaigns.turn_campaigns(NOW) == 1
    campaign.refresh_from_db()
    assert campaign.state == CampaignState.RUNNING
    assert run(campaign, NOW) == {ada.pk: "planned"}
    assert campaigns.pause_campaign(campaign).state == CampaignState.PAUSED
    assert sending.send_due(now=NOW + DAY / 2) == 0
    assert campaigns.turn_campaigns(NOW + DAY) == 1
    assert outcome(campaign) == {ada.pk: "ended"}
    with pytest.raises(Refusal) as caught:
        campaigns.start_campaign(campaign, NOW + DAY)
    assert caught.value.code is Code.INVALID
    assert mail.outbox == []


def test_a_new_version_is_for_what_is_planned_from_then_on(shop: Shop) -> None:
    """Versions are numbered and kept; another kind of trigger is another campaign."""
    campaign = started(shop, ONCE)
    document = {"trigger": ONCE, "message": MESSAGE, "benefit": {"points": 5}}

    campaigns.update_campaign(campaign, document=document, name="Another", now=NOW)

    campaign.refresh_from_db()
    assert (campaign.name, campaign.versions.count()) == ("Another", 2)
    assert campaigns.terms_of(campaign).benefit.points == 5
    with pytest.raises(Refusals, match="stays"):
        campaigns.update_campaign(campaign, document={**document, "trigger": {"kind": "welcome"}})


def test_what_says_the_same_is_no_new_version(shop: Shop) -> None:
    """Its name may change all the same."""
    campaign = started(shop, ONCE)
    document = campaigns.document_of(campaign)

    campaigns.update_campaign(campaign, document=document, now=NOW)
    campaigns.update_campaign(campaign, document=document, name="Another", now=NOW)

    campaign.refresh_from_db()
    assert (campaign.name, campaign.versions.count()) == ("Another", 1)


def test_a_campaign_that_ended_meanwhile_is_not_changed(shop: Shop) -> None:
    """Who changes it had read it while it was running."""
    campaign = started(shop, ONCE)
    campaigns.end_campaign(Campaign.objects.get(pk=campaign.pk), NOW)

    with pytest.raises(Refusals, match="ended"):
        campaigns.update_campaign(campaign, document=campaigns.document_of(campaign), name="No")
    assert Campaign.objects.get().name != "No"


def test_a_campaign_of_mails_needs_a_link_to_unsubscribe(shop: Shop, settings: Any) -> None:
    """Without the shop's address nothing starts."""
    settings.RETENTION_PUBLIC_URL = ""
    campaign = campaign_of(shop.program, ONCE)

    with pytest.raises(Refusal, match="RETENTION_PUBLIC_URL"):
        campaigns.start_campaign(campaign, NOW)


def test_a_campaign_of_text_messages_needs_it_too(
    shop: Shop, settings: Any, tmp_path: Path
) -> None:
    """Whoever gets one can end them by the link in it."""
    settings.RETENTION_PUBLIC_URL = ""
    settings.RETENTION_SMS_FILE = str(tmp_path / "sms.jsonl")
    message = {"channel": "sms", "texts": {"en": {"text": "Hi. No more: {{ unsubscribe_url }}"}}}
    campaign = campaign_of(shop.program, ONCE, message=message)

    with pytest.raises(Refusal, match="RETENTION_PUBLIC_URL") as refused:
        campaigns.start_campaign(campaign, NOW)
    assert refused.value.field == "message.channel"
    settings.RETENTION_PUBLIC_URL = "https://api.example.com/"
    assert campaigns.start_campaign(campaign, NOW).state == "running"


def test_a_purpose_that_nobody_is_asked_for_is_refused(shop: Shop) -> None:
    """When it is saved, by the field, naming those that are asked; nothing is kept."""
    with pytest.raises(Refusals) as refused:
        campaign_of(shop.program, ONCE, message={**MESSAGE, "purpose": "news"})

    (refusal,) = refused.value.refusals
    assert (refusal.code, refusal.field) == (Code.INVALID, "message.purpose")
    assert refusal.message == (
        'This program asks nobody for the consent to "news" by email; it asks for marketing. '
        "Name one of its purposes, or add the consent to its questions."
    )
    assert Campaign.objects.count() == 0


def test_a_purpose_that_is_asked_for_no_more_does_not_start(shop: Shop) -> None:
    """The question went after the campaign was saved; one without a message may start."""
    campaign = campaign_of(shop.program, ONCE)
    silent = campaign_of(shop.program, ONCE, slug="b", message=None, benefit={"points": 1})
    shop.change_rules({"questions": {"consents": []}}, NOW)

    with pytest.raises(Refusal, match="none by that channel") as refused:
        campaigns.start_campaign(Campaign.objects.get(pk=campaign.pk), NOW)

    assert refused.value.field == "message.purpose"
    assert campaigns.start_campaign(silent, NOW).state == "running"


def test_trying_it_out(shop: Shop) -> None:
    """One mail to the address, with made-up facts; nothing is written down but that it was sent."""
    reader(shop, "ada")
    campaign = campaign_of(shop.program, ONCE, benefit={"points": 25})
    before = counts_of_rows()

    campaign_trying.send_test(campaign, to="staff@example.com", language="zh-TW")
    campaign_trying.send_test(campaign, to="staff@example.com")

    assert [(message.to, message.subject) for message in mail.outbox] == [
        (["staff@example.com"], "您好"),
        (["staff@example.com"], "Hello Ada"),
    ]
    assert "25 points." in mail.outbox[1].body
    after = counts_of_rows()
    assert after["AuditEntry"] == before.pop("AuditEntry") + 2
    assert before.items() <= after.items()
    with pytest.raises(Refusal, match="no e-mail address"):
        campaign_trying.send_test(campaign, to="staff")


def test_text_messages_go_to_a_file(shop: Shop, settings: Any, tmp_path: Path) -> None:
    """For whoever has a number; the others have no address."""
    ada, ben = reader(shop, "ada"), reader(shop, "ben")
    agree(ada, "sms")
    shop.host.phones["+12025550123"] = [str(ada.user_id)]
    message = {"channel": "sms", "texts": {"en": {"text": "Hi {{ email }}"}}}
    campaign = campaign_of(shop.program, ONCE, message=message)
    with pytest.raises(Refusal, match="RETENTION_SMS_URL"):
        campaigns.start_campaign(campaign, NOW)
    settings.RETENTION_SMS_FILE = str(tmp_path / "sms.jsonl")
    campaigns.start_campaign(campaign, NOW)

    assert run(campaign, NOW) == {ada.pk: "sent", ben.pk: "no_address"}
    assert '"to": "+12025550123", "text": "Hi ada@example.com"' in (
        (tmp_path / "sms.jsonl").read_text()
    )


def test_saleors_notify_event(shop: Shop) -> None:
    """Whoever listens gets the words, the headers and the facts."""
    reader(shop, "ada")
    run(started(shop, ONCE, message={**MESSAGE, "via": "notify"}), NOW)

    ((event, payload),) = shop.host.notified
    assert event == "retention_campaign"
    assert payload["recipient_email"] == "ada@example.com"
    assert payload["subject"] == "Hello you"
    assert payload["headers"]["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    shop.host.refusals["notify"] = "Not here."
    with pytest.raises(Refusals, match=r"Not here\."):
        campaign_of(shop.program, ONCE, slug="b", message={**MESSAGE, "via": "notify"})


def test_a_program_that_is_off_sends_nothing(shop: Shop) -> None:
    """Neither plans nor sends what was planned, as when the plugin is being removed."""
    ada = reader(shop, "ada")
    campaign = started(shop, ONCE)
    campaign_planning.plan(campaign, NOW)
    Program.objects.filter(pk=shop.program.pk).update(is_active=False)

    assert campaign_planning.plan_due(NOW + DAY) == {}
    assert sending.send_due(now=NOW) == 0
    assert outcome(campaign) == {ada.pk: "planned"}


# --- tasks and the command ------------------------------------------------------------------------


def test_the_tasks(shop: Shop) -> None:
    """Planning and sending as beat does it, on the real clock."""
    ada = reader(shop, "ada")
    campaign = campaigns.start_campaign(campaign_of(shop.program, {"kind": "welcome"}))
    campaigns.schedule_campaign(
        campaign_of(shop.program, {"kind": "welcome"}, slug="b"), starts_at=NOW
    )
    Account.objects.filter(pk=ada.pk).update(joined_at=Campaign.objects.get(slug="hello").starts_at)

    tasks.plan_campaigns.run()
    tasks.send_messages.run()

    assert outcome(campaign) == {ada.pk: "sent"}
    assert Campaign.objects.get(slug="b").state == CampaignState.RUNNING


def test_the_command(shop: Shop, tmp_path: Path) -> None:
    """Save, plan, start, run, try out, look, pause and end."""
    ada = reader(shop, "ada")
    file = tmp_path / "hello.json"
    file.write_text('{"trigger": {"kind": "welcome"}, "message": {"channel": "email"}}')

    def call(action: str, **options: Any) -> str:
        out = StringIO()
        arguments = {"program": shop.program.slug, "campaign": "hello", **options}
        call_command("retention_campaign", action, stdout=out, **arguments)
        return out.getvalue()

    with pytest.raises(CommandError, match=r"message\.texts"):
        call("save", file=str(file))
    file.write_text(
        '{"trigger": {"kind": "welcome"}, "message": {"channel": "email", "texts":'
        ' {"en": {"subject": "Hi", "text": "Hi"}}}}'
    )
    assert call("save", file=str(file)) == "hello is draft, version 1.\n"
    with pytest.raises(CommandError, match="start it first"):
        call("run")
    assert call("start") == "hello is running.\n"
    Account.objects.filter(pk=ada.pk).update(joined_at=Campaign.objects.get().starts_at)
    assert call("plan").startswith("1 would get it, 0 of them later.\n")
    assert call("run").endswith("1 sent\n")
    assert call("test", to="staff@example.com") == "Sent in en: Hi\n"
    assert call("pause") == "hello is paused.\n"
    assert call("end") == "hello is ended.\n"
    assert call("status") == "1 sent\n"
    assert [message.to for message in mail.outbox] == [["ada@example.com"], ["staff@example.com"]]


# --- when something dies --------------------------------------------------------------------------


def test_a_worker_that_dies_while_sending_leaves_unknown(shop: Shop) -> None:
    """It is never sent again, and says so; one that died before is sent by the next worker."""
    ada, ben = reader(shop, "ada"), reader(shop, "ben")
    campaign = started(shop, ONCE)
    campaign_planning.plan(campaign, NOW)
    held = {"claim": uuid4(), "claimed_until": NOW + sending.CLAIM}
    Dispatch.objects.filter(account=ada).update(state=DispatchState.SENDING, sending_at=NOW, **held)
    Dispatch.objects.filter(account=ben).update(**held)

    assert sending.send_due(now=NOW) == 0
    assert sending.find_lost(NOW + sending.LOST_AFTER) == 0
    later = NOW + sending.LOST_AFTER + dt.timedelta(seconds=1)
    assert sending.find_lost(later) == 1
    assert run(campaign, later) == {ada.pk: "unknown", ben.pk: "sent"}
    assert [message.to for message in mail.outbox] == [["ben@example.com"]]


def test_a_benefit_is_given_once_however_often_it_is_tried(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The mail server is away for a while: the message is tried again, the points are not."""
    ada = reader(shop, "ada")
    campaign = started(shop, ONCE, benefit={"points": 40})

    def away(_self: Any, _message: Any) -> None:
        raise sending.NotTaken("mail server: away", passes=True)

    with monkeypatch.context() as patch:
        patch.setattr("saleor_retention.services.campaigning.providers.Mail.send", away)
        assert run(campaign, NOW) == {ada.pk: "planned"}
    row = Dispatch.objects.get()
    assert (row.attempts, row.note) == (1, "mail server: away")
    assert row.not_before == NOW + sending.RETRY_FIRST

    assert run(campaign, NOW + sending.RETRY_FIRST) == {ada.pk: "sent"}
    ada.refresh_from_db()
    assert ada.available == 40
    assert Transaction.objects.filter(key=f"grant:campaign:{row.pk}").count() == 1


def test_a_fault_after_a_message_went_out_is_not_called_failed(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One before it was handed over is failed; one when it is written down leaves unknown."""
    ada = reader(shop, "ada")
    early, late = started(shop, ONCE, slug="early"), started(shop, ONCE, slug="late")

    def broken(*_args: Any) -> None:
        raise RuntimeError

    with monkeypatch.context() as patch:
        patch.setattr(sending, "render", broken)
        assert run(early, NOW) == {ada.pk: "failed"}
    with monkeypatch.context() as patch:
        patch.setattr(sending, "_finish", broken)
        assert run(late, NOW) == {ada.pk: "sending"}

    sending.find_lost(NOW + 2 * sending.LOST_AFTER)

    assert run(early, NOW + DAY) == {ada.pk: "failed"}
    assert run(late, NOW + DAY) == {ada.pk: "unknown"}
    assert len(mail.outbox) == 1


def test_a_server_that_never_comes_back_is_given_up(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After five tries it is failed; what may have gone out is unknown at once."""
    ada = reader(shop, "ada")
    gone, torn = started(shop, ONCE, slug="gone"), started(shop, ONCE, slug="torn")

    def away(_self: Any, _message: Any) -> None:
        raise sending.NotTaken("away", passes=True)

    def torn_off(_self: Any, _message: Any) -> None:
        raise ConnectionResetError

    monkeypatch.setattr("saleor_retention.services.campaigning.providers.Mail.send", away)
    moment = NOW
    for _ in range(sending.ATTEMPTS_MAX):
        run(gone, moment)
        moment += 2 * 60 * dt.timedelta(minutes=1)
    assert outcome(gone) == {ada.pk: "failed"}

    monkeypatch.setattr("saleor_retention.services.campaigning.providers.Mail.send", torn_off)
    assert run(torn, NOW)[ada.pk] == "unknown"
    assert run(torn, NOW + DAY)[ada.pk] == "unknown"
    assert SkippedSend.objects.count() == 0
