"""The risk guard against a reference model: thousands of random steps, with every figure compared after each.

``VALHALLA_SIMULATION_STEPS=100000 pytest tests/simulation`` walks further. A failure prints the shortest program that
fails and its seed; ``VALHALLA_SIMULATION_SEED=7 pytest tests/simulation`` walks the same way again.
"""

from __future__ import annotations

import itertools
import os

import pytest
from django.conf import LazySettings
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test as walk

from tests.databases import vendor
from tests.simulation.walk import Walk, begin

STEPS = int(os.environ.get("VALHALLA_SIMULATION_STEPS", "0"))
SEED = int(os.environ.get("VALHALLA_SIMULATION_SEED", "1"))
# Few walks a seed, and a seed more until the steps are enough: some walks end early, others are put right on the way.
WALK, WALKS_A_SEED = 100, 7
# Ten thousand steps on both. On PostgreSQL one costs twice as much, and the law is the same.
PORTIONS, LEAST = {"sqlite": (4, 2_350), "postgresql": (1, 600)}[vendor()]
# Each portion for whichever worker of the tests has time.
FIRST = [
    pytest.param(number, marks=pytest.mark.xdist_group(f"walk-{number}"))
    for number in range(SEED, SEED + 100 * PORTIONS, 100)
]
DRIVEN = ("reserve", "settle", "release", "expire", "caps", "throttle", "kill", "trip", "re-arm", "midnight")


def rigour(steps: int) -> settings:
    """Return what a seed walks by where so many ``steps`` are still to go."""
    return settings(
        database=None,
        deadline=None,
        max_examples=min(WALKS_A_SEED, -(-steps // WALK)),
        phases=[Phase.generate, Phase.shrink],
        print_blob=True,
        stateful_step_count=WALK,
        suppress_health_check=list(HealthCheck),
    )


@pytest.mark.django_db
@pytest.mark.no_cover  # it goes ten thousand times where other tests have been
@pytest.mark.parametrize("number", FIRST[:1] if STEPS else FIRST)
def test_the_ledger_agrees_with_a_model_of_it_after_every_step(number: int, settings: LazySettings) -> None:
    settings.VALHALLA_RESERVATION_TTL_SECONDS = 3 * 3_600
    Walk.taken.clear()
    begin()
    wanted = STEPS or LEAST
    for more in itertools.count(number):
        steps = Walk.taken.total()
        # What is rare may be missing by chance, in twice as many steps not.
        if steps >= (wanted if set(DRIVEN) <= set(Walk.taken) else 2 * wanted):
            break
        try:
            walk(seed(more)(Walk), settings=rigour(max(wanted - steps, WALK)))
        except Exception as wrong:
            wrong.add_note(f"To walk this way again: VALHALLA_SIMULATION_SEED={more}")
            raise
    assert set(DRIVEN) <= set(Walk.taken)
