-- Orders paid before the end of a report, by period: price, points, and the part of the price that
-- is put aside for the points, rounded order by order. Whole numbers only: a point times the share of
-- all that is expected to be redeemed is worth over / under minor units. Where 64 bits hold an order's
-- products (is_small, and the bounds below) they are not reckoned as numeric, which takes several
-- times as long.
-- Twin of engine.liability.deferred (with the price paid as that of the goods); tests hold the two
-- equal.
SELECT width_bucket(paid.paid_at, %(bounds)s::timestamptz[]) AS place,
       count(*), sum(paid.price)::bigint, sum(paid.points)::bigint,
       sum(
           CASE
               WHEN %(is_small)s
                AND paid.price::float8 * paid.points * %(small_over)s < 1e18
                AND paid.price::float8 * %(small_under)s < 1e18
               THEN (2 * paid.price * paid.points * %(small_over)s::bigint
                     + paid.price * %(small_under)s::bigint + paid.points * %(small_over)s::bigint)
                    / (2 * (paid.price * %(small_under)s::bigint
                            + paid.points * %(small_over)s::bigint))
               ELSE div(
                   2 * paid.price::numeric * paid.points * %(over)s::numeric
                   + paid.price * %(under)s::numeric + paid.points * %(over)s::numeric,
                   2 * (paid.price * %(under)s::numeric + paid.points * %(over)s::numeric)
               )::bigint
           END
       )::bigint
FROM (
    SELECT record.paid_at, record.spend_minor AS price, record.earned - record.clawed AS points
    FROM saleor_retention_orderrecord AS record
    WHERE record.program_id = %(program_id)s AND record.is_counted
      AND record.paid_at < %(end_at)s
      AND record.spend_minor > 0 AND record.earned > record.clawed
      AND (%(currency)s::text IS NULL OR record.currency = %(currency)s::text)
) AS paid
GROUP BY 1
