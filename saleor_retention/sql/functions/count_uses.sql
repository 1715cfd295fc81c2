-- Adds to the counters of offers, those that are there and, where it says so, those to be made; see
-- services/offering/offer_counters.py. p_changes: [{"offer", "account" (null: in total), "period" (null: of all
-- time), "delta", "opens"}]. A counter never falls below nothing. That of all time counts the uses
-- of every period, where it is there.
CREATE OR REPLACE FUNCTION saleor_retention_count_uses(p_changes jsonb) RETURNS void
LANGUAGE plpgsql VOLATILE SET plan_cache_mode = force_generic_plan AS $$
#variable_conflict use_column
DECLARE
    change record;
    counter_id bigint;
BEGIN
FOR change IN
    SELECT item.offer, item.account, item.period,
           sum(item.delta) AS delta, bool_or(item.opens) AS opens
    FROM (
        SELECT item.* FROM jsonb_to_recordset(p_changes)
             AS item(offer bigint, account bigint, period date, delta bigint, opens boolean)
        UNION ALL
        SELECT item.offer, item.account, NULL, item.delta, false FROM jsonb_to_recordset(p_changes)
             AS item(offer bigint, account bigint, period date, delta bigint)
        WHERE item.period IS NOT NULL
    ) AS item
    GROUP BY item.offer, item.account, item.period
    ORDER BY item.offer, item.account NULLS LAST, item.period
LOOP
    counter_id := saleor_retention_lock_counter(
        change.offer, change.account, change.period, change.opens);
    UPDATE saleor_retention_offercounter counter
    SET used = GREATEST(0, counter.used + change.delta)
    WHERE counter.id = counter_id AND change.delta <> 0;
END LOOP;
END $$;
