-- Sums up the counted orders of customers afresh and mends what their rollups say otherwise: of some
-- accounts of a program, or of all (account_ids NULL), who are then scored among each other too.
-- Erased accounts have no rollup. Specification: engine.segments.customers.rollup_of and
-- engine.segments.rfm.scores; a test holds them equal.
--
-- is_locked says that the caller has locked the accounts: its sums are the newest. Without the locks a
-- row that somebody has changed since this statement began (revision) is left as it is.
-- Returns how many rows had wrong sums, how many other ones got another score, how many were deleted,
-- some of the wrong ones by name, and whether the program has segments that look at it.
WITH dated AS (
    SELECT record.account_id, record.created_at, record.spend_minor,
           (record.created_at AT TIME ZONE %(time_zone)s)::date AS day
    FROM saleor_retention_orderrecord AS record
    JOIN saleor_retention_account AS account ON account.id = record.account_id
    WHERE account.program_id = %(program_id)s AND account.state <> 'erased' AND record.is_counted
      AND (%(account_ids)s::bigint[] IS NULL OR record.account_id = ANY(%(account_ids)s::bigint[]))
), placed AS (
    SELECT account_id, created_at, spend_minor, day,
           row_number() OVER (PARTITION BY account_id ORDER BY day, created_at) AS number,
           dense_rank() OVER (PARTITION BY account_id ORDER BY day) AS day_number
    FROM dated
), made AS (
    SELECT account_id,
           count(*)::integer AS orders,
           max(day_number)::integer AS order_days,
           min(created_at) AS first_order_at,
           min(created_at) FILTER (WHERE number = 2) AS second_order_at,
           max(created_at) AS last_order_at,
           min(day) AS first_on,
           max(day) AS last_on,
           sum(spend_minor)::bigint AS spend_minor,
           sum(spend_minor) FILTER (WHERE day_number = 1)::bigint AS first_day_minor
    FROM placed
    GROUP BY account_id
), scored AS (
    SELECT made.*,
           1 + (rank() OVER (ORDER BY last_on) - 1) * 5 / count(*) OVER () AS recency_score,
           1 + (rank() OVER (ORDER BY order_days) - 1) * 5 / count(*) OVER () AS frequency_score,
           1 + (rank() OVER (ORDER BY spend_minor) - 1) * 5 / count(*) OVER () AS monetary_score
    FROM made
), kept AS (
    SELECT *
    FROM saleor_retention_customerrollup
    WHERE program_id = %(program_id)s
      AND (%(account_ids)s::bigint[] IS NULL OR account_id = ANY(%(account_ids)s::bigint[]))
), compared AS (
    SELECT account_id, scored.orders, scored.order_days, scored.first_order_at,
           scored.second_order_at, scored.last_order_at, scored.first_on, scored.last_on,
           scored.spend_minor, scored.first_day_minor,
           CASE WHEN %(account_ids)s::bigint[] IS NULL THEN scored.recency_score
           ELSE kept.recency_score END AS recency_score,
           CASE WHEN %(account_ids)s::bigint[] IS NULL THEN scored.frequency_score
           ELSE kept.frequency_score END AS frequency_score,
           CASE WHEN %(account_ids)s::bigint[] IS NULL THEN scored.monetary_score
           ELSE kept.monetary_score END AS monetary_score,
           kept.recency_score AS kept_recency, kept.frequency_score AS kept_frequency,
           kept.monetary_score AS kept_monetary,
           COALESCE(kept.revision, 0) AS revision,
           CASE WHEN kept.orders IS NOT NULL THEN json_build_array(
               kept.orders, kept.order_days, kept.first_on, kept.last_on, kept.spend_minor
           ) END AS was,
           (
               scored.orders, scored.order_days, scored.first_order_at, scored.second_order_at,
               scored.last_order_at, scored.first_on, scored.last_on, scored.spend_minor,
               scored.first_day_minor
           ) IS DISTINCT FROM (
               kept.orders, kept.order_days, kept.first_order_at, kept.second_order_at,
               kept.last_order_at, kept.first_on, kept.last_on, kept.spend_minor,
               kept.first_day_minor
           ) AS is_wrong
    FROM scored
    FULL JOIN kept USING (account_id)
), wrong AS MATERIALIZED (
    SELECT * FROM compared
    WHERE is_wrong
       OR (recency_score, frequency_score, monetary_score)
          IS DISTINCT FROM (kept_recency, kept_frequency, kept_monetary)
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
           last_order_at, first_on, last_on, spend_minor, first_day_minor,
           COALESCE(recency_score, 0), COALESCE(frequency_score, 0), COALESCE(monetary_score, 0),
           revision + 1
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
        recency_score = EXCLUDED.recency_score,
        frequency_score = EXCLUDED.frequency_score,
        monetary_score = EXCLUDED.monetary_score,
        revision = rollup.revision + 1
    WHERE %(is_locked)s OR EXCLUDED.revision = rollup.revision + 1
    RETURNING account_id
), tally AS (
    SELECT count(*) FILTER (WHERE wrong.is_wrong) AS mended,
           count(*) FILTER (WHERE NOT wrong.is_wrong) AS scored
    FROM written
    JOIN wrong USING (account_id)
)
SELECT tally.mended, tally.scored, (SELECT count(*) FROM gone),
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
FROM tally
