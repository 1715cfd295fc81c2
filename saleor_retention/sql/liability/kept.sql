-- What the members of a program have by their kept balances (selectors.liability holds the entries
-- against it; twin of a sum over the accounts).
SELECT coalesce(sum(available), 0)::bigint, coalesce(sum(pending), 0)::bigint,
       coalesce(sum(held), 0)::bigint, coalesce(sum(deficit), 0)::bigint
FROM saleor_retention_account
WHERE program_id = %(program_id)s
