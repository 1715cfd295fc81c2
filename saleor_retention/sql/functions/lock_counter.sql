-- Locks the counter of an offer, in total (no account) or of a member, of all time (no period) or of
-- one, and returns its id; NULL where there is none. With p_opens it is made then, of what was used
-- and reserved so far: a limit that is set later counts from the offer's first day. The counter of
-- all time sums the uses of every period.
-- Locks are taken in the order that docs/explanation/locking.md says, which is the caller's matter.
CREATE OR REPLACE FUNCTION saleor_retention_lock_counter(
    p_offer_id bigint, p_account_id bigint, p_period_start date, p_opens boolean
) RETURNS bigint
LANGUAGE plpgsql VOLATILE SET plan_cache_mode = force_generic_plan AS $$
#variable_conflict use_column
DECLARE
    found_id bigint;
    used_before bigint;
BEGIN
FOR attempt IN 1..2 LOOP
    -- One branch for each partial index: NULL equals nothing.
    IF p_account_id IS NULL AND p_period_start IS NULL THEN
        SELECT counter.id INTO found_id FROM saleor_retention_offercounter counter
        WHERE counter.offer_id = p_offer_id
          AND counter.account_id IS NULL AND counter.period_start IS NULL
        FOR NO KEY UPDATE;
    ELSIF p_account_id IS NULL THEN
        SELECT counter.id INTO found_id FROM saleor_retention_offercounter counter
        WHERE counter.offer_id = p_offer_id
          AND counter.account_id IS NULL AND counter.period_start = p_period_start
        FOR NO KEY UPDATE;
    ELSIF p_period_start IS NULL THEN
        SELECT counter.id INTO found_id FROM saleor_retention_offercounter counter
        WHERE counter.offer_id = p_offer_id
          AND counter.account_id = p_account_id AND counter.period_start IS NULL
        FOR NO KEY UPDATE;
    ELSE
        SELECT counter.id INTO found_id FROM saleor_retention_offercounter counter
        WHERE counter.offer_id = p_offer_id
          AND counter.account_id = p_account_id AND counter.period_start = p_period_start
        FOR NO KEY UPDATE;
    END IF;
    EXIT WHEN found_id IS NOT NULL OR NOT p_opens OR attempt = 2;
    IF p_account_id IS NOT NULL THEN
        SELECT COALESCE(sum(reserved.uses), 0) INTO used_before
        FROM saleor_retention_offeruse reserved
        WHERE reserved.account_id = p_account_id AND reserved.offer_id = p_offer_id
          AND (p_period_start IS NULL OR reserved.period_start = p_period_start)
          AND reserved.state <> 'returned';
    ELSIF p_period_start IS NOT NULL THEN
        SELECT COALESCE(sum(reserved.uses), 0) INTO used_before
        FROM saleor_retention_offeruse reserved
        WHERE reserved.offer_id = p_offer_id
          AND (reserved.total_period_start = p_period_start
               OR reserved.total_period_start IS NULL AND reserved.period_start = p_period_start)
          AND reserved.state <> 'returned';
    ELSE
        SELECT COALESCE(sum(reserved.uses), 0) INTO used_before
        FROM saleor_retention_offeruse reserved
        WHERE reserved.offer_id = p_offer_id AND reserved.state <> 'returned';
    END IF;
    -- Where another one makes it at the same moment, this waits and the second attempt finds it.
    INSERT INTO saleor_retention_offercounter (offer_id, account_id, period_start, used)
    VALUES (p_offer_id, p_account_id, p_period_start, used_before)
    ON CONFLICT DO NOTHING;
END LOOP;
RETURN found_id;
END $$;
