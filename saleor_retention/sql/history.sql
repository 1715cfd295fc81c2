-- One page of a member's postings, newest first, with what each moved in the member's four books.
-- The account stands in an array and in the order so that only the index on (account, id) fits: for
-- a member with a large share of all postings the planner would walk the primary key instead, past
-- every newer posting of everybody else.
SELECT page.id, page.kind, page.effective_at, page.recorded_at, page.order_ref, page.rule_key,
       page.cause, page.actor_ref, coalesce(note.text, ''),
       moved.available, moved.pending, moved.held, moved.deficit
FROM (
    SELECT *
    FROM saleor_retention_transaction
    WHERE account_id = ANY(ARRAY[%(account_id)s]::bigint[]) AND id < %(before_id)s
    ORDER BY account_id, id DESC
    LIMIT %(limit)s
) AS page
LEFT JOIN saleor_retention_note AS note
       ON note.id = page.note_id AND note.redacted_at IS NULL
CROSS JOIN LATERAL (
    SELECT coalesce(sum(points) FILTER (WHERE book = 'available'), 0) AS available,
           coalesce(sum(points) FILTER (WHERE book = 'pending'), 0) AS pending,
           coalesce(sum(points) FILTER (WHERE book = 'held'), 0) AS held,
           -coalesce(sum(points) FILTER (WHERE book = 'deficit'), 0) AS deficit
    FROM saleor_retention_entry AS entry
    WHERE entry.transaction_id = page.id AND entry.account_id = page.account_id
) AS moved
ORDER BY page.id DESC
