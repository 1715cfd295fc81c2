-- What coupons took off the counted orders of some time in one currency: uses, minor units, how many
-- uses count at their coupon's amount because what they took off was not kept, and how many are not
-- in the sum because not even that is known (per cent). Twin of selectors.costs.CouponCost.
SELECT count(*), COALESCE(sum(COALESCE(used.minor, used.at_most)), 0)::bigint,
       count(*) FILTER (WHERE used.minor IS NULL AND used.at_most IS NOT NULL),
       count(*) FILTER (WHERE used.minor IS NULL AND used.at_most IS NULL)
FROM (
    SELECT use.amount_minor AS minor,
           (batch.terms #>> ARRAY['amounts', record.currency])::bigint AS at_most
    FROM saleor_retention_couponuse AS use
    JOIN saleor_retention_orderrecord AS record ON record.order_ref = use.order_ref
    JOIN saleor_retention_coupon AS coupon ON coupon.id = use.coupon_id
    JOIN saleor_retention_couponbatch AS batch ON batch.id = coupon.batch_id
    WHERE record.program_id = %(program_id)s AND record.is_counted
      AND record.currency = %(currency)s
      AND record.created_at >= %(start_at)s AND record.created_at < %(end_at)s
      AND use.state = 'used' AND use.order_ref <> ''
) AS used
