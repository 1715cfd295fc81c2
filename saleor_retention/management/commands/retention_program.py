"""``retention_program plan | apply | export | templates``: programs kept as a YAML file."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from saleor_retention import host
from saleor_retention.errors import Refusal, Refusals
from saleor_retention.services.membership.tiering import Move
from saleor_retention.services.setting_up import program_files, yaml_reading
from saleor_retention.services.setting_up.program_files import Planned

STDIO = "-"
NO_TIER = "no tier"


class Command(BaseCommand):
    """Show what a file would change, change it, or write the file."""

    help = "Sets up programs from a YAML file: plan shows what would change, apply does it."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Take an action and its file."""
        actions = parser.add_subparsers(dest="action", required=True)
        planning = actions.add_parser("plan", help="show what apply would change")
        applying = actions.add_parser("apply", help="make the programs what the file says")
        for action in (planning, applying):
            action.add_argument("file", help="the YAML file, - for standard input")
        exporting = actions.add_parser("export", help="write the programs as they are")
        exporting.add_argument("file", nargs="?", default=STDIO, help="- for standard output")
        actions.add_parser("templates", help="print ready offers, to be put into the file")
        exporting.add_argument(
            "--program", action="append", default=[], help="only this slug; may be repeated"
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        """Do it within what the host wants around writes."""
        with host.current().writer():
            if options["action"] == "export":
                self._export(options["file"], options["program"])
            elif options["action"] == "templates":
                self._templates()
            else:
                self._run(options["action"], options["file"])

    def _run(self, action: str, file: str) -> None:
        text = _text_of(file)
        is_plan = action == "plan"
        try:
            planned = program_files.plan(text) if is_plan else program_files.apply(text)
        except (Refusal, Refusals) as found:
            lines = [_located(file, text, refusal) for refusal in found.refusals]
            message = "\n".join([*lines, f"{len(lines)} problems; nothing was changed."])
            raise CommandError(message) from None
        for item in planned:
            for line in _report(item, is_plan=is_plan):
                self.stdout.write(line)
        if all(item.action == "nothing" for item in planned):
            self.stdout.write("Nothing to do.")

    def _export(self, file: str, slugs: list[str]) -> None:
        try:
            text = program_files.export(slugs)
        except Refusals as found:
            raise CommandError(str(found)) from None
        if file == STDIO:
            self.stdout.write(text, ending="")
            return
        Path(file).write_text(text, encoding="utf-8")
        self.stdout.write(f"Written to {file}.")

    def _templates(self) -> None:
        try:
            text = program_files.templates()
        except Refusals as found:
            raise CommandError(str(found)) from None
        self.stdout.write(text, ending="")


def _text_of(file: str) -> str:
    try:
        return sys.stdin.read() if file == STDIO else Path(file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"{file} cannot be read: {error}.") from None


def _located(file: str, text: str, refusal: Refusal) -> str:
    """Return a refusal with its place in the file, where it has one."""
    try:
        line = yaml_reading.read(text).line_of(refusal.field or "") if refusal.field else None
    except Refusals:
        line = None
    return f"{file}:{line}: {refusal.message}" if line else f"{file}: {refusal.message}"


def _report(item: Planned, *, is_plan: bool) -> list[str]:
    if item.action == "nothing":
        return [f'Program "{item.slug}": nothing to do.']
    verb = {
        ("create", True): "would be created",
        ("create", False): "is created",
        ("change", True): "would change",
        ("change", False): "is changed",
    }[item.action, is_plan]
    lines = [f'Program "{item.slug}" {verb}:', *(f"  {change}" for change in item.changes)]
    lines += [f"  warning: {warning}" for warning in item.warnings]
    return lines + [f"  {_moved(move, is_plan=is_plan)}" for move in item.moves]


def _moved(move: Move, *, is_plan: bool) -> str:
    who = "1 member" if move.members == 1 else f"{move.members} members"
    verb = "would move" if is_plan else "will move"
    some = ", ".join(move.examples)
    more = ", ..." if move.members > len(move.examples) else ""
    tiers = f"from {move.from_tier or NO_TIER} to {move.to_tier or NO_TIER}"
    return f"{who} {verb} {tiers} ({some}{more})"
