"""Sweeps that claim what they post, and an index of the few lots that have a parent.

A lot has one child at most, as before. The index leaves out lots without a parent: most of them, and
each change of a lot wrote to it.
"""

from __future__ import annotations

import django.db.models.deletion
from django.db import migrations, models

from saleor_retention import sql

SWEEPS = ("mature_due", "expire_due")


class Migration(migrations.Migration):
    """The functions are there already where 0029 came after they were written."""

    dependencies = (("saleor_retention", "0029_sweep_functions"),)
    operations = (
        *(
            migrations.RunSQL(sql.load(f"functions/{name}"), migrations.RunSQL.noop)
            for name in SWEEPS
        ),
        migrations.RunSQL(
            "DROP FUNCTION IF EXISTS saleor_retention_expire_lots(bigint[], timestamptz);",
            migrations.RunSQL.noop,
        ),
        migrations.AlterField(
            model_name="lot",
            name="parent",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="children",
                to="saleor_retention.lot",
            ),
        ),
        migrations.AddConstraint(
            model_name="lot",
            constraint=models.UniqueConstraint(
                condition=models.Q(("parent__isnull", False)),
                fields=("parent",),
                name="retention_lot_child",
            ),
        ),
    )
