-- Members whose kept balances are not the sums of their entries.
SELECT account.member_number, col.book, col.kept, col.made
FROM saleor_retention_account AS account
LEFT JOIN (
    SELECT entry.account_id,
           coalesce(sum(points) FILTER (WHERE book = 'available'), 0) AS available,
           coalesce(sum(points) FILTER (WHERE book = 'pending'), 0) AS pending,
           coalesce(sum(points) FILTER (WHERE book = 'held'), 0) AS held,
           -coalesce(sum(points) FILTER (WHERE book = 'deficit'), 0) AS deficit
    FROM saleor_retention_entry AS entry
    WHERE entry.account_id IS NOT NULL
    GROUP BY entry.account_id
) AS replay ON replay.account_id = account.id
CROSS JOIN LATERAL (
    VALUES ('AVAILABLE', account.available, replay.available),
           ('PENDING', account.pending, replay.pending),
           ('HELD', account.held, replay.held),
           ('DEFICIT', account.deficit, replay.deficit)
) AS col (book, kept, made)
WHERE (%(program_id)s::bigint IS NULL OR account.program_id = %(program_id)s)
  AND col.kept <> coalesce(col.made, 0)
ORDER BY account.id, col.book
