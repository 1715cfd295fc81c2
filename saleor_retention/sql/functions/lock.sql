-- Locks accounts in the order of their ids and returns each with its program (which is not locked),
-- as they are once the lock is held; see services/ledger/locking.py. The wait for each is bounded by
-- p_timeout, and the transaction's own bound is put back. With p_skips those that others hold are
-- left out instead of waited for.
CREATE OR REPLACE FUNCTION saleor_retention_lock(p_ids bigint[], p_timeout text, p_skips boolean)
RETURNS TABLE (account saleor_retention_account, program saleor_retention_program)
LANGUAGE plpgsql VOLATILE SET plan_cache_mode = force_generic_plan AS $$
#variable_conflict use_column
DECLARE
    was text := current_setting('lock_timeout');
    now_is text;  -- assigned to: an expression is many times as fast as a query
BEGIN
    IF p_skips THEN
        RETURN QUERY
        SELECT account, program
        FROM saleor_retention_account AS account
        JOIN saleor_retention_program AS program ON program.id = account.program_id
        WHERE account.id = ANY(p_ids)
        ORDER BY account.id
        FOR NO KEY UPDATE OF account SKIP LOCKED;
        RETURN;
    END IF;
    now_is := set_config('lock_timeout', p_timeout, true);
    RETURN QUERY
    SELECT account, program
    FROM saleor_retention_account AS account
    JOIN saleor_retention_program AS program ON program.id = account.program_id
    WHERE account.id = ANY(p_ids)
    ORDER BY account.id
    FOR NO KEY UPDATE OF account;
    now_is := set_config('lock_timeout', was, true);
END $$;
