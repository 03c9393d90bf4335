from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heimdall import rules, words
from heimdall.rules import Charter, Evidence

pytestmark = pytest.mark.sqlite  # no database is asked

ON = Charter(True, Decimal("0.92"), 75, Decimal("0.82"), 1)
OFF = Charter(False, Decimal("0.92"), 75, Decimal("0.82"), 1)
EARNED = Evidence(1, 100, 82)
STANDING = {
    "engine": "WHOLESALE",
    "min_confidence_prod": Decimal("0.92"),
    "min_sandbox_trials": 75,
    "min_sandbox_success_rate": Decimal("0.82"),
    "prod_use_enabled": False,
    "evidence_days": 1,
}


@pytest.mark.parametrize(
    ("charter", "confidence", "evidence", "reason"),
    [
        (None, 1.0, EARNED, "policy_missing"),
        (OFF, 0.0, Evidence(), "prod_use_disabled"),
        (ON, 0.9199999999999999, Evidence(), "confidence_below_threshold"),
        (ON, 0.92, Evidence(), "insufficient_sandbox_trials"),
        (ON, 0.92, Evidence(1, 74, 74), "insufficient_sandbox_trials"),
        (ON, 0.92, Evidence(1, 75, 75), "gate_pass"),
        (ON, 0.92, Evidence(1, 76, 76), "gate_pass"),
        (ON, 0.92, Evidence(1, 100, 81), "sandbox_success_rate_below_threshold"),
        (ON, 0.92, Evidence(1, 100, 82), "gate_pass"),
        (ON, 0.9200000000000002, Evidence(1, 100, 83), "gate_pass"),
    ],
)
def test_names_the_first_reason_in_order(
    charter: Charter | None, confidence: float, evidence: Evidence, reason: str
) -> None:
    assert rules.gate(charter, confidence, evidence) == reason


@pytest.mark.parametrize("threshold", ["0.1", "0.3", "0.7", "0.92", "0.999999", "1", "0"])
def test_a_confidence_that_is_written_as_the_threshold_passes(threshold: str) -> None:
    assert rules.confident(float(threshold), Decimal(threshold))


@given(trials=st.integers(1, 10**6), millionths=st.integers(0, 10**6), data=st.data())
def test_a_rate_at_the_threshold_passes_and_one_success_under_it_fails(
    trials: int, millionths: int, data: st.DataObject
) -> None:
    threshold = Decimal(millionths) / 10**6
    least = -((-millionths * trials) // 10**6)
    assert rules.successful(Evidence(1, trials, least), threshold)
    assert not rules.successful(Evidence(1, trials, least - 1), threshold)
    more = data.draw(st.integers(least, max(least, trials)))
    assert rules.successful(Evidence(1, trials, more), threshold)


def test_no_trial_shows_no_rate_above_zero() -> None:
    assert rules.successful(Evidence(), Decimal(0))
    assert not rules.successful(Evidence(), Decimal("0.000001"))


def test_a_rate_is_rounded_down_so_that_it_never_reads_too_high() -> None:
    assert rules.rate(2, 3) == Decimal("0.666666")
    assert rules.rate(81_999_999, 100_000_000) == Decimal("0.819999")
    assert rules.rate(37, 50) == Decimal("0.74")
    assert rules.rate(0, 0) is None


@pytest.mark.parametrize(
    ("patch", "loosening"),
    [
        ({"min_confidence_prod": Decimal("0.919999")}, {"min_confidence_prod"}),
        ({"min_confidence_prod": Decimal("0.92")}, set()),
        ({"min_confidence_prod": Decimal("0.920001")}, set()),
        ({"min_sandbox_trials": 74}, {"min_sandbox_trials"}),
        ({"min_sandbox_trials": 75}, set()),
        ({"min_sandbox_trials": 76}, set()),
        ({"min_sandbox_success_rate": Decimal("0.819999")}, {"min_sandbox_success_rate"}),
        ({"min_sandbox_success_rate": Decimal("0.820001")}, set()),
        ({"prod_use_enabled": True}, {"prod_use_enabled"}),
        ({"prod_use_enabled": False}, set()),
        ({"evidence_days": 1}, set()),
        ({"evidence_days": 2}, {"evidence_days"}),
        ({"engine": "WHOLESALE"}, set()),
        ({"engine": "OTHER"}, {"engine"}),
        ({"prod_use_enabled": True, "min_sandbox_trials": 100}, {"prod_use_enabled"}),
    ],
)
def test_names_what_loosens(patch: dict[str, Any], loosening: set[str]) -> None:
    assert rules.loosens(STANDING, patch) == loosening


def test_disabling_an_enabled_policy_tightens_and_enabling_it_again_changes_nothing() -> None:
    assert rules.loosens({"prod_use_enabled": True}, {"prod_use_enabled": False}) == frozenset()
    assert rules.loosens({"prod_use_enabled": True}, {"prod_use_enabled": True}) == frozenset()


def test_a_window_ends_today() -> None:
    today = dt.date(2026, 3, 1)
    assert rules.window(today, 1) == (today, today)
    assert rules.window(today, 2) == (dt.date(2026, 2, 28), today)


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        ("policy_missing", "no Heimdall policy for OFFERS"),
        ("prod_use_disabled", "OFFERS is not enabled for production use"),
        ("confidence_below_threshold", "needs a confidence of 0.92, has 0.5"),
        ("insufficient_sandbox_trials", "needs 75 sandbox trials in the last 1 day(s), has 12"),
        (
            "sandbox_success_rate_below_threshold",
            "success rate of 0.82 in the last 1 day(s), has 0.75 (9 of 12 trials)",
        ),
        ("gate_pass", "has earned production use: 0.75 (9 of 12 trials)"),
    ],
)
def test_says_in_words_what_is_lacking(reason: str, said: str) -> None:
    assert said in words.judged(reason, "OFFERS", ON, 0.5, Evidence(1, 12, 9))


def test_says_that_there_is_no_trial() -> None:
    assert words.lacking("sandbox_success_rate_below_threshold", ON, Evidence()).endswith("has no trial")
