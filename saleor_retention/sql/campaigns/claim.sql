-- Claims messages that are due of running campaigns of active programs for one worker, of one customer if asked for, the
-- longest due first, passing over those that others are at. A claim that has run out is anybody's again. Its specification is
-- services.campaigning.sending.
-- They are chosen once, whatever the plan: joined afresh for each row, more than the limit would be claimed.
WITH claimed AS MATERIALIZED (
    SELECT due.id
    FROM saleor_retention_dispatch AS due
    JOIN saleor_retention_campaign AS campaign ON campaign.id = due.campaign_id
    JOIN saleor_retention_program AS program ON program.id = campaign.program_id
    WHERE due.state = 'planned' AND due.not_before <= %(now)s
      AND (due.claimed_until IS NULL OR due.claimed_until <= %(now)s)
      AND (%(account)s::bigint IS NULL OR due.account_id = %(account)s)
      AND campaign.state = 'running' AND program.is_active
    ORDER BY due.not_before, due.id
    LIMIT %(limit)s
    FOR UPDATE OF due SKIP LOCKED
)
UPDATE saleor_retention_dispatch AS dispatch
SET claim = %(token)s, claimed_until = %(until)s
FROM claimed
WHERE dispatch.id = claimed.id
RETURNING dispatch.id
