-- What the customers who began in one month did in the months after, by month of their first order.
-- Specification: engine.measures.cohorts.cohorts; a test holds the two equal.
WITH made AS NOT MATERIALIZED (
    SELECT account_id, spend_minor, created_at
    FROM saleor_retention_orderrecord
    WHERE program_id = %(program_id)s AND is_counted AND account_id IS NOT NULL
), begun AS (
    SELECT account_id,
           date_trunc('month', min(created_at) AT TIME ZONE %(time_zone)s)::date AS month
    FROM made
    GROUP BY account_id
), placed AS (
    SELECT begun.month, made.account_id, made.spend_minor,
           (made.created_at AT TIME ZONE %(time_zone)s)::date AS day
    FROM begun
    JOIN made USING (account_id)
    WHERE begun.month >= date_trunc('month', %(first_day)s::date)
      AND begun.month <= %(last_day)s::date
), summed AS (
    SELECT month, date_trunc('month', day::timestamp) AS later, account_id, count(*) AS orders,
           sum(spend_minor) AS minor
    FROM placed
    WHERE day <= %(last_day)s::date
    GROUP BY 1, 2, 3
)
SELECT month,
       (
           (extract(year FROM later) - extract(year FROM month)) * 12
           + extract(month FROM later) - extract(month FROM month)
       )::integer AS month_number,
       count(*), sum(orders)::bigint, sum(minor)::bigint
FROM summed
GROUP BY month, later
ORDER BY month, later
