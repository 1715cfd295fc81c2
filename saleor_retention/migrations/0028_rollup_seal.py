"""A seal on each customer's rollup: the night makes only those anew whose seal is another."""

from __future__ import annotations

from django.db import migrations, models

from saleor_retention import sql

FUNCTIONS = ("order_mark", "rollup_seal")

# room to change scores where a row is: its indexes are then left alone
ROOM = "ALTER TABLE saleor_retention_customerrollup {} (fillfactor{});"


class Migration(migrations.Migration):
    """No rollup is sealed yet: the first night makes all of them anew."""

    dependencies = (("saleor_retention", "0027_ledger_sums"),)
    operations = (
        migrations.AddField(
            model_name="customerrollup",
            name="seal",
            field=models.BigIntegerField(null=True),
        ),
        *(
            migrations.RunSQL(
                sql.load(f"functions/{name}"), f"DROP FUNCTION saleor_retention_{name};"
            )
            for name in FUNCTIONS
        ),
        migrations.RunSQL(ROOM.format("SET", " = 70"), ROOM.format("RESET", "")),
    )
