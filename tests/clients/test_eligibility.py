"""An AI's recommendation acts only where Heimdall authorizes it, once, and never on a guess."""

from __future__ import annotations

from typing import Any

import pytest
from valhalla_governor import Invalid, NotFound, Refused, Unavailable

from tests.acceptance.asking import GOVERNANCE, ask, turn
from tests.clients.conftest import Open, rows
from tests.clients.relay import AFTER, BEFORE, Relay

pytestmark = [pytest.mark.sqlite, pytest.mark.xdist_group("clients")]


@pytest.fixture
def domain(address: str, engine: str) -> str:
    """Return a domain that has earned production."""
    earned = {"min_confidence_prod": 0.9, "min_sandbox_trials": 1, "min_sandbox_success_rate": 1}
    body = {"domain": engine, "engine": engine, "prod_use_enabled": True, **earned, "actor": "ops", "reason": "test"}
    assert ask(address, f"{GOVERNANCE}/heimdall/policies/upsert", body)[0] == 200
    trial = {"domain": engine, "confidence": 0.9, "success": True, "actor": "bot"}
    assert ask(address, f"{GOVERNANCE}/heimdall/sandbox/trial", trial)[0] == 200
    return engine


def refused(governor: Any, recommendation_id: int) -> Refused:
    with pytest.raises(Refused) as raised:
        governor.require_eligible(recommendation_id)
    return raised.value


def test_a_recommendation_acts_once(governor: Any, domain: str) -> None:
    stored = governor.recommend(domain, 0.95, {"price": 1500}, {"model": "v2"})
    assert (stored.domain, stored.prod_eligible, stored.gate_reason) == (domain, True, "gate_pass")
    assert governor.require_eligible(stored.id) is None
    assert refused(governor, stored.id).reason == "already_used"


def test_one_that_lacks_confidence_does_not(governor: Any, domain: str) -> None:
    stored = governor.recommend(domain, 0.8, {})
    assert not stored.prod_eligible
    assert refused(governor, stored.id).reason == "confidence_below_threshold"


def test_none_acts_while_the_kill_switch_is_engaged(governor: Any, domain: str, address: str) -> None:
    stored = governor.recommend(domain, 0.95, {})
    turn(address, "kill-switch/engage")
    assert refused(governor, stored.id).reason == "kill_switch_engaged"
    turn(address, "kill-switch/release")
    governor.require_eligible(stored.id)


def test_one_that_is_not_there(governor: Any) -> None:
    with pytest.raises(NotFound):
        governor.require_eligible(10**9)
    with pytest.raises(Invalid):
        governor.require_eligible("1")
    with pytest.raises(Invalid):
        governor.recommend("A", float("nan"), {})


def test_an_authorization_whose_answer_was_lost_is_no_go(opened: Open, domain: str, relay: Relay) -> None:
    governor = opened(relay.address)
    stored = governor.recommend(domain, 0.95, {})
    relay.next = [AFTER]
    assert isinstance(refused(governor, stored.id), Unavailable)
    assert sum(path.endswith("/authorize") for path, _body, _key in relay.passed) == 1
    assert refused(governor, stored.id).reason == "already_used"


@pytest.mark.parametrize("fate", [AFTER, BEFORE])
def test_a_recommendation_whose_answer_was_lost_is_not_stored_again(
    opened: Open, domain: str, relay: Relay, fate: str
) -> None:
    relay.next = [fate]
    with pytest.raises(Unavailable):
        opened(relay.address).recommend(domain, 0.95, {})
    assert len(rows(relay.site, f"heimdall/recommendations?domain={domain}")) == (fate == AFTER)


def test_one_that_found_the_governor_busy_is_tried_again(opened: Open, domain: str, relay: Relay) -> None:
    governor = opened(relay.address)
    busy = {"ok": False, "reason": "busy", "message": "Try again."}
    relay.next = [(503, {"code": "busy"}), (429, {})]
    stored = governor.recommend(domain, 0.95, {})
    relay.next = [(200, busy), (503, {"code": "GOVERNANCE_UNAVAILABLE"})]
    governor.require_eligible(stored.id)
    assert not relay.next
