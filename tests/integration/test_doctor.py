"""System checks, the doctor and the uninstall: what they find, say and take out."""

from __future__ import annotations

import datetime as dt
import io
from typing import Any

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.utils import timezone

from saleor_retention import beat, checks
from saleor_retention.diagnosis import Finding, Level, diagnose
from saleor_retention.models import Hold, Program, ProgramVersion, SettleFailure, Watermark
from saleor_retention.selectors.programs import rules_of
from saleor_retention.services.checkout import redeeming
from saleor_retention.services.setting_up import programs
from tests.fakes import FakeHost, use
from tests.members import LADDER, RULES, books, give, make_member, make_program

pytestmark = pytest.mark.django_db

KEY = {"1": "k" * 32}


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> FakeHost:
    """A shop in memory whose fields are mounted."""
    shop = use(monkeypatch)
    monkeypatch.setattr(checks, "is_mounted", lambda: True)
    return shop


@pytest.fixture
def healthy(shop: FakeHost, settings: Any) -> FakeHost:
    """A shop with a program in which everything runs."""
    settings.RETENTION_EMAIL_HASH_KEYS = KEY
    settings.CELERY_TASK_ALWAYS_EAGER = False
    if apps.is_installed("django_celery_beat"):
        _store_entries()
    make_program()
    Watermark.objects.create(name="orders", position_at=timezone.now())
    return shop


def messages(check: Any) -> list[tuple[str, str]]:
    """Return ids and sentences of a system check."""
    return [(message.id, message.msg) for message in check()]


def found(level: Level) -> list[Finding]:
    """Return what the doctor finds of one level."""
    return [finding for finding in diagnose() if finding.level is level]


# --- system checks --------------------------------------------------------------------------------


def test_the_shop_under_test_has_no_errors() -> None:
    """The genuine host: prices pass, the plugin is listed, the fields are mounted."""
    for check in (checks.check_prices, checks.check_plugin, checks.check_schema, checks.check_beat):
        assert [message for message in check() if message.level >= 30] == []


def test_a_broken_price_path_is_an_error(shop: FakeHost) -> None:
    """With the problem, and what is off until it is resolved."""
    shop.problems = ("the function is gone.",)
    shop.warnings = ("Another source.",)
    shop.version = "9.9"

    assert messages(checks.check_prices) == [
        (
            "saleor_retention.E001",
            "Checkout prices do not pass through the plugin: the function is gone.",
        ),
        ("saleor_retention.W001", "Another source."),
        ("saleor_retention.W002", "Saleor 9.9 was not tested; 0 were."),
    ]


def test_settings_that_mean_nothing_are_errors(settings: Any) -> None:
    """Unknown names, numbers that are none, short secrets; the sentence says what is allowed."""
    settings.RETENTION_HOLD_MINUTE_MAX = 5
    settings.RETENTION_PAGE_SIZE_MAX = 0
    settings.RETENTION_SETTLE_BATCH = "many"
    settings.RETENTION_REDEMPTIONS_PER_HOUR = -1
    settings.RETENTION_MEMBER_LOOKUPS_PER_HOUR = 0  # no limit
    settings.RETENTION_EMAIL_HASH_KEYS = {"a:b": "short"}
    settings.RETENTION_CONSENT_CONFIRM_URL = "https://shop.example/yes"

    found_messages = [message for _, message in messages(checks.check_settings)]

    assert found_messages[0].startswith("RETENTION_HOLD_MINUTE_MAX is no setting")
    assert found_messages[1:] == [
        "RETENTION_PAGE_SIZE_MAX must be a whole number above zero; it is 0.",
        "RETENTION_SETTLE_BATCH must be a whole number above zero; it is 'many'.",
        "RETENTION_REDEMPTIONS_PER_HOUR must be a whole number from zero on; it is -1.",
        "RETENTION_EMAIL_HASH_KEYS: a key id must be text without a colon.",
        "RETENTION_EMAIL_HASH_KEYS: a secret must have at least 32 characters.",
        "RETENTION_CONSENT_CONFIRM_URL must have {token} where the token goes.",
    ]


def test_a_derived_hash_key_is_a_warning(settings: Any) -> None:
    """Gone once the shop has a key of its own."""
    assert [id_ for id_, _ in messages(checks.check_hash_key)] == ["saleor_retention.W003"]
    settings.RETENTION_EMAIL_HASH_KEYS = KEY
    assert messages(checks.check_hash_key) == []


def test_a_plugin_that_is_not_listed_is_an_error(settings: Any) -> None:
    """Nothing would ever call it."""
    settings.PLUGINS = []

    assert [id_ for id_, _ in messages(checks.check_plugin)] == ["saleor_retention.E003"]


def test_fields_that_are_not_mounted_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """A storefront would fail."""
    use(monkeypatch)

    assert [id_ for id_, _ in messages(checks.check_schema)] == ["saleor_retention.E004"]


def test_a_schedule_without_our_entries_is_a_warning(settings: Any) -> None:
    """The sentence names them."""
    settings.CELERY_BEAT_SCHEDULE = {}

    ((id_, message),) = messages(checks.check_beat)

    assert id_ == "saleor_retention.W004"
    assert all(name in message for name in beat.entries())


# --- the doctor -----------------------------------------------------------------------------------


def test_a_healthy_shop_has_no_problem(healthy: FakeHost) -> None:
    """Everything is looked at; the command ends well."""
    assert healthy.version == "0"
    findings = diagnose()

    assert [finding for finding in findings if finding.level is not Level.OK] == []
    assert [finding.subject for finding in findings] == [
        "Saleor",
        "prices",
        "plugin",
        "GraphQL",
        "migrations",
        "triggers",
        "PostgreSQL",
        "beat",
        "hash key",
        'program "club"',
        "mail",
        "periodic work",
    ]
    out = io.StringIO()
    call_command("retention_doctor", stdout=out)
    assert out.getvalue().endswith("No problems.\n")
    assert 'ok       program "club": Active in main; its rules are sound.' in out.getvalue()


def test_problems_end_with_a_failure_and_advice(healthy: FakeHost) -> None:
    """Exit code 1, and below each problem what to do."""
    healthy.problems = ("The seam is gone.",)
    out = io.StringIO()

    with pytest.raises(CommandError, match=r"^1 problems\.$"):
        call_command("retention_doctor", stdout=out)

    assert "problem  prices: The seam is gone.\n" in out.getvalue()
    assert "-> Member prices and redemption are off until this is resolved" in out.getvalue()


def test_a_missing_trigger_is_found(healthy: FakeHost) -> None:
    """Somebody disabled the guard of the ledger."""
    assert healthy.version == "0"
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE saleor_retention_entry DISABLE TRIGGER append_only")
        cursor.execute("ALTER TABLE saleor_retention_entry DISABLE TRIGGER balanced")

    (finding,) = found(Level.PROBLEM)

    assert finding.subject == "triggers"
    assert finding.message == (
        "Missing or disabled: append_only on saleor_retention_entry, balanced on "
        "saleor_retention_entry; the ledger could be changed."
    )


def test_a_trigger_that_does_not_fire_any_more_is_found(healthy: FakeHost) -> None:
    """Not disabled, and yet of no use: it was told to fire for replicated changes only."""
    assert healthy.version == "0"
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE saleor_retention_entry ENABLE REPLICA TRIGGER append_only")
        cursor.execute("DROP TRIGGER append_only_truncate ON saleor_retention_transaction")

    (finding,) = found(Level.PROBLEM)

    assert finding.message.startswith(
        "Missing or disabled: append_only on saleor_retention_entry, append_only_truncate on "
        "saleor_retention_transaction;"
    )


def test_unapplied_migrations_are_found(healthy: FakeHost) -> None:
    """Nothing else of the database is looked at then."""
    assert healthy.version == "0"
    ((_, newest),) = MigrationLoader(connection).graph.leaf_nodes("saleor_retention")
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM django_migrations WHERE app = 'saleor_retention' AND name = %s", [newest]
        )

    (finding,) = [item for item in found(Level.PROBLEM) if item.subject == "migrations"]

    assert newest in finding.message
    assert finding.advice == "Run: manage.py migrate saleor_retention"


def test_work_that_is_not_done_is_found(healthy: FakeHost) -> None:
    """Reconcile, sweeps and lapses late, orders that cannot be settled."""
    account = make_member(healthy, Program.objects.get())
    now = timezone.now()
    give(account, 100, expires_at=now - dt.timedelta(hours=4))
    give(account, 100)
    healthy.put_checkout("cart-1", 5000, user_ref=str(account.user_id))
    redeeming.set_redemption(
        checkout_ref="cart-1",
        user_ref=str(account.user_id),
        points=50,
        now=now - dt.timedelta(hours=5),
    )
    Watermark.objects.update(position_at=now - dt.timedelta(hours=4))
    SettleFailure.objects.create(order_ref="7", reason="KeyError", failed_at=now)

    problems = {finding.subject: finding.message for finding in found(Level.PROBLEM)}

    assert set(problems) == {"reconcile", "mature, expire", "lapse_holds", "settling"}
    assert problems["reconcile"].startswith("It has not run since ")
    assert problems["mature, expire"] == "1 lots are due for over 3:00:00 and not posted."
    assert problems["lapse_holds"] == "1 holds should have lapsed over 3:00:00 ago."
    assert problems["settling"] == "1 orders cannot be settled: 7 (KeyError)."


def test_orders_that_reconcile_noted_and_nobody_settles_are_found(healthy: FakeHost) -> None:
    """Beat runs and no worker does; what was noted just now is in order."""
    assert healthy.version == "0"
    now = timezone.now()
    SettleFailure.objects.create(order_ref="7", attempts=0, failed_at=now - dt.timedelta(hours=4))
    SettleFailure.objects.create(order_ref="8", attempts=0, failed_at=now)

    (problem,) = found(Level.PROBLEM)

    assert problem.subject == "reconcile"
    assert problem.message == "1 orders that it found over 3:00:00 ago are not settled."


def test_reconcile_that_never_ran_is_found_after_some_hours(healthy: FakeHost) -> None:
    """A program that was just created is given time."""
    assert healthy.version == "0"
    Watermark.objects.all().delete()

    assert [finding.message for finding in found(Level.PROBLEM)] == ["It has never run."]
    Program.objects.update(created_at=timezone.now())
    assert found(Level.PROBLEM) == []


def test_programs_are_looked_at(healthy: FakeHost) -> None:
    """A benefit that the host lost, rules that cannot be read, a channel that is gone."""
    tiers = {"ladder": [{"slug": "vip", "name": "V", "threshold": "1", "prices": [{"percent": 5}]}]}
    program = Program.objects.get()
    programs.update_program(
        program=program, changes={"tiers": tiers, "reference": {"currency": "USD"}}
    )
    healthy.refusals["line_discounts"] = "The seam is gone."

    subjects = [finding.subject for finding in found(Level.PROBLEM)]
    assert subjects == ["prices", 'program "club"']

    healthy.refusals.clear()
    healthy.shop_channels.clear()
    (warning,) = found(Level.WARNING)
    assert warning.message == "The shop has no channel 1 any more."

    broken = ProgramVersion.objects.create(program=program, number=9, document={"earn": "nothing"})
    Program.objects.update(current_version=broken)
    rules_of.cache_clear()
    healthy.is_heard = False
    (problem,) = found(Level.PROBLEM)
    assert problem.message.startswith("Its rules cannot be read: ")


def test_a_shop_at_its_beginning_is_warned_only(shop: FakeHost, settings: Any) -> None:
    """No program, no broker, no key, beat not started: it says what to do and does not fail."""
    assert shop.version == "0"
    settings.CELERY_TASK_ALWAYS_EAGER = True

    assert found(Level.PROBLEM) == []
    subjects = [finding.subject for finding in found(Level.WARNING)]
    stored = ["beat"] if apps.is_installed("django_celery_beat") else []
    assert subjects == [*stored, "worker", "hash key", "programs"]


def test_points_worth_more_elsewhere_are_a_warning(healthy: FakeHost) -> None:
    """A euro is 1.10 dollars, a point buys a cent of either: 10 % are within the tolerance."""
    program = Program.objects.get()
    document = {
        "earn": {"rates": {**RULES["earn"]["rates"], "EUR": {"points": 1, "per": "1.00"}}},
        "point_value": {"USD": "0.01", "EUR": "0.01"},
        "reference": {"currency": "USD", "rates": {"EUR": "1.10"}},
    }
    _sell_in_euro(healthy)
    programs.update_program(program=program, changes=document)
    assert found(Level.WARNING) == []

    programs.update_program(program=program, changes={"reference": {"rates": {"EUR": "1.20"}}})

    (warning,) = found(Level.WARNING)
    assert "20 % more" in warning.message


# --- uninstalling ---------------------------------------------------------------------------------


def test_uninstalling_takes_everything_out_and_keeps_the_ledger(
    shop: FakeHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Programs off, points back, rows and beat entries gone; twice is as once."""
    account = make_member(shop, make_program(tiers=LADDER, reference={"currency": "USD"}))
    give(account, 100)
    shop.put_checkout("cart-1", 5000, user_ref=str(account.user_id))
    redeeming.set_redemption(checkout_ref="cart-1", user_ref=str(account.user_id), points=50)
    stripped: list[Any] = []
    monkeypatch.setattr(shop, "strip_own_rows", lambda refs=None: stripped.append(refs) or 3)
    shop.orders_kept_on = 2
    entries = 0
    if apps.is_installed("django_celery_beat"):
        entries = _store_entries()

    out = io.StringIO()
    call_command("retention_uninstall", "--no-input", stdout=out)

    rest = "0 personal coupons.\n"
    done = f"1 holds, 3 discount rows, 2 orders' metadata, {entries} beat entries, {rest}"
    assert done in out.getvalue()
    assert stripped == [None]
    assert books(account) == (100, 0, 0, 0)
    assert Hold.objects.get().state == "released"
    assert not Program.objects.get().is_active
    call_command("retention_uninstall", "--no-input", stdout=out)
    again = f"0 holds, 3 discount rows, 0 orders' metadata, 0 beat entries, {rest}"
    assert again in out.getvalue()


def test_uninstalling_asks_first(shop: FakeHost, monkeypatch: pytest.MonkeyPatch) -> None:
    """Anything but yes changes nothing."""
    make_program()
    assert shop.version == "0"
    monkeypatch.setattr("builtins.input", lambda _: "no")

    with pytest.raises(CommandError, match="Nothing was changed"):
        call_command("retention_uninstall", stdout=io.StringIO())

    assert Program.objects.get().is_active


def _store_entries() -> int:
    """Do what a database scheduler does as it starts."""
    schedules = apps.get_model("django_celery_beat", "IntervalSchedule")
    tasks = apps.get_model("django_celery_beat", "PeriodicTask")
    hourly = schedules.objects.create(every=1, period="hours")
    for name, entry in beat.entries().items():
        tasks.objects.create(name=name, task=entry["task"], interval=hourly)
    tasks.objects.create(name="someone-elses", task="other", interval=hourly)
    return len(beat.entries())


def _sell_in_euro(shop: FakeHost) -> None:
    from saleor_retention.host.contract import ChannelFacts

    shop.shop_channels.append(ChannelFacts("2", "europe", "Europe", "EUR"))
