"""What several commands are given: a program, a channel, a day, a file to write."""

from __future__ import annotations

import argparse
import datetime as dt
from pathlib import Path

from django.core.management.base import CommandError

from saleor_retention import host
from saleor_retention.models import Program


def program_named(slug: str) -> Program:
    """Return the program of that slug, with rules or without."""
    program = Program.objects.select_related("current_version").filter(slug=slug).first()
    if program is None:
        raise CommandError(f'There is no program "{slug}".')
    return program


def program_with_rules(slug: str) -> Program:
    """Return the program of that slug, which has to have rules."""
    found = Program.objects.filter(slug=slug, current_version__isnull=False)
    program = found.select_related("current_version").first()
    if program is None:
        raise CommandError(f'There is no program "{slug}" with rules.')
    return program


def channel_ref(slug: str) -> str:
    """Return the reference of the channel of that slug."""
    for place in host.current().channels():
        if place.slug == slug:
            return place.ref
    raise CommandError(f'There is no channel "{slug}".')


def day(text: str) -> dt.date:
    """Return the day that an argument names."""
    try:
        return dt.datetime.strptime(text, "%Y-%m-%d").date()  # noqa: DTZ007 - a day has no zone
    except ValueError:
        message = f"{text} is no day of the form YYYY-MM-DD"
        raise argparse.ArgumentTypeError(message) from None


def write(path: str | Path, text: str) -> None:
    """Write a file as UTF-8, its line ends as they are."""
    try:
        Path(path).write_bytes(text.encode())
    except OSError as error:
        raise CommandError(f"{path}: {error.strerror}.") from None
