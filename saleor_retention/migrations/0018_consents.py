"""What customers told of themselves, what they agreed to, and addresses that nothing is sent to."""

from __future__ import annotations

import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models

from saleor_retention.models.constraints import check

GUARD = """
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON saleor_retention_consententry
    FOR EACH ROW EXECUTE FUNCTION saleor_retention_refuse_change();
CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON saleor_retention_consententry
    FOR EACH STATEMENT EXECUTE FUNCTION saleor_retention_refuse_change();
CREATE TRIGGER never_changed BEFORE UPDATE ON saleor_retention_profileentry
    FOR EACH ROW EXECUTE FUNCTION saleor_retention_refuse_change();
"""
UNGUARD = """
DROP TRIGGER never_changed ON saleor_retention_profileentry;
DROP TRIGGER append_only_truncate ON saleor_retention_consententry;
DROP TRIGGER append_only ON saleor_retention_consententry;
"""


class Migration(migrations.Migration):
    """Four tables and their guards: a profile's log is deleted with its customer, never changed."""

    dependencies = [
        ("saleor_retention", "0017_due_lots"),
    ]

    operations = [
        migrations.CreateModel(
            name="ConsentEntry",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("channel", models.CharField(max_length=16)),
                ("purpose", models.CharField(max_length=48)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("requested", "Requested"),
                            ("given", "Given"),
                            ("withdrawn", "Withdrawn"),
                        ],
                        max_length=16,
                    ),
                ),
                (
                    "source",
                    models.CharField(
                        choices=[
                            ("storefront", "Storefront"),
                            ("registration", "Registration"),
                            ("order", "Order"),
                            ("confirmation", "Confirmation"),
                            ("unsubscribe", "Unsubscribe"),
                            ("staff", "Staff"),
                        ],
                        max_length=16,
                    ),
                ),
                ("at", models.DateTimeField()),
                ("text_version", models.CharField(blank=True, default="", max_length=64)),
                ("order_ref", models.CharField(blank=True, default="", max_length=80)),
                ("actor_ref", models.CharField(blank=True, default="", max_length=64)),
                (
                    "account",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="consents",
                        to="saleor_retention.account",
                    ),
                ),
                (
                    "request",
                    models.OneToOneField(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="confirmation",
                        to="saleor_retention.consententry",
                    ),
                ),
                (
                    "version",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="saleor_retention.programversion",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Profile",
            fields=[
                (
                    "account",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="profile",
                        serialize=False,
                        to="saleor_retention.account",
                    ),
                ),
                ("birth_month", models.PositiveSmallIntegerField(null=True)),
                ("birth_day", models.PositiveSmallIntegerField(null=True)),
                ("birth_year", models.PositiveSmallIntegerField(null=True)),
                ("birthday_since", models.DateField(null=True)),
                ("gender", models.CharField(blank=True, default="", max_length=16)),
                ("interests", models.JSONField(default=list)),
                ("custom", models.JSONField(default=dict)),
                ("time_zone", models.CharField(blank=True, default="", max_length=64)),
                ("language", models.CharField(blank=True, default="", max_length=64)),
                ("updated_at", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name="ProfileEntry",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("fact", models.CharField(max_length=64)),
                ("value", models.JSONField(null=True)),
                (
                    "source",
                    models.CharField(
                        choices=[
                            ("storefront", "Storefront"),
                            ("registration", "Registration"),
                            ("order", "Order"),
                            ("staff", "Staff"),
                        ],
                        max_length=16,
                    ),
                ),
                ("actor_ref", models.CharField(blank=True, default="", max_length=64)),
                ("at", models.DateTimeField()),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="profile_entries",
                        to="saleor_retention.account",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Suppression",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("address_hash", models.CharField(max_length=80)),
                ("channel", models.CharField(max_length=16)),
                ("purpose", models.CharField(blank=True, default="", max_length=48)),
                (
                    "reason",
                    models.CharField(
                        choices=[
                            ("unsubscribed", "Unsubscribed"),
                            ("complaint", "Complaint"),
                            ("bounced", "Bounced"),
                            ("staff", "Staff"),
                        ],
                        max_length=16,
                    ),
                ),
                ("at", models.DateTimeField(default=django.utils.timezone.now)),
            ],
        ),
        migrations.AddConstraint(
            model_name="suppression",
            constraint=models.UniqueConstraint(
                fields=("address_hash", "channel", "purpose"), name="retention_suppression"
            ),
        ),
        migrations.AddIndex(
            model_name="profile",
            index=models.Index(
                condition=models.Q(("birth_month__isnull", False)),
                fields=["birth_month", "birth_day"],
                name="retention_profile_birthdays",
            ),
        ),
        migrations.AddConstraint(
            model_name="profile",
            constraint=check(
                "retention_profile_birthday",
                models.Q(
                    models.Q(
                        ("birth_day", None),
                        ("birth_month", None),
                        ("birth_year", None),
                        ("birthday_since", None),
                    ),
                    models.Q(
                        ("birth_day__range", (1, 31)),
                        ("birth_month__range", (1, 12)),
                        ("birthday_since__isnull", False),
                    ),
                    _connector="OR",
                ),
            ),
        ),
        migrations.AddIndex(
            model_name="consententry",
            index=models.Index(
                fields=["account", "channel", "purpose", "-id"], name="retention_consent_latest"
            ),
        ),
        migrations.RunSQL(GUARD, UNGUARD),
    ]
