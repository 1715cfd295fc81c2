-- Post the maturing that is due on these lots: one transaction for each, dated at its instant; returns
-- how many. The caller has locked their accounts, none of which owes points (a deficit would be repaid
-- first). Twin of services.ledger.posting.catch_up; tests hold the two equal. Made like expire_due.sql.
CREATE OR REPLACE FUNCTION saleor_retention_mature_lots(p_lot_ids bigint[], p_now timestamptz)
RETURNS bigint
LANGUAGE plpgsql VOLATILE SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
DECLARE
    v_lots bigint[];
    v_accounts bigint[];
    v_programs bigint[];
    v_order_refs text[];
    v_points bigint[];
    v_at timestamptz[];
    v_ids bigint[];
BEGIN
    SELECT array_agg(due.id), array_agg(due.account_id), array_agg(due.program_id),
           array_agg(due.order_ref), array_agg(due.remaining), array_agg(due.valid_from)
    INTO v_lots, v_accounts, v_programs, v_order_refs, v_points, v_at
    FROM (
        SELECT lot.id, lot.account_id, account.program_id, lot.order_ref, lot.remaining,
               lot.valid_from
        FROM saleor_retention_lot AS lot
        JOIN saleor_retention_account AS account ON account.id = lot.account_id
        WHERE lot.id = ANY(p_lot_ids) AND lot.remaining > 0 AND lot.is_pending
          AND lot.valid_from <= p_now
        ORDER BY lot.valid_from, lot.id
    ) AS due;
    IF v_lots IS NULL THEN
        RETURN 0;
    END IF;

    WITH posted AS (
        INSERT INTO saleor_retention_transaction (
            program_id, account_id, kind, key, content_hash, recorded_at, effective_at,
            order_ref, rule_key, cause, actor_ref
        )
        SELECT program_id, account_id, 'mature', format('mature:%s', lot_id),
               encode(sha256(convert_to(
                   format('mature|%s|%s||available:%s:%s,pending:-%s:%s',
                          account_id, order_ref, points, lot_id, points, lot_id),
                   'UTF8')), 'hex'),
               p_now, at, order_ref, '', 'time:mature', ''
        FROM unnest(v_lots, v_accounts, v_programs, v_order_refs, v_points, v_at)
            WITH ORDINALITY AS due (lot_id, account_id, program_id, order_ref, points, at, place)
        ORDER BY place
        RETURNING id
    )
    SELECT array_agg(id ORDER BY id) INTO v_ids FROM posted;

    INSERT INTO saleor_retention_entry (transaction_id, book, account_id, lot_id, points)
    SELECT posted.id, leg.book, posted.account_id, posted.lot_id, leg.sign * posted.points
    FROM unnest(v_ids, v_lots, v_accounts, v_points) AS posted (id, lot_id, account_id, points)
    CROSS JOIN (VALUES ('pending', -1), ('available', 1)) AS leg (book, sign);

    UPDATE saleor_retention_lot AS lot SET is_pending = false WHERE lot.id = ANY(v_lots);

    UPDATE saleor_retention_account AS account
    SET pending = account.pending - sums.points, available = account.available + sums.points
    FROM (
        SELECT account_id, sum(points) AS points
        FROM unnest(v_accounts, v_points) AS due (account_id, points)
        GROUP BY account_id
    ) AS sums
    WHERE account.id = sums.account_id;

    RETURN cardinality(v_ids);
END $$;
