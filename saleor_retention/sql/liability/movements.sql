-- A program's entries summed up by period and by what they mean: those that are summed up by day
-- already from these sums (days: the first day of each period and the day after the last), those
-- recorded since in one pass over them. Twin of engine.liability.sums_of; tests hold the two equal,
-- with sums and without.
SELECT place, kind, book, is_import, is_gain, is_late, sum(points)::bigint AS points
FROM (
    SELECT width_bucket(booked.at, %(bounds)s::timestamptz[]) AS place,
           booked.kind, booked.book, booked.is_import, booked.points > 0 AS is_gain,
           booked.at <> booked.instant AS is_late, booked.points
    FROM ({booked}) AS booked
    UNION ALL
    SELECT width_bucket(kept.booked_on, %(days)s::date[]), kept.kind, kept.book, kept.is_import,
           kept.is_gain, kept.is_late, kept.points
    FROM saleor_retention_ledgersum AS kept
    WHERE kept.program_id = %(program_id)s AND %(recorded_from)s::timestamptz IS NOT NULL
) AS found
GROUP BY 1, 2, 3, 4, 5, 6
