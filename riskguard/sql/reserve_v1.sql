-- The decision on reservations, as riskguard/reserving.py makes it: that file is the law, and a test holds both to the
-- same decisions, figures and rows. These functions return figures; words are made of them in Python.

-- One policy with what has been taken out of it today.
CREATE TYPE risk_level_v1 AS (
    id bigint, engine text, max_daily_loss bigint, max_daily_exposure bigint, max_open_risk bigint,
    max_amount_per_action bigint, max_actions_per_day bigint, max_actions_per_minute bigint, enabled boolean,
    changed_by text, reason text, created_at timestamptz, updated_at timestamptz,
    opened boolean, exposure_used bigint, open_risk_reserved bigint, realized_loss bigint, actions_count bigint
);

-- The level of one engine (or GLOBAL) as it stands, or as it would open with the open risk carried on; with what a call
-- under way has taken in ``actions`` and not written yet.
CREATE FUNCTION risk_level_v1(named text, today date, taken bigint, actions bigint) RETURNS SETOF risk_level_v1
LANGUAGE sql STABLE AS $$
    SELECT p.id, p.engine::text, p.max_daily_loss, p.max_daily_exposure, p.max_open_risk,
           p.max_amount_per_action, p.max_actions_per_day, p.max_actions_per_minute, p.enabled,
           p.changed_by::text, p.reason, p.created_at, p.updated_at,
           coalesce(l.day = today, false),
           taken + CASE WHEN l.day = today THEN l.exposure_used ELSE 0 END,
           taken + coalesce(l.open_risk_reserved, 0),
           CASE WHEN l.day = today THEN l.realized_loss ELSE 0 END,
           actions + CASE WHEN l.day = today THEN l.actions_count ELSE 0 END
      FROM risk_policy p
      LEFT JOIN LATERAL (
               SELECT * FROM risk_ledger_day d WHERE d.engine = p.engine AND d.day <= today ORDER BY d.day DESC LIMIT 1
           ) l ON true
     WHERE p.engine = named
$$;

-- The first cap that has no room for an amount: a reached loss cap, then a cap that would be exceeded, GLOBAL first.
CREATE FUNCTION risk_room_v1(ceiling risk_level_v1, own risk_level_v1, amount bigint, instant timestamptz)
RETURNS TABLE (reason text, refused_by text, cap text, cap_limit bigint, used bigint, asked bigint)
LANGUAGE sql STABLE AS $$
    SELECT CASE m.cap WHEN 'max_daily_loss' THEN 'loss_cap_reached' ELSE 'would_exceed_policy' END,
           m.refused_by, m.cap, m.cap_limit, m.used, m.asked
      FROM (VALUES
               (1, ceiling.engine, 'max_daily_loss', ceiling.max_daily_loss, ceiling.realized_loss, 0::bigint),
               (2, own.engine, 'max_daily_loss', own.max_daily_loss, own.realized_loss, 0),
               (3, ceiling.engine, 'max_amount_per_action', ceiling.max_amount_per_action, 0, amount),
               (4, ceiling.engine, 'max_daily_exposure', ceiling.max_daily_exposure, ceiling.exposure_used, amount),
               (5, ceiling.engine, 'max_open_risk', ceiling.max_open_risk, ceiling.open_risk_reserved, amount),
               (6, ceiling.engine, 'max_actions_per_day', ceiling.max_actions_per_day, ceiling.actions_count, 1),
               (7, ceiling.engine, 'max_actions_per_minute', ceiling.max_actions_per_minute,
                   CASE WHEN ceiling.max_actions_per_minute IS NOT NULL THEN (
                       SELECT count(*) FROM (
                           SELECT 1 FROM risk_reservation r
                            WHERE r.created_at > instant - interval '60 seconds'
                            LIMIT ceiling.max_actions_per_minute + 1) recent)
                   END, 1),
               (8, own.engine, 'max_amount_per_action', own.max_amount_per_action, 0, amount),
               (9, own.engine, 'max_daily_exposure', own.max_daily_exposure, own.exposure_used, amount),
               (10, own.engine, 'max_open_risk', own.max_open_risk, own.open_risk_reserved, amount),
               (11, own.engine, 'max_actions_per_day', own.max_actions_per_day, own.actions_count, 1),
               (12, own.engine, 'max_actions_per_minute', own.max_actions_per_minute,
                   CASE WHEN own.max_actions_per_minute IS NOT NULL THEN (
                       SELECT count(*) FROM (
                           SELECT 1 FROM risk_reservation r
                            WHERE r.engine = own.engine AND r.created_at > instant - interval '60 seconds'
                            LIMIT own.max_actions_per_minute + 1) recent)
                   END, 1)
           ) AS m (place, refused_by, cap, cap_limit, used, asked)
     WHERE CASE m.cap WHEN 'max_daily_loss' THEN m.used >= m.cap_limit ELSE m.used + m.asked > m.cap_limit END
     ORDER BY m.place
     LIMIT 1
$$;

-- Caps and counters of a level, for its event.
CREATE FUNCTION risk_figures_v1(level risk_level_v1) RETURNS jsonb
LANGUAGE sql STABLE AS $$
    SELECT jsonb_build_object(
        'max_daily_loss', level.max_daily_loss, 'max_daily_exposure', level.max_daily_exposure,
        'max_open_risk', level.max_open_risk, 'max_amount_per_action', level.max_amount_per_action,
        'max_actions_per_day', level.max_actions_per_day, 'max_actions_per_minute', level.max_actions_per_minute,
        'exposure_used', level.exposure_used, 'open_risk_reserved', level.open_risk_reserved,
        'realized_loss', level.realized_loss, 'actions_count', level.actions_count)
$$;

-- Expires every overdue reservation: gives back open risk today, keeps exposure, asks a person to look. The caller
-- holds GLOBAL's lock.
CREATE FUNCTION risk_expire_v1(instant timestamptz, today date) RETURNS void
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
    )
    INSERT INTO risk_event (
        at, day, kind, engine, reservation_id, amount, reason, policy, cap, exposure_day, exposure_delta,
        open_risk_delta, loss_delta, actions_delta, figures, actor, correlation_id)
    SELECT instant, today, 'EXPIRE', o.engine, o.id, o.amount, 'expired', '', '', o.day, 0,
           -o.amount, 0, 0, '{}', 'expiry', o.correlation_id
      FROM overdue o
     ORDER BY o.expires_at, o.id
$$;

-- Decides one order or a thousand, in their order as if each came alone, under one wait for the locks; the holds and the
-- epoch are read for each, so that a kill switch stops a batch under way. No row comes back where the epoch is missing:
-- the caller must refuse. ``moment`` stands in for the clock in simulations. Plans are generic: to plan anew for each call
-- would cost more than the decision.
CREATE FUNCTION risk_reserve_v1(
    engines text[], amounts bigint[], actors text[], keys text[], digests text[], correlations text[], epochs bigint[],
    currency text, lifetime interval, enforced boolean, moment timestamptz
) RETURNS TABLE (
    reason text, refused_by text, cap text, cap_limit bigint, used bigint, asked bigint, words text,
    replayed boolean, today date, epoch bigint, held risk_reservation, own risk_level_v1
)
LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    instant timestamptz;
    ceiling risk_level_v1;
    rank integer;
    -- What this call takes, by level, each at its first place here: the ledger is written once, since every update of a
    -- row within a transaction makes the next one slower.
    levels text[] := 'GLOBAL'::text || engines;
    taken bigint[] := array_fill(0::bigint, ARRAY[cardinality(levels)]);
    actions bigint[] := taken;
    opened boolean := true;
    level integer;
    amount bigint;
BEGIN
    -- GLOBAL is the mutex of every money path, and everything below is read after the wait for it.
    PERFORM 1 FROM risk_policy p
      WHERE p.engine = 'GLOBAL' OR p.engine = ANY (engines)
      ORDER BY p.engine <> 'GLOBAL', p.engine
        FOR UPDATE;
    instant := coalesce(moment, clock_timestamp());
    today := greatest(
        (instant AT TIME ZONE 'UTC')::date,
        (SELECT max(l.day) FROM risk_ledger_day l WHERE l.engine = 'GLOBAL'));
    SELECT * INTO ceiling FROM risk_level_v1('GLOBAL', today, 0, 0);

    FOR place IN 1 .. cardinality(engines) LOOP
        IF place = 1 OR engines[place] <> engines[place - 1] THEN
            level := array_position(levels, engines[place]);
            SELECT * INTO own FROM risk_level_v1(engines[place], today, taken[level], actions[level]);
        END IF;

        -- What stops the engine whatever it asks for; of several, the lowest rank. The ranks are those of rules.py.
        SELECT e.value, h.rank, h.code, h.reason, h.refused_by, '' INTO epoch, rank, reason, words, refused_by, cap
          FROM governance_epoch_v1() e
          LEFT JOIN (
                   SELECT g.*, '' AS refused_by FROM governance_holds_v1(engines[place], enforced, instant) g LIMIT 1
               ) h ON true;
        EXIT WHEN epoch IS NULL;
        cap_limit := NULL;
        used := NULL;
        asked := NULL;
        IF epochs[place] <> epoch AND (rank IS NULL OR rank > 22) THEN
            rank := 22;
            reason := 'stale_epoch';
            words := '';
            refused_by := '';
        END IF;
        IF (ceiling.id IS NULL OR own.id IS NULL) AND (rank IS NULL OR rank >= 25) THEN
            reason := 'policy_missing';
            words := '';
            refused_by := CASE WHEN ceiling.id IS NULL THEN 'GLOBAL' ELSE engines[place] END;
        ELSIF NOT (ceiling.enabled AND own.enabled) AND (rank IS NULL OR rank >= 30) THEN
            reason := 'policy_disabled';
            words := CASE WHEN ceiling.enabled THEN own.reason ELSE ceiling.reason END;
            refused_by := CASE WHEN ceiling.enabled THEN own.engine ELSE ceiling.engine END;
        END IF;

        held := NULL;
        IF keys[place] IS NOT NULL THEN
            SELECT * INTO held FROM risk_reservation r
             WHERE r.actor = actors[place] AND r.idempotency_key = keys[place];
        END IF;
        replayed := held.id IS NOT NULL;
        IF replayed THEN
            IF held.body_digest <> digests[place] THEN
                reason := 'idempotency_key_reused';
                refused_by := NULL;
                replayed := false;
                held := NULL;
            ELSIF reason IS NULL THEN
                reason := CASE held.status WHEN 'OPEN' THEN 'reserved' ELSE 'reservation_' || lower(held.status) END;
            END IF;
            RETURN NEXT;
            CONTINUE;
        END IF;

        IF reason IS NULL THEN
            SELECT * INTO reason, refused_by, cap, cap_limit, used, asked
              FROM risk_room_v1(ceiling, own, amounts[place], instant);
            IF cap = 'max_open_risk' THEN
                PERFORM risk_expire_v1(instant, today);
                SELECT * INTO ceiling FROM risk_level_v1('GLOBAL', today, taken[1], actions[1]);
                SELECT * INTO own FROM risk_level_v1(engines[place], today, taken[level], actions[level]);
                SELECT * INTO reason, refused_by, cap, cap_limit, used, asked
                  FROM risk_room_v1(ceiling, own, amounts[place], instant);
            END IF;
        END IF;

        amount := 0;
        IF reason IS NULL THEN
            reason := 'reserved';
            amount := amounts[place];
            INSERT INTO risk_reservation (
                engine, amount, currency, day, status, actor, idempotency_key, body_digest, correlation_id, epoch,
                created_at, expires_at, resolved_by, needs_review)
            VALUES (
                engines[place], amount, currency, today, 'OPEN', actors[place], keys[place],
                digests[place], correlations[place], epoch, instant, instant + lifetime, '', false)
            RETURNING * INTO held;
            opened := opened AND ceiling.opened AND own.opened;
            taken[1] := taken[1] + amount;
            actions[1] := actions[1] + 1;
            taken[level] := taken[level] + amount;
            actions[level] := actions[level] + 1;
            ceiling.exposure_used := ceiling.exposure_used + amount;
            ceiling.open_risk_reserved := ceiling.open_risk_reserved + amount;
            ceiling.actions_count := ceiling.actions_count + 1;
            own.exposure_used := own.exposure_used + amount;
            own.open_risk_reserved := own.open_risk_reserved + amount;
            own.actions_count := own.actions_count + 1;
        END IF;
        INSERT INTO risk_event (
            at, day, kind, engine, reservation_id, amount, reason, policy, cap, "limit", used, exposure_day,
            exposure_delta, open_risk_delta, loss_delta, actions_delta, figures, actor, correlation_id)
        VALUES (
            instant, today, CASE WHEN held.id IS NULL THEN 'DENY' ELSE 'RESERVE' END, engines[place], held.id,
            amounts[place], reason, coalesce(refused_by, ''), coalesce(cap, ''),
            cap_limit, used, today, amount, amount, 0, (held.id IS NOT NULL)::integer,
            CASE WHEN ceiling.id IS NULL THEN '{}' ELSE jsonb_build_object('GLOBAL', risk_figures_v1(ceiling)) END
                || CASE WHEN own.id IS NULL THEN '{}' ELSE jsonb_build_object(engines[place], risk_figures_v1(own)) END,
            actors[place], correlations[place]);
        RETURN NEXT;
    END LOOP;

    IF NOT opened THEN
        INSERT INTO risk_ledger_day (day, engine, exposure_used, open_risk_reserved, realized_loss, actions_count)
        SELECT today, l.name, 0, coalesce((
                   SELECT d.open_risk_reserved FROM risk_ledger_day d
                    WHERE d.engine = l.name AND d.day < today ORDER BY d.day DESC LIMIT 1), 0), 0, 0
          FROM unnest(levels, actions) AS l (name, actions)
         WHERE l.actions > 0
            ON CONFLICT DO NOTHING;
    END IF;
    IF actions[1] > 0 THEN
        UPDATE risk_ledger_day d
           SET exposure_used = d.exposure_used + l.taken,
               open_risk_reserved = d.open_risk_reserved + l.taken,
               actions_count = d.actions_count + l.actions
          FROM unnest(levels, taken, actions) AS l (name, taken, actions)
         WHERE d.day = today AND d.engine = l.name AND l.actions > 0;
    END IF;
END
$$;
