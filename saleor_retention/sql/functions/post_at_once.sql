-- Locks the members and posts, in one statement: for postings that follow from nothing but their own
-- drafts. Called by services.ledger.posting_batch, which otherwise locks (lock.sql), decides and posts
-- (post.sql); what comes out is the same. Arguments are those of post.sql, but for the programs,
-- which are the accounts', and notes, which such postings have none of.
--
-- Accounts are locked in the order of their ids, each waited for as long as p_timeout. Where there is
-- something to decide after all has_all is false and nothing is written: an account is not there, one
-- of them that p_credited names owes points, they are of several programs, or the one key is taken.
-- One taken key of several raises RT002, which undoes the rest.
CREATE OR REPLACE FUNCTION saleor_retention_post_at_once(
    p_timeout text, p_count integer, p_credited bigint[],
    p_recorded_at timestamptz,
    p_accounts bigint[], p_kinds text[], p_keys text[], p_hashes text[],
    p_effective_at timestamptz[], p_order_refs text[], p_rule_keys text[], p_causes text[],
    p_actor_refs text[], p_versions bigint[],
    p_lot_accounts bigint[], p_lot_parents bigint[], p_lot_order_refs text[],
    p_lot_opened_at timestamptz[], p_lot_valid_from timestamptz[], p_lot_expires_at timestamptz[],
    p_places integer[], p_books text[], p_refs bigint[], p_points bigint[]
)
RETURNS TABLE (has_all boolean, transaction_ids bigint[], lot_ids bigint[], balances bigint[])
LANGUAGE plpgsql VOLATILE SET plan_cache_mode = force_generic_plan AS $$
#variable_conflict use_column
DECLARE
    was text := current_setting('lock_timeout');
    now_is text;  -- assigned to: an expression is many times as fast as a query
    v_postings integer := cardinality(p_keys);
    v_count integer;
    v_first bigint;
    v_last bigint;
    v_owes boolean;
BEGIN
    now_is := set_config('lock_timeout', p_timeout, true);
    SELECT count(*), min(program_id), max(program_id),
           bool_or(deficit > 0 AND id = ANY (p_credited))
    INTO v_count, v_first, v_last, v_owes
    FROM (
        SELECT id, program_id, deficit FROM saleor_retention_account
        WHERE id = ANY (p_accounts)
        ORDER BY id
        FOR NO KEY UPDATE
    ) AS locked;
    now_is := set_config('lock_timeout', was, true);
    IF v_count < p_count OR v_owes OR v_first < v_last THEN
        has_all := false;
        RETURN NEXT;
        RETURN;
    END IF;
    SELECT made.has_all, made.transaction_ids, made.lot_ids, made.balances
    INTO has_all, transaction_ids, lot_ids, balances
    FROM saleor_retention_post(
        p_recorded_at, array_fill(v_first, ARRAY[v_postings]), p_accounts, p_kinds, p_keys,
        p_hashes, p_effective_at, p_order_refs, p_rule_keys, p_causes, p_actor_refs, p_versions,
        array_fill(NULL::bigint, ARRAY[v_postings]), p_lot_accounts, p_lot_parents,
        p_lot_order_refs, p_lot_opened_at, p_lot_valid_from, p_lot_expires_at, p_places, p_books,
        p_refs, p_points
    ) AS made;
    IF NOT has_all AND v_postings > 1 THEN
        RAISE EXCEPTION 'a key of these postings is taken' USING ERRCODE = 'RT002';
    END IF;
    RETURN NEXT;
END $$;
