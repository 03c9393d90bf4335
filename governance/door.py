"""The door as the API answers it: 200 applied, 202 pending, 409 or 412 refused."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from governance import changes, problems
from governance.attribution import actor_of
from governance.serializers import ChangeRequestSerializer, WriteSerializer


def submit(
    request: Request,
    written: WriteSerializer,
    *,
    action: str,
    target: str = "",
    patch: Mapping[str, Any] | None = None,
    shown: Callable[[Any], Any],
) -> Response:
    """Submit a change that a request asks for, and answer with what happened; ``shown`` renders the result."""
    who = written.validated_data
    outcome = changes.submit(
        action=action,
        target=target,
        patch=written.patch() if patch is None else patch,
        actor=actor_of(request, who["actor"]),
        reason=who["reason"],
    )
    return answer(outcome, shown)


def answer(outcome: changes.Outcome, shown: Callable[[Any], Any]) -> Response:
    """Return the response that tells ``outcome``."""
    if isinstance(outcome, changes.Refused):
        return problems.refused(outcome)
    if isinstance(outcome, changes.Applied):
        return Response(shown(outcome.result))
    change = ChangeRequestSerializer(outcome.change).data
    message = f"Waits for a second person to approve change request {outcome.change.pk}."
    told: dict[str, Any] = {"pending": True, "message": message, "change": change}
    if outcome.result is not None:
        told["message"] += " What tightens was applied at once."
        told["applied"] = shown(outcome.result)
    return Response(told, status=status.HTTP_202_ACCEPTED)
