"""What customers tell is copied to the shop's own attributes, where the program says so."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from saleor_retention.errors import Code, Refusals
from saleor_retention.models import Account, Program
from saleor_retention.selectors import persons
from saleor_retention.services.membership import erasing, profiles
from saleor_retention.services.setting_up import programs
from tests import fakes
from tests.fakes import FakeHost
from tests.members import NOON, make_member, make_program

pytestmark = pytest.mark.django_db

FIELDS = [
    {"key": "size", "label": "Size", "type": "number"},
    {"key": "dog", "label": "A dog?", "type": "yes_no"},
    {"key": "since", "label": "Since", "type": "date"},
    {"key": "cups", "label": "Cups", "type": "choices", "options": ["small", "large"]},
]
NAMED = {
    "birthday": ("born", "date"),
    "gender": ("gender", "dropdown"),
    "interests": ("likes", "multiselect"),
    "language": ("speaks", "plain-text"),
    "custom.size": ("size", "numeric"),
    "custom.dog": ("dog", "boolean"),
    "custom.since": ("since", "date"),
    "custom.cups": ("cups", "plain-text"),
}
QUESTIONS: dict[str, Any] = {
    "interests": ["coffee", "tea"],
    "fields": FIELDS,
    "attributes": [{"fact": fact, "attribute": slug} for fact, (slug, _) in NAMED.items()],
}


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> FakeHost:
    """A shop in memory whose customers have attributes."""
    shop = fakes.use(monkeypatch)
    shop.attributes = dict(NAMED.values())
    return shop


@pytest.fixture
def ann(shop: FakeHost) -> Account:
    """A member of a program that copies what is told."""
    return make_member(shop, make_program(questions=QUESTIONS))


def held(shop: FakeHost, account: Account) -> dict[str, Any]:
    """Return what the customer's attributes hold."""
    return shop.attribute_values.get(str(account.user_id), {})


def test_each_fact_goes_to_its_attribute(shop: FakeHost, ann: Account) -> None:
    """As the attribute's type wants it; what is cleared is held no more."""
    told = {
        "birthday": {"month": 5, "day": 4, "year": 1990},
        "gender": "female",
        "interests": ["coffee", "tea"],
        "language": "zh-hant",
        "custom": {"size": 42, "dog": False, "since": "2020-02-29", "cups": ["small", "large"]},
    }

    profiles.update(ann, told, now=NOON)

    assert held(shop, ann) == {
        "born": dt.date(1990, 5, 4),
        "gender": "female",
        "likes": ["coffee", "tea"],
        "speaks": "zh-hant",
        "size": 42,
        "dog": False,
        "since": dt.date(2020, 2, 29),
        "cups": "small, large",
    }
    profiles.update(ann, {"gender": None, "interests": [], "custom": {"dog": None}}, now=NOON)
    assert sorted(held(shop, ann)) == ["born", "cups", "since", "size", "speaks"]


def test_nothing_is_copied_that_did_not_change(shop: FakeHost, ann: Account) -> None:
    """Telling the same again bothers nobody."""
    profiles.update(ann, {"gender": "female"}, now=NOON)
    shop.dispatched.clear()

    profiles.update(ann, {"gender": "female"}, now=NOON)

    assert shop.dispatched == []


@pytest.mark.parametrize(
    ("attribute_type", "birthday", "value"),
    [
        ("date", {"month": 5, "day": 4}, None),
        ("plain-text", {"month": 5, "day": 4}, "--05-04"),
        ("plain-text", {"month": 2, "day": 29, "year": 1904}, "1904-02-29"),
    ],
)
def test_a_birthday_without_a_year(
    shop: FakeHost, attribute_type: str, birthday: dict[str, int], value: str | None
) -> None:
    """A date cannot do without it, a text can."""
    shop.attributes["born"] = attribute_type
    ann = make_member(shop, make_program(questions=QUESTIONS))

    profiles.update(ann, {"birthday": birthday}, now=NOON)

    assert held(shop, ann).get("born") == value


def test_what_was_told_before_is_copied_when_attributes_are_named(shop: FakeHost) -> None:
    """Of every customer of the program; another change of the program copies nothing."""
    asked = {key: value for key, value in QUESTIONS.items() if key != "attributes"}
    program = make_program(questions=asked)
    told = [make_member(shop, program) for _ in range(2)]
    for account in told:
        profiles.update(account, {"gender": "other"}, now=NOON)
    assert [held(shop, account) for account in told] == [{}, {}]

    ask(program, QUESTIONS)

    assert [held(shop, account) for account in told] == [{"gender": "other"}] * 2
    shop.dispatched.clear()
    ask(program, {**QUESTIONS, "motive": "To know you."})
    assert "copy_profiles" not in [name for name, _ in shop.dispatched]


def test_an_attribute_that_is_gone_holds_up_nothing(shop: FakeHost, ann: Account) -> None:
    """The others are written; one whose type was changed is left alone."""
    del shop.attributes["likes"]
    shop.attributes["speaks"] = "boolean"

    profiles.update(ann, {"interests": ["tea"], "language": "fr", "gender": "male"}, now=NOON)

    assert held(shop, ann) == {"gender": "male"}


def test_the_erased_leave_nothing(shop: FakeHost, ann: Account) -> None:
    """Erasing empties the attributes of who stays a customer of the shop."""
    profiles.update(ann, {"gender": "female", "custom": {"size": 42}}, now=NOON)
    user_ref = str(ann.user_id)

    erasing.erase(persons.of_user(user_ref), reason="Asked for it", actor_ref="user:1", now=NOON)

    assert shop.attribute_values[user_ref] == {}


def test_what_cannot_be_held_is_refused(shop: FakeHost) -> None:
    """An attribute that is not there, one of another type, and a Saleor without any."""
    program = make_program()
    shop.attributes["size"] = "date"
    del shop.attributes["likes"]

    assert refused(program) == [
        (Code.NOT_FOUND, "questions.attributes.2.attribute"),
        (Code.INVALID, "questions.attributes.4.attribute"),
    ]
    shop.refusals["customer_attributes"] = "None here."
    assert refused(program) == [(Code.NOT_SUPPORTED, "questions.attributes")]


def ask(program: Program, questions: dict[str, Any]) -> None:
    """Have the program ask something else."""
    document = {**programs.document_of(program), "questions": questions}
    programs.update_program(program=program, document=document, now=NOON)
    program.refresh_from_db()


def refused(program: Program) -> list[tuple[Code, str | None]]:
    """Name attributes that must be refused."""
    with pytest.raises(Refusals) as caught:
        ask(program, QUESTIONS)
    return [(refusal.code, refusal.field) for refusal in caught.value.refusals]
