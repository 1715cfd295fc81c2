"""A lot lives for some time: it expires after it becomes valid.

Points of a lot that expires before are never anybody's. No service opens one; the constraint holds
that also against what goes around them. It is added without looking at the lots that are there, so
that nobody waits for a long table to be read, and looks at them afterwards while points move. A lot
that would break it lived at no instant: it keeps that, and dies just after it becomes valid.

And an index of the events that staff told of, whose points count as granted by them.
"""

from __future__ import annotations

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models
from django.db.models import F, Q

from saleor_retention.models.constraints import check

ADD = """
ALTER TABLE saleor_retention_lot
    DROP CONSTRAINT IF EXISTS retention_lot_life,
    ADD CONSTRAINT retention_lot_life CHECK (expires_at > valid_from) NOT VALID;
"""
DROP = "ALTER TABLE saleor_retention_lot DROP CONSTRAINT IF EXISTS retention_lot_life;"
MEND = """
UPDATE saleor_retention_lot SET expires_at = valid_from + interval '1 microsecond'
WHERE expires_at <= valid_from;
"""
LEFT_OVER = "DROP INDEX CONCURRENTLY IF EXISTS retention_event_of_staff;"
VALIDATE = "ALTER TABLE saleor_retention_lot VALIDATE CONSTRAINT retention_lot_life;"


class Migration(migrations.Migration):
    """Each statement is a database transaction of its own; all of them may be run again."""

    atomic = False
    dependencies = (("saleor_retention", "0037_one_person"),)
    operations = (
        migrations.SeparateDatabaseAndState(
            database_operations=[
                migrations.RunSQL(ADD, DROP),
                migrations.RunSQL(MEND, migrations.RunSQL.noop),
                migrations.RunSQL(VALIDATE, migrations.RunSQL.noop),
            ],
            state_operations=[
                migrations.AddConstraint(
                    model_name="lot",
                    constraint=check("retention_lot_life", Q(expires_at__gt=F("valid_from"))),
                ),
            ],
        ),
        migrations.RunSQL(LEFT_OVER, migrations.RunSQL.noop),
        AddIndexConcurrently(
            model_name="memberevent",
            index=models.Index(
                condition=Q(actor_ref__startswith="user:"),
                fields=["actor_ref", "recorded_at"],
                name="retention_event_of_staff",
            ),
        ),
    )
