"""What a tripwire found, in words, made from its figures, here and nowhere else."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from regression.baselines import HIGH_CORRELATION, PinnedTerms
from regression.limits import MANY_WITHIN
from regression.models import RegressionBaseline, RegressionIncident, RegressionPolicy, RegressionState
from regression.rules import KILL_SWITCH, PINNED, SHADOW, Judgement, Terms, double
from regression.sequential import DROPS, Detector, Reading

if TYPE_CHECKING:
    from regression.comparing import Tried
    from regression.histories import History
    from regression.replay import Outcome
    from regression.selectors import Reliability
    from regression.simulation import Forecast

TRIGGERED = "Triggered: it stays so until a person re-arms it, with a reason."
DISABLED = "The policy is disabled: these are figures alone, and it never triggers."
NO_BASELINE = (
    "It would watch nothing, since no baseline is pinned: pin one first (POST regression/baseline/pin) and wait until "
    "it is complete. Until then WINDOW with a ROLLING baseline can watch."
)
# Completed with figures here and by the database's function, which both take %s for one.
WAITING = "Waiting for events: the current window holds %s and the baseline %s, it needs %s in each."
WATCHING = "Watching: it triggers at a drop of %s."
_LARGE = 1_000_000


def pulled(domain: str, metric: str, drop: Fraction | float | None) -> str:
    """Return the reason that a trip gives: ``Regression tripwire: WHOLESALE.contract_rate drop=0.221``."""
    return f"Regression tripwire: {domain}.{metric} drop={share(drop)}"


def share(drop: Fraction | float | None) -> str:
    """Return a drop with three decimals; one that no decimals suit, in powers of ten."""
    figure = drop if isinstance(drop, float) else double(drop) or 0.0
    return f"{figure:.3f}" if abs(figure) < _LARGE else f"{figure:.3g}"


def note(found: Judgement, terms: Terms, *, triggered: bool) -> str:
    """Say how a tripwire stands after an evaluation."""
    said = [_standing(found, terms, triggered=triggered)]
    if found.baseline is not None and found.baseline <= 0:
        said.append(
            f"The baseline is {double(found.baseline):g}: no drop can be computed from a baseline of zero or less, "
            "so it cannot trigger."
        )
    return " ".join(said)


def _standing(found: Judgement, terms: Terms, *, triggered: bool) -> str:
    if triggered:
        return TRIGGERED
    if not terms.enabled:
        return DISABLED
    if found.baseline_count == 0:
        return "No event is recorded yet."
    if not found.enough:
        return WAITING % (found.current_count, found.baseline_count, terms.min_events_to_enforce)
    return WATCHING % f"{terms.max_drop_fraction.normalize():f}"


def unpinned(policy: RegressionPolicy, triggered: bool) -> str:
    """Say that a SEQUENTIAL tripwire has no baseline to test against."""
    if triggered:
        return TRIGGERED
    waits = " A baseline is being taken." if policy.pinning else " Pin one: POST regression/baseline/pin."
    return f"It has no pinned baseline and watches nothing.{waits}"


def weighed(
    policy: RegressionPolicy, pinned: RegressionBaseline, against: Detector, reading: Reading, *, triggered: bool
) -> str:
    """Say how a SEQUENTIAL tripwire stands after an evaluation."""
    if triggered:
        return TRIGGERED
    if not policy.enabled:
        return DISABLED
    said = [
        f"Watching: the evidence of a drop is {power(reading.log_evidence)}, it triggers at {power(against.log_alarm)} "
        f"with a drop of {policy.max_drop_fraction.normalize():f} or more."
    ]
    if (pinned.correlation or 0) > HIGH_CORRELATION:
        said.append(resembling(pinned.correlation or 0))
    allowed = policy.settings().pin_error(pinned.number)
    if policy.action == KILL_SWITCH and pinned.beta > allowed:
        said.append(
            f"Its baseline was pinned with an error of {pinned.beta:.3g}, and pin {pinned.number} of a kill switch may "
            f"spend {allowed:.3g}: false alarms are more frequent than promised. Pin anew."
        )
    return " ".join(said)


def power(log: float) -> str:
    """Return what a natural log is of: 20,000; beyond a million, in powers of ten."""
    if log >= math.log(_LARGE):
        return f"10^{log / math.log(10):.1f}"
    return f"{math.exp(log):,.0f}" if log >= math.log(1_000) else f"{math.exp(log):.3g}"


def resembling(correlation: float) -> str:
    """Warn of observations that resemble their neighbours."""
    return (
        f"Neighbouring observations of the baseline resemble one another (correlation {correlation:.2f}, above "
        f"{HIGH_CORRELATION}): false alarms are more frequent than promised. Set block_events and pin anew."
    )


def pinning(baseline: RegressionBaseline) -> str:
    """Say what a pin waits for, and why."""
    return (
        f"Taken from the next {baseline.size:,} events, of which {baseline.events:,} are here. It waits for them "
        "because a baseline that is picked from the past, after looking, is the best of several by choice: false "
        "alarms would be more frequent than promised."
    )


def pinned(baseline: RegressionBaseline) -> str:
    """Say what a complete baseline shows."""
    said = [f"Pinned at {baseline.mean:.4g} by {baseline.events:,} events; tested against {baseline.bound:.4g}."]
    if (baseline.correlation or 0) > HIGH_CORRELATION:
        said.append(resembling(baseline.correlation or 0))
    return " ".join(said)


def unfit(baseline: RegressionBaseline) -> str:
    """Say why a complete baseline cannot be armed."""
    return (
        f"It cannot be armed: with a mean of {baseline.mean:.4g} over {baseline.events:,} events no rate above the "
        "lowest is certain, and nothing can drop below it. Pin anew with a larger baseline_size, or once there are "
        "successes."
    )


def too_soon(policy: RegressionPolicy, trips: int, until: dt.datetime) -> str:
    """Say until when a tripwire that trips again and again must wait."""
    return (
        f"{policy} has tripped {trips} times within {MANY_WITHIN.days} days: it may be re-armed from "
        f"{until.astimezone(dt.UTC):%Y-%m-%d %H:%M UTC} on. Mend the cause meanwhile."
    )


def repinning(policy: RegressionPolicy, _patch: Mapping[str, Any]) -> list[str]:
    """Say what a pin does."""
    size = f"{policy.baseline_size:,}"
    said = [f"The next {size} events become the baseline: it is never picked from the past, after looking."]
    if policy.baseline_kind == PINNED:
        said.append("Until they are here the former baseline goes on watching; then the evidence starts anew.")
    return said


def rearming(state: RegressionState, _patch: Mapping[str, Any]) -> list[str]:
    """Say what a re-arming does."""
    said = ["It watches again from this moment on: the events so far never trigger it again."]
    if state.triggered:
        said.append("What the trip pulled stays as it is: re-enable it by itself, afterwards.")
    return said


def missing(domain: str, metric: str) -> str:
    """Say that there is no policy."""
    return f"There is no regression policy for {domain}/{metric}: an operator must create one."


def doubt(outcome: Outcome) -> str:
    """Say what keeps a setting from being tried on a history, or from its promise; empty where nothing does."""
    setting = outcome.setting
    if outcome.baseline is None:
        pin = setting.pin if isinstance(setting, PinnedTerms) else setting
        needs = pin.baseline_events if isinstance(pin, Terms) else pin.units * pin.scale.block_events
        return f"The history is too short: its first {needs:,} events would be the baseline."
    if outcome.bound is not None and outcome.bound <= 0:
        return f"It could not be armed: with a baseline of {outcome.baseline:.4g} nothing can be shown to drop."
    if outcome.bound is None and outcome.baseline <= 0:
        return f"The baseline is {outcome.baseline:g}: no drop can be computed from zero or less."
    correlation = outcome.correlation or 0.0
    return resembling(correlation) if correlation > HIGH_CORRELATION else ""


def _delays(forecast: Forecast | None) -> list[tuple[int, str]]:
    """Return by drop in percent after how many events half of the streams have tripped."""
    if forecast is None:
        return [(round(100 * drop), "-") for drop in DROPS]
    return [
        (round(100 * drop), "later" if delay is None else f"{delay:,.0f}")
        for drop, delay in forecast.median_delays.items()
    ]


def _minute(when: str) -> str:
    return when[:16].replace("T", " ")


def span(length: dt.timedelta | None) -> str:
    """Return a length of time to the second."""
    return "-" if length is None else str(dt.timedelta(seconds=round(length.total_seconds())))


def times(reliable: Reliability) -> dict[str, str]:
    """Return the mean times of a tripwire's incidents, and the share of false alarms in percent."""
    share = reliable.false_alarm_share
    return {
        "detect": span(reliable.mean_time_to_detect),
        "acknowledge": span(reliable.mean_time_to_acknowledge),
        "resolve": span(reliable.mean_time_to_resolve),
        "false": "no cause is known" if share is None else f"{share:.0%}",
    }


def next_step(incident: RegressionIncident, state: RegressionState | None) -> str:
    """Say what a person does next about an incident."""
    status = RegressionIncident.Status
    if incident.status == status.RESOLVED:
        return ""
    if incident.mode == SHADOW:
        return "It pulled nothing. Find out whether it was right, and resolve it with its cause."
    if state is not None and state.triggered:
        said = "Find the cause and mend it, then re-arm with a reason: the engine stays held until then."
        return f"Say that you are on it: acknowledge. {said}" if incident.status == status.OPEN else said
    return "It watches again. Enable again what was pulled, once you may, and resolve the incident with its cause."


def previewed(history: History, tried: Sequence[Tried]) -> list[dict[str, Any]]:
    """Return what each setting would have done, as a page shows it; the first is the setting as it stands."""
    return [
        {
            "name": each.name,
            "present": place == 0,
            "trips": len(each.outcome.trips),
            "when": [
                _minute(history.when(trip.event)) for trip in each.outcome.trips[:1] + each.outcome.trips[1:][-1:]
            ],
            "forecast": each.outcome.forecast,
            "delays": _delays(each.outcome.forecast),
            "doubt": doubt(each.outcome),
        }
        for place, each in enumerate(tried)
    ]
