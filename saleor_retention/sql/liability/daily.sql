-- A program's entries by the day on which each counts (time_zone) and by what they mean. Stands
-- inside sum_up.sql and sums_differ.sql ({daily}).
SELECT (booked.at AT TIME ZONE %(time_zone)s)::date AS booked_on, booked.kind, booked.book,
       booked.is_import, booked.points > 0 AS is_gain, booked.at <> booked.instant AS is_late,
       sum(booked.points)::bigint AS points
FROM ({booked}) AS booked
GROUP BY 1, 2, 3, 4, 5, 6
