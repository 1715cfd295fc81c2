-- Lets the prices of a Saleor 3.x checkout expire that were computed for somebody else: the stored
-- quote's identity differs, or there is none although the customer may be a member. Only valid
-- prices are touched, so that after a cart change, which lets them expire anyway, nothing is
-- written. Returns whether they were, and whether points are held for the checkout, or gifts picked.
CREATE OR REPLACE FUNCTION saleor_retention_catch_up(p_token uuid)
RETURNS TABLE (has_changed_hands boolean, has_hold boolean, has_gift boolean)
LANGUAGE plpgsql VOLATILE SET plan_cache_mode = force_generic_plan AS $$
#variable_conflict use_column
BEGIN
RETURN QUERY
WITH repriced AS (
    UPDATE checkout_checkout checkout
    SET price_expiration = now(), discount_expiration = now(), last_change = now()
    WHERE checkout.token = p_token AND checkout.price_expiration > now()
      AND CASE
            WHEN EXISTS (SELECT 1 FROM saleor_retention_storedquote quote
                         WHERE quote.checkout_ref = p_token::text)
            THEN EXISTS (SELECT 1 FROM saleor_retention_storedquote quote
                         WHERE quote.checkout_ref = p_token::text
                           AND quote.user_ref <> COALESCE(checkout.user_id::text, ''))
            ELSE checkout.user_id IS NOT NULL AND EXISTS (
                SELECT 1 FROM saleor_retention_programchannel channel
                JOIN saleor_retention_program program
                  ON program.id = channel.program_id AND program.is_active
                JOIN saleor_retention_programversion version
                  ON version.id = program.current_version_id
                LEFT JOIN saleor_retention_account account
                  ON account.program_id = program.id AND account.user_id = checkout.user_id
                WHERE channel.channel_ref = checkout.channel_id::text AND channel.is_active
                  AND (account.id IS NOT NULL
                       OR COALESCE(version.document ->> 'enrolment', '') <> 'opt_in'))
          END
    RETURNING 1
)
SELECT EXISTS (SELECT 1 FROM repriced),
       EXISTS (SELECT 1 FROM saleor_retention_hold hold
               WHERE hold.checkout_ref = p_token::text AND hold.state = 'placed'),
       EXISTS (SELECT 1 FROM saleor_retention_giftpick pick
               WHERE pick.checkout_ref = p_token::text);
END $$;
