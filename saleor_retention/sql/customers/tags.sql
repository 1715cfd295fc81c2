-- Gives the accounts of a program the tags of their segments and takes away the others, of some
-- accounts or of all (account_ids NULL). A tag is borne since the first of the segments that give it.
WITH wanted AS MATERIALIZED (
    SELECT member.account_id, segment.tag, min(member.since) AS since
    FROM saleor_retention_segment AS segment
    JOIN saleor_retention_segmentmember AS member ON member.segment_id = segment.id
    WHERE segment.program_id = %(program_id)s AND segment.is_active AND segment.tag <> ''
      AND (%(account_ids)s::bigint[] IS NULL OR member.account_id = ANY(%(account_ids)s::bigint[]))
    GROUP BY member.account_id, segment.tag
), gone AS (
    DELETE FROM saleor_retention_customertag AS borne
    USING saleor_retention_account AS account
    WHERE account.id = borne.account_id AND account.program_id = %(program_id)s
      AND (%(account_ids)s::bigint[] IS NULL OR borne.account_id = ANY(%(account_ids)s::bigint[]))
      AND NOT EXISTS (
          SELECT 1 FROM wanted
          WHERE wanted.account_id = borne.account_id AND wanted.tag = borne.tag
      )
), given AS (
    INSERT INTO saleor_retention_customertag (account_id, tag, since)
    SELECT account_id, tag, since FROM wanted
    ON CONFLICT (account_id, tag) DO NOTHING
)
SELECT 1
