"""The risk guard against a reference model: thousands of random steps, with every figure compared after each.

``VALHALLA_SIMULATION_STEPS=100000 pytest tests/simulation`` walks further. A failure prints the shortest program that
fails and its seed; ``VALHALLA_SIMULATION_SEED=7 pytest tests/simulation`` walks the same way again.
"""

from __future__ import annotations

import itertools
import os

import pytest
from django.conf import LazySettings
from django.db import connection
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test as walk

from tests.simulation.walk import Walk

STEPS = int(os.environ.get("VALHALLA_SIMULATION_STEPS", "0"))
SEED = int(os.environ.get("VALHALLA_SIMULATION_SEED", "1"))
# On PostgreSQL a step costs several times as much, and the law is the same.
USUAL = {"sqlite": 10_000, "postgresql": 1_500}
WALK, WALKS_A_SEED = 100, 20
DRIVEN = ("reserve", "settle", "release", "expire", "caps", "throttle", "kill", "trip", "re-arm", "midnight")
RIGOUR = settings(
    database=None,
    deadline=None,
    max_examples=WALKS_A_SEED,
    phases=[Phase.generate, Phase.shrink],
    print_blob=True,
    stateful_step_count=WALK,
    suppress_health_check=list(HealthCheck),
)


@pytest.mark.django_db
def test_the_ledger_agrees_with_a_model_of_it_after_every_step(settings: LazySettings) -> None:
    settings.VALHALLA_RESERVATION_TTL_SECONDS = 3 * 3_600
    _walk_until(STEPS or USUAL[connection.vendor])
    assert STEPS or set(DRIVEN) <= set(Walk.taken)


def _walk_until(steps: int) -> None:
    Walk.taken.clear()
    for number in itertools.count(SEED):
        if Walk.taken.total() >= steps:
            return
        try:
            walk(seed(number)(Walk), settings=RIGOUR)
        except Exception as wrong:
            wrong.add_note(f"To walk this way again: VALHALLA_SIMULATION_SEED={number}")
            raise
