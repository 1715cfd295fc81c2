-- What offers and campaigns may know of an account: the slugs of its active segments, its tags, and
-- its 5A stage among those (engine.segments.stages). Both keys are always there. Not in plain SQL,
-- whose functions are planned anew in every statement.
CREATE OR REPLACE FUNCTION saleor_retention_segments_of(p_account_id bigint) RETURNS jsonb
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_generic_plan AS $$
BEGIN
RETURN (
    SELECT jsonb_build_object(
        'segments', (
            SELECT COALESCE(jsonb_agg(segment.slug ORDER BY segment.slug), '[]')
            FROM saleor_retention_segmentmember AS member
            JOIN saleor_retention_segment AS segment ON segment.id = member.segment_id
            WHERE member.account_id = p_account_id AND segment.is_active
        ),
        'tags', (
            SELECT COALESCE(jsonb_agg(borne.tag ORDER BY borne.tag), '[]')
            FROM (
                SELECT tag
                FROM saleor_retention_customertag
                WHERE account_id = p_account_id
                UNION ALL
                SELECT CASE
                    WHEN COALESCE(rollup.orders, 0) = 0 THEN 'stage:aware'
                    WHEN rollup.orders = 1 THEN 'stage:act'
                    ELSE 'stage:advocate'
                END
                FROM saleor_retention_account AS account
                LEFT JOIN saleor_retention_customerrollup AS rollup
                    ON rollup.account_id = account.id
                WHERE account.id = p_account_id AND account.state <> 'erased'
            ) AS borne
        )
    )
);
END $$;
