"""How loose the controls stand, told once more by a table of its own and not by the rules of the levers."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any

from django.contrib.auth.models import User

from access import services as access
from access.models import Token
from golive.models import GoLiveState
from governance import roles
from governance.models import Hold
from heimdall.models import HeimdallPolicy
from regression.models import RegressionBaseline, RegressionPolicy, RegressionState
from riskguard.models import RiskPolicy
from riskguard.rules import CAPS


def _more(before: Any, after: Any) -> bool:
    """Say whether a cap is higher; none at all is the highest."""
    return before is not None and (after is None or after > before)


LOOSER: dict[str, dict[str, Callable[[Any, Any], bool]]] = {
    "switches": {"go_live_enabled": operator.lt, "kill_switch_engaged": operator.gt},
    "risk": {**dict.fromkeys(CAPS, _more), "enabled": operator.lt, "retired": operator.gt},
    "heimdall": {
        "prod_use_enabled": operator.lt, "retired": operator.gt, "min_confidence_prod": operator.gt,
        "min_sandbox_trials": operator.gt, "min_sandbox_success_rate": operator.gt, "evidence_days": operator.ne,
        "evidence_rule": operator.ne, "engine": operator.ne,
    },
    "tripwire": {
        "enabled": operator.gt, "max_drop_fraction": operator.lt, "min_events_to_enforce": operator.lt,
        "action": lambda before, after: before == "KILL_SWITCH" and after != before,
        "mode": lambda before, after: before == "ENFORCE" and after != before,
        "run_length": operator.lt, "alpha": operator.gt, "beta": operator.gt,
        **dict.fromkeys(
            ["window_events", "baseline_events", "detector", "baseline_kind", "baseline_size", "block_events",
             "value_low", "value_high"],
            operator.ne,
        ),
    },
    "state": {"triggered": operator.gt, "armed_after_id": operator.ne},
    "account": dict.fromkeys(["active", "superuser", *roles.ROLES], operator.lt),
    "counted": {"baselines": operator.lt, "weighty tokens": operator.lt, "holds": operator.gt},
}  # fmt: skip
MEASURED = {name for fields in LOOSER.values() for name in fields}
NEW: dict[str, dict[str, Any]] = {
    "risk": {**dict.fromkeys(CAPS, 0), "enabled": False},
    "heimdall": {"prod_use_enabled": False},
    "tripwire": {},
    "state": {},
    "account": dict.fromkeys(["superuser", *roles.ROLES], False),
}


def standing() -> dict[tuple[str, str], dict[str, Any]]:
    rows: dict[str, dict[str, Any]] = {
        "switches": {"": GoLiveState.objects.get()},
        "risk": {row.engine: row for row in RiskPolicy.objects.all()},
        "heimdall": {row.domain: row for row in HeimdallPolicy.objects.all()},
        "tripwire": {str(row): row for row in RegressionPolicy.objects.all()},
        "state": {f"{row.domain}.{row.metric}": row for row in RegressionState.objects.all()},
        "account": {name: access.locked_account(name) for name in User.objects.values_list("username", flat=True)},
    }
    found = {
        (kind, key): {name: getattr(row, name) for name in LOOSER[kind]}
        for kind, of in rows.items()
        for key, row in of.items()
    }
    weighty = Token.objects.filter(user__groups__name__in=["operator", "approver", "administrator", "break_glass"])
    counts = {"baselines": RegressionBaseline.objects.count(), "holds": Hold.objects.count()}
    return {**found, ("counted", ""): {**counts, "weighty tokens": weighty.distinct().count()}}


def looser(before: Mapping[tuple[str, str], Any], after: Mapping[tuple[str, str], Any]) -> list[str]:
    return [
        f"{kind} {key}: {name} {was!r} -> {values[name]!r}"
        for (kind, key), values in after.items()
        for name, was in before.get((kind, key), NEW.get(kind, {})).items()
        if LOOSER[kind][name](was, values[name])
    ]
