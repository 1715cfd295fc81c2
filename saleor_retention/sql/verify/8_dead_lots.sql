-- Uses of a lot at or after its expiry, as the expiry was at that time. Captures are not among them:
-- the hold pinned the lot before.
SELECT transaction.id, entry.lot_id, -entry.points AS points,
       transaction.effective_at AS at,
       coalesce(extended.from_at, lot.expires_at) AS died_at
FROM saleor_retention_transaction AS transaction
JOIN saleor_retention_entry AS entry ON entry.transaction_id = transaction.id
JOIN saleor_retention_lot AS lot ON lot.id = entry.lot_id
LEFT JOIN LATERAL (
    SELECT extension.from_at
    FROM saleor_retention_lotextension AS extension
    WHERE extension.lot_id = lot.id AND extension.recorded_at > transaction.recorded_at
    ORDER BY extension.id LIMIT 1
) AS extended ON true
WHERE (%(program_id)s::bigint IS NULL OR transaction.program_id = %(program_id)s)
  AND transaction.kind IN ('hold', 'revoke', 'adjust')
  AND entry.book = 'available' AND entry.points < 0
  AND coalesce(extended.from_at, lot.expires_at) <= transaction.effective_at
ORDER BY transaction.id, entry.lot_id
