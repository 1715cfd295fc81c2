-- Locks a name for the rest of the transaction; see services/ledger/locking.py. The wait is bounded by
-- p_timeout, and the transaction's own bound is put back.
CREATE OR REPLACE FUNCTION saleor_retention_lock_name(p_name text, p_timeout text) RETURNS void
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    was text := current_setting('lock_timeout');
BEGIN
    PERFORM set_config('lock_timeout', p_timeout, true);
    PERFORM pg_advisory_xact_lock(hashtextextended(p_name, 0));
    PERFORM set_config('lock_timeout', was, true);
END $$;
