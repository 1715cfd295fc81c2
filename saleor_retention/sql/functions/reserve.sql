-- Sets aside what a checkout is about to use of its offers, or says which offer has no use left; see
-- services/offering/offer_uses.py. What it had set aside before is replaced. All or nothing: after a refusal
-- there is what there was before. p_items: [{"offer", "version", "uses", "amount", "period" (that it
-- counts in, null: of all time), "total_period" (in total, null: the same), "by_customer",
-- "in_total" (limits of these periods, null: none), "ever" (in total of all time, beside a period),
-- "stamps" (of a punch card, for one use), "gifts" (variants)}].
-- What the member's other accounts used (those of one person, saleor_retention_same_person) counts
-- as his own.
-- Locks by name the checkout's uses, the member's cards and, where he has other accounts, the
-- person; then the counters by offer, a member's before the total.
CREATE OR REPLACE FUNCTION saleor_retention_reserve(
    p_checkout_ref text, p_account_id bigint, p_currency text, p_items jsonb,
    p_now timestamptz, p_lapses_at timestamptz, p_timeout text
) RETURNS TABLE (refused_offer_id bigint, reason text)
LANGUAGE plpgsql VOLATILE SET plan_cache_mode = force_generic_plan AS $$
#variable_conflict use_column
DECLARE
    was text := current_setting('lock_timeout');
    item record;
    gift text;
    counter_id bigint;
    room bigint;
    total_start date;
    new_use_id bigint;
    others bigint[] := array_remove(saleor_retention_same_person(p_account_id), p_account_id);
BEGIN
PERFORM set_config('lock_timeout', p_timeout, true);
PERFORM pg_advisory_xact_lock(hashtextextended('offer-uses:' || p_checkout_ref, 0));
-- A checkout can outlive its order and be used for another.
UPDATE saleor_retention_offeruse earlier SET checkout_ref = left('order:' || earlier.order_ref, 64)
WHERE earlier.checkout_ref = p_checkout_ref AND earlier.order_ref <> '';
PERFORM pg_advisory_xact_lock(hashtextextended(
    'offer-card:' || card.offer || ':' || p_account_id, 0))
FROM (SELECT each.offer FROM jsonb_to_recordset(p_items) AS each(offer bigint, stamps integer)
      WHERE each.stamps IS NOT NULL AND p_account_id IS NOT NULL ORDER BY each.offer) card;
IF others <> '{}' THEN
    PERFORM pg_advisory_xact_lock(hashtextextended(
        'offer-person:' || LEAST(p_account_id, others[1]), 0));
END IF;
FOR item IN
    SELECT wanted.offer, wanted.account, each.period, bool_or(each.opens) AS opens
    FROM (
        SELECT each.offer, p_account_id AS account, each.period, each.by_customer IS NOT NULL
        FROM jsonb_to_recordset(p_items) AS each(offer bigint, period date, by_customer bigint)
        WHERE p_account_id IS NOT NULL
        UNION ALL
        SELECT each.offer, other.account, each.period, true
        FROM jsonb_to_recordset(p_items) AS each(offer bigint, period date, by_customer bigint),
             unnest(others) AS other(account)
        WHERE each.by_customer IS NOT NULL
        UNION ALL
        SELECT each.offer, NULL, limited.period, limited.opens
        FROM jsonb_to_recordset(p_items) AS each(
                 offer bigint, period date, total_period date, in_total bigint, ever bigint),
             LATERAL (
                 VALUES (COALESCE(each.total_period, each.period), each.in_total IS NOT NULL),
                        (NULL, each.ever IS NOT NULL)) AS limited(period, opens)
        UNION ALL
        SELECT own.offer_id, whose.account,
               CASE WHEN whose.account IS NULL THEN COALESCE(own.total_period_start, own.period_start)
                    ELSE own.period_start END, false
        FROM saleor_retention_offeruse own, unnest(ARRAY[own.account_id, NULL]) AS whose(account)
        WHERE own.checkout_ref = p_checkout_ref AND own.state = 'reserved'
    ) AS wanted(offer, account, period, opens), LATERAL (
        VALUES (wanted.period, wanted.opens),
               (NULL, wanted.opens AND wanted.period IS NULL)) AS each(period, opens)
    GROUP BY wanted.offer, wanted.account, each.period
    ORDER BY wanted.offer, wanted.account NULLS LAST, each.period
LOOP
    PERFORM saleor_retention_lock_counter(item.offer, item.account, item.period, item.opens);
END LOOP;
BEGIN
    PERFORM saleor_retention_count_uses(COALESCE((
        SELECT jsonb_agg(jsonb_build_object(
            'offer', own.offer_id, 'account', whose.account,
            'period', CASE WHEN whose.account IS NULL
                           THEN COALESCE(own.total_period_start, own.period_start)
                           ELSE own.period_start END,
            'delta', -own.uses, 'opens', false))
        FROM saleor_retention_offeruse own, unnest(
            CASE WHEN own.account_id IS NULL THEN ARRAY[NULL::bigint]
                 ELSE ARRAY[own.account_id, NULL] END) AS whose(account)
        WHERE own.checkout_ref = p_checkout_ref AND own.state = 'reserved'), '[]'));
    DELETE FROM saleor_retention_giftgiven given USING saleor_retention_offeruse own
    WHERE given.use_id = own.id AND own.checkout_ref = p_checkout_ref;
    DELETE FROM saleor_retention_offeruse own WHERE own.checkout_ref = p_checkout_ref;
    FOR item IN
        SELECT each.* FROM jsonb_to_recordset(p_items) AS each(
            offer bigint, version bigint, uses integer, amount bigint, period date,
            total_period date, by_customer bigint, in_total bigint, ever bigint, stamps integer,
            gifts jsonb)
        ORDER BY each.offer
    LOOP
        refused_offer_id := item.offer;
        IF p_account_id IS NULL AND (item.by_customer IS NOT NULL OR item.gifts <> '[]') THEN
            reason := 'NOT_A_MEMBER';
            RAISE EXCEPTION USING ERRCODE = 'RT001';
        END IF;
        IF item.stamps * item.uses > (
            SELECT COALESCE(sum(stamp.units), 0) FROM saleor_retention_offerstamp stamp
            WHERE stamp.account_id = p_account_id AND stamp.offer_id = item.offer
        ) - (
            SELECT COALESCE(
                sum(reward.uses * (version.document #>> '{punch_card,buy}')::integer), 0)
            FROM saleor_retention_offeruse reward
            JOIN saleor_retention_offerversion version ON version.id = reward.version_id
            WHERE reward.account_id = p_account_id AND reward.offer_id = item.offer
              AND reward.state <> 'returned'
        ) THEN
            reason := 'STAMPS_MISSING';
            RAISE EXCEPTION USING ERRCODE = 'RT001';
        END IF;
        IF p_account_id IS NOT NULL THEN
            counter_id := saleor_retention_lock_counter(
                item.offer, p_account_id, item.period, false);
            UPDATE saleor_retention_offercounter counter SET used = counter.used + item.uses
            WHERE counter.id = counter_id
            RETURNING item.by_customer - counter.used - (
                SELECT COALESCE(sum(other.used), 0) FROM saleor_retention_offercounter other
                WHERE other.account_id = ANY(others) AND other.offer_id = item.offer
                  AND other.period_start IS NOT DISTINCT FROM item.period) INTO room;
            IF room < 0 THEN
                reason := 'LIMIT_PER_CUSTOMER';
                RAISE EXCEPTION USING ERRCODE = 'RT001';
            END IF;
            IF item.period IS NOT NULL THEN  -- of an earlier or later version without a period
                UPDATE saleor_retention_offercounter counter SET used = counter.used + item.uses
                WHERE counter.offer_id = item.offer
                  AND counter.account_id = p_account_id AND counter.period_start IS NULL;
            END IF;
        END IF;
        total_start := COALESCE(item.total_period, item.period);
        counter_id := saleor_retention_lock_counter(item.offer, NULL, total_start, false);
        UPDATE saleor_retention_offercounter counter SET used = counter.used + item.uses
        WHERE counter.id = counter_id
        RETURNING item.in_total - counter.used INTO room;
        IF room < 0 THEN
            reason := 'LIMIT_IN_TOTAL';
            RAISE EXCEPTION USING ERRCODE = 'RT001';
        END IF;
        IF total_start IS NOT NULL THEN  -- of this version or of another without a period
            UPDATE saleor_retention_offercounter counter SET used = counter.used + item.uses
            WHERE counter.offer_id = item.offer
              AND counter.account_id IS NULL AND counter.period_start IS NULL
            RETURNING item.ever - counter.used INTO room;
            IF room < 0 THEN
                reason := 'LIMIT_IN_TOTAL';
                RAISE EXCEPTION USING ERRCODE = 'RT001';
            END IF;
        END IF;
        INSERT INTO saleor_retention_offeruse (
            offer_id, version_id, account_id, checkout_ref, order_ref, state, uses, amount_minor,
            currency, period_start, total_period_start, created_at, lapses_at)
        VALUES (
            item.offer, item.version, p_account_id, p_checkout_ref, '', 'reserved', item.uses,
            item.amount, p_currency, item.period, item.total_period, p_now, p_lapses_at)
        RETURNING id INTO new_use_id;
        FOR gift IN SELECT each FROM jsonb_array_elements_text(item.gifts) AS each ORDER BY each
        LOOP
            INSERT INTO saleor_retention_giftgiven (use_id, account_id, variant_ref)
            VALUES (new_use_id, p_account_id, gift)
            ON CONFLICT DO NOTHING;
            IF NOT FOUND OR EXISTS (
                SELECT FROM saleor_retention_giftgiven earlier
                WHERE earlier.account_id = ANY(others) AND earlier.variant_ref = gift
            ) THEN
                reason := 'NO_GIFT_LEFT';
                RAISE EXCEPTION USING ERRCODE = 'RT001';
            END IF;
        END LOOP;
    END LOOP;
EXCEPTION WHEN SQLSTATE 'RT001' THEN
    RETURN NEXT;
END;
PERFORM set_config('lock_timeout', was, true);
END $$;
