-- The rollups of customers that are not what their counted orders make, summed up afresh: of some
-- accounts of a program, or of all (account_ids NULL), who are then scored among each other too.
-- Erased accounts have no rollup. Specification: engine.segments.customers.rollup_of and
-- engine.segments.rfm.scores; a test holds them equal. One index gives the orders customer by
-- customer, so nothing is sorted; a statement that only reads is shared by the server's processes.
WITH dated AS (
    SELECT record.account_id, record.created_at, record.id, record.spend_minor,
           (record.created_at AT TIME ZONE %(time_zone)s)::date AS day
    FROM saleor_retention_orderrecord AS record
    WHERE record.program_id = %(program_id)s AND record.is_counted
      AND record.account_id IS NOT NULL
      AND NOT EXISTS (
          SELECT 1 FROM saleor_retention_account AS account
          WHERE account.id = record.account_id AND account.state = 'erased'
      )
      AND (%(account_ids)s::bigint[] IS NULL OR record.account_id = ANY(%(account_ids)s::bigint[]))
), placed AS (
    SELECT account_id, created_at, spend_minor, day,
           row_number() OVER made AS number,
           lag(day) OVER made AS day_before,
           first_value(day) OVER made AS first_on
    FROM dated
    WINDOW made AS (PARTITION BY account_id ORDER BY created_at, id)
), made AS (
    SELECT account_id,
           count(*)::integer AS orders,
           count(*) FILTER (WHERE day_before IS DISTINCT FROM day)::integer AS order_days,
           min(created_at) AS first_order_at,
           min(created_at) FILTER (WHERE number = 2) AS second_order_at,
           max(created_at) AS last_order_at,
           min(day) AS first_on,
           max(day) AS last_on,
           sum(spend_minor)::bigint AS spend_minor,
           sum(spend_minor) FILTER (WHERE day = first_on)::bigint AS first_day_minor
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
)
SELECT * FROM compared
WHERE is_wrong
   OR (recency_score, frequency_score, monetary_score)
      IS DISTINCT FROM (kept_recency, kept_frequency, kept_monetary)
