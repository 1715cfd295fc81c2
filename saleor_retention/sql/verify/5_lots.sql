-- Lots that got more back than was used of them.
SELECT lot.id, lot.restored, lot.used
FROM saleor_retention_lot AS lot
JOIN saleor_retention_account AS account ON account.id = lot.account_id
WHERE (%(program_id)s::bigint IS NULL OR account.program_id = %(program_id)s)
  AND lot.restored > lot.used
ORDER BY lot.id
