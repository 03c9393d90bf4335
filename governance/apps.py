"""The kernel's app."""

from __future__ import annotations

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class GovernanceConfig(AppConfig):
    """What every lever shares."""

    name = "governance"
    verbose_name = "Governance"

    def ready(self) -> None:
        """Register checks, schema extensions and the kernel's actions, and keep the guards of rows; no query runs."""
        from governance import actions, appendonly, register, schema, system_checks  # noqa: F401, PLC0415 -- by import

        register.offer(actions.ACTIONS)
        post_migrate.connect(appendonly.keep, sender=self, dispatch_uid="governance.appendonly")
