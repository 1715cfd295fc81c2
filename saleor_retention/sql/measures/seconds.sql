-- How many customers of a span of first orders have bought again by its end, and after how many days.
-- Specification: engine.measures.seconds.seconds; a test holds the two equal.
WITH numbered AS (
    SELECT account_id,
           (created_at AT TIME ZONE %(time_zone)s)::date AS day,
           row_number() OVER made AS number,
           (lead(created_at) OVER made AT TIME ZONE %(time_zone)s)::date AS next_day
    FROM saleor_retention_orderrecord
    WHERE program_id = %(program_id)s AND is_counted AND account_id IS NOT NULL
    WINDOW made AS (PARTITION BY account_id ORDER BY created_at, id)
), first AS (
    SELECT CASE WHEN next_day <= %(last_day)s::date THEN next_day - day END AS days
    FROM numbered
    WHERE number = 1 AND day BETWEEN %(first_day)s::date AND %(last_day)s::date
)
SELECT count(*),
       count(days),
       COALESCE(sum(days), 0)::bigint,
       percentile_disc(0.5) WITHIN GROUP (ORDER BY days),
       ARRAY(
           SELECT (SELECT count(*) FROM first WHERE days <= limits.days)
           FROM unnest(%(within_days)s::integer[]) WITH ORDINALITY AS limits (days, place)
           ORDER BY limits.place
       )
FROM first
