"""Accounts and tokens, announced as a lever is: their changes go through the door as every change does."""

from __future__ import annotations

from django.apps import AppConfig


class AccessConfig(AppConfig):
    """Who may act."""

    name = "access"
    verbose_name = "Access"

    def ready(self) -> None:
        """Announce what it offers; no query runs."""
        from access import actions, console, review, schema, signins  # noqa: F401, PLC0415 -- models are loaded only now
        from governance.register import Lever, announce  # noqa: PLC0415

        announce(
            Lever(
                name=self.name,
                title="Access",
                checks=list,
                review=review.section,
                actions=actions.ACTIONS,
                pages=console.PAGES,
            )
        )
