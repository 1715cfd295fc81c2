-- Spends that got more back from a lot than they used of it.
SELECT consumption.hold_id, consumption.lot_id, consumption.restored, consumption.used
FROM saleor_retention_consumption AS consumption
JOIN saleor_retention_hold AS hold ON hold.id = consumption.hold_id
JOIN saleor_retention_account AS account ON account.id = hold.account_id
WHERE (%(program_id)s::bigint IS NULL OR account.program_id = %(program_id)s)
  AND (consumption.restored < 0 OR consumption.restored > consumption.used)
ORDER BY consumption.id
