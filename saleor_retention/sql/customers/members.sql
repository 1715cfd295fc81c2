-- Brings the members of some segments to what their conditions say now, of some accounts or of all
-- (account_ids NULL), and writes down who came and who went. What is asked is one CASE for each segment:
-- its condition, made by engine.segments.statement, and its id; who may be asked about is customers/profiled. Returns for each segment how many came
-- and went; those without either are absent.
WITH matched AS (
    SELECT unnest(array_remove(ARRAY[{asked}], NULL)) AS segment_id, account.id AS account_id,
           true AS is_in
    FROM saleor_retention_account AS account
    LEFT JOIN saleor_retention_customerrollup AS rollup ON rollup.account_id = account.id
    WHERE account.program_id = %s AND account.state = 'member' AND {profiled}
      AND (%s::bigint[] IS NULL OR account.id = ANY(%s::bigint[]))
), kept AS (
    SELECT id, segment_id, account_id
    FROM saleor_retention_segmentmember
    WHERE segment_id = ANY(%s::bigint[])
      AND (%s::bigint[] IS NULL OR account_id = ANY(%s::bigint[]))
), moved AS MATERIALIZED (
    SELECT segment_id, account_id, kept.id AS member_id
    FROM matched
    FULL JOIN kept USING (segment_id, account_id)
    WHERE kept.id IS NULL OR matched.is_in IS NULL
), gone AS (
    DELETE FROM saleor_retention_segmentmember AS member
    USING moved
    WHERE member.id = moved.member_id
    RETURNING member.segment_id, member.account_id
), come AS (
    INSERT INTO saleor_retention_segmentmember (segment_id, account_id, since)
    SELECT segment_id, account_id, %s
    FROM moved
    WHERE member_id IS NULL
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
