-- What the customers who began in one month did in the months after, by month of their first order.
-- Specification: engine.measures.cohorts.cohorts; a test holds the two equal.
WITH made AS (
    SELECT account_id, spend_minor,
           (created_at AT TIME ZONE %(time_zone)s)::date AS day,
           date_trunc(
               'month',
               min(created_at) OVER (PARTITION BY account_id) AT TIME ZONE %(time_zone)s
           )::date AS month
    FROM saleor_retention_orderrecord
    WHERE program_id = %(program_id)s AND is_counted AND account_id IS NOT NULL
)
SELECT month,
       (
           (extract(year FROM day) - extract(year FROM month)) * 12
           + extract(month FROM day) - extract(month FROM month)
       )::integer AS month_number,
       count(DISTINCT account_id),
       count(*),
       sum(spend_minor)::bigint
FROM made
WHERE month >= date_trunc('month', %(first_day)s::date) AND month <= %(last_day)s::date
  AND day <= %(last_day)s::date
GROUP BY 1, 2
ORDER BY 1, 2
