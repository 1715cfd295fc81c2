-- Post the breakage that is due on these lots: one transaction for each, dated at its instant.
-- The caller has locked their accounts and posted what matures on them (mature_lots.sql).
-- Twin of services.ledger.posting.catch_up; tests hold the two equal.
-- Each table is told the ids itself: so no plan, whatever the statistics say, reads a whole one.
WITH due AS (
    SELECT lot.id, lot.account_id, lot.order_ref, lot.remaining, lot.expires_at,
           CASE WHEN lot.is_pending THEN 'pending' ELSE 'available' END AS book,
           account.program_id, format('expire:%%s:%%s', lot.id, lot.expired) AS key
    FROM saleor_retention_lot AS lot
    JOIN saleor_retention_account AS account ON account.id = lot.account_id
    WHERE lot.id = ANY(%(lot_ids)s::bigint[]) AND account.id = ANY(%(account_ids)s::bigint[])
      AND lot.remaining > 0 AND lot.expires_at <= %(now)s
),
posted AS (
    INSERT INTO saleor_retention_transaction (
        program_id, account_id, kind, key, content_hash, recorded_at, effective_at,
        order_ref, rule_key, cause, actor_ref
    )
    SELECT program_id, account_id, 'expire', key,
           encode(sha256(convert_to(
               CASE book
                   WHEN 'pending' THEN
                       format('expire|%%s|%%s||breakage:%%s:%%s,pending:-%%s:%%s',
                              account_id, order_ref, remaining, id, remaining, id)
                   ELSE
                       format('expire|%%s|%%s||available:-%%s:%%s,breakage:%%s:%%s',
                              account_id, order_ref, remaining, id, remaining, id)
               END,
               'UTF8')), 'hex'),
           %(now)s, expires_at, order_ref, '', 'time:expire', ''
    FROM due
    ORDER BY expires_at, id
    RETURNING id, program_id, key
),
entries AS (
    INSERT INTO saleor_retention_entry (transaction_id, book, account_id, lot_id, points)
    SELECT posted.id, leg.book, leg.account_id, due.id, leg.points
    FROM posted
    JOIN due USING (program_id, key)
    CROSS JOIN LATERAL (
        VALUES (due.book, due.account_id, -due.remaining), ('breakage', NULL, due.remaining)
    ) AS leg (book, account_id, points)
),
lots AS (
    UPDATE saleor_retention_lot AS lot
    SET expired = lot.expired + lot.remaining, remaining = 0
    FROM due
    WHERE lot.id = due.id AND lot.id = ANY(%(lot_ids)s::bigint[])
),
balances AS (
    UPDATE saleor_retention_account AS account
    SET available = account.available - sums.available, pending = account.pending - sums.pending
    FROM (
        SELECT account_id,
               coalesce(sum(remaining) FILTER (WHERE book = 'available'), 0) AS available,
               coalesce(sum(remaining) FILTER (WHERE book = 'pending'), 0) AS pending
        FROM due GROUP BY account_id
    ) AS sums
    WHERE account.id = sums.account_id AND account.id = ANY(%(account_ids)s::bigint[])
)
SELECT count(*) FROM posted
