-- The orders of some time put down to the campaign that reached their customer last, within a window
-- before them. Specification: engine.experiments.attribution.attributed, of what was sent, under the
-- keys "campaign:<id>"; a test holds the two equal. campaign_ids are all of the program: a join of the
-- campaigns, few beside what they sent, would let the planner expect few messages and look up each
-- one's orders, and a list made by a subquery would keep it to one process.
WITH touched AS (
    SELECT sent.campaign_id, sent.account_id, sent.sending_at AS at,
           lead(sent.sending_at) OVER (
               PARTITION BY sent.account_id
               ORDER BY sent.sending_at, sent.campaign_id::text COLLATE "C"
           ) AS next_at
    FROM saleor_retention_dispatch AS sent
    WHERE sent.state = 'sent' AND sent.campaign_id = ANY(%(campaign_ids)s::bigint[])
      AND sent.sending_at >= %(start_at)s::timestamptz - %(window)s::interval
      AND sent.sending_at < %(end_at)s
)
SELECT touched.campaign_id, count(DISTINCT record.account_id), count(*),
       sum(record.spend_minor)::bigint
FROM touched
JOIN saleor_retention_orderrecord AS record
  ON record.account_id = touched.account_id AND record.created_at >= touched.at
 AND record.created_at < coalesce(touched.next_at, 'infinity')
 AND record.created_at <= touched.at + %(window)s::interval
WHERE record.program_id = %(program_id)s AND record.is_counted
  AND record.created_at >= %(start_at)s AND record.created_at < %(end_at)s
GROUP BY touched.campaign_id
