-- A number that says: this rollup was made of these orders (the sum of their marks) in this time zone,
-- and is as it was made. Another one says only that it may not be: PostgreSQL may change its hashes
-- from one major version to the next. In plain SQL, so that it becomes a part of the statement that
-- calls it.
CREATE OR REPLACE FUNCTION saleor_retention_rollup_seal(
    p_marks numeric, p_time_zone text, p_orders integer, p_order_days integer,
    p_first_order_at timestamptz, p_second_order_at timestamptz, p_last_order_at timestamptz,
    p_first_on date, p_last_on date, p_spend_minor bigint, p_first_day_minor bigint
) RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT hash_numeric_extended(p_marks, hashtextextended(p_time_zone,
        hashint8extended(p_orders, hashint8extended(p_order_days,
        timestamp_hash_extended(p_first_order_at AT TIME ZONE 'UTC',
        timestamp_hash_extended(coalesce(p_second_order_at, '-infinity') AT TIME ZONE 'UTC',
        timestamp_hash_extended(p_last_order_at AT TIME ZONE 'UTC',
        hashint8extended(p_first_on - DATE '2000-01-01', hashint8extended(p_last_on - DATE '2000-01-01',
        hashint8extended(p_spend_minor, hashint8extended(p_first_day_minor, 0)))))))))))
$$;
