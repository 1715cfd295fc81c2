"""Posting in one statement, fewer indexes to write to, and room to change a row where it is.

- ``saleor_retention_post_at_once`` locks and posts. The functions it shares are loaded again.
- An entry's lot is held by the trigger that holds its transaction, in the same look at all entries
  of a statement; it is stricter than the foreign key: points of a member lie in a lot of his. A
  book of the program may name another's lot: what a guest's order lost is given back to the member
  who has claimed it. A posting's member and program are held by one such look too: the program has
  to be the member's. In return a lot that entries name cannot be deleted, nor change its id or
  member, and a member with postings cannot be deleted, nor change its id or program.
- Indexes leave out rows without what they are asked for: most entries of a program's books have
  neither account nor lot, few postings have a note. That on a posting's version goes: nobody asks.
- Half of each page of accounts stays free: a changed balance then changes none of eleven indexes.
  Pages that are full already get room as their rows change.
"""

from __future__ import annotations

import django.db.models.deletion
from django.db import migrations, models

from saleor_retention import sql

BALANCED = """
CREATE OR REPLACE FUNCTION saleor_retention_refuse_unbalanced() RETURNS trigger
LANGUAGE plpgsql {settings} AS $$
DECLARE
    culprit bigint;
    is_balanced boolean;
BEGIN
    {body}
    RETURN NULL;
END $$;
"""
# The plan is kept for statements of any size, and must not read a table that grows from end to end.
SETTINGS = "SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off"
AT_ONCE = """
    SELECT entry.transaction_id, sum(entry.points) = 0 INTO culprit, is_balanced
        FROM inserted AS entry
        LEFT JOIN saleor_retention_transaction AS posting ON posting.id = entry.transaction_id
        LEFT JOIN saleor_retention_lot AS lot ON lot.id = entry.lot_id
        GROUP BY entry.transaction_id
        HAVING sum(entry.points) <> 0
            OR bool_or(
                posting.id IS NULL
                OR entry.account_id <> posting.account_id
                OR (entry.lot_id IS NOT NULL AND lot.id IS NULL)
                OR entry.account_id <> lot.account_id
            )
        LIMIT 1;
    IF culprit IS NULL THEN
        RETURN NULL;
    END IF;
    IF NOT is_balanced THEN
        RAISE EXCEPTION 'entries of transaction % do not sum to zero', culprit
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RAISE EXCEPTION 'entries of transaction %, which is not there or of another account or lot',
        culprit USING ERRCODE = 'foreign_key_violation';
"""
BEFORE = """
    SELECT transaction_id INTO culprit FROM inserted
        GROUP BY transaction_id HAVING sum(points) <> 0 LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'entries of transaction % do not sum to zero', culprit
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    SELECT entry.transaction_id INTO culprit FROM inserted AS entry
        LEFT JOIN saleor_retention_transaction AS posting ON posting.id = entry.transaction_id
        WHERE posting.id IS NULL OR entry.account_id <> posting.account_id LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'entries of transaction %, which is not there or of another account',
            culprit USING ERRCODE = 'foreign_key_violation';
    END IF;
"""

PLACED = """
CREATE FUNCTION saleor_retention_refuse_misplaced() RETURNS trigger
LANGUAGE plpgsql {settings} AS $$
DECLARE
    culprit bigint;
BEGIN
    SELECT posting.id INTO culprit FROM inserted AS posting
        LEFT JOIN saleor_retention_account AS account ON account.id = posting.account_id
        WHERE account.program_id IS DISTINCT FROM posting.program_id LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'transaction % is of an account that is not there or of another program',
            culprit USING ERRCODE = 'foreign_key_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER placed AFTER INSERT ON saleor_retention_transaction
    REFERENCING NEW TABLE AS inserted
    FOR EACH STATEMENT EXECUTE FUNCTION saleor_retention_refuse_misplaced();
"""
NOT_PLACED = """
DROP TRIGGER placed ON saleor_retention_transaction;
DROP FUNCTION saleor_retention_refuse_misplaced;
"""

KEPT = """
CREATE FUNCTION saleor_retention_keep() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    is_named boolean;
BEGIN
    IF TG_OP = 'TRUNCATE' THEN
        RAISE EXCEPTION 'table % is kept: % is refused', TG_TABLE_NAME, TG_OP
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF TG_TABLE_NAME = 'saleor_retention_lot' THEN
        is_named := EXISTS (SELECT FROM saleor_retention_entry WHERE lot_id = OLD.id);
    ELSE
        is_named := EXISTS (SELECT FROM saleor_retention_transaction WHERE account_id = OLD.id);
    END IF;
    IF is_named THEN
        RAISE EXCEPTION 'the ledger names row % of %: % is refused', OLD.id, TG_TABLE_NAME, TG_OP
            USING ERRCODE = 'foreign_key_violation';
    END IF;
    RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END $$;
"""


def _kept(table: str, owner: str) -> migrations.RunSQL:
    """Keep the rows that the ledger names, and whose they are."""
    name, function = f"saleor_retention_{table}", "EXECUTE FUNCTION saleor_retention_keep()"
    return migrations.RunSQL(
        f"""
        CREATE TRIGGER kept BEFORE DELETE ON {name} FOR EACH ROW {function};
        CREATE TRIGGER kept_owner BEFORE UPDATE OF id, {owner} ON {name} FOR EACH ROW
            WHEN (OLD.id <> NEW.id OR OLD.{owner} <> NEW.{owner}) {function};
        CREATE TRIGGER kept_truncate BEFORE TRUNCATE ON {name} FOR EACH STATEMENT {function};
        """,
        f"""
        DROP TRIGGER kept_truncate ON {name};
        DROP TRIGGER kept_owner ON {name};
        DROP TRIGGER kept ON {name};
        """,
    )


def _foreign_key(to: str, *, related_name: str = "+", **options: bool) -> models.ForeignKey:
    return models.ForeignKey(
        db_index=False,
        on_delete=django.db.models.deletion.PROTECT,
        related_name=related_name,
        to=f"saleor_retention.{to}",
        **options,
    )


class Migration(migrations.Migration):
    """Functions, triggers, indexes and room."""

    dependencies = (("saleor_retention", "0021_experiments"),)
    operations = (
        migrations.RunSQL(sql.load("functions/lock"), migrations.RunSQL.noop),
        migrations.RunSQL(sql.load("functions/moved"), migrations.RunSQL.noop),
        migrations.RunSQL(sql.load("functions/post"), migrations.RunSQL.noop),
        migrations.RunSQL(
            sql.load("functions/post_at_once"), "DROP FUNCTION saleor_retention_post_at_once;"
        ),
        migrations.RunSQL(
            BALANCED.format(settings=SETTINGS, body=AT_ONCE),
            BALANCED.format(settings="", body=BEFORE),
        ),
        migrations.RunSQL(PLACED.format(settings=SETTINGS), NOT_PLACED),
        migrations.RunSQL(KEPT, "DROP FUNCTION saleor_retention_keep;"),
        _kept("lot", "account_id"),
        _kept("account", "program_id"),
        migrations.AlterField("entry", "lot", _foreign_key("lot", null=True, db_constraint=False)),
        migrations.AlterField(
            "transaction", "program", _foreign_key("program", db_constraint=False)
        ),
        migrations.AlterField(
            "transaction",
            "account",
            _foreign_key("account", related_name="transactions", db_constraint=False),
        ),
        migrations.AlterField("transaction", "version", _foreign_key("programversion", null=True)),
        migrations.AlterField("transaction", "note", _foreign_key("note", null=True)),
        migrations.RemoveIndex("entry", "retention_entry_member"),
        migrations.AddIndex(
            "entry",
            models.Index(
                fields=("account", "id"),
                condition=models.Q(("account__isnull", False)),
                name="retention_entry_member",
            ),
        ),
        migrations.AddIndex(
            "entry",
            models.Index(
                fields=("lot",),
                condition=models.Q(("lot__isnull", False)),
                name="retention_entry_lot",
            ),
        ),
        migrations.AddIndex(
            "transaction",
            models.Index(
                fields=("note",),
                condition=models.Q(("note__isnull", False)),
                name="retention_transaction_note",
            ),
        ),
        migrations.RunSQL(
            "ALTER TABLE saleor_retention_account SET (fillfactor = 50);",
            "ALTER TABLE saleor_retention_account RESET (fillfactor);",
        ),
    )
