-- Which lots holds pinned and burned, and what came back of each, as the entries make it; columns are
-- empty where the entries know of no such use. "id" is the hold's. Points that are taken again after a
-- restore are the order's first hold's; those that come back go to a lot, or, once it died, to its child,
-- which then has more than the lot it came out of explains. Where holds of one order used one lot, the
-- last use comes back first (selectors.replaying compares and repairs).
SELECT coalesce(made.hold_id, kept.hold_id) AS id, hold.account_id,
       format('%%s, lot %%s', coalesce(made.hold_id, kept.hold_id), coalesce(made.lot_id, kept.lot_id))
           AS name,
       coalesce(made.lot_id, kept.lot_id) AS lot_id,
       made.points, made.used, made.restored
FROM (
    SELECT account_id, hold_id, lot_id, points, used,
           greatest(0, least(used, all_back - used_after))::bigint AS restored
    FROM (
        SELECT part.*,
               sum(part.back) OVER of_order AS all_back,
               coalesce(sum(part.used) OVER (
                   of_order ORDER BY stored.id DESC NULLS FIRST, part.hold_id DESC
                   ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
               ), 0) AS used_after
        FROM (
            SELECT account_id, order_ref, hold_id, lot_id, sum(points)::bigint AS points,
                   sum(used)::bigint AS used, sum(back) AS back
            FROM (
                SELECT account_id,
                       max(order_ref) FILTER (WHERE step = 'captured')
                           OVER (PARTITION BY account_id, hold_id) AS order_ref,
                       hold_id, lot_id,
                       CASE WHEN step = 'pinned' THEN points ELSE 0 END AS points,
                       CASE WHEN step = 'captured' THEN -points ELSE 0 END AS used,
                       0 AS back
                FROM held
                WHERE hold_id IS NOT NULL
                UNION ALL
                SELECT account_id, order_ref, hold_id, lot_id, taken, taken, 0
                FROM again WHERE taken > 0
                UNION ALL
                SELECT account_id, order_ref, NULL, lot_id, 0, 0, points FROM again
            ) AS step
            GROUP BY account_id, order_ref, hold_id, lot_id
        ) AS part
        LEFT JOIN saleor_retention_consumption AS stored
          ON stored.hold_id = part.hold_id AND stored.lot_id = part.lot_id
        WINDOW of_order AS (PARTITION BY part.account_id, part.order_ref, part.lot_id)
    ) AS shared
    WHERE hold_id IS NOT NULL AND points > 0
) AS made
FULL JOIN (
    SELECT consumption.hold_id, consumption.lot_id
    FROM saleor_retention_consumption AS consumption
    WHERE consumption.hold_id IN (SELECT hold_id FROM held)
) AS kept ON kept.hold_id = made.hold_id AND kept.lot_id = made.lot_id
JOIN saleor_retention_hold AS hold
  ON hold.id = coalesce(made.hold_id, kept.hold_id)
     AND hold.account_id = coalesce(made.account_id, hold.account_id)
WHERE hold.account_id IN (SELECT account_id FROM owners)
