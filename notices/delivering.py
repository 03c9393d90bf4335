"""One run of the deliverer: several receivers at once, one delivery at a time to each, and none waits for another.

Threads send and ask nothing of the database; what they are given is claimed here, and what comes of it is noted here.
At whatever moment this is killed, a delivery was noted as made or is made again: at least once, never lost.
"""

from __future__ import annotations

import dataclasses
import logging
import time
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

from notices import mail, rules, services, webhooks
from notices.models import NoticeDelivery
from notices.parcels import Undelivered, pack

_log = logging.getLogger(__name__)
RECEIVERS_AT_ONCE = 8
Sent = Future[Undelivered | None]


@dataclasses.dataclass(slots=True)
class Tally:
    """What a run did."""

    delivered: int = 0
    failed: int = 0

    def __str__(self) -> str:
        """Return it in a sentence."""
        return f"{self.delivered} delivered, {self.failed} failed."


def deliver(*, seconds: float) -> Tally:
    """Make what is due, and claim nothing more once ``seconds`` are over.

    A receiver that fails is left alone until the next run: the rest that it is to be told would fail as well.
    """
    while services.route_some():
        pass
    end, tally = time.monotonic() + seconds, Tally()
    resting: set[int] = set()
    under_way: dict[Sent, NoticeDelivery] = {}
    with ThreadPoolExecutor(RECEIVERS_AT_ONCE) as threads:
        while True:
            while len(under_way) < RECEIVERS_AT_ONCE and time.monotonic() < end:
                busy = {delivery.rule_id for delivery in under_way.values()}
                delivery = services.claim(without=busy | resting)
                if delivery is None:
                    break
                under_way[threads.submit(_sent, delivery)] = delivery
            if not under_way:
                return tally
            ended, _rest = wait(under_way, return_when=FIRST_COMPLETED)
            for sent in ended:
                delivery = under_way.pop(sent)
                _note(delivery, sent.result(), tally, resting)


def _sent(delivery: NoticeDelivery) -> Undelivered | None:
    """Send ``delivery`` and return what went wrong; whatever it is, it must stop no other one."""
    try:
        parcel = pack(delivery)
        (mail.send if parcel.channel == rules.MAIL else webhooks.post)(parcel)
    except Undelivered as failure:
        return failure
    except Exception as failure:  # noqa: BLE001 -- see above
        _log.exception("A notice could not be sent")
        return Undelivered(f"{type(failure).__name__}: see the log.")
    return None


def _note(delivery: NoticeDelivery, failure: Undelivered | None, tally: Tally, resting: set[int]) -> None:
    if failure is None:
        services.delivered(delivery)
        tally.delivered += 1
        return
    services.failed(delivery, failure)
    tally.failed += 1
    resting.add(delivery.rule_id)
    told = (delivery.notice.kind, delivery.rule.name, delivery.tries, failure)
    _log.warning("The notice %s did not reach %s (try %s): %s", *told)
