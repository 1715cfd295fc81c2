-- Orders that postings name and whose record is gone: what the ledger keeps of them.
SELECT transaction.order_ref,
       -coalesce(sum(entry.points) FILTER (WHERE entry.book IN ('issuance', 'clawback')), 0)
           AS kept,
       coalesce(
           sum(entry.points) FILTER (
               WHERE entry.book = 'redeemed'
                 AND transaction.kind IN ('capture', 'restore', 'revoke')
           ), 0
       ) AS paid
FROM saleor_retention_transaction AS transaction
JOIN saleor_retention_entry AS entry ON entry.transaction_id = transaction.id
WHERE (%(program_id)s::bigint IS NULL OR transaction.program_id = %(program_id)s)
  AND transaction.order_ref <> ''
  AND NOT EXISTS (
    SELECT 1 FROM saleor_retention_orderrecord AS record
    WHERE record.order_ref = transaction.order_ref AND record.program_id = transaction.program_id
)
GROUP BY transaction.program_id, transaction.order_ref
ORDER BY transaction.order_ref
