"""Bodies that the documentation shows."""

from __future__ import annotations

from drf_spectacular.utils import OpenApiExample

RECOMMEND = [
    OpenApiExample(
        "An offer",
        {
            "domain": "WHOLESALE_OFFER",
            "confidence": 0.95,
            "recommendation": {"offer_id": 123, "price": 1500},
            "evidence": {"model": "v2.1"},
            "actor": "ai",
        },
        request_only=True,
    )
]
TRIAL = [
    OpenApiExample(
        "A success",
        {"domain": "WHOLESALE_OFFER", "confidence": 0.95, "success": True, "actor": "ai"},
        request_only=True,
    )
]
OUTCOME = [OpenApiExample("It went well", {"success": True, "actor": "engine"}, request_only=True)]
UPSERT = [
    OpenApiExample(
        "Let it act",
        {"domain": "WHOLESALE_OFFER", "prod_use_enabled": True, "actor": "jo", "reason": "It has earned it."},
        request_only=True,
    )
]
