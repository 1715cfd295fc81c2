-- What decides about a program's offers besides basket, terms and tier, for one member (NULL: a
-- guest) and one checkout; engine.offers.facts.situation_of reads it. Keys with nothing in them are
-- absent. What this checkout has reserved itself is not counted against it. Uses, gifts and orders
-- are those of the person, whichever of his accounts they are on (saleor_retention_same_person).
-- Of the counters only those of a period that may be running now: the first days of today's day,
-- week, month and year, today being any date that it is somewhere on earth.
CREATE OR REPLACE FUNCTION saleor_retention_offer_facts(
    p_program_id bigint, p_account_id bigint, p_checkout_ref text
) RETURNS jsonb
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_generic_plan AS $$
#variable_conflict use_column
DECLARE
    today date := (now() AT TIME ZONE 'UTC')::date;
    groups jsonb;
    starts date[] := ARRAY(
        SELECT DISTINCT date_trunc(unit, day)::date
        FROM unnest(ARRAY[today - 1, today, today + 1]) AS day,
             unnest(ARRAY['day', 'week', 'month', 'year']) AS unit);
    person bigint[] := saleor_retention_same_person(p_account_id);
    has_reserved boolean := EXISTS (  -- few checkouts: spares the rest a look for every counter
        SELECT FROM saleor_retention_offeruse own
        WHERE own.checkout_ref = p_checkout_ref AND own.state = 'reserved');
    facts jsonb;
BEGIN
facts := jsonb_build_object(
    'gift_picks', (
        SELECT jsonb_object_agg(picked.offer_id, picked.refs)
        FROM (SELECT pick.offer_id, jsonb_agg(pick.variant_ref ORDER BY pick.id) AS refs
              FROM saleor_retention_giftpick pick
              WHERE pick.checkout_ref = p_checkout_ref GROUP BY pick.offer_id) picked),
    'used', (
        SELECT jsonb_agg(jsonb_build_array(
            counter.offer_id, counter.is_members, counter.period_start,
            counter.used - CASE WHEN has_reserved THEN COALESCE((
                SELECT own.uses FROM saleor_retention_offeruse own
                WHERE own.offer_id = counter.offer_id AND own.checkout_ref = p_checkout_ref
                  AND own.state = 'reserved'
                  AND (counter.period_start IS NULL OR counter.period_start =
                       CASE WHEN counter.is_members THEN own.period_start
                            ELSE COALESCE(own.total_period_start, own.period_start) END)
                  AND (NOT counter.is_members OR own.account_id = ANY(person))), 0) ELSE 0 END)
            ORDER BY counter.offer_id, counter.is_members DESC, counter.period_start)
        FROM (
            SELECT counter.offer_id, false AS is_members, counter.period_start, counter.used
            FROM saleor_retention_offercounter counter
            JOIN saleor_retention_offer offer
              ON offer.id = counter.offer_id AND offer.program_id = p_program_id
             AND offer.is_active
            WHERE counter.account_id IS NULL AND counter.period_start IS NULL
            UNION ALL
            SELECT counter.offer_id, false, counter.period_start, counter.used
            FROM saleor_retention_offercounter counter
            JOIN saleor_retention_offer offer
              ON offer.id = counter.offer_id AND offer.program_id = p_program_id
             AND offer.is_active
            WHERE counter.account_id IS NULL AND counter.period_start = ANY(starts)
            UNION ALL
            SELECT counter.offer_id, true, counter.period_start, sum(counter.used)
            FROM saleor_retention_offercounter counter
            WHERE counter.account_id = ANY(person)
              AND (counter.period_start IS NULL OR counter.period_start = ANY(starts))
            GROUP BY counter.offer_id, counter.period_start
        ) counter));
IF p_account_id IS NOT NULL THEN
    groups := saleor_retention_segments_of(p_account_id);
    facts := facts || jsonb_build_object(
        'segments', NULLIF(groups -> 'segments', '[]'),
        'tags', NULLIF(groups -> 'tags', '[]'),
        'left', (
            SELECT true FROM saleor_retention_account account
            WHERE account.id = p_account_id AND account.state <> 'member'),
        'stamps', (
            SELECT jsonb_object_agg(card.offer_id, card.units)
            FROM (SELECT stamp.offer_id, sum(stamp.units) AS units
                  FROM saleor_retention_offerstamp stamp
                  WHERE stamp.account_id = p_account_id GROUP BY stamp.offer_id) card),
        'granted', (
            SELECT jsonb_object_agg(given.offer_id, given.until ORDER BY given.offer_id)
            FROM (SELECT given.offer_id, max(given.valid_until) AS until
                  FROM saleor_retention_offergrant given
                  WHERE given.account_id = p_account_id GROUP BY given.offer_id) given),
        'stamps_spent', (
            SELECT jsonb_object_agg(card.offer_id, card.units)
            FROM (SELECT reward.offer_id,
                         sum(reward.uses * (version.document #>> '{punch_card,buy}')::integer)
                             AS units
                  FROM saleor_retention_offeruse reward
                  JOIN saleor_retention_offer offer
                    ON offer.id = reward.offer_id AND offer.kind = 'punch_card'
                  JOIN saleor_retention_offerversion version ON version.id = reward.version_id
                  WHERE reward.account_id = p_account_id AND reward.state <> 'returned'
                    AND NOT (reward.state = 'reserved' AND reward.checkout_ref = p_checkout_ref)
                  GROUP BY reward.offer_id) card),
        'gifts_had', (
            SELECT jsonb_agg(gift.variant_ref ORDER BY gift.variant_ref)
            FROM saleor_retention_giftgiven gift
            JOIN saleor_retention_offeruse given ON given.id = gift.use_id
            WHERE gift.account_id = ANY(person)
              AND NOT (given.state = 'reserved' AND given.checkout_ref = p_checkout_ref)),
        'orders', (
            SELECT NULLIF(count(*), 0)
            FROM (SELECT 1 FROM saleor_retention_orderrecord record
                  WHERE record.account_id = ANY(person) AND record.is_counted
                  LIMIT 100) record));
END IF;
RETURN jsonb_strip_nulls(facts);
END $$;
