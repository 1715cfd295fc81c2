"""``retention_doctor``: what is right and wrong with this installation, and what to do."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from saleor_retention import host
from saleor_retention.diagnosis import Level, diagnose


class Command(BaseCommand):
    """Print a line for everything looked at and end with 1 where there is a problem."""

    help = "Looks at the installation of saleor_retention and says what to do about problems."
    requires_system_checks: list[str] = []

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Look and print."""
        with host.current().writer():
            findings = diagnose()
        styles = {
            Level.OK: self.style.SUCCESS,
            Level.WARNING: self.style.WARNING,
            Level.PROBLEM: self.style.ERROR,
        }
        for finding in findings:
            label = styles[finding.level](f"{finding.level.value:8}")
            self.stdout.write(f"{label} {finding.subject}: {finding.message}")
            if finding.advice:
                self.stdout.write(f"{'':8} -> {finding.advice}")
        problems = sum(finding.level is Level.PROBLEM for finding in findings)
        if problems:
            raise CommandError(f"{problems} problems.")
        self.stdout.write("No problems.")
