"""When a call is sent again: while patience lasts, and only where that cannot do twice what it asks for."""

from __future__ import annotations

import dataclasses
import random
import time
from collections.abc import Mapping
from typing import Any

from valhalla_governor.calls import Call, Pause, Steps
from valhalla_governor.problems import Trouble, read


@dataclasses.dataclass(frozen=True, slots=True)
class Patience:
    """How long a call may take, in seconds.

    ``attempt``: each wait of one try (for the connection, for the answer). ``total``: all tries and their pauses.
    ``first_pause``, ``longest_pause``: between two tries, up to.
    """

    attempt: float = 10.0
    total: float = 30.0
    first_pause: float = 0.1
    longest_pause: float = 2.0

    def pause(self, number: int, asked: float = 0.0) -> float:
        """Return how long to wait after try ``number`` (from 0): as asked, and at random up to a bound that doubles.

        At random over the whole span ("full jitter"), so that engines that failed together do not come back together.
        """
        bound = min(self.longest_pause, self.first_pause * 2.0 ** min(number, 30))
        return asked + random.uniform(0.0, bound)  # noqa: S311 -- no secret

    def once(self) -> Patience:
        """Return the patience of one try: for whoever tries again by other rules."""
        return dataclasses.replace(self, total=0.0)


def insist(call: Call, patience: Patience) -> Steps[Mapping[str, Any]]:
    """Send ``call``, again where that is safe and may help, and return the body of its answer."""
    ends, number = time.monotonic() + patience.total, 0
    while True:
        timeout = min(patience.attempt, max(0.1, ends - time.monotonic())) if number else patience.attempt
        told = read((yield dataclasses.replace(call, timeout=timeout)))
        if not isinstance(told, Trouble):
            return told
        pause = patience.pause(number, told.wait)
        again = told.passing and (call.repeatable or told.undone)
        if not again or time.monotonic() + pause >= ends:
            raise told.error
        yield Pause(pause)
        number += 1
