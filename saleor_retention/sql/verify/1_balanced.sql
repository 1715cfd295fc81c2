-- Transactions whose entries do not sum to zero.
SELECT transaction.id, sum(entry.points) AS points
FROM saleor_retention_transaction AS transaction
JOIN saleor_retention_entry AS entry ON entry.transaction_id = transaction.id
WHERE (%(program_id)s::bigint IS NULL OR transaction.program_id = %(program_id)s)
GROUP BY transaction.id HAVING sum(entry.points) <> 0
ORDER BY transaction.id
