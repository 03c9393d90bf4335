"""Each domain's success rate by day with its interval, and refusals by reason."""

from __future__ import annotations

import datetime as dt

import pytest

from governance import clock
from governance.sections import Period
from heimdall import intervals, plots, selectors
from heimdall.models import HeimdallPolicy
from tests.heimdall.factories import PolicyFactory, ScorecardFactory, today

pytestmark = pytest.mark.django_db
DAY = dt.timedelta(days=1)


def week() -> Period:
    end = clock.now()
    return Period(end - 7 * DAY, end)


def test_a_day_shows_its_rate_between_wilsons_bounds_and_what_is_asked_for() -> None:
    policy = PolicyFactory(domain="PRICING", min_sandbox_success_rate="0.8")
    policy.refresh_from_db()
    ScorecardFactory(domain="PRICING", day=today() - DAY, trials=10, successes=7)
    ScorecardFactory(domain="PRICING", day=today() - 13 * DAY, trials=4, successes=4)
    ScorecardFactory(domain="PRICING", day=today() - 14 * DAY, trials=4, successes=4)
    (plot,) = plots.success_rates([policy], week())
    low, high, rate, asked = plot.series
    assert len(plot.labels) == 14
    assert [place for place, value in enumerate(rate.values) if value is not None] == [0, 12]
    assert rate.values[12] == 0.7
    assert (low.values[12], high.values[12]) == intervals.wilson(7, 10)
    assert (low.values[13], high.values[13]) == (None, None)
    assert set(asked.values) == {0.8}
    assert plot.share


def test_a_domain_without_a_trial_is_left_out() -> None:
    PolicyFactory(domain="IDLE")
    assert plots.success_rates(selectors.policies(), week()) == []


def test_at_most_twelve_domains_are_drawn() -> None:
    HeimdallPolicy.objects.all().delete()
    for number in range(plots.MOST_DRAWN + 1):
        PolicyFactory(domain=f"D{number}")
        ScorecardFactory(domain=f"D{number}", trials=1, successes=1)
    assert len(plots.success_rates(selectors.policies(), week())) == plots.MOST_DRAWN


def test_refusals_are_drawn_by_reason_the_most_frequent_of_this_week_first() -> None:
    (plot,) = plots.refusals({"busy": 1, "already_used": 2}, {"policy_missing": 9})
    assert plot.labels == ["already used", "busy", "policy missing"]
    assert [list(series.values) for series in plot.series] == [[2, 1, 0], [0, 0, 9]]
    assert plots.refusals({}, {}) == []
