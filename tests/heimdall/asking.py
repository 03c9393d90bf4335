"""Heimdall's services, as tests ask them."""

from __future__ import annotations

from typing import Any

from heimdall import services

DOMAIN = "PRICING"


def recommend(**given: Any) -> Any:
    asked = {"domain": DOMAIN, "confidence": 0.95, "recommendation": {}, "evidence": {}, "actor": "ai", **given}
    return services.recommend(**asked)


def change(**patch: Any) -> Any:
    return services.set_policy(domain=DOMAIN, patch=patch, actor="jo", reason="test")
