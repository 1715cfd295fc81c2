-- The orders of some time put down to the campaign that reached their customer last, within a window
-- before them. Specification: engine.experiments.attribution.attributed, of what was sent, under the
-- keys "campaign:<id>"; a test holds the two equal. campaign_ids are all of the program: a join of the
-- campaigns, few beside what they sent, would let the planner expect few messages and look up each
-- one's orders, and a list made by a subquery would keep it to one process.
WITH attributed AS (
    SELECT DISTINCT ON (record.id) sent.campaign_id, record.account_id, record.spend_minor
    FROM saleor_retention_orderrecord AS record
    JOIN saleor_retention_dispatch AS sent USING (account_id)
    WHERE record.program_id = %(program_id)s AND record.is_counted
      AND record.created_at >= %(start_at)s AND record.created_at < %(end_at)s
      AND sent.state = 'sent' AND sent.campaign_id = ANY(%(campaign_ids)s::bigint[])
      AND sent.sending_at <= record.created_at
      AND sent.sending_at >= record.created_at - %(window)s::interval
    ORDER BY record.id, sent.sending_at DESC, sent.campaign_id::text COLLATE "C" DESC
)
SELECT campaign_id, count(DISTINCT account_id), count(*), sum(spend_minor)::bigint
FROM attributed
GROUP BY campaign_id
