-- The canonical text of one UTC day of the ledger: a line for each transaction recorded on it, each
-- followed by the lines of its entries, all in the order of their ids. A line is a JSON array as
-- PostgreSQL writes it; times are UTC to the microsecond. Whoever changes a letter of this changes
-- every digest: docs/explanation/tamper-evidence.md shows how to compute one without us.
WITH made AS MATERIALIZED (
    SELECT * FROM saleor_retention_transaction
    WHERE recorded_at >= %(begins)s AND recorded_at < %(ends)s
)
SELECT entry_id = 0 AS is_transaction, line FROM (
    SELECT id AS transaction_id, 0 AS entry_id,
           json_build_array(
               'transaction', id, program_id, account_id, kind, key, content_hash,
               to_char(recorded_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
               to_char(effective_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
               order_ref, rule_key, cause, actor_ref, version_id, note_id
           )::text AS line
    FROM made
    UNION ALL
    SELECT entry.transaction_id, entry.id,
           json_build_array(
               'entry', entry.id, entry.transaction_id, entry.book, entry.account_id, entry.lot_id,
               entry.points
           )::text
    FROM made
    JOIN saleor_retention_entry AS entry ON entry.transaction_id = made.id
) AS lines
ORDER BY transaction_id, entry_id
