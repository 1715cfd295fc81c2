-- A program's entries summed up by period and by what they mean, in one pass over its ledger.
-- Twin of engine.liability.sums_of (booked_at says by which instant an entry falls into a period);
-- tests hold the two equal. The time of the lot's first posting is looked up only for a breakage by
-- time that was posted late.
SELECT width_bucket(booked.at, %(bounds)s::timestamptz[]) AS place,
       booked.kind, booked.book, booked.is_import, booked.points > 0 AS is_gain,
       booked.at <> booked.instant AS is_late, sum(booked.points)::bigint AS points
FROM (
    SELECT posted.kind, entry.book, posted.rule_key = 'import' AS is_import, entry.points,
           posted.instant,
           CASE
               WHEN posted.recorded_at < posted.instant + %(late_after)s::interval
                   THEN posted.instant
               WHEN posted.cause = %(by_time)s AND entry.lot_id IS NOT NULL THEN (
                   SELECT CASE
                              WHEN least(first.recorded_at, posted.recorded_at)
                                   < posted.instant + %(late_after)s::interval
                                  THEN posted.instant
                              ELSE least(first.recorded_at, posted.recorded_at)
                          END
                   FROM saleor_retention_entry AS opening
                   JOIN saleor_retention_transaction AS first ON first.id = opening.transaction_id
                   WHERE opening.lot_id = entry.lot_id
                   ORDER BY opening.id
                   LIMIT 1
               )
               ELSE posted.recorded_at
           END AS at
    FROM (
        SELECT transaction.id, transaction.kind, transaction.rule_key, transaction.cause,
               transaction.recorded_at,
               CASE WHEN transaction.kind = 'expire'
                    THEN transaction.effective_at - interval '1 microsecond'
                    ELSE transaction.effective_at
               END AS instant
        FROM saleor_retention_transaction AS transaction
        WHERE transaction.program_id = %(program_id)s
    ) AS posted
    JOIN saleor_retention_entry AS entry ON entry.transaction_id = posted.id
) AS booked
GROUP BY 1, 2, 3, 4, 5, 6
