"""Sign-ins in the trail, and the answer to who is locked out. axes counts the failures, over all processes."""

from __future__ import annotations

import math
from typing import Any

from axes.signals import user_locked_out
from django.conf import settings
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from governance import addresses, audit
from governance.models import AuditEvent

SIGN_IN, SIGN_OUT, LOCKED_OUT = "access.sign_in", "access.sign_out", "access.locked_out"
MAX_NAME = 150


def client_address(request: HttpRequest) -> str | None:
    """Return the address that failures are counted by, beside the name."""
    return addresses.client(request) or None


def locked_out(request: HttpRequest, _response: HttpResponse, _credentials: Any) -> HttpResponse:
    """Return the page of who is locked out."""
    wait = settings.AXES_COOLOFF_TIME
    minutes = math.ceil(wait.total_seconds() / 60)
    detail = f"Too many failed sign-ins: this name is locked out from your address for {minutes} minutes."
    answer = render(request, "problem.html", {"status": 429, "detail": detail}, status=429)
    answer["Retry-After"] = str(int(wait.total_seconds()))
    return answer


@receiver(user_logged_in)
def _signed_in(user: Any, **_kwargs: Any) -> None:
    name = user.get_username()
    audit.record(action=SIGN_IN, target=name, actor=name)


@receiver(user_logged_out)
def _signed_out(user: Any, **_kwargs: Any) -> None:
    if user is not None:
        name = user.get_username()
        audit.record(action=SIGN_OUT, target=name, actor=name)


@receiver(user_login_failed)
def _failed(credentials: dict[str, Any], request: HttpRequest | None = None, **_kwargs: Any) -> None:
    # What is tried during a lockout says nothing more, and must not fill the trail.
    if _counted(request):
        _refused(SIGN_IN, credentials.get("username"), "The name and the password do not match an active account.")


@receiver(user_locked_out)
def _was_locked_out(request: HttpRequest, username: str | None, **_kwargs: Any) -> None:
    if _counted(request):
        _refused(LOCKED_OUT, username, f"{settings.AXES_FAILURE_LIMIT} failed sign-ins.")


def _counted(request: HttpRequest | None) -> bool:
    """Say whether axes has counted the failure, which it does until the lockout."""
    return request is None or getattr(request, "axes_failures_since_start", None) is not None


def _refused(action: str, username: str | None, reason: str) -> None:
    """Record who was claimed to be there; nobody has proved it."""
    name = (username or "")[:MAX_NAME]
    audit.record(action=action, target=name, actor=name, outcome=AuditEvent.Outcome.REFUSED, reason=reason)
