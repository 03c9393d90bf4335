"""Bodies that the documentation shows."""

from __future__ import annotations

from drf_spectacular.utils import OpenApiExample

_PAIR = {"domain": "WHOLESALE", "metric": "contract_rate"}
RECORD = [
    OpenApiExample("An outcome", {**_PAIR, "success": True, "actor": "bot"}, request_only=True),
    OpenApiExample("A value", {"domain": "LENDING", "metric": "margin", "value": 0.12}, request_only=True),
]  # fmt: skip
RECORD_MANY = [
    OpenApiExample(
        "Two outcomes", {"items": [{**_PAIR, "success": True}, {**_PAIR, "success": False}], "actor": "bot"},
        request_only=True,
    ),
]  # fmt: skip
EVALUATE = [OpenApiExample("Now", {**_PAIR, "actor": "jo"}, request_only=True)]
REARM = [OpenApiExample("Mended", {**_PAIR, "actor": "jo", "reason": "The model is rolled back."}, request_only=True)]
UPSERT = [OpenApiExample("Arm it", {**_PAIR, "enabled": True, "actor": "jo", "reason": "In use."}, request_only=True)]
