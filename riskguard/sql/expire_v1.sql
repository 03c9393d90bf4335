-- risk_expire_v1 of reserve_v1.sql, which also puts what expires into the outbox, as riskguard/telling.py does. It is
-- called by risk_reserve_v1 alone, takes and returns what it did, and so keeps its name: code of before may call it.
CREATE OR REPLACE FUNCTION risk_expire_v1(instant timestamptz, today date) RETURNS void
LANGUAGE sql AS $$
    WITH overdue AS (
        UPDATE risk_reservation
           SET status = 'EXPIRED', resolved_by = 'expiry', closed_at = instant, closed_day = today, needs_review = true
         WHERE status = 'OPEN' AND expires_at <= instant
        RETURNING *
    ), freed AS (
        SELECT level.name, sum(o.amount) AS amount
          FROM overdue o CROSS JOIN LATERAL (VALUES ('GLOBAL'), (o.engine)) AS level (name)
         GROUP BY level.name
    ), booked AS (
        INSERT INTO risk_ledger_day AS d (day, engine, exposure_used, open_risk_reserved, realized_loss, actions_count)
        SELECT today, f.name, 0, newest.open_risk_reserved - f.amount, 0, 0
          FROM freed f CROSS JOIN LATERAL (
                   SELECT l.open_risk_reserved FROM risk_ledger_day l
                    WHERE l.engine = f.name AND l.day <= today ORDER BY l.day DESC LIMIT 1
               ) newest
            ON CONFLICT (engine, day) DO UPDATE SET open_risk_reserved = EXCLUDED.open_risk_reserved
    ), told AS (
        INSERT INTO notice (uid, at, kind, engine, once, data)
        SELECT gen_random_uuid(), instant, 'reservation.expired', o.engine, '', jsonb_build_object(
                   'count', count(*), 'amount', sum(o.amount),
                   'reservations', to_jsonb((array_agg(o.id ORDER BY o.id))[:100]))
          FROM overdue o
         GROUP BY o.engine
    )
    INSERT INTO risk_event (
        at, day, kind, engine, reservation_id, amount, reason, policy, cap, exposure_day, exposure_delta,
        open_risk_delta, loss_delta, actions_delta, figures, actor, correlation_id)
    SELECT instant, today, 'EXPIRE', o.engine, o.id, o.amount, 'expired', '', '', o.day, 0,
           -o.amount, 0, 0, '{}', 'expiry', o.correlation_id
      FROM overdue o
     ORDER BY o.expires_at, o.id
$$;
