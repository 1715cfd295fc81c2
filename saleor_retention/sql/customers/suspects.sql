-- The accounts of a program whose rollup may not be what their counted orders make: its seal is another
-- one, or one of the two is not there. Reads all orders, and every column of every rollup. Erased
-- accounts have no rollup.
WITH marked AS (
    SELECT record.account_id,
           sum(saleor_retention_order_mark(record.id, record.created_at, record.spend_minor)) AS marks
    FROM saleor_retention_orderrecord AS record
    WHERE record.program_id = %(program_id)s AND record.is_counted
      AND record.account_id IS NOT NULL
    GROUP BY record.account_id
), living AS (
    SELECT * FROM marked
    WHERE NOT EXISTS (
        SELECT 1 FROM saleor_retention_account AS account
        WHERE account.id = marked.account_id AND account.state = 'erased'
    )
), kept AS (
    SELECT * FROM saleor_retention_customerrollup WHERE program_id = %(program_id)s
)
SELECT account_id
FROM living
FULL JOIN kept USING (account_id)
WHERE kept.seal IS DISTINCT FROM saleor_retention_rollup_seal(
    living.marks, %(time_zone)s, kept.orders, kept.order_days, kept.first_order_at,
    kept.second_order_at, kept.last_order_at, kept.first_on, kept.last_on, kept.spend_minor,
    kept.first_day_minor
) OR living.marks IS NULL OR kept.seal IS NULL
