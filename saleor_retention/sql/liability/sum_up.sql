-- Adds the entries of some recorded time to the sums of a program's days (time_zone), which do not
-- hold any of them yet. Twin of engine.liability.sums_of with a period for each day; a test holds the
-- two equal.
INSERT INTO saleor_retention_ledgersum AS kept (
    program_id, booked_on, kind, book, is_import, is_gain, is_late, points
)
SELECT %(program_id)s, booked_on, kind, book, is_import, is_gain, is_late, points
FROM ({daily}) AS made
ON CONFLICT (program_id, booked_on, kind, book, is_import, is_gain, is_late)
DO UPDATE SET points = kept.points + EXCLUDED.points
