"""What people are told of the tripwires."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from governance import outbox
from governance.outbox import Kind
from regression import rules, words
from regression.models import RegressionIncident, RegressionPolicy

TRIGGERED, IN_SHADOW, REARMED = "tripwire.triggered", "tripwire.triggered_in_shadow", "tripwire.rearmed"
_NAMED = {"tripwire": "its name, such as WHOLESALE.contract_rate", "domain": "the domain", "metric": "the metric"}
_FIGURES = {
    **_NAMED,
    "incident": "the id of the incident",
    "action": "what it pulls: THROTTLE or KILL_SWITCH",
    "baseline": "the baseline",
    "current": "the current window",
    "drop_fraction": "the drop as a share of the baseline",
}


def _tripped(fields: Mapping[str, Any]) -> str:
    return f"{words.pulled(fields['domain'], fields['metric'], fields['drop_fraction'])}. It pulled {fields['action']}."


def _would_have(fields: Mapping[str, Any]) -> str:
    drop = words.share(fields["drop_fraction"])
    return f"{fields['tripwire']} would have pulled {fields['action']} at a drop of {drop}, and is in shadow."


KINDS = [
    Kind(name=TRIGGERED, title="A tripwire has triggered", fields=_FIGURES, said=_tripped),
    Kind(name=IN_SHADOW, title="A tripwire in shadow would have triggered", fields=_FIGURES, said=_would_have),
    Kind(
        name=REARMED,
        title="A tripwire was re-armed",
        fields={**_NAMED, "actor": "who re-armed it", "reason": "why"},
        said="{tripwire} was re-armed by {actor}: {reason}".format_map,
    ),
]


def tripped(incident: RegressionIncident, policy: RegressionPolicy) -> None:
    """Tell of a trip, or of one that would have been."""
    figures: dict[str, Any] = {
        name: rules.double(getattr(incident, name)) for name in ("baseline", "current", "drop_fraction")
    }
    outbox.tell(
        IN_SHADOW if incident.mode == rules.SHADOW else TRIGGERED, engine=policy.domain, tripwire=str(policy),
        domain=policy.domain, metric=policy.metric, incident=incident.pk, action=policy.action, **figures,
    )  # fmt: skip


def rearmed(policy: RegressionPolicy, *, actor: str, reason: str) -> None:
    """Tell that a person has re-armed a tripwire."""
    outbox.tell(
        REARMED, engine=policy.domain, tripwire=str(policy), domain=policy.domain, metric=policy.metric, actor=actor,
        reason=reason,
    )  # fmt: skip
