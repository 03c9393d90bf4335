"""The steps of engines in a walk: they reserve, ask, settle, release, and let run out; on the product and its model."""

from __future__ import annotations

from collections import Counter
from typing import Any, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import Bundle, multiple, precondition, rule

from governance import clock
from governance.errors import Conflict
from riskguard import services
from tests.simulation.checked import Checked, written
from tests.simulation.model import GLOBAL

PATIENCE = 8
ENGINES = ("WHOLESALE", "CAPITAL", "BUYER_MATCH")

an_engine = st.sampled_from(ENGINES)
an_owner = st.tuples(st.sampled_from(["bot", "amy"]), st.sampled_from([None, None, None, "k", "l"]))


class Engines(Checked):
    """What engines do, and time to what they left open; ``taken`` counts the steps of every walk."""

    taken: ClassVar[Counter[str]] = Counter()
    made = Bundle("made")

    @rule(target=made, engine=an_engine, amount=st.integers(1, 90))
    def reserve(self, engine: str, amount: int) -> Any:
        self._step("reserve")
        return self._reserve(engine, amount, ("bot", None))

    @rule(target=made, engine=an_engine, amount=st.sampled_from([100, 250, 400]), owner=an_owner)
    def reserve_with_a_key(self, engine: str, amount: int, owner: tuple[str, str | None]) -> Any:
        self._step("reserve with a key")
        return self._reserve(engine, amount, owner)

    @rule(target=made, engine=an_engine, over=st.integers(0, 1))
    def reserve_at_the_edge(self, engine: str, over: int) -> Any:
        self._step("reserve at the edge")
        return self._reserve(engine, self.model.left(engine, self.now) + over or 1, ("bot", None))

    def _reserve(self, engine: str, amount: int, owner: tuple[str, str | None]) -> Any:
        earlier = self.model.earlier(owner)
        if earlier is not None:
            return self._again(earlier, engine, amount, owner)
        verdict, overdue = self.model.judge(engine, amount, self.now)
        before = 0 if verdict is None else written()
        with clock.at(self.now):
            ruling = services.reserve(engine=engine, amount=amount, actor=owner[0], idempotency_key=owner[1])
        self.model.expire(overdue, self.now)
        expired = ["EXPIRE"] * len(overdue)
        if verdict is not None:
            self._was_refused(ruling, verdict)
            self._events(*expired, "DENY")
            assert overdue or written() == before + 1
            return multiple()
        assert ruling.ok, ruling.message
        assert ruling.reservation is not None
        self.since_grant = 0
        self.model.grant(ruling.reservation.pk, engine, amount, owner, self.now)
        (event,) = self._events(*expired, "RESERVE")[-1:]
        for level in (GLOBAL, engine):
            self._within_every_cap(level, amount, event.figures[level])
        return ruling.reservation.pk

    def _again(self, earlier: int, engine: str, amount: int, owner: tuple[str, str | None]) -> Any:
        held, before = self.model.reservations[earlier], written()
        stop = self.model.stopped(engine)
        with clock.at(self.now):
            try:
                ruling = services.reserve(engine=engine, amount=amount, actor=owner[0], idempotency_key=owner[1])
            except Conflict:
                assert (held.engine, held.amount) != (engine, amount)
            else:
                assert (held.engine, held.amount) == (engine, amount)
                assert ruling.reservation is not None
                assert ruling.reservation.pk == earlier
                assert ruling.ok is (stop is None and held.status == "OPEN")
        assert written() == before
        return multiple()

    @rule(engine=an_engine, amount=st.sampled_from([50, 400]))
    def only_ask(self, engine: str, amount: int) -> None:
        self._step("dry run")
        verdict, _overdue = self.model.judge(engine, amount, self.now)
        before = written()
        with clock.at(self.now):
            ruling = services.reserve(engine=engine, amount=amount, actor="bot", dry_run=True)
        assert written() == before
        if verdict is None:
            assert ruling.ok, ruling.message
        else:
            self._was_refused(ruling, verdict)

    @rule(pk=made, loss=st.integers(0, 150))
    def settle(self, pk: int, loss: int) -> None:
        self._step("settle")
        held = self.model.reservations[pk]
        same = held.status == "SETTLED" and held.loss == loss
        with clock.at(self.now):
            try:
                resolution = services.settle(reservation_id=pk, realized_loss=loss, actor="bot")
            except Conflict:
                assert held.status == "RELEASED" or (held.status == "SETTLED" and not same)
                self._events()
                return
        assert resolution.reservation.status == "SETTLED"
        if same:
            self._events()
            return
        assert held.status in {"OPEN", "EXPIRED"}
        self.model.close(pk, "SETTLED", self.now, loss)
        self._events("SETTLE")
        caps = [self.model.policies[level].caps["max_daily_loss"] for level in (GLOBAL, held.engine)]
        day = self.model.today(self.now)
        reached = [
            level
            for level, cap in zip((GLOBAL, held.engine), caps, strict=True)
            if cap is not None and self.model.lost(level, day) >= cap
        ]
        assert resolution.flags == {"loss_cap_reached": bool(reached), "reached_by": reached}

    @rule(pk=made)
    def release(self, pk: int) -> None:
        self._step("release")
        held = self.model.reservations[pk]
        with clock.at(self.now):
            try:
                services.release(reservation_id=pk, actor="bot")
            except Conflict:
                assert held.status in {"SETTLED", "EXPIRED"}
                self._events()
                return
        if held.status == "RELEASED":
            self._events()
            return
        self.model.close(pk, "RELEASED", self.now)
        self._events("RELEASE")

    @precondition(lambda self: self.model.overdue(self.now))
    @rule()
    def expire(self) -> None:
        self._step("expire")
        overdue = self.model.overdue(self.now)
        with clock.at(self.now):
            while services.expire_some():
                pass
        self.model.expire(overdue, self.now)
        self._events(*["EXPIRE"] * len(overdue))

    def _step(self, what: str) -> None:
        Engines.taken[what] += 1
        self.since_grant += 1
        if self.since_grant > PATIENCE:
            self._put_right()

    def _put_right(self) -> None:
        """Let everything run again: of engines alone, nothing stops any for good."""
