"""Addresses that a provider's app reports: nothing is sent to them, and the trail tells of it."""

from __future__ import annotations

import pytest
from django.utils import timezone

from saleor_retention.models import AuditEntry, Suppression, SuppressionReason
from saleor_retention.services.consenting import consent_links, consents
from tests.graphql.world import World, app, operation, staff

pytestmark = pytest.mark.django_db(databases="__all__")

SUPPRESS, RELEASE = operation("staff/address-suppress"), operation("staff/address-release")
TRAIL = operation("staff/audit-trail")
NUMBER = "+12025550123"


def test_an_app_reports_what_bounced(world: World) -> None:
    """Once, however often it says so and however it writes the address; told of the member."""
    provider, account = app("manage_users"), world.account()
    address = world.owner.user.email
    given = {"channel": "EMAIL", "reason": "BOUNCED"}

    first = provider.do(SUPPRESS, **given, address=address)
    again = provider.do(SUPPRESS, **given, address=f" {address.upper()} ")

    assert (first["suppression"]["channel"], first["suppression"]["purpose"]) == ("EMAIL", None)
    assert (first["suppression"]["reason"], again["suppression"]["reason"]) == ("BOUNCED",) * 2
    assert consents.is_suppressed(address, "email", "anything")
    assert not consents.is_suppressed(address, "sms", "anything")
    assert Suppression.objects.count() == 1
    (entry,) = AuditEntry.objects.filter(action="address_suppress")
    assert (entry.account_id, entry.actor_ref[:4]) == (account.pk, "app:")
    assert entry.changes == ["email, every purpose: bounced"]


def test_nobody_needs_to_be_known(world: World) -> None:
    """A number of one purpose; who manages programs alone does not see that it was reported."""
    given = {"channel": "SMS", "address": NUMBER, "reason": "COMPLAINT", "purpose": "news"}
    staff("manage_users").do(SUPPRESS, **given)

    assert consents.is_suppressed(NUMBER, "sms", "news")
    assert not consents.is_suppressed(NUMBER, "sms", "sales")
    entry = AuditEntry.objects.get(action="address_suppress")
    assert (entry.account_id, entry.changes) == (None, ["sms, news: complaint"])

    def seen(code: str) -> list[str]:
        trail = staff(code).ask(TRAIL, first=100)["retentionAuditTrail"]
        return [edge["node"]["action"] for edge in trail["edges"]]

    assert seen("manage_users")[0] == "ADDRESS_SUPPRESS"
    assert "ADDRESS_SUPPRESS" not in seen("manage_discounts")
    assert world.program_id


def test_what_was_reported_by_mistake_is_lifted(world: World) -> None:
    """For what it was reported of, and once."""
    manager = staff("manage_users")
    given = {"channel": "EMAIL", "address": "ada@example.com", "purpose": "news"}
    manager.do(SUPPRESS, **given, reason="STAFF")

    assert manager.refused(RELEASE, **{**given, "purpose": None}) == [("address", "NOT_FOUND")]
    lifted = manager.do(RELEASE, **given)

    assert lifted["suppression"]["reason"] == "STAFF"
    assert not consents.is_suppressed("ada@example.com", "email", "news")
    assert manager.refused(RELEASE, **given) == [("address", "NOT_FOUND")]
    actions = AuditEntry.objects.order_by("pk").values_list("action", flat=True)
    assert list(actions)[-2:] == ["address_suppress", "address_release"]
    assert world.program_id


def test_what_the_customer_ended_stays(world: World) -> None:
    """Staff lift what was reported, never what the customer asked for."""
    manager = staff("manage_users")
    account, address = world.account(), world.owner.user.email
    path = consent_links.unsubscribe_path(
        account.pk, channel="email", purpose="news", address=address
    )
    link = consent_links.unsubscription_in(path.rsplit("/", 1)[1])
    assert link is not None
    consents.unsubscribe(link, now=timezone.now())
    given = {"channel": "EMAIL", "address": address, "purpose": "news"}

    assert manager.refused(RELEASE, **given) == [("address", "INVALID")]
    assert consents.is_suppressed(address, "email", "news")
    manager.do(SUPPRESS, **given, reason="COMPLAINT")
    assert Suppression.objects.get().reason == SuppressionReason.COMPLAINT


def test_what_is_no_report_is_refused(world: World) -> None:
    """By field."""
    manager = staff("manage_users")
    good = {"channel": "EMAIL", "address": "ada@example.com", "reason": "BOUNCED"}
    number = {"channel": "SMS"}

    for wrong, field, code in (
        ({"address": " "}, "address", "REQUIRED"),
        ({"address": "ada"}, "address", "INVALID"),
        ({**number, "address": "ada@example.com"}, "address", "INVALID"),
        ({**number, "address": "0202 5550123"}, "address", "INVALID"),
        ({"purpose": "Any thing"}, "purpose", "INVALID"),
        ({"purpose": "x" * 49}, "purpose", "INVALID"),
        ({"reason": "UNSUBSCRIBED"}, "reason", "INVALID"),
    ):
        assert manager.refused(SUPPRESS, **{**good, **wrong}) == [(field, code)]
    assert world.program_id
