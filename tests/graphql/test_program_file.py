"""What staff set up by GraphQL on a real Saleor, exported to the program's file and read again."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from saleor_retention.models import Campaign, CampaignVersion
from saleor_retention.services.setting_up import programs
from tests.campaigns import QUESTIONS
from tests.factories.current import factories
from tests.graphql.world import Actor, World, gid, operation, staff
from tests.members import counts_of_rows

pytestmark = pytest.mark.django_db(databases="__all__")

COUPON = {
    "kind": "PERSONAL",
    "terms": {"name": "Five off", "amounts": [{"currency": "USD", "amount": "5.00"}]},
    "validForDays": 14,
}


def run(*arguments: str) -> str:
    """Return what the command prints."""
    out = io.StringIO()
    call_command("retention_program", *arguments, stdout=out)
    return out.getvalue()


def create(actor: Actor, world: World, slug: str, campaign: dict[str, Any]) -> None:
    """Create a campaign."""
    actor.do(
        operation("staff/campaign-create"),
        programId=world.program_id,
        input={"slug": slug, "name": slug, "campaign": campaign},
    )


def test_what_was_made_by_graphql_round_trips(world: World, tmp_path: Path, settings: Any) -> None:
    """The playbook in three languages, a coupon, a variant, a day; nothing is changed by it."""
    settings.RETENTION_PUBLIC_URL = "https://api.example.com/"
    owner = staff("manage_discounts", "manage_users")
    programs.update_program(program=world.program, changes={"questions": QUESTIONS})
    variant = factories().make_product("40.00")
    owner.do(operation("staff/recency-bands-set"), programId=world.program_id, bands={"active": 4})
    shown = owner.ask(operation("staff/campaign-templates"), program=world.program_id)
    for play in shown["retentionCampaignTemplates"]:
        if play["segment"]:
            segment = json.loads(play["segment"])
            owner.do(operation("staff/segment-create"), programId=world.program_id, input=segment)
        if play["feedback"]:
            rules = {"feedback": [json.loads(play["feedback"])]}
            update = operation("staff/program-update")
            owner.do(update, id=world.program_id, input={"rules": rules})
        create(owner, world, play["name"], json.loads(play["input"]))
    run_out = {"kind": "RUN_OUT", "variants": [gid("ProductVariant", variant)]}
    create(owner, world, "refill", {"trigger": run_out, "benefit": {"coupon": COUPON}})
    once = {"kind": "ONCE", "on": "2031-12-01"}
    create(owner, world, "once", {"trigger": once, "benefit": {"points": 5}})
    owner.do(
        operation("staff/coupon-plan-set"),
        programId=world.program_id,
        input={
            "slug": "Sorry_1",
            "trigger": "GOODWILL",
            "terms": {**COUPON["terms"], "isForShipping": True},
            "validForDays": 30,
            "perDayGroups": [{"name": "Leads", "perDay": 9}],
        },
    )
    file = tmp_path / "programs.yaml"
    run("export", str(file))
    rows = counts_of_rows()

    assert run("apply", str(file)) == 'Program "club": nothing to do.\nNothing to do.\n'

    assert counts_of_rows() == rows
    text = file.read_text()
    assert f"- {variant.sku}\n" in text
    assert "  recency_bands:\n    best: 1\n    active: 4\n" in text
    assert CampaignVersion.objects.count() == Campaign.objects.count() == 6
