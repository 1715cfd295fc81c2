-- The orders of some time put down to the last touch of their customer within a window before them.
-- Touches are three arrays of one length; each has the orders until the next one of its customer.
-- Specification: engine.experiments.attribution.attributed; a test holds the two equal.
WITH touched AS MATERIALIZED (
    SELECT touch.account_id, touch.at, touch.source_key,
           lead(touch.at) OVER (
               PARTITION BY touch.account_id ORDER BY touch.at, touch.source_key COLLATE "C"
           ) AS next_at
    FROM unnest(
        %(account_ids)s::bigint[], %(instants)s::timestamptz[], %(source_keys)s::text[]
    ) AS touch (account_id, at, source_key)
)
SELECT touched.source_key COLLATE "C", count(DISTINCT record.account_id), count(*),
       sum(record.spend_minor)::bigint
FROM touched
JOIN saleor_retention_orderrecord AS record
  ON record.account_id = touched.account_id AND record.created_at >= touched.at
 AND record.created_at < coalesce(touched.next_at, 'infinity')
 AND record.created_at <= touched.at + %(window)s::interval
WHERE record.program_id = %(program_id)s AND record.is_counted
  AND record.created_at >= %(start_at)s AND record.created_at < %(end_at)s
GROUP BY 1
ORDER BY 1
