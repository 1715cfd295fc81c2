-- Post the breakage of lots that died and hold points still: one transaction for each lot, dated at its
-- instant. Claims the members of the oldest ones and posts all that is due on them, so that a member
-- with many lots is locked and changed once; up to the limit of lots. Returns how many postings it took
-- and the accounts claimed that owe points: there the caller posts what is due (a deficit is repaid
-- first). Members that others hold are passed over, so that several workers share the work. Twin of
-- services.ledger.posting.catch_up; tests hold the two equal. A function, so that PostgreSQL keeps its
-- plans; they look every row up by an index, however small the tables were when they were made. Ids are
-- drawn in the order of the rows: by them a posting finds its lot.
CREATE OR REPLACE FUNCTION saleor_retention_expire_due(
    p_now timestamptz, p_limit integer, OUT postings bigint, OUT indebted bigint[]
)
LANGUAGE plpgsql VOLATILE SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET enable_sort = off
AS $$
DECLARE
    v_members bigint[];
    v_owing bigint[];
    v_left integer := p_limit;
    v_ripe bigint[];
    v_lots bigint[];
    v_accounts bigint[];
    v_programs bigint[];
    v_order_refs text[];
    v_points bigint[];
    v_expired bigint[];
    v_books text[];
    v_at timestamptz[];
    v_ids bigint[];
BEGIN
    postings := 0;
    indebted := '{}';
    WHILE v_left > 0 LOOP
        WITH claimed AS MATERIALIZED (
            SELECT account.id, account.program_id, account.deficit > 0 AS owes
            FROM saleor_retention_lot AS lot
            JOIN saleor_retention_account AS account ON account.id = lot.account_id
            WHERE lot.remaining > 0 AND lot.expires_at <= p_now
              AND NOT lot.account_id = ANY(indebted)
            ORDER BY lot.expires_at, lot.id
            LIMIT least(v_left, 250)
            FOR NO KEY UPDATE OF account SKIP LOCKED
        )
        SELECT array_agg(id) FILTER (WHERE NOT owes), array_agg(program_id) FILTER (WHERE NOT owes),
               array_agg(id) FILTER (WHERE owes)
        INTO v_members, v_programs, v_owing
        FROM claimed;
        EXIT WHEN v_members IS NULL AND v_owing IS NULL;
        v_owing := ARRAY(SELECT DISTINCT unnest(v_owing));
        indebted := indebted || v_owing;
        v_left := v_left - cardinality(v_owing);

        -- A new look: what another worker did before he let go of a member is seen.
        SELECT array_agg(due.id) FILTER (WHERE due.ripe), array_agg(due.id),
               array_agg(due.account_id), array_agg(due.program_id), array_agg(due.order_ref),
               array_agg(due.remaining), array_agg(due.expired), array_agg(due.expires_at),
               array_agg(
                   CASE WHEN due.is_pending AND NOT due.ripe THEN 'pending' ELSE 'available' END
               )
        INTO v_ripe, v_lots, v_accounts, v_programs, v_order_refs, v_points, v_expired, v_at,
             v_books
        FROM (
            SELECT lot.*, member.program_id,
                   lot.is_pending AND coalesce(lot.valid_from <= p_now, false) AS ripe
            FROM (
                SELECT id, program_id, min(place) AS place
                FROM unnest(v_members, v_programs) WITH ORDINALITY AS claimed (id, program_id, place)
                GROUP BY id, program_id
            ) AS member
            CROSS JOIN LATERAL (
                SELECT *
                FROM saleor_retention_lot AS own
                WHERE own.account_id = member.id AND own.remaining > 0 AND own.expires_at <= p_now
                ORDER BY own.expires_at, own.opened_at, own.id
                LIMIT v_left
            ) AS lot
            ORDER BY member.place, lot.expires_at, lot.opened_at, lot.id
            LIMIT v_left
        ) AS due;
        CONTINUE WHEN v_lots IS NULL;
        v_left := v_left - cardinality(v_lots);
        postings := postings + cardinality(v_lots);
        IF v_ripe IS NOT NULL THEN
            postings := postings + saleor_retention_mature_lots(v_ripe, p_now);
        END IF;

        WITH posted AS (
            INSERT INTO saleor_retention_transaction (
                program_id, account_id, kind, key, content_hash, recorded_at, effective_at,
                order_ref, rule_key, cause, actor_ref
            )
            SELECT program_id, account_id, 'expire', format('expire:%s:%s', lot_id, expired),
                   encode(sha256(convert_to(
                       CASE book
                           WHEN 'pending' THEN
                               format('expire|%s|%s||breakage:%s:%s,pending:-%s:%s',
                                      account_id, order_ref, points, lot_id, points, lot_id)
                           ELSE
                               format('expire|%s|%s||available:-%s:%s,breakage:%s:%s',
                                      account_id, order_ref, points, lot_id, points, lot_id)
                       END,
                       'UTF8')), 'hex'),
                   p_now, at, order_ref, '', 'time:expire', ''
            FROM unnest(
                v_lots, v_accounts, v_programs, v_order_refs, v_points, v_expired, v_books, v_at
            ) WITH ORDINALITY AS due (
                lot_id, account_id, program_id, order_ref, points, expired, book, at, place
            )
            ORDER BY place
            RETURNING id
        )
        SELECT array_agg(id ORDER BY id) INTO v_ids FROM posted;

        INSERT INTO saleor_retention_entry (transaction_id, book, account_id, lot_id, points)
        SELECT posted.id, leg.book, leg.account_id, posted.lot_id, leg.points
        FROM unnest(v_ids, v_lots, v_accounts, v_points, v_books)
            AS posted (id, lot_id, account_id, points, book)
        CROSS JOIN LATERAL (
            VALUES (posted.book, posted.account_id, -posted.points), ('breakage', NULL, posted.points)
        ) AS leg (book, account_id, points);

        UPDATE saleor_retention_lot AS lot
        SET expired = lot.expired + lot.remaining, remaining = 0
        WHERE lot.id = ANY(v_lots);

        UPDATE saleor_retention_account AS account
        SET available = account.available - sums.available, pending = account.pending - sums.pending
        FROM (
            SELECT account_id,
                   coalesce(sum(points) FILTER (WHERE book = 'available'), 0) AS available,
                   coalesce(sum(points) FILTER (WHERE book = 'pending'), 0) AS pending
            FROM unnest(v_accounts, v_points, v_books) AS due (account_id, points, book)
            GROUP BY account_id
        ) AS sums
        WHERE account.id = sums.account_id;
    END LOOP;
END $$;
