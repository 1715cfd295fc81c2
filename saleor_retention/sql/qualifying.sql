-- The metric of a tier ladder over spans of time, one sum for each span, in the spans' order.
-- A span is one account from start_at (NULL: from ever) to before end_at (NULL: to ever). Orders count
-- when they are paid and something of them is kept; spend and points are kept net of refunds on
-- the order's record. Specification: selectors.qualifying.metric_values.
WITH span AS (
    SELECT * FROM unnest(
        %(account_ids)s::bigint[], %(starts)s::timestamptz[], %(ends)s::timestamptz[]
    ) WITH ORDINALITY AS span (account_id, start_at, end_at, position)
)
SELECT COALESCE(sum(
    CASE %(metric)s
        WHEN 'spend' THEN record.spend_minor
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
