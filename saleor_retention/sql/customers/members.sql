-- Brings the members of some segments to what their conditions say now, of some accounts or of all
-- (account_ids NULL), and writes down who came and who went. LATERAL asks one VALUES row for each
-- segment: its id and its condition, made by engine.segments.statement. Returns for each segment how
-- many came and went; those without either are absent.
WITH matched AS MATERIALIZED (
    SELECT asked.segment_id, account.id AS account_id
    FROM saleor_retention_account AS account
    LEFT JOIN saleor_retention_customerrollup AS rollup ON rollup.account_id = account.id
    CROSS JOIN LATERAL (VALUES {asked}) AS asked (segment_id, is_in)
    WHERE account.program_id = %s AND account.state = 'member'
      AND (%s::bigint[] IS NULL OR account.id = ANY(%s::bigint[]))
      AND asked.is_in
), gone AS (
    DELETE FROM saleor_retention_segmentmember AS member
    WHERE member.segment_id = ANY(%s::bigint[])
      AND (%s::bigint[] IS NULL OR member.account_id = ANY(%s::bigint[]))
      AND NOT EXISTS (
          SELECT 1 FROM matched
          WHERE matched.segment_id = member.segment_id AND matched.account_id = member.account_id
      )
    RETURNING member.segment_id, member.account_id
), come AS (
    INSERT INTO saleor_retention_segmentmember (segment_id, account_id, since)
    SELECT matched.segment_id, matched.account_id, %s
    FROM matched
    WHERE NOT EXISTS (
        SELECT 1 FROM saleor_retention_segmentmember AS member
        WHERE member.segment_id = matched.segment_id AND member.account_id = matched.account_id
    )
    ON CONFLICT (segment_id, account_id) DO NOTHING
    RETURNING segment_id, account_id
), told AS (
    INSERT INTO saleor_retention_segmentevent (segment_id, account_id, kind, at)
    SELECT segment_id, account_id, 'left', %s FROM gone
    UNION ALL
    SELECT segment_id, account_id, 'entered', %s FROM come
    RETURNING segment_id, kind
)
SELECT segment_id,
       count(*) FILTER (WHERE kind = 'entered'),
       count(*) FILTER (WHERE kind = 'left')
FROM told
GROUP BY segment_id
