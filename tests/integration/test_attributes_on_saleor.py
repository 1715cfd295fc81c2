"""Saleor's own customer attributes hold what customers told, where Saleor has such attributes."""

from __future__ import annotations

from typing import Any

import pytest

from saleor_retention import host
from saleor_retention.errors import Code, Refusals
from saleor_retention.services.membership import profiles
from tests.factories.current import factories
from tests.factories.loyalty import make_member, make_program

pytestmark = [pytest.mark.saleor3, pytest.mark.django_db(transaction=True, databases="__all__")]

TYPES = {
    "born": "date",
    "gender": "dropdown",
    "likes": "multiselect",
    "speaks": "plain-text",
    "size": "numeric",
    "dog": "boolean",
}
QUESTIONS: dict[str, Any] = {
    "interests": ["coffee", "tea"],
    "fields": [
        {"key": "size", "label": "Size", "type": "number"},
        {"key": "dog", "label": "A dog?", "type": "yes_no"},
    ],
    "attributes": [
        {"fact": "birthday", "attribute": "born"},
        {"fact": "gender", "attribute": "gender"},
        {"fact": "interests", "attribute": "likes"},
        {"fact": "language", "attribute": "speaks"},
        {"fact": "custom.size", "attribute": "size"},
        {"fact": "custom.dog", "attribute": "dog"},
    ],
}
TOLD = {
    "birthday": {"month": 5, "day": 4, "year": 1990},
    "gender": "female",
    "interests": ["coffee", "tea"],
    "language": "zh-hant",
    "custom": {"size": 42, "dog": True},
}
SHOWN = """query ($id: ID!) {
  user(id: $id) {
    assignedAttributes {
      attribute { slug }
      ... on AssignedDateAttribute { date: value }
      ... on AssignedSingleChoiceAttribute { choice: value { name } }
      ... on AssignedMultiChoiceAttribute { choices: value { name } }
      ... on AssignedPlainTextAttribute { text: value }
      ... on AssignedNumericAttribute { number: value }
      ... on AssignedBooleanAttribute { isSo: value }
    }
  }
}"""


def has_attributes() -> bool:
    """Tell whether this Saleor is one with customer attributes, by its version."""
    major, minor = host.current().version.split(".")[:2]
    return (int(major), int(minor)) >= (3, 23)


def add_attributes() -> None:
    """Add the attributes to the customer type that customers have by default."""
    from saleor.account.models import CustomerType
    from saleor.attribute.models import Attribute

    kind = CustomerType.objects.get(is_default=True)
    for slug, input_type in TYPES.items():
        kind.customer_attributes.add(
            Attribute.objects.create(
                slug=slug, name=slug.title(), type="customer-type", input_type=input_type
            )
        )


def shown(user: Any) -> dict[str, Any]:
    """Return what staff sees in the attributes of a customer."""
    make = factories()
    found = make.ask(SHOWN, {"id": make.gid("User", user)}, make.owner())["user"]
    values = {
        row.pop("attribute")["slug"]: next(iter(row.values()))
        for row in found["assignedAttributes"]
    }
    return {slug: value for slug, value in values.items() if value not in (None, [])}


def test_attributes_hold_what_was_told() -> None:
    """As staff sees it in the dashboard; from 3.23 on, refused with the reason before.

    Telling something else replaces it, and what is cleared leaves no value that was only theirs.
    """
    make = factories()
    channel, ada, ben = make.make_channel(), make.make_user(), make.make_user()
    if not has_attributes():
        with pytest.raises(Refusals) as caught:
            make_program(channel, questions=QUESTIONS)
        (refusal,) = caught.value.refusals
        assert (refusal.code, refusal.field) == (Code.NOT_SUPPORTED, "questions.attributes")
        assert "3.23" in refusal.message
        return
    from saleor.attribute.models import AttributeValue

    add_attributes()
    program = make_program(channel, questions=QUESTIONS)
    member, other = make_member(program, ada), make_member(program, ben)

    profiles.update(member, TOLD)
    profiles.update(other, {"gender": "female", "language": "fr"})

    assert shown(ada) == {
        "born": "1990-05-04",
        "gender": {"name": "female"},
        "likes": [{"name": "coffee"}, {"name": "tea"}],
        "speaks": "zh-hant",
        "size": 42,
        "dog": True,
    }
    assert AttributeValue.objects.filter(attribute__slug="gender").count() == 1  # shared

    cleared = {"birthday": None, "language": None, "custom": {"size": None}}
    profiles.update(member, {**cleared, "interests": ["tea"], "gender": "other"})

    assert shown(ada) == {
        "gender": {"name": "other"},
        "likes": [{"name": "tea"}],
        "dog": True,
    }
    assert shown(ben) == {
        "gender": {"name": "female"},
        "speaks": "fr",
    }
    theirs = AttributeValue.objects.filter(attribute__slug__in=["born", "speaks", "size"])
    assert [value.plain_text for value in theirs] == ["fr"]
