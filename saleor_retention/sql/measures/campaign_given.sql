-- What campaigns of a program have sent and granted in some time, by campaign. A campaign's points
-- are posted under a key of the row that they belong to (services.campaigning.sending).
SELECT COALESCE(sent.campaign_id, granted.campaign_id),
       COALESCE(sent.messages, 0), COALESCE(sent.customers, 0), COALESCE(granted.points, 0)
FROM (
    SELECT dispatch.campaign_id, count(*) AS messages,
           count(DISTINCT dispatch.account_id) AS customers
    FROM saleor_retention_dispatch AS dispatch
    JOIN saleor_retention_campaign AS campaign ON campaign.id = dispatch.campaign_id
    WHERE campaign.program_id = %(program_id)s AND dispatch.state = 'sent'
      AND dispatch.sending_at >= %(start_at)s AND dispatch.sending_at < %(end_at)s
    GROUP BY 1
) AS sent
FULL JOIN (
    SELECT dispatch.campaign_id, -sum(entry.points)::bigint AS points
    FROM saleor_retention_dispatch AS dispatch
    JOIN saleor_retention_campaignversion AS version ON version.id = dispatch.version_id
    JOIN saleor_retention_campaign AS campaign ON campaign.id = dispatch.campaign_id
    JOIN saleor_retention_transaction AS posted
      ON posted.program_id = campaign.program_id
     AND posted.key = 'grant:campaign:' || dispatch.id
    JOIN saleor_retention_entry AS entry
      ON entry.transaction_id = posted.id AND entry.book = 'issuance'
    WHERE campaign.program_id = %(program_id)s
      AND version.document #> '{benefit,points}' IS NOT NULL
      AND dispatch.planned_at < %(end_at)s
      AND posted.effective_at >= %(start_at)s AND posted.effective_at < %(end_at)s
    GROUP BY 1
) AS granted ON granted.campaign_id = sent.campaign_id
