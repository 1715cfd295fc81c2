"""Every table of the plugin; constraints through the helper that both Django versions take."""

import uuid

import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.expressions
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

from saleor_retention.models.constraints import check


class Migration(migrations.Migration):
    initial = True

    dependencies = [migrations.swappable_dependency(settings.AUTH_USER_MODEL)]

    operations = [
        migrations.CreateModel(
            name="Note",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("text", models.TextField()),
                ("redacted_at", models.DateTimeField(blank=True, null=True)),
            ],
        ),
        migrations.CreateModel(
            name="Program",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("slug", models.SlugField(max_length=64, unique=True)),
                ("name", models.CharField(max_length=128)),
                ("is_active", models.BooleanField(default=True)),
                ("retired_at", models.DateTimeField(blank=True, null=True)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
            ],
            options={
                "ordering": ("slug",),
            },
        ),
        migrations.CreateModel(
            name="SettleFailure",
            fields=[
                ("order_ref", models.CharField(max_length=80, primary_key=True, serialize=False)),
                ("attempts", models.PositiveIntegerField(default=1)),
                ("reason", models.CharField(max_length=200)),
                ("failed_at", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name="Watermark",
            fields=[
                ("name", models.CharField(max_length=32, primary_key=True, serialize=False)),
                ("position_at", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name="Account",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("member", "Member"),
                            ("shadow", "Shadow"),
                            ("left", "Left"),
                            ("erased", "Erased"),
                            ("merged", "Merged"),
                        ],
                        default="member",
                        max_length=8,
                    ),
                ),
                ("pseudonym", models.UUIDField(default=uuid.uuid4, unique=True)),
                ("member_number", models.CharField(max_length=32, unique=True)),
                ("email_hash", models.CharField(blank=True, default="", max_length=80)),
                ("joined_at", models.DateTimeField()),
                ("left_at", models.DateTimeField(blank=True, null=True)),
                ("last_activity_at", models.DateTimeField()),
                ("available", models.BigIntegerField(default=0)),
                ("pending", models.BigIntegerField(default=0)),
                ("held", models.BigIntegerField(default=0)),
                ("deficit", models.BigIntegerField(default=0)),
                ("tier", models.CharField(blank=True, default="", max_length=64)),
                ("tier_since", models.DateTimeField(blank=True, null=True)),
                ("tier_valid_until", models.DateTimeField(blank=True, null=True)),
                ("is_tier_manual", models.BooleanField(default=False)),
                ("tier_warned_at", models.DateTimeField(blank=True, null=True)),
                (
                    "user",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="account.user",
                    ),
                ),
                (
                    "program",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="accounts",
                        to="saleor_retention.program",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Hold",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("checkout_ref", models.CharField(max_length=64)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("placed", "Placed"),
                            ("captured", "Captured"),
                            ("released", "Released"),
                            ("lapsed", "Lapsed"),
                        ],
                        default="placed",
                        max_length=8,
                    ),
                ),
                ("requested", models.BigIntegerField()),
                ("points", models.BigIntegerField()),
                ("currency", models.CharField(max_length=3)),
                ("value_minor", models.BigIntegerField()),
                ("captured", models.BigIntegerField(default=0)),
                ("restored", models.BigIntegerField(default=0)),
                ("order_ref", models.CharField(blank=True, default="", max_length=80)),
                ("placed_at", models.DateTimeField()),
                ("lapses_at", models.DateTimeField()),
                ("ended_at", models.DateTimeField(null=True)),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="holds",
                        to="saleor_retention.account",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Lot",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("order_ref", models.CharField(blank=True, default="", max_length=80)),
                ("opened_at", models.DateTimeField()),
                ("valid_from", models.DateTimeField(null=True)),
                ("expires_at", models.DateTimeField(null=True)),
                ("is_pending", models.BooleanField(default=False)),
                ("granted", models.BigIntegerField()),
                ("held", models.BigIntegerField(default=0)),
                ("used", models.BigIntegerField(default=0)),
                ("restored", models.BigIntegerField(default=0)),
                ("expired", models.BigIntegerField(default=0)),
                ("clawed", models.BigIntegerField(default=0)),
                ("adjusted", models.BigIntegerField(default=0)),
                ("repaid", models.BigIntegerField(default=0)),
                ("remaining", models.BigIntegerField()),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="lots",
                        to="saleor_retention.account",
                    ),
                ),
                (
                    "parent",
                    models.OneToOneField(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="child",
                        to="saleor_retention.lot",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="LotExtension",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("recorded_at", models.DateTimeField()),
                ("activity_at", models.DateTimeField()),
                ("from_at", models.DateTimeField()),
                ("to_at", models.DateTimeField()),
                ("cause", models.CharField(max_length=100)),
                (
                    "lot",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="extensions",
                        to="saleor_retention.lot",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Consumption",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("points", models.BigIntegerField()),
                ("used", models.BigIntegerField(default=0)),
                ("restored", models.BigIntegerField(default=0)),
                (
                    "hold",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="consumptions",
                        to="saleor_retention.hold",
                    ),
                ),
                (
                    "lot",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="consumptions",
                        to="saleor_retention.lot",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="PosSale",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("source", models.CharField(max_length=64)),
                ("receipt", models.CharField(max_length=64)),
                ("document", models.JSONField(null=True)),
                ("content_hash", models.CharField(blank=True, default="", max_length=64)),
                ("reversals", models.JSONField(default=dict)),
                ("actor_ref", models.CharField(blank=True, default="", max_length=64)),
                ("recorded_at", models.DateTimeField()),
                (
                    "account",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="saleor_retention.account",
                    ),
                ),
                (
                    "program",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="saleor_retention.program",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="ProgramChannel",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("channel_ref", models.CharField(max_length=64)),
                ("is_active", models.BooleanField(default=True)),
                (
                    "program",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="channels",
                        to="saleor_retention.program",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="ProgramVersion",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("number", models.PositiveIntegerField()),
                ("document", models.JSONField()),
                ("actor_ref", models.CharField(blank=True, default="", max_length=64)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "program",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="versions",
                        to="saleor_retention.program",
                    ),
                ),
            ],
            options={
                "ordering": ("program", "number"),
            },
        ),
        migrations.AddField(
            model_name="program",
            name="current_version",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="saleor_retention.programversion",
            ),
        ),
        migrations.CreateModel(
            name="OrderRecord",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("order_ref", models.CharField(max_length=80, unique=True)),
                ("number", models.CharField(blank=True, default="", max_length=64)),
                ("checkout_ref", models.CharField(blank=True, default="", max_length=64)),
                ("tier", models.CharField(blank=True, default="", max_length=64)),
                ("channel_ref", models.CharField(max_length=64)),
                ("currency", models.CharField(max_length=3)),
                ("created_at", models.DateTimeField()),
                ("paid_at", models.DateTimeField(null=True)),
                ("may_earn", models.BooleanField(default=True)),
                ("quoted", models.BigIntegerField(default=0)),
                ("earned", models.BigIntegerField(default=0)),
                ("clawed", models.BigIntegerField(default=0)),
                ("redeemed", models.BigIntegerField(default=0)),
                ("restored", models.BigIntegerField(default=0)),
                ("bonus", models.BigIntegerField(default=0)),
                ("spend_minor", models.BigIntegerField(default=0)),
                ("is_counted", models.BooleanField(default=False)),
                ("sequence", models.PositiveIntegerField(default=0)),
                ("settled_at", models.DateTimeField(null=True)),
                (
                    "account",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="order_records",
                        to="saleor_retention.account",
                    ),
                ),
                (
                    "program",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="saleor_retention.program",
                    ),
                ),
                (
                    "version",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="saleor_retention.programversion",
                    ),
                ),
            ],
        ),
        migrations.AddField(
            model_name="hold",
            name="version",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="saleor_retention.programversion",
            ),
        ),
        migrations.CreateModel(
            name="StoredQuote",
            fields=[
                (
                    "checkout_ref",
                    models.CharField(max_length=64, primary_key=True, serialize=False),
                ),
                ("user_ref", models.CharField(blank=True, default="", max_length=64)),
                ("tier", models.CharField(blank=True, default="", max_length=64)),
                ("basket_fingerprint", models.CharField(max_length=64)),
                ("fingerprint", models.CharField(max_length=64)),
                ("payload", models.JSONField()),
                (
                    "own_row_ids",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.UUIDField(), default=list, size=None
                    ),
                ),
                ("points_applied", models.BigIntegerField(default=0)),
                ("has_free_shipping", models.BooleanField(default=False)),
                ("priced_at", models.DateTimeField()),
                ("order_ref", models.CharField(blank=True, default="", max_length=80)),
                (
                    "account",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="saleor_retention.account",
                    ),
                ),
                (
                    "version",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="saleor_retention.programversion",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="TierChange",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("upgrade", "Upgrade"),
                            ("downgrade", "Downgrade"),
                            ("withdraw", "Withdraw"),
                            ("renew", "Renew"),
                            ("override", "Override"),
                            ("override_end", "Override End"),
                            ("ladder", "Ladder"),
                        ],
                        max_length=12,
                    ),
                ),
                ("from_tier", models.CharField(blank=True, default="", max_length=64)),
                ("to_tier", models.CharField(blank=True, default="", max_length=64)),
                ("metric_value", models.BigIntegerField(null=True)),
                ("valid_until", models.DateTimeField(null=True)),
                ("at", models.DateTimeField()),
                ("actor_ref", models.CharField(blank=True, default="", max_length=64)),
                ("order_ref", models.CharField(blank=True, default="", max_length=80)),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="tier_changes",
                        to="saleor_retention.account",
                    ),
                ),
                (
                    "note",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="saleor_retention.note",
                    ),
                ),
                (
                    "version",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="saleor_retention.programversion",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Transaction",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("earn", "Earn"),
                            ("bonus", "Bonus"),
                            ("grant", "Grant"),
                            ("mature", "Mature"),
                            ("hold", "Hold"),
                            ("release", "Release"),
                            ("lapse", "Lapse"),
                            ("capture", "Capture"),
                            ("clawback", "Clawback"),
                            ("reinstate", "Reinstate"),
                            ("restore", "Restore"),
                            ("revoke", "Revoke"),
                            ("expire", "Expire"),
                            ("adjust", "Adjust"),
                            ("merge", "Merge"),
                            ("erase", "Erase"),
                        ],
                        max_length=12,
                    ),
                ),
                ("key", models.CharField(max_length=160)),
                ("content_hash", models.CharField(max_length=64)),
                ("recorded_at", models.DateTimeField()),
                ("effective_at", models.DateTimeField()),
                ("order_ref", models.CharField(blank=True, default="", max_length=80)),
                ("rule_key", models.CharField(blank=True, default="", max_length=64)),
                ("cause", models.CharField(blank=True, default="", max_length=80)),
                ("actor_ref", models.CharField(blank=True, default="", max_length=64)),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="transactions",
                        to="saleor_retention.account",
                    ),
                ),
                (
                    "note",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="saleor_retention.note",
                    ),
                ),
                (
                    "program",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="saleor_retention.program",
                    ),
                ),
                (
                    "version",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="saleor_retention.programversion",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Entry",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "book",
                    models.CharField(
                        choices=[
                            ("available", "Available"),
                            ("pending", "Pending"),
                            ("held", "Held"),
                            ("deficit", "Deficit"),
                            ("issuance", "Issuance"),
                            ("redeemed", "Redeemed"),
                            ("breakage", "Breakage"),
                            ("clawback", "Clawback"),
                            ("write_off", "Write Off"),
                            ("adjustment", "Adjustment"),
                        ],
                        max_length=10,
                    ),
                ),
                ("points", models.BigIntegerField()),
                (
                    "account",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="saleor_retention.account",
                    ),
                ),
                (
                    "lot",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="saleor_retention.lot",
                    ),
                ),
                (
                    "transaction",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="entries",
                        to="saleor_retention.transaction",
                    ),
                ),
            ],
        ),
        migrations.AddIndex(
            model_name="lot",
            index=models.Index(
                condition=models.Q(("remaining__gt", 0)),
                fields=["account", "expires_at", "opened_at", "id"],
                name="retention_lot_live",
            ),
        ),
        migrations.AddIndex(
            model_name="lot",
            index=models.Index(
                condition=models.Q(("remaining__gt", 0)),
                fields=["expires_at"],
                name="retention_lot_expiry",
            ),
        ),
        migrations.AddIndex(
            model_name="lot",
            index=models.Index(
                condition=models.Q(("is_pending", True), ("remaining__gt", 0)),
                fields=["valid_from"],
                name="retention_lot_maturing",
            ),
        ),
        migrations.AddIndex(
            model_name="lot",
            index=models.Index(
                condition=models.Q(("order_ref", ""), _negated=True),
                fields=["order_ref"],
                name="retention_lot_order",
            ),
        ),
        migrations.AddConstraint(
            model_name="lot",
            constraint=check(
                "retention_lot_remaining",
                models.Q(("remaining__gte", 0), ("remaining__lte", models.F("granted"))),
            ),
        ),
        migrations.AddConstraint(
            model_name="lot",
            constraint=check("retention_lot_held", models.Q(("held__gte", 0))),
        ),
        migrations.AddConstraint(
            model_name="lot",
            constraint=check(
                "retention_lot_equation",
                models.Q(
                    (
                        "remaining",
                        django.db.models.expressions.CombinedExpression(
                            django.db.models.expressions.CombinedExpression(
                                django.db.models.expressions.CombinedExpression(
                                    django.db.models.expressions.CombinedExpression(
                                        django.db.models.expressions.CombinedExpression(
                                            django.db.models.expressions.CombinedExpression(
                                                django.db.models.expressions.CombinedExpression(
                                                    models.F("granted"), "-", models.F("held")
                                                ),
                                                "-",
                                                models.F("used"),
                                            ),
                                            "+",
                                            models.F("restored"),
                                        ),
                                        "-",
                                        models.F("expired"),
                                    ),
                                    "-",
                                    models.F("clawed"),
                                ),
                                "-",
                                models.F("adjusted"),
                            ),
                            "-",
                            models.F("repaid"),
                        ),
                    )
                ),
            ),
        ),
        migrations.AddConstraint(
            model_name="lot",
            constraint=check(
                "retention_lot_restored", models.Q(("restored__lte", models.F("used")))
            ),
        ),
        migrations.AddConstraint(
            model_name="lotextension",
            constraint=check(
                "retention_extension_later", models.Q(("to_at__gt", models.F("from_at")))
            ),
        ),
        migrations.AddConstraint(
            model_name="consumption",
            constraint=models.UniqueConstraint(
                fields=("hold", "lot"), name="retention_consumption_lot"
            ),
        ),
        migrations.AddConstraint(
            model_name="consumption",
            constraint=check(
                "retention_consumption_used",
                models.Q(("used__gte", 0), ("used__lte", models.F("points"))),
            ),
        ),
        migrations.AddConstraint(
            model_name="consumption",
            constraint=check(
                "retention_consumption_back",
                models.Q(("restored__gte", 0), ("restored__lte", models.F("used"))),
            ),
        ),
        migrations.AddConstraint(
            model_name="possale",
            constraint=models.UniqueConstraint(
                fields=("source", "receipt"), name="retention_pos_receipt"
            ),
        ),
        migrations.AddIndex(
            model_name="account",
            index=models.Index(fields=["email_hash"], name="retention_account_hash"),
        ),
        migrations.AddIndex(
            model_name="account",
            index=models.Index(fields=["program", "tier", "id"], name="retention_account_tier"),
        ),
        migrations.AddIndex(
            model_name="account",
            index=models.Index(fields=["tier_valid_until"], name="retention_account_tier_due"),
        ),
        migrations.AddConstraint(
            model_name="account",
            constraint=models.UniqueConstraint(
                condition=models.Q(("user__isnull", False)),
                fields=("program", "user"),
                name="retention_account_user",
            ),
        ),
        migrations.AddConstraint(
            model_name="account",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state", "shadow")),
                fields=("program", "email_hash"),
                name="retention_account_shadow",
            ),
        ),
        migrations.AddConstraint(
            model_name="account",
            constraint=check("retention_account_available", models.Q(("available__gte", 0))),
        ),
        migrations.AddConstraint(
            model_name="account",
            constraint=check("retention_account_pending", models.Q(("pending__gte", 0))),
        ),
        migrations.AddConstraint(
            model_name="account",
            constraint=check("retention_account_held", models.Q(("held__gte", 0))),
        ),
        migrations.AddConstraint(
            model_name="account",
            constraint=check("retention_account_deficit", models.Q(("deficit__gte", 0))),
        ),
        migrations.AddConstraint(
            model_name="account",
            constraint=check(
                "retention_account_deficit_first",
                models.Q(("available", 0), ("deficit", 0), _connector="OR"),
            ),
        ),
        migrations.AddConstraint(
            model_name="programchannel",
            constraint=models.UniqueConstraint(
                fields=("program", "channel_ref"), name="retention_program_channel"
            ),
        ),
        migrations.AddConstraint(
            model_name="programchannel",
            constraint=models.UniqueConstraint(
                condition=models.Q(("is_active", True)),
                fields=("channel_ref",),
                name="retention_one_active_program",
            ),
        ),
        migrations.AddConstraint(
            model_name="programversion",
            constraint=models.UniqueConstraint(
                fields=("program", "number"), name="retention_version_number"
            ),
        ),
        migrations.AddIndex(
            model_name="orderrecord",
            index=models.Index(fields=["account", "paid_at"], name="retention_order_member"),
        ),
        migrations.AddIndex(
            model_name="orderrecord",
            index=models.Index(
                condition=models.Q(("checkout_ref", ""), _negated=True),
                fields=["checkout_ref"],
                name="retention_order_checkout",
            ),
        ),
        migrations.AddConstraint(
            model_name="orderrecord",
            constraint=check(
                "retention_order_clawed",
                models.Q(
                    ("clawed__gte", 0), ("clawed__lte", models.F("earned")), ("earned__gte", 0)
                ),
            ),
        ),
        migrations.AddConstraint(
            model_name="orderrecord",
            constraint=check(
                "retention_order_restored",
                models.Q(
                    ("redeemed__gte", 0),
                    ("restored__gte", 0),
                    ("restored__lte", models.F("redeemed")),
                ),
            ),
        ),
        migrations.AddIndex(
            model_name="hold",
            index=models.Index(
                condition=models.Q(("state", "placed")),
                fields=["lapses_at"],
                name="retention_hold_lapse",
            ),
        ),
        migrations.AddIndex(
            model_name="hold",
            index=models.Index(
                condition=models.Q(("order_ref", ""), _negated=True),
                fields=["order_ref"],
                name="retention_hold_order",
            ),
        ),
        migrations.AddIndex(
            model_name="hold",
            index=models.Index(fields=["account"], name="retention_hold_account"),
        ),
        migrations.AddConstraint(
            model_name="hold",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state", "placed")),
                fields=("checkout_ref",),
                name="retention_hold_checkout",
            ),
        ),
        migrations.AddConstraint(
            model_name="hold",
            constraint=check("retention_hold_points", models.Q(("points__gt", 0))),
        ),
        migrations.AddConstraint(
            model_name="hold",
            constraint=check(
                "retention_hold_captured", models.Q(("captured__lte", models.F("points")))
            ),
        ),
        migrations.AddConstraint(
            model_name="hold",
            constraint=check(
                "retention_hold_restored",
                models.Q(("restored__gte", 0), ("restored__lte", models.F("captured"))),
            ),
        ),
        migrations.AddIndex(
            model_name="storedquote",
            index=models.Index(
                condition=models.Q(("order_ref", ""), _negated=True),
                fields=["order_ref"],
                name="retention_quote_order",
            ),
        ),
        migrations.AddIndex(
            model_name="storedquote",
            index=models.Index(fields=["priced_at"], name="retention_quote_age"),
        ),
        migrations.AddIndex(
            model_name="tierchange",
            index=models.Index(fields=["account", "-id"], name="retention_tier_change"),
        ),
        migrations.AddIndex(
            model_name="transaction",
            index=models.Index(fields=["account", "-id"], name="retention_transaction_member"),
        ),
        migrations.AddIndex(
            model_name="transaction",
            index=models.Index(
                condition=models.Q(("order_ref", ""), _negated=True),
                fields=["order_ref"],
                name="retention_transaction_order",
            ),
        ),
        migrations.AddConstraint(
            model_name="transaction",
            constraint=models.UniqueConstraint(
                fields=("program", "key"), name="retention_transaction_key"
            ),
        ),
        migrations.AddIndex(
            model_name="entry",
            index=models.Index(fields=["account", "id"], name="retention_entry_member"),
        ),
        migrations.AddConstraint(
            model_name="entry",
            constraint=check("retention_entry_points", models.Q(("points", 0), _negated=True)),
        ),
        migrations.AddConstraint(
            model_name="entry",
            constraint=check(
                "retention_entry_book",
                models.Q(
                    models.Q(
                        ("account__isnull", False),
                        ("book__in", ["available", "pending", "held", "deficit"]),
                    ),
                    models.Q(
                        models.Q(
                            ("book__in", ["available", "pending", "held", "deficit"]), _negated=True
                        ),
                        ("account__isnull", True),
                    ),
                    _connector="OR",
                ),
            ),
        ),
    ]
