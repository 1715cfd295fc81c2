"""Every mutation that staff or an app may run leaves an entry in the audit trail."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.db import transaction
from graphene.utils.str_converters import to_camel_case

from saleor_retention.graphql.schema import MUTATIONS
from saleor_retention.models import AuditEntry
from saleor_retention.services.setting_up import programs
from tests.graphql.test_permissions import CODENAMES, QUESTIONS, RUNS, documented, prepare
from tests.graphql.world import Actor, World, app, operation, staff

pytestmark = pytest.mark.django_db(databases="__all__")

OWN = "staff who are customers too, about themselves: it is in the member's own history"
NOTHING_SET = "no gift was chosen that this run takes off"
WITHOUT_AN_ENTRY = {
    "retentionConsentConfirm": "the customer's own link, whoever follows it",
    "retentionConsentGive": OWN,
    "retentionConsentWithdraw": OWN,
    "retentionEnrol": OWN,
    "retentionFeedbackSubmit": OWN,
    "retentionGiftPick": NOTHING_SET,
    "retentionLeave": OWN,
    "retentionProfileUpdate": OWN,
    "retentionProgramUpdate, dry run": "nothing is changed",
    "retentionReferralClaim": OWN,
    "retentionReferralCode": OWN,
    "retentionSegmentCreate, dry run": "nothing is changed",
}
"""Runs of the table of permissions that rightly leave none, and why."""


def test_whatever_staff_may_do_is_written_down(world: World, settings: Any, tmp_path: Path) -> None:
    """Each mutation of the schema, by staff and by an app with the permissions it asks for."""
    settings.RETENTION_SMS_FILE = str(tmp_path / "sms.jsonl")
    settings.RETENTION_PUBLIC_URL = "https://api.example.com"
    prepare(world)
    names = {to_camel_case(name) for name in MUTATIONS}
    table = [row for row in documented() if _mutation(row.operation) in names]
    done, silent = set(), set()
    for row in table:
        codes = tuple(CODENAMES[name] for name in row.permissions) or tuple(CODENAMES.values())
        for actor in (staff(*codes), app(*codes)):
            entries = _entries_of(row.operation, world, actor)
            if entries is not None:
                done.add(_mutation(row.operation))
            if entries == 0:
                silent.add(row.operation)

    assert {_mutation(row.operation) for row in table} == names
    assert " ".join(sorted(silent ^ set(WITHOUT_AN_ENTRY))) == ""
    assert names - done == OF_CUSTOMERS


def _mutation(name: str) -> str:
    """Return the mutation that a row is about, as in "retentionConsentGive of a member"."""
    return name.replace(",", " ").split()[0]


def _entries_of(name: str, world: World, actor: Actor) -> int | None:
    """Return how many entries a run adds; None where it was not done."""
    with transaction.atomic():
        before = AuditEntry.objects.count()
        is_done = RUNS[name](world, actor) == "yes"
        added = AuditEntry.objects.count() - before
        transaction.set_rollback(True)
    return added if is_done else None


OF_CUSTOMERS = {"retentionReorder", "retentionSurveySubmit"}
"""Mutations that nobody but the customer can run."""


def test_what_the_entries_say(world: World) -> None:
    """What is other, without anything that staff typed of a person; nothing twice."""
    programs.update_program(program=world.program, changes={"questions": QUESTIONS})
    manager = staff("manage_discounts", "manage_users")
    rules = {"orders": {"from": 1}}, {"orders": {"from": 2}}
    new = {"slug": "own", "name": "Own", "rule": rules[0]}
    made = manager.do(operation("staff/segment-create"), programId=world.program_id, input=new)[
        "segment"
    ]["id"]
    change = {"rule": rules[1], "followUp": {"reason": "Call Ada"}}
    given = {"memberId": world.member_id()}
    consent = {"channel": "EMAIL", "purpose": "sales", "textVersion": "v1"}
    gone = {"consentChannel": "EMAIL", "purpose": "sales"}
    for _ in range(2):
        manager.do(operation("staff/segment-update"), id=made, input=change)
        manager.do(operation("staff/member-profile-update"), **given, input={"gender": "OTHER"})
        manager.do(operation("staff/member-consent-give"), **given, input=consent)
        manager.ask(operation("staff/member-export"), id=world.member_id())
    manager.do(operation("staff/member-consent-withdraw"), **given, **gone)
    manager.do(operation("staff/segment-retire"), id=made)

    entries = AuditEntry.objects.filter(actor_ref=f"user:{manager.user.pk}").order_by("pk")
    assert [(entry.action, entry.changes) for entry in entries] == [
        ("segment_create", ["own"]),
        (
            "segment_update",
            ["own.rule.orders.from changes from 1 to 2", "own.follow_up is other"],
        ),
        ("profile_update", ["gender is other"]),
        ("consent_give", ["email for sales is given"]),
        ("member_export", []),
        ("consent_withdraw", ["email for sales is withdrawn"]),
        ("segment_retire", ["own"]),
    ]
