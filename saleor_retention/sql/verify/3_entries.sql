-- Lots whose columns are not the sums of their entries by book (see functions/post.sql).
SELECT lot.id, col.name, col.kept, col.made
FROM saleor_retention_lot AS lot
JOIN saleor_retention_account AS account ON account.id = lot.account_id
LEFT JOIN (
    SELECT entry.lot_id,
           coalesce(sum(points) FILTER (WHERE book IN ('available', 'pending')), 0) AS remaining,
           coalesce(sum(points) FILTER (WHERE book = 'held'), 0) AS held,
           coalesce(sum(greatest(points, 0)) FILTER (WHERE book = 'redeemed'), 0) AS used,
           coalesce(sum(greatest(-points, 0)) FILTER (WHERE book = 'redeemed'), 0) AS restored,
           coalesce(sum(points) FILTER (WHERE book = 'breakage'), 0) AS expired,
           coalesce(sum(points) FILTER (WHERE book = 'clawback'), 0) AS clawed,
           coalesce(sum(points) FILTER (WHERE book = 'adjustment'), 0) AS adjusted,
           coalesce(sum(points) FILTER (WHERE book = 'deficit'), 0) AS repaid
    FROM saleor_retention_entry AS entry
    WHERE entry.lot_id IS NOT NULL
    GROUP BY entry.lot_id
) AS replay ON replay.lot_id = lot.id
CROSS JOIN LATERAL (
    VALUES ('remaining', lot.remaining, replay.remaining),
           ('held', lot.held, replay.held),
           ('used', lot.used, replay.used),
           ('restored', lot.restored, replay.restored),
           ('expired', lot.expired, replay.expired),
           ('clawed', lot.clawed, replay.clawed),
           ('adjusted', lot.adjusted, replay.adjusted),
           ('repaid', lot.repaid, replay.repaid)
) AS col (name, kept, made)
WHERE (%(program_id)s::bigint IS NULL OR account.program_id = %(program_id)s)
  AND col.kept IS DISTINCT FROM coalesce(col.made, 0)
ORDER BY lot.id, col.name
