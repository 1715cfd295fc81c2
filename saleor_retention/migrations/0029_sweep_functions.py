"""Sweeps that keep their plans."""

from __future__ import annotations

from django.db import migrations

from saleor_retention import sql

SWEEPS = ("mature_lots", "mature_due", "expire_due")


class Migration(migrations.Migration):
    """Three new functions."""

    dependencies = (("saleor_retention", "0028_rollup_seal"),)
    operations = tuple(
        migrations.RunSQL(sql.load(f"functions/{name}"), f"DROP FUNCTION saleor_retention_{name};")
        for name in SWEEPS
    )
