-- Orders that lost more than they earned.
SELECT transaction.order_ref, transaction.rule_key,
       coalesce(sum(entry.points) FILTER (WHERE entry.book = 'clawback'), 0) AS clawed,
       -coalesce(sum(entry.points) FILTER (WHERE entry.book = 'issuance'), 0) AS earned
FROM saleor_retention_transaction AS transaction
JOIN saleor_retention_entry AS entry ON entry.transaction_id = transaction.id
WHERE (%(program_id)s::bigint IS NULL OR transaction.program_id = %(program_id)s)
  AND transaction.order_ref <> ''
GROUP BY transaction.program_id, transaction.order_ref, transaction.rule_key
HAVING coalesce(sum(entry.points) FILTER (WHERE entry.book = 'clawback'), 0)
       > -coalesce(sum(entry.points) FILTER (WHERE entry.book = 'issuance'), 0)
ORDER BY transaction.order_ref, transaction.rule_key
