-- Claim lots whose maturing is due, oldest first, with their members' accounts, and post it. Returns how
-- many postings it took and the accounts claimed that owe points: there the caller posts what is due.
-- Others' members are passed over as in expire_due.sql; the lot is locked as well, so that one that
-- another worker has just done with is not seen as due.
CREATE OR REPLACE FUNCTION saleor_retention_mature_due(
    p_now timestamptz, p_limit integer, OUT postings bigint, OUT indebted bigint[]
)
LANGUAGE plpgsql VOLATILE SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET enable_sort = off
AS $$
DECLARE
    v_lots bigint[];
BEGIN
    WITH due AS MATERIALIZED (
        SELECT lot.id, lot.account_id, account.deficit > 0 AS owes
        FROM saleor_retention_lot AS lot
        JOIN saleor_retention_account AS account ON account.id = lot.account_id
        WHERE lot.is_pending AND lot.remaining > 0 AND lot.valid_from <= p_now
        ORDER BY lot.valid_from, lot.id
        LIMIT p_limit
        FOR NO KEY UPDATE OF account, lot SKIP LOCKED
    )
    SELECT (SELECT array_agg(DISTINCT account_id) FROM due WHERE owes), array_agg(id)
    INTO indebted, v_lots
    FROM due
    WHERE NOT owes;
    postings := CASE WHEN v_lots IS NULL THEN 0 ELSE saleor_retention_mature_lots(v_lots, p_now) END;
END $$;
