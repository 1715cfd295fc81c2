"""Answers to the form of registration: kept once, when the customer has confirmed the address."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest

from saleor_retention.errors import Code, Refusal
from saleor_retention.models import Account, ConsentEntry, Profile, ProfileEntry
from saleor_retention.services.consenting import consents
from saleor_retention.services.membership import registrations, welcoming
from saleor_retention.services.ordering import reconciling
from tests import fakes
from tests.fakes import FakeHost, at
from tests.members import NOON, make_program, make_user

pytestmark = pytest.mark.django_db

NEWS = {"channel": "email", "purpose": "news"}
HABITS = {"channel": "profiling", "purpose": "habits"}
QUESTIONS: dict[str, Any] = {
    "interests": ["coffee", "tea"],
    "consents": [
        {**NEWS, "version": "v1", "text": "Write to me.", "double_opt_in": True},
        {**HABITS, "version": "v1", "text": "Look at it."},
    ],
}
AGREED = [{**NEWS, "text_version": "v1"}, {**HABITS, "text_version": "v1"}]
TOLD = {"birthday": {"month": 3, "day": 20}, "interests": ["tea"]}
NEXT_DAY = at("2026-03-11 12:00")


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> FakeHost:
    """A shop in memory."""
    return fakes.use(monkeypatch)


def registered(shop: FakeHost, *, is_confirmed: bool = True, **content: Any) -> str:
    """Register a customer who answered that; return the reference."""
    ref = make_user(shop)
    shop.put_user(ref, shop.people[ref].email, is_confirmed=is_confirmed)
    shop.metadata[ref, registrations.KEY] = json.dumps(content)
    return ref


def log() -> list[tuple[str, str, str]]:
    """Return the log of consents."""
    return list(ConsentEntry.objects.order_by("id").values_list("purpose", "state", "source"))


def test_answers_are_kept_with_where_they_came_from(shop: FakeHost) -> None:
    """Facts and consents, each by its own rules; the words that were shown are in the log."""
    make_program(questions=QUESTIONS)
    ref = registered(shop, profile=TOLD, consents=AGREED)

    welcoming.welcome(ref, NOON)

    assert log() == [
        ("news", "requested", "registration"),
        ("habits", "given", "registration"),
    ]
    asked = ("consent_requested", (ConsentEntry.objects.earliest("id").pk,))
    assert [each for each in shop.dispatched if each[0] == "consent_requested"] == [asked]
    profile = Profile.objects.get()
    assert (profile.birth_month, profile.birth_day, profile.interests) == (3, 20, ["tea"])
    assert set(ProfileEntry.objects.values_list("source", "at")) == {("registration", NOON)}
    assert shop.metadata == {}


def test_a_birthday_is_known_since_it_was_taken(shop: FakeHost) -> None:
    """Not since the account was opened: an old customer could make a birthday of tomorrow."""
    make_program(questions=QUESTIONS)
    ref = registered(shop, profile=TOLD)

    registrations.take(ref, NOON)

    assert Profile.objects.get().birthday_since == NOON.date()


def test_nothing_is_taken_before_the_address_is_confirmed(shop: FakeHost) -> None:
    """Whoever registers somebody else's address agrees to nothing for him."""
    make_program(questions=QUESTIONS)
    ref = registered(shop, is_confirmed=False, profile=TOLD, consents=AGREED)

    welcoming.welcome(ref, NOON)
    reconciling.reconcile(NOON)

    assert not Account.objects.exists()
    assert log() == []
    assert list(shop.metadata) == [(ref, registrations.KEY)]

    shop.put_user(ref, shop.people[ref].email)
    reconciling.reconcile(NEXT_DAY)

    assert [row[0] for row in log()] == ["news", "habits"]
    assert shop.metadata == {}


def test_what_was_withdrawn_since_does_not_come_back(shop: FakeHost) -> None:
    """The answers are there once, however often somebody looks."""
    make_program(questions=QUESTIONS)
    ref = registered(shop, consents=AGREED)
    registrations.take(ref, NOON)
    consents.withdraw(Account.objects.get(), **HABITS, now=NEXT_DAY)

    assert not registrations.take(ref, NEXT_DAY)
    welcoming.welcome(ref, NEXT_DAY)
    reconciling.reconcile(NEXT_DAY)

    assert log()[-1] == ("habits", "withdrawn", "storefront")


def test_what_cannot_be_kept_is_left_out(shop: FakeHost, caplog: pytest.LogCaptureFixture) -> None:
    """Other words, no such question, no such interest; the rest is kept, no value is logged."""
    make_program(questions=QUESTIONS)
    ref = registered(
        shop,
        profile={"interests": ["cocoa"]},
        consents=[{**NEWS, "text_version": "v0"}, {**HABITS, "text_version": "v1"}],
        shoe_size=42,
    )

    with caplog.at_level(logging.WARNING, "saleor_retention"):
        registrations.take(ref, NOON)

    assert log() == [("habits", "given", "registration")]
    assert not Profile.objects.exists()
    said = [record.getMessage() for record in caplog.records]
    assert said == [
        f"Of customer {ref}'s registration was not kept: shoe_size.",
        f"Of customer {ref}'s registration was not kept: interests.0.",
        f"Of customer {ref}'s registration was not kept: consents, email news.",
    ]


def test_nobody_writes_into_the_log(shop: FakeHost, caplog: pytest.LogCaptureFixture) -> None:
    """Names of questions that do not exist are a browser's words: one line, and a short one."""
    make_program(questions=QUESTIONS)
    ref = registered(shop, **{"x\nERROR forged": 1, "y" * 5000: 1})

    with caplog.at_level(logging.WARNING, "saleor_retention"):
        registrations.take(ref, NOON)

    first, second = [record.getMessage() for record in caplog.records]
    assert first == f"Of customer {ref}'s registration was not kept: x\\nERROR forged."
    assert second == f"Of customer {ref}'s registration was not kept: {'y' * 200}."


def test_who_has_to_enrol_does_so_on_the_form(shop: FakeHost) -> None:
    """Where only those are members who ask for it, the form can ask; a consent is no enrolment."""
    program = make_program(questions=QUESTIONS, enrolment="opt_in", welcome_points=100)
    joins = registered(shop, enrol=True, consents=AGREED)
    stays_away = registered(shop, consents=AGREED)

    welcoming.welcome(joins, NOON)
    welcoming.welcome(stays_away, NOON)

    (account,) = Account.objects.filter(program=program)
    assert (str(account.user_id), account.available) == (joins, 100)
    assert [entry.account_id for entry in ConsentEntry.objects.all()] == [account.pk] * 2
    assert shop.metadata == {}


def test_which_program_is_meant(shop: FakeHost) -> None:
    """With several, the channel says it; without one nothing is kept of nobody's program."""
    from saleor_retention.host.contract import ChannelFacts

    shop.shop_channels.append(ChannelFacts("2", "japan", "Japan", "USD"))
    make_program(questions=QUESTIONS)
    make_program("tokyo", channels=("2",), questions=QUESTIONS)
    named = registered(shop, channel="japan", consents=AGREED[1:])
    unnamed = registered(shop, consents=AGREED[1:])
    unknown = registered(shop, channel="mars", consents=AGREED[1:])

    for ref in (named, unnamed, unknown):
        registrations.take(ref, NOON)

    (entry,) = ConsentEntry.objects.select_related("account__program")
    assert (entry.account.program.slug, str(entry.account.user_id)) == ("tokyo", named)


def test_a_busy_member_waits(shop: FakeHost, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is kept of a part, and the rest of the welcome is not held up."""
    make_program(questions=QUESTIONS)
    ref = registered(shop, profile=TOLD, consents=AGREED)

    def busy(*_arguments: Any, **_more: Any) -> None:
        raise Refusal(Code.BUSY, "Somebody else is at it.")

    with monkeypatch.context() as patch:
        patch.setattr(consents, "give", busy)
        with pytest.raises(Refusal):
            registrations.take(ref, NOON)
        shop.metadata[ref, registrations.KEY] = json.dumps({"profile": TOLD, "consents": AGREED})
        welcoming.welcome(ref, NOON)
    assert not Profile.objects.exists()
    assert log() == []
