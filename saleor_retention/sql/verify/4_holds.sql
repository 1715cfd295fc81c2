-- Live holds that are worth something else than what they pin in lots.
SELECT hold.id, hold.points, coalesce(sum(consumption.points), 0) AS pinned
FROM saleor_retention_hold AS hold
JOIN saleor_retention_account AS account ON account.id = hold.account_id
LEFT JOIN saleor_retention_consumption AS consumption ON consumption.hold_id = hold.id
WHERE (%(program_id)s::bigint IS NULL OR account.program_id = %(program_id)s)
  AND hold.state = 'placed'
GROUP BY hold.id HAVING hold.points <> coalesce(sum(consumption.points), 0)
ORDER BY hold.id
