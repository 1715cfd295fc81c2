-- Scores a program's customers among each other by their rollups. Specification:
-- engine.segments.rfm.scores; a test holds them equal. Returns how many got another score.
WITH ranked AS (
    SELECT account_id,
           1 + (rank() OVER (ORDER BY last_on) - 1) * 5 / count(*) OVER () AS recency,
           1 + (rank() OVER (ORDER BY order_days) - 1) * 5 / count(*) OVER () AS frequency,
           1 + (rank() OVER (ORDER BY spend_minor) - 1) * 5 / count(*) OVER () AS monetary,
           recency_score, frequency_score, monetary_score
    FROM saleor_retention_customerrollup
    WHERE program_id = %(program_id)s
), moved AS MATERIALIZED (
    SELECT account_id, recency, frequency, monetary
    FROM ranked
    WHERE (recency, frequency, monetary)
          IS DISTINCT FROM (recency_score, frequency_score, monetary_score)
), written AS (
    UPDATE saleor_retention_customerrollup AS rollup
    SET recency_score = recency, frequency_score = frequency, monetary_score = monetary
    FROM moved
    WHERE rollup.account_id = moved.account_id
    RETURNING 1
)
SELECT count(*) FROM written
