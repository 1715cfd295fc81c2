-- What legs change on each lot: a lot's columns are sums of its entries by book, and the last
-- posting that brings points to it says which book holds them. Lots are named as legs name them, so
-- that a lot to be opened has its place with a minus. In plain SQL, so that PostgreSQL plans it as a
-- part of the statement that calls it, where the arguments are plain parameters: given a subquery it
-- would be called, and taken for a thousand rows.
CREATE OR REPLACE FUNCTION saleor_retention_moved(
    p_places integer[], p_books text[], p_lot_ids bigint[], p_points bigint[]
)
RETURNS TABLE (
    lot_id bigint, remaining bigint, held bigint, used bigint, restored bigint, expired bigint,
    clawed bigint, adjusted bigint, repaid bigint, is_pending boolean
)
LANGUAGE sql IMMUTABLE AS $$
SELECT leg.lot_id,
       coalesce(sum(points) FILTER (WHERE book IN ('available', 'pending')), 0)::bigint,
       coalesce(sum(points) FILTER (WHERE book = 'held'), 0)::bigint,
       coalesce(sum(greatest(points, 0)) FILTER (WHERE book = 'redeemed'), 0)::bigint,
       coalesce(sum(greatest(-points, 0)) FILTER (WHERE book = 'redeemed'), 0)::bigint,
       coalesce(sum(points) FILTER (WHERE book = 'breakage'), 0)::bigint,
       coalesce(sum(points) FILTER (WHERE book = 'clawback'), 0)::bigint,
       coalesce(sum(points) FILTER (WHERE book = 'adjustment'), 0)::bigint,
       coalesce(sum(points) FILTER (WHERE book = 'deficit'), 0)::bigint,
       max(2 * place + (book = 'pending')::integer)
           FILTER (WHERE book IN ('available', 'pending') AND points > 0) % 2 = 1
FROM unnest(p_places, p_books, p_lot_ids, p_points) AS leg (place, book, lot_id, points)
WHERE leg.lot_id IS NOT NULL
GROUP BY leg.lot_id
$$;
