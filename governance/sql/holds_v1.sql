-- What holds an engine at a moment, the first to be named first: HoldQuerySet.over in SQL.
-- Read it in a statement that starts after the caller's locks, or a hold placed during the wait is missed.
CREATE FUNCTION governance_holds_v1(engine text, enforced boolean, at timestamptz)
RETURNS TABLE (rank integer, code text, reason text)
LANGUAGE sql STABLE AS $$
    SELECT h.rank::integer, h.code::text, h.reason
      FROM hold h
     WHERE h.scope IN ('*', engine)
       AND (h.until IS NULL OR h.until > at)
       AND (enforced OR NOT h.enforced_only)
     ORDER BY h.rank, h.since, h.id
$$;

-- The epoch; no row where it is missing.
CREATE FUNCTION governance_epoch_v1()
RETURNS TABLE (value bigint)
LANGUAGE sql STABLE AS $$
    SELECT e.value FROM governance_epoch e WHERE e.id = 1
$$;
