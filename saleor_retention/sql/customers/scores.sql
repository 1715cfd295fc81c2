-- Scores all customers of a program among each other; equal customers get equal scores. Returns how
-- many scores changed. Specification: engine.segments.rfm.scores; a test holds the two equal.
WITH ranked AS (
    SELECT account_id,
           1 + (rank() OVER (ORDER BY last_on) - 1) * 5 / count(*) OVER () AS recency,
           1 + (rank() OVER (ORDER BY order_days) - 1) * 5 / count(*) OVER () AS frequency,
           1 + (rank() OVER (ORDER BY spend_minor) - 1) * 5 / count(*) OVER () AS monetary
    FROM saleor_retention_customerrollup
    WHERE program_id = %(program_id)s
), changed AS (
    UPDATE saleor_retention_customerrollup AS rollup
    SET recency_score = ranked.recency,
        frequency_score = ranked.frequency,
        monetary_score = ranked.monetary
    FROM ranked
    WHERE ranked.account_id = rollup.account_id
      AND (rollup.recency_score, rollup.frequency_score, rollup.monetary_score)
          IS DISTINCT FROM (ranked.recency, ranked.frequency, ranked.monetary)
    RETURNING 1
)
SELECT count(*) FROM changed
