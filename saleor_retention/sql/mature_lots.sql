-- Post the maturing that is due on these lots: one transaction for each, dated at its instant.
-- The caller has locked their accounts, none of which owes points (a deficit would be repaid
-- first). Twin of services.ledger.posting.catch_up; tests hold the two equal.
-- Each table is told the ids itself: so no plan, whatever the statistics say, reads a whole one.
WITH due AS (
    SELECT lot.id, lot.account_id, lot.order_ref, lot.remaining, lot.valid_from,
           account.program_id, format('mature:%%s', lot.id) AS key
    FROM saleor_retention_lot AS lot
    JOIN saleor_retention_account AS account ON account.id = lot.account_id
    WHERE lot.id = ANY(%(lot_ids)s::bigint[]) AND account.id = ANY(%(account_ids)s::bigint[])
      AND lot.remaining > 0 AND lot.is_pending AND lot.valid_from <= %(now)s
),
posted AS (
    INSERT INTO saleor_retention_transaction (
        program_id, account_id, kind, key, content_hash, recorded_at, effective_at,
        order_ref, rule_key, cause, actor_ref
    )
    SELECT program_id, account_id, 'mature', key,
           encode(sha256(convert_to(
               format('mature|%%s|%%s||available:%%s:%%s,pending:-%%s:%%s',
                      account_id, order_ref, remaining, id, remaining, id),
               'UTF8')), 'hex'),
           %(now)s, valid_from, order_ref, '', 'time:mature', ''
    FROM due
    ORDER BY valid_from, id
    RETURNING id, program_id, key
),
entries AS (
    INSERT INTO saleor_retention_entry (transaction_id, book, account_id, lot_id, points)
    SELECT posted.id, leg.book, due.account_id, due.id, leg.sign * due.remaining
    FROM posted
    JOIN due USING (program_id, key)
    CROSS JOIN (VALUES ('pending', -1), ('available', 1)) AS leg (book, sign)
),
lots AS (
    UPDATE saleor_retention_lot AS lot SET is_pending = false
    FROM due
    WHERE lot.id = due.id AND lot.id = ANY(%(lot_ids)s::bigint[])
),
balances AS (
    UPDATE saleor_retention_account AS account
    SET pending = account.pending - sums.points, available = account.available + sums.points
    FROM (SELECT account_id, sum(remaining) AS points FROM due GROUP BY account_id) AS sums
    WHERE account.id = sums.account_id AND account.id = ANY(%(account_ids)s::bigint[])
)
SELECT count(*) FROM posted
