"""Heimdall's part of the control plane: what each domain still lacks, and what was refused."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from typing import Any

from governance import clock
from governance.register import Alarm, Panel
from heimdall import rules, selectors, words

DAY = dt.timedelta(days=1)


def panel() -> Panel:
    """Return each domain with its evidence and what it lacks, and the refusals of the last 24 hours by reason."""
    policies = selectors.policies()
    evidence = selectors.evidence_of(policies, selectors.today())
    domains: list[dict[str, Any]] = []
    for policy in policies:
        charter, shown = policy.charter(), evidence[policy.domain]
        unearned = [words.lacking(reason, charter, shown) for reason in rules.unearned(charter, shown)]
        domains.append({"policy": policy, "shown": shown, "unearned": unearned})
    sunk = [row for row in domains if row["unearned"] and row["policy"].prod_use_enabled]
    alarms = [Alarm(f"{row['policy']} is enabled for production use and {'; '.join(row['unearned'])}") for row in sunk]
    now = clock.database_now()
    refused: Counter[str] = Counter()
    for made in selectors.decisions_between(now - DAY, now).values():
        refused.update(made.denied)
    data = {"domains": domains, "refused": dict(refused.most_common()), "set_policy": rules.SET_POLICY}
    return Panel("heimdall/panel.html", data, alarms)
