-- Returns the accounts of an account's program that are one person's, itself among them: those that
-- share an address with it, now or formerly, or with one that does (``models.AccountAddress``).
CREATE OR REPLACE FUNCTION saleor_retention_same_person(p_account_id bigint) RETURNS bigint[]
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_generic_plan AS $$
BEGIN
IF p_account_id IS NULL THEN
    RETURN NULL;
END IF;
IF NOT EXISTS (  -- of nearly everybody
    SELECT FROM saleor_retention_accountaddress own
    JOIN saleor_retention_accountaddress other ON other.address_hash = own.address_hash
    WHERE own.account_id = p_account_id AND other.account_id <> p_account_id
) THEN
    RETURN ARRAY[p_account_id];
END IF;
RETURN (
    WITH RECURSIVE person (account_id) AS (
        SELECT p_account_id
        UNION
        SELECT other.account_id
        FROM person
        JOIN saleor_retention_accountaddress own ON own.account_id = person.account_id
        JOIN saleor_retention_accountaddress other ON other.address_hash = own.address_hash)
    SELECT array_agg(account.id ORDER BY account.id)
    FROM person
    JOIN saleor_retention_account account ON account.id = person.account_id
    WHERE account.program_id = (
        SELECT own.program_id FROM saleor_retention_account own WHERE own.id = p_account_id));
END $$;
