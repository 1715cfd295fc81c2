-- What each offer of a program took off what is kept of the counted orders of some time, and what is paid
-- for that, by the currency of the orders. An order uses an offer once at most.
-- Twin of selectors.costs.OfferCost; the benchmark of the report holds it against plain SQL.
SELECT use.offer_id, use.currency,
       sum(use.uses)::bigint, count(*), count(DISTINCT record.account_id),
       sum(use.amount_minor - use.returned_minor)::bigint, sum(record.spend_minor)::bigint
FROM saleor_retention_offeruse AS use
JOIN saleor_retention_orderrecord AS record ON record.order_ref = use.order_ref
WHERE record.program_id = %(program_id)s AND record.is_counted
  AND record.created_at >= %(start_at)s AND record.created_at < %(end_at)s
  AND use.state = 'used' AND use.order_ref <> ''
GROUP BY 1, 2
ORDER BY 1, 2
