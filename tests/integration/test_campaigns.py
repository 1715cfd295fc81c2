"""Campaigns from document to mailbox: whom they reach, once, when, and why others get nothing."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth import get_user_model
from django.core import mail
from django.core.management import CommandError, call_command

from saleor_retention import tasks
from saleor_retention.engine.campaigns.triggers import Birthday
from saleor_retention.errors import Code, Refusal, Refusals
from saleor_retention.models import (
    Account,
    AccountState,
    Campaign,
    CampaignState,
    Dispatch,
    DispatchState,
    Program,
    SegmentEvent,
    SkippedSend,
    TierChange,
    Transaction,
)
from saleor_retention.services import (
    campaign_planning,
    campaign_ports,
    campaign_trying,
    campaigns,
    erasing,
    messages,
    segments,
    sending,
)
from saleor_retention.services.campaign_ports import Locale, Ports
from saleor_retention.services.holiday_dates import Packaged
from saleor_retention.services.segments import Draft
from tests import ledger
from tests.campaigns import MESSAGE, Parts, campaign_of, outcome
from tests.customers import record_order
from tests.fakes import at
from tests.ledger import Shop
from tests.members import counts_of_rows, give

pytestmark = pytest.mark.django_db

NOW = at("2026-06-10 12:00")
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
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    settings.RETENTION_PUBLIC_URL = "https://api.example.com/"
    mail.outbox = []
    return ledger.open_shop(monkeypatch, time_zone=PARIS, tiers=TIERS)


@pytest.fixture
def parts() -> Iterator[Parts]:
    """The other parts of the plugin, in memory."""
    fake = Parts()
    before = campaign_ports.wire(fake.ports())
    yield fake
    campaign_ports.wire(before)


def run(campaign: Campaign, now: dt.datetime) -> dict[int, str]:
    """Plan and send what is due at an instant; return what became of everybody."""
    campaign.refresh_from_db()
    campaign_planning.plan(campaign, now)
    while sending.send_due(now=now):
        pass
    return outcome(campaign)


def started(
    shop: Shop, trigger: dict[str, Any], now: dt.datetime = NOW, **document: Any
) -> Campaign:
    """Create a campaign and start it."""
    return campaigns.start_campaign(campaign_of(shop.program, trigger, **document), now)


def segment_of(shop: Shop, *accounts: Account, slug: str = "chosen") -> Any:
    """Put accounts on a list."""
    segment = segments.create_segment(shop.program, Draft(slug, slug.title()), now=NOW)
    segments.change_list(segment, add=[account.pk for account in accounts], now=NOW)
    return segment


ONCE = {"kind": "once", "on": "2026-06-10"}


# --- once, to whom and how ------------------------------------------------------------------------


def test_everybody_gets_it_once(shop: Shop, parts: Parts) -> None:
    """Two members get the mail; planning and sending again changes nothing."""
    ada, ben = shop.member("ada"), shop.member("ben")
    campaign = started(shop, ONCE)

    assert run(campaign, NOW) == {ada.pk: "sent", ben.pk: "sent"}
    assert run(campaign, NOW + dt.timedelta(hours=1)) == {ada.pk: "sent", ben.pk: "sent"}

    assert [message.to for message in mail.outbox] == [["ada@example.com"], ["ben@example.com"]]
    assert parts.consents.asked == [ada.pk, ben.pk]


@pytest.mark.usefixtures("parts")
def test_what_a_mail_is_made_of(shop: Shop) -> None:
    """Subject, plain text and HTML, and the headers that unsubscribe with one click."""
    ada = shop.member("ada")
    run(started(shop, ONCE), NOW)

    (message,) = mail.outbox
    assert message.subject == "Hello you"
    assert message.body == "Dear ada@example.com,\n"
    assert [(part[0], part[1]) for part in message.alternatives] == [
        ("<p>Dear ada@example.com</p>", "text/html")
    ]
    url = f"https://api.example.com/unsubscribe/{ada.pk}/email/marketing"
    assert message.extra_headers["List-Unsubscribe"] == f"<{url}>"
    assert message.extra_headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


def test_each_in_his_language(shop: Shop, parts: Parts) -> None:
    """Somebody from Taipei reads Traditional Chinese; who has none of ours reads the first."""
    ada, ben = shop.member("ada"), shop.member("ben")
    parts.profiles.known = {ada.pk: Locale(language="zh-TW"), ben.pk: Locale(language="fr")}
    run(started(shop, ONCE), NOW)

    assert [message.subject for message in mail.outbox] == ["您好", "Hello you"]


def test_the_audience(shop: Shop, parts: Parts) -> None:
    """Those in the segment who are not in the other one, and nobody from outside."""
    ada, ben, _eve = shop.member("ada"), shop.member("ben"), shop.member("eve")
    segment_of(shop, ada, ben)
    segment_of(shop, ben, slug="not-these")
    campaign = started(shop, ONCE, audience={"segments": ["chosen"], "without": ["not-these"]})

    assert run(campaign, NOW) == {ada.pk: "sent"}
    assert parts.consents.asked == [ada.pk]


@pytest.mark.usefixtures("parts")
def test_an_audience_of_nobody(shop: Shop) -> None:
    """A campaign to an empty segment runs and does nothing."""
    shop.member("ada")
    segment_of(shop)
    campaign = started(shop, ONCE, audience={"segments": ["chosen"]})

    assert campaign_planning.preview(campaign, NOW).would == 0
    assert run(campaign, NOW) == {}


# --- why not ----------------------------------------------------------------------------------


def test_every_reason_is_stored(shop: Shop, parts: Parts) -> None:
    """Without consent, suppressed, without a confirmed address: each with its reason."""
    ada, ben, eve = shop.member("ada"), shop.member("ben"), shop.member("eve")
    parts.consents.refused = {ada.pk: "withdrawn", ben.pk: "suppressed"}
    shop.host.put_user(str(eve.user_id), "eve@example.com", is_confirmed=False)
    campaign = started(shop, ONCE)

    assert run(campaign, NOW) == {
        ada.pk: "consent",
        ben.pk: "suppressed",
        eve.pk: "no_address",
    }
    assert mail.outbox == []


def test_who_unsubscribes_between_planning_and_sending_gets_nothing(
    shop: Shop, parts: Parts
) -> None:
    """Consent is asked when the message goes out."""
    ada, ben = shop.member("ada"), shop.member("ben")
    campaign = started(shop, ONCE)
    assert campaign_planning.plan(campaign, NOW).planned == 2

    parts.consents.refused = {ada.pk: "withdrawn"}
    sending.send_due(now=NOW)

    assert outcome(campaign) == {ada.pk: "consent", ben.pk: "sent"}


@pytest.mark.usefixtures("parts")
def test_a_customer_who_is_deleted_or_erased_meanwhile_is_gone(shop: Shop) -> None:
    """Neither gets anything, and the others do."""
    ada, ben, eve = shop.member("ada"), shop.member("ben"), shop.member("eve")
    campaign = started(shop, {"kind": "once", "on": "2026-06-11"})
    campaign_planning.plan(campaign, NOW)
    del shop.host.people[str(ada.user_id)]
    get_user_model().objects.filter(pk=ada.user_id).delete()
    Account.objects.filter(pk=ben.pk).update(state=AccountState.LEFT)
    erasing.erase_deleted()

    assert run(campaign, NOW + DAY) == {ada.pk: "gone", ben.pk: "gone", eve.pk: "sent"}


@pytest.mark.usefixtures("parts")
def test_the_cap_counts_all_campaigns(shop: Shop) -> None:
    """One message in seven days: the second campaign is left out, and goes out after that."""
    ada = shop.member("ada")
    limits = {"cap": {"messages": 1, "days": 7}}
    first = started(shop, ONCE, slug="first")
    second = started(shop, ONCE, slug="second", limits=limits)
    third = started(shop, {"kind": "once", "on": "2026-06-17"}, slug="third", limits=limits)

    assert run(first, NOW) == {ada.pk: "sent"}
    assert run(second, NOW) == {ada.pk: "cap"}
    assert run(third, NOW + 7 * DAY) == {ada.pk: "sent"}


def test_quiet_hours_are_those_of_the_customer(shop: Shop, parts: Parts) -> None:
    """At noon in UTC it is night in Auckland: that message waits until nine there."""
    ada, ben = shop.member("ada"), shop.member("ben")
    parts.profiles.known = {ada.pk: Locale(time_zone="Pacific/Auckland")}
    campaign = started(shop, ONCE, limits={"quiet": {"from": "21:00", "to": "09:00"}})

    assert run(campaign, NOW) == {ada.pk: "planned", ben.pk: "sent"}
    assert Dispatch.objects.get(account=ada).not_before == at("2026-06-10 21:00")
    assert run(campaign, at("2026-06-10 20:59")) == {ada.pk: "planned", ben.pk: "sent"}
    assert run(campaign, at("2026-06-10 21:00")) == {ada.pk: "sent", ben.pk: "sent"}


def test_quiet_hours_beyond_the_use_of_a_message_leave_it_out(shop: Shop, parts: Parts) -> None:
    """A message for today that could only go tomorrow is left out."""
    ada = shop.member("ada")
    parts.profiles.known = {ada.pk: Locale(time_zone="Pacific/Auckland")}
    limits = {"quiet": {"from": "21:00", "to": "09:00"}, "useful_days": 0}
    campaign = started(shop, ONCE, limits=limits)

    assert run(campaign, at("2026-06-10 11:00")) == {ada.pk: "quiet_hours"}


@pytest.mark.usefixtures("parts")
def test_the_budget_ends(shop: Shop) -> None:
    """Points for two are given to two; the third is left out, also in the dry run."""
    accounts = [shop.member(name) for name in ("ada", "ben", "eve")]
    campaign = started(shop, ONCE, benefit={"points": 50}, limits={"points_max": 149})

    preview = campaign_planning.preview(campaign, NOW)
    states = run(campaign, NOW)

    assert (preview.would, dict(preview.would_not)) == (2, {"budget": 1})
    assert sorted(states.values()) == ["budget", "sent", "sent"]
    for account in accounts:
        account.refresh_from_db()
    assert sorted(account.available for account in accounts) == [0, 50, 50]


def test_the_holdout_gets_neither_message_nor_benefit(shop: Shop, parts: Parts) -> None:
    """Held out customers stay held out, and are written down as such."""
    accounts = [shop.member(f"m{number}") for number in range(20)]
    campaign = started(shop, ONCE, holdout_per_mille=500, benefit={"points": 10})
    secret = bytes.fromhex(campaign.secret)
    expected = {
        account.pk: "holdout"
        if parts.holdouts.is_held_out(secret, f"campaign:{campaign.pk}", account.pk, per_mille=500)
        else "sent"
        for account in accounts
    }

    assert run(campaign, NOW) == expected
    assert len(mail.outbox) == list(expected.values()).count("sent")
    for account in accounts:
        account.refresh_from_db()
        assert account.available == (10 if expected[account.pk] == "sent" else 0)


def test_the_dry_run_promises_what_sending_keeps(shop: Shop, parts: Parts) -> None:
    """The same numbers and reasons; and it changes nothing."""
    ada, ben, eve = (shop.member(name) for name in ("ada", "ben", "eve"))
    parts.consents.refused = {ada.pk: "not_asked"}
    parts.profiles.known = {ben.pk: Locale(time_zone="Pacific/Auckland")}
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


def test_points_come_even_without_consent_to_mail(shop: Shop, parts: Parts) -> None:
    """Consent is about messages; ``with_message_only`` says otherwise."""
    ada = shop.member("ada")
    parts.consents.refused = {ada.pk: "withdrawn"}
    kept = started(shop, ONCE, slug="kept", benefit={"points": 30})
    tied = started(shop, ONCE, slug="tied", benefit={"points": 5, "with_message_only": True})

    assert run(kept, NOW) == {ada.pk: "consent"}
    assert run(tied, NOW) == {ada.pk: "consent"}
    ada.refresh_from_db()
    assert ada.available == 30


@pytest.mark.usefixtures("parts")
def test_a_benefit_needs_no_message(shop: Shop) -> None:
    """Birthday points without a mail."""
    ada = shop.member("ada")
    campaign = started(shop, ONCE, message=None, benefit={"points": 30})

    assert run(campaign, NOW) == {ada.pk: "sent"}
    ada.refresh_from_db()
    assert (ada.available, mail.outbox) == (30, [])


def test_a_coupon_is_named_in_the_message(shop: Shop, parts: Parts) -> None:
    """Its code is what the coupons' part has issued, once."""
    shop.member("ada")
    campaign = started(
        shop,
        ONCE,
        message={"channel": "email", "texts": {"en": {"subject": "s", "text": "{{ coupon }}"}}},
        benefit={"coupon": {"kind": "personal", "terms": {"percent": 10}}},
    )
    run(campaign, NOW)

    assert [message.body for message in mail.outbox] == ["CODE-1"]
    assert list(parts.coupons.issued.values()) == ["CODE-1"]


# --- triggers -----------------------------------------------------------------------------------


def test_a_birthday_comes_before_the_day_and_once_a_year(shop: Shop, parts: Parts) -> None:
    """Seven days before 29 February, kept on the 28th; again the next year, and no second time."""
    ada = shop.member("ada")
    parts.profiles.born = {ada.pk: Birthday(2, 29)}
    start = at("2026-02-01 09:00")
    campaign = started(shop, {"kind": "birthday", "days_before": 7}, start)

    assert run(campaign, at("2026-02-20 08:00")) == {}
    assert run(campaign, at("2026-02-21 09:30")) == {ada.pk: "sent"}
    parts.profiles.born = {ada.pk: Birthday(6, 30)}  # changed after it was rewarded
    run(campaign, at("2026-06-23 12:00"))

    cycles = Dispatch.objects.filter(campaign=campaign).values_list("cycle", flat=True)
    assert list(cycles) == ["birthday:2026"]
    assert len(mail.outbox) == 1


def test_a_birthday_changed_shortly_before_counts_next_year(shop: Shop, parts: Parts) -> None:
    """Told 20 days before: written down as left out."""
    ada = shop.member("ada")
    parts.profiles.born = {ada.pk: Birthday(6, 17, dt.date(2026, 5, 28))}
    campaign = started(shop, {"kind": "birthday", "days_before": 7})

    assert run(campaign, NOW) == {ada.pk: "recent_birthday"}


def test_in_kiritimati_a_birthday_begins_the_evening_before(shop: Shop, parts: Parts) -> None:
    """UTC+14: ten o'clock on 11 June there is eight in the evening of 10 June in UTC."""
    ada, ben = shop.member("ada"), shop.member("ben")
    parts.profiles.known = {ada.pk: Locale(time_zone="Pacific/Kiritimati")}
    parts.profiles.born = {ada.pk: Birthday(6, 11), ben.pk: Birthday(6, 11)}
    campaign = started(shop, {"kind": "birthday"})

    assert run(campaign, at("2026-06-10 19:59")) == {ada.pk: "planned", ben.pk: "planned"}
    assert run(campaign, at("2026-06-10 20:00")) == {ada.pk: "sent", ben.pk: "planned"}
    assert run(campaign, at("2026-06-11 08:00")) == {ada.pk: "sent", ben.pk: "sent"}


def test_a_job_that_missed_three_days_catches_up(shop: Shop, parts: Parts) -> None:
    """What is still of use goes out; what is over is written down as too late."""
    ada, ben = shop.member("ada"), shop.member("ben")
    parts.profiles.born = {ada.pk: Birthday(6, 13), ben.pk: Birthday(6, 16)}
    campaign = started(shop, {"kind": "birthday", "days_before": 1})
    assert run(campaign, NOW) == {}

    assert run(campaign, NOW + 5 * DAY) == {ada.pk: "too_late", ben.pk: "sent"}


@pytest.mark.usefixtures("parts")
def test_points_that_expire(shop: Shop) -> None:
    """Reminded 7 days and 1 day before their last day, and on the first for all of next month."""
    ada = shop.member("ada")
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


@pytest.mark.usefixtures("parts")
def test_what_buyers_do(shop: Shop) -> None:
    """First anniversary, second purchase due, and the day on which somebody is lost."""
    old, new = shop.member("old"), shop.member("new")
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


@pytest.mark.usefixtures("parts")
def test_who_came_back_by_himself_is_not_asked_to(shop: Shop) -> None:
    """An order between planning and sending makes a reminder pointless."""
    ada, ben = shop.member("ada"), shop.member("ben")
    for account in (ada, ben):
        record_order(account, at("2026-05-12 12:00"), 1000)
    segments.nightly(shop.program, NOW)
    campaign = started(shop, {"kind": "second_purchase_due", "days_after": 30})
    assert run(campaign, NOW) == {ada.pk: "planned", ben.pk: "planned"}

    record_order(ada, NOW, 1000)
    segments.nightly(shop.program, NOW)

    assert run(campaign, NOW + DAY) == {ada.pk: "no_longer_due", ben.pk: "sent"}


@pytest.mark.usefixtures("parts")
def test_what_happens_to_members(shop: Shop) -> None:
    """Welcome, a tier reached, a tier about to be lost, and a segment entered and left."""
    joined = shop.member("joined", now=NOW + dt.timedelta(hours=1))
    Account.objects.filter(pk=joined.pk).update(joined_at=NOW + dt.timedelta(hours=1))
    ada = shop.member("ada")
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


@pytest.mark.usefixtures("parts")
def test_holidays_with_the_moon(shop: Shop) -> None:
    """Qixi of 2026 is on 19 August; three days before, everybody hears of it, once."""
    pytest.importorskip("borax")
    ada = shop.member("ada")
    campaign = started(shop, {"kind": "holiday", "holiday": "qixi", "days_before": 3})

    assert run(campaign, at("2026-08-15 09:00")) == {}
    assert run(campaign, at("2026-08-16 09:00")) == {ada.pk: "sent"}
    assert run(campaign, at("2026-08-19 09:00")) == {ada.pk: "sent"}
    assert Dispatch.objects.get().facts == {"occasion_on": "2026-08-19"}


@pytest.mark.usefixtures("parts")
def test_own_days_are_each_for_themselves(shop: Shop) -> None:
    """Two of the merchant's own days in one year are two messages."""
    ada = shop.member("ada")
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


@pytest.mark.usefixtures("parts")
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
@pytest.mark.usefixtures("parts")
def test_the_sandbox(shop: Shop, source: str) -> None:
    """Nothing that loads, loops, grows, unescapes, or looks behind the names is let in."""
    texts = {"en": {"subject": "s", "text": source}}

    with pytest.raises(Refusals):
        campaign_of(shop.program, ONCE, message={"channel": "email", "texts": texts})


@pytest.mark.usefixtures("parts")
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


@pytest.mark.usefixtures("parts")
def test_states(shop: Shop) -> None:
    """A draft is scheduled, starts and ends by the clock; what has ended stays so."""
    ada = shop.member("ada")
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


@pytest.mark.usefixtures("parts")
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


def test_what_is_not_there_is_refused(shop: Shop) -> None:
    """Without the other parts of the plugin nothing is promised, and nothing is sent."""
    before = campaign_ports.wire(Ports())
    try:
        with pytest.raises(Refusals) as caught:
            campaign_of(
                shop.program,
                {"kind": "birthday"},
                benefit={"coupon": {"kind": "personal"}},
                holdout_per_mille=10,
            )
        fields = [each.field for each in caught.value.refusals]
        assert fields == ["trigger.kind", "holdout_per_mille", "benefit.coupon"]
        campaign = campaign_of(shop.program, ONCE)
        with pytest.raises(Refusal, match="consents"):
            campaigns.start_campaign(campaign, NOW)
    finally:
        campaign_ports.wire(before)


@pytest.mark.usefixtures("parts")
def test_a_campaign_of_mails_needs_a_link_to_unsubscribe(shop: Shop, settings: Any) -> None:
    """Without the shop's address nothing starts."""
    settings.RETENTION_PUBLIC_URL = ""
    campaign = campaign_of(shop.program, ONCE)

    with pytest.raises(Refusal, match="RETENTION_PUBLIC_URL"):
        campaigns.start_campaign(campaign, NOW)


@pytest.mark.usefixtures("parts")
def test_trying_it_out(shop: Shop) -> None:
    """One mail to the address, with made-up facts; nothing is written down."""
    shop.member("ada")
    campaign = campaign_of(shop.program, ONCE, benefit={"points": 25})
    before = counts_of_rows()

    campaign_trying.send_test(campaign, to="staff@example.com", language="zh-TW")
    campaign_trying.send_test(campaign, to="staff@example.com")

    assert [(message.to, message.subject) for message in mail.outbox] == [
        (["staff@example.com"], "您好"),
        (["staff@example.com"], "Hello Ada"),
    ]
    assert "25 points." in mail.outbox[1].body
    assert counts_of_rows() == before
    with pytest.raises(Refusal, match="no e-mail address"):
        campaign_trying.send_test(campaign, to="staff")


@pytest.mark.usefixtures("parts")
def test_text_messages_go_to_a_file(shop: Shop, settings: Any, tmp_path: Path) -> None:
    """For whoever has a number; the others have no address."""
    ada, ben = shop.member("ada"), shop.member("ben")
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


@pytest.mark.usefixtures("parts")
def test_saleors_notify_event(shop: Shop) -> None:
    """Whoever listens gets the words, the headers and the facts."""
    shop.member("ada")
    run(started(shop, ONCE, message={**MESSAGE, "via": "notify"}), NOW)

    ((event, payload),) = shop.host.notified
    assert event == "retention_campaign"
    assert payload["recipient_email"] == "ada@example.com"
    assert payload["subject"] == "Hello you"
    assert payload["headers"]["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    shop.host.refusals["notify"] = "Not here."
    with pytest.raises(Refusals, match=r"Not here\."):
        campaign_of(shop.program, ONCE, slug="b", message={**MESSAGE, "via": "notify"})


@pytest.mark.usefixtures("parts")
def test_a_program_that_is_off_sends_nothing(shop: Shop) -> None:
    """Neither plans nor sends what was planned, as when the plugin is being removed."""
    ada = shop.member("ada")
    campaign = started(shop, ONCE)
    campaign_planning.plan(campaign, NOW)
    Program.objects.filter(pk=shop.program.pk).update(is_active=False)

    assert campaign_planning.plan_due(NOW + DAY) == {}
    assert sending.send_due(now=NOW) == 0
    assert outcome(campaign) == {ada.pk: "planned"}


# --- tasks and the command ------------------------------------------------------------------------


@pytest.mark.usefixtures("parts")
def test_the_tasks(shop: Shop) -> None:
    """Planning and sending as beat does it, on the real clock."""
    ada = shop.member("ada")
    campaign = campaigns.start_campaign(campaign_of(shop.program, {"kind": "welcome"}))
    campaigns.schedule_campaign(
        campaign_of(shop.program, {"kind": "welcome"}, slug="b"), starts_at=NOW
    )
    Account.objects.filter(pk=ada.pk).update(joined_at=Campaign.objects.get(slug="hello").starts_at)

    tasks.plan_campaigns.run()
    tasks.send_messages.run()

    assert outcome(campaign) == {ada.pk: "sent"}
    assert Campaign.objects.get(slug="b").state == CampaignState.RUNNING


@pytest.mark.usefixtures("parts")
def test_the_command(shop: Shop, tmp_path: Path) -> None:
    """Save, plan, start, run, try out, look, pause and end."""
    ada = shop.member("ada")
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


@pytest.mark.usefixtures("parts")
def test_a_worker_that_dies_while_sending_leaves_unknown(shop: Shop) -> None:
    """It is never sent again, and says so; one that died before is sent by the next worker."""
    ada, ben = shop.member("ada"), shop.member("ben")
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


@pytest.mark.usefixtures("parts")
def test_a_benefit_is_given_once_however_often_it_is_tried(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The mail server is away for a while: the message is tried again, the points are not."""
    ada = shop.member("ada")
    campaign = started(shop, ONCE, benefit={"points": 40})

    def away(_self: Any, _message: Any) -> None:
        raise sending.NotTaken("mail server: away", passes=True)

    with monkeypatch.context() as patch:
        patch.setattr("saleor_retention.services.providers.Mail.send", away)
        assert run(campaign, NOW) == {ada.pk: "planned"}
    row = Dispatch.objects.get()
    assert (row.attempts, row.note) == (1, "mail server: away")
    assert row.not_before == NOW + sending.RETRY_FIRST

    assert run(campaign, NOW + sending.RETRY_FIRST) == {ada.pk: "sent"}
    ada.refresh_from_db()
    assert ada.available == 40
    assert Transaction.objects.filter(key=f"grant:campaign:{row.pk}").count() == 1


@pytest.mark.usefixtures("parts")
def test_a_fault_after_a_message_went_out_is_not_called_failed(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One before it was handed over is failed; one when it is written down leaves unknown."""
    ada = shop.member("ada")
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


@pytest.mark.usefixtures("parts")
def test_a_server_that_never_comes_back_is_given_up(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After five tries it is failed; what may have gone out is unknown at once."""
    ada = shop.member("ada")
    gone, torn = started(shop, ONCE, slug="gone"), started(shop, ONCE, slug="torn")

    def away(_self: Any, _message: Any) -> None:
        raise sending.NotTaken("away", passes=True)

    def torn_off(_self: Any, _message: Any) -> None:
        raise ConnectionResetError

    monkeypatch.setattr("saleor_retention.services.providers.Mail.send", away)
    moment = NOW
    for _ in range(sending.ATTEMPTS_MAX):
        run(gone, moment)
        moment += 2 * 60 * dt.timedelta(minutes=1)
    assert outcome(gone) == {ada.pk: "failed"}

    monkeypatch.setattr("saleor_retention.services.providers.Mail.send", torn_off)
    assert run(torn, NOW)[ada.pk] == "unknown"
    assert run(torn, NOW + DAY)[ada.pk] == "unknown"
    assert SkippedSend.objects.count() == 0
