-- The days and headings whose kept sums are not what the entries make: kept and made points, 0 where
-- there is no row. Of one program, as far as it is summed up.
WITH kept AS (
    SELECT booked_on, kind, book, is_import, is_gain, is_late, points
    FROM saleor_retention_ledgersum
    WHERE program_id = %(program_id)s
)
SELECT booked_on, kind, book, coalesce(kept.points, 0), coalesce(made.points, 0)
FROM ({daily}) AS made
FULL JOIN kept USING (booked_on, kind, book, is_import, is_gain, is_late)
WHERE kept.points IS DISTINCT FROM made.points
ORDER BY booked_on, kind, book, is_import, is_gain, is_late
