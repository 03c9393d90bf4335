from __future__ import annotations

import datetime as dt
import itertools
from decimal import Decimal
from typing import Any

import pytest
from django.conf import LazySettings
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from governance import clock
from governance.models import AuditEvent
from regression import retention, selectors
from regression.models import KpiEvent, RegressionGap, RegressionPolicy, RegressionState
from tests.regression.factories import (
    DOMAIN,
    METRIC,
    PAIR,
    EventFactory,
    GapFactory,
    PolicyFactory,
    StateFactory,
    rearm,
    record,
    tripped,
)
from tests.regression.model import EXAMPLES, SIZES, STEPS, Model, take

pytestmark = pytest.mark.django_db
START = dt.datetime(2026, 1, 1, 12, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)


def _remove(at: dt.datetime = START + 91 * DAY, **options: bool) -> dict[str, int]:
    with clock.at(at):
        batches = list(retention.remove(actor="cron", **options))
    return {name: sum(batch.get(name, 0) for batch in batches) for batch in batches for name in batch}


def _left(**pair: str) -> list[int]:
    return list(KpiEvent.objects.filter(**{**PAIR, **pair}).order_by("pk").values_list("pk", flat=True))


@pytest.mark.parametrize(("age", "left"), [(90 * DAY, 1), (90 * DAY + dt.timedelta(microseconds=1), 0)])
def test_an_event_goes_once_it_is_older_than_the_days_of_retention(age: dt.timedelta, left: int) -> None:
    EventFactory(at=START - age)
    _remove(START)
    assert KpiEvent.objects.count() == left


def test_the_days_are_those_of_the_setting(settings: LazySettings) -> None:
    settings.RETENTION_KPI_DAYS = 7
    EventFactory(at=START)
    assert _remove(START + 7 * DAY) == {}
    assert _remove(START + 8 * DAY) == {"OFFERS/signed": 1}


@pytest.mark.parametrize("enabled", [True, False])
def test_the_newest_events_of_both_windows_stay_however_old(enabled: bool) -> None:
    PolicyFactory(enabled=enabled)
    events = EventFactory.create_batch(13, at=START)
    assert _remove() == {"OFFERS/signed": 1}
    assert _left() == [event.pk for event in events[1:]]


def test_what_a_gap_holds_goes_and_what_the_windows_read_beside_it_stays() -> None:
    PolicyFactory()
    events = EventFactory.create_batch(20, at=START)
    StateFactory()
    GapFactory(after_id=events[9].pk, until_id=events[14].pk)
    assert _remove() == {"OFFERS/signed": 8}
    assert _left() == [event.pk for event in (*events[3:10], *events[15:])]


def test_the_baseline_of_a_trip_stays_and_so_does_its_current_window() -> None:
    with clock.at(START):
        state = tripped(max_drop_fraction=Decimal("0.9"))
        record("F" * 20)
        baseline_end = state.baseline_end_id
    _remove()
    assert baseline_end is not None
    assert [number for number in _left() if number <= baseline_end] == _left()[:8]
    assert [number for number in _left() if number > baseline_end] == _left()[-4:]


def test_after_the_re_arming_the_baseline_of_the_trip_is_still_there() -> None:
    with clock.at(START):
        tripped()
    _remove()
    with clock.at(START + 92 * DAY):
        state = rearm()
        assert (state.baseline, state.baseline_count, state.current_count) == (1.0, 8, 0)
        record("FFFF")
    assert RegressionState.objects.get(**PAIR).triggered


def test_gaps_below_everything_that_is_left_go_too() -> None:
    PolicyFactory()
    StateFactory()
    events = EventFactory.create_batch(16, at=START)
    GapFactory(after_id=events[0].pk, until_id=events[1].pk)
    kept = GapFactory(after_id=events[5].pk, until_id=events[6].pk)
    _remove()
    assert list(RegressionGap.objects.all()) == [kept]


def test_a_metric_that_no_policy_watches_keeps_nothing_old() -> None:
    EventFactory.create_batch(2, at=START)
    GapFactory(after_id=0, until_id=1)
    assert _remove() == {"OFFERS/signed": 2}
    assert not KpiEvent.objects.exists()
    assert not RegressionGap.objects.exists()


def test_an_audit_row_tells_how_many_of_which_went_and_up_to_where() -> None:
    first, second = EventFactory.create_batch(2, at=START)
    other = EventFactory(at=START, domain="ANOTHER")
    _remove()
    row = AuditEvent.objects.get()
    assert (row.action, row.target, row.actor, row.reason) == (
        "regression.retain",
        "kpi_event",
        "cron",
        "older than 90 days",
    )
    assert row.after == {
        "ranges": [[first.pk, other.pk]],
        "older_than": "2026-01-02T12:00:00Z",
        "removed": {
            "OFFERS/signed": {"events": 2, "first_id": first.pk, "last_id": second.pk},
            "ANOTHER/signed": {"events": 1, "first_id": other.pk, "last_id": other.pk},
        },
    }


def test_where_nothing_is_old_nothing_is_recorded() -> None:
    EventFactory(at=START)
    assert _remove(START) == {}
    assert not AuditEvent.objects.exists()


def test_a_dry_run_tells_the_same_and_removes_nothing() -> None:
    PolicyFactory()
    EventFactory.create_batch(20, at=START)
    assert _remove(dry_run=True) == {"OFFERS/signed": 8}
    assert (KpiEvent.objects.count(), AuditEvent.objects.count()) == (20, 0)
    assert _remove() == {"OFFERS/signed": 8}


def test_goes_on_batch_after_batch_each_with_its_own_audit_row(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "BATCH", 3)
    PolicyFactory()
    EventFactory.create_batch(20, at=START)
    with clock.at(START + 91 * DAY):
        assert [sum(batch.values()) for batch in retention.remove(actor="cron")] == [3, 3, 2, 0, 0, 0, 0]
    assert AuditEvent.objects.count() == 3
    assert len(_left()) == 12


@pytest.mark.sqlite  # the law is in Python, and costs several times as much on PostgreSQL
@pytest.mark.no_cover
@hypothesis_settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(sizes=SIZES, drop=st.sampled_from([Decimal("0.2"), Decimal("0.5")]), before=STEPS, after=STEPS)
def test_windows_and_trips_are_the_same_with_retention_and_without(
    sizes: tuple[int, int, int], drop: Decimal, before: list[Any], after: list[Any]
) -> None:
    """The model keeps every event for ever; the windows of what retention has left must be those of the model."""
    for table in (KpiEvent, RegressionGap, RegressionPolicy, RegressionState):
        table.objects.all().delete()  # type: ignore[attr-defined]
    window, baseline, least = sizes
    PolicyFactory(
        window_events=window, baseline_events=baseline, min_events_to_enforce=least, max_drop_fraction=drop,
        enabled=False,
    )  # fmt: skip
    model = Model(window, baseline, least, drop)
    take("evaluate", model, PAIR)
    with clock.at(START):
        for step in before:
            take(step, model, PAIR)
    _remove()
    _agree(model)
    with clock.at(START + 92 * DAY):
        for step in after:
            # Wider windows than those that retention knew of may reach for what is gone.
            if not (isinstance(step, tuple) and step[0] == "resize"):
                take(step, model, PAIR)
                _agree(model)
    _remove(START + 200 * DAY)
    _agree(model)
    state = RegressionState.objects.get(**PAIR)
    assert set(_left()) == selectors.needed(state, RegressionPolicy.objects.get().terms())
    assert not KpiEvent.objects.exclude(domain=DOMAIN, metric=METRIC).exists()


def _agree(model: Model) -> None:
    state = RegressionState.objects.get(**PAIR)
    seen = selectors.windows(state, RegressionPolicy.objects.get().terms())
    assert ([event.id for event in reversed(seen.baseline)], [event.id for event in reversed(seen.current)]) == (
        model.windows()
    )
    assert (state.baseline_end_id, state.armed_after_id) == (model.baseline_end, model.armed_after)
    gaps = list(RegressionGap.objects.filter(**PAIR).order_by("until_id").values_list("after_id", "until_id"))
    for (_start, until), (upto, _end) in itertools.pairwise(gaps):
        assert KpiEvent.objects.filter(**PAIR, pk__gt=until, pk__lte=upto).exists()
