-- Writes the tiers of many accounts, which the caller has locked, in one statement: Django's own way
-- (bulk_update) composes a CASE for each column and row, and takes longer than all the rest.
-- Specification: services.membership.tiering._moved, which has changed the accounts in memory.
UPDATE saleor_retention_account AS account
SET tier = moved.tier,
    tier_since = moved.tier_since,
    tier_valid_until = moved.tier_valid_until,
    is_tier_manual = moved.is_tier_manual,
    tier_warned_at = moved.tier_warned_at
FROM unnest(
    %(ids)s::bigint[], %(tier)s::text[], %(tier_since)s::timestamptz[],
    %(tier_valid_until)s::timestamptz[], %(is_tier_manual)s::boolean[],
    %(tier_warned_at)s::timestamptz[]
) AS moved (id, tier, tier_since, tier_valid_until, is_tier_manual, tier_warned_at)
WHERE account.id = moved.id;
