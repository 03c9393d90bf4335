"""How large a request may be: told by its header, before anything of it is read."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase

from governance import problems


class BodyLimitMiddleware:
    """Refuse with 413 a body above DATA_UPLOAD_MAX_MEMORY_SIZE, which Django asks only where it buffers the body."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        """Keep what comes next."""
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Handle one request; without a length there is no body, since Django reads none."""
        most = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        length = request.META.get("CONTENT_LENGTH") or "0"
        if length.isdecimal() and int(length[:20]) > most:
            detail = f"The body has {length[:20]} bytes, and at most {most} are read: send less at a time."
            answer = problems.response(413, detail, "body_too_large")
            answer["Connection"] = "close"
            return answer
        return self.get_response(request)
