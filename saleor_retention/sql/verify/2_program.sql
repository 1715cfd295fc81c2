-- Programs whose books and members' kept balances do not sum to zero.
SELECT program.slug, members.points AS members, books.points AS books,
       members.points + books.points AS points
FROM saleor_retention_program AS program
CROSS JOIN LATERAL (
    SELECT coalesce(sum(available + pending + held - deficit), 0) AS points
    FROM saleor_retention_account AS account WHERE account.program_id = program.id
) AS members
CROSS JOIN LATERAL (
    SELECT coalesce(sum(entry.points), 0) AS points
    FROM saleor_retention_entry AS entry
    JOIN saleor_retention_transaction AS transaction
      ON transaction.id = entry.transaction_id
    WHERE transaction.program_id = program.id AND entry.account_id IS NULL
) AS books
WHERE (%(program_id)s::bigint IS NULL OR program.id = %(program_id)s)
  AND members.points + books.points <> 0
ORDER BY program.slug
