-- Stores a quote and makes its rows the only ones of ours on a Saleor 3.x checkout; see
-- host/saleor_3/rows.py. Writes nothing when the lines, or the stored quote, are not those that
-- were read, and of the rows only those of lines on which one differs: a change of a cart leaves most
-- as they were, and all of a line are written together, so that they stay in order. Returns 1 or 0 for
-- each: the checkout is there, the lines are the same, it was written.
CREATE OR REPLACE FUNCTION saleor_retention_write_quote(
    p_token uuid, p_line_ids uuid[], p_quantities integer[],
    p_account_id bigint, p_version_id bigint, p_user_ref text, p_tier text,
    p_basket_fingerprint text, p_fingerprint text, p_payload jsonb,
    p_points_applied bigint, p_has_free_shipping boolean, p_now timestamptz,
    p_read_fingerprint text, p_stale_ids uuid[], p_currency text,
    p_row_ids uuid[], p_row_line_ids uuid[], p_value_types text[],
    p_values numeric[], p_amounts numeric[], p_names text[], p_reasons text[]
)
RETURNS TABLE (is_there bigint, is_same bigint, is_written bigint)
LANGUAGE plpgsql VOLATILE SET plan_cache_mode = force_generic_plan AS $$
#variable_conflict use_column
BEGIN
RETURN QUERY
WITH locked AS MATERIALIZED (
    SELECT token FROM checkout_checkout WHERE token = p_token FOR UPDATE
), seen AS MATERIALIZED (
    SELECT line.id
    FROM checkout_checkoutline line
    JOIN unnest(p_line_ids, p_quantities) AS priced (id, quantity)
      ON priced.id = line.id AND priced.quantity = line.quantity
    WHERE line.checkout_id = (SELECT token FROM locked)
    ORDER BY line.id
    FOR KEY SHARE OF line
), same_lines AS MATERIALIZED (
    SELECT 1 WHERE (SELECT count(*) FROM seen) = cardinality(p_line_ids)
), quote AS (
    INSERT INTO saleor_retention_storedquote AS stored
        (checkout_ref, account_id, version_id, user_ref, tier, basket_fingerprint, fingerprint,
         payload, own_row_ids, points_applied, has_free_shipping, priced_at, order_ref)
    SELECT p_token::text, p_account_id, p_version_id, p_user_ref, p_tier, p_basket_fingerprint,
           p_fingerprint, p_payload, p_row_ids, p_points_applied, p_has_free_shipping, p_now, ''
    FROM same_lines
    ON CONFLICT (checkout_ref) DO UPDATE SET
        account_id = excluded.account_id, version_id = excluded.version_id,
        user_ref = excluded.user_ref, tier = excluded.tier,
        basket_fingerprint = excluded.basket_fingerprint, fingerprint = excluded.fingerprint,
        payload = excluded.payload, own_row_ids = excluded.own_row_ids,
        points_applied = excluded.points_applied,
        has_free_shipping = excluded.has_free_shipping, priced_at = excluded.priced_at
    WHERE stored.fingerprint = p_read_fingerprint
    RETURNING 1
), removed AS (
    DELETE FROM discount_checkoutlinediscount
    WHERE id = ANY(p_stale_ids) AND EXISTS (SELECT 1 FROM quote)
), wanted AS MATERIALIZED (
    SELECT new.*
    FROM unnest(p_row_ids, p_row_line_ids, p_value_types, p_values, p_amounts, p_names, p_reasons)
         WITH ORDINALITY AS new (id, line_id, value_type, value, amount_value, name, reason, rank)
    WHERE EXISTS (SELECT 1 FROM quote)
), changed AS (
    SELECT wanted.line_id
    FROM wanted
    LEFT JOIN discount_checkoutlinediscount AS row ON row.id = wanted.id
    WHERE (row.value_type, row.value, row.amount_value, row.currency, row.name, row.reason)
          IS DISTINCT FROM
          (wanted.value_type, wanted.value, wanted.amount_value, p_currency, wanted.name, wanted.reason)
), placed AS (
    INSERT INTO discount_checkoutlinediscount AS row
        (id, created_at, type, value_type, value, amount_value, currency, name, translated_name,
         reason, line_id)
    SELECT new.id, p_now + new.rank * interval '1 microsecond', 'order_promotion', new.value_type,
           new.value, new.amount_value, p_currency, new.name, '', new.reason, new.line_id
    FROM wanted AS new
    WHERE new.line_id IN (SELECT line_id FROM changed)
    ON CONFLICT (id) DO UPDATE SET
        value_type = excluded.value_type, value = excluded.value,
        amount_value = excluded.amount_value, currency = excluded.currency,
        name = excluded.name, reason = excluded.reason, created_at = excluded.created_at
)
SELECT (SELECT count(*) FROM locked), (SELECT count(*) FROM same_lines),
       (SELECT count(*) FROM quote);
END $$;
