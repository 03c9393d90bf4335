"""Events that are already there: as many as a part asks for, spread over the two weeks that a review looks at."""

from __future__ import annotations

from django.db import connection

_MOMENTS = """
WITH moments AS (
    SELECT n, now() - interval '14 days' * ((%(events)s - n) / %(events)s::float) AS at
      FROM generate_series(1, %(events)s) n
)
"""
# Half of them refusals: of all that is recorded, the review counts refusals.
_FILL = {
    "risk_event": """
INSERT INTO risk_event (at, day, kind, engine, amount, reason, policy, cap, exposure_day, exposure_delta,
                        open_risk_delta, loss_delta, actions_delta, figures, actor, correlation_id)
SELECT at, at::date, CASE n %% 2 WHEN 0 THEN 'DENY' ELSE 'EXPIRE' END, 'WHOLESALE', 1000,
       (ARRAY['would_exceed_policy', 'policy_disabled', 'kill_switch_engaged', 'busy'])[1 + n / 2 %% 4], '', '',
       at::date, 0, 0, 0, 0, '{}', 'bench', ''
  FROM moments
""",
    "heimdall_event": """
INSERT INTO heimdall_event (at, day, kind, domain, confidence, success, reason, actor, figures)
SELECT at, at::date, CASE n %% 2 WHEN 0 THEN 'DENY' ELSE 'TRIAL' END,
       (ARRAY['WHOLESALE_OFFER', 'BUYER_MATCH', 'CAPITAL_ROUTE'])[1 + n / 2 %% 3], 0.9, true,
       (ARRAY['policy_missing', 'prod_use_disabled'])[1 + n / 2 %% 2], 'bench', '{}'
  FROM moments
""",
    "heimdall_recommendation": """
INSERT INTO heimdall_recommendation (created_at, domain, engine, confidence, recommendation, evidence, prod_eligible,
                                     gate_reason, actor, correlation_id, authorized_by)
SELECT at, (ARRAY['WHOLESALE_OFFER', 'BUYER_MATCH', 'CAPITAL_ROUTE'])[1 + n %% 3], 'WHOLESALE', (n %% 100) / 100.0,
       '{}', '{}', false, 'prod_use_disabled', 'bench', md5(n::text), ''
  FROM moments
""",
    "kpi_event": """
INSERT INTO kpi_event (at, domain, metric, success, actor, correlation_id)
SELECT at, 'WHOLESALE', 'contract_rate', n %% 20 <> 0, 'bench', '' FROM moments
""",
    "audit_event": """
INSERT INTO audit_event (at, actor, on_behalf_of, action, target, outcome, reason, via, address, request_id)
SELECT at, 'bench', '', 'risk.policy.set', 'WHOLESALE', 'APPLIED', '', 'api', '', md5(n::text) FROM moments
""",
    "risk_reservation": """
INSERT INTO risk_reservation (engine, amount, currency, day, status, actor, body_digest, correlation_id, epoch,
                              created_at, expires_at, closed_at, closed_day, realized_loss, settled_day, resolved_by,
                              needs_review)
SELECT 'WHOLESALE', 1000, 'USD', at::date, 'SETTLED', 'bench', '', md5(n::text), 1, at, at + interval '1 day',
       at, at::date, 0, at::date, 'bench', false
  FROM moments
""",
    "deal": """
INSERT INTO deal (title, amount, signed, realized_loss, reservation_id, actor, created_at)
SELECT 'an offer', 1000, n %% 2 = 0, 0, n, 'bench', at FROM moments
""",
}

_EXPLAIN = """
INSERT INTO heimdall_event (at, day, kind, domain, recommendation_id, confidence, reason, actor, figures)
SELECT created_at, created_at::date, 'RECOMMEND', domain, id, confidence, gate_reason, 'bench',
       '{"policy": null, "scorecard": {"days": 1, "trials": 100, "successes": 90}}'
  FROM heimdall_recommendation
"""


def explain_recommendations() -> None:
    """Append the event of each recommendation, with the evidence that it was judged by."""
    with connection.cursor() as cursor:
        cursor.execute(_EXPLAIN)
        cursor.execute("VACUUM ANALYZE heimdall_event")


def fill(table: str, events: int) -> None:
    """Append ``events`` to ``table``, as fast as the database takes them, and let it know how many there are."""
    with connection.cursor() as cursor:
        cursor.execute(_MOMENTS + _FILL[table], {"events": events})
        cursor.execute(f"VACUUM ANALYZE {table}")
