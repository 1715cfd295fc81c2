-- The rollups of some accounts of a program that are not what their counted orders make, or are not
-- sealed as such, summed up afresh. Erased accounts have no rollup. Specification:
-- engine.segments.customers.rollup_of; a test holds them equal. One index gives the orders customer by
-- customer, in turn.
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
      AND record.account_id = ANY(%(account_ids)s::bigint[])
), placed AS (
    SELECT account_id, id, created_at, spend_minor, day,
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
           sum(spend_minor) FILTER (WHERE day = first_on)::bigint AS first_day_minor,
           sum(saleor_retention_order_mark(id, created_at, spend_minor)) AS marks
    FROM placed
    GROUP BY account_id
), sealed AS (
    SELECT made.*,
           saleor_retention_rollup_seal(
               marks, %(time_zone)s, orders, order_days, first_order_at, second_order_at,
               last_order_at, first_on, last_on, spend_minor, first_day_minor
           ) AS seal
    FROM made
), kept AS (
    SELECT *
    FROM saleor_retention_customerrollup
    WHERE program_id = %(program_id)s AND account_id = ANY(%(account_ids)s::bigint[])
), compared AS (
    SELECT account_id, sealed.orders, sealed.order_days, sealed.first_order_at,
           sealed.second_order_at, sealed.last_order_at, sealed.first_on, sealed.last_on,
           sealed.spend_minor, sealed.first_day_minor, sealed.seal, kept.seal AS kept_seal,
           COALESCE(kept.revision, 0) AS revision,
           CASE WHEN kept.orders IS NOT NULL THEN json_build_array(
               kept.orders, kept.order_days, kept.first_on, kept.last_on, kept.spend_minor
           ) END AS was,
           (
               sealed.orders, sealed.order_days, sealed.first_order_at, sealed.second_order_at,
               sealed.last_order_at, sealed.first_on, sealed.last_on, sealed.spend_minor,
               sealed.first_day_minor
           ) IS DISTINCT FROM (
               kept.orders, kept.order_days, kept.first_order_at, kept.second_order_at,
               kept.last_order_at, kept.first_on, kept.last_on, kept.spend_minor,
               kept.first_day_minor
           ) AS is_wrong
    FROM sealed
    FULL JOIN kept USING (account_id)
)
SELECT * FROM compared WHERE is_wrong OR seal IS DISTINCT FROM kept_seal
