-- Transactions without entries.
SELECT transaction.id
FROM saleor_retention_transaction AS transaction
WHERE (%(program_id)s::bigint IS NULL OR transaction.program_id = %(program_id)s)
  AND NOT EXISTS (
    SELECT 1 FROM saleor_retention_entry AS entry
    WHERE entry.transaction_id = transaction.id
)
ORDER BY transaction.id
