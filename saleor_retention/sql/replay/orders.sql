-- What orders earned, lost, were paid with and got back, as the entries make it, and the number of
-- the last posting (selectors.replaying compares and repairs).
SELECT record.id, record.account_id, record.order_ref AS name, made.*
FROM saleor_retention_orderrecord AS record
CROSS JOIN LATERAL (
    SELECT -coalesce(
               sum(points) FILTER (WHERE kind = 'earn' AND book = 'issuance'), 0
           )::bigint AS earned,
           coalesce(
               sum(points) FILTER (WHERE rule_key = 'base' AND book = 'clawback'), 0
           )::bigint AS clawed,
           -coalesce(
               sum(points) FILTER (
                   WHERE rule_key = 'first_order' AND book IN ('issuance', 'clawback')
               ), 0
           )::bigint AS bonus,
           coalesce(
               sum(points) FILTER (WHERE kind = 'capture' AND book = 'redeemed'), 0
           )::bigint AS redeemed,
           -coalesce(
               sum(points) FILTER (WHERE kind IN ('restore', 'revoke') AND book = 'redeemed'), 0
           )::bigint AS restored,
           coalesce(
               max(substring(key FROM '[0-9]+$')::int) FILTER (
                   WHERE kind IN ('earn', 'clawback', 'reinstate', 'restore', 'revoke')
               ), 0
           ) AS sequence
    FROM saleor_retention_transaction AS transaction
    JOIN saleor_retention_entry AS entry ON entry.transaction_id = transaction.id
    WHERE transaction.order_ref = record.order_ref AND transaction.order_ref <> ''
      AND transaction.program_id = record.program_id
) AS made
WHERE record.id BETWEEN %(first_id)s AND %(last_id)s
  AND (%(ids)s::bigint[] IS NULL OR record.id = ANY(%(ids)s::bigint[]))
  AND (%(program_id)s::bigint IS NULL OR record.program_id = %(program_id)s)
