-- A program's entries with the instant by which each falls into a period (at), of the postings that
-- were recorded from one instant on (NULL: all) and before another (NULL: all). Twin of
-- engine.liability.booked_at. Stands inside other statements of this folder ({booked}). The time of
-- the lot's first posting is looked up only for a breakage by time that was posted late.
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
      AND (%(recorded_from)s::timestamptz IS NULL
           OR transaction.recorded_at >= %(recorded_from)s::timestamptz)
      AND (%(recorded_before)s::timestamptz IS NULL
           OR transaction.recorded_at < %(recorded_before)s::timestamptz)
) AS posted
JOIN saleor_retention_entry AS entry ON entry.transaction_id = posted.id
