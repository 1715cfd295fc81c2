-- Mends and seals rollups that differ from their orders (customers/wrong.sql). Scores stay as they are.
--
-- is_locked says that the caller has locked the accounts: its sums are the newest. Without the locks a
-- row that somebody has changed since the rows were found (revision) is left as it is.
-- Returns how many rows had wrong sums, how many were deleted, some of them by name, and whether the
-- program has segments that look at it.
WITH wrong AS MATERIALIZED (
    {wrong}
), gone AS (
    DELETE FROM saleor_retention_customerrollup AS rollup
    USING wrong
    WHERE rollup.account_id = wrong.account_id AND wrong.orders IS NULL
      AND (%(is_locked)s OR rollup.revision = wrong.revision)
    RETURNING rollup.account_id
), written AS (
    INSERT INTO saleor_retention_customerrollup AS rollup (
        account_id, program_id, orders, order_days, first_order_at, second_order_at,
        last_order_at, first_on, last_on, spend_minor, first_day_minor,
        seal, recency_score, frequency_score, monetary_score, revision
    )
    SELECT account_id, %(program_id)s, orders, order_days, first_order_at, second_order_at,
           last_order_at, first_on, last_on, spend_minor, first_day_minor,
           seal, 0, 0, 0, revision + 1
    FROM wrong
    WHERE orders IS NOT NULL
    ON CONFLICT (account_id) DO UPDATE SET
        orders = EXCLUDED.orders,
        order_days = EXCLUDED.order_days,
        first_order_at = EXCLUDED.first_order_at,
        second_order_at = EXCLUDED.second_order_at,
        last_order_at = EXCLUDED.last_order_at,
        first_on = EXCLUDED.first_on,
        last_on = EXCLUDED.last_on,
        spend_minor = EXCLUDED.spend_minor,
        first_day_minor = EXCLUDED.first_day_minor,
        seal = EXCLUDED.seal,
        revision = rollup.revision + 1
    WHERE %(is_locked)s OR EXCLUDED.revision = rollup.revision + 1
    RETURNING account_id
)
SELECT (SELECT count(*) FROM written JOIN wrong USING (account_id) WHERE wrong.is_wrong),
       (SELECT count(*) FROM gone),
       (
           SELECT COALESCE(json_agg(json_build_array(
               account_id, was,
               CASE WHEN orders IS NOT NULL
               THEN json_build_array(orders, order_days, first_on, last_on, spend_minor) END
           ) ORDER BY account_id), '[]')
           FROM (
               SELECT * FROM wrong WHERE is_wrong ORDER BY account_id LIMIT %(named_max)s
           ) AS named
       ),
       EXISTS (
           SELECT 1 FROM saleor_retention_segment
           WHERE program_id = %(program_id)s AND is_active AND document IS NOT NULL
       )
