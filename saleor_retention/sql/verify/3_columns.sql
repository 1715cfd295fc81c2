-- Lots whose columns contradict each other.
SELECT lot.id, lot.remaining, lot.granted,
       granted - lot.held - used + restored - expired - clawed - adjusted - repaid AS made
FROM saleor_retention_lot AS lot
JOIN saleor_retention_account AS account ON account.id = lot.account_id
WHERE (%(program_id)s::bigint IS NULL OR account.program_id = %(program_id)s)
  AND (
    lot.remaining < 0 OR lot.remaining > lot.granted OR lot.held < 0
    OR lot.remaining <>
       granted - lot.held - used + restored - expired - clawed - adjusted - repaid
)
ORDER BY lot.id
