-- Holds as their entries make them: what was pinned and burned, what came back, and how they ended. Of
-- what no entry says, only its bounds: nobody holds more than was asked for, and an open hold's time is
-- not over before its last points were pinned. One that is gone is here as well: asked for what it
-- pinned, at the end of its time, on a checkout of its own where its entries are too old to name one
-- (selectors.replaying compares and repairs).
SELECT coalesce(hold.id, made.hold_id) AS id, account.id AS account_id,
       coalesce(hold.id, made.hold_id)::text AS name,
       made.currency, coalesce(nullif(made.checkout_ref, ''), 'gone:' || made.hold_id) AS checkout_ref,
       coalesce(made.state, 'placed') AS state,
       coalesce(made.points, 0) AS points,
       coalesce(made.captured, 0) AS captured,
       greatest(0, least(made.captured, back.points - made.captured_before))::bigint AS restored,
       coalesce(made.order_ref, '') AS order_ref,
       coalesce(made.placed_at, hold.placed_at) AS placed_at,
       made.ended_at,
       CASE WHEN made.ended_at IS NULL THEN coalesce(hold.version_id, made.version_id)
            ELSE made.version_id
       END AS version_id,
       greatest(hold.requested, made.points) AS requested,
       greatest(hold.lapses_at, made.pinned_at) AS lapses_at
FROM (
    SELECT * FROM saleor_retention_hold WHERE account_id IN (SELECT account_id FROM owners)
) AS hold
FULL JOIN (
    SELECT ended.*,
           coalesce(sum(captured) OVER (
               PARTITION BY account_id, order_ref ORDER BY hold_id
               ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
           ), 0) AS captured_before
    FROM (
        SELECT account_id, hold_id,
               CASE WHEN bool_or(step = 'captured') THEN 'captured'
                    WHEN bool_or(step = 'lapsed') THEN 'lapsed'
                    WHEN bool_or(step = 'released') THEN 'released'
                    ELSE 'placed'
               END AS state,
               coalesce(sum(points) FILTER (WHERE step = 'pinned'), 0)::bigint AS points,
               -coalesce(sum(points) FILTER (WHERE step = 'captured'), 0)::bigint AS captured,
               coalesce(max(order_ref) FILTER (WHERE step = 'captured'), '') AS order_ref,
               (array_agg(recorded_at ORDER BY transaction_id))[1] AS placed_at,
               max(recorded_at) FILTER (WHERE step = 'pinned') AS pinned_at,
               max(recorded_at) FILTER (WHERE step <> 'pinned') AS ended_at,
               max(currency) AS currency, max(checkout_ref) AS checkout_ref,
               (array_agg(version_id ORDER BY transaction_id DESC))[1] AS version_id
        FROM held
        GROUP BY account_id, hold_id
    ) AS ended
) AS made ON made.hold_id = hold.id AND made.account_id = hold.account_id
JOIN saleor_retention_account AS account ON account.id = coalesce(hold.account_id, made.account_id)
CROSS JOIN LATERAL (
    SELECT -coalesce(sum(entry.points), 0) AS points
    FROM saleor_retention_transaction AS posting
    JOIN saleor_retention_entry AS entry ON entry.transaction_id = posting.id
    WHERE posting.order_ref = made.order_ref AND posting.order_ref <> ''
      AND posting.program_id = account.program_id
      AND posting.kind IN ('restore', 'revoke') AND entry.book = 'redeemed'
) AS back
WHERE coalesce(hold.id, made.hold_id) IS NOT NULL
