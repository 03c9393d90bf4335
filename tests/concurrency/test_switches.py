"""Switches that are turned at once: none is lost, and state, holds, epoch and trail agree."""

from __future__ import annotations

import itertools
from functools import partial

import pytest

from golive import services
from golive.models import GoLiveState
from governance import epoch
from governance.models import AuditEvent, Hold
from tests.riskguard.racing import errors, no_locks, race

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db(transaction=True)]
TURNS = [
    partial(services.engage_kill_switch, actor="ops", reason="r"),
    partial(services.disable, actor="ops", reason="r"),
] * 4
ROUNDS, TRIES = 2, 25


def attempt() -> list[str]:
    """Enable and release, then stop by both switches at once; return what is amiss."""
    services.enable(actor="ops", reason="r", override=True)
    services.release_kill_switch(actor="ops", reason="r")
    last, before = AuditEvent.objects.latest("pk").pk, epoch.current()
    amiss = [str(error) for error in errors(race(*TURNS))]
    row = GoLiveState.objects.get()
    if (row.go_live_enabled, row.kill_switch_engaged) != (False, True):
        amiss.append(f"a stop was lost: {row}")
    if Hold.objects.filter(source="golive").count() != 2:
        amiss.append("a hold was lost")
    if epoch.current() != before + len(TURNS):
        amiss.append(f"the epoch grew by {epoch.current() - before}")
    trail = list(AuditEvent.objects.filter(pk__gt=last).order_by("pk"))
    if any(later.before != earlier.after for earlier, later in itertools.pairwise(trail)):
        amiss.append("the trail is no chain")
    return amiss


def test_no_stop_is_lost_among_others() -> None:
    for _ in range(ROUNDS):
        assert attempt() == []


def test_without_the_locks_one_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    with no_locks(monkeypatch):
        assert any(attempt() for _ in range(TRIES))
