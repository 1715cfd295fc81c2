-- The orders of some time put down to the last touch of their customer within a window before them.
-- Touches are three arrays of one length. Every order and touch stands in one line of time, customer
-- by customer: an order looks back to the touch that opened its stretch. Specification:
-- engine.experiments.attribution.attributed; a test holds the two equal.
WITH touched AS (
    SELECT touch.account_id, touch.at, touch.source_key
    FROM unnest(
        %(account_ids)s::bigint[], %(instants)s::timestamptz[], %(source_keys)s::text[]
    ) AS touch (account_id, at, source_key)
), placed AS (
    SELECT account_id, at, false AS is_order, source_key, NULL::bigint AS spend_minor
    FROM touched
    UNION ALL
    SELECT record.account_id, record.created_at, true, NULL, record.spend_minor
    FROM saleor_retention_orderrecord AS record
    WHERE record.program_id = %(program_id)s AND record.is_counted
      AND record.created_at >= %(start_at)s AND record.created_at < %(end_at)s
      AND record.account_id IN (SELECT touched.account_id FROM touched)
), stretched AS (
    SELECT account_id, at, is_order, source_key, spend_minor,
           count(*) FILTER (WHERE NOT is_order) OVER (
               PARTITION BY account_id ORDER BY at, is_order, source_key COLLATE "C"
               ROWS UNBOUNDED PRECEDING
           ) AS stretch
    FROM placed
), opened AS (
    SELECT account_id, at, is_order, spend_minor,
           max(source_key) FILTER (WHERE NOT is_order) OVER opening AS source_key,
           max(at) FILTER (WHERE NOT is_order) OVER opening AS touched_at
    FROM stretched
    WHERE stretch > 0
    WINDOW opening AS (PARTITION BY account_id, stretch)
)
SELECT source_key COLLATE "C", count(DISTINCT account_id), count(*), sum(spend_minor)::bigint
FROM opened
WHERE is_order AND at - touched_at <= %(window)s::interval
GROUP BY 1
ORDER BY 1
