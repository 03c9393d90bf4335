-- risk_reserve_v1 of reserve_v1.sql, which writes what a call decides at once: a row of many costs a fifth of an INSERT
-- of its own. It takes and returns what it did, and so keeps its name: code of before may call it. risk_room_v1 stays
-- for the calls that are under way while this is put in place.

-- The first cap that has no room for an amount: a reached loss cap, then a cap that would be exceeded, GLOBAL (the
-- first level) before the engine. ``recent`` counts each level's reservations of the last 60 seconds.
CREATE FUNCTION risk_room_v2(
    levels risk_level_v1[], recent bigint[], amount bigint,
    OUT reason text, OUT refused_by text, OUT cap text, OUT cap_limit bigint, OUT used bigint, OUT asked bigint
) LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    level risk_level_v1;
BEGIN
    FOREACH level IN ARRAY levels LOOP
        IF level.realized_loss >= level.max_daily_loss THEN
            reason := 'loss_cap_reached';
            refused_by := level.engine;
            cap := 'max_daily_loss';
            cap_limit := level.max_daily_loss;
            used := level.realized_loss;
            asked := 0;
            RETURN;
        END IF;
    END LOOP;
    FOR place IN 1 .. 2 LOOP
        level := levels[place];
        asked := amount;
        IF amount > level.max_amount_per_action THEN
            cap := 'max_amount_per_action';
            cap_limit := level.max_amount_per_action;
            used := 0;
        ELSIF level.exposure_used + amount > level.max_daily_exposure THEN
            cap := 'max_daily_exposure';
            cap_limit := level.max_daily_exposure;
            used := level.exposure_used;
        ELSIF level.open_risk_reserved + amount > level.max_open_risk THEN
            cap := 'max_open_risk';
            cap_limit := level.max_open_risk;
            used := level.open_risk_reserved;
        ELSIF level.actions_count >= level.max_actions_per_day THEN
            cap := 'max_actions_per_day';
            cap_limit := level.max_actions_per_day;
            used := level.actions_count;
            asked := 1;
        ELSIF recent[place] >= level.max_actions_per_minute THEN
            cap := 'max_actions_per_minute';
            cap_limit := level.max_actions_per_minute;
            used := recent[place];
            asked := 1;
        ELSE
            CONTINUE;
        END IF;
        reason := 'would_exceed_policy';
        refused_by := level.engine;
        RETURN;
    END LOOP;
    asked := NULL;
END
$$;

-- The reservations of the last 60 seconds of a level that limits them, counted no further than one past the limit.
CREATE FUNCTION risk_recent_v1(level risk_level_v1, instant timestamptz) RETURNS bigint
LANGUAGE sql STABLE AS $$
    SELECT CASE
        WHEN level.engine = 'GLOBAL' THEN (
            SELECT count(*) FROM (
                SELECT 1 FROM risk_reservation r
                 WHERE r.created_at > instant - interval '60 seconds'
                 LIMIT level.max_actions_per_minute + 1) counted)
        ELSE (
            SELECT count(*) FROM (
                SELECT 1 FROM risk_reservation r
                 WHERE r.engine = level.engine AND r.created_at > instant - interval '60 seconds'
                 LIMIT level.max_actions_per_minute + 1) counted)
        END
$$;

-- Decides one order or a thousand, in their order as if each came alone, under one wait for the locks; the holds and
-- the epoch are read for each, so that a kill switch stops a batch under way. No row comes back where the epoch is
-- missing: the caller must refuse. ``moment`` stands in for the clock in simulations. Plans are generic: to plan anew
-- for each call would cost more than the decision.
CREATE OR REPLACE FUNCTION risk_reserve_v1(
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
    room record;
    decided integer := 0;
    full_of_open_risk boolean;
    expired boolean := false;
    -- By level, each at its first place here: how it stands after what is taken and not yet written.
    names text[] := 'GLOBAL'::text || engines;
    name integer;
    levels risk_level_v1[];
    recent bigint[];
    taken bigint[];
    actions bigint[];
    opened boolean;
    event risk_event;
    -- What is decided and not yet written.
    events risk_event[];
    granted risk_reservation[];
    granted_keys text[];
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
    event.at := instant;
    event.day := today;
    event.exposure_day := today;
    event.loss_delta := 0;

    -- Once round, and again where an order must meet in the tables what was decided before it.
    WHILE decided < cardinality(engines) LOOP
        SELECT * INTO ceiling FROM risk_level_v1('GLOBAL', today, 0, 0);
        levels := array_fill(NULL::risk_level_v1, ARRAY[cardinality(names)]);
        recent := array_fill(0::bigint, ARRAY[cardinality(names)]);
        IF ceiling.max_actions_per_minute IS NOT NULL THEN
            recent[1] := risk_recent_v1(ceiling, instant);
        END IF;
        taken := array_fill(0::bigint, ARRAY[cardinality(names)]);
        actions := taken;
        opened := true;
        events := '{}';
        granted := '{}';
        granted_keys := '{}';
        full_of_open_risk := false;

        FOR place IN decided + 1 .. cardinality(engines) LOOP
            EXIT WHEN keys[place] = ANY (granted_keys);  -- it may be a retry of what is not yet there to be found
            name := array_position(names, engines[place]);
            own := levels[name];
            IF own.id IS NULL THEN
                SELECT * INTO own FROM risk_level_v1(engines[place], today, 0, 0);
                IF own.max_actions_per_minute IS NOT NULL THEN
                    recent[name] := risk_recent_v1(own, instant);
                END IF;
            END IF;

            -- What stops the engine whatever it asks for; of several, the lowest rank. The ranks are those of rules.py.
            SELECT e.value, h.rank, h.code, h.reason, h.refused_by, '' INTO epoch, rank, reason, words, refused_by, cap
              FROM governance_epoch_v1() e
              LEFT JOIN (
                       SELECT g.*, '' AS refused_by
                         FROM governance_holds_v1(engines[place], enforced, instant) g
                        LIMIT 1
                   ) h ON true;
            IF epoch IS NULL THEN
                decided := cardinality(engines);
                EXIT;
            END IF;
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
                    reason := CASE held.status
                        WHEN 'OPEN' THEN 'reserved'
                        ELSE 'reservation_' || lower(held.status)
                    END;
                END IF;
                decided := place;
                RETURN NEXT;
                CONTINUE;
            END IF;

            IF reason IS NULL THEN
                room := risk_room_v2(ARRAY[ceiling, own], ARRAY[recent[1], recent[name]], amounts[place]);
                reason := room.reason;
                refused_by := room.refused_by;
                cap := room.cap;
                cap_limit := room.cap_limit;
                used := room.used;
                asked := room.asked;
                full_of_open_risk := cap = 'max_open_risk' AND NOT expired;
                EXIT WHEN full_of_open_risk;
            END IF;

            IF reason IS NULL THEN
                reason := 'reserved';
                held.id := nextval('risk_reservation_id_seq');
                held.engine := engines[place];
                held.amount := amounts[place];
                held.currency := currency;
                held.day := today;
                held.status := 'OPEN';
                held.actor := actors[place];
                held.idempotency_key := keys[place];
                held.body_digest := digests[place];
                held.correlation_id := correlations[place];
                held.epoch := epoch;
                held.created_at := instant;
                held.expires_at := instant + lifetime;
                held.resolved_by := '';
                held.needs_review := false;
                granted[cardinality(granted) + 1] := held;
                IF keys[place] IS NOT NULL THEN
                    granted_keys := granted_keys || keys[place];
                END IF;
                opened := opened AND ceiling.opened AND own.opened;
                ceiling.exposure_used := ceiling.exposure_used + held.amount;
                ceiling.open_risk_reserved := ceiling.open_risk_reserved + held.amount;
                ceiling.actions_count := ceiling.actions_count + 1;
                own.exposure_used := own.exposure_used + held.amount;
                own.open_risk_reserved := own.open_risk_reserved + held.amount;
                own.actions_count := own.actions_count + 1;
                recent[1] := recent[1] + 1;
                recent[name] := recent[name] + 1;
                taken[1] := taken[1] + held.amount;
                taken[name] := taken[name] + held.amount;
                actions[1] := actions[1] + 1;
                actions[name] := actions[name] + 1;
            END IF;
            levels[name] := own;
            event.kind := CASE WHEN held.id IS NULL THEN 'DENY' ELSE 'RESERVE' END;
            event.engine := engines[place];
            event.reservation_id := held.id;
            event.amount := amounts[place];
            event.reason := reason;
            event.policy := coalesce(refused_by, '');
            event.cap := coalesce(cap, '');
            event.limit := cap_limit;
            event.used := used;
            event.exposure_delta := coalesce(held.amount, 0);
            event.actions_delta := CASE WHEN held.id IS NULL THEN 0 ELSE 1 END;
            event.figures :=
                CASE WHEN ceiling.id IS NULL THEN '{}' ELSE jsonb_build_object('GLOBAL', risk_figures_v1(ceiling)) END
                || CASE WHEN own.id IS NULL THEN '{}' ELSE jsonb_build_object(own.engine, risk_figures_v1(own)) END;
            event.actor := actors[place];
            event.correlation_id := correlations[place];
            events[cardinality(events) + 1] := event;
            decided := place;
            RETURN NEXT;
        END LOOP;

        INSERT INTO risk_reservation (
            id, engine, amount, currency, day, status, actor, idempotency_key, body_digest, correlation_id, epoch,
            created_at, expires_at, resolved_by, needs_review)
        SELECT g.id, g.engine, g.amount, g.currency, g.day, g.status, g.actor, g.idempotency_key, g.body_digest,
               g.correlation_id, g.epoch, g.created_at, g.expires_at, g.resolved_by, g.needs_review
          FROM unnest(granted) g;
        INSERT INTO risk_event (
            at, day, kind, engine, reservation_id, amount, reason, policy, cap, "limit", used, exposure_day,
            exposure_delta, open_risk_delta, loss_delta, actions_delta, figures, actor, correlation_id)
        SELECT e.at, e.day, e.kind, e.engine, e.reservation_id, e.amount, e.reason, e.policy, e.cap, e."limit", e.used,
               e.exposure_day, e.exposure_delta, e.exposure_delta, e.loss_delta, e.actions_delta, e.figures, e.actor,
               e.correlation_id
          FROM unnest(events) e;
        IF NOT opened THEN
            INSERT INTO risk_ledger_day (day, engine, exposure_used, open_risk_reserved, realized_loss, actions_count)
            SELECT today, l.name, 0, coalesce((
                       SELECT d.open_risk_reserved FROM risk_ledger_day d
                        WHERE d.engine = l.name AND d.day < today ORDER BY d.day DESC LIMIT 1), 0), 0, 0
              FROM unnest(names, actions) AS l (name, actions)
             WHERE l.actions > 0
                ON CONFLICT DO NOTHING;
        END IF;
        IF actions[1] > 0 THEN
            UPDATE risk_ledger_day d
               SET exposure_used = d.exposure_used + l.taken,
                   open_risk_reserved = d.open_risk_reserved + l.taken,
                   actions_count = d.actions_count + l.actions
              FROM unnest(names, taken, actions) AS l (name, taken, actions)
             WHERE d.day = today AND d.engine = l.name AND l.actions > 0;
        END IF;
        IF full_of_open_risk THEN
            PERFORM risk_expire_v1(instant, today);
            expired := true;
        END IF;
    END LOOP;
END
$$;
