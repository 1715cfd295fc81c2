-- Many postings in one statement: transactions, entries, lots and kept balances. Twin of post.sql,
-- and called by services.posting_batch, which holds the accounts' locks and has left out the keys
-- that were there. A key that somebody else has taken since is not inserted: the caller sees that
-- fewer were posted than asked for and undoes all of it.
--
-- Rows come in the order of the postings; ids are drawn from the sequences first, so that entries
-- can name transactions and lots that are made by the same statement.
WITH asked AS (
    SELECT nextval((SELECT pg_get_serial_sequence('saleor_retention_transaction', 'id'))::regclass)
               AS id,
           posting.*
    FROM jsonb_to_recordset(%(postings)s::jsonb) AS posting (
        place int, program_id bigint, account_id bigint, kind text, key text, content_hash text,
        effective_at timestamptz, order_ref text, rule_key text, cause text, actor_ref text,
        version_id bigint, note_id bigint
    )
),
posted AS (
    INSERT INTO saleor_retention_transaction (
        id, program_id, account_id, kind, key, content_hash, recorded_at, effective_at,
        order_ref, rule_key, cause, actor_ref, version_id, note_id
    )
    SELECT id, program_id, account_id, kind, key, content_hash, %(recorded_at)s, effective_at,
           order_ref, rule_key, cause, actor_ref, version_id, note_id
    FROM asked
    ON CONFLICT (program_id, key) DO NOTHING
    RETURNING id
),
fresh AS (
    SELECT nextval((SELECT pg_get_serial_sequence('saleor_retention_lot', 'id'))::regclass) AS id,
           lot.*
    FROM jsonb_to_recordset(%(lots)s::jsonb) AS lot (
        slot int, account_id bigint, parent_id bigint, order_ref text, opened_at timestamptz,
        valid_from timestamptz, expires_at timestamptz
    )
),
leg AS (
    SELECT asked.id AS transaction_id, asked.account_id, coalesce(leg.lot_id, fresh.id) AS lot_id,
           leg.book, leg.points, leg.is_member
    FROM jsonb_to_recordset(%(legs)s::jsonb) AS leg (
        place int, lot_id bigint, slot int, book text, points bigint, is_member boolean
    )
    JOIN asked ON asked.place = leg.place
    LEFT JOIN fresh ON fresh.slot = leg.slot
),
entries AS (
    INSERT INTO saleor_retention_entry (transaction_id, book, account_id, lot_id, points)
    SELECT transaction_id, book, CASE WHEN is_member THEN account_id END, lot_id, points
    FROM leg
),
moved AS (
    SELECT lot_id,
           coalesce(sum(points) FILTER (WHERE book IN ('available', 'pending')), 0) AS remaining,
           coalesce(sum(points) FILTER (WHERE book = 'held'), 0) AS held,
           coalesce(sum(greatest(points, 0)) FILTER (WHERE book = 'redeemed'), 0) AS used,
           coalesce(sum(greatest(-points, 0)) FILTER (WHERE book = 'redeemed'), 0) AS restored,
           coalesce(sum(points) FILTER (WHERE book = 'breakage'), 0) AS expired,
           coalesce(sum(points) FILTER (WHERE book = 'clawback'), 0) AS clawed,
           coalesce(sum(points) FILTER (WHERE book = 'adjustment'), 0) AS adjusted,
           coalesce(sum(points) FILTER (WHERE book = 'deficit'), 0) AS repaid
    FROM leg
    WHERE lot_id IS NOT NULL
    GROUP BY lot_id
),
-- The last posting that brings points to a lot says which book holds them.
turned AS (
    SELECT DISTINCT ON (lot_id) lot_id, is_pending
    FROM (
        SELECT lot_id, transaction_id, bool_or(book = 'pending') AS is_pending
        FROM leg
        WHERE lot_id IS NOT NULL AND book IN ('available', 'pending') AND points > 0
        GROUP BY lot_id, transaction_id
    ) AS brought
    ORDER BY lot_id, transaction_id DESC
),
opened AS (
    INSERT INTO saleor_retention_lot (
        id, account_id, parent_id, order_ref, opened_at, valid_from, expires_at, is_pending,
        granted, held, used, restored, expired, clawed, adjusted, repaid, remaining
    )
    SELECT fresh.id, fresh.account_id, fresh.parent_id, fresh.order_ref, fresh.opened_at,
           fresh.valid_from, fresh.expires_at, coalesce(turned.is_pending, false),
           remaining + held + used - restored + expired + clawed + adjusted + repaid,
           held, used, restored, expired, clawed, adjusted, repaid, remaining
    FROM fresh
    JOIN moved ON moved.lot_id = fresh.id
    LEFT JOIN turned ON turned.lot_id = fresh.id
),
changed AS (
    UPDATE saleor_retention_lot AS lot
    SET granted = lot.granted + moved.remaining + moved.held + moved.used - moved.restored
                  + moved.expired + moved.clawed + moved.adjusted + moved.repaid,
        held = lot.held + moved.held,
        used = lot.used + moved.used,
        restored = lot.restored + moved.restored,
        expired = lot.expired + moved.expired,
        clawed = lot.clawed + moved.clawed,
        adjusted = lot.adjusted + moved.adjusted,
        repaid = lot.repaid + moved.repaid,
        remaining = lot.remaining + moved.remaining,
        is_pending = coalesce(turned.is_pending, lot.is_pending)
    FROM moved
    LEFT JOIN turned ON turned.lot_id = moved.lot_id
    WHERE lot.id = moved.lot_id
),
balances AS (
    UPDATE saleor_retention_account AS account
    SET available = account.available + change.available,
        pending = account.pending + change.pending,
        held = account.held + change.held,
        deficit = account.deficit + change.deficit,
        last_activity_at = greatest(account.last_activity_at, change.activity_at)
    FROM jsonb_to_recordset(%(accounts)s::jsonb) AS change (
        account_id bigint, available bigint, pending bigint, held bigint, deficit bigint,
        activity_at timestamptz
    )
    WHERE account.id = change.account_id
)
SELECT (SELECT count(*) FROM posted),
       (SELECT array_agg(id ORDER BY place) FROM asked),
       (SELECT coalesce(array_agg(id ORDER BY slot), '{}') FROM fresh)
