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
    SELECT used.*,
           greatest(0, least(used.used, coalesce(back.points, 0) - coalesce(sum(used.used) OVER (
               PARTITION BY used.account_id, used.order_ref, used.lot_id
               ORDER BY stored.id DESC NULLS FIRST, used.hold_id DESC
               ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
           ), 0)))::bigint AS restored
    FROM (
        SELECT account_id, hold_id, lot_id, sum(points)::bigint AS points, sum(used)::bigint AS used,
               max(order_ref) AS order_ref
        FROM (
            SELECT account_id, hold_id, lot_id,
                   CASE WHEN step = 'pinned' THEN points ELSE 0 END AS points,
                   CASE WHEN step = 'captured' THEN -points ELSE 0 END AS used,
                   max(order_ref) FILTER (WHERE step = 'captured')
                       OVER (PARTITION BY account_id, hold_id) AS order_ref
            FROM held
            UNION ALL
            SELECT account_id, hold_id, lot_id, taken, taken, order_ref FROM again WHERE taken > 0
        ) AS part
        GROUP BY account_id, hold_id, lot_id
        HAVING sum(points) > 0
    ) AS used
    LEFT JOIN again AS back
      ON back.account_id = used.account_id AND back.order_ref = used.order_ref
         AND back.lot_id = used.lot_id
    LEFT JOIN saleor_retention_consumption AS stored
      ON stored.hold_id = used.hold_id AND stored.lot_id = used.lot_id
) AS made
FULL JOIN (
    SELECT consumption.hold_id, consumption.lot_id
    FROM saleor_retention_consumption AS consumption
    WHERE consumption.hold_id IN (SELECT hold_id FROM held)
) AS kept ON kept.hold_id = made.hold_id AND kept.lot_id = made.lot_id
JOIN saleor_retention_hold AS hold
  ON hold.id = coalesce(made.hold_id, kept.hold_id)
     AND hold.account_id = coalesce(made.account_id, hold.account_id)
WHERE hold.id BETWEEN %(first_id)s AND %(last_id)s
  AND (%(ids)s::bigint[] IS NULL OR hold.id = ANY(%(ids)s::bigint[]))
