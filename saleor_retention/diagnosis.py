"""Looks at an installation from all sides and says what to do: what ``retention_doctor`` prints."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from django.apps import apps
from django.conf import settings
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from saleor_retention import beat, checks, conf, host
from saleor_retention.diagnosis_mail import mail_of_programs, opt_ins_nobody_mails
from saleor_retention.errors import Refusals
from saleor_retention.models import Hold, HoldState, Lot, Program, SettleFailure, Watermark
from saleor_retention.selectors.due import is_due, orders_noted
from saleor_retention.selectors.programs import is_switched_on, rules_of
from saleor_retention.services.setting_up import validating

POSTGRES_MIN = 12
PATIENCE = dt.timedelta(hours=3)
"""How late a task may be before it is said not to run; the slowest runs every hour."""

SHOWN_MAX = 5
TRIGGERS = frozenset(
    {
        ("saleor_retention_transaction", "append_only"),
        ("saleor_retention_entry", "append_only"),
        ("saleor_retention_entry", "balanced"),
        ("saleor_retention_transaction", "placed"),
        ("saleor_retention_account", "kept"),
        ("saleor_retention_account", "kept_owner"),
        ("saleor_retention_account", "kept_truncate"),
        ("saleor_retention_lot", "kept"),
        ("saleor_retention_lot", "kept_owner"),
        ("saleor_retention_lot", "kept_truncate"),
        ("saleor_retention_programversion", "append_only"),
        ("saleor_retention_offerversion", "append_only"),
        ("saleor_retention_lotextension", "append_only"),
        ("saleor_retention_ledgerdigest", "append_only"),
        ("saleor_retention_erasure", "append_only"),
        ("saleor_retention_auditentry", "append_only"),
        ("saleor_retention_consententry", "append_only"),
        ("saleor_retention_profileentry", "never_changed"),
        ("saleor_retention_transaction", "append_only_truncate"),
        ("saleor_retention_entry", "append_only_truncate"),
        ("saleor_retention_programversion", "append_only_truncate"),
        ("saleor_retention_offerversion", "append_only_truncate"),
        ("saleor_retention_lotextension", "append_only_truncate"),
        ("saleor_retention_ledgerdigest", "append_only_truncate"),
        ("saleor_retention_erasure", "append_only_truncate"),
        ("saleor_retention_auditentry", "append_only_truncate"),
        ("saleor_retention_consententry", "append_only_truncate"),
    }
)


class Level(StrEnum):
    """How bad it is."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at, and what to do about it."""

    level: Level
    subject: str
    message: str
    advice: str = ""


def diagnose(now: dt.datetime | None = None) -> list[Finding]:
    """Return everything that was looked at, good and bad, in a fixed order."""
    at = now or timezone.now()
    return [
        *_host(),
        *_prices(),
        *_plugin(),
        *_schema(),
        *_database(),
        *_beat(),
        *_hash_key(),
        *_programs(),
        *_mail(),
        *_work(at),
    ]


def _host() -> Iterator[Finding]:
    shop = host.current()
    if shop.version in shop.tested_versions:
        yield Finding(Level.OK, "Saleor", f"{shop.version}, which was tested.")
        return
    message = f"{shop.version} was not tested; {', '.join(shop.tested_versions)} were."
    advice = "Look for a newer release of saleor-retention; try a checkout with a member price."
    yield Finding(Level.WARNING, "Saleor", message, advice)


def _prices() -> Iterator[Finding]:
    shop = host.current()
    status = shop.seam_status()
    reasons = dict.fromkeys(
        reason
        for capability in ("line_discounts", "free_shipping")
        if (reason := shop.refusal_of(capability)) is not None
    )
    for reason in reasons or dict.fromkeys(status.problems):
        advice = "Member prices and redemption are off until this is resolved; earning goes on."
        yield Finding(Level.PROBLEM, "prices", reason, advice)
    for warning in status.warnings:
        yield Finding(Level.WARNING, "prices", warning, "Try a checkout with a member price.")
    if not reasons and not status.problems:
        yield Finding(Level.OK, "prices", "Checkout prices pass through the plugin.")


def _plugin() -> Iterator[Finding]:
    if checks.PLUGIN not in settings.PLUGINS:
        advice = "Add it; Saleor 3.x finds an installed package by itself."
        yield Finding(Level.PROBLEM, "plugin", f"{checks.PLUGIN} is not in PLUGINS.", advice)
    elif is_switched_on():
        yield Finding(Level.OK, "plugin", "Active.")
    else:
        message = "Inactive: no member prices, no redemption, orders wait to be settled."
        yield Finding(Level.WARNING, "plugin", message, "Switch it on in the plugin's settings.")


def _schema() -> Iterator[Finding]:
    if checks.is_mounted():
        yield Finding(Level.OK, "GraphQL", "The fields are mounted.")
    else:
        advice = "Put saleor_retention last in INSTALLED_APPS."
        yield Finding(Level.PROBLEM, "GraphQL", "The fields are not mounted.", advice)


def _database() -> Iterator[Finding]:
    executor = MigrationExecutor(connection)
    nodes = [node for node in executor.loader.graph.leaf_nodes() if node[0] == checks.APP]
    missing = [str(migration) for migration, _ in executor.migration_plan(nodes)]
    if missing:
        advice = "Run: manage.py migrate saleor_retention"
        yield Finding(Level.PROBLEM, "migrations", f"Not applied: {', '.join(missing)}.", advice)
        return
    yield Finding(Level.OK, "migrations", "All applied.")
    gone = sorted(f"{name} on {table}" for table, name in TRIGGERS - _enabled_triggers())
    if gone:
        advice = "Restore the trigger from the migrations, then run retention_verify."
        message = f"Missing or disabled: {', '.join(gone)}; the ledger could be changed."
        yield Finding(Level.PROBLEM, "triggers", message, advice)
    else:
        yield Finding(Level.OK, "triggers", "The ledger is append-only in the database.")
    major = connection.pg_version // 10_000
    if major < POSTGRES_MIN:
        message = f"PostgreSQL {major} is older than {POSTGRES_MIN}."
        yield Finding(Level.PROBLEM, "PostgreSQL", message, "Upgrade the server.")
    else:
        message = f"Version {major}; no extensions are needed beyond Saleor's own."
        yield Finding(Level.OK, "PostgreSQL", message)


def _beat() -> Iterator[Finding]:
    missing = checks.missing_entries()
    if missing:
        advice = "Add saleor_retention.beat.entries() to CELERY_BEAT_SCHEDULE."
        message = f"The schedule lacks {', '.join(missing)}."
        yield Finding(Level.PROBLEM, "beat", message, advice)
    elif (stored := _stored_entries()) is not None and stored < len(beat.entries()):
        message = f"Beat has stored {stored} of {len(beat.entries())} entries."
        yield Finding(Level.WARNING, "beat", message, "Start celery beat; it stores them itself.")
    else:
        yield Finding(Level.OK, "beat", f"{len(beat.entries())} entries are scheduled.")
    if getattr(settings, "CELERY_TASK_ALWAYS_EAGER", False):
        message = "There is no broker: tasks run within requests, and no schedule runs."
        advice = "Set CELERY_BROKER_URL and start a worker and beat in production."
        yield Finding(Level.WARNING, "worker", message, advice)


def _hash_key() -> Iterator[Finding]:
    if conf.get("EMAIL_HASH_KEYS"):
        yield Finding(Level.OK, "hash key", "Guests' addresses have a key of their own.")
        return
    message = "The key of guests' addresses is derived from SECRET_KEY."
    advice = "Set RETENTION_EMAIL_HASH_KEYS before SECRET_KEY ever changes."
    yield Finding(Level.WARNING, "hash key", message, advice)


def _programs() -> Iterator[Finding]:
    programs = list(Program.objects.filter(retired_at=None))
    if not programs:
        advice = "Create one: retention_program apply FILE, or retentionProgramCreate."
        yield Finding(Level.WARNING, "programs", "There is none.", advice)
    for program in programs:
        yield from _program(program)


def _program(program: Program) -> Iterator[Finding]:
    subject = f'program "{program.slug}"'
    try:
        rules_of(program.current_version_id)
    except Exception as error:  # noqa: BLE001 - whatever is wrong with it is the finding
        advice = "Its prices and earning are stopped; update it with valid rules."
        yield Finding(Level.PROBLEM, subject, f"Its rules cannot be read: {error}", advice)
        return
    there = {channel.ref: channel for channel in host.current().channels()}
    refs = list(program.channels.values_list("channel_ref", flat=True))
    gone = sorted(ref for ref in refs if ref not in there)
    if gone:
        message = f"The shop has no channel {', '.join(gone)} any more."
        yield Finding(Level.WARNING, subject, message, "Update the program's channels.")
    places = [there[ref] for ref in refs if ref in there]
    try:
        document = program.current_version.document
        warnings = validating.validate(document, places).warnings
    except Refusals as found:
        for refusal in found.refusals:
            yield Finding(Level.PROBLEM, subject, refusal.message, "Update the program's rules.")
        return
    for warning in warnings:
        yield Finding(Level.WARNING, subject, warning.message, "Update the rules if that is wrong.")
    state = "Active" if program.is_active else "Not active"
    slugs = ", ".join(sorted(place.slug for place in places)) or "no channel"
    yield Finding(Level.OK, subject, f"{state} in {slugs}; its rules are sound.")


def _mail() -> Iterator[Finding]:
    for message, advice in mail_of_programs():
        yield Finding(Level.WARNING if advice else Level.OK, "mail", message, advice)
    for message, advice in opt_ins_nobody_mails():
        yield Finding(Level.WARNING, "opt-in", message, advice)


def _work(at: dt.datetime) -> Iterator[Finding]:
    """Tell whether the periodic work is done."""
    late = at - PATIENCE
    found = False
    for subject, message in (
        ("reconcile", _reconcile_is_late(late)),
        ("mature, expire", _postings_are_late(late)),
        ("lapse_holds", _holds_are_late(late)),
    ):
        if message:
            found = True
            advice = "Start a worker and beat; what is true by time is shown right meanwhile."
            yield Finding(Level.PROBLEM, subject, message, advice)
    failures = SettleFailure.objects.filter(attempts__gt=0).order_by("-attempts")
    refs = [f"{item.pk} ({item.reason})" for item in failures[:SHOWN_MAX]]
    if refs:
        found = True
        message = f"{failures.count()} orders cannot be settled: {', '.join(refs)}."
        yield Finding(Level.PROBLEM, "settling", message, "Look for them in the worker's log.")
    if not found:
        yield Finding(Level.OK, "periodic work", "Nothing is overdue.")


def _reconcile_is_late(late: dt.datetime) -> str:
    began = Program.objects.filter(is_active=True).order_by("created_at").first()
    if began is None or began.created_at > late:
        return ""
    mark = Watermark.objects.filter(pk="orders").first()
    if mark is None:
        return "It has never run."
    if mark.position_at <= late:
        return f"It has not run since {mark.position_at:%Y-%m-%d %H:%M}."
    count = orders_noted().filter(failed_at__lte=late).count()
    return f"{count} orders that it found over {PATIENCE} ago are not settled." if count else ""


def _postings_are_late(late: dt.datetime) -> str:
    count = Lot.objects.filter(is_due(late)).count()
    return f"{count} lots are due for over {PATIENCE} and not posted." if count else ""


def _holds_are_late(late: dt.datetime) -> str:
    count = Hold.objects.filter(state=HoldState.PLACED, lapses_at__lte=late).count()
    return f"{count} holds should have lapsed over {PATIENCE} ago." if count else ""


def _enabled_triggers() -> set[tuple[str, str]]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tgrelid::regclass::text, tgname FROM pg_trigger "
            "WHERE NOT tgisinternal AND tgenabled IN ('O', 'A') "
            "AND tgrelid::regclass::text LIKE 'saleor_retention_%%'"
        )
        return set(cursor.fetchall())


def _stored_entries() -> int | None:
    """Return how many of our entries a database scheduler holds; None where there is none."""
    if not apps.is_installed("django_celery_beat"):
        return None
    tasks = apps.get_model("django_celery_beat", "PeriodicTask")
    return int(tasks.objects.filter(name__startswith=conf.BEAT_PREFIX).count())
