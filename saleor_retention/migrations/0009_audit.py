"""The audit trail: what staff, apps and commands did. Append-only, as the ledger is."""

from __future__ import annotations

import django.db.models.deletion
from django.db import migrations, models

ACTIONS = (
    "program_create",
    "program_update",
    "program_activate",
    "program_deactivate",
    "program_retire",
    "points_grant",
    "points_take",
    "tier_override",
    "tier_override_end",
    "order_settle",
    "sale_record",
    "sale_reverse",
    "member_erase",
)
GUARD = """
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON saleor_retention_auditentry
    FOR EACH ROW EXECUTE FUNCTION saleor_retention_refuse_change();
CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON saleor_retention_auditentry
    FOR EACH STATEMENT EXECUTE FUNCTION saleor_retention_refuse_change();
"""
UNGUARD = """
DROP TRIGGER append_only_truncate ON saleor_retention_auditentry;
DROP TRIGGER append_only ON saleor_retention_auditentry;
"""


def _reference(to: str) -> models.ForeignKey:
    return models.ForeignKey(
        null=True,
        on_delete=django.db.models.deletion.PROTECT,
        related_name="+",
        to=f"saleor_retention.{to}",
    )


class Migration(migrations.Migration):
    """One table and its guard."""

    dependencies = (("saleor_retention", "0008_limits"),)
    operations = (
        migrations.CreateModel(
            name="AuditEntry",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("at", models.DateTimeField()),
                (
                    "action",
                    models.CharField(
                        choices=[(name, name.replace("_", " ").title()) for name in ACTIONS],
                        max_length=24,
                    ),
                ),
                ("actor_ref", models.CharField(blank=True, default="", max_length=64)),
                ("order_ref", models.CharField(blank=True, default="", max_length=80)),
                ("changes", models.JSONField(default=list)),
                ("account", _reference("account")),
                ("note", _reference("note")),
                ("program", _reference("program")),
            ],
        ),
        migrations.AddIndex(
            model_name="auditentry",
            index=models.Index(fields=["-at", "-id"], name="retention_audit_newest"),
        ),
        migrations.AddIndex(
            model_name="auditentry",
            index=models.Index(fields=["actor_ref", "-at"], name="retention_audit_actor"),
        ),
        migrations.AddIndex(
            model_name="auditentry",
            index=models.Index(fields=["account", "-at"], name="retention_audit_member"),
        ),
        migrations.AddIndex(
            model_name="auditentry",
            index=models.Index(fields=["program", "-at"], name="retention_audit_program"),
        ),
        migrations.AddIndex(
            model_name="auditentry",
            index=models.Index(
                condition=models.Q(("order_ref", ""), _negated=True),
                fields=["order_ref"],
                name="retention_audit_order",
            ),
        ),
        migrations.RunSQL(GUARD, UNGUARD),
    )
