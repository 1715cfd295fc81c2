"""Append-only tables and balanced transactions, refused by the database itself.

UPDATE, DELETE and TRUNCATE on transactions, entries, lot extensions and program versions raise; so
does an INSERT of entries whose transactions do not sum to zero (all entries of a transaction come in one
statement, so a statement trigger sees them together).
"""

from __future__ import annotations

from django.db import migrations

REFUSE = """
CREATE FUNCTION saleor_retention_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'table % is append-only: % is refused', TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'integrity_constraint_violation';
END $$;
"""

BALANCED = """
CREATE FUNCTION saleor_retention_refuse_unbalanced() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    unbalanced bigint;
BEGIN
    SELECT transaction_id INTO unbalanced FROM inserted
        GROUP BY transaction_id HAVING sum(points) <> 0 LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'entries of transaction % do not sum to zero', unbalanced
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER balanced AFTER INSERT ON saleor_retention_entry
    REFERENCING NEW TABLE AS inserted
    FOR EACH STATEMENT EXECUTE FUNCTION saleor_retention_refuse_unbalanced();
"""

TABLES = ("transaction", "entry", "lotextension", "programversion")


def _append_only(table: str) -> migrations.RunSQL:
    name = f"saleor_retention_{table}"
    return migrations.RunSQL(
        f"""
        CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON {name}
            FOR EACH ROW EXECUTE FUNCTION saleor_retention_refuse_change();
        CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON {name}
            FOR EACH STATEMENT EXECUTE FUNCTION saleor_retention_refuse_change();
        """,
        f"""
        DROP TRIGGER append_only_truncate ON {name};
        DROP TRIGGER append_only ON {name};
        """,
    )


class Migration(migrations.Migration):
    """Triggers on the append-only tables."""

    dependencies = [("saleor_retention", "0001_initial")]

    operations = [
        migrations.RunSQL(REFUSE, "DROP FUNCTION saleor_retention_refuse_change();"),
        *(_append_only(table) for table in TABLES),
        migrations.RunSQL(
            BALANCED,
            """
            DROP TRIGGER balanced ON saleor_retention_entry;
            DROP FUNCTION saleor_retention_refuse_unbalanced();
            """,
        ),
    ]
