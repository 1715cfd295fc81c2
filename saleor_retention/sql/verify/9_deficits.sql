-- Members who have points available and owe some.
SELECT account.member_number, account.available, account.deficit
FROM saleor_retention_account AS account
WHERE (%(program_id)s::bigint IS NULL OR account.program_id = %(program_id)s)
  AND account.available > 0 AND account.deficit > 0
ORDER BY account.id
