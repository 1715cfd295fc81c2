"""``retention_campaign``: set campaigns up, say whom they reach, and run them by hand."""

from __future__ import annotations

import argparse
import datetime as dt
import json
from collections import Counter
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from saleor_retention import host
from saleor_retention.errors import Refusal, Refusals
from saleor_retention.models import Campaign, Dispatch, Program, SkippedSend
from saleor_retention.services.campaigning import (
    campaign_planning,
    campaign_trying,
    campaigns,
    sending,
)
from saleor_retention.services.campaigning.campaign_planning import Preview

ACTIONS = ("save", "plan", "run", "start", "pause", "end", "test", "status")


class Command(BaseCommand):
    """One action on one campaign."""

    help = (
        "save FILE makes or changes a campaign; plan says who would get it, who not and why, and "
        "changes nothing; run plans and sends what is due now; start, pause and end; test --to "
        "sends the message to one address; status counts what became of it."
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Take the action and the campaign."""
        parser.add_argument("action", choices=ACTIONS)
        parser.add_argument("--program", required=True, help="slug of the program")
        parser.add_argument("--campaign", required=True, help="slug of the campaign")
        parser.add_argument("--file", help="save: the campaign's document as JSON")
        parser.add_argument("--name", help="save: what it is called")
        parser.add_argument("--to", default="", help="test: an address")
        parser.add_argument("--language", default="", help="test: en, zh-hant or zh-hans")
        parser.add_argument(
            "--at", help="plan: as if it was this instant (ISO, UTC without offset)"
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        """Do it."""
        program = Program.objects.filter(
            slug=options["program"], current_version__isnull=False
        ).first()
        if program is None:
            raise CommandError(f'There is no program "{options["program"]}" with rules.')
        try:
            with host.current().writer():
                self._do(program, options)
        except Refusals as refusals:
            lines = [f"{each.field}: {each.message}" for each in refusals.refusals]
            raise CommandError("\n".join(lines)) from None
        except Refusal as refusal:
            raise CommandError(refusal.message) from None
        except ValueError as error:
            raise CommandError(str(error)) from None

    def _do(self, program: Program, options: dict[str, Any]) -> None:
        action, slug = options["action"], options["campaign"]
        if action == "save":
            self._save(program, slug, options)
            return
        campaign = Campaign.objects.filter(program=program, slug=slug).first()
        if campaign is None:
            raise CommandError(f'There is no campaign "{slug}" in {program.slug}.')
        if action == "plan":
            self._say(campaign_planning.preview(campaign, _instant(options["at"])))
        elif action == "run":
            self._run(campaign)
        elif action == "test":
            words = campaign_trying.send_test(
                campaign, to=options["to"], language=options["language"]
            )
            self.stdout.write(f"Sent in {words.language}: {words.subject or words.text}")
        elif action == "status":
            self._status(campaign)
        else:
            change = {
                "start": campaigns.start_campaign,
                "pause": campaigns.pause_campaign,
                "end": campaigns.end_campaign,
            }[action]
            self.stdout.write(f"{slug} is {change(campaign).state}.")

    def _save(self, program: Program, slug: str, options: dict[str, Any]) -> None:
        if not options["file"]:
            raise CommandError("--file: which document?")
        try:
            document = json.loads(Path(options["file"]).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise CommandError(f"--file: {error}") from None
        campaign = Campaign.objects.filter(program=program, slug=slug).first()
        if campaign is None:
            campaign = campaigns.create_campaign(
                program, slug=slug, name=options["name"] or slug, document=document
            )
        else:
            campaign = campaigns.update_campaign(campaign, document=document, name=options["name"])
        self.stdout.write(f"{slug} is {campaign.state}, version {campaign.current_version.number}.")

    def _say(self, preview: Preview) -> None:
        self.stdout.write(f"{preview.would} would get it, {preview.later} of them later.")
        for reason, count in sorted(preview.would_not.items()):
            self.stdout.write(f"{count} would not: {reason}")
        if preview.benefit_alone:
            self.stdout.write(f"{preview.benefit_alone} of them get the benefit all the same.")
        for number, reason in preview.sample:
            self.stdout.write(f"  {number}: {reason or 'yes'}")

    def _run(self, campaign: Campaign) -> None:
        if campaign.state != "running":
            raise CommandError(f"{campaign.slug} is {campaign.state}: start it first.")
        planned = campaign_planning.plan(campaign)
        self.stdout.write(f"{planned.planned} planned, {sum(planned.skipped.values())} left out.")
        sending.find_lost()
        looked_at = 0
        while count := sending.send_due():
            looked_at += count
            self.stdout.write(f"{looked_at} messages seen to")
        self._status(campaign)

    def _status(self, campaign: Campaign) -> None:
        rows = Dispatch.objects.filter(campaign=campaign).values_list("state", flat=True)
        for state, count in sorted(Counter(rows.iterator()).items()):
            self.stdout.write(f"{count} {state}")
        skipped = SkippedSend.objects.filter(dispatch__campaign=campaign)
        for reason, count in sorted(Counter(skipped.values_list("reason", flat=True)).items()):
            self.stdout.write(f"  {count} because of {reason}")


def _instant(text: str | None) -> dt.datetime:
    if text is None:
        return timezone.now()
    try:
        at = dt.datetime.fromisoformat(text)
    except ValueError:
        raise CommandError(f"--at: {text} is no instant, such as 2026-12-01T10:00.") from None
    return at if at.tzinfo else at.replace(tzinfo=dt.UTC)
