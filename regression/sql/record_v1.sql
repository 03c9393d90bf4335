-- Records one event where nothing but figures comes of it, as regression/tripping.py would: that file is the law, and a
-- test holds both to the same rows. The plain case is an event without a tripwire that watches, and a success or failure
-- of a WINDOW tripwire with a ROLLING baseline that is armed and does not trip, read from events since its last gap.
-- Everything else, a trip above all, writes nothing and gives no row back: the law then takes the event from the start.
-- ``watching`` and ``waiting`` are the words of the note, with %s where its figures go; ``moment`` stands in for the
-- clock in simulations.
CREATE FUNCTION kpi_record_v1(
    named_domain text, named_metric text, succeeded boolean, measured double precision, actor text,
    correlation_id text, watching text, waiting text, moment timestamptz
) RETURNS TABLE (event_id bigint, state regression_state)
LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    instant timestamptz;
    policy regression_policy;
    gap bigint;
    reach integer;
    found integer;
    valued boolean;
    current_size integer;
    current_good integer;
    baseline_size integer;
    baseline_good integer;
    lost bigint;
    whole bigint;
    enough boolean;
BEGIN
    -- The event is inserted under this lock, so that ids grow in order of arrival and no window misses one.
    SELECT * INTO policy FROM regression_policy p
     WHERE p.domain = named_domain AND p.metric = named_metric
       FOR UPDATE;
    instant := coalesce(moment, clock_timestamp());
    -- What was weakened until a time that is over: the law lets it go back first.
    IF policy.until <= instant AND policy.fallback <> '{}' THEN
        RETURN;
    END IF;
    IF policy.enabled OR policy.pinning THEN
        SELECT * INTO state FROM regression_state s WHERE s.domain = named_domain AND s.metric = named_metric;
        IF policy.pinning OR policy.detector <> 'WINDOW' OR policy.baseline_kind <> 'ROLLING' OR measured IS NOT NULL
            OR state.id IS NULL OR state.triggered THEN
            RETURN;
        END IF;

        -- The windows as they are with this event, which stands at place 0, before it is there.
        gap := coalesce(
            (SELECT max(g.until_id) FROM regression_gap g WHERE g.domain = named_domain AND g.metric = named_metric), 0);
        reach := policy.window_events + policy.baseline_events - 1;
        -- Compared as rows, or the planner may walk the primary key through every other tripwire's events.
        WITH seen AS MATERIALIZED (
            SELECT e.id, e.success, e.value,
                   row_number() OVER (ORDER BY e.domain DESC, e.metric DESC, e.id DESC) AS place
              FROM kpi_event e
             WHERE (e.domain, e.metric, e.id) > (named_domain, named_metric, gap)
               AND (e.domain, e.metric, e.id) <= (named_domain, named_metric, 9223372036854775807)
             ORDER BY e.domain DESC, e.metric DESC, e.id DESC
             LIMIT reach
        ), cut AS (
            SELECT count(*) AS found, coalesce(bool_or(value IS NOT NULL), false) AS valued,
                   least(
                       1 + count(*) FILTER (WHERE id > state.armed_after_id AND place < policy.window_events),
                       greatest(0, 1 + count(*) - policy.baseline_events)) AS size
              FROM seen
        )
        SELECT cut.found, cut.valued, cut.size,
               count(*) FILTER (WHERE success AND place < size),
               count(*) FILTER (WHERE success AND place >= size AND place < size + policy.baseline_events)
          INTO found, valued, current_size, current_good, baseline_good
          FROM cut LEFT JOIN seen ON true
         GROUP BY cut.found, cut.valued, cut.size;
        IF valued OR (gap > 0 AND found < reach) THEN
            RETURN;
        END IF;
        baseline_size := least(policy.baseline_events, 1 + found - current_size);
        IF succeeded AND current_size > 0 THEN
            current_good := current_good + 1;
        ELSIF succeeded THEN
            baseline_good := baseline_good + 1;
        END IF;

        -- drop = (baseline - current) / baseline = lost / whole, compared without a division.
        whole := baseline_good * current_size;
        lost := whole - current_good * baseline_size;
        enough := least(current_size, baseline_size) >= policy.min_events_to_enforce;
        IF baseline_good = 0 OR (enough AND lost >= policy.max_drop_fraction * whole) THEN
            RETURN;
        END IF;
        UPDATE regression_state s
           SET baseline = baseline_good::double precision / baseline_size,
               current = CASE current_size
                   WHEN 0 THEN baseline_good::double precision / baseline_size
                   ELSE current_good::double precision / current_size
               END,
               drop_fraction = CASE current_size WHEN 0 THEN 0 ELSE lost::double precision / whole END,
               baseline_count = baseline_size,
               current_count = current_size,
               last_checked_at = instant,
               note = CASE
                   WHEN enough THEN format(watching, trim_scale(policy.max_drop_fraction))
                   ELSE format(waiting, current_size, baseline_size, policy.min_events_to_enforce)
               END
         WHERE s.id = state.id
        RETURNING * INTO state;
    END IF;

    INSERT INTO kpi_event (at, domain, metric, success, value, actor, correlation_id)
    VALUES (instant, named_domain, named_metric, succeeded, measured, actor, correlation_id)
    RETURNING id INTO event_id;
    RETURN NEXT;
END
$$;
