-- A number that stands for what a customer's rollup takes from one of his orders. In plain SQL, so that
-- it becomes a part of the statement that calls it.
CREATE OR REPLACE FUNCTION saleor_retention_order_mark(
    p_id bigint, p_created_at timestamptz, p_spend_minor bigint
) RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT hashint8extended(p_id, hashint8extended(
        p_spend_minor, timestamp_hash_extended(p_created_at AT TIME ZONE 'UTC', 0)
    ))
$$;
