-- What came back of the lots that paid the orders in "held", and what was taken again, by order and lot.
-- Points that came back to a lot's child are the lot's: the child has so much more than it gave.
SELECT orders.account_id, orders.order_ref, orders.hold_id, moved.lot_id,
       sum(moved.taken)::bigint AS taken, sum(moved.points)::bigint AS points
FROM (
    SELECT account_id, program_id, order_ref, min(hold_id) AS hold_id
    FROM held
    WHERE step = 'captured' AND order_ref <> ''
    GROUP BY account_id, program_id, order_ref
) AS orders
JOIN saleor_retention_transaction AS posting
  ON posting.order_ref = orders.order_ref AND posting.program_id = orders.program_id
     AND posting.order_ref <> '' AND posting.kind IN ('restore', 'revoke')
JOIN saleor_retention_entry AS entry ON entry.transaction_id = posting.id
JOIN saleor_retention_lot AS lot ON lot.id = entry.lot_id
CROSS JOIN LATERAL (
    SELECT lot.id, CASE WHEN posting.kind = 'revoke' THEN entry.points ELSE 0 END,
           CASE WHEN posting.kind = 'restore' THEN -entry.points ELSE 0 END
    WHERE entry.book = 'redeemed'
    UNION ALL
    SELECT lot.parent_id, 0, entry.points
    WHERE lot.parent_id IS NOT NULL AND posting.kind = 'restore'
) AS moved (lot_id, taken, points)
GROUP BY orders.account_id, orders.order_ref, orders.hold_id, moved.lot_id
