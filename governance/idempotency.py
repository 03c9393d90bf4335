"""The key that makes a retry the same action: a header, or a field of the body."""

from __future__ import annotations

from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request

from governance.errors import Invalid

MAX_KEY = 255
HEADER = OpenApiParameter("Idempotency-Key", str, OpenApiParameter.HEADER, description="One key an action.")


def key_of(request: Request, named: str | None = None) -> str | None:
    """Return the key of the header and of the body; Invalid where they differ or the header cannot be one."""
    header = request.headers.get("Idempotency-Key", "").strip()
    if len(header) > MAX_KEY or not header.isprintable():
        raise Invalid({"Idempotency-Key": [f"Must be 1 to {MAX_KEY} printable characters."]})
    if header and named and header != named:
        raise Invalid({"idempotency_key": ["Differs from the Idempotency-Key header: send one of the two."]})
    return header or named or None
