"""Posting takes its rows as arrays, and the database looks at a statement's entries at once.

The old function goes. A database that is made now has the new one since 0007, which reads the same
file; there only the old signature is not found.

Foreign keys are looked up row by row. Those of an entry to its transaction and its account become a
part of the trigger that holds transactions balanced, which is stricter: the account has to be that
of the transaction. Three indexes go that others begin with the same column of.
"""

from __future__ import annotations

import django.db.models.deletion
from django.db import migrations, models

from saleor_retention import sql

OLD = "DROP FUNCTION IF EXISTS saleor_retention_post(timestamptz, jsonb, jsonb, jsonb, jsonb);"

BALANCED = """
CREATE OR REPLACE FUNCTION saleor_retention_refuse_unbalanced() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
    culprit bigint;
BEGIN
    SELECT transaction_id INTO culprit FROM inserted
        GROUP BY transaction_id HAVING sum(points) <> 0 LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'entries of transaction % do not sum to zero', culprit
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    {placed}
    RETURN NULL;
END $$;
"""
PLACED = """
    SELECT entry.transaction_id INTO culprit FROM inserted AS entry
        LEFT JOIN saleor_retention_transaction AS posting ON posting.id = entry.transaction_id
        WHERE posting.id IS NULL OR entry.account_id <> posting.account_id LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'entries of transaction %, which is not there or of another account', culprit
            USING ERRCODE = 'foreign_key_violation';
    END IF;
"""


class Migration(migrations.Migration):
    """The function of every posting, and what holds its entries."""

    dependencies = (("saleor_retention", "0014_lookups"),)
    operations = (
        migrations.RunSQL(OLD, migrations.RunSQL.noop),
        migrations.RunSQL(sql.load("functions/post"), migrations.RunSQL.noop),
        migrations.RunSQL(BALANCED.format(placed=PLACED), BALANCED.format(placed="")),
        migrations.AlterField(
            model_name="entry",
            name="transaction",
            field=models.ForeignKey(
                db_constraint=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="entries",
                to="saleor_retention.transaction",
            ),
        ),
        migrations.AlterField(
            model_name="entry",
            name="account",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="saleor_retention.account",
            ),
        ),
        migrations.AlterField(
            model_name="transaction",
            name="program",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="saleor_retention.program",
            ),
        ),
        migrations.AlterField(
            model_name="transaction",
            name="account",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="transactions",
                to="saleor_retention.account",
            ),
        ),
    )
