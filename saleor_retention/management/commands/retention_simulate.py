"""``retention_simulate``: what a program would make of the shop's past orders, without writing."""

from __future__ import annotations

import argparse
import csv
import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from saleor_retention import host
from saleor_retention.engine.periods import end_of_local_day, start_of_local_day
from saleor_retention.errors import Refusal, Refusals
from saleor_retention.management import past_reports
from saleor_retention.management.progress import Progress
from saleor_retention.selectors import past
from saleor_retention.selectors.past import Scope
from saleor_retention.selectors.programs import active_program
from saleor_retention.services.setting_up import simulating
from saleor_retention.services.setting_up.simulating import Result, Simulation, Trial


class Command(BaseCommand):
    """Run one program over past orders, beside another one."""

    help = "Runs a program over the shop's past orders and says what it would cost and who gains."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Take a program, a time, channels, and what to compare with."""
        parser.add_argument("--program-file", help="a YAML file as retention_program takes")
        parser.add_argument("--program", help="slug of the program, of the file or of the shop")
        parser.add_argument(
            "--compare-program",
            help="slug of a program of the shop; the active one unless said, for a file",
        )
        parser.add_argument(
            "--from", dest="start", type=date.fromisoformat, help="first day of orders"
        )
        parser.add_argument("--to", type=date.fromisoformat, help="last day of orders")
        parser.add_argument(
            "--channel", action="append", default=[], help="only this slug; may be repeated"
        )
        parser.add_argument(
            "--as-backfill",
            action="store_true",
            help="only orders from before the program, as a backfill would book them now",
        )
        parser.add_argument("--format", choices=("text", "json", "csv"), default="text")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Read what is asked, go through the orders, say what came of it."""
        with host.current().writer():
            try:
                simulation = _simulation(options)
            except (Refusal, Refusals) as found:
                raise CommandError("\n".join(item.message for item in found.refusals)) from None
            as_csv = options["format"] == "csv"
            self._run(simulation, self._row_writer(simulation) if as_csv else None)
        if as_csv:
            return
        if options["format"] == "json":
            self.stdout.write(json.dumps(past_reports.data(simulation), indent=2))
            return
        for line in past_reports.simulation_lines(simulation):
            self.stdout.write(line)

    def _run(self, simulation: Simulation, write: Callable[[Result], None] | None) -> None:
        with Progress(self.stderr, past.count(simulation.scope)[0], "orders") as progress:
            for results in simulation.run():
                if write is not None:
                    for result in results:
                        write(result)
                progress.add(sum(len(result.share.outcomes) for result in results))

    def _row_writer(self, simulation: Simulation) -> Callable[[Result], None]:
        rules = simulation.trial.rules
        names = past_reports.columns(rules, has_rival=simulation.rival is not None)
        writer = csv.DictWriter(self.stdout, names, lineterminator="\n")
        writer.writeheader()
        return lambda result: writer.writerow(past_reports.row_of_result(result, rules))


def _simulation(options: dict[str, Any]) -> Simulation:
    trial = _trial(options["program_file"], options["program"])
    time_zone, now = trial.rules.time_zone, timezone.now()
    end_at = now
    if options["to"] is not None:
        end_at = min(now, end_of_local_day(options["to"], time_zone))
    at = end_at
    if options["as_backfill"]:
        if trial.program is None:
            raise CommandError("--as-backfill is for a program that the shop has.")
        end_at, at = min(end_at, trial.program.created_at), now
    start_at = None
    if options["start"] is not None:
        start_at = start_of_local_day(options["start"], time_zone)
        if start_at >= end_at:
            raise CommandError("The time is empty: --from is not before the end.")
    refs = _channels(options["channel"]) or trial.channel_refs
    rival = _rival(options["compare_program"], refs, is_file=bool(options["program_file"]))
    return Simulation(trial, Scope(refs, start_at, end_at), at, rival)


def _trial(file: str | None, slug: str | None) -> Trial:
    if file is None:
        if slug is None:
            raise CommandError("Name a program (--program) or a file (--program-file).")
        return simulating.trial_of_program(slug)
    try:
        text = Path(file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"{file} cannot be read: {error}.") from None
    return simulating.trial_of_file(text, slug)


def _rival(slug: str | None, refs: tuple[str, ...], *, is_file: bool) -> Trial | None:
    """Return what to compare with: the named program, or for a file the one that runs now."""
    if slug is not None:
        return simulating.trial_of_program(slug)
    if not is_file:
        return None
    for ref in refs:
        program = active_program(ref)
        if program is not None:
            return simulating.trial_of_program(program.slug)
    return None


def _channels(slugs: list[str]) -> tuple[str, ...]:
    there = {channel.slug: channel.ref for channel in host.current().channels()}
    unknown = [slug for slug in slugs if slug not in there]
    if unknown:
        raise CommandError(f'There is no channel "{unknown[0]}".')
    return tuple(there[slug] for slug in slugs)
