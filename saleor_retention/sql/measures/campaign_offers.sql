-- The offers that campaigns of a program gave to members in some time, by campaign: how many, how
-- often orders have used them until now, and what that took off in one currency; null where it took
-- something off in another. A use belongs to the last gift of the offer to the member before it.
SELECT given.campaign_id, count(*), COALESCE(sum(used.uses), 0)::bigint,
       CASE WHEN bool_or(used.is_elsewhere) THEN NULL
            ELSE COALESCE(sum(used.minor), 0)::bigint END
FROM saleor_retention_offergrant AS given
JOIN saleor_retention_campaign AS campaign ON campaign.id = given.campaign_id
LEFT JOIN LATERAL (
    SELECT sum(used.uses) AS uses, sum(used.amount_minor - used.returned_minor) AS minor,
           bool_or(used.currency <> %(currency)s AND used.amount_minor > 0) AS is_elsewhere
    FROM saleor_retention_offeruse AS used
    WHERE used.account_id = given.account_id AND used.offer_id = given.offer_id
      AND used.state = 'used'
      AND used.created_at >= given.granted_at AND used.created_at < given.valid_until
      AND NOT EXISTS (
          SELECT FROM saleor_retention_offergrant AS later
          WHERE later.account_id = given.account_id AND later.offer_id = given.offer_id
            AND (later.granted_at, later.id) > (given.granted_at, given.id)
            AND later.granted_at <= used.created_at)
) AS used ON true
WHERE campaign.program_id = %(program_id)s
  AND given.granted_at >= %(start_at)s AND given.granted_at < %(end_at)s
GROUP BY 1
