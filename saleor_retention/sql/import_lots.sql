-- Book a batch of imported rows: a transaction, a lot and its entries for each, and the balances.
-- The caller has locked the accounts and says what of a row repays a deficit. A key that is taken
-- fails the statement. Twin of services.importing._post; a test holds the two equal.
WITH wanted AS (
    SELECT nextval(pg_get_serial_sequence('saleor_retention_lot', 'id')) AS lot_id,
           CASE
               WHEN row.note <> ''
               THEN nextval(pg_get_serial_sequence('saleor_retention_note', 'id'))
           END AS note_id,
           row.*
    FROM jsonb_to_recordset(%(rows)s::jsonb) AS row (
        position int, account_id bigint, key text, content_hash text, note text, points bigint,
        repaid bigint, is_pending boolean, opened_at timestamptz, valid_from timestamptz,
        expires_at timestamptz
    )
),
notes AS (
    INSERT INTO saleor_retention_note (id, text)
    SELECT note_id, note FROM wanted WHERE note_id IS NOT NULL
),
posted AS (
    INSERT INTO saleor_retention_transaction (
        program_id, account_id, kind, key, content_hash, recorded_at, effective_at,
        order_ref, rule_key, cause, actor_ref, version_id, note_id
    )
    SELECT %(program_id)s, account_id, 'grant', key, content_hash, %(now)s, %(now)s,
           '', %(rule_key)s, %(cause)s, '', %(version_id)s, note_id
    FROM wanted
    ORDER BY position
    RETURNING id, key
),
entries AS (
    INSERT INTO saleor_retention_entry (transaction_id, book, account_id, lot_id, points)
    SELECT posted.id, leg.book, leg.account_id, leg.lot_id, leg.points
    FROM posted
    JOIN wanted USING (key)
    CROSS JOIN LATERAL (
        VALUES ('issuance', NULL, NULL, -wanted.points),
               ('deficit', wanted.account_id, wanted.lot_id, wanted.repaid),
               (CASE WHEN wanted.is_pending THEN 'pending' ELSE 'available' END,
                wanted.account_id, wanted.lot_id, wanted.points - wanted.repaid)
    ) AS leg (book, account_id, lot_id, points)
    WHERE leg.points <> 0
),
lots AS (
    INSERT INTO saleor_retention_lot (
        id, account_id, order_ref, opened_at, valid_from, expires_at, is_pending,
        granted, held, used, restored, expired, clawed, adjusted, repaid, remaining
    )
    SELECT lot_id, account_id, '', opened_at, valid_from, expires_at, is_pending,
           points, 0, 0, 0, 0, 0, 0, repaid, points - repaid
    FROM wanted
),
balances AS (
    UPDATE saleor_retention_account AS account
    SET available = account.available + sums.available,
        pending = account.pending + sums.pending,
        deficit = account.deficit - sums.repaid
    FROM (
        SELECT account_id,
               coalesce(sum(points - repaid) FILTER (WHERE NOT is_pending), 0) AS available,
               coalesce(sum(points) FILTER (WHERE is_pending), 0) AS pending,
               sum(repaid) AS repaid
        FROM wanted GROUP BY account_id
    ) AS sums
    WHERE account.id = sums.account_id
)
SELECT count(*) FROM posted
