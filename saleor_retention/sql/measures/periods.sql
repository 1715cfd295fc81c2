-- Customers, orders and revenue of a program by period, new and returning; the row without a place is
-- of all periods together. bounds are the instants between periods, ascending. One sort: an order is
-- its customer's first of a period where the one before it lies in another. Specification:
-- engine.measures.figures.by_period; a test holds the two equal.
WITH numbered AS (
    SELECT record.account_id, record.created_at, record.id, record.spend_minor, record.channel_ref,
           row_number() OVER made > 1 AS is_returning
    FROM saleor_retention_orderrecord AS record
    WHERE record.program_id = %(program_id)s AND record.is_counted
      AND record.account_id IS NOT NULL AND record.created_at < %(end_at)s
    WINDOW made AS (PARTITION BY record.account_id ORDER BY record.created_at, record.id)
), chosen AS (
    SELECT account_id, created_at, id, spend_minor, is_returning,
           width_bucket(created_at, %(bounds)s::timestamptz[]) AS place
    FROM numbered
    WHERE created_at >= %(start_at)s
      AND (%(channel_ref)s::text IS NULL OR channel_ref = %(channel_ref)s::text)
      AND (
          %(segment_id)s::bigint IS NULL
          OR EXISTS (
              SELECT 1 FROM saleor_retention_segmentmember AS member
              WHERE member.segment_id = %(segment_id)s::bigint
                AND member.account_id = numbered.account_id
          )
      )
), marked AS (
    SELECT place, spend_minor, is_returning,
           lag(place) OVER made AS place_before,
           lag(is_returning) OVER made IS TRUE AS was_returning
    FROM chosen
    WINDOW made AS (PARTITION BY account_id ORDER BY created_at, id)
)
SELECT place,
       CASE WHEN GROUPING(place) = 1 THEN count(*) FILTER (WHERE place_before IS NULL)
            ELSE count(*) FILTER (WHERE place_before IS DISTINCT FROM place) END,
       CASE WHEN GROUPING(place) = 1 THEN count(*) FILTER (WHERE is_returning AND NOT was_returning)
            ELSE count(*) FILTER (
                WHERE is_returning AND NOT (was_returning AND place_before = place)
            ) END,
       count(*),
       count(*) FILTER (WHERE is_returning),
       COALESCE(sum(spend_minor), 0)::bigint,
       COALESCE(sum(spend_minor) FILTER (WHERE is_returning), 0)::bigint
FROM marked
GROUP BY GROUPING SETS ((place), ())
ORDER BY place
