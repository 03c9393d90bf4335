from __future__ import annotations

import io
import json
import random
import sys
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

import regression
from regression.models import RegressionPolicy, RegressionState
from tests.regression.factories import DOMAIN, METRIC, BaselineFactory, PolicyFactory, record_at_once

SMALL = ("--window-events", "20", "--baseline-events", "60", "--min-events-to-enforce", "15", "--baseline-size", "200")


def replay(*arguments: str) -> str:
    out = io.StringIO()
    call_command("replay_tripwire", *arguments, stdout=out, stderr=io.StringIO())
    return out.getvalue()


def refused(*arguments: str) -> str:
    with pytest.raises(CommandError) as raised:
        replay(*arguments)
    assert raised.value.returncode == 1
    return str(raised.value)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Write 300 events at a rate of 0.9 and 100 at 0.4 into a file."""
    order = random.Random(1)
    rates = [0.9] * 300 + [0.4] * 100
    path = tmp_path / "rates.csv"
    path.write_text("success\n" + "".join(f"{int(order.random() < rate)}\n" for rate in rates))
    return path


def told(*arguments: str) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(replay(*arguments, "--json"))
    return answer


@pytest.mark.sqlite
def test_a_file_is_replayed_by_both_detectors_at_each_threshold(file: Path) -> None:
    answer = told("--csv", str(file), "--max-drop", "0.1,0.3", "--trials", "0", *SMALL)
    assert [(each["detector"], each["max_drop_fraction"]) for each in answer["settings"]] == [
        ("WINDOW", 0.1), ("WINDOW", 0.3), ("SEQUENTIAL", 0.1), ("SEQUENTIAL", 0.3),
    ]  # fmt: skip
    assert (answer["events"], answer["held"], answer["trials"]) == (400, 400, 0)
    for each in answer["settings"]:
        seen = next(trip for trip in each["trips"] if trip["event"] > 300)
        assert seen["event"] < 340
        assert seen["id"] == seen["event"] + 1  # the line of the file, after its header
        assert each["controls"]["window_events"] == 20


@pytest.mark.sqlite
def test_a_forecast_tells_false_alarms_and_the_delay_of_each_drop(file: Path) -> None:
    asked = ("--csv", str(file), "--detector", "WINDOW", "--max-drop", "0.1,0.3", "--trials", "20", *SMALL)
    jumpy, calm = (each["forecast"] for each in told(*asked)["settings"])
    assert [delay["drop_fraction"] for delay in jumpy["median_delays"]] == [0.1, 0.2, 0.3, 0.5]
    assert jumpy["false_alarms_per_1000"] > calm["false_alarms_per_1000"]
    assert jumpy["median_delays"][3]["events"] < calm["median_delays"][3]["events"]


@pytest.mark.sqlite
def test_the_same_seed_gives_the_same_answer_and_another_another(file: Path) -> None:
    asked = ("--csv", str(file), "--detector", "window", "--max-drop", "0.1", "--trials", "20", *SMALL)
    first = told(*asked)
    assert told(*asked) == first
    assert told(*asked, "--seed", "2")["settings"] != first["settings"]


@pytest.mark.sqlite
def test_the_table_says_when_each_would_have_tripped_and_what_to_expect(file: Path) -> None:
    said = " ".join(
        replay("--csv", str(file), "--detector", "WINDOW", "--max-drop", "0.3", "--trials", "20", *SMALL).split()
    )
    assert "400 events" in said
    assert "WINDOW 0.3" in said
    assert "False alarms" in said
    assert "20 simulated streams, seed 1" in said
    assert "WINDOW 0.3 would have tripped at event 3" in said


@pytest.mark.sqlite
def test_without_trials_nothing_is_simulated(file: Path) -> None:
    answer = told("--csv", str(file), "--trials", "0", *SMALL)
    assert [each["forecast"] for each in answer["settings"]] == [None, None]
    assert "simulated" not in replay("--csv", str(file), "--trials", "0", *SMALL)


def test_what_a_history_cannot_show_is_said(tmp_path: Path) -> None:
    path = tmp_path / "short.csv"
    path.write_text("false\n" * 300)
    said = " ".join(replay("--csv", str(path), *SMALL, "--baseline-events", "400", "--trials", "1").split())
    assert "WINDOW 0.2: The history is too short: its first 400 events would be the baseline." in said
    assert "SEQUENTIAL 0.2: It could not be armed: with a baseline of 0 nothing can be shown to drop." in said


@pytest.mark.django_db
def test_a_recorded_history_is_replayed_with_what_its_policy_asks_for_and_nothing_is_written() -> None:
    PolicyFactory(enabled=False, max_drop_fraction="0.25")
    record_at_once("SSSSSSSSFFFF")
    named = ("--domain", DOMAIN.lower(), "--metric", METRIC)
    answer = told(*named, "--detector", "WINDOW", "--trials", "0")
    (outcome,) = answer["settings"]
    assert answer["source"] == f"{DOMAIN}/{METRIC}"
    assert outcome["max_drop_fraction"] == 0.25
    assert outcome["trips"][0]["event"] == 12
    assert outcome["trips"][0]["at"] == answer["last_at"] != ""
    assert told(*named, "--detector", "WINDOW", "--trials", "0", "--events", "5")["events"] == 5
    assert not RegressionState.objects.exists()
    assert RegressionPolicy.objects.get(domain=DOMAIN).max_drop_fraction * 4 == 1


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "Say which history: --domain DOMAIN --metric METRIC, or --csv FILE."),
        (("--domain", "OFFERS"), "Name both --domain and --metric."),
        (("--domain", "OFFERS", "--metric", "signed"), "No event of OFFERS/signed is recorded"),
        (("--csv", "/nowhere.csv"), "/nowhere.csv cannot be read: No such file or directory."),
    ],
)
def test_what_is_missing_is_said(arguments: tuple[str, ...], said: str) -> None:
    assert said in refused(*arguments)


@pytest.mark.sqlite
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--max-drop", "0"), "max_drop_fraction: Ensure this value is greater than or equal to 0.000001."),
        (("--max-drop", "2"), "max_drop_fraction: Ensure this value is less than or equal to 1."),
        (("--max-drop", "0.1,much"), "max_drop_fraction: A valid number is required."),
        (("--detector", "MAGIC"), 'detector: "MAGIC" is not a valid choice.'),
        (("--max-drop", ",".join(["0.1"] * 7)), "max_drop_fraction: Compare 1 to 12 settings at a time."),
        (("--window-events", "10"), "window_events: It could never trigger"),
        (("--value-low", "2"), "value_low: Must be above value_low."),
        (("--trials", "x"), "must be a whole number from 0 to 10,000"),
        (("--events", "0"), "must be a whole number from 1 to 1,000,000"),
    ],
)
def test_an_odd_setting_is_refused_by_its_name(file: Path, arguments: tuple[str, ...], said: str) -> None:
    with pytest.raises(CommandError) as raised:
        replay("--csv", str(file), *arguments)
    assert said in str(raised.value)


def test_a_malformed_file_is_told_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "odd.csv"
    path.write_text("success\n1\nmaybe\n")
    assert refused("--csv", str(path)) == f"{path}: Line 3: 'maybe' is neither true nor false, nor a number."
    path.write_bytes(b"success\n\xff\xfe\n")
    assert refused("--csv", str(path)) == f"{path} is not UTF-8 text."


@pytest.mark.sqlite  # no database is in it, as in those above, and the first picture takes seconds
def test_a_picture_is_drawn_when_it_is_asked_for(file: Path, tmp_path: Path) -> None:
    picture = tmp_path / "replay.png"
    replay(
        "--csv", str(file), "--detector", "WINDOW", "--max-drop", "0.3", "--trials", "5", *SMALL, "--png", str(picture)
    )
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert "--png:" in refused("--csv", str(file), "--trials", "0", *SMALL, "--png", "/nowhere/replay.png")


def test_without_matplotlib_a_picture_is_refused_before_anything_is_replayed(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "regression.drawing", raising=False)
    monkeypatch.delattr(regression, "drawing", raising=False)
    monkeypatch.setitem(sys.modules, "matplotlib.axes", None)
    assert "pip install -c constraints.txt matplotlib" in refused("--csv", str(file), "--png", "replay.png")
    assert "WINDOW" in replay("--csv", str(file), "--trials", "0", *SMALL)


def test_progress_stays_off_where_no_terminal_is(file: Path, capfd: pytest.CaptureFixture[str]) -> None:
    replay("--csv", str(file), "--trials", "0", *SMALL)
    assert capfd.readouterr() == ("", "")


@pytest.mark.django_db
def test_a_pinned_tripwire_is_compared_with_its_pins_unless_another_pin_is_asked_for() -> None:
    PolicyFactory(baseline_kind="PINNED", window_events=20, baseline_events=60, min_events_to_enforce=15)
    seen = record_at_once("F" * 120 + "S" * 100 + "F" * 16)
    BaselineFactory(mean=1.0, events=100, size=100, progress={"last_id": seen[219]})
    asked = ("--domain", DOMAIN, "--metric", METRIC, "--detector", "WINDOW", "--trials", "0")
    (pinned,) = told(*asked)["settings"]
    assert (pinned["controls"]["baseline_kind"], pinned["baseline"]) == ("PINNED", 1)
    assert [trip["id"] for trip in pinned["trips"]] == [seen[234]]
    (other,) = told(*asked, "--baseline-size", "100")["settings"]
    assert (other["baseline"], other["trips"]) == (0, [])
    (rolling,) = told(*asked, "--baseline-kind", "ROLLING")["settings"]
    assert (rolling["controls"]["baseline_kind"], rolling["bound"]) == ("ROLLING", None)
