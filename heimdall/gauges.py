"""Heimdall's figures for monitoring."""

from __future__ import annotations

from governance.metrics import Gauge
from heimdall import selectors


def gauges() -> list[Gauge]:
    """Return each domain's evidence, and whether its recommendations may act."""
    policies = selectors.policies()
    shown = selectors.evidence_of(policies, selectors.today())
    rates = [(policy.domain, shown[policy.domain].success_rate) for policy in policies]
    return [
        Gauge(
            "valhalla_sandbox_trials",
            "Sandbox trials that count as evidence.",
            [({"domain": policy.domain}, shown[policy.domain].trials) for policy in policies],
        ),
        Gauge(
            "valhalla_sandbox_success_rate",
            "Their success rate; no trial, no figure.",
            [({"domain": domain}, float(rate)) for domain, rate in rates if rate is not None],
        ),
        Gauge(
            "valhalla_prod_use_enabled",
            "Recommendations of the domain may act.",
            [({"domain": policy.domain}, float(policy.prod_use_enabled)) for policy in policies],
        ),
    ]
