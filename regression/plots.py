"""The tripwires' plots of the review: each one's rate with its baseline, its threshold and its trips."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence

from governance.sections import Compared, Period, Plot, Series
from regression import rates, rules, selectors
from regression.models import RegressionIncident, RegressionPolicy, RegressionState

MOST_DRAWN, MOST_TRIPS = 12, 5
_HOURS = 12
STEP = dt.timedelta(hours=_HOURS)
States = Mapping[tuple[str, str], RegressionState]
_Point = tuple[dt.datetime, float | None, RegressionIncident | None]


def drawn(policies: Sequence[RegressionPolicy], states: States, period: Period) -> tuple[list[Plot], list[Compared]]:
    """Return the tripwires' rates over the period and the one before as plots, and at the ends of both compared.

    The first ``MOST_DRAWN`` are looked at, those that are triggered or enabled first.
    """
    chosen = sorted(policies, key=lambda policy: (not _stands(states, policy, "triggered"), not policy.enabled))
    chosen = chosen[:MOST_DRAWN]
    moments = _moments(period)
    incidents = selectors.newest_opened(period.before().start, period.end)
    plots, compared = [], []
    for policy, means in zip(chosen, rates.at_moments(chosen, moments), strict=True):
        trips = [row for row in incidents if (row.domain, row.metric) == (policy.domain, policy.metric)][:MOST_TRIPS]
        points: list[_Point] = [(at, mean, None) for at, mean in zip(moments, means, strict=True)]
        points += [(row.opened_at, row.current, row) for row in trips]
        if any(mean is not None for mean in means):
            plots.append(_plot(policy, _stands(states, policy, "baseline"), sorted(points, key=lambda point: point[0])))
            label = f"{policy.domain} {policy.metric}"
            compared.append(Compared("drifted", label, _spoken(means[-1]), _spoken(means[len(means) // 2])))
    return plots, compared


def _moments(period: Period) -> list[dt.datetime]:
    """Return moments from the start of the period before to the end, an odd number, so that one is in the middle."""
    start = period.before().start
    return [start + STEP * step for step in range(int((period.end - start) / STEP) + 1)]


def _stands(states: States, policy: RegressionPolicy, figure: str) -> float | None:
    return getattr(states.get((policy.domain, policy.metric)), figure, None)


def _plot(policy: RegressionPolicy, baseline: float | None, points: Sequence[_Point]) -> Plot:
    threshold = None if baseline is None else baseline * (1 - float(policy.max_drop_fraction))
    windows = policy.detector == rules.WINDOW
    series = [Series(name="Rate", values=[rate for _at, rate, _trip in points])]
    if baseline is not None:
        series += [
            Series(name="Baseline", values=[baseline] * len(points), tone="green", dashed=True),
            Series(
                name="Trips at or below" if windows else "Never trips above", values=[threshold] * len(points),
                tone="red", dashed=True,
            ),
        ]  # fmt: skip
    for mode, name, tone in ((rules.ENFORCE, "Trip", "red"), (rules.SHADOW, "Trip in SHADOW", "grey")):
        values = [trip.current if trip is not None and trip.mode == mode else None for _at, _rate, trip in points]
        if any(value is not None for value in values):
            series.append(Series(name=name, values=values, tone=tone, marks=True))  # type: ignore[arg-type]
    return Plot(
        title=f"{policy.domain} {policy.metric}: rate, baseline and threshold", kind="line", axis="At (UTC)",
        labels=[f"{at:%m-%d %H:%M}" for at, _rate, _trip in points], series=series,
        said=(
            f"The mean of the last {min(policy.window_events, rates.MOST_EVENTS)} events, every {_HOURS} hours. "
            "Baseline and threshold stand as they do now, each trip at the figure that it tripped at."
        ),
    )  # fmt: skip


def _spoken(mean: float | None) -> str:
    return "no event" if mean is None else f"{mean:.4g}"
