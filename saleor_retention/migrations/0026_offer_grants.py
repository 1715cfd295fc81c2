"""Offers that are given to single members, and read with every price."""

from __future__ import annotations

import django.db.models.deletion
from django.db import migrations, models
from django.db.models import F, Q

from saleor_retention import sql
from saleor_retention.models.constraints import check


class Migration(migrations.Migration):
    """A row for each offer given; what decides about offers tells of them."""

    dependencies = (("saleor_retention", "0025_campaign_audit"),)
    operations = (
        migrations.CreateModel(
            name="OfferGrant",
            fields=(
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("key", models.CharField(max_length=80, unique=True)),
                ("granted_at", models.DateTimeField()),
                ("valid_until", models.DateTimeField()),
                (
                    "account",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="saleor_retention.account",
                    ),
                ),
                (
                    "campaign",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="saleor_retention.campaign",
                    ),
                ),
                (
                    "offer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="grants",
                        to="saleor_retention.offer",
                    ),
                ),
            ),
            options={
                "constraints": (
                    check("retention_offer_grant_window", Q(valid_until__gt=F("granted_at"))),
                ),
                "indexes": (
                    models.Index(fields=("account", "offer"), name="retention_offer_grant"),
                    models.Index(fields=("valid_until",), name="retention_offer_grant_end"),
                ),
            },
        ),
        migrations.RunSQL(sql.load("functions/offer_facts"), migrations.RunSQL.noop),
    )
