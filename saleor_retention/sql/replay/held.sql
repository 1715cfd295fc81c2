-- What the holds of the members in "owners" pinned, gave back and burned, one row for each lot of each
-- posting. The posting's key names the hold (services.checkout.holding); what is given back while the
-- hold goes on has a number of 32 hexadecimal digits after it.
SELECT entry.account_id, posting.program_id, named.hold_id, entry.lot_id, entry.points,
       posting.id AS transaction_id, posting.recorded_at, posting.order_ref, posting.version_id,
       CASE WHEN named.verb = 'hold' OR named.is_part THEN 'pinned'
            WHEN named.verb = 'capture' THEN 'captured'
            WHEN named.verb = 'lapse' THEN 'lapsed'
            ELSE 'released'
       END AS step
FROM saleor_retention_entry AS entry
JOIN saleor_retention_transaction AS posting ON posting.id = entry.transaction_id
CROSS JOIN LATERAL (
    SELECT part[1] AS verb, part[2]::bigint AS hold_id, part[3] IS NOT NULL AS is_part
    FROM regexp_match(
        posting.key,
        '^(?:expire:)?(hold|release|lapse|capture):([0-9]{1,18})(?::([0-9a-f]{32}))?(?::[0-9]+)?$'
    ) AS part
    WHERE part IS NOT NULL
) AS named
WHERE entry.account_id IN (SELECT account_id FROM owners) AND entry.book = 'held'
