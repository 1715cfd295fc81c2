-- How many customers are in each recency band, and what is kept of all their orders, from the
-- rollups. Specification: engine.segments.bands.band_of; a test holds the two equal.
SELECT CASE WHEN rollup.last_on >= %(best)s::date THEN 'best'
            WHEN rollup.last_on >= %(active)s::date THEN 'active'
            WHEN rollup.last_on >= %(sleeping)s::date THEN 'sleeping'
            WHEN rollup.last_on >= %(at_risk)s::date THEN 'at_risk'
            ELSE 'lost' END AS band,
       count(*), sum(rollup.orders)::bigint, sum(rollup.spend_minor)::bigint
FROM saleor_retention_customerrollup AS rollup
WHERE rollup.program_id = %(program_id)s
GROUP BY 1
