"""What customers tell of themselves: bit by bit, with a log, and a birthday that is no trick."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from saleor_retention.errors import Code, Refusal, Refusals
from saleor_retention.models import Account, AccountState, Profile, ProfileEntry, ProfileSource
from saleor_retention.selectors import persons
from saleor_retention.services.membership import erasing, profiles
from saleor_retention.services.membership.profiles import NOTHING_KNOWN, profile_of
from tests import fakes
from tests.fakes import FakeHost, at
from tests.members import NOON, make_member, make_program

pytestmark = pytest.mark.django_db

QUESTIONS: dict[str, Any] = {
    "interests": ["coffee", "tea"],
    "fields": [
        {"key": "size", "label": "Size", "type": "number"},
        {"key": "dog", "label": "A dog?", "type": "yes_no"},
    ],
}


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> FakeHost:
    """A shop in memory."""
    return fakes.use(monkeypatch)


@pytest.fixture
def ann(shop: FakeHost) -> Account:
    """A member of a program in Tokyo that asks for interests and two things of its own."""
    program = make_program(questions=QUESTIONS, time_zone="Asia/Tokyo")
    return make_member(shop, program)


def log(account: Account) -> list[tuple[str, Any]]:
    """Return what was told, in order."""
    return list(account.profile_entries.order_by("id").values_list("fact", "value"))


def test_a_profile_grows_bit_by_bit(ann: Account) -> None:
    """What is named is kept with its source and time; the rest stays as it was."""
    assert profile_of(ann) == NOTHING_KNOWN

    profiles.update(ann, {"gender": "female", "custom": {"dog": False}}, now=NOON)
    found = profiles.update(
        ann,
        {"interests": ["tea"], "custom": {"size": 42}},
        source=ProfileSource.STAFF,
        actor_ref="user:7",
        now=at("2026-03-11 12:00"),
    )

    assert found == profile_of(ann)
    assert (found.gender, found.interests) == ("female", ("tea",))
    assert found.custom == {"dog": False, "size": 42}
    assert log(ann) == [
        ("gender", "female"),
        ("custom.dog", False),
        ("interests", ["tea"]),
        ("custom.size", 42),
    ]
    last = ProfileEntry.objects.order_by("id").last()
    assert last is not None
    assert (last.source, last.actor_ref, last.at) == ("staff", "user:7", at("2026-03-11 12:00"))


def test_what_is_known_is_not_written_again(ann: Account) -> None:
    """The log tells when a fact became true, and not how often a form was sent."""
    told = {"gender": "other", "interests": ["coffee"], "birthday": {"month": 5, "day": 4}}
    profiles.update(ann, told, now=NOON)
    profiles.update(ann, told, now=at("2026-04-10 12:00"))

    assert len(log(ann)) == 3
    assert Profile.objects.get().updated_at == NOON


def test_null_clears_a_fact(ann: Account) -> None:
    """And the log says so; clearing what is not known says nothing."""
    told = {"gender": "other", "interests": ["coffee"], "custom": {"size": 4}}
    profiles.update(ann, {**told, "birthday": {"month": 2, "day": 29, "year": 2000}}, now=NOON)

    nothing = {"gender": None, "interests": [], "birthday": None, "language": None}
    found = profiles.update(ann, {**nothing, "custom": {"size": None, "dog": None}}, now=NOON)

    assert found == NOTHING_KNOWN
    assert log(ann)[4:] == [
        ("birthday", None),
        ("gender", None),
        ("interests", None),
        ("custom.size", None),
    ]


def test_a_birthday_is_known_since_its_day_was_told(ann: Account) -> None:
    """Days are the program's; a year told later moves nothing, another day does."""
    evening = at("2026-03-10 16:00")  # 11 March in Tokyo
    first = profiles.update(ann, {"birthday": {"month": 4, "day": 30}}, now=evening)
    year = {"birthday": {"month": 4, "day": 30, "year": 1990}}
    second = profiles.update(ann, year, now=at("2026-04-01"))

    assert first.birthday_since == second.birthday_since == dt.date(2026, 3, 11)
    assert second.birth_year == 1990
    assert second.birthday_counts_in(2026)

    third = profiles.update(ann, {"birthday": {"month": 5, "day": 1}}, now=at("2026-04-01 12:00"))

    assert third.birthday_since == dt.date(2026, 4, 1)
    assert (third.birth_year, third.birthday_counts_in(2026)) == (None, False)
    assert third.birthday_counts_in(2027)


def test_everything_that_is_wrong_is_said_and_nothing_is_kept(ann: Account) -> None:
    """By field."""
    with pytest.raises(Refusals) as caught:
        profiles.update(
            ann,
            {"birthday": {"month": 13, "day": 1}, "gender": "male", "custom": {"size": "big"}},
            now=NOON,
        )

    refusals = caught.value.refusals
    assert [(refusal.field, refusal.code) for refusal in refusals] == [
        ("birthday.month", Code.INVALID),
        ("custom.size", Code.INVALID),
    ]
    assert profile_of(ann) == NOTHING_KNOWN
    assert log(ann) == []


def test_a_guest_has_no_profile(ann: Account) -> None:
    """Nobody who is logged in stands behind the account."""
    Account.objects.filter(pk=ann.pk).update(state=AccountState.SHADOW, user=None)

    with pytest.raises(Refusal) as caught:
        profiles.update(ann, {"gender": "male"}, now=NOON)

    assert caught.value.code is Code.NOT_A_MEMBER


def test_the_log_cannot_be_changed_and_goes_with_the_customer(ann: Account) -> None:
    """The database refuses changes; erasing deletes the log and the profile."""
    profiles.update(ann, {"gender": "male"}, now=NOON)

    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        ProfileEntry.objects.update(value="female")

    erasing.erase(persons.of_account(ann), reason="Asked for it", actor_ref="", now=NOON)

    assert ProfileEntry.objects.count() == Profile.objects.count() == 0
