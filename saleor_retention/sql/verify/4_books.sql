-- Members whose kept balances are not what their lots hold, by state.
SELECT account.member_number, col.book, col.kept, col.made
FROM saleor_retention_account AS account
CROSS JOIN LATERAL (
    SELECT coalesce(sum(remaining) FILTER (WHERE NOT is_pending), 0) AS available,
           coalesce(sum(remaining) FILTER (WHERE is_pending), 0) AS pending,
           coalesce(sum(lot.held), 0) AS held
    FROM saleor_retention_lot AS lot WHERE lot.account_id = account.id
) AS lots
CROSS JOIN LATERAL (
    VALUES ('AVAILABLE', account.available, lots.available),
           ('PENDING', account.pending, lots.pending),
           ('HELD', account.held, lots.held)
) AS col (book, kept, made)
WHERE (%(program_id)s::bigint IS NULL OR account.program_id = %(program_id)s)
  AND col.kept <> col.made
ORDER BY account.id, col.book
