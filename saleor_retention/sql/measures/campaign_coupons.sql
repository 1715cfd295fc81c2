-- The coupons that campaigns of a program gave in some time, by campaign: how many, how often orders
-- have used them until now, and what these uses took off at most, in one currency; null where a used
-- one has no amount in it.
SELECT given.campaign_id, count(*), sum(given.uses)::bigint,
       CASE WHEN bool_or(given.uses > 0 AND given.minor IS NULL) THEN NULL
            ELSE COALESCE(sum(given.uses * given.minor), 0)::bigint END
FROM (
    SELECT campaign.id AS campaign_id, coupon.uses,
           (batch.terms #>> ARRAY['amounts', %(currency)s::text])::bigint AS minor
    FROM saleor_retention_campaign AS campaign
    JOIN saleor_retention_coupon AS coupon
      ON coupon.program_id = campaign.program_id AND coupon.campaign = campaign.slug
     AND coupon.campaign <> ''
    JOIN saleor_retention_couponbatch AS batch ON batch.id = coupon.batch_id
    WHERE campaign.program_id = %(program_id)s AND coupon.cause = 'campaign'
      AND coupon.issued_at >= %(start_at)s AND coupon.issued_at < %(end_at)s
) AS given
GROUP BY 1
