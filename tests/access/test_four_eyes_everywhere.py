"""Whatever one person tries, with every right but the glass, by every way in and of every action of the register: no
control is looser afterwards, and what tightens has not waited.

``make test`` tries a sample on each database, ``make fuzz`` more than twice as much and at least FUZZ_EXAMPLES.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import os
from collections.abc import Iterator

import pytest
from django.contrib.auth.models import User
from django.db import transaction
from hypothesis import HealthCheck, given
from hypothesis import settings as profile
from hypothesis import strategies as st

from access import services as access
from access.models import Token
from golive import services as golive
from golive.models import GoLiveState
from governance import approvals, changes, clock, grants, register
from governance.changes import Pending
from governance.errors import Invalid, NotFound
from governance.models import ChangeRequest, Hold
from regression.models import RegressionIncident
from riskguard import services as riskguard
from riskguard.models import RiskPolicy
from tests.access.factories import UserFactory, secret_of
from tests.access.looseness import MEASURED, looser, standing
from tests.access.ways import DECIDING, ME, MINE, TARGETS, WAYS, Tried, approve_alone, targets_of, tried
from tests.regression.factories import tripped

pytestmark = pytest.mark.usefixtures("four_eyes")
EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "0"))
MY_ROLES = ["operator", "approver", "administrator", "auditor"]


# The world: a tripped tripwire, policies that another person tightened, accounts of each kind


@pytest.fixture
def people(four_eyes: None) -> None:
    with _two_people():
        UserFactory.create(username=ME, roles=MY_ROLES, is_staff=True)
        UserFactory.create(username="pat", roles=["approver"])
        UserFactory.create(username="vic", roles=["operator"])
        UserFactory.create(username="bot", roles=["engine"])
        ends = clock.now() + dt.timedelta(days=1)
        Token.objects.create(
            user=User.objects.get(username=ME), token_key=MINE.key, digest=MINE.digest, engines=[], expiry=ends
        )


@pytest.fixture
def world(people: None) -> dict[str, str]:
    """Build the rest of it, and return the names that a target stands for."""
    with _two_people():
        tripped()
        for target, cap in (("GLOBAL", 100), ("WHOLESALE", 50)):
            patch = {"max_daily_loss": cap, "enabled": False}
            changes.submit(action="risk.policy.set", target=target, patch=patch, actor="kim", reason="r")
        token = secret_of(User.objects.get(username="vic"))
    return {"incident": str(RegressionIncident.objects.latest("pk").pk), "token": token[:15]}


@contextlib.contextmanager
def trying(*, live: bool, killed: bool) -> Iterator[None]:
    """Turn the switches so, and undo at the end whatever was done."""
    with transaction.atomic():
        with _two_people():
            if live:
                golive.enable(actor="kim", reason="r", override=True)
            if killed:
                golive.engage_kill_switch(actor="kim", reason="r")
        yield
        transaction.set_rollback(True)


@contextlib.contextmanager
def _two_people() -> Iterator[None]:
    """Let what follows loosen, as after an approval."""
    with grants.given():
        yield


def test_every_action_of_the_register_is_tried_on_what_it_can_change(world: dict[str, str]) -> None:
    assert TARGETS.keys() <= register.actions().keys()
    for name, spec in register.actions().items():
        for target in targets_of(name):
            spec.spell(target.format(**world))


@profile(max_examples=max(40, EXAMPLES) if EXAMPLES else 16, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    it=tried(), way=st.sampled_from(sorted(WAYS)), by=st.sampled_from(sorted(DECIDING)),
    live=st.booleans(), killed=st.booleans(),
)  # fmt: skip
def test_no_way_in_loosens_without_two_people(
    world: dict[str, str], it: Tried, way: str, by: str, live: bool, killed: bool
) -> None:
    with trying(live=live, killed=killed):
        before = standing()
        WAYS[way](it._replace(target=it.target.format(**world)))
        approve_alone(by)
        assert looser(before, standing()) == []


@profile(max_examples=max(25, EXAMPLES) if EXAMPLES else 10, deadline=None, suppress_health_check=list(HealthCheck))
@given(it=tried(), live=st.booleans(), killed=st.booleans())
def test_what_tightens_never_waits(world: dict[str, str], it: Tried, live: bool, killed: bool) -> None:
    with trying(live=live, killed=killed):
        target = it.spec.spell(it.target.format(**world))
        before = standing()
        try:
            outcome = changes.submit(action=it.spec.name, target=target, patch=it.patch, actor=ME, reason="r")
        except (Invalid, NotFound):
            return
        waited = set(outcome.change.patch) if isinstance(outcome, Pending) else set()
        assert not (waited and it.spec.urgent)
        if it.spec.name in TARGETS and it.spec.divisible and isinstance(outcome, Pending):
            row, cleaned = it.spec.lock(target), changes.clean(it.spec, it.patch)
            # A retired row is switched off whatever else was asked for, and an end is no control.
            tight = set() if "retired" in it.patch else (it.patch.keys() - waited) & MEASURED
            assert {name: getattr(row, name) for name in tight} == {name: cleaned[name] for name in tight}
            # What waits does loosen, each field of it.
            approvals.approve(change_id=outcome.change.pk, actor="pat")
            told = " ".join(looser(before, standing()))
            assert not told or "BRANDNEW" in target or all(f": {name} " in told for name in waited & MEASURED), told


STOPS: dict[str, Tried] = {
    "kill switch": Tried(register.action("kill_switch.engage"), "", {}),
    "disable": Tried(register.action("go_live.disable"), "", {}),
}


@pytest.mark.sqlite
@pytest.mark.parametrize("way", ["door", "api", "console", "command", "shell"])
@pytest.mark.parametrize("stop", STOPS)
def test_a_stop_waits_for_nobody_by_any_way(people: None, stop: str, way: str) -> None:
    with trying(live=True, killed=False):
        WAYS[way](STOPS[stop])
        state = GoLiveState.objects.get()
        stands = (state.kill_switch_engaged, state.go_live_enabled)
        assert stands == ((True, True) if stop == "kill switch" else (False, False))
        assert not ChangeRequest.objects.exists()


def test_a_throttle_waits_for_nobody(people: None) -> None:
    riskguard.throttle(engine="CAPITAL", actor="regression", reason="r")
    assert not RiskPolicy.objects.get(engine="CAPITAL").enabled
    assert Hold.objects.filter(scope="CAPITAL").exists()


def test_the_measure_sees_what_is_looser(people: None) -> None:
    golive.engage_kill_switch(actor="kim", reason="r")
    before = standing()
    with _two_people():
        golive.release_kill_switch(actor="kim", reason="r")
        riskguard.set_policy(engine="CAPITAL", patch={"max_daily_loss": None}, actor="kim")
        access.set_account(username="bot", patch={"approver": True}, actor="kim")
        secret_of(User.objects.get(username="vic"))
    told = " ".join(looser(before, standing()))
    for part in ("kill_switch_engaged", "max_daily_loss", "account bot: approver", "weighty tokens", "holds"):
        assert part in told, part
