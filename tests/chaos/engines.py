"""Engines that never give up: each call is sent again, with its idempotency key, until it is answered."""

from __future__ import annotations

import http.client
import json
import random
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any, NamedTuple
from urllib.parse import urlsplit

ANSWER_SECONDS, PATIENCE_SECONDS, PAUSE_SECONDS = 30, 90, 0.1
UNANSWERED = 0
# Minor units: six engines with one or two of these each meet caps of 1000.00 and 600.00 now and then.
MOST = 20_000


class Failure(NamedTuple):
    """A try without a 200: when it began and ended, and the status, or UNANSWERED where the line went dead."""

    began: float
    ended: float
    status: int
    body: str


class Held(NamedTuple):
    """A reservation as its engine was told of it; ``loss`` is None while it is open."""

    id: int
    amount: int
    status: str = "OPEN"
    loss: int | None = None


class Line:
    """One caller's connection to the site, opened again whenever it is lost."""

    def __init__(self, address: str) -> None:
        self._line = http.client.HTTPConnection(urlsplit(address).netloc, timeout=ANSWER_SECONDS)

    def post(self, path: str, body: dict[str, Any], **headers: str) -> tuple[int, dict[str, Any]]:
        """Return the status and the body of the answer; UNANSWERED where there was none."""
        sent = {"Content-Type": "application/json", **headers}
        try:
            self._line.request("POST", f"/api/governance/{path}", json.dumps(body), sent)
            answer = self._line.getresponse()
            return answer.status, json.loads(answer.read())
        except (OSError, http.client.HTTPException) as lost:
            self.close()
            return UNANSWERED, {"lost": repr(lost)}

    def close(self) -> None:
        """Hang up; the next call opens the line again."""
        self._line.close()


class Engine(threading.Thread):
    """One engine: it reserves, and settles or releases what it was granted before."""

    def __init__(self, address: str, number: int, crowd: Crowd) -> None:
        super().__init__(name=f"engine-{number}", daemon=True)
        self._line, self._dice, self._crowd = Line(address), random.Random(number), crowd
        self.held: dict[str, Held] = {}
        self.failures: list[Failure] = []
        self.refused: list[str] = []
        self.newest_grant = self._began = 0.0
        self._open: str | None = None

    def run(self) -> None:
        with closing(self._line):
            while self._crowd.goes_on():
                self._act()
            if self._open is not None:
                self._end(self._open)

    def _act(self) -> None:
        """Reserve, and then end what was reserved before: something is open at every moment."""
        key, amount = uuid.uuid4().hex, self._dice.randint(1, MOST)
        wanted = {"engine": self._dice.choice(["WHOLESALE", "CAPITAL"]), "amount": amount, "actor": self.name}
        ruling = self._insist("risk/check-and-reserve", wanted, **{"Idempotency-Key": key})
        before, self._open = self._open, None
        if ruling["ok"]:
            self.held[key] = Held(ruling["reservation_id"], amount)
            self._open, self.newest_grant = key, self._began
            self._crowd.acknowledged()
        else:
            self.refused.append(ruling["reason"])
        if before is not None:
            self._end(before)

    def _end(self, key: str) -> None:
        held, loss = self.held[key], self._dice.randint(0, 20)
        what = {"reservation_id": held.id, "actor": self.name}
        if self._dice.random() < 0.7:
            self._insist("risk/settle", {**what, "realized_loss": loss})
            self.held[key] = held._replace(status="SETTLED", loss=loss)
        else:
            self._insist("risk/release", what)
            self.held[key] = held._replace(status="RELEASED")

    def _insist(self, path: str, body: dict[str, Any], **headers: str) -> dict[str, Any]:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            self._began = time.monotonic()
            status, answer = self._line.post(path, body, **headers)
            if status == http.HTTPStatus.OK:
                return answer
            self.failures.append(Failure(self._began, time.monotonic(), status, json.dumps(answer)))
            time.sleep(PAUSE_SECONDS)
        raise AssertionError(f"{path} was never answered: {self.failures[-1]}")


class Crowd:
    """Several engines at once, which can be made to stand still so that their books can be read."""

    def __init__(self, address: str, size: int) -> None:
        self._state = threading.Condition()
        self._may_act, self._over, self._resting, self._acknowledgements = True, False, 0, 0
        self.engines = [Engine(address, number, self) for number in range(size)]

    def goes_on(self) -> bool:
        """Wait while the crowd stands still; say whether there is more to do."""
        with self._state:
            self._resting += 1
            self._state.notify_all()
            self._state.wait_for(lambda: self._may_act or self._over)
            self._resting -= 1
            return not self._over

    def acknowledged(self) -> None:
        """Count a reservation of which its engine has been told."""
        with self._state:
            self._acknowledgements += 1
            self._state.notify_all()

    def work(self, more: int) -> None:
        """Return once ``more`` reservations have been acknowledged from now on."""
        with self._state:
            goal = self._acknowledgements + more
            assert self._state.wait_for(
                lambda: self._acknowledgements >= goal or not self._alive(), timeout=PATIENCE_SECONDS
            ), "the site grants nothing any more"
        assert self._alive(), "an engine has given up"

    def _alive(self) -> bool:
        return all(engine.is_alive() for engine in self.engines)

    @contextmanager
    def standing_still(self) -> Iterator[None]:
        """Let every engine finish what it is at, and nobody begin anything, inside the block."""
        with self._state:
            self._may_act = False
            assert self._state.wait_for(
                lambda: self._resting == len(self.engines) or not self._alive(), timeout=PATIENCE_SECONDS
            ), "an engine is stuck"
        assert self._alive(), "an engine has given up"
        yield
        with self._state:
            self._may_act = True
            self._state.notify_all()

    @contextmanager
    def at_work(self) -> Iterator[Crowd]:
        """Keep the engines at work inside the block."""
        for engine in self.engines:
            engine.start()
        try:
            yield self
        finally:
            with self._state:
                self._over = True
                self._state.notify_all()
            for engine in self.engines:
                engine.join(timeout=PATIENCE_SECONDS)

    def held(self) -> dict[str, Held]:
        """Return every acknowledged reservation by its key."""
        return {key: held for engine in self.engines for key, held in engine.held.items()}

    def failures(self) -> list[Failure]:
        """Return every try that was not answered by 200, in the order in which they began."""
        return sorted(failure for engine in self.engines for failure in engine.failures)
