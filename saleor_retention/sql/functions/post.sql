-- Postings, one or many: transactions, entries, lots and kept balances. Called by services.posting
-- and services.posting_batch, which hold the accounts' locks. A function, because planning this
-- took longer than doing it, and PostgreSQL keeps its plans.
--
-- Rows count from 1 in the order they come: a leg names its posting by ``place``, and its lot by id
-- or, where it is opened here, by ``slot``. Where a key is taken nothing else is done: has_all is
-- false, and the caller undoes what other postings of the batch have written.
CREATE OR REPLACE FUNCTION saleor_retention_post(
    p_recorded_at timestamptz, p_postings jsonb, p_lots jsonb, p_legs jsonb, p_accounts jsonb
)
RETURNS TABLE (has_all boolean, transaction_ids bigint[], lot_ids bigint[], balances jsonb)
LANGUAGE plpgsql VOLATILE SET plan_cache_mode = force_generic_plan AS $$
#variable_conflict use_column
DECLARE
    v_ids bigint[];
    v_taken integer;
    v_fresh bigint[] := '{}';
    v_places integer[];
    v_books text[];
    v_lots bigint[];
    v_points bigint[];
    v_has_old boolean;
    v_balances jsonb;
BEGIN
    v_ids := ARRAY(
        SELECT nextval(pg_get_serial_sequence('saleor_retention_transaction', 'id'))
        FROM generate_series(1, jsonb_array_length(p_postings))
    );
    INSERT INTO saleor_retention_transaction (
        id, program_id, account_id, kind, key, content_hash, recorded_at, effective_at,
        order_ref, rule_key, cause, actor_ref, version_id, note_id
    )
    SELECT v_ids[place], program_id, account_id, kind, key, content_hash, p_recorded_at,
           effective_at, order_ref, rule_key, cause, actor_ref, version_id, note_id
    FROM jsonb_to_recordset(p_postings) AS posting (
        place integer, program_id bigint, account_id bigint, kind text, key text,
        content_hash text, effective_at timestamptz, order_ref text, rule_key text, cause text,
        actor_ref text, version_id bigint, note_id bigint
    )
    ON CONFLICT (program_id, key) DO NOTHING;
    GET DIAGNOSTICS v_taken = ROW_COUNT;
    IF v_taken < cardinality(v_ids) THEN
        RETURN QUERY SELECT false, v_ids, v_fresh, v_balances;
        RETURN;
    END IF;

    IF jsonb_array_length(p_lots) > 0 THEN
        v_fresh := ARRAY(
            SELECT nextval(pg_get_serial_sequence('saleor_retention_lot', 'id'))
            FROM generate_series(1, jsonb_array_length(p_lots))
        );
    END IF;
    SELECT array_agg(leg.place), array_agg(leg.book),
           array_agg(coalesce(leg.lot_id, v_fresh[leg.slot])), array_agg(leg.points),
           bool_or(leg.lot_id IS NOT NULL)
    INTO v_places, v_books, v_lots, v_points, v_has_old
    FROM jsonb_to_recordset(p_legs) AS leg (
        place integer, lot_id bigint, slot integer, book text, points bigint
    );

    IF cardinality(v_fresh) > 0 THEN
        INSERT INTO saleor_retention_lot (
            id, account_id, parent_id, order_ref, opened_at, valid_from, expires_at, is_pending,
            granted, held, used, restored, expired, clawed, adjusted, repaid, remaining
        )
        SELECT moved.lot_id, lot.account_id, lot.parent_id, lot.order_ref, lot.opened_at,
               lot.valid_from, lot.expires_at, coalesce(moved.is_pending, false),
               moved.remaining + moved.held + moved.used - moved.restored + moved.expired
                   + moved.clawed + moved.adjusted + moved.repaid,
               moved.held, moved.used, moved.restored, moved.expired, moved.clawed,
               moved.adjusted, moved.repaid, moved.remaining
        FROM jsonb_to_recordset(p_lots) AS lot (
            slot integer, account_id bigint, parent_id bigint, order_ref text,
            opened_at timestamptz, valid_from timestamptz, expires_at timestamptz
        )
        JOIN saleor_retention_moved(v_places, v_books, v_lots, v_points) AS moved
          ON moved.lot_id = v_fresh[lot.slot];
    END IF;
    IF v_has_old THEN
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
        FROM saleor_retention_moved(v_places, v_books, v_lots, v_points) AS moved
        WHERE lot.id = moved.lot_id AND moved.lot_id <> ALL (v_fresh);
    END IF;

    INSERT INTO saleor_retention_entry (transaction_id, book, account_id, lot_id, points)
    SELECT v_ids[leg.place], leg.book,
           CASE WHEN leg.book IN ('available', 'pending', 'held', 'deficit')
                THEN posting.account_id END,
           leg.lot_id, leg.points
    FROM unnest(v_places, v_books, v_lots, v_points) AS leg (place, book, lot_id, points)
    JOIN jsonb_to_recordset(p_postings) AS posting (place integer, account_id bigint)
      ON posting.place = leg.place;

    WITH changed AS (
        UPDATE saleor_retention_account AS account
        SET available = account.available + change.available,
            pending = account.pending + change.pending,
            held = account.held + change.held,
            deficit = account.deficit + change.deficit,
            last_activity_at = greatest(account.last_activity_at, change.activity_at)
        FROM jsonb_to_recordset(p_accounts) AS change (
            account_id bigint, available bigint, pending bigint, held bigint, deficit bigint,
            activity_at timestamptz
        )
        WHERE account.id = change.account_id
        RETURNING account.id, account.available, account.pending, account.held, account.deficit
    )
    SELECT jsonb_object_agg(id, jsonb_build_array(available, pending, held, deficit))
    INTO v_balances FROM changed;
    RETURN QUERY SELECT true, v_ids, v_fresh, v_balances;
END $$;
