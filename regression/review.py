"""The tripwires' line of the checklist and their part of the review."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any

from governance.register import Check
from governance.sections import Compared, Period, Section, Table
from regression import plots, selectors, words
from regression.models import RegressionIncident, RegressionPolicy, RegressionState
from regression.selectors import Dealt, Reliability
from regression.serializers import (
    RegressionIncidentSerializer,
    RegressionPolicySerializer,
    RegressionStateSerializer,
    ReliabilitySerializer,
)


def checks() -> list[Check]:
    """Return a warning while a tripwire is triggered."""
    names = selectors.triggered()
    detail = f"Triggered, to be re-armed: {', '.join(names)}." if names else "No tripwire is triggered."
    return [Check("triggered_tripwire", not names, detail, required=False)]


def section(period: Period) -> Section:
    """Return every tripwire's last figures, the period's trips against the period before, and the incidents."""
    states = {(state.domain, state.metric): state for state in selectors.states()}
    tripwires = [(policy, states.get((policy.domain, policy.metric))) for policy in selectors.policies()]
    trips, waiting = selectors.trips(period.start, period.end), selectors.open_incidents()
    reliable = selectors.reliability(selectors.opened_between(period.start, period.end))
    dealt, before = (selectors.dealt_with(span.start, span.end) for span in (period, period.before()))
    data = {
        "tripwires": _tripwires(tripwires),
        "trips": RegressionIncidentSerializer(trips, many=True).data,
        "open_incidents": RegressionIncidentSerializer(waiting, many=True).data,
        "reliability": ReliabilitySerializer(reliable, many=True).data,
        "period": _told(dealt),
        "period_before": _told(before),
    }
    tables = [
        Table(
            "Tripwires",
            ["Tripwire", "Stands", "Baseline", "Current", "Drop", "Triggers at", "Checked (UTC)"],
            [_line(policy, state) for policy, state in tripwires],
            "There is no tripwire: run seed_governance.",
        ),
        Table(
            "Trips of this period",
            ["Incident", "Tripwire", "Pulled", "Drop", "At (UTC)", "Status"],
            [_trip(incident) for incident in trips],
            "No tripwire was triggered.",
        ),
        Table(
            "Incidents",
            ["", "This period", "The period before"],
            _figures(dealt, before),
            "There was no incident.",
        ),
        Table(
            "Reliability of this period",
            ["Tripwire", "Trips", "In SHADOW", "To detect", "To acknowledge", "To resolve", "False alarms"],
            [_reliable(tripwire) for tripwire in reliable],
            "No tripwire was triggered.",
        ),
    ]
    plotted, drifted = plots.drawn([policy for policy, _state in tripwires], states, period)
    compared = [
        Compared("broke", "Tripwires triggered", str(dealt.opened), str(before.opened)),
        Compared("broke", "Incidents resolved", str(dealt.resolved), str(before.resolved)),
        *drifted,
    ]
    alarms = [f"{policy} is triggered" for policy, state in tripwires if state is not None and state.triggered]
    alarms += [
        f"incident {incident.pk} of {incident.domain}/{incident.metric} is {incident.get_status_display()}"
        for incident in waiting
    ]
    return Section("regression", "Regression tripwire", data, tables, alarms, plotted, compared)


def _tripwires(told: Iterable[tuple[RegressionPolicy, RegressionState | None]]) -> list[dict[str, Any]]:
    """Return each policy with its state, by one serializer of each, whose fields take longer to make than a row."""
    policies, states = RegressionPolicySerializer(), RegressionStateSerializer()
    return [
        {
            "policy": policies.to_representation(policy),
            "state": None if state is None else states.to_representation(state),
        }
        for policy, state in told
    ]


def _told(dealt: Dealt) -> dict[str, Any]:
    return {
        "trips": dealt.opened,
        "acknowledged": dealt.acknowledged,
        "resolved": dealt.resolved,
        "mtta_seconds": _seconds(dealt.mean_time_to_acknowledge),
        "mttr_seconds": _seconds(dealt.mean_time_to_resolve),
    }


def _seconds(span: dt.timedelta | None) -> float | None:
    return None if span is None else span.total_seconds()


def _figures(dealt: Dealt, before: Dealt) -> list[list[str]]:
    return [
        ["Opened", str(dealt.opened), str(before.opened)],
        ["Acknowledged", str(dealt.acknowledged), str(before.acknowledged)],
        ["Resolved", str(dealt.resolved), str(before.resolved)],
        [
            "Mean time to acknowledge",
            words.span(dealt.mean_time_to_acknowledge),
            words.span(before.mean_time_to_acknowledge),
        ],
        [
            "Mean time to resolve (MTTR)",
            words.span(dealt.mean_time_to_resolve),
            words.span(before.mean_time_to_resolve),
        ],
    ]


def _line(policy: RegressionPolicy, state: RegressionState | None) -> list[str]:
    checked = state.last_checked_at if state else None
    return [
        _name(policy),
        "TRIGGERED" if state and state.triggered else "armed" if policy.enabled else "disabled",
        *(_figure(getattr(state, name, None)) for name in ("baseline", "current", "drop_fraction")),
        f"{policy.max_drop_fraction.normalize():f} {policy.action}",
        f"{checked:%Y-%m-%d %H:%M}" if checked else "never",
    ]


def _trip(incident: RegressionIncident) -> list[str]:
    return [
        str(incident.pk),
        _name(incident),
        incident.action,
        _figure(incident.drop_fraction),
        f"{incident.opened_at:%Y-%m-%d %H:%M}",
        incident.get_status_display(),
    ]


def _reliable(tripwire: Reliability) -> list[str]:
    share = tripwire.false_alarm_share
    known = f"{tripwire.false_alarms} of {tripwire.with_cause} with a cause"
    return [
        _name(tripwire),
        str(tripwire.trips),
        str(tripwire.shadow_trips),
        words.span(tripwire.mean_time_to_detect),
        words.span(tripwire.mean_time_to_acknowledge),
        words.span(tripwire.mean_time_to_resolve),
        "no cause is known" if share is None else f"{share:.0%} ({known})",
    ]


def _name(row: RegressionPolicy | RegressionIncident | Reliability) -> str:
    """Return a tripwire's name with a space in it, where a narrow terminal breaks the line."""
    return f"{row.domain} {row.metric}"


def _figure(figure: float | None) -> str:
    return "-" if figure is None else f"{figure:.4g}"
