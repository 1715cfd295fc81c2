-- What the customers of some campaigns spent within so long after they were first meant to get one,
-- summed up by campaign and arm; the row without an arm counts those whose window is still open.
-- Everybody counts where chance put him, whatever kept the message back afterwards; who was left out
-- before chance was asked (a birthday that was told too late) is in neither arm. Specification:
-- engine.experiments.outcomes.outcome_of; a test holds the two equal.
WITH dealt AS (
    SELECT DISTINCT ON (dispatch.campaign_id, dispatch.account_id)
           dispatch.campaign_id, dispatch.account_id, dispatch.planned_at,
           CASE WHEN skipped.reason = 'holdout' THEN 'held_out' ELSE 'treated' END AS arm
    FROM saleor_retention_dispatch AS dispatch
    LEFT JOIN saleor_retention_skippedsend AS skipped ON skipped.dispatch_id = dispatch.id
    WHERE dispatch.campaign_id = ANY(%(campaign_ids)s)
      AND skipped.reason IS DISTINCT FROM 'recent_birthday'
    ORDER BY dispatch.campaign_id, dispatch.account_id, dispatch.planned_at, dispatch.id
), spent AS (
    SELECT dealt.campaign_id, dealt.arm, dealt.account_id, count(record.id) AS orders,
           COALESCE(sum(record.spend_minor), 0)::numeric AS minor
    FROM dealt
    LEFT JOIN saleor_retention_orderrecord AS record
      ON record.account_id = dealt.account_id AND record.program_id = %(program_id)s
     AND record.is_counted AND record.created_at >= dealt.planned_at
     AND record.created_at < dealt.planned_at + %(window)s::interval
    WHERE dealt.planned_at + %(window)s::interval <= %(now)s
    GROUP BY dealt.campaign_id, dealt.arm, dealt.account_id
)
SELECT campaign_id, arm, count(*), count(*) FILTER (WHERE orders > 0), sum(minor),
       sum(minor * minor)
FROM spent
GROUP BY campaign_id, arm
UNION ALL
SELECT campaign_id, NULL, count(*), 0, 0, 0
FROM dealt
WHERE planned_at + %(window)s::interval > %(now)s
GROUP BY campaign_id
