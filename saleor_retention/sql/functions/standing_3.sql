-- Everything that decides the price of a Saleor 3.x checkout besides its basket, in one row.
-- The same columns as selectors.standing reads on other hosts. A function, because what a statement
-- over so many tables costs is its planning, and PostgreSQL keeps the plans of a function.
-- The shopper's facts are for offers only: a program that never had any does not ask.
-- extra has the categories above those of the goods, by category; one that is on top is absent.
-- Saleor counts a checkout that costs nothing as paid; there is no money in it all the same.
CREATE OR REPLACE FUNCTION saleor_retention_standing(
    p_token uuid, p_plugin_id text, p_category_ids integer[]
)
RETURNS TABLE (
    ref text, user_ref text, is_confirmed boolean, channel_ref text, is_active boolean,
    is_money_committed boolean, extra text,
    program_id bigint, version_id bigint,
    account_id bigint, state text, tier text, available bigint, pending bigint, held bigint,
    deficit bigint,
    points_held bigint,
    quote_version_id bigint, quote_account_id bigint, quote_user_ref text, quote_tier text,
    basket_fingerprint text, fingerprint text, payload text, own_row_ids text[],
    offers_stamp bigint, offer_facts text, delivery numeric
)
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_generic_plan AS $$
#variable_conflict use_column
BEGIN
RETURN QUERY
SELECT checkout.token::text, checkout.user_id::text,
       COALESCE(buyer.is_active AND buyer.is_confirmed, false),
       checkout.channel_id::text,
       COALESCE(plugin.active, true),
       (checkout.authorize_status <> 'none' OR checkout.charge_status <> 'none')
       AND EXISTS (SELECT 1 FROM payment_transactionitem item
                   WHERE item.checkout_id = checkout.token
                     AND item.authorized_value + item.authorize_pending_value
                         + item.charged_value + item.charge_pending_value > 0)
       OR EXISTS (SELECT 1 FROM payment_payment payment
                  WHERE payment.checkout_id = checkout.token AND payment.is_active
                    AND (payment.to_confirm OR payment.captured_amount > 0
                         OR EXISTS (SELECT 1 FROM payment_transaction item
                                    WHERE item.payment_id = payment.id AND item.is_success
                                      AND item.kind = 'auth'))),
       (SELECT jsonb_object_agg(found.id, found.above)
        FROM (SELECT category.id, jsonb_agg(upper.id) AS above
              FROM product_category category
              JOIN product_category upper
                ON upper.tree_id = category.tree_id
               AND upper.lft <= category.lft AND upper.rght >= category.rght
              WHERE category.id = ANY(p_category_ids) AND category.level > 0
              GROUP BY category.id) found)::text,
       program.id, program.current_version_id,
       account.id, account.state::text, account.tier::text,
       account.available, account.pending, account.held, account.deficit,
       hold.points,
       quote.version_id, quote.account_id, quote.user_ref::text, quote.tier::text,
       quote.basket_fingerprint::text, quote.fingerprint::text, quote.payload::text,
       quote.own_row_ids::text[],
       program.offers_stamp::bigint,
       CASE WHEN program.offers_stamp > 0
            THEN saleor_retention_offer_facts(program.id, account.id, p_token::text)::text END,
       checkout.undiscounted_base_shipping_price_amount
FROM checkout_checkout checkout
LEFT JOIN account_user buyer ON buyer.id = checkout.user_id
LEFT JOIN plugins_pluginconfiguration plugin
       ON plugin.identifier = p_plugin_id AND plugin.channel_id IS NULL
LEFT JOIN saleor_retention_programchannel channel
       ON channel.channel_ref = checkout.channel_id::text AND channel.is_active
      AND COALESCE(plugin.active, true)
LEFT JOIN saleor_retention_program program ON program.id = channel.program_id AND program.is_active
LEFT JOIN saleor_retention_account account
       ON account.program_id = program.id AND account.user_id = checkout.user_id
LEFT JOIN saleor_retention_hold hold
       ON hold.checkout_ref = p_token::text AND hold.state = 'placed'
      AND hold.account_id = account.id
LEFT JOIN saleor_retention_storedquote quote ON quote.checkout_ref = p_token::text
WHERE checkout.token = p_token;
END $$;
