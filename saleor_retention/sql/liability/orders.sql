-- Orders paid before the end of a report, by period: price, points, and the part of the price that
-- is put aside for the points, rounded order by order. Whole numbers only: a point is worth
-- value_over / value_under minor units, and rate_over / rate_under of all are expected to be redeemed.
-- Twin of engine.liability.deferred (with the price paid as that of the goods); tests hold the two
-- equal.
SELECT width_bucket(paid.paid_at, %(bounds)s::timestamptz[]) AS place,
       count(*), sum(paid.price)::bigint, sum(paid.points)::bigint,
       sum(div(2 * paid.price * paid.points_share + paid.whole, 2 * paid.whole))::bigint
FROM (
    SELECT record.paid_at, record.spend_minor::numeric AS price, share.points, share.points_share,
           record.spend_minor::numeric * %(value_under)s::numeric * %(rate_under)s::numeric
           + share.points_share AS whole
    FROM saleor_retention_orderrecord AS record
    CROSS JOIN LATERAL (
        SELECT (record.earned - record.clawed)::numeric AS points,
               (record.earned - record.clawed)::numeric
               * %(value_over)s::numeric * %(rate_over)s::numeric AS points_share
    ) AS share
    WHERE record.program_id = %(program_id)s AND record.is_counted
      AND record.paid_at < %(end_at)s
      AND record.spend_minor > 0 AND share.points > 0
      AND (%(currency)s::text IS NULL OR record.currency = %(currency)s::text)
) AS paid
GROUP BY 1
