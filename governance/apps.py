"""The kernel's app."""

from __future__ import annotations

from django.apps import AppConfig


class GovernanceConfig(AppConfig):
    """What every lever shares."""

    name = "governance"
    verbose_name = "Governance"

    def ready(self) -> None:
        """Register the system checks and the schema extensions; no query runs."""
        from governance import schema, system_checks  # noqa: F401, PLC0415 -- register by being imported
