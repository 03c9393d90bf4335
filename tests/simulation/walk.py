"""The steps of a walk: what operators, tripwires and time do beside the engines, on the product and on its model."""

from __future__ import annotations

import datetime as dt

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

import golive.services as switches
import regression.services as tripwires
from governance import clock
from governance.changes import Refused
from riskguard import services
from tests.riskguard.factories import go_live
from tests.simulation.checked import START, written
from tests.simulation.engines import ENGINES, PATIENCE, Engines, an_engine
from tests.simulation.model import CAPS, GLOBAL, Policy

HOUR = dt.timedelta(hours=1)

TRIPWIRES = {"WHOLESALE": "contract_rate", "BUYER_MATCH": "match_success", "CAPITAL": "roi_event"}
PULLS_THE_KILL_SWITCH = "CAPITAL"

a_level = st.sampled_from((GLOBAL, *ENGINES))
money = st.sampled_from([None, None, 5_000, 2_000, 1_000, 300, 0])
actions = st.sampled_from([None, None, 30, 9, 3, 0])
some_caps = st.fixed_dictionaries({}, optional={cap: actions if "actions" in cap else money for cap in CAPS})
GENEROUS: dict[str, int | None] = {
    "max_daily_loss": 600, "max_daily_exposure": 9_000, "max_open_risk": 1_200, "max_amount_per_action": None,
    "max_actions_per_day": None, "max_actions_per_minute": 15,
}  # fmt: skip


LOSSES: dict[str, int | None] = {**dict.fromkeys(CAPS), "max_daily_loss": 400}
FROM_THE_START = {GLOBAL: GENEROUS, "WHOLESALE": LOSSES, "CAPITAL": LOSSES}


def begin() -> None:
    """Bring about what every walk starts from."""
    with clock.at(START):
        go_live()
        for engine, caps in FROM_THE_START.items():
            services.set_policy(engine=engine, patch={**caps, "enabled": True}, actor="ops")
        for domain, metric in TRIPWIRES.items():
            action = "KILL_SWITCH" if domain == PULLS_THE_KILL_SWITCH else "THROTTLE"
            patch = {"window_events": 1, "baseline_events": 1, "min_events_to_enforce": 1, "action": action}
            tripwires.set_policy(domain=domain, metric=metric, patch={**patch, "enabled": True}, actor="ops")


class Walk(Engines):
    """One walk from what ``begin`` has brought about."""

    def __init__(self) -> None:
        super().__init__()
        self.model.policies = {engine: Policy(True, dict(caps)) for engine, caps in FROM_THE_START.items()}

    @rule(level=a_level, caps=some_caps)
    def change_caps(self, level: str, caps: dict[str, int | None]) -> None:
        self._step("caps")
        with clock.at(self.now):
            services.set_policy(engine=level, patch=caps, actor="ops", reason="caps")
        self.model.policies.setdefault(level, Policy()).caps |= caps

    @rule(what=st.sampled_from(("kill", "go-live", "throttle", "throttle", "trip", "trip")), level=a_level)
    def stop(self, what: str, level: str) -> None:
        self._step(what)
        with clock.at(self.now):
            if what == "kill":
                switches.engage_kill_switch(actor="ops", reason="stop")
                self.model.killed = True
            elif what == "go-live":
                switches.disable(actor="ops", reason="stop")
                self.model.live = False
            elif what == "throttle":
                services.throttle(engine=level, actor="ops", reason="off")
                self.model.policies.setdefault(level, Policy()).enabled = False
            elif level != GLOBAL:
                self._trip(level)

    def _trip(self, domain: str) -> None:
        for success in (True, False):
            record = tripwires.record_kpi(domain=domain, metric=TRIPWIRES[domain], success=success, actor="kpi")
        assert record.state is not None
        assert record.state.triggered
        if domain in self.model.tripped:
            return
        self.model.tripped.add(domain)
        if domain == PULLS_THE_KILL_SWITCH:
            self.model.killed = True
        else:
            self.model.policies.setdefault(domain, Policy()).enabled = False

    @precondition(lambda self: self.model.killed)
    @rule()
    def release_the_kill(self) -> None:
        self._step("release the kill")
        with clock.at(self.now):
            answer = switches.release_kill_switch(actor="ops", reason="go")
        assert isinstance(answer, Refused) is (PULLS_THE_KILL_SWITCH in self.model.tripped)
        self.model.killed = isinstance(answer, Refused)

    @precondition(lambda self: not self.model.live)
    @rule()
    def enable_production(self) -> None:
        self._step("enable production")
        with clock.at(self.now):
            answer = switches.enable(actor="ops", reason="on", override=True)
        assert not isinstance(answer, Refused), answer
        self.model.live = True

    @precondition(lambda self: not all(policy.enabled for policy in self.model.policies.values()))
    @rule(level=a_level)
    def enable(self, level: str) -> None:
        self._step("enable")
        pinned = level in self.model.tripped and level != PULLS_THE_KILL_SWITCH
        standing = self.model.policies.get(level, Policy()).enabled
        before = written()
        with clock.at(self.now):
            answer = services.set_policy(engine=level, patch={"enabled": True}, actor="ops", reason="on")
        if pinned and not standing:
            assert isinstance(answer, Refused)
            assert written() == before
            return
        assert not isinstance(answer, Refused), answer
        self.model.policies.setdefault(level, Policy()).enabled = True

    @precondition(lambda self: self.model.tripped)
    @rule(domain=an_engine)
    def rearm(self, domain: str) -> None:
        self._step("re-arm")
        with clock.at(self.now):
            answer = tripwires.rearm(domain=domain, metric=TRIPWIRES[domain], actor="ops", reason="looked at")
        assert not isinstance(answer, Refused), answer
        self.model.tripped.discard(domain)

    def _put_right(self) -> None:
        """Let everything run again, on another day: a walk that nothing moves any more shows nothing."""
        self.since_grant = -PATIENCE * len(ENGINES)
        for domain in sorted(self.model.tripped):
            self.rearm(domain)
        if self.model.killed:
            self.release_the_kill()
        if not self.model.live:
            self.enable_production()
        for level in (GLOBAL, *ENGINES):
            if self.model.policies.get(level, Policy()).caps != GENEROUS:
                self.change_caps(level, GENEROUS)
            if not self.model.policies[level].enabled:
                self.enable(level)
        self.midnight(0)
        self.since_grant = 0

    @rule(seconds=st.sampled_from([1, 30, 59, 60, 61, 1_800, 10_800]))
    def wait(self, seconds: int) -> None:
        self._step("wait")
        self.now += dt.timedelta(seconds=seconds)

    @rule(seconds=st.integers(-1, 1))
    def midnight(self, seconds: int) -> None:
        self._step("midnight")
        tomorrow = self.now.date() + dt.timedelta(days=1)
        self.now = dt.datetime.combine(tomorrow, dt.time(), dt.UTC) + dt.timedelta(seconds=seconds)

    @precondition(lambda self: self.now.date() >= max(self.model.newest, START.date()))
    @rule()
    def set_the_clock_back(self) -> None:
        self._step("back")
        self.now -= 25 * HOUR
