"""Answers that come with Saleor's own mutation to register, as a storefront sends them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.contrib.auth import get_user_model

from saleor_retention import host
from saleor_retention.errors import Code, Refusal
from saleor_retention.models import ConsentEntry, ProfileEntry
from saleor_retention.services.consenting import consents
from saleor_retention.services.membership import registrations
from saleor_retention.services.ordering import reconciling
from tests.graphql.world import ANONYMOUS, World, open_shop

pytestmark = [pytest.mark.django_db(databases="__all__"), pytest.mark.saleor3]

HABITS = {"channel": "profiling", "purpose": "habits"}
QUESTIONS: dict[str, Any] = {
    "interests": ["coffee", "tea"],
    "consents": [{**HABITS, "version": "v1", "text": "Look at it."}],
}
ANSWERS = {"profile": {"interests": ["tea"]}, "consents": [{**HABITS, "text_version": "v1"}]}
REGISTER = """
mutation ($input: AccountRegisterInput!) {
  accountRegister(input: $input) { errors { field message code } }
}
"""
EMAIL = "new@example.com"


@pytest.fixture
def world(db: None) -> World:  # noqa: ARG001
    """A shop whose program asks."""
    return open_shop(questions=QUESTIONS)


def register(world: World) -> Any:
    """Register a customer with answers, and with metadata of the shop's own."""
    metadata = {registrations.KEY: json.dumps(ANSWERS), "campaign": "spring"}
    ANONYMOUS.do(
        REGISTER,
        input={
            "email": EMAIL,
            "password": "a-long-enough-passphrase",
            "channel": world.channel,
            "redirectUrl": "http://localhost/confirm",
            "metadata": [{"key": key, "value": value} for key, value in metadata.items()],
        },
    )
    return get_user_model().objects.get(email=EMAIL)


def confirm(user: Any) -> None:
    """Confirm the address without an event."""
    get_user_model().objects.filter(pk=user.pk).update(is_confirmed=True)


def test_answers_wait_for_the_confirmed_address(world: World) -> None:
    """They are taken by reconcile where no event came; the shop's own metadata stays."""
    user = register(world)
    assert registrations.KEY in user.metadata
    assert host.current().users_with_metadata(registrations.KEY, 10) == []

    reconciling.reconcile()
    assert not ConsentEntry.objects.exists()

    confirm(user)
    assert host.current().users_with_metadata(registrations.KEY, 10) == [str(user.pk)]
    reconciling.reconcile()

    (entry,) = ConsentEntry.objects.all()
    assert (entry.state, entry.source, entry.account.user_id) == ("given", "registration", user.pk)
    assert [fact.source for fact in ProfileEntry.objects.all()] == ["registration"]
    user.refresh_from_db()
    assert user.metadata == {"campaign": "spring"}
    assert host.current().users_with_metadata(registrations.KEY, 10) == []
    assert host.current().take_metadata(str(user.pk), registrations.KEY) is None


def test_a_busy_member_keeps_the_answers(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are taken back with everything else, and are there for the next run."""
    user = register(world)
    confirm(user)

    def busy(*_arguments: Any, **_more: Any) -> None:
        raise Refusal(Code.BUSY, "Somebody else is at it.")

    with monkeypatch.context() as patch:
        patch.setattr(consents, "give", busy)
        assert registrations.take_all(limit=10) == 0
    assert not ProfileEntry.objects.exists()

    assert registrations.take_all(limit=10) == 1
    assert ConsentEntry.objects.count() == 1
