-- The condition that an account may be put into segments by rules: no consent to profiling is withdrawn.
-- Of each purpose the newest answer holds. Part of other statements, where `account` is the account.
NOT EXISTS (
    SELECT 1 FROM saleor_retention_consententry AS answer
    WHERE answer.account_id = account.id AND answer.channel = 'profiling'
      AND answer.state = 'withdrawn'
      AND NOT EXISTS (
          SELECT 1 FROM saleor_retention_consententry AS newer
          WHERE newer.account_id = answer.account_id AND newer.channel = answer.channel
            AND newer.purpose = answer.purpose AND newer.id > answer.id
      )
)
