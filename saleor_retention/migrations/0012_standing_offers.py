"""Where a checkout stands says what decides about offers; it hands over three columns more."""

from __future__ import annotations

from django.db import migrations

from saleor_retention import sql

# What a function returns cannot be replaced. There is no way back to the columns of before: the
# file that names them is this one, and taking 0004 back drops the function.
DROP = "DROP FUNCTION saleor_retention_standing(uuid, text, integer[]);"


class Migration(migrations.Migration):
    """The standing with offers."""

    dependencies = (("saleor_retention", "0011_offer_facts"),)
    operations = (
        migrations.RunSQL(DROP, migrations.RunSQL.noop),
        migrations.RunSQL(sql.load("functions/standing_3"), migrations.RunSQL.noop),
    )
