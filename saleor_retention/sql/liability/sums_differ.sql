-- The days and headings whose kept sums are not what the entries make: kept and made points, 0 where
-- there is no row. Of one program, as far as it is summed up.
WITH made AS (
    SELECT (booked.at AT TIME ZONE %(time_zone)s)::date AS booked_on, booked.kind, booked.book,
           booked.is_import, booked.points > 0 AS is_gain, booked.at <> booked.instant AS is_late,
           sum(booked.points)::bigint AS points
    FROM ({booked}) AS booked
    GROUP BY 1, 2, 3, 4, 5, 6
), kept AS (
    SELECT booked_on, kind, book, is_import, is_gain, is_late, points
    FROM saleor_retention_ledgersum
    WHERE program_id = %(program_id)s
)
SELECT booked_on, kind, book, coalesce(kept.points, 0), coalesce(made.points, 0)
FROM made
FULL JOIN kept USING (booked_on, kind, book, is_import, is_gain, is_late)
WHERE kept.points IS DISTINCT FROM made.points
ORDER BY booked_on, kind, book, is_import, is_gain, is_late
