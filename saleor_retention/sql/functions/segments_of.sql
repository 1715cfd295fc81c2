-- What offers and campaigns may know of an account: the slugs of its active segments, its tags, and
-- its 5A stage among those (engine.segments.stages). Both keys are always there. What is not an order
-- is looked for only where orders do not decide. Not in plain SQL, whose functions are planned anew in
-- every statement.
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
                    WHEN rollup.orders > 1 THEN 'stage:advocate'
                    WHEN EXISTS (
                        SELECT 1 FROM saleor_retention_memberevent AS event
                        WHERE event.account_id = p_account_id AND event.kind = 'review'
                          AND event.reversed_at IS NULL
                    ) OR EXISTS (
                        SELECT 1 FROM saleor_retention_referral AS referral
                        WHERE referral.advocate_id = p_account_id AND referral.state = 'rewarded'
                    ) THEN 'stage:advocate'
                    WHEN rollup.orders = 1 THEN 'stage:act'
                    WHEN EXISTS (
                        SELECT 1 FROM saleor_retention_memberevent AS event
                        WHERE event.account_id = p_account_id AND event.kind = 'question'
                          AND event.reversed_at IS NULL
                    ) THEN 'stage:ask'
                    WHEN EXISTS (
                        SELECT 1 FROM saleor_retention_memberevent AS event
                        WHERE event.account_id = p_account_id
                          AND event.kind IN ('favorite', 'follow') AND event.reversed_at IS NULL
                    ) THEN 'stage:appeal'
                    ELSE 'stage:aware'
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
