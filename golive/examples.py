"""Bodies that the documentation shows."""

from __future__ import annotations

from drf_spectacular.utils import OpenApiExample

ENABLE = [
    OpenApiExample("As the checklist passes", {"actor": "jo"}, request_only=True),
    OpenApiExample(
        "Although it fails", {"actor": "jo", "override": True, "reason": "The drill needs it."}, request_only=True
    ),
]
TURN = [OpenApiExample("With a reason", {"actor": "jo", "reason": "A drill."}, request_only=True)]
