-- Counts one look-up of an actor; no row where none is left. One statement, so that of two at once
-- the second decides on what the first left behind.
-- Parameters: actor_ref, at, step (what a look-up costs), span (how far ahead they may reach).
INSERT INTO saleor_retention_lookuppace AS pace (actor_ref, free_at)
VALUES (%(actor_ref)s, %(at)s::timestamptz + %(step)s::interval)
ON CONFLICT (actor_ref) DO UPDATE
SET free_at = greatest(pace.free_at, %(at)s::timestamptz) + %(step)s::interval
WHERE greatest(pace.free_at, %(at)s::timestamptz) + %(step)s::interval
      <= %(at)s::timestamptz + %(span)s::interval
RETURNING free_at;
