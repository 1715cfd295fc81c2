-- Adds the entries of some recorded time to the sums of a program's days (time_zone), which do not
-- hold any of them yet. Returns how many sums were written. Twin of engine.liability.sums_of with a
-- period for each day; a test holds the two equal.
WITH made AS (
    SELECT (booked.at AT TIME ZONE %(time_zone)s)::date AS booked_on, booked.kind, booked.book,
           booked.is_import, booked.points > 0 AS is_gain, booked.at <> booked.instant AS is_late,
           sum(booked.points)::bigint AS points
    FROM ({booked}) AS booked
    GROUP BY 1, 2, 3, 4, 5, 6
), written AS (
    INSERT INTO saleor_retention_ledgersum AS kept (
        program_id, booked_on, kind, book, is_import, is_gain, is_late, points
    )
    SELECT %(program_id)s, booked_on, kind, book, is_import, is_gain, is_late, points FROM made
    ON CONFLICT (program_id, booked_on, kind, book, is_import, is_gain, is_late)
    DO UPDATE SET points = kept.points + EXCLUDED.points
    RETURNING 1
)
SELECT count(*) FROM written
