"""The kernel's app."""

from __future__ import annotations

from django.apps import AppConfig


class GovernanceConfig(AppConfig):
    """What every lever shares."""

    name = "governance"
    verbose_name = "Governance"

    def ready(self) -> None:
        """Register the system checks; no query runs."""
        from governance import system_checks  # noqa: F401, PLC0415 -- registers by being imported
