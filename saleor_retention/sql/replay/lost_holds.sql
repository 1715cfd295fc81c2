-- Holds that entries name and that are not there (selectors.replaying names them).
SELECT held.hold_id, account.member_number, sum(held.points)::bigint AS points
FROM held
JOIN saleor_retention_account AS account ON account.id = held.account_id
LEFT JOIN saleor_retention_hold AS hold
       ON hold.id = held.hold_id AND hold.account_id = held.account_id
WHERE hold.id IS NULL AND held.hold_id IS NOT NULL
GROUP BY held.hold_id, account.member_number
ORDER BY held.hold_id
