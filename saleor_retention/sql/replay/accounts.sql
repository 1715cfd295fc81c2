-- Members' balances as their entries make them (selectors.replaying compares and repairs).
SELECT account.id, account.id AS account_id, account.member_number AS name, made.*
FROM saleor_retention_account AS account
CROSS JOIN LATERAL (
    SELECT coalesce(sum(points) FILTER (WHERE book = 'available'), 0)::bigint AS available,
           coalesce(sum(points) FILTER (WHERE book = 'pending'), 0)::bigint AS pending,
           coalesce(sum(points) FILTER (WHERE book = 'held'), 0)::bigint AS held,
           -coalesce(sum(points) FILTER (WHERE book = 'deficit'), 0)::bigint AS deficit
    FROM saleor_retention_entry AS entry
    WHERE entry.account_id = account.id
) AS made
WHERE account.id BETWEEN %(first_id)s AND %(last_id)s
  AND (%(ids)s::bigint[] IS NULL OR account.id = ANY(%(ids)s::bigint[]))
  AND (%(program_id)s::bigint IS NULL OR account.program_id = %(program_id)s)
