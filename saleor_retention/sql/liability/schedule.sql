-- What members of a program have in lots, by the month in which it dies (null: never). Lots on which
-- something is due by time and not posted yet count with what is held of them only: the caller adds
-- what time leaves of them (selectors.due). Twin of engine.liability.parts_of; tests hold the two
-- equal.
SELECT width_bucket(open.expires_at - interval '1 microsecond', %(bounds)s::timestamptz[]) AS place,
       sum(CASE WHEN open.is_due OR open.is_pending THEN 0 ELSE open.remaining END)::bigint,
       sum(CASE WHEN open.is_pending AND NOT open.is_due THEN open.remaining ELSE 0 END)::bigint,
       sum(open.held)::bigint
FROM (
    SELECT lot.expires_at, lot.remaining, lot.held, lot.is_pending,
           coalesce(lot.expires_at <= %(now)s, false)
           OR (lot.is_pending AND coalesce(lot.valid_from <= %(now)s, false)) AS is_due
    FROM saleor_retention_lot AS lot
    JOIN saleor_retention_account AS account ON account.id = lot.account_id
    WHERE account.program_id = %(program_id)s AND (lot.remaining > 0 OR lot.held > 0)
) AS open
GROUP BY 1
