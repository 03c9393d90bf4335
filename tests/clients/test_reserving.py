"""Reserve, act, settle: against the real site, by the blocking and by the asynchronous client."""

from __future__ import annotations

import socket
from typing import Any

import pytest
from anyio.from_thread import BlockingPortal
from valhalla_governor import (
    AsyncGovernor,
    Busy,
    Conflict,
    GovernorError,
    Invalid,
    NotAllowed,
    NotFound,
    Patience,
    Refused,
    Unavailable,
    Unsettled,
    epoch_of,
)

from tests.acceptance.asking import GOVERNANCE, ask, turn
from tests.clients.conftest import QUICK, Open, reservations, set_policy
from tests.clients.relay import AFTER, BEFORE, Relay

# What the client makes of answers is the same on both; see test_restarts.
pytestmark = [pytest.mark.sqlite, pytest.mark.xdist_group("clients")]
BRIEF = Patience(attempt=2.0, total=0.3, first_pause=0.01, longest_pause=0.05)


class Broken(Exception):
    """What an engine's action raises."""


class TestABlock:
    def test_takes_room_and_settles_it(self, governor: Any, engine: str, address: str) -> None:
        with governor.reserve(engine, 50_000, correlation_id="order-1") as hold:
            assert (hold.reservation.engine, hold.reservation.amount) == (engine, 50_000)
            assert (hold.reservation.currency, hold.reservation.replayed) == ("USD", False)
            assert reservations(address, engine) == [("OPEN", 50_000, None)]
            settled = hold.settle(120)
        assert (settled.reservation_id, settled.status, settled.realized_loss) == (hold.id, "SETTLED", 120)
        assert (settled.loss_cap_reached, settled.reached_by) == (False, ())
        assert reservations(address, engine) == [("SETTLED", 50_000, 120)]

    def test_says_that_the_days_losses_have_reached_their_cap(self, governor: Any, engine: str, address: str) -> None:
        set_policy(address, engine, max_daily_loss=1)
        with governor.reserve(engine, 500) as hold:
            settled = hold.settle(100)
        assert (settled.loss_cap_reached, settled.reached_by) == (True, (engine,))

    def test_gives_back_what_was_not_done(self, governor: Any, engine: str, address: str) -> None:
        with governor.reserve(engine, 500) as hold:
            assert hold.release().status == "RELEASED"
        assert reservations(address, engine) == [("RELEASED", 500, None)]

    def test_that_raises_leaves_the_reservation_open_and_says_so(
        self, governor: Any, engine: str, address: str
    ) -> None:
        with pytest.raises(Broken) as raised, governor.reserve(engine, 500) as hold:
            raise Broken
        assert raised.value.__notes__ == [
            f"Reservation {hold.id} is still open: settle it, or release it if the action never happened."
        ]
        assert reservations(address, engine) == [("OPEN", 500, None)]

    def test_that_raises_after_the_settlement_has_nothing_to_add(self, governor: Any, engine: str) -> None:
        with pytest.raises(Broken) as raised, governor.reserve(engine, 500) as hold:  # noqa: PT012 -- in this order
            hold.settle(0)
            raise Broken
        assert not hasattr(raised.value, "__notes__")

    def test_that_forgets_to_settle_is_an_error_and_stays_open(self, governor: Any, engine: str, address: str) -> None:
        with pytest.raises(Unsettled, match="left without settle") as raised, governor.reserve(engine, 500) as hold:
            pass
        assert raised.value.reservation_id == hold.id
        assert reservations(address, engine) == [("OPEN", 500, None)]

    def test_may_leave_it_open_on_purpose_and_settle_it_by_its_id(
        self, governor: Any, engine: str, address: str
    ) -> None:
        with governor.reserve(engine, 500) as hold:
            hold.keep_open()
        assert reservations(address, engine) == [("OPEN", 500, None)]
        assert governor.settle(hold.id, 7).realized_loss == 7
        assert governor.settle(hold.id, 7).realized_loss == 7
        with pytest.raises(Conflict) as raised:
            governor.settle(hold.id, 8)
        assert raised.value.code == "already_settled"
        with pytest.raises(NotFound):
            governor.release(10**9)


class TestARefusal:
    """The block is not entered."""

    @staticmethod
    def refused(governor: Any, engine: str, amount: int = 500, **more: Any) -> Refused:
        with pytest.raises(Refused) as raised, governor.reserve(engine, amount, **more):
            pytest.fail("the block was entered")
        return raised.value

    def test_names_its_reason(self, governor: Any, engine: str, address: str) -> None:
        set_policy(address, engine, max_amount_per_action=4.99)
        refusal = self.refused(governor, engine)
        assert refusal.reason == "would_exceed_policy"
        assert "4.99" in refusal.message
        assert self.refused(governor, "NOBODY").reason == "policy_missing"
        assert reservations(address, engine) == []

    def test_comes_of_an_admission_from_before_the_switches_were_turned(
        self, governor: Any, engine: str, address: str
    ) -> None:
        admitted = epoch_of({"x-governance-epoch": str(turn(address, "kill-switch/engage")["epoch"])})
        assert self.refused(governor, engine, epoch=admitted).reason == "kill_switch_engaged"
        now = turn(address, "kill-switch/release")["epoch"]
        assert self.refused(governor, engine, epoch=admitted).reason == "stale_epoch"
        with governor.reserve(engine, 500, epoch=now) as hold:
            assert hold.reservation.epoch == now
            hold.release()

    def test_comes_of_a_governor_that_is_not_there(self, opened: Open, engine: str) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            nobody = f"http://127.0.0.1:{listener.getsockname()[1]}"
        refusal = self.refused(opened(nobody, patience=BRIEF), engine)
        assert isinstance(refusal, Unavailable)
        assert refusal.reason == "unavailable"

    @pytest.mark.parametrize(
        "answer",
        [
            (200, b"<html>Welcome</html>"),
            (200, b"[]"),
            (200, {}),
            (200, {"ok": "true", "reason": "reserved", "reservation_id": 1}),
            (302, {}),
            (500, b""),
        ],
        ids=repr,
    )
    def test_comes_of_an_answer_that_is_no_clear_go(
        self, opened: Open, engine: str, relay: Relay, answer: tuple[int, Any]
    ) -> None:
        relay.next = [answer] * 100
        self.refused(opened(relay.address, patience=BRIEF), engine)

    @pytest.mark.parametrize(
        "other",
        [{"amount": 501}, {"engine": "OTHER"}, {"status": "SETTLED"}, {"reservation_id": "1"}, {"expires_at": None}],
        ids=repr,
    )
    def test_comes_of_a_go_for_something_else(
        self, opened: Open, engine: str, address: str, relay: Relay, other: dict[str, Any]
    ) -> None:
        asked = {"engine": engine, "amount": 500, "actor": "x"}
        _status, granted = ask(address, f"{GOVERNANCE}/risk/check-and-reserve", asked)
        relay.next = [(200, {**granted, **other})]
        assert isinstance(self.refused(opened(relay.address), engine), Unavailable)

    def test_comes_of_a_governor_that_stays_busy(self, opened: Open, engine: str, relay: Relay) -> None:
        busy = {"ok": False, "reason": "busy", "message": "Try again."}
        relay.next = [(200, busy)] * 100
        assert isinstance(self.refused(opened(relay.address, patience=BRIEF), engine), Busy)
        assert 1 < 100 - len(relay.next) < 100
        relay.next = [(429, {"detail": "Enough."}), (503, {"code": "busy"}), (200, busy)]
        with opened(relay.address).reserve(engine, 500) as hold:
            hold.release()
        assert not relay.next


class TestWhatIsSentAgain:
    def test_a_reservation_whose_answer_was_lost_is_one(
        self, opened: Open, engine: str, address: str, relay: Relay
    ) -> None:
        relay.next = [AFTER, BEFORE, AFTER]
        with opened(relay.address).reserve(engine, 500) as hold:
            assert hold.reservation.replayed
            relay.next = [AFTER, BEFORE]
            hold.settle(3)
        assert reservations(address, engine) == [("SETTLED", 500, 3)]
        (key,) = {key for path, _body, key in relay.passed if path.endswith("check-and-reserve")}
        assert len(key) == 32

    def test_keys_of_two_calls_differ(self, governor: Any, engine: str, address: str) -> None:
        for _ in range(2):
            with governor.reserve(engine, 500) as hold:
                hold.settle(0)
        assert len(reservations(address, engine)) == 2

    def test_a_key_of_the_callers_is_not_taken_up_by_another_call_unawares(
        self, governor: Any, engine: str, address: str
    ) -> None:
        with governor.reserve(engine, 500, key=f"order of {engine}") as hold:
            hold.keep_open()
        again = TestARefusal.refused(governor, engine, key=f"order of {engine}")
        assert (again.reason, again.reservation_id) == ("already_reserved", hold.id)
        with governor.reserve(engine, 500, key=f"order of {engine}", resume=True) as resumed:
            assert (resumed.id, resumed.reservation.replayed) == (hold.id, True)
            resumed.settle(0)
        ended = TestARefusal.refused(governor, engine, key=f"order of {engine}", resume=True)
        assert (ended.reason, ended.reservation_id) == ("reservation_settled", hold.id)
        with pytest.raises(Conflict) as raised, governor.reserve(engine, 501, key=f"order of {engine}"):
            pytest.fail("the block was entered")
        assert raised.value.code == "idempotency_key_reused"
        assert len(reservations(address, engine)) == 1

    def test_a_settlement_that_could_not_be_told_says_so_and_can_be_told_again(
        self, opened: Open, engine: str, address: str, relay: Relay
    ) -> None:
        governor = opened(relay.address, patience=BRIEF)
        with pytest.raises(Unsettled) as raised, governor.reserve(engine, 500) as hold:  # noqa: PT012 -- in this order
            relay.down = True
            hold.settle(9)
        assert raised.value.reservation_id == hold.id
        assert not isinstance(raised.value, Refused)
        assert isinstance(raised.value.__cause__, Unavailable)
        relay.down = False
        governor.settle(hold.id, 9)
        assert reservations(address, engine) == [("SETTLED", 500, 9)]


class TestWhatIsMalformed:
    @pytest.mark.parametrize("amount", [0, -1, 1.0, True, "500", None])
    def test_an_amount_is_refused_before_it_is_sent(self, opened: Open, relay: Relay, amount: Any) -> None:
        with pytest.raises(Invalid) as raised, opened(relay.address).reserve("ENGINE", amount):
            pytest.fail("the block was entered")
        assert list(raised.value.errors) == ["amount"]
        assert not relay.passed

    @pytest.mark.parametrize("loss", [-1, 0.5, False])
    def test_a_loss_too(self, governor: Any, loss: Any) -> None:
        with pytest.raises(Invalid) as raised:
            governor.settle(1, loss)
        assert list(raised.value.errors) == ["realized_loss"]

    @pytest.mark.parametrize("key", ["", " ", "a\r\nX: y", "€", "x" * 256])
    def test_a_key_that_no_header_can_carry(self, governor: Any, key: str) -> None:
        with pytest.raises(Invalid) as raised, governor.reserve("ENGINE", 500, key=key):
            pytest.fail("the block was entered")
        assert list(raised.value.errors) == ["key"]

    def test_what_the_site_finds_is_told_by_field(self, governor: Any) -> None:
        with pytest.raises(Invalid) as raised, governor.reserve("GLOBAL", 500):
            pytest.fail("the block was entered")
        assert list(raised.value.errors) == ["engine"]

    def test_a_token_that_is_not_known(self, opened: Open, address: str, engine: str) -> None:
        with pytest.raises(NotAllowed), opened(address, token="unknown").reserve(engine, 500):
            pytest.fail("the block was entered")

    @pytest.mark.parametrize(
        ("base_url", "actor", "field"), [("localhost:8000", "bot", "base_url"), ("http://x", " ", "actor")]
    )
    def test_an_address_or_an_actor_that_is_none(self, opened: Open, base_url: str, actor: str, field: str) -> None:
        with pytest.raises(Invalid) as raised:
            opened(base_url, actor=actor)
        assert list(raised.value.errors) == [field]

    @pytest.mark.parametrize("headers", [{}, {"X-Governance-Epoch": ""}, {"X-Governance-Epoch": "-1"}, {"Epoch": "1"}])
    def test_a_request_without_an_epoch_has_not_passed_the_gate(self, headers: dict[str, str]) -> None:
        with pytest.raises(Refused) as raised:
            epoch_of(headers)
        assert raised.value.reason == "epoch_missing"


def test_a_reservation_can_be_awaited_alone_and_once(engine: str, address: str, portal: BlockingPortal) -> None:
    async def act() -> None:
        async with AsyncGovernor(address, actor="bot", patience=QUICK) as governor:
            under_way = governor.reserve(engine, 500)
            await (await under_way).settle(1)
            with pytest.raises(GovernorError, match="call reserve"):
                await under_way

    portal.call(act)
    assert reservations(address, engine) == [("SETTLED", 500, 1)]
