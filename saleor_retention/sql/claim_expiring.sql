-- Claim lots that died and hold points still, oldest first, with their members' accounts, for this
-- database transaction. Rows that others hold are passed over, so that several workers share the
-- work; the lot is locked as well, so that one that another worker has just done with is not seen
-- as due. Twin of selectors.due.lots_to_expire; a test holds the two equal. Returns the lot, its
-- account, whether that owes points, whether the lot's maturing is due and whether its death is.
SELECT lot.id, lot.account_id, account.deficit > 0,
       lot.is_pending AND COALESCE(lot.valid_from <= %(now)s, false), true
FROM saleor_retention_lot AS lot
JOIN saleor_retention_account AS account ON account.id = lot.account_id
WHERE lot.remaining > 0 AND lot.expires_at <= %(now)s
ORDER BY lot.expires_at, lot.id
LIMIT %(limit)s
FOR NO KEY UPDATE OF account, lot SKIP LOCKED
