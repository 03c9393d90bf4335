"""What the races of reservations share: noon on a seeded site, and the proof that a race needs its locks."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from django.db import connection

from governance import clock, holds
from governance.models import Hold
from riskguard import backends, services
from riskguard.models import RiskPolicy
from riskguard.rules import GLOBAL
from tests.append_only import lifted
from tests.riskguard.factories import NOON, go_live, uncapped
from tests.riskguard.racing import (
    Attempt,
    no_locks,
)

ROUNDS, TRIES = 2, 25


@pytest.fixture
def seeded_noon(transactional_db: None) -> Iterator[None]:
    """Lift the caps, let production run, and stop the clock at noon."""
    go_live()
    with clock.at(NOON):
        uncapped("WHOLESALE", "CAPITAL", "NOTIFY")
        yield


@pytest.fixture
def backend(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let PostgreSQL decide by its function, or by the law in Python, which then needs the same locks."""
    if request.param == "python":
        monkeypatch.setitem(backends.BACKENDS, "postgresql", backends.BACKENDS["sqlite"])


@pytest.fixture
def proves(monkeypatch: pytest.MonkeyPatch) -> Callable[[Attempt, bool], None]:
    """Return what shows that an attempt never goes wrong with the locks, and sooner or later does without."""

    def prove(attempt: Attempt, locks: bool) -> None:
        if locks:
            for _ in range(ROUNDS):
                clear()
                assert attempt() == []
            return
        with no_locks(monkeypatch):
            for _ in range(TRIES):
                clear()
                if attempt():
                    return
        pytest.fail("with the locks taken out nothing went wrong: this test proves nothing")

    return prove


def clear() -> None:
    with lifted(), connection.cursor() as cursor:
        cursor.execute("DELETE FROM risk_event; DELETE FROM risk_reservation; DELETE FROM risk_ledger_day")
    for hold in Hold.objects.all():
        holds.lift(scope=hold.scope, source=hold.source, code=hold.code)
    for policy in RiskPolicy.objects.filter(engine__in=[GLOBAL, "WHOLESALE"], enabled=False):
        services.set_policy(engine=policy.engine, patch={"enabled": True}, actor="ops")
