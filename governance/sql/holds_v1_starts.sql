-- HoldQuerySet.over in SQL, with holds that begin later. It takes and gives what it did, and answers as it did for every
-- hold that has no beginning, so old code calls it as it stands.
CREATE OR REPLACE FUNCTION governance_holds_v1(engine text, enforced boolean, at timestamptz)
RETURNS TABLE (rank integer, code text, reason text)
LANGUAGE sql STABLE AS $$
    SELECT h.rank::integer, h.code::text, h.reason
      FROM hold h
     WHERE h.scope IN ('*', engine)
       AND (h.starts_at IS NULL OR h.starts_at <= at)
       AND (h.until IS NULL OR h.until > at)
       AND (enforced OR NOT h.enforced_only)
     ORDER BY h.rank, h.since, h.id
$$;
