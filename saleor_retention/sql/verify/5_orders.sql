-- Orders whose restored points are not what the ledger gave back, or more than they redeemed.
SELECT record.order_ref, record.restored AS kept, record.redeemed,
       coalesce(ledger.points, 0) AS made
FROM saleor_retention_orderrecord AS record
LEFT JOIN (
    SELECT transaction.program_id, transaction.order_ref, -sum(entry.points) AS points
    FROM saleor_retention_transaction AS transaction
    JOIN saleor_retention_entry AS entry ON entry.transaction_id = transaction.id
    WHERE transaction.kind IN ('restore', 'revoke') AND entry.book = 'redeemed'
    GROUP BY transaction.program_id, transaction.order_ref
) AS ledger USING (program_id, order_ref)
WHERE (%(program_id)s::bigint IS NULL OR record.program_id = %(program_id)s)
  AND (
    record.restored > record.redeemed OR record.restored <> coalesce(ledger.points, 0)
)
ORDER BY record.id
