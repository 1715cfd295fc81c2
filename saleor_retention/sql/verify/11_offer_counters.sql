-- Counters of offers that are not the sum of the uses reserved and taken: in total (no member) or by
-- one member, of all time (no period: the uses of every period) or of one.
SELECT offer.slug,
       COALESCE('member ' || account.member_number, 'in total')
           || COALESCE(' from ' || counter.period_start::text, '') AS whose,
       counter.used AS kept,
       COALESCE(uses.made, 0) AS made
FROM saleor_retention_offercounter AS counter
JOIN saleor_retention_offer AS offer ON offer.id = counter.offer_id
LEFT JOIN saleor_retention_account AS account ON account.id = counter.account_id
LEFT JOIN LATERAL (
    SELECT sum(used.uses)::bigint AS made
    FROM saleor_retention_offeruse AS used
    WHERE used.offer_id = counter.offer_id
      AND (counter.account_id IS NULL OR used.account_id = counter.account_id)
      AND (counter.period_start IS NULL OR used.period_start = counter.period_start)
      AND used.state <> 'returned'
) AS uses ON true
WHERE (%(program_id)s::bigint IS NULL OR offer.program_id = %(program_id)s)
  AND counter.used <> COALESCE(uses.made, 0)
ORDER BY counter.id
