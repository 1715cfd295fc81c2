-- Post the breakage that is due on these lots: one transaction for each, dated at its instant; returns
-- how many. The caller has locked their accounts and posted what matures on them (mature_lots.sql).
-- Twin of services.ledger.posting.catch_up; tests hold the two equal. A function, so that PostgreSQL
-- keeps its plans; they look every row up by its id, however small the tables were when they were made.
-- Ids are drawn in the order of the rows: by them a posting finds its lot.
CREATE OR REPLACE FUNCTION saleor_retention_expire_lots(p_lot_ids bigint[], p_now timestamptz)
RETURNS bigint
LANGUAGE plpgsql VOLATILE SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
DECLARE
    v_lots bigint[];
    v_accounts bigint[];
    v_programs bigint[];
    v_order_refs text[];
    v_points bigint[];
    v_expired bigint[];
    v_books text[];
    v_at timestamptz[];
    v_ids bigint[];
BEGIN
    SELECT array_agg(due.id), array_agg(due.account_id), array_agg(due.program_id),
           array_agg(due.order_ref), array_agg(due.remaining), array_agg(due.expired),
           array_agg(due.book), array_agg(due.expires_at)
    INTO v_lots, v_accounts, v_programs, v_order_refs, v_points, v_expired, v_books, v_at
    FROM (
        SELECT lot.id, lot.account_id, account.program_id, lot.order_ref, lot.remaining,
               lot.expired, lot.expires_at,
               CASE WHEN lot.is_pending THEN 'pending' ELSE 'available' END AS book
        FROM saleor_retention_lot AS lot
        JOIN saleor_retention_account AS account ON account.id = lot.account_id
        WHERE lot.id = ANY(p_lot_ids) AND lot.remaining > 0 AND lot.expires_at <= p_now
        ORDER BY lot.expires_at, lot.id
    ) AS due;
    IF v_lots IS NULL THEN
        RETURN 0;
    END IF;

    WITH posted AS (
        INSERT INTO saleor_retention_transaction (
            program_id, account_id, kind, key, content_hash, recorded_at, effective_at,
            order_ref, rule_key, cause, actor_ref
        )
        SELECT program_id, account_id, 'expire', format('expire:%s:%s', lot_id, expired),
               encode(sha256(convert_to(
                   CASE book
                       WHEN 'pending' THEN
                           format('expire|%s|%s||breakage:%s:%s,pending:-%s:%s',
                                  account_id, order_ref, points, lot_id, points, lot_id)
                       ELSE
                           format('expire|%s|%s||available:-%s:%s,breakage:%s:%s',
                                  account_id, order_ref, points, lot_id, points, lot_id)
                   END,
                   'UTF8')), 'hex'),
               p_now, at, order_ref, '', 'time:expire', ''
        FROM unnest(
            v_lots, v_accounts, v_programs, v_order_refs, v_points, v_expired, v_books, v_at
        ) WITH ORDINALITY AS due (
            lot_id, account_id, program_id, order_ref, points, expired, book, at, place
        )
        ORDER BY place
        RETURNING id
    )
    SELECT array_agg(id ORDER BY id) INTO v_ids FROM posted;

    INSERT INTO saleor_retention_entry (transaction_id, book, account_id, lot_id, points)
    SELECT posted.id, leg.book, leg.account_id, posted.lot_id, leg.points
    FROM unnest(v_ids, v_lots, v_accounts, v_points, v_books)
        AS posted (id, lot_id, account_id, points, book)
    CROSS JOIN LATERAL (
        VALUES (posted.book, posted.account_id, -posted.points), ('breakage', NULL, posted.points)
    ) AS leg (book, account_id, points);

    UPDATE saleor_retention_lot AS lot
    SET expired = lot.expired + lot.remaining, remaining = 0
    WHERE lot.id = ANY(v_lots);

    UPDATE saleor_retention_account AS account
    SET available = account.available - sums.available, pending = account.pending - sums.pending
    FROM (
        SELECT account_id,
               coalesce(sum(points) FILTER (WHERE book = 'available'), 0) AS available,
               coalesce(sum(points) FILTER (WHERE book = 'pending'), 0) AS pending
        FROM unnest(v_accounts, v_points, v_books) AS due (account_id, points, book)
        GROUP BY account_id
    ) AS sums
    WHERE account.id = sums.account_id;

    RETURN cardinality(v_ids);
END $$;
