"""What each lever tells, and that a reservation which trips nothing tells nothing and pays nothing for it."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from golive import services as golive
from governance import outbox
from governance.happenings import Notice
from riskguard import services as riskguard
from riskguard.models import RiskReservation
from tests.notices.factories import told
from tests.regression.factories import rearm, tripped
from tests.riskguard.factories import go_live, policy, reserve, settled, uncapped

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _live(db: None) -> None:
    go_live()
    Notice.objects.all().delete()


def only() -> Notice:
    """Return the one notice; it holds the fields that its kind names, and no other."""
    notice = Notice.objects.get()
    assert set(notice.data) == set(outbox.kinds()[notice.kind].fields)
    return notice


class TestSwitches:
    @pytest.mark.parametrize(
        ("turn", "kind"),
        [
            (golive.engage_kill_switch, "kill_switch.engaged"),
            (golive.release_kill_switch, "kill_switch.released"),
            (golive.disable, "go_live.disabled"),
            (lambda **who: golive.enable(**who, override=True), "go_live.enabled"),
        ],
    )
    def test_every_turn_is_told(self, turn: Any, kind: str) -> None:
        row = turn(actor="ops", reason="drill")
        notice = only()
        assert (notice.kind, notice.engine) == (kind, "")
        assert (notice.data["actor"], notice.data["reason"]) == ("ops", "drill")
        assert row is not None

    def test_a_release_that_is_refused_is_not_told(self) -> None:
        tripped("CAPITAL", action="KILL_SWITCH")
        golive.release_kill_switch(actor="ops", reason="now")
        assert ("kill_switch.released", "") not in told()


class TestTripwires:
    def test_a_trip_is_told_with_what_it_pulled(self) -> None:
        tripped("WHOLESALE")
        notice = only()
        assert (notice.kind, notice.engine) == ("tripwire.triggered", "WHOLESALE")
        assert notice.data["action"] == "THROTTLE"
        assert notice.data["baseline"] > notice.data["current"]
        assert notice.data["drop_fraction"] == pytest.approx(1 - notice.data["current"] / notice.data["baseline"])

    def test_a_trip_that_kills_tells_both(self) -> None:
        tripped("CAPITAL", action="KILL_SWITCH")
        assert told() == [("tripwire.triggered", "CAPITAL"), ("kill_switch.engaged", "")]

    def test_a_trip_in_shadow_is_told_as_one(self) -> None:
        tripped("WHOLESALE", mode="SHADOW")
        assert only().kind == "tripwire.triggered_in_shadow"

    def test_a_rearming_is_told(self) -> None:
        tripped("WHOLESALE")
        Notice.objects.all().delete()
        rearm(domain="WHOLESALE")
        notice = only()
        assert (notice.kind, notice.engine, notice.data["domain"]) == ("tripwire.rearmed", "WHOLESALE", "WHOLESALE")


class TestLossCaps:
    @pytest.fixture(autouse=True)
    def _caps(self) -> None:
        uncapped("WHOLESALE")
        policy("WHOLESALE", max_daily_loss=100)

    def test_a_loss_one_below_the_cap_is_not_told(self) -> None:
        settled("WHOLESALE", 500, 99)
        assert told() == []

    def test_the_loss_that_reaches_it_is_told_once_a_day(self) -> None:
        held = [reserve("WHOLESALE", 500) for _ in range(3)]
        for ruling in held:
            assert ruling.reservation is not None
            riskguard.settle(reservation_id=ruling.reservation.pk, realized_loss=100, actor="bot")
        notice = only()
        assert (notice.kind, notice.engine, notice.data["level"]) == ("risk.loss_cap_reached", "WHOLESALE", "WHOLESALE")
        assert (notice.data["realized_loss"], notice.data["max_daily_loss"]) == (100, 100)

    def test_no_refusal_is_told(self) -> None:
        settled("WHOLESALE", 500, 100)
        before = told()
        assert [reserve("WHOLESALE", 500).reason for _ in range(3)] == ["loss_cap_reached"] * 3
        assert told() == before

    def test_globals_cap_concerns_everything(self) -> None:
        policy("WHOLESALE", max_daily_loss=None)
        policy("GLOBAL", max_daily_loss=100)
        settled("WHOLESALE", 500, 100)
        notice = only()
        assert (notice.engine, notice.data["level"]) == ("", "GLOBAL")

    def test_a_cap_that_is_lowered_to_what_was_lost_is_told(self) -> None:
        settled("WHOLESALE", 500, 50)
        riskguard.set_policy(engine="WHOLESALE", patch={"max_daily_loss": 50}, actor="ops")
        assert only().data["max_daily_loss"] == 50

    def test_a_cap_of_nothing_before_any_loss_is_not_told(self) -> None:
        riskguard.set_policy(engine="WHOLESALE", patch={"max_daily_loss": 0}, actor="ops")
        settled("CAPITAL", 500, 0)
        assert told() == []


class TestReservations:
    def test_one_that_trips_nothing_tells_nothing_and_asks_nothing_of_the_outbox(self) -> None:
        with CaptureQueriesContext(connection) as seen:
            ruling = reserve("WHOLESALE", 500)
            assert ruling.reservation is not None
            riskguard.settle(reservation_id=ruling.reservation.pk, realized_loss=0, actor="bot")
            reserve("NOTIFY", 500)
        assert told() == []
        assert not any("notice" in query["sql"].lower().replace("'notify'", "") for query in seen)

    @pytest.mark.parametrize("how", ["by the job", "by a reservation that needs the room"])
    def test_expired_ones_are_told_once_an_engine(self, how: str) -> None:
        uncapped("WHOLESALE", "CAPITAL")
        policy("GLOBAL", max_open_risk=1_000)
        held = [reserve(engine, 100) for engine in ("WHOLESALE", "WHOLESALE", "CAPITAL")]
        Notice.objects.all().delete()
        created = RiskReservation.objects.latest("pk").created_at
        RiskReservation.objects.update(expires_at=created)
        if how == "by the job":
            while riskguard.expire_some():
                pass
        else:
            assert reserve("WHOLESALE", 900).ok
        capital, wholesale = Notice.objects.order_by("engine")
        ids = [ruling.reservation.pk for ruling in held if ruling.reservation]
        assert (capital.kind, capital.engine) == ("reservation.expired", "CAPITAL")
        assert capital.data == {"count": 1, "amount": 100, "reservations": ids[2:]}
        assert (wholesale.engine, wholesale.routed_at, wholesale.once) == ("WHOLESALE", None, "")
        assert wholesale.data == {"count": 2, "amount": 200, "reservations": ids[:2]}
        assert wholesale.uid != capital.uid
