-- Counters of offers that are not the sum of the uses reserved and taken: in total (no member) or by
-- one member, of all time (no period) or of one. Every use counts in those of all time, in the
-- member's of its period, and in the total's of its period in total.
WITH made AS (
    SELECT used.offer_id, counts.account_id, counts.period_start, sum(used.uses)::bigint AS made
    FROM saleor_retention_offeruse AS used
    CROSS JOIN LATERAL (
        SELECT NULL::bigint, NULL::date
        UNION ALL
        SELECT NULL, COALESCE(used.total_period_start, used.period_start)
        WHERE COALESCE(used.total_period_start, used.period_start) IS NOT NULL
        UNION ALL
        SELECT used.account_id, NULL WHERE used.account_id IS NOT NULL
        UNION ALL
        SELECT used.account_id, used.period_start
        WHERE used.account_id IS NOT NULL AND used.period_start IS NOT NULL
    ) AS counts (account_id, period_start)
    WHERE used.state <> 'returned'
      AND used.offer_id IN (SELECT counter.offer_id FROM saleor_retention_offercounter AS counter)
    GROUP BY used.offer_id, counts.account_id, counts.period_start
)
SELECT offer.slug,
       COALESCE('member ' || account.member_number, 'in total')
           || COALESCE(' from ' || counter.period_start::text, '') AS whose,
       counter.used AS kept,
       COALESCE(made.made, 0) AS made
FROM saleor_retention_offercounter AS counter
JOIN saleor_retention_offer AS offer ON offer.id = counter.offer_id
LEFT JOIN saleor_retention_account AS account ON account.id = counter.account_id
LEFT JOIN made  -- by values that can be hashed, which those with IS NOT DISTINCT FROM cannot
    ON made.offer_id = counter.offer_id
   AND COALESCE(made.account_id, 0) = COALESCE(counter.account_id, 0)
   AND COALESCE(made.period_start, '-infinity') = COALESCE(counter.period_start, '-infinity')
WHERE (%(program_id)s::bigint IS NULL OR offer.program_id = %(program_id)s)
  AND counter.used <> COALESCE(made.made, 0)
ORDER BY counter.id
