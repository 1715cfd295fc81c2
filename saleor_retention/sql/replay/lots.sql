-- Lots' columns as their entries make them, by the rules of functions/post.sql: each column is the sum of a
-- book, what none explains is granted, and the last points that came in say which book has the rest
-- (selectors.replaying compares and repairs).
SELECT lot.id, lot.account_id, lot.id::text AS name,
       made.remaining + made.held + made.used - made.restored + made.expired + made.clawed
       + made.adjusted + made.repaid AS granted,
       made.*, coalesce(latest.is_pending, false) AS is_pending
FROM saleor_retention_lot AS lot
JOIN saleor_retention_account AS account ON account.id = lot.account_id
CROSS JOIN LATERAL (
    SELECT coalesce(
               sum(points) FILTER (WHERE book IN ('available', 'pending')), 0
           )::bigint AS remaining,
           coalesce(sum(points) FILTER (WHERE book = 'held'), 0)::bigint AS held,
           coalesce(sum(points) FILTER (WHERE book = 'redeemed' AND points > 0), 0)::bigint AS used,
           -coalesce(
               sum(points) FILTER (WHERE book = 'redeemed' AND points < 0), 0
           )::bigint AS restored,
           coalesce(sum(points) FILTER (WHERE book = 'breakage'), 0)::bigint AS expired,
           coalesce(sum(points) FILTER (WHERE book = 'clawback'), 0)::bigint AS clawed,
           coalesce(sum(points) FILTER (WHERE book = 'adjustment'), 0)::bigint AS adjusted,
           coalesce(sum(points) FILTER (WHERE book = 'deficit'), 0)::bigint AS repaid
    FROM saleor_retention_entry AS entry
    WHERE entry.lot_id = lot.id
) AS made
LEFT JOIN LATERAL (
    SELECT bool_or(entry.book = 'pending') AS is_pending
    FROM saleor_retention_entry AS entry
    WHERE entry.lot_id = lot.id AND entry.book IN ('available', 'pending') AND entry.points > 0
    GROUP BY entry.transaction_id
    ORDER BY entry.transaction_id DESC
    LIMIT 1
) AS latest ON true
WHERE lot.id BETWEEN %(first_id)s AND %(last_id)s
  AND (%(ids)s::bigint[] IS NULL OR lot.id = ANY(%(ids)s::bigint[]))
  AND (%(program_id)s::bigint IS NULL OR account.program_id = %(program_id)s)
