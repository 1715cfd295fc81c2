-- Sums up the counted orders of customers afresh and mends what their rollups say otherwise: of some
-- accounts of a program, or of all (account_ids NULL). Erased accounts have no rollup. Specification:
-- engine.segments.customers.rollup_of; a test holds the two equal.
--
-- is_locked says that the caller has locked the accounts: its sums are the newest. Without the locks a
-- row that somebody has changed since this statement began (revision) is left as it is.
-- Returns how many rows were written and deleted, some of what differed by name, and whether the
-- program has segments that look at it.
WITH placed AS (
    SELECT record.account_id, record.created_at, record.spend_minor,
           (record.created_at AT TIME ZONE %(time_zone)s)::date AS day,
           row_number() OVER (PARTITION BY record.account_id ORDER BY record.created_at) AS number,
           min((record.created_at AT TIME ZONE %(time_zone)s)::date)
               OVER (PARTITION BY record.account_id) AS first_on
    FROM saleor_retention_orderrecord AS record
    JOIN saleor_retention_account AS account ON account.id = record.account_id
    WHERE account.program_id = %(program_id)s AND account.state <> 'erased' AND record.is_counted
      AND (%(account_ids)s::bigint[] IS NULL OR record.account_id = ANY(%(account_ids)s::bigint[]))
), made AS (
    SELECT account_id,
           count(*)::integer AS orders,
           count(DISTINCT day)::integer AS order_days,
           min(created_at) AS first_order_at,
           min(created_at) FILTER (WHERE number = 2) AS second_order_at,
           max(created_at) AS last_order_at,
           min(day) AS first_on,
           max(day) AS last_on,
           sum(spend_minor)::bigint AS spend_minor,
           sum(spend_minor) FILTER (WHERE day = first_on)::bigint AS first_day_minor
    FROM placed
    GROUP BY account_id
), kept AS (
    SELECT *
    FROM saleor_retention_customerrollup
    WHERE program_id = %(program_id)s
      AND (%(account_ids)s::bigint[] IS NULL OR account_id = ANY(%(account_ids)s::bigint[]))
), wrong AS MATERIALIZED (
    SELECT account_id, made.orders, made.order_days, made.first_order_at, made.second_order_at,
           made.last_order_at, made.first_on, made.last_on, made.spend_minor, made.first_day_minor,
           COALESCE(kept.revision, 0) AS revision,
           kept.orders AS kept_orders, kept.spend_minor AS kept_minor,
           kept.last_order_at AS kept_last_at
    FROM made
    FULL JOIN kept USING (account_id)
    WHERE (
        made.orders, made.order_days, made.first_order_at, made.second_order_at,
        made.last_order_at, made.first_on, made.last_on, made.spend_minor, made.first_day_minor
    ) IS DISTINCT FROM (
        kept.orders, kept.order_days, kept.first_order_at, kept.second_order_at,
        kept.last_order_at, kept.first_on, kept.last_on, kept.spend_minor, kept.first_day_minor
    )
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
        recency_score, frequency_score, monetary_score, revision
    )
    SELECT account_id, %(program_id)s, orders, order_days, first_order_at, second_order_at,
           last_order_at, first_on, last_on, spend_minor, first_day_minor, 0, 0, 0, revision + 1
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
        revision = rollup.revision + 1
    WHERE %(is_locked)s OR EXCLUDED.revision = rollup.revision + 1
    RETURNING account_id
)
SELECT (SELECT count(*) FROM written),
       (SELECT count(*) FROM gone),
       (
           SELECT COALESCE(json_agg(json_build_array(
               account_id, kept_orders, orders, kept_minor, spend_minor, kept_last_at, last_order_at
           ) ORDER BY account_id), '[]')
           FROM (SELECT * FROM wrong ORDER BY account_id LIMIT %(named_max)s) AS named
       ),
       EXISTS (
           SELECT 1 FROM saleor_retention_segment
           WHERE program_id = %(program_id)s AND is_active AND document IS NOT NULL
       )
