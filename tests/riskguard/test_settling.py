"""Settling and releasing: what comes back, what counts, and that nothing refuses them."""

from __future__ import annotations

from typing import Any

import pytest

from golive.services import disable, engage_kill_switch
from governance import holds
from governance.errors import Conflict, Invalid, NotFound
from riskguard import services
from riskguard.models import RiskEvent
from riskguard.rules import CAPS, GLOBAL
from tests.riskguard.factories import NOON, TODAY, counters, policy, reserve, reserved, uncapped
from tests.tables import tables

pytestmark = pytest.mark.usefixtures("live")
LEVELS = [GLOBAL, "WHOLESALE"]


@pytest.fixture(autouse=True)
def _no_caps(live: None) -> None:
    uncapped("WHOLESALE", "CAPITAL")


@pytest.mark.sqlite  # what is malformed never reaches the database
def test_a_loss_is_whole_minor_units_too() -> None:
    held = reserved()
    before = tables()
    odd: list[Any] = [True, 1.5, 2.0, float("nan"), "7", None, -1, 10**15 + 1]
    for loss in odd:
        with pytest.raises(Invalid) as said:
            services.settle(reservation_id=held.pk, realized_loss=loss, actor="bot")
        assert list(said.value.errors) == ["realized_loss"], loss
    assert tables() == before


def test_a_settle_frees_open_risk_keeps_exposure_and_counts_the_loss() -> None:
    held = reserved(amount=700)
    resolution = services.settle(reservation_id=held.pk, realized_loss=50, actor="closer")
    held.refresh_from_db()
    assert (held.status, held.realized_loss, held.settled_day, held.resolved_by) == ("SETTLED", 50, TODAY, "closer")
    assert (held.closed_at, held.closed_day, held.needs_review) == (NOON, TODAY, False)
    assert counters() == counters(GLOBAL) == (700, 0, 50, 1)
    event = RiskEvent.objects.get(kind="SETTLE")
    assert (event.reservation, event.reason, event.actor, event.amount) == (held, "settled", "closer", 700)
    assert (event.exposure_delta, event.open_risk_delta, event.loss_delta, event.actions_delta) == (0, -700, 50, 0)
    assert [line.engine for line in resolution.ledger] == [GLOBAL, "WHOLESALE"]
    assert resolution.flags == {"loss_cap_reached": False, "reached_by": []}


def test_a_settle_may_lose_more_than_was_reserved_and_more_than_the_cap() -> None:
    policy("WHOLESALE", max_daily_loss=100)
    held = reserved(amount=10)
    assert services.settle(reservation_id=held.pk, realized_loss=5_000, actor="bot").flags["reached_by"] == [
        "WHOLESALE"
    ]
    assert counters() == (10, 0, 5_000, 1)


@pytest.mark.parametrize(
    ("of_global", "of_engine", "loss", "reached"),
    [
        (100, 100, 99, []),
        (100, 100, 100, [GLOBAL, "WHOLESALE"]),
        (101, 100, 100, ["WHOLESALE"]),
        (100, 101, 100, [GLOBAL]),
        (100, None, 101, [GLOBAL]),
        (None, None, 10**15, []),
        (0, None, 0, [GLOBAL]),
    ],
)
def test_flags_say_whose_loss_cap_is_reached(
    of_global: int | None, of_engine: int | None, loss: int, reached: list[str]
) -> None:
    held = reserved()
    policy(GLOBAL, max_daily_loss=of_global)
    policy("WHOLESALE", max_daily_loss=of_engine)
    flags = services.settle(reservation_id=held.pk, realized_loss=loss, actor="bot").flags
    assert flags == {"loss_cap_reached": bool(reached), "reached_by": reached}


def test_a_second_settle_answers_the_same_and_with_other_figures_is_a_conflict() -> None:
    held = reserved()
    services.settle(reservation_id=held.pk, realized_loss=5, actor="bot")
    before = tables()
    again = services.settle(reservation_id=held.pk, realized_loss=5, actor="another")
    assert (again.reservation.status, again.reservation.realized_loss) == ("SETTLED", 5)
    with pytest.raises(Conflict) as said:
        services.settle(reservation_id=held.pk, realized_loss=6, actor="bot")
    assert said.value.code == "already_settled"
    with pytest.raises(Conflict):
        services.release(reservation_id=held.pk, actor="bot")
    assert tables() == before


def test_a_release_gives_exposure_and_open_risk_back_and_not_the_action() -> None:
    held = reserved(amount=700)
    reserved(amount=1)
    services.release(reservation_id=held.pk, actor="closer")
    held.refresh_from_db()
    assert (held.status, held.resolved_by, held.closed_day, held.realized_loss) == ("RELEASED", "closer", TODAY, None)
    assert counters() == counters(GLOBAL) == (1, 1, 0, 2)
    event = RiskEvent.objects.get(kind="RELEASE")
    assert (event.exposure_delta, event.open_risk_delta, event.loss_delta, event.actions_delta) == (-700, -700, 0, 0)


def test_a_released_reservation_stays_released() -> None:
    held = reserved()
    services.release(reservation_id=held.pk, actor="bot")
    before = tables()
    assert services.release(reservation_id=held.pk, actor="bot").reservation.status == "RELEASED"
    with pytest.raises(Conflict) as said:
        services.settle(reservation_id=held.pk, realized_loss=0, actor="bot")
    assert said.value.code == "already_released"
    assert tables() == before


def test_there_is_nothing_to_resolve_without_a_reservation() -> None:
    with pytest.raises(NotFound):
        services.settle(reservation_id=987_654, realized_loss=0, actor="bot")
    with pytest.raises(NotFound):
        services.release(reservation_id=987_654, actor="bot")


@pytest.mark.parametrize("control", ["kill switch", "disabled policy", "exceeded caps", "held", "go-live off"])
def test_settle_and_release_answer_whatever_is_closed(control: str) -> None:
    one, other = reserved(amount=700), reserved(amount=300)
    if control == "kill switch":
        engage_kill_switch(actor="ops", reason="r")
    elif control == "disabled policy":
        policy(GLOBAL, enabled=False)
        services.throttle(engine="WHOLESALE", actor="tripwire", reason="r")
    elif control == "exceeded caps":
        policy("WHOLESALE", **dict.fromkeys(CAPS, 0))
        policy(GLOBAL, **dict.fromkeys(CAPS, 0))
    elif control == "held":
        holds.place(scope="WHOLESALE", source="x", code="tripwire_triggered", reason="r", rank=40)
    else:
        disable(actor="ops", reason="r")
    assert not reserve().ok
    assert services.settle(reservation_id=one.pk, realized_loss=9, actor="bot").reservation.status == "SETTLED"
    assert services.release(reservation_id=other.pk, actor="bot").reservation.status == "RELEASED"
    assert counters() == counters(GLOBAL) == (700, 0, 9, 2)
