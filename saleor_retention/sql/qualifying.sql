-- The metric of a tier ladder over spans of time, one sum for each span, in the spans' order.
-- A span is one account from start_at (NULL: from ever) to before end_at (NULL: to ever). Orders count
-- when they are paid and something of them is kept; spend and points are kept net of refunds on
-- the order's record. Specification: selectors.qualifying.metric_values.
--
-- Spend is kept in the reference currency, at the rates stated when the order was paid. Where none was
-- stated then, it is kept in the order's own currency and counts at the rates stated now; without one
-- it counts nothing (engine.tiers.to_reference). Shops with one currency never look at the versions.
WITH span AS (
    SELECT * FROM unnest(
        %(account_ids)s::bigint[], %(starts)s::timestamptz[], %(ends)s::timestamptz[]
    ) WITH ORDINALITY AS span (account_id, start_at, end_at, position)
)
SELECT COALESCE(sum(
    CASE %(metric)s
        WHEN 'spend' THEN CASE
            WHEN record.currency <> %(reference)s AND record.version_id IN (
                SELECT version.id FROM saleor_retention_programversion AS version
                WHERE version.program_id = %(program_id)s
                  AND version.document #>> '{reference,currency}' IS NULL
            ) THEN COALESCE((
                SELECT div(record.spend_minor * rate.over, rate.under)
                FROM unnest(
                    %(currencies)s::text[], %(rates_over)s::numeric[], %(rates_under)s::numeric[]
                ) AS rate (currency, over, under)
                WHERE rate.currency = record.currency
            ), 0)
            ELSE record.spend_minor
        END
        WHEN 'orders' THEN 1
        WHEN 'points' THEN record.earned - record.clawed
    END
) FILTER (WHERE record.id IS NOT NULL), 0)::bigint
FROM span
LEFT JOIN saleor_retention_orderrecord record
    ON record.account_id = span.account_id
    AND record.is_counted
    AND record.paid_at >= COALESCE(span.start_at, '-infinity')
    AND record.paid_at < COALESCE(span.end_at, 'infinity')
GROUP BY span.position
ORDER BY span.position
