"""What an engine asks and tells, as steps that a client drives: the calls, their keys, what their answers mean."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from valhalla_governor import answers
from valhalla_governor.answers import Recommendation, Reservation, Settlement
from valhalla_governor.calls import Call, Steps
from valhalla_governor.errors import Busy, Invalid, NotAllowed, Refused, Unavailable, Unsettled
from valhalla_governor.events import Event
from valhalla_governor.retrying import Patience, insist

KEY, MOST_KEY = "Idempotency-Key", 255


class Operations:
    """The operations of one engine's ``actor``, each with the same patience."""

    def __init__(self, actor: str, patience: Patience) -> None:
        """Keep who asks and how patiently."""
        if not actor.strip():
            raise Invalid("", {"actor": ["Name the engine that asks: it stands in the trail."]})
        self._actor, self._patience = actor, patience

    def reserve(
        self,
        engine: str,
        amount: int,
        *,
        key: str | None = None,
        resume: bool = False,
        epoch: int | None = None,
        correlation_id: str = "",
    ) -> Steps[Reservation]:
        """Reserve, once however often it is sent. A key of the caller's that has a reservation already is refused,
        unless ``resume``: whoever sent it before may have acted."""
        _whole("amount", amount, least=1)
        if key is not None and not (key.isascii() and key.isprintable() and 1 <= len(key.strip()) <= MOST_KEY):
            raise Invalid("", {"key": [f"Must be 1 to {MOST_KEY} printable ASCII characters."]})
        body: dict[str, Any] = {"engine": engine, "amount": amount, "actor": self._actor}
        body |= {"epoch": epoch} if epoch is not None else {}
        body |= {"correlation_id": correlation_id} if correlation_id else {}
        call = Call("risk/check-and-reserve", body, repeatable=True, headers={KEY: key or uuid.uuid4().hex})
        granted = answers.reservation((yield from insist(call, self._patience)), engine, amount)
        if granted.replayed and key is not None and not resume:
            raise Refused(
                "already_reserved",
                f"The key {key!r} has reservation {granted.id} already, and whoever took it may have acted: find out, "
                "and settle or release it; or resume it if the action never happened.",
                reservation_id=granted.id,
            )
        return granted

    def settle(self, reservation_id: int, realized_loss: int) -> Steps[Settlement]:
        """Say how the action ended; the same figure again is the same settlement."""
        _whole("realized_loss", realized_loss, least=0)
        body = {"reservation_id": reservation_id, "realized_loss": realized_loss, "actor": self._actor}
        return (yield from self._end("risk/settle", body))

    def release(self, reservation_id: int) -> Steps[Settlement]:
        """Give back what was reserved for an action that never happened."""
        return (yield from self._end("risk/release", {"reservation_id": reservation_id, "actor": self._actor}))

    def _end(self, path: str, body: Mapping[str, Any]) -> Steps[Settlement]:
        try:
            return answers.settlement((yield from insist(Call(path, body, repeatable=True), self._patience)))
        except (Unavailable, Busy, NotAllowed) as why:
            raise Unsettled(body["reservation_id"], f"The governor could not be told: {why}") from why

    def recommend(
        self, domain: str, confidence: float, recommendation: Mapping[str, Any], evidence: Mapping[str, Any]
    ) -> Steps[Recommendation]:
        """Store a recommendation. Never sent twice: each that is stored could be acted on."""
        body = {
            "domain": domain,
            "confidence": confidence,
            "recommendation": dict(recommendation),
            "evidence": dict(evidence),
            "actor": self._actor,
        }
        call = Call("heimdall/recommend", body, repeatable=False)
        return answers.recommendation((yield from insist(call, self._patience)))

    def require_eligible(self, recommendation_id: int) -> Steps[None]:
        """Have a recommendation authorized, which works once: not sent twice, and Refused for any answer but a go."""
        _whole("recommendation_id", recommendation_id, least=1)
        path = f"heimdall/recommendations/{recommendation_id}/authorize"
        answers.go((yield from insist(Call(path, {"actor": self._actor}, repeatable=False), self._patience)))

    def report(self, events: Sequence[Event], key: str, patience: Patience) -> Steps[None]:
        """Record events under ``key``: once, however often they are sent."""
        body = {"items": [event.body() for event in events], "actor": self._actor}
        yield from insist(Call("regression/kpi/batch", body, repeatable=True, headers={KEY: key}), patience)


def _whole(field: str, number: object, *, least: int) -> None:
    if type(number) is not int or number < least:
        raise Invalid("", {field: [f"Must be a whole number of at least {least}; money is in minor units."]})
