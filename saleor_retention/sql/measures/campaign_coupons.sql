-- The coupons that campaigns of a program gave in some time, by campaign: how many, how often orders
-- have used them until now, what these uses took off in one currency, and how many of them count at
-- their coupon's amount, because what they took off was not kept. The sum is null where that amount is
-- not there either (per cent), or a use took something off in another currency.
SELECT given.campaign_id, count(*), sum(given.uses)::bigint,
       CASE WHEN bool_or(given.is_elsewhere OR (given.unkept > 0 AND given.at_most IS NULL)) THEN NULL
            ELSE COALESCE(sum(given.minor + given.unkept * COALESCE(given.at_most, 0)), 0)::bigint END,
       COALESCE(sum(given.unkept) FILTER (WHERE given.at_most IS NOT NULL), 0)::bigint
FROM (
    SELECT campaign.id AS campaign_id, coupon.uses, coupon.uses - kept.uses AS unkept,
           kept.minor, kept.is_elsewhere,
           (batch.terms #>> ARRAY['amounts', %(currency)s::text])::bigint AS at_most
    FROM saleor_retention_campaign AS campaign
    JOIN saleor_retention_coupon AS coupon
      ON coupon.program_id = campaign.program_id AND coupon.campaign = campaign.slug
     AND coupon.campaign <> ''
    JOIN saleor_retention_couponbatch AS batch ON batch.id = coupon.batch_id
    CROSS JOIN LATERAL (
        SELECT count(*) AS uses, COALESCE(sum(use.amount_minor), 0) AS minor,
               COALESCE(bool_or(use.currency <> %(currency)s AND use.amount_minor > 0), false)
                   AS is_elsewhere
        FROM saleor_retention_couponuse AS use
        WHERE use.coupon_id = coupon.id AND use.state = 'used' AND use.amount_minor IS NOT NULL
          AND coupon.uses > 0
    ) AS kept
    WHERE campaign.program_id = %(program_id)s AND coupon.cause = 'campaign'
      AND coupon.issued_at >= %(start_at)s AND coupon.issued_at < %(end_at)s
) AS given
GROUP BY 1
