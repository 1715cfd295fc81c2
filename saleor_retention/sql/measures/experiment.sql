-- What the customers of an experiment spent within their windows, summed up by arm; the row without an
-- arm counts those whose window is still open. Specification: engine.experiments.outcomes.outcome_of;
-- a test holds the two equal.
WITH spent AS (
    SELECT subject.arm, subject.account_id, count(record.id) AS orders,
           COALESCE(sum(record.spend_minor), 0)::numeric AS minor
    FROM saleor_retention_experimentsubject AS subject
    LEFT JOIN saleor_retention_orderrecord AS record
      ON record.account_id = subject.account_id AND record.program_id = %(program_id)s
     AND record.is_counted AND record.created_at >= subject.assigned_at
     AND record.created_at < subject.assigned_at + %(window)s::interval
    WHERE subject.experiment_id = %(experiment_id)s
      AND subject.assigned_at + %(window)s::interval <= %(now)s
    GROUP BY subject.arm, subject.account_id
)
SELECT arm, count(*), count(*) FILTER (WHERE orders > 0), sum(minor), sum(minor * minor)
FROM spent
GROUP BY arm
UNION ALL
SELECT NULL, count(*), 0, 0, 0
FROM saleor_retention_experimentsubject AS subject
WHERE subject.experiment_id = %(experiment_id)s
  AND subject.assigned_at + %(window)s::interval > %(now)s
