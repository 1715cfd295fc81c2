-- What tier prices took off the counted orders of some time, in one currency. Orders from before it
-- was kept have nothing here. Twin of selectors.costs.off_by_tiers.
SELECT COALESCE(sum(tier_minor), 0)::bigint
FROM saleor_retention_orderrecord
WHERE program_id = %(program_id)s AND is_counted AND tier_minor > 0
  AND created_at >= %(start_at)s AND created_at < %(end_at)s AND currency = %(currency)s
