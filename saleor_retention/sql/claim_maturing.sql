-- Claim lots whose maturing is due, oldest first, with their members' accounts, for this database
-- transaction. Rows that others hold are passed over, so that several workers share the work; the
-- lot is locked as well, so that one that another worker has just done with is not seen as due.
-- Twin of selectors.due.lots_to_mature; a test holds the two equal. Returns the lot, its account,
-- whether that owes points, whether the lot's maturing is due and whether its death is.
SELECT lot.id, lot.account_id, account.deficit > 0, true,
       COALESCE(lot.expires_at <= %(now)s, false)
FROM saleor_retention_lot AS lot
JOIN saleor_retention_account AS account ON account.id = lot.account_id
WHERE lot.is_pending AND lot.remaining > 0 AND lot.valid_from <= %(now)s
ORDER BY lot.valid_from, lot.id
LIMIT %(limit)s
FOR NO KEY UPDATE OF account, lot SKIP LOCKED
