"""Notices, announced as a lever is: their rules go through the door, and their figures stand beside the levers'."""

from __future__ import annotations

from django.apps import AppConfig


class NoticesConfig(AppConfig):
    """Telling people."""

    name = "notices"
    verbose_name = "Notices"

    def ready(self) -> None:
        """Announce what it offers; no query runs."""
        from governance.register import Lever, Retention, announce  # noqa: PLC0415 -- models are loaded only now
        from notices import actions, gauges, jobs, panel, retention, review, telling  # noqa: PLC0415

        announce(
            Lever(
                name=self.name,
                title="Notices",
                checks=review.checks,
                review=review.section,
                actions=actions.ACTIONS,
                retentions=(Retention(retention.TABLE, retention.remove),),
                panel=panel.panel,
                jobs=jobs.every(),
                gauges=gauges.gauges,
                tells=telling.KINDS,
            )
        )
