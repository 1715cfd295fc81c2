-- Orders whose net accrual by rule is not in the ledger.
SELECT record.order_ref, due.rule_key, due.kept, coalesce(ledger.points, 0) AS made
FROM saleor_retention_orderrecord AS record
CROSS JOIN LATERAL (
    VALUES ('base', record.earned - record.clawed), ('first_order', record.bonus)
) AS due (rule_key, kept)
LEFT JOIN (
    SELECT transaction.program_id, transaction.order_ref, transaction.rule_key,
           -sum(entry.points) AS points
    FROM saleor_retention_transaction AS transaction
    JOIN saleor_retention_entry AS entry ON entry.transaction_id = transaction.id
    WHERE entry.book IN ('issuance', 'clawback') AND transaction.order_ref <> ''
    GROUP BY transaction.program_id, transaction.order_ref, transaction.rule_key
) AS ledger
  ON ledger.program_id = record.program_id AND ledger.order_ref = record.order_ref
     AND ledger.rule_key = due.rule_key
WHERE (%(program_id)s::bigint IS NULL OR record.program_id = %(program_id)s)
  AND due.kept <> coalesce(ledger.points, 0)
ORDER BY record.id, due.rule_key
