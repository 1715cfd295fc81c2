-- Postings, one or many: transactions, entries, lots and kept balances. Called by services.ledger.posting
-- and services.ledger.posting_batch, which hold the accounts' locks. A function, because planning this
-- took longer than doing it, and PostgreSQL keeps its plans.
--
-- Rows come as one array for each column, which is read faster than documents are. They count from 1
-- in the order they come: a leg names its posting by place, and in p_refs its lot by id or, where it
-- is opened here, by its place among the lots with a minus. Ids are drawn in that order. Where a key
-- is taken nothing else is done: has_all is false, transaction_ids are those of the other postings,
-- and the caller undoes them. balances are those of the first account: of use where there is one.
--
-- The plan that is made while tables are small must not read them from end to end when they are not.
CREATE OR REPLACE FUNCTION saleor_retention_post(
    p_recorded_at timestamptz,
    p_programs bigint[], p_accounts bigint[], p_kinds text[], p_keys text[], p_hashes text[],
    p_effective_at timestamptz[], p_order_refs text[], p_rule_keys text[], p_causes text[],
    p_actor_refs text[], p_versions bigint[], p_notes bigint[],
    p_lot_accounts bigint[], p_lot_parents bigint[], p_lot_order_refs text[],
    p_lot_opened_at timestamptz[], p_lot_valid_from timestamptz[], p_lot_expires_at timestamptz[],
    p_places integer[], p_books text[], p_refs bigint[], p_points bigint[]
)
RETURNS TABLE (has_all boolean, transaction_ids bigint[], lot_ids bigint[], balances bigint[])
LANGUAGE plpgsql VOLATILE SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
#variable_conflict use_column
DECLARE
    v_ids bigint[];
    v_fresh bigint[] := '{}';
    v_balances bigint[];
BEGIN
    WITH posted AS (
        INSERT INTO saleor_retention_transaction (
            program_id, account_id, kind, key, content_hash, recorded_at, effective_at,
            order_ref, rule_key, cause, actor_ref, version_id, note_id
        )
        SELECT program_id, account_id, kind, key, content_hash, p_recorded_at, effective_at,
               order_ref, rule_key, cause, actor_ref, version_id, note_id
        FROM unnest(
            p_programs, p_accounts, p_kinds, p_keys, p_hashes, p_effective_at, p_order_refs,
            p_rule_keys, p_causes, p_actor_refs, p_versions, p_notes
        ) AS posting (
            program_id, account_id, kind, key, content_hash, effective_at, order_ref,
            rule_key, cause, actor_ref, version_id, note_id
        )
        ON CONFLICT (program_id, key) DO NOTHING
        RETURNING id
    )
    SELECT array_agg(id ORDER BY id) INTO v_ids FROM posted;
    IF cardinality(p_keys) > coalesce(cardinality(v_ids), 0) THEN
        RETURN QUERY SELECT false, coalesce(v_ids, '{}'), v_fresh, v_balances;
        RETURN;
    END IF;

    IF cardinality(p_lot_accounts) > 0 THEN
        WITH opened AS (
            INSERT INTO saleor_retention_lot (
                account_id, parent_id, order_ref, opened_at, valid_from, expires_at, is_pending,
                granted, held, used, restored, expired, clawed, adjusted, repaid, remaining
            )
            SELECT lot.account_id, lot.parent_id, lot.order_ref, lot.opened_at, lot.valid_from,
                   lot.expires_at, coalesce(moved.is_pending, false),
                   moved.remaining + moved.held + moved.used - moved.restored + moved.expired
                       + moved.clawed + moved.adjusted + moved.repaid,
                   moved.held, moved.used, moved.restored, moved.expired, moved.clawed,
                   moved.adjusted, moved.repaid, moved.remaining
            FROM unnest(
                p_lot_accounts, p_lot_parents, p_lot_order_refs, p_lot_opened_at,
                p_lot_valid_from, p_lot_expires_at
            ) WITH ORDINALITY AS lot (
                account_id, parent_id, order_ref, opened_at, valid_from, expires_at, place
            )
            JOIN saleor_retention_moved(p_places, p_books, p_refs, p_points) AS moved
              ON moved.lot_id = -lot.place
            ORDER BY lot.place
            RETURNING id
        )
        SELECT array_agg(id ORDER BY id) INTO v_fresh FROM opened;
    END IF;
    IF 0 < ANY (p_refs) THEN
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
        FROM saleor_retention_moved(p_places, p_books, p_refs, p_points) AS moved
        WHERE lot.id = moved.lot_id;
    END IF;

    INSERT INTO saleor_retention_entry (transaction_id, book, account_id, lot_id, points)
    SELECT v_ids[place], book,
           CASE WHEN book IN ('available', 'pending', 'held', 'deficit')
                THEN p_accounts[place] END,
           CASE WHEN ref < 0 THEN v_fresh[-ref] ELSE ref END, points
    FROM unnest(p_places, p_books, p_refs, p_points) AS leg (place, book, ref, points);

    WITH change AS (
        SELECT account_id,
               coalesce(sum(points) FILTER (WHERE book = 'available'), 0) AS available,
               coalesce(sum(points) FILTER (WHERE book = 'pending'), 0) AS pending,
               coalesce(sum(points) FILTER (WHERE book = 'held'), 0) AS held,
               coalesce(sum(points) FILTER (WHERE book = 'deficit'), 0) AS deficit,
               max(activity_at) AS activity_at
        FROM (
            SELECT p_accounts[place] AS account_id, book, points, NULL::timestamptz AS activity_at
            FROM unnest(p_places, p_books, p_points) AS leg (place, book, points)
            UNION ALL
            SELECT account_id, NULL, 0, effective_at
            FROM unnest(p_accounts, p_kinds, p_effective_at)
                 AS posting (account_id, kind, effective_at)
            WHERE kind IN ('earn', 'capture')
        ) AS part
        GROUP BY account_id
    ),
    changed AS (
        UPDATE saleor_retention_account AS account
        SET available = account.available + change.available,
            pending = account.pending + change.pending,
            held = account.held + change.held,
            deficit = account.deficit - change.deficit,
            last_activity_at = greatest(account.last_activity_at, change.activity_at)
        FROM change
        WHERE account.id = change.account_id
        RETURNING account.available, account.pending, account.held, account.deficit
    )
    SELECT ARRAY[available, pending, held, deficit] INTO v_balances FROM changed LIMIT 1;
    RETURN QUERY SELECT true, v_ids, v_fresh, v_balances;
END $$;
