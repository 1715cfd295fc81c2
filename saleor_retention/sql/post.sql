-- One posting in one statement: transaction, entries, lots and kept balances, or nothing at all
-- where the key is taken. Called by services.posting.post, which holds the account's lock.
--
-- A lot's columns are the sums of its entries by book; what no column of a lot explains is granted
-- (issued, returned to a child lot, moved from a shadow). A new lot is named by its slot; its id
-- comes from the sequence, so that its entries can name it in the same statement.
WITH posted AS (
    INSERT INTO saleor_retention_transaction (
        program_id, account_id, kind, key, content_hash, recorded_at, effective_at,
        order_ref, rule_key, cause, actor_ref, version_id, note_id
    )
    VALUES (
        %(program_id)s, %(account_id)s, %(kind)s, %(key)s, %(content_hash)s, %(recorded_at)s,
        %(effective_at)s, %(order_ref)s, %(rule_key)s, %(cause)s, %(actor_ref)s, %(version_id)s,
        %(note_id)s
    )
    ON CONFLICT (program_id, key) DO NOTHING
    RETURNING id
),
fresh AS (
    SELECT nextval(pg_get_serial_sequence('saleor_retention_lot', 'id')) AS id, lot.*
    FROM posted,
         jsonb_to_recordset(%(lots)s::jsonb) AS lot (
             slot int, parent_id bigint, order_ref text, opened_at timestamptz,
             valid_from timestamptz, expires_at timestamptz
         )
),
leg AS (
    SELECT coalesce(leg.lot_id, fresh.id) AS lot_id, leg.book, leg.points, leg.is_member
    FROM posted
    CROSS JOIN jsonb_to_recordset(%(legs)s::jsonb) AS leg (
        lot_id bigint, slot int, book text, points bigint, is_member boolean
    )
    LEFT JOIN fresh ON fresh.slot = leg.slot
),
entries AS (
    INSERT INTO saleor_retention_entry (transaction_id, book, account_id, lot_id, points)
    SELECT posted.id, leg.book, CASE WHEN leg.is_member THEN %(account_id)s::bigint END,
           leg.lot_id, leg.points
    FROM posted, leg
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
           coalesce(sum(points) FILTER (WHERE book = 'deficit'), 0) AS repaid,
           CASE
               WHEN bool_or(book = 'pending' AND points > 0) THEN true
               WHEN bool_or(book = 'available' AND points > 0) THEN false
           END AS is_pending
    FROM leg
    WHERE lot_id IS NOT NULL
    GROUP BY lot_id
),
opened AS (
    INSERT INTO saleor_retention_lot (
        id, account_id, parent_id, order_ref, opened_at, valid_from, expires_at, is_pending,
        granted, held, used, restored, expired, clawed, adjusted, repaid, remaining
    )
    SELECT fresh.id, %(account_id)s, fresh.parent_id, fresh.order_ref, fresh.opened_at,
           fresh.valid_from, fresh.expires_at, coalesce(moved.is_pending, false),
           remaining + held + used - restored + expired + clawed + adjusted + repaid,
           held, used, restored, expired, clawed, adjusted, repaid, remaining
    FROM fresh JOIN moved ON moved.lot_id = fresh.id
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
        is_pending = coalesce(moved.is_pending, lot.is_pending)
    FROM moved
    WHERE lot.id = moved.lot_id
),
balances AS (
    UPDATE saleor_retention_account AS account
    SET available = account.available + %(available)s,
        pending = account.pending + %(pending)s,
        held = account.held + %(held)s,
        deficit = account.deficit + %(deficit)s,
        last_activity_at = greatest(account.last_activity_at, %(activity_at)s::timestamptz)
    FROM posted
    WHERE account.id = %(account_id)s
    RETURNING account.available, account.pending, account.held, account.deficit,
              account.last_activity_at
)
SELECT posted.id, balances.*,
       (SELECT coalesce(jsonb_object_agg(fresh.slot, fresh.id), '{}') FROM fresh)
FROM posted, balances
