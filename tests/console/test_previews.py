"""The preview on the tripwire's page: what other settings would have done, in time and within bounds."""

from __future__ import annotations

import html
import io
import json

import pytest
from django.core.management import call_command
from django.test import Client

from regression import previewing
from regression.models import RegressionIncident, RegressionPolicy
from tests.console.tripwires import PAGE
from tests.regression.factories import DOMAIN, METRIC, PAIR, PolicyFactory, record_at_once

pytestmark = pytest.mark.django_db


@pytest.mark.sqlite
def test_a_preview_is_what_replay_tripwire_says_and_changes_nothing(
    viewer: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(previewing, "TRIALS", 40)
    PolicyFactory(enabled=False, max_drop_fraction="0.5")
    record_at_once("S" * 12 + "SSFF" * 5)
    response = viewer.get(f"{PAGE}?max_drop=0.2&detector=WINDOW")
    said = " ".join(html.unescape(response.content.decode()).split())
    out = io.StringIO()
    named = ("--domain", DOMAIN, "--metric", METRIC, "--detector", "WINDOW", "--max-drop", "0.5,0.2", "--json")
    call_command("replay_tripwire", *named, "--trials", "0", stdout=out)
    replayed = json.loads(out.getvalue())["settings"]
    rows = response.context["rows"]
    assert [row["name"] for row in rows] == ["WINDOW 0.5", "WINDOW 0.2"]
    assert [row["trips"] for row in rows] == [len(each["trips"]) for each in replayed]
    assert rows[1]["trips"] > 0
    assert all(row["forecast"].median_delays[0.5] < 20 for row in rows)
    assert "Looked at 32 events" in said
    labels = [series["label"] for series in json.loads(response.context["chart"].data)["datasets"]]
    assert "WINDOW 0.2 would trip" in labels
    assert "Threshold 0.2" in labels
    assert not RegressionIncident.objects.exists()


@pytest.mark.sqlite
def test_a_preview_ends_in_time_and_says_what_it_left_out() -> None:
    PolicyFactory()
    record_at_once("S" * 12 + "FFFF")
    tripwire = RegressionPolicy.objects.get(**PAIR)
    found = previewing.preview(tripwire, [tripwire], seconds=0)
    assert found.cut_short
    assert found.tried[0].outcome.trips
    assert found.tried[0].outcome.forecast is None


def test_a_preview_looks_at_a_bounded_number_of_events(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(previewing, "EVENTS", 9)
    PolicyFactory(enabled=False)
    ids = record_at_once("S" * 20)
    tripwire = RegressionPolicy.objects.get(**PAIR)
    found = previewing.preview(tripwire, [], upto=ids[14])
    assert [event.id for event in found.history.events] == ids[6:15]
