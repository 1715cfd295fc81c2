-- What the holds of the members in "owners" pinned, gave back and burned, one row for each lot of each
-- posting. The posting's key names the hold (services.checkout.holding): "hold:7:<number>:USD:<checkout>",
-- "capture:7", "release:7", "lapse:7", before which stands "expire:" and after which the lot where what
-- came back was dead. Older ones say neither currency nor checkout. What is given back while the hold goes on has a number of 32 hexadecimal digits after the hold's.
-- Other keys have no hold: they are not left out by a condition, or the planner would take the few rows
-- that it expects to be left for a reason to compare each with each.
SELECT entry.account_id, posting.program_id,
       CASE WHEN named.verb IN ('hold', 'capture', 'release', 'lapse')
                 AND named.hold_id ~ '^[0-9]{1,18}$'
            THEN named.hold_id::bigint END AS hold_id,
       entry.lot_id, entry.points, posting.id AS transaction_id, posting.recorded_at, posting.order_ref,
       posting.version_id,
       CASE WHEN named.verb = 'hold' THEN split_part(plain.key, ':', 4) ELSE '' END AS currency,
       CASE WHEN named.verb = 'hold' THEN split_part(plain.key, ':', 5) ELSE '' END AS checkout_ref,
       CASE WHEN named.verb = 'hold' OR length(named.rest) = 32 THEN 'pinned'
            WHEN named.verb = 'capture' THEN 'captured'
            WHEN named.verb = 'lapse' THEN 'lapsed'
            ELSE 'released'
       END AS step
FROM saleor_retention_entry AS entry
JOIN saleor_retention_transaction AS posting ON posting.id = entry.transaction_id
CROSS JOIN LATERAL (
    SELECT CASE WHEN posting.kind = 'expire' THEN substr(posting.key, 8) ELSE posting.key END AS key
) AS plain
CROSS JOIN LATERAL (
    SELECT split_part(plain.key, ':', 1) AS verb, split_part(plain.key, ':', 2) AS hold_id,
           split_part(plain.key, ':', 3) AS rest
) AS named
WHERE entry.account_id IN (SELECT account_id FROM owners) AND entry.book = 'held'
